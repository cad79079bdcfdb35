# SPDX-License-Identifier: MIT
"""The critical path, the bound, and what each job waited for, of runs whose times are known."""

from __future__ import annotations

import heapq

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.names import TargetName
from stackyard.model.outcome import JobName, JobTime, Outcome, RunSummary
from stackyard.model.plan import Plan
from stackyard.run.events import Finished, Instruction, Limits, Moved, Node, Start
from stackyard.run.machine import Machine
from stackyard.run.pace import paced
from tests.unit.plan.made import AT, COMMIT, plan, stack, target

DIAMOND = {"os": (), "py": ("os",), "r": ("os",), "lab": ("py", "r")}


def planned(parents: dict[str, tuple[str, ...]]) -> Plan:
    """A plan that builds these."""
    return plan(stack(*(target(name, *above) for name, above in parents.items())), NOTHING_KNOWN)


def ran(of: Plan, took: dict[str, dict[JobName, float]], limits: Limits) -> RunSummary:
    """The run that the machine makes of jobs that take so long; time passes only for them."""
    nodes = {s.target: Node(tuple(p.target for p in s.parents), s.action) for s in of.steps}
    machine = Machine(nodes, of.sets, limits)
    jobs: dict[TargetName, list[JobTime]] = {name: [] for name in nodes}
    busy: list[tuple[float, str, JobName]] = []
    now = 0.0

    def obey(instructions: list[Instruction]) -> None:
        for each in instructions:
            if isinstance(each, Start) and each.job != "decide":
                duration = took[each.target].get(each.job, 0.0)
                jobs[each.target].append(JobTime(each.job, now, duration))
                heapq.heappush(busy, (now + duration, each.target, each.job))
            elif not isinstance(each, Start) and hasattr(each, "targets"):
                obey(machine.handle(Moved(each.targets)))

    obey(machine.begin())
    while busy:
        now, name, job = heapq.heappop(busy)
        obey(machine.handle(Finished(job, TargetName(name), True)))
    outcomes = tuple(Outcome(name, "built", jobs=tuple(each)) for name, each in jobs.items())
    return RunSummary(1, "build", AT, COMMIT, "main", now, outcomes)


def waits(summary: RunSummary) -> dict[tuple[str, str], float]:
    """What each job that waited waited."""
    return {(o.target, job.job): job.waited_s for o in summary.outcomes for job in o.jobs if job.waited_s}


def test_the_longest_chain_of_jobs() -> None:
    """Tests beside a child's build are not on it, the child's own are; the run was as short as can be."""
    diamond = planned(DIAMOND)
    wide = Limits(9, 9, 9)
    took: dict[str, dict[JobName, float]] = {
        "os": {"build": 10, "test": 4},
        "py": {"build": 5},
        "r": {"build": 1},
        "lab": {"build": 2, "test": 3, "publish": 1},
    }
    summary = paced(ran(diamond, took, wide), diamond, wide)
    pace = summary.pace

    assert pace is not None
    assert [(j.target, j.job) for j in pace.path if j.duration_s] == [
        ("os", "build"),
        ("py", "build"),
        ("lab", "build"),
        ("lab", "test"),
        ("lab", "publish"),
    ]
    assert (pace.path_s, pace.bound_s, pace.bound_by, pace.work_s) == (21, 21, "path", 26)
    assert summary.duration_s == 21
    assert waits(summary) == {}


def test_a_parents_tests_can_be_what_publishing_waits_for() -> None:
    """Nothing of a child is published before its parent is: that is on the path, too."""
    chain = planned({"os": (), "lab": ("os",)})
    took: dict[str, dict[JobName, float]] = {"os": {"build": 1, "test": 9}, "lab": {"build": 1, "publish": 2}}
    pace = paced(ran(chain, took, Limits()), chain, Limits()).pace

    assert pace is not None
    assert [(j.target, j.job) for j in pace.path if j.duration_s] == [
        ("os", "build"),
        ("os", "test"),
        ("lab", "publish"),
    ]
    assert pace.path_s == 12


def test_work_over_places_is_a_bound_of_its_kind() -> None:
    """Four builds of ten seconds, two at once, take twenty; who waited for a place says how long."""
    wide = planned(dict.fromkeys("abcd", ()))
    took: dict[str, dict[JobName, float]] = {name: {"build": 10} for name in "abcd"}
    summary = paced(ran(wide, took, Limits(builds=2)), wide, Limits(builds=2))

    assert summary.pace is not None
    assert (summary.pace.bound_s, summary.pace.bound_by, summary.pace.at_once) == (20, "build", 2)
    assert waits(summary) == {("c", "build"): 10, ("d", "build"): 10}


def test_nothing_to_tell() -> None:
    """Of a run without a job, and of one that was interrupted."""
    chain = planned({"os": ()})
    nothing = RunSummary(0, "build", AT, COMMIT, "main", 0.1, (Outcome(TargetName("os"), "reused"),))
    stopped = msgspec.structs.replace(ran(chain, {"os": {"build": 1}}, Limits()), is_interrupted=True)

    assert paced(nothing, chain, Limits()).pace is None
    assert paced(stopped, chain, Limits()).pace is None


SECONDS = st.integers(0, 9)


@given(st.data())
def test_no_order_beats_the_bound(data: st.DataObject) -> None:
    """Whatever the stack, the times and the limits: the machine's run is never shorter than the bound of its jobs,
    and with places for all it is exactly that long. No job began before it could."""
    names = "abcdefgh"[: data.draw(st.integers(1, 8))]
    parents = {name: tuple(p for p in names[:i] if data.draw(st.integers(0, 3)) == 0) for i, name in enumerate(names)}
    took: dict[str, dict[JobName, float]] = {
        name: {"build": data.draw(SECONDS), "test": data.draw(SECONDS), "publish": data.draw(SECONDS)} for name in names
    }
    of = planned(parents)
    narrow, wide = Limits(*(data.draw(st.integers(1, 3)) for _ in range(3))), Limits(99, 99, 99)
    tight, free = paced(ran(of, took, narrow), of, narrow), paced(ran(of, took, wide), of, wide)

    assert tight.pace is not None
    assert free.pace is not None
    assert tight.duration_s >= tight.pace.bound_s - 1e-9
    assert free.duration_s == pytest.approx(free.pace.path_s)
    assert waits(free) == {}
