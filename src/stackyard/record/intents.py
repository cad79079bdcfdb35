# SPDX-License-Identifier: MIT
"""The journal that all machines see: intents in a registry, which keep two from moving tags at once.

In, out: as record/journal.py
May touch: one repository of the registry; the records; a lock of the operating system
Raises: as the records and the registry; TakenOver
Why: docs/explanation/promotion.md
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from stackyard.edges.clock import Clock
from stackyard.edges.registry import Registry
from stackyard.edges.turn import taken
from stackyard.errors import RegistryRefused, StackyardError, TakenOver
from stackyard.model.moves import Exclusion, MoveSet, MoveState
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Repository
from stackyard.model.shared import (
    INTENT_TAG,
    TAG_OF,
    UNDONE_TAG,
    Intent,
    Listed,
    for_others,
    listed,
    moves_name,
)
from stackyard.record.artifacts import read_intent, read_moves, write_intent, write_moves
from stackyard.record.journal import Finish, in_order
from stackyard.record.sqlite import SqliteRecords

LEASE_S = 30.0
"""An intent that did not change for so long is a dead one's."""
BEAT_S = 5.0
POLL_S = 2.0
LISTINGS = 3
"""So often is a list of tags asked for until our own intent is in it."""


NO_LIST = (401, 403, 405)
"""Answers of registries that list tags for nobody, or not for us."""


