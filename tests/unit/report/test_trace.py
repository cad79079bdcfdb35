# SPDX-License-Identifier: MIT
"""Traces: every job is a slice in its time, no two in one line overlap, and what waited is counted."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import msgspec

from stackyard.model.outcome import JobTime, RunSummary
from stackyard.model.progress import JobStarted, JobStep
from stackyard.report.trace import Trace
from tests.unit.report.made import BUILT, FAILED, run

X, BAD = BUILT.target, FAILED.target
JOBS = run(
    msgspec.structs.replace(BUILT, jobs=(JobTime("build", 1.0, 4.0), JobTime("test", 5.0, 2.0, waited_s=0.5))),
    msgspec.structs.replace(FAILED, jobs=(JobTime("build", 2.0, 3.0), JobTime("test", 7.0, 1.0, waited_s=2.0))),
)


class Hands:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        """What it was set to."""
        return self.at


def traced(summary: RunSummary, *told: tuple[float, Any]) -> list[dict[str, Any]]:
    """The events of a run of which this was told."""
    ticks = Hands()
    trace = Trace(ticks)
    for at, progress in told:
        ticks.at = at
        trace(progress)
    found = trace.data(summary)["traceEvents"]
    assert isinstance(found, list)
    return found


def slices(events: list[dict[str, Any]], kind: str) -> list[tuple[str, int, int]]:
    """Name, beginning and length of all slices of a kind, in microseconds."""
    return [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X" and e["cat"] == kind]


def test_each_job_is_a_slice_in_the_line_of_a_worker() -> None:
    """Builds that ran beside each other are in two lines, tests that followed each other in one."""
    events = traced(JOBS)
    names = [e["args"]["name"] for e in events if e["name"] == "thread_name"]
    lines = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            lines[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))

    assert slices(events, "build") == [("x: build", 1_000_000, 4_000_000), ("bad: build", 2_000_000, 3_000_000)]
    assert slices(events, "test") == [("x: test", 5_000_000, 2_000_000), ("bad: test", 7_000_000, 1_000_000)]
    assert names == ["build 1", "build 2", "test 1"]
    assert all(end <= begin for line in lines.values() for (_, end), (begin, _) in itertools.pairwise(line))


def test_instructions_and_retries_are_where_they_were() -> None:
    """By the clock that timed the jobs; those of jobs that came to no end are left out."""
    events = traced(
        JOBS,
        (101.0, JobStarted(X, "build")),
        (103.0, JobStep(X, "build", "[1/2] FROM debian", "done", 1.5)),
        (103.5, JobStep(X, "build", "again in 0.5 s: busy", "again")),
        (104.0, JobStep(X, "build", "[2/2] RUN", "cached")),
        (104.0, JobStep(BAD, "publish", "never ended", "done", 1.0)),
    )

    assert slices(events, "instruction") == [("[1/2] FROM debian", 1_500_000, 1_500_000)]
    assert [(e["name"], e["ts"]) for e in events if e["ph"] == "i"] == [
        ("x: build, again in 0.5 s: busy", 3_500_000),
    ]


def test_a_job_that_began_late_has_its_instructions() -> None:
    """A busy machine lets it begin a second after it was told; and tells of its last one when it is over."""
    events = traced(
        JOBS,
        (101.0, JobStarted(X, "build")),
        (101.0, JobStarted(BAD, "build")),
        (104.5, JobStep(BAD, "build", "[1/2] RUN", "done", 2.0)),
        (105.5, JobStep(BAD, "build", "[2/2] RUN", "done", 0.5)),
    )

    assert slices(events, "instruction") == [("[1/2] RUN", 2_500_000, 2_000_000), ("[2/2] RUN", 4_500_000, 500_000)]


def test_what_waits_is_counted() -> None:
    """Up when a job could have begun, down when it did."""
    counts = [(e["ts"], e["args"]["test"]) for e in traced(JOBS) if e["ph"] == "C"]

    assert counts == [(4_500_000, 1), (5_000_000, 0), (5_000_000, 1), (7_000_000, 0)]
