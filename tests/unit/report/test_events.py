# SPDX-License-Identifier: MIT
"""A run for programs: one object a line, each with its version, time and kind."""

from __future__ import annotations

import io
import json

from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.names import TargetName
from stackyard.model.progress import JobEnded, JobStarted, JobStep, TagsMoved, TargetEnded
from stackyard.report.events import EventLines
from stackyard.testing import FixedClock
from tests.unit.plan.made import plan, stack, target
from tests.unit.report.made import BUILT, FAILED, PROMOTED, run

X = TargetName("x")


def test_every_event_is_a_line() -> None:
    """Whatever is in it: line feeds, and words that are commands to CI."""
    stream, clock = io.StringIO(), FixedClock()
    planned = plan(stack(target("x")), NOTHING_KNOWN)
    with EventLines(stream, clock.ticks, clock.now) as tell:
        tell(planned)
        clock.advance(1.5)
        tell(JobStarted(X, "build", 2.0))
        tell(JobStep(X, "build", "[1/1] RUN a\n::error::b ##[c", "done", 1.23456))
        tell(JobEnded(X, "build", False, 2.0, "no", ("why",), "x.log", "images/x/Dockerfile", 3))
        tell(TargetEnded(BUILT))
        tell(TagsMoved(PROMOTED))
        tell(run(BUILT, FAILED))
    written = stream.getvalue()
    events = [json.loads(line) for line in written.splitlines()]

    assert [event["event"] for event in events] == [
        "plan",
        "job-started",
        "job-step",
        "job-ended",
        "target-ended",
        "tags-moved",
        "run",
    ]
    assert {event["format"] for event in events} == {1}
    assert (events[1]["at"], events[1]["elapsed_s"], events[1]["expected_s"]) == ("2026-01-01T00:00:01Z", 1.5, 2.0)
    assert (events[2]["step"], events[2]["duration_s"]) == ("[1/1] RUN a\n::error::b ##[c", 1.235)
    assert (events[3]["path"], events[3]["line"]) == ("images/x/Dockerfile", 3)
    assert [each["status"] for each in events[-1]["run"]["outcomes"]] == ["built", "failed"]
    assert "##[" not in written
