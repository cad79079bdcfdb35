# SPDX-License-Identifier: MIT
"""The journal of a stack's moving tags: where it is, and what a killed command left in it.

In:   a Yard, the place of the tags
Out:  a Journal
May touch: as the journal
Beside: verbs/promotion, verbs/__init__, which move tags   Why: docs/explanation/promotion.md
"""

from __future__ import annotations

from stackyard.edges import machine
from stackyard.edges.turn import FOLDER, TAGS
from stackyard.model.known import TagPlace
from stackyard.record.intents import SharedJournal
from stackyard.record.journal import Journal, LocalJournal
from stackyard.run.tagging import finish
from stackyard.verbs.sharing import home_of
from stackyard.verbs.yard import Yard


def journal_of(yard: Yard, place: TagPlace) -> Journal:
    """One for all that is done with a yard: it remembers what it saw when a plan was made."""
    if place not in yard.journals:
        turn, home = yard.state / FOLDER / TAGS, home_of(yard.stack) if place == "registry" else None
        yard.journals[place] = (
            LocalJournal(yard.records, place, turn)
            if home is None
            else SharedJournal(
                yard.records,
                turn,
                yard.registry,
                home,
                yard.clock,
                lambda: machine.token(yard.root),
                yard.tell,
            )
        )
    return yard.journals[place]


def finish_moves(yard: Yard, place: TagPlace) -> None:
    """Finish what killed commands left half moved, before anything else is looked at.

    Args:
        place: where tags are going to be moved; of the registry it is asked what other machines left there.
    """
    left: set[TagPlace] = {moves.place for moves in yard.records.move_sets(state="intended")}
    for each in sorted({*left, place}):
        journal_of(yard, each).recover(lambda moves, beat: finish(yard.tags(moves.place), moves, beat))
