# SPDX-License-Identifier: MIT
"""Decide what to start next as jobs finish or fail.

In:   targets with their parents and actions (once), then one Event at a time
Out:  Instructions for run/driver to carry out, in order
Pure: no clock, disk, network, process, thread

The rules it keeps:
- a child may build as soon as its parents' content is there; their tests run beside it;
- nothing of a target is published before its own tests and those of all its ancestors passed;
- when a target fails, its descendants are skipped because of it, and unrelated branches go on;
- moving tags move at the end, all or none per connected set.

A target goes through: waiting -> (decide) -> content -> tests -> publish -> done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from stackyard.model.names import TargetName
from stackyard.model.plan import Action

Job = Literal["decide", "build", "fetch", "test", "publish"]


class Node(msgspec.Struct, frozen=True):
    """One target as the machine sees it."""

    parents: tuple[TargetName, ...]
    action: Action
    expected_s: float = 0.0


class Limits(msgspec.Struct, frozen=True):
    """How many jobs of a kind may run at once."""

    builds: int = 2
    tests: int = 1
    """One by default: image tests of the convention publish fixed ports of the host."""
    transfers: int = 4

    def of(self, job: Job) -> int | None:
        """The limit for a job; deciding has none."""
        return {"build": self.builds, "test": self.tests, "fetch": self.transfers, "publish": self.transfers}.get(job)


# Events: what happened.


class Decided(msgspec.Struct, frozen=True):
    """The decision on a target whose parents' content is now known."""

    target: TargetName
    action: Action


class Finished(msgspec.Struct, frozen=True):
    """A job came to its end."""

    job: Job
    target: TargetName
    is_good: bool


class Moved(msgspec.Struct, frozen=True):
    """The moving tags of a set were moved, or were not."""

    targets: tuple[TargetName, ...]


class Stopped(msgspec.Struct, frozen=True):
    """Someone wants the run to end: what runs may finish, nothing new starts."""


Event = Decided | Finished | Moved | Stopped


# Instructions: what to do.


class Start(msgspec.Struct, frozen=True):
    """Do a job of a target."""

    job: Job
    target: TargetName


class Skip(msgspec.Struct, frozen=True):
    """A target will not be done, because of another."""

    target: TargetName
    because: TargetName


class Move(msgspec.Struct, frozen=True):
    """Move the moving tags of these targets, all or none."""

    targets: tuple[TargetName, ...]


class End(msgspec.Struct, frozen=True):
    """Nothing is left to do."""


Instruction = Start | Skip | Move | End

_State = Literal["waiting", "deciding", "content", "tests", "held", "publishing", "good", "failed", "skipped"]


