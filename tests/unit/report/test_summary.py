# SPDX-License-Identifier: MIT
"""What happened as people read it: failures with what to look at, what moves, what was when."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.model.moves import MoveSet
from stackyard.model.outcome import Pace, PathJob
from stackyard.report.summary import history_text, moves_text, summary_text
from stackyard.report.text import PLAIN
from tests.unit.plan.made import AT, move, promotion, target
from tests.unit.report.made import BUILT, FAILED, OTHER, PROMOTED, REUSED, SKIPPED, X, run


def test_a_run_that_failed_shows_what_to_look_at() -> None:
    """The sentence, the first lines, the last log; who was skipped because of it; what was published all the same."""
    text = summary_text(run(FAILED, SKIPPED, BUILT, REUSED, OTHER), PLAIN, 200)

    assert "bad: 1 of 3 basic tests failed\n  test_a: assert 1 == 2\n  log: .stackyard/runs/7/bad.test.log" in text
    assert "skipped, bad failed" in text
    assert "basic 2/3" in text
    assert f"registry.example/lab/x:sy-1@sha256:{'0' * 64}" in text
    assert "also registry.example/lab/x:1" in text
    assert "1 failed" in text.split("\n")[-1]
    assert "1 skipped because of a failure" in text.split("\n")[-1]


@pytest.mark.parametrize(("interrupted", "said"), [(False, "Nothing to do: 1 image as wanted"), (True, "Interrupted.")])
def test_a_run_ends_with_one_sentence(interrupted: bool, said: str) -> None:
    """Nothing done is said to be nothing; a run that was stopped never says that all is as wanted."""
    assert said in summary_text(run(REUSED, OTHER, is_interrupted=interrupted), PLAIN, 200)


def test_moves_before_they_are_made() -> None:
    """From what to what; a tag that stays, and one that is new."""
    y, z = target("y"), target("z")
    moves = promotion("main", move(X, "stable", "1", "2"), move(y, "stable", None, "2"), move(z, "stable", "2", "2"))
    text = moves_text(moves, PLAIN, 200)

    assert text.startswith("Promote main (commit 0123456): channel stable")
    assert moves.moves[0].now.short in text
    assert "nothing" in text
    assert "stays" in text
    assert moves_text(promotion("A", kind="rollback"), PLAIN, 200).startswith("Roll back to A")


def test_history_is_newest_first() -> None:
    """Runs and moves of channels together, with how they ended."""
    later = MoveSet("rollback", "registry", "stable", "A", "2026-03-01T00:00:00Z", PROMOTED.moves, "", "undone")
    text = history_text([run(FAILED, BUILT)], [later, PROMOTED], PLAIN, 200)
    lines = text.split("\n")[1:]

    assert "stable: rolled back to A - undone" in lines[0]
    assert sorted("run 7 (build) - failed" in line for line in lines) == [False, False, True]
    assert any("stable: promoted 2026.3-main" in line for line in lines)
    assert history_text([], [], PLAIN, 80).startswith("Nothing yet")


def test_times_are_shown_as_utc() -> None:
    """Without the letters of ISO 8601."""
    assert AT == "2026-01-01T00:00:00Z"
    assert "2026-01-01 00:00:00" in history_text([run(BUILT)], [], PLAIN, 200)


def test_what_was_not_tested_is_said() -> None:
    """An image without tests is built all the same, and its line says what nobody looked at."""
    untested = msgspec.structs.replace(BUILT, tests=())

    assert "not tested" in summary_text(run(untested), PLAIN, 200)
    assert "not tested" not in summary_text(run(BUILT), PLAIN, 200)
    assert "not tested" not in summary_text(run(REUSED), PLAIN, 200)


def test_a_summary_says_how_far_from_the_bound_it_was() -> None:
    """With what was on the critical path, an image once; with what would have to change for less."""
    path = (
        PathJob(BUILT.target, "build", 40.0),
        PathJob(BUILT.target, "test", 2.0),
        PathJob(FAILED.target, "test", 8.0),
    )
    pace = Pace(path, 50.0, 90.0, 50.0, "path")
    by_path = msgspec.structs.replace(run(BUILT, FAILED), pace=pace)
    by_kind = msgspec.structs.replace(run(BUILT, FAILED), pace=Pace(path, 50.0, 130.0, 60.0, "build", 2))
    short = msgspec.structs.replace(run(BUILT, FAILED), pace=Pace(path, 0.2, 0.3, 0.2, "path"))

    assert (
        "Critical path 50.0 s: x 42.0 s and bad 8.0 s. The run took 26% more than the least possible.\n"
        in summary_text(by_path, PLAIN, 200)
    )
    assert "The run took 5% more than the least possible with builds 2 at once, 1 min 0 s.\n" in summary_text(
        by_kind, PLAIN, 200
    )
    assert "Critical path" not in summary_text(short, PLAIN, 200)


def test_what_may_fail_is_told_and_counted_apart() -> None:
    """Its failure is shown as any other, with the word that it may; the last line counts it by itself."""
    bad, child = (msgspec.structs.replace(each, is_excused=True) for each in (FAILED, SKIPPED))
    text = summary_text(run(BUILT, bad, child), PLAIN, 120)

    assert "failed, as it may" in text
    assert "skipped, bad failed, which may" in text
    assert str(bad.failure) in text
    assert "1 failed that may" in text.splitlines()[-1]


def test_the_disk_is_told_where_it_is_known() -> None:
    """What is free, and what became of the rest."""
    less = msgspec.structs.replace(run(BUILT), free_before_bytes=9 * 10**9, free_after_bytes=7 * 10**9)
    more = msgspec.structs.replace(run(BUILT), free_before_bytes=7 * 10**9, free_after_bytes=9 * 10**9)

    assert "Disk: 7.0 GB free, 2.0 GB less than before.\n" in summary_text(less, PLAIN, 120)
    assert "2.0 GB more than before" in summary_text(more, PLAIN, 120)
    assert "Disk" not in summary_text(run(BUILT), PLAIN, 120)
