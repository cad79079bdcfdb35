# SPDX-License-Identifier: MIT
"""`stackyard history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from stackyard.cli.common import command, images_argument, json_option, option, shown, write_json
from stackyard.model.moves import MoveSet
from stackyard.model.names import TargetName
from stackyard.model.outcome import RunSummary
from stackyard.plan.selection import select
from stackyard.report.data import history_data
from stackyard.report.summary import history_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard history", "stackyard history ml-notebook -n 5")
@images_argument
@option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many to show."
)
@json_option
def history(yard: Yard, images: tuple[str, ...], limit: int, is_json: bool) -> None:
    """Runs, promotions and rollbacks, newest first; of one image with its digests."""
    names = select(yard.stack, images)
    runs = [_of_run(run, names) for run in yard.records.runs(limit)]
    channels = [_of_moves(moves, names) for moves in yard.records.move_sets() if moves.kind != "run"]
    runs = [run for run in runs if run.outcomes]
    channels = [moves for moves in channels if moves.moves][:limit]
    if is_json:
        write_json(history_data(runs, channels))
    else:
        shown(history_text, runs, channels)


def _of_run(run: RunSummary, names: frozenset[TargetName]) -> RunSummary:
    """The part of a run that is about these targets; targets that left the stack stay with `all`."""
    return msgspec.structs.replace(run, outcomes=tuple(o for o in run.outcomes if o.target in names))


def _of_moves(moves: MoveSet, names: frozenset[TargetName]) -> MoveSet:
    return msgspec.structs.replace(moves, moves=tuple(m for m in moves.moves if m.target in names))
