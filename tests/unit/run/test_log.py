# SPDX-License-Identifier: MIT
"""A run's events.jsonl: what is written is what happened, and it replays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.errors import RecordProblem
from stackyard.model.names import TargetName
from stackyard.model.progress import JobEnded, Progress
from stackyard.run.events import Decided, End, Finished, Limits, Move, Moved, Node, Setup, Skip, Start, Stopped
from stackyard.run.log import Line, RunLog, read
from tests import schemas
from tests.unit.run.test_run import Bench

OS = TargetName("os")
SETUP = Setup({OS: Node((), "build", may_fail=True)}, ((OS,),), Limits(builds=3), fail_fast=True)
ENTRIES = [
    Decided(OS, "build"),
    Finished("build", OS, True),
    Moved((OS,)),
    Stopped(),
    Start("test", OS),
    Skip(OS, None),
    Move((OS,)),
    End(),
]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A committed stack of three images, nothing built."""
    return Bench(tmp_path)


def test_every_event_and_instruction_comes_back_from_the_file(tmp_path: Path) -> None:
    """All kinds, and the setup, are the same values after a way through the file."""
    log = RunLog(tmp_path / "events.jsonl", 7, SETUP)
    log.answer(0.0, None, [Start("build", OS)])
    log.answer(1.5, ENTRIES[0], ENTRIES[4:])  # type: ignore[arg-type]
    for event in ENTRIES[1:4]:
        log.answer(2.0, event, [])  # type: ignore[arg-type]
    log.close()

    found = read(tmp_path / "events.jsonl")

    assert (found.head.run, found.head.setup) == (7, SETUP)
    assert list(found.events) == ENTRIES[:4]
    assert list(found.instructions) == [Start("build", OS), *ENTRIES[4:]]
    assert [entry.at_s for entry in found.entries[:2]] == [0.0, 1.5]


def test_every_event_and_instruction_is_a_sentence_for_a_person() -> None:
    """With the seconds in front, and which way it went."""
    assert [str(Line(1.5, event=each)) for each in ENTRIES[:4]] == [  # type: ignore[arg-type]
        "     1.500  < os: decided to build",
        "     1.500  < os: build is done",
        "     1.500  < tags of os: done with",
        "     1.500  < stopped",
    ]
    assert [str(Line(61.0, instruction=each)) for each in ENTRIES[4:]] == [  # type: ignore[arg-type]
        "    61.000  > os: start test",
        "    61.000  > os: skip because of the stop",
        "    61.000  > tags of os: move",
        "    61.000  > end",
    ]


def test_a_run_leaves_a_log_that_replays_it(bench: Bench) -> None:
    """A fresh machine answers the events of the file with the instructions of the file, failures included."""
    bench.build()
    bench.write("images/base/note", "other")
    bench.commit()
    bench.engine.failing = {"registry.example/lab/left": "no luck"}
    summary = bench.build()

    log = read(bench.root / ".stackyard" / "runs" / str(summary.number) / "events.jsonl")

    assert log.head.run == summary.number
    assert Finished("build", TargetName("left"), False) in log.events
    assert any(isinstance(event, Decided) for event in log.events)
    assert log.instructions[-1] == End()
    assert log.replayed() == log.instructions


def test_a_run_that_was_stopped_leaves_a_whole_log(bench: Bench) -> None:
    """The stop is an event, jobs that ended afterwards are told, and what was left is skipped."""

    def stop(progress: Progress) -> None:
        if isinstance(progress, JobEnded):
            raise KeyboardInterrupt

    yard = bench.yard()

    summary = verbs.run(yard, verbs.prepare(yard), watch=stop)

    log = read(bench.root / ".stackyard" / "runs" / "1" / "events.jsonl")
    assert summary.is_interrupted
    assert Stopped() in log.events
    assert log.replayed() == log.instructions


def test_a_torn_last_line_does_not_count(tmp_path: Path) -> None:
    """A run that was killed while it wrote leaves the rest."""
    path = tmp_path / "events.jsonl"
    log = RunLog(path, 7, SETUP)
    log.answer(0.0, None, [Start("build", OS)])
    log.close()
    path.write_bytes(path.read_bytes() + b'{"at_s": 3.0, "ev')

    assert read(path).instructions == (Start("build", OS),)


@pytest.mark.parametrize("data", [b"", b"nothing\n", b"{}\n", b'{"format":1}\n'])
def test_a_file_that_is_no_log_is_an_error(tmp_path: Path, data: bytes) -> None:
    """With its path."""
    (tmp_path / "events.jsonl").write_bytes(data)

    with pytest.raises(RecordProblem, match="cannot be read as the log of a run"):
        read(tmp_path / "events.jsonl")


def test_a_log_that_cannot_be_written_stops_no_run(tmp_path: Path) -> None:
    """It says so, once and for all."""
    log = RunLog(tmp_path / "not" / "there", 7, SETUP)
    log.answer(0.0, None, [End()])
    log.close()

    assert log.problem == "there of this run is not whole: No such file or directory"


def test_the_schema_of_the_page_is_that_of_the_lines(bench: Bench) -> None:
    """Every line of a real log fits docs/reference/events.schema.json."""
    root = Path(__file__).parents[3]
    schema = json.loads((root / "docs" / "reference" / "events.schema.json").read_text(encoding="utf-8"))
    summary = bench.build()
    path = bench.root / ".stackyard" / "runs" / str(summary.number) / "events.jsonl"

    schemas.assert_is_schema(schema)
    validator = schemas.validator(schema)
    for line in path.read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))
