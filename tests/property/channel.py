# SPDX-License-Identifier: MIT
"""A channel that several machines move at once, step by step: who goes on next, who fails and who dies is decided here.

Every request and every write to the records is a step. One command takes one step at a time, so a seed repeats
everything. Time passes when nobody has anything to do but wait: who lives is never so slow that he seems dead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from stackyard.errors import RecordProblem, RegistryRefused, RegistryUnreachable, StackyardError
from stackyard.model import canonical
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Repository
from stackyard.model.shared import INTENT_TAG, MOVES_TAG, UNDONE_TAG, Listed, listed
from stackyard.record.intents import SharedJournal
from stackyard.record.sqlite import SqliteRecords
from stackyard.run.tagging import carry_out, finish
from stackyard.run.tags import RegistryTags, looked
from stackyard.testing import MemoryRegistry

NAMES = ("base", "left", "right", "top")
HOME = Repository("registry.example/lab/base")
STABLE = Tag("stable")
ENDS = (MOVES_TAG, UNDONE_TAG)
MACHINES = 3


class Killed(BaseException):
    """`kill -9`: nothing that this command does from here on has any effect."""


class Broken(AssertionError):
    """What must never be is."""


@dataclass
class Command:
    """One command on one machine, in a thread that waits for each of its steps."""

    name: str
    work: Callable[[Command], object]
    may_fail: bool
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    wakes_at: float = 0.0
    is_over: bool = False
    is_dead: bool = False
    verdict: str = "go"
    error: BaseException | None = None
    defect: BaseException | None = None
    """What no command may end with."""


class Channel:
    """Tags of three repositories, a few machines, and what happened."""

    def __init__(self, root: Path, random: Random, journal: type[SharedJournal] = SharedJournal) -> None:
        self.root, self.random, self.journal = root, random, journal
        self.registry = MemoryRegistry(can_untag=random.random() < 0.5)
        self.now_s = 1767225600.0
        self.back = threading.Semaphore(0)
        self.sets: list[MoveSet] = []
        """Every set that anybody asked for."""
        self.strangers: dict[str, Digest] = {}
        """Image -> what somebody who knows nothing of journals put there, as long as it stays."""
        self.theirs: set[Digest] = set()
        self.moving: set[str] = set()
        """Commands that live and have moved a tag of a set that has no end yet."""
        self.made = 0
        self.log: list[str] = []
        self.ends: list[str] = []
        """What was promoted, in the order in which it was done."""
        for name in NAMES:
            self.registry.add_image(self.repository(name), "old" if random.random() < 0.3 else "stable", "old")
        self.states = [self.tags()]
        """What the channel may be: what it was, and what each set makes of it."""
        for machine in range(MACHINES):
            (root / str(machine)).mkdir(parents=True)

    def repository(self, name: str) -> Repository:
        return Repository(f"registry.example/lab/{name}")

    def image(self, content: str) -> tuple[Digest, ...]:
        """A new image for each name."""
        return tuple(self.registry.add_image(self.repository(name), None, f"{content} {name}").digest for name in NAMES)

    def tags(self) -> tuple[Digest | None, ...]:
        """Where the channel is."""
        return tuple(self.registry.tags(self.repository(name)).get(STABLE) for name in NAMES)

    def listed(self) -> Listed:
        """What the journal says."""
        return listed(self.registry.tags(HOME))

    # Steps

    def step(self, command: Command, what: str, act: Callable[[], Any]) -> Any:
        """One request, or one write to a file: when it is this command's turn, and as the world decides."""
        if command.is_dead:
            raise Killed
        self.back.release()
        command.go.acquire()
        verdict, command.verdict = command.verdict, "go"
        if verdict != "go":
            self.log.append(f"{command.name}: {verdict} at {what}")
        if verdict == "dies":
            command.is_dead = True
            raise Killed
        if verdict == "fails":
            raise self._error(what)
        if verdict == "is lost" and what.startswith("put"):
            return None
        done = act()
        if verdict == "answer is lost":
            raise self._error(what)
        if verdict == "dies after":
            command.is_dead = True
            raise Killed
        return done

    def _error(self, what: str) -> StackyardError:
        if what.startswith("records"):
            return RecordProblem("the records cannot be used: database or disk is full")
        if self.random.random() < 0.5:
            return RegistryUnreachable("cannot reach registry registry.example", address="registry.example")
        # Who is refused an intent for good goes on alone, and is kept from nothing: test_intents.py.
        status = 500 if what.startswith(f"put {INTENT_TAG}") else self.random.choice([500, 500, 400])
        return RegistryRefused("registry registry.example refused", status=status)

    def play(self, commands: list[Command]) -> None:
        """All of them at once, until each came to an end."""
        for command in commands:
            threading.Thread(target=self._run, args=(command,), daemon=True).start()
        for _ in commands:
            self.back.acquire()
        while todo := [command for command in commands if not command.is_over]:
            ready = [command for command in todo if command.wakes_at <= self.now_s]
            if not ready:
                self.now_s = min(command.wakes_at for command in todo)
                continue
            command = self.random.choice(ready)
            if command.may_fail and self.random.random() < 0.04:
                verdicts = ["dies", "dies after", "fails", "answer is lost", "is lost"]
                command.verdict = self.random.choice(verdicts)
            command.go.release()
            self.back.acquire()
        for command in commands:
            if command.defect is not None:
                raise command.defect

    def _run(self, command: Command) -> None:
        try:
            self.step(command, "begin", lambda: None)
            command.work(command)
        except (StackyardError, Killed) as error:  # it was told, or could not be
            command.error = error
        except BaseException as error:
            command.defect = error
        finally:
            self.moving.discard(command.name)
            command.is_over = True
            self.back.release()

    # Commands

    def promotion(self, machine: int, *, may_fail: bool = True) -> Command:
        """`stackyard promote`, all tags to a new image; or a rollback, that takes some of them away as well."""
        self.made += 1
        is_back = self.registry.can_untag and self.random.random() < 0.3
        digests = tuple(
            None if is_back and self.random.random() < 0.4 else digest for digest in self.image(f"image {self.made}")
        )
        name = f"promotion {self.made} on {machine}"

        def work(command: Command) -> MoveSet:
            records, journal, store = self._doors(machine, command)
            try:
                journal.recover(partial(finish, store))
                planned = tuple(
                    TagMove(TargetName(each), self.repository(each), STABLE, None, digest)
                    for each, digest in zip(NAMES, digests, strict=True)
                )
                was = looked(store, planned)
                moves = tuple(
                    TagMove(each.target, each.repository, each.tag, at, each.now)
                    for each, at in zip(planned, was, strict=True)
                )
                wanted = MoveSet("promote", "registry", "stable", name, _Clock(self, command).now(), moves)
                self.sets.append(wanted)
                self.states.append(digests)
                return carry_out(wanted, store, journal, is_fresh=self.random.random() < 0.7)
            finally:
                records.close()

        return Command(name, work, may_fail)

    def next_command(self, machine: int) -> Command:
        """Any command that moves tags, before it does; nothing fails."""

        def work(command: Command) -> None:
            records, journal, store = self._doors(machine, command)
            try:
                for _ in range(5):  # it may tell of sets that were put back, once each
                    try:
                        journal.recover(partial(finish, store))
                        return
                    except StackyardError as error:
                        self.log.append(f"{command.name}: {error}")
                raise Broken("it does not come to an end")
            finally:
                records.close()

        return Command(f"next command on {machine}", work, may_fail=False)

    def _doors(self, machine: int, command: Command) -> tuple[SqliteRecords, SharedJournal, RegistryTags]:
        folder = self.root / str(machine)
        records = _Records(self, command, folder / "records.sqlite3")
        door: Any = _Door(self, command)
        tokens = iter(range(10**6))
        self.made += 1
        token = f"{self.random.randrange(16**4):04x}{self.made:04x}"
        clock: Any = _Clock(self, command)
        journal = self.journal(
            records, folder / "turn", door, HOME, clock, lambda: f"{token}{next(tokens):03}{machine}"
        )
        return records, journal, RegistryTags(door, connections=1)

    # The world

    def stranger(self) -> None:
        """Somebody pushes to a tag of the channel."""
        name = self.random.choice(NAMES)
        self.made += 1
        self.strangers[name] = self.registry.add_image(self.repository(name), "stable", f"stranger {self.made}").digest
        self.theirs.add(self.strangers[name])
        self.log.append(f"a stranger moves {name}")

    def begin(self, command: Command) -> None:
        """A command moves a tag: Broken where another one is at it."""
        others = self.moving - {command.name}
        if others:
            raise Broken(f"{command.name} and {others} move tags at once")
        self.moving.add(command.name)

    def written(self, name: str, digest: Digest | None) -> None:
        """A command is about to move a tag; Broken where it does not know what is there."""
        theirs = self.strangers.pop(name, None)
        if digest in self.theirs:  # put back
            self.strangers[name] = digest
        if theirs is None:
            return
        at = NAMES.index(name)
        knew = any(
            theirs in (each.moves[at].was, each.moves[at].now) for each in self.sets if _moves_to(each, at, digest)
        )
        if not knew:
            raise Broken(f"{name} of a stranger was overwritten")

    # What has to be so

    def check(self) -> None:
        """After the next command on some machine; then after one on each."""
        for machines in ([self.random.randrange(MACHINES)], range(MACHINES)):
            for machine in machines:
                self.play([self.next_command(machine)])
            self._check_whole()
        self._check_histories()

    def _check_whole(self) -> None:
        if self.listed().open:
            raise Broken(f"open: {self.listed().open}")
        mine = [at for at, name in enumerate(NAMES) if name not in self.strangers]
        is_whole = any(all(self.tags()[at] == state[at] for at in mine) for state in self.states)
        if not is_whole and not (self.theirs and not self.registry.can_untag):
            raise Broken(f"a mix: {self.tags()}")
        last = [each for each in self.sets if self.ends and each.source == self.ends[-1]]
        is_there = not last or self.tags() == tuple(move.now for move in last[0].moves)
        if not is_there and not self.theirs:
            raise Broken(f"the history ends with {self.ends[-1]}, and the tags are elsewhere")

    def _check_histories(self) -> None:
        ended = self.listed()
        for machine in range(MACHINES):
            records = SqliteRecords(self.root / str(machine) / "records.sqlite3")
            for moves in records.move_sets():
                said = "done" if moves.token in ended.done else "undone"
                if moves.token and moves.state != said and moves.token in ended.ended:
                    raise Broken(f"{moves.source} is {moves.state} on {machine}, and {said} for others")
                if moves.state == "intended":
                    raise Broken(f"{moves.source} is open on {machine}")
            records.close()


