# SPDX-License-Identifier: MIT
"""The journal of moving tags: who may move them now, what is about to be moved, how it ended.

In:   sets of moves; something that can finish a set that somebody was killed at
Out:  a hold, during which nobody else moves tags of this stack
May touch: the records, a lock of the operating system
Raises: as the records
Beside: record/intents, the same for several machines   Used by: run/tagging, run/moving
Why: docs/explanation/promotion.md

Whoever has the hold finishes first what others left: no set is ever begun on top of one that is half made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec

from stackyard.edges.turn import taken
from stackyard.errors import StackyardError
from stackyard.model.known import TagPlace
from stackyard.model.moves import MoveSet, MoveState
from stackyard.model.names import Tag
from stackyard.model.reference import Reference, Repository
from stackyard.record.sqlite import SqliteRecords


class Ending(NamedTuple):
    """What became of a set that somebody was killed at."""

    state: MoveState
    problem: StackyardError | None = None
    """To be told once; not None where it was put back, which nobody asked for."""
    staying: tuple[Reference, ...] = ()
    """Tags that could not be taken away."""

    def of(self, moves: MoveSet) -> MoveSet:
        """The set as it ended."""
        made = moves.without(self.staying) if self.state == "done" else moves
        return msgspec.structs.replace(made, state=self.state)


Beat = Callable[[], None]
"""Called between requests, so that others see that we live; TakenOver where they thought otherwise."""

Finish = Callable[[MoveSet, Beat], Ending]
"""Makes a set entirely old or entirely new; raises what should be tried again by the next command."""


class Journal(Protocol):
    """One at a time moves tags, and writes down what, before and after."""

    tags: Mapping[Repository, frozenset[Tag]]
    """All tags of a repository, as they were when `recover` looked; nothing where nobody looked."""

    def recover(self, finish: Finish) -> None:
        """Finish what killed commands left; asks little where there is nothing."""

    def held(self, finish: Finish) -> contextlib.AbstractContextManager[bool]:
        """Nobody else moves tags as long as the block lasts. Whether nobody did since `recover`."""

    def intend(self, moves: MoveSet) -> MoveSet:
        """Write a set down before its first move; it comes back as others know it."""

    def beat(self) -> None:
        """See Beat."""

    def end(self, moves: MoveSet, state: MoveState) -> MoveSet:
        """Write down how it ended."""


class LocalJournal:
    """The journal of one machine: a lock of the operating system, and the records' file.

    Args:
        place: whose sets these are.
        turn: the file that is locked.
    """

    tags: Mapping[Repository, frozenset[Tag]] = MappingProxyType({})

    def __init__(self, records: SqliteRecords, place: TagPlace, turn: Path) -> None:
        self._records = records
        self._place = place
        self._turn = turn
        self._last = -1

    def recover(self, finish: Finish) -> None:
        """One look into the file."""
        if self._left():
            with self.held(finish):
                pass
        self._last = self._records.last_moves()[0]

    @contextlib.contextmanager
    def held(self, finish: Finish) -> Iterator[bool]:
        """Waits for its turn."""
        with taken(self._turn):
            is_quiet = self._records.last_moves()[0] == self._last and not self._left()
            for left in self._left():
                ending = finish(left, self.beat)
                self._records.settle(ending.of(left), ending.state)
                if ending.problem:
                    raise ending.problem
            yield is_quiet
            if is_quiet:
                self._last = self._records.last_moves()[0]

    def intend(self, moves: MoveSet) -> MoveSet:
        """One transaction."""
        return self._records.intend(in_order(moves, self._records))

    def beat(self) -> None:
        """The operating system knows that we live."""

    def end(self, moves: MoveSet, state: MoveState) -> MoveSet:
        """One transaction."""
        self._records.settle(moves, state)
        return msgspec.structs.replace(moves, state=state)

    def _left(self) -> list[MoveSet]:
        """Oldest first; no process is at them, for who has the turn."""
        return [moves for moves in reversed(self._records.move_sets(state="intended")) if moves.place == self._place]


def in_order(moves: MoveSet, records: SqliteRecords) -> MoveSet:
    """The set, later than those before it: others see a history in order, too, though two were made within a second,
    or the clock was set back."""
    last = records.last_moves()[1]
    if not last or moves.at > last:
        return moves
    later = datetime.fromisoformat(last) + timedelta(seconds=1)
    return msgspec.structs.replace(moves, at=later.strftime("%Y-%m-%dT%H:%M:%SZ"))
