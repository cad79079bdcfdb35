# SPDX-License-Identifier: MIT
"""`stackyard bases`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, completed_by, json_option, option, shown, write_json
from stackyard.errors import ConfigError
from stackyard.report.bases import accepted_data, accepted_text, bases_data, bases_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command(
    "stackyard bases",
    "stackyard bases debian --refresh",
    "stackyard bases --accept debian:12=sha256:...",
)
@click.argument("words", nargs=-1, metavar="[IMAGE|BASE]...", shell_complete=completed_by("images"))
@option("--refresh", "is_refreshing", is_flag=True, help="Accept what is there now.")
@option("--accept", "accepted", multiple=True, metavar="BASE=DIGEST", help="Accept exactly this; repeatable.")
@option("--offline", "is_offline", is_flag=True, help="Ask nobody.")
@option("--history", "with_history", is_flag=True, help="Also what was accepted before.")
@json_option
def bases(
    yard: Yard,
    words: tuple[str, ...],
    is_refreshing: bool,
    accepted: tuple[str, ...],
    is_offline: bool,
    with_history: bool,
    is_json: bool,
) -> None:
    """What comes from elsewhere, images and what ADD fetches: what each is accepted as, and what it is now.

    A base stays what it was accepted as until --refresh accepts what the registry has, or --accept a digest
    of before; then the images that stand on it are built again. Naming images means what they build on;
    a base can be named itself, with its tag or without, and a download by its address. A registry that does
    not answer is "not checked".
    """
    from stackyard.verbs import bases as verbs

    if sum((is_refreshing, bool(accepted), is_offline)) > 1 or (accepted and words):
        raise ConfigError(
            "--refresh, --accept and --offline exclude each other, and --accept names its bases itself",
            hint="one command at a time",
        )
    if not is_refreshing and not accepted:
        found = verbs.bases(yard, words, is_offline)
        if is_json:
            write_json(bases_data(found))
        else:
            shown(bases_text, found, with_history=with_history)
        return
    done = verbs.accept(yard, accepted) if accepted else verbs.refresh(yard, words)
    changes = [(change.reference, change.was, change.now) for change in done.changes]
    facts = (changes, done.asked, done.following.builds, done.following.waits)
    if is_json:
        write_json(accepted_data(*facts))
    else:
        shown(accepted_text, *facts)