def _moves_to(moves: MoveSet, at: int, digest: Digest | None) -> bool:
    return digest in (moves.moves[at].now, moves.moves[at].was)


class _Door:
    """One command's way to the registry."""

    def __init__(self, channel: Channel, command: Command) -> None:
        self._channel, self._command = channel, command

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def call(repository: Repository, *rest: Any, **_: Any) -> Any:
            tag = str(rest[0]) if rest else ""

            def act() -> Any:
                if tag == STABLE and verb in ("put", "untag"):
                    self._channel.begin(self._command)
                    self._channel.written(repository.rpartition("/")[2], rest[1].digest if verb == "put" else None)
                if tag.startswith(ENDS) and verb == "put":
                    self._channel.moving.discard(self._command.name)
                if tag.startswith(MOVES_TAG) and verb == "put":
                    self._channel.ends.append(_source(rest[1]))
                return getattr(self._channel.registry, verb)(repository, *rest)

            return self._channel.step(self._command, f"{verb} {tag}", act)

        return call

    def put(self, repository: Repository, tag: Tag, manifest: Any, *, is_read_back: bool = True) -> None:
        """As the real one: what was put is read back."""
        self.__getattr__("put")(repository, tag, manifest)
        if is_read_back and self.resolve(repository, tag) != manifest.digest:
            raise RegistryRefused("it reads back as something else", status=500)


def _source(manifest: Any) -> str:
    return canonical.decode(next(iter(manifest.annotations.values())), MoveSet).source


class _Records(SqliteRecords):
    """Records whose writes are steps."""

    def __init__(self, channel: Channel, command: Command, path: Path) -> None:
        super().__init__(path)
        self._channel, self._command = channel, command

    def intend(self, moves: MoveSet) -> MoveSet:
        made: MoveSet = self._channel.step(
            self._command, "records: intend", lambda: super(_Records, self).intend(moves)
        )
        return made

    def settle(self, moves: MoveSet, state: Any) -> None:
        self._channel.step(self._command, "records: settle", lambda: super(_Records, self).settle(moves, state))


class _Clock:
    """One command's clock: a pause lets others go on."""

    def __init__(self, channel: Channel, command: Command) -> None:
        self._channel, self._command = channel, command

    def now(self) -> str:
        return f"2026-01-01T00:00:{self._channel.random.randrange(60):02}Z"  # set back, set forward

    def ticks(self) -> float:
        return self._channel.now_s

    def sleep(self, seconds: float) -> None:
        self._command.wakes_at = self._channel.now_s + seconds
        self._channel.step(self._command, "pause", lambda: None)
