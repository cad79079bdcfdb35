# SPDX-License-Identifier: MIT
"""A run while it goes on, as lines: nothing is lost, and nothing that others wrote is a command to CI."""

from __future__ import annotations

import io
import re

from stackyard.model.names import TargetName
from stackyard.model.progress import JobEnded, JobStarted, JobStep, Progress, TagsMoved, TargetEnded
from stackyard.report.ci import System
from stackyard.report.progress import FoldedLines, Lines
from stackyard.report.text import PLAIN
from stackyard.testing import FixedClock
from tests.unit.report.made import BUILT, PROMOTED, SKIPPED

X, BAD = TargetName("x"), TargetName("bad")


def test_a_run_while_it_goes_on() -> None:
    """A line per event with the time of day and since the run began; what had nothing to do says nothing."""
    stream, clock = io.StringIO(), FixedClock()
    events: list[Progress] = [
        JobStarted(X, "build", 12.0),
        JobStep(X, "build", "RUN make"),
        JobStep(X, "build", "RUN make", "done", 1.0),
        JobStep(X, "test", "basic tests"),
        JobEnded(X, "build", True, 2.0),
        JobStep(X, "publish", "again in 1.0 s: busy", "again"),
        JobEnded(X, "publish", True, 0.1),
        JobEnded(BAD, "test", False, 3.0, "1 of 3 failed", ("test_a: \x1b[31mno",), "bad.log"),
        TargetEnded(SKIPPED),
        TargetEnded(BUILT),
        TagsMoved(PROMOTED),
    ]
    with Lines(stream, clock.ticks, clock.now, PLAIN) as lines:
        for event in events:
            clock.advance(1)
            lines(event)

    assert stream.getvalue().split("\n") == [
        "00:00:01     1.0 s  x: building (last time 12.0 s)",
        "00:00:02     2.0 s  x: RUN make",
        "00:00:05     5.0 s  x: built in 2.0 s",
        "00:00:06     6.0 s  x: again in 1.0 s: busy",
        "00:00:08     8.0 s  bad: 1 of 3 failed",
        "    test_a: no",
        "    log: bad.log",
        "00:00:09     9.0 s  child: skipped, because bad failed",
        "00:00:11    11.0 s  moved 1 tag",
        "",
    ]


def test_nobody_reads_any_more() -> None:
    """A pipe that broke does not end a run."""

    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    clock = FixedClock()
    Lines(Broken(), clock.ticks, clock.now, PLAIN)(JobStarted(X, "build"))


HOSTILE = ("::add-mask::a", "  ::error::b", "a\r::stop-commands::c", "##[group]d", "--- e", "\x1b[0Ksection_end:1:f\r")


def folded(system: System, *events: Progress, log: tuple[str, ...] = (), prefix: str = "") -> str:
    """What a CI system gets; a second goes by before each event."""
    stream, clock = io.StringIO(), FixedClock()
    with FoldedLines(stream, clock.ticks, clock.now, PLAIN, system, lambda _: log, prefix) as lines:
        for event in events:
            clock.advance(1)
            lines(event)
    return stream.getvalue()


def test_github_folds_the_log_of_each_job() -> None:
    """The whole log between its two commands, then the line; steps are in the log and nowhere else."""
    events = JobStarted(X, "build"), JobStep(X, "build", "RUN make"), JobEnded(X, "build", True, 2.0, log="x.log")

    assert folded("github", *events, log=("#1 RUN make", "#1 done in 1.0 s")).split("\n") == [
        "00:00:01     1.0 s  x: building",
        "::group::x: built in 2.0 s",
        "  #1 RUN make",
        "  #1 done in 1.0 s",
        "::endgroup::",
        "00:00:03     3.0 s  x: built in 2.0 s",
        "",
    ]


def test_github_shows_a_failure_beside_the_line() -> None:
    """The path counts from the top of the repository; percent signs, colons and commas are written out."""
    ended = JobEnded(X, "build", False, 2.0, "50% of it", ("a",), "x.log", "images/x,y/Dockerfile", 3)
    said = folded("github", ended, prefix="stacks/lab")

    assert (
        "::error file=stacks/lab/images/x%2Cy/Dockerfile,line=3,title=x failed::50%25 of it%0Aa%0Alog: x.log\n" in said
    )


def test_gitlab_folds_are_sections_with_times() -> None:
    """Collapsed, under a name of the signs that it takes, from when the job began."""
    name = TargetName("x/3.12 b")
    said = folded("gitlab", JobStarted(name, "build"), JobEnded(name, "build", True, 2.0, log="x.log"), log=("a",))

    assert (
        "\x1b[0Ksection_start:1767225601:x_3.12_b.build[collapsed=true]\r\x1b[0Kx/3.12 b: built in 2.0 s\n"
        "  a\n\x1b[0Ksection_end:1767225602:x_3.12_b.build\r\x1b[0K\n" in said
    )


def test_buildkite_opens_what_failed() -> None:
    """A good job's fold is closed, a failed one's open; there are no ends."""
    good, bad = JobEnded(X, "build", True, 2.0, log="x.log"), JobEnded(BAD, "test", False, 2.0, "no", log="bad.log")
    said = folded("buildkite", good, bad, log=("a",)).split("\n")

    assert said[0] == "--- x: built in 2.0 s"
    assert "+++ bad: test in 2.0 s, failed" in said
    assert "::" not in "".join(said)


def test_nothing_that_others_wrote_is_a_command() -> None:
    """Not in a log, a failure's sentence, its lines, a step or a title: only our own lines begin as commands do."""
    for system in ("github", "gitlab", "buildkite"):
        for said in HOSTILE:
            ended = JobEnded(X, "build", False, 1.0, said, HOSTILE, "x.log", said, 1)
            whole = folded(system, JobStarted(X, "build"), ended, log=HOSTILE)
            lines = re.split(r"[\r\n]", whole)
            commands = [line.strip() for line in lines if re.match(r"\s*(::|---|\+\+\+)", line)]
            ours = r"::group::x: build in|::endgroup::$|::error file=[^:]*,line=1,title=x failed::|\+\+\+ x: build in"
            assert all(re.match(ours, command) for command in commands), commands
            assert "##[" not in whole
            sections = re.findall(r"\x1b\[0Ksection_\w+", whole)
            assert len(sections) == (2 if system == "gitlab" else 0)


def test_a_long_log_is_cut_in_the_fold() -> None:
    """The end is what matters; what stands before it is counted, and the file named."""
    said = folded("github", JobEnded(X, "build", True, 2.0, log="x.log"), log=tuple(map(str, range(1500)))).split("\n")

    assert said[1] == "  (500 lines before these: x.log)"
    assert (said[2], said[1001]) == ("  500", "  1499")
