# SPDX-License-Identifier: MIT
"""A run that is asked to end: what was finished is known, what was not begun is skipped, and a second one goes on."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stackyard import verbs
from stackyard.model.outcome import RunSummary
from stackyard.model.progress import JobEnded, JobStarted, Progress
from stackyard.report.data import run_data
from stackyard.report.junit import junit_xml
from stackyard.report.summary import ending_text, summary_text
from stackyard.report.text import Style
from stackyard.run.log import read
from stackyard.run.stop import Stop
from tests.examples import IS_LONG
from tests.unit.run.test_run import Bench

ROOT = Path(__file__).parents[3]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A committed stack of three images, nothing built."""
    return Bench(tmp_path)


def stopped_at(bench: Bench, moment: int) -> tuple[RunSummary, list[Progress]]:
    """A run that somebody wants to end when it says its `moment`th word; what it said."""
    stop, told = Stop(), list[Progress]()

    def watch(progress: Progress) -> None:
        told.append(progress)
        if len(told) == moment:
            stop.wish()

    yard = bench.yard()
    return verbs.run(yard, verbs.prepare(yard, publish=True), watch=watch, stop=stop), told


def test_a_run_can_be_stopped_at_any_moment(tmp_path: Path) -> None:
    """Whenever it is: what was built is in the records and is not built again, and the next run is good and whole."""
    for moment in itertools.count(1, 1 if IS_LONG else 7):
        bench = Bench(tmp_path / str(moment))
        summary, told = stopped_at(bench, moment)
        if len(told) < moment:
            break
        built = {each.target for each in told if isinstance(each, JobEnded) and each.job == "build" and each.is_good}
        events = read(bench.root / ".stackyard" / "runs" / "1" / "events.jsonl")
        assert events.replayed() == events.instructions
        assert not [outcome for outcome in summary.outcomes if outcome.status == "failed"]

        before = len([call for call in bench.engine.calls if call[0] == "build"])
        again = bench.build(publish=True)
        builds = [call for call in bench.engine.calls if call[0] == "build"][before:]

        assert again.is_good
        assert summary.is_interrupted or set(bench.statuses(again).values()) == {"reused"}
        assert not [name for _, name in builds if name.partition(":")[0].rpartition("/")[2] in built]
        assert bench.at("right", "2026.3-main")
    assert moment > 15


def test_a_wish_before_anything_began_is_heard(bench: Bench) -> None:
    """Nothing is started; each image is skipped because of nobody."""
    stop = Stop()
    stop.wish()
    yard = bench.yard()
    summary = verbs.run(yard, verbs.prepare(yard), stop=stop)

    assert summary.is_interrupted
    assert set(bench.statuses(summary).values()) == {"skipped"}
    assert not [call for call in bench.engine.calls if call[0] == "build"]


def test_a_build_that_hangs_is_ended(bench: Bench) -> None:
    """It is neither failed nor waited for, and its sibling that was done is kept."""
    bench.engine.hanging.add("registry.example/lab/left")
    stop = Stop()

    def watch(progress: Progress) -> None:
        if isinstance(progress, JobEnded) and (progress.target, progress.job) == ("right", "build"):
            stop.wish()

    yard = bench.yard()
    summary = verbs.run(yard, verbs.prepare(yard), watch=watch, stop=stop)
    bench.engine.hanging.clear()

    assert bench.statuses(summary) | {"base": ""} == {"base": "", "left": "skipped", "right": "skipped"}
    assert summary.is_interrupted
    assert bench.statuses(bench.build())["right"] != "built"


def test_what_the_stop_ended_failed_for_nobody(bench: Bench) -> None:
    """Ended in the middle is interrupted, its children are not begun; summary, JSON and JUnit say so."""
    bench.engine.hanging.add("registry.example/lab/base")
    stop = Stop()

    def watch(progress: Progress) -> None:
        if isinstance(progress, JobStarted):
            stop.wish()

    yard = bench.yard()
    summary = verbs.run(yard, verbs.prepare(yard), watch=watch, stop=stop)
    data = [(o["target"], o["status"], o["because"], o["interrupted"]) for o in run_data(summary)["outcomes"]]
    said = dict(line.split()[:2] for line in summary_text(summary, Style(False), 200).splitlines() if line)
    skips = ElementTree.fromstring(junit_xml(summary, lambda _: b"")).iter("skipped")

    assert data == [(name, "skipped", None, True) for name in ("base", "left", "right")]
    assert (said["base"], said["left"], said["right"]) == ("interrupted", "not", "not")
    assert "1 interrupted and 2 not begun" in ending_text(summary)
    assert [skip.get("message") for skip in skips] == [
        "the run was ended while it was made",
        *["the run was ended before it was begun"] * 2,
    ]


PROGRAM = """
import os, sys, time
from stackyard.cli import run
from stackyard.testing import FakeEngine, MemoryRegistry
engine = FakeEngine(registry=MemoryRegistry())
engine.add("debian:12")
def hang(request):
    if sys.argv[1] in str(request.tag):
        print("hanging", flush=True)
        time.sleep(600)
engine.before_build = hang
engine.answers["version"] = lambda *_: "1.0"
sys.exit(run(["build", "--progress", "plain"], os.environ, lambda _: engine, lambda _: engine.registry))
"""


@pytest.mark.processes
def test_asked_a_second_time_it_ends_at_once(bench: Bench) -> None:
    """Whatever does not end: exit code 130, and what was recorded is there."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HOME": str(bench.root)}
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "left"],
        cwd=bench.root,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        assert any("hanging" in line for line in child.stdout)
        child.send_signal(signal.SIGINT)
        assert any("once more ends at once" in line for line in child.stderr)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 130
    finally:
        child.kill()
        child.communicate()
    assert "base" in {str(name) for name in bench.yard().records.known().records}