class Machine:
    """The state of one run. Feed it events; do what it answers."""

    def __init__(
        self,
        nodes: Mapping[TargetName, Node],
        sets: Sequence[frozenset[TargetName]] = (),
        limits: Limits | None = None,
        is_failing_fast: bool = False,
    ) -> None:
        self._nodes = dict(nodes)
        self._sets = list(sets)
        self._limits = limits or Limits()
        self._is_failing_fast = is_failing_fast
        self._state: dict[TargetName, _State] = dict.fromkeys(nodes, "waiting")
        self._action: dict[TargetName, Action] = {name: node.action for name, node in nodes.items()}
        self._has_content: set[TargetName] = set()
        self._running: dict[tuple[Job, TargetName], None] = {}
        self._queued: dict[tuple[Job, TargetName], None] = {}
        self._moving: list[tuple[TargetName, ...]] = []
        self._has_begun_moving = False
        self._is_stopped = False
        self._children: dict[TargetName, list[TargetName]] = {name: [] for name in nodes}
        for name, node in nodes.items():
            for parent in node.parents:
                self._children[parent].append(name)
        self._rest = _longest_paths(self._nodes, self._children)
        self.log: list[Event | Instruction] = []
        """Everything that came in and went out: replaying the events gives the same instructions."""

    def begin(self) -> list[Instruction]:
        """The first instructions."""
        return self._answer([])

    def handle(self, event: Event) -> list[Instruction]:
        """What to do now that `event` happened."""
        self.log.append(event)
        out: list[Instruction] = []
        match event:
            case Decided(target, action):
                self._running.pop(("decide", target), None)
                if self._state[target] == "deciding":
                    self._action[target] = action
                    self._state[target] = "waiting"
            case Finished(job, target, is_good):
                self._running.pop((job, target), None)
                out += self._finish(job, target, is_good)
            case Moved(targets):
                self._moving.remove(targets)
            case Stopped():
                self._is_stopped = True
                self._queued.clear()
        return self._answer(out)

    def state(self, target: TargetName) -> str:
        """Where a target is, for those who watch."""
        return self._state[target]

    # Inside.

    def _finish(self, job: Job, target: TargetName, is_good: bool) -> list[Instruction]:
        if self._state[target] in ("skipped", "failed"):
            return []  # its fate was decided while the job still ran
        if not is_good:
            return self._fail(target)
        if job in ("build", "fetch"):
            self._has_content.add(target)
            self._state[target] = "tests"
            self._queue("test", target)
        elif job == "test":
            self._state[target] = "held"
        elif job == "publish":
            self._state[target] = "good"
        return []

    def _fail(self, target: TargetName) -> list[Instruction]:
        self._state[target] = "failed"
        self._drop_queued(target)
        out: list[Instruction] = []
        if self._is_failing_fast:
            self._is_stopped = True
            self._queued.clear()
        todo = list(self._children[target])
        while todo:
            name = todo.pop(0)
            if self._state[name] in ("failed", "skipped", "good"):
                continue
            self._state[name] = "skipped"
            self._drop_queued(name)
            out.append(Skip(name, target))
            todo.extend(self._children[name])
        return out

    def _answer(self, out: list[Instruction]) -> list[Instruction]:
        """`out`, and whatever has become possible."""
        if not self._is_stopped:
            while sum(self._advance(name) for name in self._nodes):
                pass
            out += self._started()
        if self._is_settled():
            out += self._ending()
        self.log.extend(out)
        return out

    def _advance(self, name: TargetName) -> bool:
        """Take one target one step further, if it can go; whether it went."""
        state, parents = self._state[name], self._nodes[name].parents
        if state == "waiting" and all(parent in self._has_content for parent in parents):
            self._enter(name)
            return True
        if state == "held" and all(self._state[parent] == "good" for parent in parents):
            self._state[name] = "publishing"
            self._queue("publish", name)
            return True
        return False

    def _enter(self, name: TargetName) -> None:
        """All parents have content: begin what the target's action asks for."""
        action = self._action[name]
        if action == "decide-later":
            self._state[name] = "deciding"
            self._queue("decide", name)
        elif action in ("build", "fetch"):
            self._state[name] = "content"
            self._queue("build" if action == "build" else "fetch", name)
        elif action == "retest":
            self._has_content.add(name)
            self._state[name] = "tests"
            self._queue("test", name)
        else:
            self._has_content.add(name)
            self._state[name] = "held"

    def _queue(self, job: Job, target: TargetName) -> None:
        self._queued[(job, target)] = None

    def _drop_queued(self, target: TargetName) -> None:
        for key in [key for key in self._queued if key[1] == target]:
            del self._queued[key]

    def _started(self) -> list[Instruction]:
        """Queued jobs that fit the limits, longest remaining path first, ties in file order."""
        out: list[Instruction] = []
        for job, target in sorted(self._queued, key=lambda key: -self._rest[key[1]]):
            limit = self._limits.of(job)
            if limit is not None and sum(1 for running, _ in self._running if running == job) >= limit:
                continue
            del self._queued[(job, target)]
            self._running[(job, target)] = None
            out.append(Start(job, target))
        return out

    def _is_settled(self) -> bool:
        """Whether no job runs and none can start."""
        return not self._running and (self._is_stopped or not self._queued)

    def _ending(self) -> list[Instruction]:
        """Once all jobs are over: the moves of the sets that are whole; once those are over: the end."""
        if not self._has_begun_moving:
            self._has_begun_moving = True
            if not self._is_stopped:
                for members in self._sets:
                    if all(self._state[name] == "good" for name in members):
                        self._moving.append(tuple(name for name in self._nodes if name in members))
            if self._moving:
                return [Move(targets) for targets in self._moving]
        return [] if self._moving else [End()]


def _longest_paths(
    nodes: Mapping[TargetName, Node], children: Mapping[TargetName, Sequence[TargetName]]
) -> dict[TargetName, float]:
    """Seconds from the start of each target to the end of its longest descendant chain."""
    rest: dict[TargetName, float] = {}
    for name in reversed(_parents_first(nodes)):
        rest[name] = (nodes[name].expected_s or 1.0) + max((rest[child] for child in children[name]), default=0.0)
    return rest


def _parents_first(nodes: Mapping[TargetName, Node]) -> list[TargetName]:
    order: list[TargetName] = []
    seen: set[TargetName] = set()
    todo: list[tuple[TargetName, bool]] = [(name, False) for name in reversed(list(nodes))]
    while todo:
        name, leaving = todo.pop()
        if leaving:
            order.append(name)
        elif name not in seen:
            seen.add(name)
            todo.append((name, True))
            todo.extend((parent, False) for parent in nodes[name].parents)
    return order


def replay(machine: Machine, events: Iterable[Event]) -> list[Instruction]:
    """All instructions a fresh machine gives for `events`: a log explains a run exactly."""
    out = list(machine.begin())
    for event in events:
        out += machine.handle(event)
    return out
