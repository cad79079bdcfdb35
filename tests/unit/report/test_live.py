# SPDX-License-Identifier: MIT
"""What a terminal shows while a run goes on: what runs, how far it is, never more than there is room for."""

from __future__ import annotations

import io
import re
import threading

from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.names import TargetName
from stackyard.model.progress import JobEnded, JobStarted, JobStep, TagsMoved, TargetEnded
from stackyard.report.live import Counts, LiveLines, Row, live_text
from stackyard.report.text import PLAIN
from stackyard.testing import FixedClock
from tests.unit.plan.made import plan, stack, target
from tests.unit.report.made import BUILT, FAILED, PROMOTED, SKIPPED

X = TargetName("x")


def test_a_line_per_job_and_the_counts() -> None:
    """Phase and time of each; what failed is counted only where something did."""
    rows = [Row(X, "build", 61.0, "[2/5] RUN \x1b[1mmake"), Row(TargetName("y"), "test", 2.0)]
    text = live_text(rows, Counts(waiting=3, running=2, done=1), 65.0, 24, PLAIN)

    assert text.split("\n") == [
        "x: building 1 min 1 s  [2/5] RUN make",
        "y: testing 2.0 s",
        "1 done, 2 running, 3 waiting; about 1 min 5 s left",
    ]
    assert live_text([], Counts(1, 0, 1), 13.2, 24, PLAIN) == "1 done, 0 running, 1 waiting; about 13 s left"
    assert live_text([], Counts(1, 0, 1), 0.4, 24, PLAIN) == "1 done, 0 running, 1 waiting"
    assert live_text([], Counts(0, done=1, failed=2), 9.0, 24, PLAIN) == "1 done, 0 running, 0 waiting, 2 failed"


def test_200_jobs_fit_a_terminal() -> None:
    """No more lines than the terminal has, some left for what ended; the rest are counted."""
    rows = [Row(TargetName(f"x{number}"), "build", 1.0) for number in range(200)]
    for height in (1, 2, 3, 4, 10, 50):
        *told, more, counts = live_text(rows, Counts(0, 200), None, height, PLAIN).split("\n")
        assert len(told) + 2 <= max(height - 1, 2)
        assert [more, counts] == [f"and {200 - len(told)} more", "0 done, 200 running, 0 waiting"]


def test_what_a_terminal_is_told() -> None:
    """The failure with its last lines at once; the counts follow what happens."""
    stream, clock = io.StringIO(), FixedClock()
    planned = plan(stack(target("x"), target("bad"), target("child", "bad")), NOTHING_KNOWN)
    live = LiveLines(stream, clock.ticks, PLAIN, planned, 2)
    with live:
        live(JobStarted(X, "build"))
        live(JobStep(X, "build", "[1/2] FROM a"))
        live(JobStep(X, "build", "[1/2] FROM a", "done", 0.1))
        live(JobStarted(TargetName("bad"), "build"))
        clock.advance(3)
        shown = live._draw().plain
        live(JobEnded(TargetName("bad"), "build", False, 3.0, "no", ("the last line",), "bad.log"))
        live(TargetEnded(FAILED))
        live(TargetEnded(SKIPPED))
        live(JobEnded(X, "build", True, 3.0))
        live(TargetEnded(BUILT))
        live(TagsMoved(PROMOTED))
        after = live._draw().plain
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())

    assert "x: building 3.0 s  [1/2] FROM a" in shown
    assert "0 done, 2 running, 1 waiting" in shown
    assert after == "1 done, 0 running, 0 waiting, 1 failed, 1 skipped"
    assert "the last line" in said
    assert "log: bad.log" in said
    assert "child: skipped, because bad failed" in said
    assert "moved 1 tag" in said


def test_who_prints_does_not_keep_others_from_telling() -> None:
    """Whoever redraws has the terminal's lock and wants ours: printing under ours once stopped a run for good."""

    class Slow(io.StringIO):
        """A terminal that takes a line only once somebody else could say something and redraw."""

        was_free: bool | None = None

        def write(self, text: str) -> int:
            if "the last line" in text and self.was_free is None:
                other = threading.Thread(target=lambda: (live(JobStarted(X, "build")), live._draw()), daemon=True)
                other.start()
                other.join(20)
                self.was_free = not other.is_alive()
            return super().write(text)

    stream, clock = Slow(), FixedClock()
    live = LiveLines(stream, clock.ticks, PLAIN, plan(stack(target("x"), target("bad")), NOTHING_KNOWN), 2)
    with live:
        live(JobEnded(TargetName("bad"), "build", False, 3.0, "no", ("the last line",), "bad.log"))

    assert stream.was_free is True
