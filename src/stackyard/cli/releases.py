# SPDX-License-Identifier: MIT
"""`stackyard releases`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, json_option, option, shown, write_json
from stackyard.report.releases import releases_data, releases_text
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
