# SPDX-License-Identifier: MIT
"""Decide what to start next as jobs finish or fail.

In:   targets with their parents and actions (once), then one Event at a time
Out:  Instructions for run/driver to carry out, in order
Pure: no clock, disk, network, process, thread
Cost: of a whole run O((targets + edges) log targets)

The rules it keeps:
- a child may build as soon as its parents' content is there; their tests run beside it;
- content that another engine makes is there once it is published;
- nothing of a target is published before its own tests and those of all its ancestors passed;
- what ends badly after somebody stopped the run was ended with it: that is no failure;
- when a target fails, its descendants are skipped because of it, and unrelated branches go on; a job
  of theirs that runs already may come to its end, and nothing follows it;
- of what waits for a free place, the longest way to the end goes first, ties in file order;
- an image that is to be pruned stays until it and all its children are published;
- moving tags move at the end, all or none per connected set; a target that may fail, and did, is not of its set.

A target goes through: waiting -> (decide) -> content -> tests -> publish -> done.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self

from stackyard.model.names import TargetName
from stackyard.model.plan import Action
from stackyard.run.events import (
    POOLS,
    Decided,
    End,
    Event,
    Finished,
    Instruction,
    Job,
    Limits,
    Move,
    Moved,
    Node,
    Pool,
    Prune,
    Setup,
    Skip,
    Start,
    Stopped,
)
from stackyard.run.order import rests

_State = Literal["waiting", "deciding", "content", "tests", "held", "publishing", "good", "failed", "skipped"]
_OVER = ("good", "failed", "skipped")


class Machine:
    """The state of one run. Feed it events; do what it answers."""

    def __init__(
        self,
        nodes: Mapping[TargetName, Node],
        sets: Sequence[Iterable[TargetName]] = (),
        limits: Limits | None = None,
        is_failing_fast: bool = False,
    ) -> None:
        self._nodes = dict(nodes)
        self._names = list(nodes)
        self._index = {name: i for i, name in enumerate(self._names)}
        self._sets = [tuple(sorted(members, key=self._index.__getitem__)) for members in sets]
        self._limits = limits or Limits()
        self._is_failing_fast = is_failing_fast
        self._state: dict[TargetName, _State] = dict.fromkeys(nodes, "waiting")
        self._action: dict[TargetName, Action] = {name: node.action for name, node in nodes.items()}
        self._children: dict[TargetName, list[TargetName]] = {name: [] for name in nodes}
        for name, node in nodes.items():
            for parent in node.parents:
                self._children[parent].append(name)
        self._rest = rests(self._nodes, self._children)
        self._without_content = {name: len(node.parents) for name, node in nodes.items()}
        """How many parents have no content yet."""
        self._unpublished = dict(self._without_content)
        """How many parents are not published yet."""
        self._ready: dict[Pool | None, list[tuple[float, int, Job]]] = {None: [], "build": [], "test": [], "push": []}
        """Jobs that wait for a place, as heaps; those of targets that are over by now are dropped when met."""
        self._running: set[tuple[Job, TargetName]] = set()
        self._busy: dict[Pool, int] = {"build": 0, "test": 0, "push": 0}
        self._excused: set[TargetName] = set()
        self._moving: list[tuple[TargetName, ...]] = []
        self._has_begun_moving = False
        self._is_stopped = False
        self._stopped_by: TargetName | None = None
        self._is_interrupted = False
        """Whether somebody wished it: what runs is being ended, and does not fail."""
        self.log: list[Event | Instruction] = []
        """Everything that came in and went out: replaying the events gives the same instructions."""

    @classmethod
    def of(cls, setup: Setup) -> Self:
        """A fresh machine."""
        return cls(setup.nodes, setup.sets, setup.limits, setup.fail_fast)

    @property
    def setup(self) -> Setup:
        """What it began with."""
        return Setup(self._nodes, tuple(self._sets), self._limits, self._is_failing_fast)

    def begin(self) -> list[Instruction]:
        """The first instructions."""
        self._enter([name for name in self._names if not self._without_content[name]])
        return self._answer([])

    def handle(self, event: Event) -> list[Instruction]:
        """What to do now that `event` happened. The end of what does not run changes nothing."""
        self.log.append(event)
        out: list[Instruction] = []
        match event:
            case Decided(target, action) if ("decide", target) in self._running:
                self._running.remove(("decide", target))
                if self._state[target] == "deciding":
                    self._action[target] = action
                    self._enter([target])
            case Finished(job, target, is_good) if (job, target) in self._running:
                self._running.remove((job, target))
                if job in POOLS:
                    self._busy[POOLS[job]] -= 1
                out = self._finish(job, target, is_good)
            case Moved(targets) if targets in self._moving:
                self._moving.remove(targets)
            case Stopped():
                self._is_stopped = self._is_interrupted = True
        return self._answer(out)

    def state(self, target: TargetName) -> str:
        """Where a target is, for those who watch."""
        return self._state[target]

    def is_excused(self, target: TargetName) -> bool:
        """Whether it failed and may, or was skipped because of one that did."""
        return target in self._excused

    # Inside.

    def _finish(self, job: Job, target: TargetName, is_good: bool) -> list[Instruction]:
        if self._state[target] in _OVER:
            return []  # its fate was decided while the job still ran
        if not is_good and self._is_interrupted:
            self._state[target] = "skipped"  # it was ended; what builds on it has no failure to be skipped for
            return [Skip(target, None)]
        if not is_good:
            return self._fail(job, target)
        if job in ("build", "fetch"):
            self._test(target)
            self._enter(self._given_content(target, is_published=False))
        elif job == "test":
            self._hold(target)
        elif job == "publish":
            self._state[target] = "good"
            out = self._prunable(target)
            for child in self._children[target]:
                self._unpublished[child] -= 1
                if self._state[child] == "held":
                    self._hold(child)
            self._enter(self._given_content(target, is_published=True))
            return out
        return []

    def _fail(self, job: Job, target: TargetName) -> list[Instruction]:
        self._state[target] = "failed"
        is_excused = self._nodes[target].may_fail and job in ("build", "test")  # not that a registry refused it
        if is_excused:
            self._excused.add(target)
        elif self._is_failing_fast and not self._is_stopped:
            self._is_stopped, self._stopped_by = True, target
        out: list[Instruction] = []
        todo = deque(self._children[target])
        while todo:
            name = todo.popleft()
            if self._state[name] in _OVER:
                continue
            self._state[name] = "skipped"
            if is_excused:
                self._excused.add(name)
            out.append(Skip(name, target))
            todo.extend(self._children[name])
        return out

    def _prunable(self, target: TargetName) -> list[Instruction]:
        """What is needed no more now that `target` is good: itself or a parent, if all their children are, too.

        The image of a parent whose child failed stays for the run that tries again.
        """
        out: list[Instruction] = []
        for name in (target, *self._nodes[target].parents):
            is_good = all(self._state[each] == "good" for each in (name, *self._children[name]))
            if is_good and self._nodes[name].prune:
                out.append(Prune(name))
        return out

    def _enter(self, names: Iterable[TargetName]) -> None:
        """Begin what each target's action asks for: its parents have content. Children follow where it has, too."""
        todo = deque(names)
        while todo:
            name = todo.popleft()
            match self._action[name]:
                case "decide-later":
                    self._state[name] = "deciding"
                    self._queue("decide", name)
                case "build" | "fetch" as job:
                    self._state[name] = "content"
                    self._queue(job, name)
                case "retest":
                    self._test(name)
                    todo.extend(self._given_content(name, is_published=False))
                case _:
                    self._hold(name)
                    todo.extend(self._given_content(name, is_published=False))

    def _given_content(self, target: TargetName, is_published: bool) -> list[TargetName]:
        """Those who waited for nothing else than the content of `target`, which some get from where it is published."""
        entering = []
        for child in self._children[target]:
            if (target in self._nodes[child].afar) != is_published:
                continue
            self._without_content[child] -= 1
            if not self._without_content[child] and self._state[child] == "waiting":
                entering.append(child)
        return entering

    def _test(self, target: TargetName) -> None:
        self._state[target] = "tests"
        self._queue("test", target)

    def _hold(self, target: TargetName) -> None:
        """It passed: publish it, or keep it until its parents are published."""
        if self._unpublished[target]:
            self._state[target] = "held"
        else:
            self._state[target] = "publishing"
            self._queue("publish", target)

    def _queue(self, job: Job, target: TargetName) -> None:
        heapq.heappush(self._ready[POOLS.get(job)], (-self._rest[target].after(job), self._index[target], job))

    def _answer(self, out: list[Instruction]) -> list[Instruction]:
        """`out`, and whatever has become possible."""
        if not self._is_stopped:
            out += self._started()
        if not self._running:
            out += self._ending()
        self.log.extend(out)
        return out

    def _started(self) -> list[Instruction]:
        """Jobs that fit the limits; of a pool those with the longest way to go.

        In file order, then decisions by what is left after them: whoever is decided first is built first.
        """
        started: list[tuple[bool, int, Start]] = []
        for pool, ready in self._ready.items():
            while ready and (pool is None or self._busy[pool] < self._limits.of(pool)):
                _, index, job = heapq.heappop(ready)
                name = self._names[index]
                if self._state[name] in _OVER:
                    continue
                self._running.add((job, name))
                if pool is not None:
                    self._busy[pool] += 1
                started.append((pool is None, len(started) if pool is None else index, Start(job, name)))
        return [start for *_, start in sorted(started, key=lambda each: each[:2])]

    def _ending(self) -> list[Instruction]:
        """Once all jobs are over: the moves of the sets that are whole; once those are over: the end."""
        out: list[Instruction] = []
        if not self._has_begun_moving:
            self._has_begun_moving = True
            for name in self._names:  # what a stop kept from being done
                if self._state[name] not in _OVER:
                    self._state[name] = "skipped"
                    out.append(Skip(name, self._stopped_by))
            for members in [] if self._is_stopped else self._sets:
                counted = tuple(name for name in members if name not in self._excused)
                if counted and all(self._state[name] == "good" for name in counted):
                    self._moving.append(counted)
            out += [Move(targets) for targets in self._moving]
        return out if self._moving else [*out, End()]


def replay(machine: Machine, events: Iterable[Event]) -> list[Instruction]:
    """All instructions a fresh machine gives for `events`: a log explains a run exactly."""
    out = list(machine.begin())
    for event in events:
        out += machine.handle(event)
    return out
