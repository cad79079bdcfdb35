# SPDX-License-Identifier: MIT
"""The verbs that move tags: a channel put on what was built, and put back.

In:   a Yard and what is asked
Out:  MoveSet: first what would be moved, then what was
May touch: the tags of the registry (the engine's where the stack has none), records; planning only asks
Raises: StackyardError
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stackyard.check.findings import refuse_errors
from stackyard.plan.selection import select
from stackyard.verbs.yard import Yard

if TYPE_CHECKING:
    from stackyard.model.moves import MoveSet


def plan_promotion(yard: Yard, source: str, channel: str, images: Sequence[str] = ()) -> MoveSet:
    """The moves that would put `channel` on what `source` (a tag, a commit) is; nothing is moved yet."""
    from stackyard.plan.channels import asked_of, find_sources, place_of, plan_promotion
    from stackyard.run.tagging import asked
    from stackyard.verbs.groundwork import finish_moves
    from stackyard.verbs.sharing import sync_if_new

    refuse_errors(yard.stack)
    sync_if_new(yard)
    finish_moves(yard)
    known = yard.records.known()
    place = place_of(yard.stack, known)
    sources = find_sources(yard.stack, known, source, select(yard.stack, images), place)
    runs = yard.records.move_sets("", "done")
    found = asked(yard.tags(place), asked_of(yard.stack, sources, channel))
    now = yard.clock.now()
    return plan_promotion(yard.stack, known, source, sources, channel, place, lambda *tag: found[tag], now, runs)


def plan_rollback(yard: Yard, channel: str) -> MoveSet:
    """The moves that would bring `channel` back to what it was before its current set."""
    from stackyard.plan.channels import plan_rollback
    from stackyard.verbs.groundwork import finish_moves
    from stackyard.verbs.sharing import sync_if_new

    sync_if_new(yard)
    finish_moves(yard)
    history = yard.records.move_sets(channel, "done")
    place = history[0].place if history else "engine"
    return plan_rollback(channel, history, yard.tags(place).resolve, yard.clock.now())


def move(
    yard: Yard, moves: MoveSet, *, is_fresh: bool = False, tell: Callable[[str], object] = lambda _: None
) -> MoveSet:
    """Carry a planned promotion or rollback out: all tags or none.

    Args:
        is_fresh: it was planned just now: the tags need not be looked at again.
        tell: gets a sentence if others cannot be told of it yet.
    """
    from stackyard.edges.turn import FOLDER, TAGS, taken
    from stackyard.run.tagging import carry_out
    from stackyard.verbs.sharing import shared_store

    with taken(yard.state / FOLDER / TAGS):
        done = carry_out(moves, yard.tags(moves.place), yard.records, is_fresh=is_fresh)
    shared = shared_store(yard) if moves.place == "registry" else None
    for sentence in shared.flush() if shared is not None else ():
        tell(sentence)
    return done


def channels(yard: Yard) -> dict[str, MoveSet]:
    """What each channel points at: its last promotion that was not rolled back."""
    from stackyard.plan.channels import standing_sets

    return standing_sets(yard.records.move_sets(state="done"))
