# SPDX-License-Identifier: MIT
"""`stackyard promote` and `stackyard rollback`: preview, ask, move."""

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
    rendered,
    shown,
    write,
    write_json,
    yes_option,
)
from stackyard.cli.session import EXIT_FAILED
from stackyard.errors import ConfigError
from stackyard.model.moves import AskedPromotion
from stackyard.report.data import FORMAT, moves_data
from stackyard.report.gates import gates_text
from stackyard.report.preview import preview_data, preview_text
from stackyard.report.summary import moves_text
from stackyard.report.text import count_text, few
from stackyard.verbs import promotion

if TYPE_CHECKING:
    from stackyard.model.moves import MoveSet
    from stackyard.verbs import Yard


@command(
    "stackyard promote 2026.3-main --to stable",
    "stackyard promote 1a2b3c4 --to stable --release 2026-fall --notes 'for the fall quarter'",
    "stackyard promote 2026-fall --to exam --dry-run",
    options_metavar="[OPTIONS] --to CHANNEL",
)
@click.argument("source", metavar="TAG|COMMIT|RELEASE", required=False)
@option(
    "--to",
    "channel",
    metavar="CHANNEL",
    shell_complete=completed_by("channels"),
    help="A tag, or a template such as {prefix}-stable.",
)
@option(
    "--image",
    "images",
    multiple=True,
    metavar="IMAGE",
    shell_complete=completed_by("images"),
    help="Only this image; repeatable.",
)
@option("--release", metavar="NAME", default="", help="What to call this set of images from now on.")
@option("--notes", metavar="TEXT", default="", help="What is to be said of it.")
@option(
    "--override", "overridden", multiple=True, metavar="GATE", help="Promote although GATE has not passed; repeatable."
)
@option("--reason", default="", metavar="WHY", help="Why it is overridden: shown for ever.")
@option(
    "--accept-registry",
    "accept_because",
    metavar="REASON",
    default="",
    help="Where tags differ from the records, take them as they are, and note why.",
)
@option(
    "--trust-records",
    "is_trusting",
    is_flag=True,
    help="Do not look where tags are: half the requests, and what others moved is overwritten.",
)
@option(
    "--original-tag",
    metavar="TAG",
    help="As the DataHub workflow: put 2026.3-stable on what 2026.3-main is.",
)
@option(
    "--stable-prefix",
    metavar="PREFIX",
    help="As the DataHub workflow: put stable on what 2026.3-stable is.",
)
@dry_run_option
@yes_option
@json_option
def promote(
    yard: Yard,
    source: str | None,
    channel: str | None,
    images: tuple[str, ...],
    release: str,
    notes: str,
    overridden: tuple[str, ...],
    reason: str,
    accept_because: str,
    is_trusting: bool,
    original_tag: str | None,
    stable_prefix: str | None,
    dry_run: bool,
    yes: bool,
    is_json: bool,
) -> int:
    """Point CHANNEL at the images of TAG, COMMIT or RELEASE, all or none. Tags may be templates: {prefix}-main.

    `@good` is the newest run of the branch in which every image passed the gates of the channel.
    The source is resolved once, to digests, through the records; nothing is pulled or built. It is refused
    while a gate of the channel has not passed (the tests of its images, and what the spec lists under `channels`),
    or where an image stands on another parent than the one in the channel. The set is kept as a release. What
    the channel was before is written down: `rollback` brings it back.
    In a terminal it asks after the preview; elsewhere it needs --yes.
    """
    if original_tag is not None or stable_prefix is not None:
        asked = _as_in_datahub(yard, source or channel, original_tag, stable_prefix)
        source, channel, images = asked.source, asked.channel, images or asked.images
    if source is None or channel is None:
        missing = "argument 'TAG|COMMIT|RELEASE'" if source is None else "option '--to'"
        raise click.UsageError(f"missing {missing}", click.get_current_context())
    wish = AskedPromotion(
        source,
        channel,
        images,
        release,
        notes,
        overridden,
        reason,
        accept_because=accept_because,
        is_trusting=is_trusting,
    )
    return _move(yard, promotion.plan_promotion(yard, wish), dry_run, yes, is_json)


def _as_in_datahub(
    yard: Yard, other: str | None, original_tag: str | None, stable_prefix: str | None
) -> AskedPromotion:
    """What one of the two old inputs means; ConfigError beside another one."""
    from stackyard.plan.old_inputs import of_original_tag, of_stable_prefix

    if other is not None or (original_tag is not None and stable_prefix is not None):
        raise ConfigError(
            "--original-tag and --stable-prefix each say all: what is promoted, and where to",
            hint="leave the rest out, or write `stackyard promote TAG --to CHANNEL`",
        )
    if original_tag is not None:
        return of_original_tag(yard.stack, original_tag)
    return of_stable_prefix(yard.stack, stable_prefix or "")


@command("stackyard rollback stable", "stackyard rollback stable --to 2026-fall", "stackyard rollback stable --dry-run")
@click.argument("channel", metavar="CHANNEL", shell_complete=completed_by("channels"))
@option(
    "--to",
    "release",
    metavar="RELEASE",
    default="",
    shell_complete=completed_by("releases"),
    help="To this earlier one of the channel's releases.",
)
@dry_run_option
@yes_option
@json_option
def rollback(yard: Yard, channel: str, release: str, dry_run: bool, yes: bool, is_json: bool) -> int:
    """Bring CHANNEL back to what it was before its current set, or to an earlier release of its own.

    In a terminal it asks after the preview; elsewhere it needs --yes.
    """
    return _move(yard, promotion.plan_rollback(yard, channel, release), dry_run, yes, is_json)


def _move(yard: Yard, moves: MoveSet, dry_run: bool, yes: bool, is_json: bool) -> int:
    seen = promotion.preview(yard, moves, is_asking=not yes)
    if not is_json:
        shown(moves_text, moves)
        write("")
        if moves.gates:
            shown(gates_text, moves.gates)
            write("")
        if told := rendered(preview_text, seen):
            write(f"{told}\n")
        flush()
    promotion.refuse_closed(moves)
    if not dry_run:
        if moves.changes and not confirmed("Move these tags?", yes, is_json):
            write("Nothing was moved.")
            return EXIT_FAILED
        moves = promotion.move(yard, moves, is_fresh=yes, tell=write)  # nobody was waited for
    if is_json:
        write_json({"format": FORMAT, **moves_data(moves), **preview_data(seen)})
    elif dry_run:
        write("Nothing was moved (--dry-run).")
    elif not moves.changes:
        write(f"{moves.channel} is there already: nothing had to be moved.")
    else:
        gone = sum(1 for move in moves.changes if move.now is None)
        stay = len(moves.moves) - len(moves.changes)
        also = f", {count_text(gone, 'new tag')} taken away" if gone else ""
        also += f", {count_text(stay, 'tag')} already there" if stay else ""
        write(f"{moves.channel}: {count_text(len(moves.changes) - gone, 'tag')} moved{also}.")
    if moves.staying and not is_json and not dry_run:
        names = few([str(reference) for reference in moves.staying])
        write(f"Did not exist before, and stay, since the registry takes no tag away: {names}.")
    return 0