class SharedJournal:
    """The journal that all machines see: artifacts under tags of their own in one repository, the home.

    Who wants to move tags leaves an intent there, then looks whose intents are open. Whoever left his before this
    look is seen, and whoever leaves one after it sees ours: where a list shows what was written before it was asked
    for, no two go on. Of two that see each other the one with the smaller name waits, the other withdraws and waits.
    An intent that changes no more is a dead one's; its set is finished by who has the hold.

    Args:
        records: what this clone knows; sets are written there as well.
        new_token: a name that nobody else has.
        tell: gets a sentence when somebody else is waited for.
    """

    def __init__(
        self,
        records: SqliteRecords,
        turn: Path,
        registry: Registry,
        home: Repository,
        clock: Clock,
        new_token: Callable[[], str],
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._records = records
        self._turn = turn
        self._registry = registry
        self._home = home
        self._clock = clock
        self._new_token = new_token
        self._tell = tell
        self.tags: Mapping[Repository, frozenset[Tag]] = {}
        self._seen: frozenset[str] = frozenset()
        """Sets that had ended when it was last looked, before a plan was made."""
        self._ended = frozenset[str]()
        """Sets that had ended when we got the hold."""
        self._dead: dict[str, Digest | None] = {}
        """Open intents that did not change for too long, as they were then."""
        self._is_blind = False
        """Whether this registry gives us no list of tags."""
        self._token = ""
        """Our intent's name; empty without a hold."""
        self._intent = Intent()
        self._exclusion: Exclusion = "best effort"
        self._last_beat = 0.0
        self._is_lost = False
        """Whether another machine took our hold; no thread of it may go on."""
        self._beating = threading.Lock()

    # For whoever moves tags

    def recover(self, finish: Finish) -> None:
        """One list of tags."""
        there = self._list()
        if there.open - self._left().keys():
            with taken(self._turn):  # of a process of this machine: it is soon done
                there = self._told(self._list())
            self._wait(there.open - self._left().keys())
        if self._dead or self._left():
            with self.held(finish):
                pass
            there = self._list()
        self._seen = there.ended

    @contextlib.contextmanager
    def held(self, finish: Finish) -> Iterator[bool]:
        """An intent, read back, and a list of tags; more where somebody else is at it."""
        with taken(self._turn):
            try:
                there = self._take()
                is_quiet = there.ended <= self._seen and not (there.open - {self._token}) and not self._left()
                self._ended = self._list().ended if self._finish_left(there, finish) else there.ended
                yield is_quiet
                self._seen |= {self._token} if is_quiet else frozenset()
            finally:
                if self._intent.moves is None:  # a set without an end stays, for whoever comes next
                    self._withdraw()
                self._token, self._intent, self._is_lost = "", Intent(), False

    def intend(self, moves: MoveSet) -> MoveSet:
        """In this clone's records, and in our intent."""
        self.beat()
        moves = msgspec.structs.replace(moves, token=self._token, exclusion=self._exclusion)
        written = self._records.intend(in_order(moves, self._records))
        if not self._token:
            return written
        try:
            self._leave(Intent(for_others(written), self._intent.beat + 1))
        except StackyardError:
            if self._withdraw():
                self._records.settle(written, "undone")
            raise
        return written

    def beat(self) -> None:
        """Leaves our intent anew when it is time; may be called from several threads."""
        with self._beating:
            if self._is_lost:
                raise _lost()
            if not self._token:
                return
            last = self._last_beat
            silent_s = self._clock.ticks() - last
            if silent_s < BEAT_S:
                return
            try:
                self._leave(msgspec.structs.replace(self._intent, beat=self._intent.beat + 1))
                if silent_s > LEASE_S / 2:
                    self._reassure()
            except TakenOver:
                self._is_lost = True
                raise
            except StackyardError:
                self._last_beat = last  # whether others went on is still not known: the next beat asks
                if silent_s > LEASE_S / 2:
                    raise

    def end(self, moves: MoveSet, state: MoveState) -> MoveSet:
        """In the registry first: what it says is so for everybody.

        Where it cannot be told: what was done is done, and told later; what was undone stays open, since others may
        finish it.
        """
        ended = msgspec.structs.replace(moves, state=state)
        try:
            write_moves(self._registry, self._home, ended)
        except StackyardError:
            if state == "undone" and moves.token:
                return moves
        else:
            self._records.note_moves_shared(ended)
            self._intent = Intent()
        self._records.settle(ended, state)
        return ended

    # The hold

    def _take(self) -> Listed:
        """Our intent is there and nobody else's that lives; the list that says so."""
        while True:
            self._token = self._new_token()
            try:
                self._leave(Intent())
            except RegistryRefused as error:
                if not 400 <= int(str(error.status)) < 429:
                    raise
                return self._go_alone(error)
            there = self._told(self._list_with_ours())
            living = self._living(there)
            if not living:
                return there
            if min(living) > self._token:
                self._wait(living)
                return self._list()
            self._withdraw()
            self._wait(living)

    def _go_alone(self, error: StackyardError) -> Listed:
        """Without an intent, where we may write none: others do not see us, we see them."""
        self._token, self._exclusion = "", "machine"
        self._tell(f"other machines are not kept from moving the same tags, and could not finish this: {error}")
        self._wait(self._living(self._list()))
        return self._list()

    def _leave(self, intent: Intent) -> None:
        begun = self._clock.ticks()
        write_intent(self._registry, self._home, Tag(INTENT_TAG + self._token), intent)
        self._intent, self._last_beat = intent, begun

    def _withdraw(self) -> bool:
        """Take our intent away: True if it is; else others see that it is a dead one's."""
        try:
            if self._token:
                self._clear(self._token)
        except StackyardError:
            return False
        self._token, self._intent = "", Intent()
        return True

    def _clear(self, name: str) -> None:
        """Take an intent away; where tags cannot be, one more says that nothing came of it, if no other does."""
        if not self._registry.untag(self._home, Tag(INTENT_TAG + name)) and (
            name in self._list().open or self._is_blind
        ):
            write_intent(self._registry, self._home, Tag(UNDONE_TAG + name), Intent())

    def _told(self, there: Listed) -> Listed:
        """The list, once it says of our own sets what could not be said when they were done."""
        late = (
            [moves for moves in self._records.unshared_moves() if moves_name(moves) in there.open] if there.open else []
        )
        for moves in late:
            write_moves(self._registry, self._home, moves)
            self._records.note_moves_shared(moves)
            self._clear(moves_name(moves))
        return self._list() if late else there

    def _list(self) -> Listed:
        """Nothing where we may not ask: then nobody is seen, and nobody is waited for."""
        try:
            tags = self._registry.list_tags(self._home)
            self.tags = {self._home: frozenset(tags)}
            return listed(tags)
        except RegistryRefused as error:
            if error.status not in NO_LIST:
                raise
            self._is_blind = True
            return Listed(frozenset(), frozenset(), frozenset())

    def _list_with_ours(self) -> Listed:
        """A list that has our own intent, and so those that were there before it."""
        for attempt in range(LISTINGS):
            there = self._list()
            if self._is_blind:
                self._exclusion = "machine"
                return there
            if self._token in there.open:
                self._exclusion = "best effort" if attempt else "exact"
                return there
            self._clock.sleep(POLL_S)
        self._exclusion = "best effort"
        return there

    # The others

    def _living(self, there: Listed) -> frozenset[str]:
        """Open intents of others that were not seen to be dead, or that changed since."""
        others = there.open - {self._token} - self._left().keys()
        for name in sorted(others & self._dead.keys()):
            if self._state(name) != self._dead[name]:
                del self._dead[name]
        return others - self._dead.keys()

    def _wait(self, names: frozenset[str]) -> None:
        """Until each of these came to an end, or did not change for too long."""
        if names:
            self._tell("another machine is moving tags of this stack; it is waited for")
        since = {name: (self._state(name), self._clock.ticks()) for name in sorted(names)}
        while since:
            self._clock.sleep(POLL_S)
            if self._token:
                self.beat()
            is_open = self._list().open
            for name, (state, at) in list(since.items()):
                now, ticks = self._state(name), self._clock.ticks()
                if name not in is_open or now is None:
                    del since[name]
                elif now != state:
                    since[name] = (now, ticks)
                elif ticks - at >= LEASE_S:
                    self._dead[name] = now
                    del since[name]

    def _state(self, name: str) -> Digest | None:
        return self._registry.resolve(self._home, Tag(INTENT_TAG + name))

    def _left(self) -> dict[str, MoveSet]:
        """What commands of this clone left; no process is at it, for who has the turn."""
        sets = reversed(self._records.move_sets(state="intended"))
        return {moves_name(moves): moves for moves in sets if moves.place == "registry"}

    def _finish_left(self, there: Listed, finish: Finish) -> bool:
        """Finish every set that somebody was killed at, oldest first; those of others only where we may. If any was."""
        sets, denied = self._left(), set[str]()
        for name in sorted(there.open & self._dead.keys()):
            intent = read_intent(self._registry, self._home, Tag(INTENT_TAG + name))
            if intent is not None and intent.moves is not None:
                sets.setdefault(name, intent.moves)
            elif intent is not None:
                self._clear(name)
        for name, moves in sorted(sets.items(), key=lambda each: each[1].at):
            if (ended := self._end_of(name, moves)) is not None:  # another machine was there before us
                self._keep(ended)
                continue
            try:
                ending = finish(moves, self.beat)
            except StackyardError as error:
                if moves.id or not _is_denied(error):
                    raise
                self._tell(f"tags that another machine left half moved stay so, since we may not move them: {error}")
                denied.add(name)
                continue
            ended = ending.of(moves)
            if moves.token:
                write_moves(self._registry, self._home, ended)
            self._keep(ended)
            self._clear(name)
            if ending.problem:
                raise ending.problem
        self._dead = {name: state for name, state in self._dead.items() if name in denied}
        return bool(sets)

    def _end_of(self, name: str, moves: MoveSet) -> MoveSet | None:
        """How a set ended, asked of its own tags: a list may be older."""
        states: tuple[MoveState, ...] = ("done", "undone")
        for state in states:
            tag = Tag(TAG_OF[state] + name)
            if self._registry.resolve(self._home, tag) is not None:
                ended = read_moves(self._registry, self._home, tag) or moves
                return msgspec.structs.replace(ended, state=state, id=moves.id)
        return None

    def _keep(self, ended: MoveSet) -> None:
        """Write down here what became of a set, ours or another's."""
        if ended.id:
            self._records.settle(ended, ended.state)
            self._records.note_moves_shared(ended)
        else:
            self._records.merge_moves([ended])

    def _reassure(self) -> None:
        """We were silent for long: TakenOver if others went on without us."""
        there = self._list()
        if self._is_blind:
            return
        others = there.open - {self._token} - self._dead.keys()
        if others or self._token not in there.open or not there.ended <= self._ended:
            raise _lost()


def _lost() -> TakenOver:
    return TakenOver(
        "the tags are not all moved: this took so long without a word to the registry that another machine took it "
        "for dead, and finishes it",
        hint="the next command tells what became of it",
    )


def _is_denied(error: BaseException) -> bool:
    """Whether it is said, or was in the first place, that we may not write there."""
    cause = error.__cause__ or error
    return isinstance(cause, RegistryRefused) and cause.status in (401, 403)
