# SPDX-License-Identifier: MIT
"""`stackyard adopt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard.cli.common import (
    command,
    confirmed,
    dry_run_option,
    flush,
    images_argument,
    json_option,
    option,
    shown,
    write,
    write_json,
    yes_option,
)
from stackyard.cli.session import EXIT_FAILED
from stackyard.report.adopt import adopted_text, adoption_data, adoption_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard

_WHY = "this writes records that others plan by, and there is nobody to ask here"


@command("stackyard adopt --dry-run", "stackyard adopt --tag '{stable}' --yes", "stackyard adopt --at v1.9.0")
@images_argument
@option(
    "--tag",
    metavar="TAG|last_updated",
    help="What is published: a tag, a template, or the stamps of last_updated.yaml.",
)
@option("--at", metavar="COMMIT", default="HEAD", show_default=True, help="The commit that it was made from.")
@dry_run_option
@yes_option
@json_option
def adopt(
    yard: Yard, images: tuple[str, ...], tag: str | None, at: str, dry_run: bool, yes: bool, is_json: bool
) -> int:
    """Count the images that are published already as built from the files of a commit: write their records.

    Without --tag it is the stamp of last_updated.yaml for versions that have one, and the tag of the branch
    for all others. That an image stands on its parent is told by their layers; one that does not is left out.
    Nothing is pulled, built or moved; each image gets a content tag. No test of it was seen: that stays on it.
    In a terminal it asks after the preview; elsewhere it needs --yes.
    Exit code 1 if something is left out.
    """
    from stackyard.verbs import adopt as verbs

    found = verbs.adopting(yard, images, tag, at)
    adoption = found.adoption
    if not is_json:
        shown(adoption_text, adoption)
        write("")
        flush()
    if not dry_run and adoption.new:
        if not confirmed("Write records of these images?", yes, is_json, _WHY):
            write("Nothing was written.")
            return EXIT_FAILED
        adoption = verbs.adopt(yard, found)
    if is_json:
        write_json(adoption_data(adoption))
    else:
        shown(adopted_text, adoption, is_dry=dry_run)
    return 0 if adoption.is_good else EXIT_FAILED
