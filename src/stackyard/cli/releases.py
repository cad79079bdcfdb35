# SPDX-License-Identifier: MIT
"""`stackyard releases`, `stackyard show` and `stackyard where`: what was promoted, and what is where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, completed_by, json_option, option, shown, write_json
from stackyard.report.releases import releases_data, releases_text
from stackyard.report.shown import shown_data, shown_text, where_data, where_text
from stackyard.verbs import showing
from stackyard.verbs.promotion import channels

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard releases", "stackyard releases -n 5 --json")
@option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many to show."
)
@json_option
def releases(yard: Yard, limit: int, is_json: bool) -> None:
    """Sets of images that were promoted, newest first, and the channels that stand at each.

    A release never changes: it names each image by digest. Every promotion makes one, unless it is of a
    release; `stackyard promote NAME --to CHANNEL` takes one to another channel. What other machines
    promoted is there after `stackyard records sync`.
    """
    found = list(yard.records.releases())[:limit]
    standing = {name: moves.release for name, moves in channels(yard).items()}
    if is_json:
        write_json(releases_data(found, standing))
    else:
        shown(releases_text, found, standing)


@command("stackyard show stable", "stackyard show 2026-fall --json", "stackyard show sha256:1f0c9a2b7d3e")
@click.argument("name", metavar="CHANNEL|TAG|DIGEST|RELEASE", shell_complete=completed_by("names"))
@json_option
def show(yard: Yard, name: str, is_json: bool) -> None:
    """What a name stands for: its images by digest, what they were made from, how their tests ended.

    A release is looked for first, then a channel, then a tag, which may be a template: {prefix}-main. Of a
    digest, seven digits are enough; it may be that of a manifest, of an image in the engine, or of contents.
    The records answer: nobody else is asked.
    """
    found = showing.show(yard, name)
    if is_json:
        write_json(shown_data(found))
    else:
        shown(shown_text, found)


@command("stackyard where sha256:1f0c9a2b7d3e", "stackyard where sha256:1f0c9a2b7d3e --json")
@click.argument("digest", metavar="DIGEST")
@json_option
def where(yard: Yard, digest: str, is_json: bool) -> None:
    """What holds an image: tags that are at it, releases, channels, and children that were built on it.

    Seven digits are enough. The records answer: nobody else is asked.
    """
    found = showing.where(yard, digest)
    if is_json:
        write_json(where_data(found))
    else:
        shown(where_text, found)
