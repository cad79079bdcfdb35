# SPDX-License-Identifier: MIT
"""`stackyard copy`: preview, ask, copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard.cli.common import (
    command,
    completed_by,
    confirmed,
    dry_run_option,
    flush,
    json_option,
    option,
    shown,
    write,
    write_json,
    yes_option,
)
from stackyard.cli.session import EXIT_FAILED
from stackyard.report.copying import copied_text, copying_data, copying_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard

_WHY = "this publishes images in another registry, and there is nobody to ask here"


@command(
    "stackyard copy stable --to public",
    "stackyard copy 2026.3-1a2b3c4 --to ghcr.io/campus --tag 1.4.0 --latest",
    options_metavar="[OPTIONS] --to REGISTRY",
)
@click.argument("source", metavar="TAG|COMMIT|RELEASE")
@option("--to", "to", required=True, metavar="REGISTRY", help="A name of `registries` in the spec, or an address.")
@option("--tag", "tags", multiple=True, metavar="TAG", help="What it is called there; repeatable. Else as it is here.")
@option("--latest", "is_latest", is_flag=True, help="Also `latest`, if no higher version is there.")
@option(
    "--image",
    "images",
    multiple=True,
    metavar="IMAGE",
    shell_complete=completed_by("images"),
    help="Only this image; repeatable.",
)
@dry_run_option
@yes_option
@json_option
def copy(
    yard: Yard,
    source: str,
    to: str,
    tags: tuple[str, ...],
    is_latest: bool,
    images: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    is_json: bool,
) -> int:
    """Copy the images of TAG, COMMIT or RELEASE to another registry, whole: all platforms, and what refers to them.

    The source is resolved once, to digests, through the records. Only what the other registry lacks travels,
    and where it is the same registry nothing does. Tags move when all images are there, all or none;
    a version such as 1.4.0 is published once, and `latest` moves only with --latest and never back.
    In a terminal it asks after the preview; elsewhere it needs --yes.
    """
    from stackyard.verbs import copying as verbs

    copying = verbs.plan_copying(yard, source, to, images, tags, is_latest)
    if not is_json:
        shown(copying_text, copying)
        write("")
        flush()
    travelled = None
    if not dry_run:
        if not confirmed("Copy these images?", yes, is_json, _WHY):
            write("Nothing was copied.")
            return EXIT_FAILED
        copying, travelled = verbs.copy(yard, copying)
    if is_json:
        write_json(copying_data(copying, travelled))
    elif travelled is None:
        write("Nothing was copied (--dry-run).")
    else:
        shown(copied_text, copying, travelled)
    return 0
