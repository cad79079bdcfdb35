# SPDX-License-Identifier: MIT
"""What people read: nothing that matters is missing, nothing is said that is not so."""

from __future__ import annotations

import re

import msgspec
import pytest

from stackyard.model.decide import Need
from stackyard.model.gates import GateState, Waiting
from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.moves import MoveSet
from stackyard.model.names import TargetName
from stackyard.model.outcome import Pace, PathJob
from stackyard.model.plan import Note
from stackyard.model.stack import Finding, Revision
from stackyard.report.status import status_data, status_text
from stackyard.report.terminal import findings_text, history_text, moves_text, plan_text, stack_text, summary_text
from stackyard.report.text import PLAIN
from tests.unit.plan.made import (
    AT,
    BASE,
    COMMIT,
    known,
    move,
    plan,
    promotion,
    pushed,
    record,
    result,
    stack,
    suite,
    target,
)
from tests.unit.report.made import BUILT, FAILED, OTHER, PROMOTED, REUSED, SKIPPED, X, run

UP = target("up", bases=(BASE,), args={"TOKEN": "hush", "V": "1"})
LAB = stack(UP, target("lab", "up", suites=(suite(),)))


def test_a_plan_says_what_and_why() -> None:
    """Each image with its step and reason, what it comes to, and that nobody was asked."""
    text = plan_text(plan(LAB, NOTHING_KNOWN), PLAIN, 200)

    assert "lab at 0123456 on branch main" in text
    assert [line.split() for line in text.split("\n") if line.startswith("up")] == [["up", "build", "never", "built"]]
    assert "0123456, main" in text
    assert "2 to build." in text
    assert "were not asked" in text


def test_a_plan_explained_hides_secrets() -> None:
    """Every reason, parent, argument and tag; the value of a credential is not there."""
    text = plan_text(plan(LAB, NOTHING_KNOWN), PLAIN, 200, is_explained=True)

    assert "arg      V=1" in text
    assert "arg      TOKEN=(hidden)" in text
    assert "parent   up as lab/up" in text
    assert "tag      registry.example/lab/lab:main" in text
    assert "hush" not in text


def test_a_plan_that_has_nothing_to_do() -> None:
    """One sentence; what was not selected is no work."""
    bare = target("lab", templates=X.templates.__class__())

    assert "Nothing to do: 1 image as wanted." in plan_text(plan(stack(bare), known(record(bare))), PLAIN, 200)
    assert "Nothing to do" not in plan_text(plan(LAB, NOTHING_KNOWN, "up"), PLAIN, 200)


def test_what_an_offline_plan_knows() -> None:
    """Nobody was asked; where somebody was and did not answer, the plan does not say that nobody was."""
    made = plan(LAB, NOTHING_KNOWN)
    failed = msgspec.structs.replace(made, notes=(Note("records-not-read", "cannot reach registry x"),))

    assert plan_text(made, PLAIN, 200).endswith("From the records; engine and registry were not asked.")
    assert plan_text(failed, PLAIN, 200).endswith("From the records here; the engine was not asked.")


def test_how_long_a_plan_may_take() -> None:
    """The longest way from parent to child, all of it one after another, tests included, and what nobody knows."""
    up, left, right = target("up"), target("left", "up", suites=(suite(),)), target("right", "up")
    then = [target(name, text="FROM y", suites=each.suites) for name, each in (("up", up), ("left", left))]
    made = plan(stack(up, left, right), known(*map(record, then), targets=then))
    text = plan_text(made, PLAIN, 200)

    assert "3 to build. Expected to take 26.0 s; 1 build of unknown length not counted." in text
    assert [re.findall(r"[\d.]+ s", line) for line in text.split("\n") if line.startswith(("up", "left", "right"))] == [
        ["12.5 s"],
        ["13.5 s"],
        [],
    ]
    known_right = target("right", text="FROM y")
    made = plan(stack(up, left, right), known(*map(record, (*then, known_right)), targets=(*then, known_right)))
    assert "3 to build. Expected to take 26.0 s, 38.5 s one after another." in plan_text(made, PLAIN, 200)


def test_what_is_only_tested_or_pushed_takes_less() -> None:
    """The time of the tests, or of the push, as it was last; what is only named takes none."""
    tested = target("tested", suites=(suite(),))
    failing = record(tested, "tested", result(suite(), False))
    there = target("there")
    of = stack(tested, there)
    made = plan(of, known(failing, record(there, "there", pushed(there, "there"))), need=Need(publish=True))

    assert [(step.action, step.expected_s) for step in made.steps] == [("retest", 1.0), ("tag", None)]


def test_a_file_may_be_called_anything() -> None:
    """Line feeds and a terminal's commands are written out: a name of a file draws nothing."""
    evil = "a\n\x1b[2J\u202eb"
    before, after = target("lab"), target("lab", files={evil: ""})
    made = plan(stack(after), known(record(before), targets=(before,)))

    for is_explained in (False, True):
        text = plan_text(made, PLAIN, 200, is_explained)
        assert "a\\n\\x1b[2J\\u202eb added" in text
        assert all(line.isprintable() for line in text.split("\n"))


def test_where_the_tree_is_dirty_or_on_no_branch() -> None:
    """The head says it, because the tags follow from it."""
    dirty = plan(stack(UP, revision=Revision(COMMIT, None, True)), NOTHING_KNOWN, need=Need(publish=True))

    head = plan_text(dirty, PLAIN, 200).split("\n")[0]
    assert "no branch" in head
    assert "no fixed tags" in head


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


def test_findings_with_their_place_and_hint() -> None:
    """The code is there to be looked up; the last line counts."""
    error = Finding("no-images", "error", "there is no image", "images/spec.yml", 3, hint="add one")
    text = findings_text([error], PLAIN, 80)

    assert text == "error: images/spec.yml:3: there is no image [no-images]\n  hint: add one\n1 error, 0 warnings."
    assert findings_text([], PLAIN, 80) == "No errors, no warnings."


def test_the_images_of_a_stack() -> None:
    """Where they go, how they are tested, what they build on."""
    rows = [line.split() for line in stack_text(LAB, PLAIN, 200).split("\n")[1:]]

    assert rows == [
        ["up", "registry.example/lab/up", "-", BASE],
        ["lab", "registry.example/lab/lab", "basic", "up"],
    ]


def test_history_is_newest_first() -> None:
    """Runs and moves of channels together, with how they ended."""
    later = MoveSet("rollback", "registry", "stable", "A", "2026-03-01T00:00:00Z", PROMOTED.moves, "", "undone")
    text = history_text([run(FAILED, BUILT)], [later, PROMOTED], PLAIN, 200)
    lines = text.split("\n")[1:]

    assert "stable: rolled back to A - undone" in lines[0]
    assert sorted("run 7 (build) - failed" in line for line in lines) == [False, False, True]
    assert any("stable: promoted 2026.3-main" in line for line in lines)
    assert history_text([], [], PLAIN, 80).startswith("Nothing yet")


def test_status_on_half_a_screen() -> None:
    """Channels, the last run, what would build, what to type next."""
    todo = plan(LAB, NOTHING_KNOWN)
    text = status_text(todo, {"stable": PROMOTED}, run(FAILED), True, PLAIN, 100)

    assert "stable is 2026.3-main (commit 0123456), since 2026-01-01" in text
    assert "7, failed: bad, 2026-01-01 00:00 UTC" in text
    assert "up and lab" in text
    assert "stackyard build --push" in text
    assert len(text.split("\n")) < 15
    empty = status_text(todo, {}, None, False, PLAIN, 40)
    assert empty.count("none yet") == 2
    assert "--push" not in empty
    assert status_data({}, None) == {"channels": {}, "waiting": [], "last_run": None}


def test_status_says_what_a_channel_waits_for() -> None:
    """Beside what it is, or alone where nobody promoted to it yet; every gate once."""
    state = GateState("gpu", "report", "missing", (TargetName("lab"),), "nobody reported it")
    each = Waiting("main", COMMIT, (state, msgspec.structs.replace(state, sentence="not passed")))
    text = status_text(plan(LAB, NOTHING_KNOWN), {"stable": PROMOTED}, None, True, PLAIN, 200, {"stable": each})

    what = "waits for report gpu of the newest run of main (commit 0123456)"
    assert f"stable is 2026.3-main (commit 0123456), since 2026-01-01; {what}" in text
    assert f"Channels:     exam {what}" in status_text(
        plan(LAB, NOTHING_KNOWN), {}, None, True, PLAIN, 200, {"exam": each}
    )
    assert status_data({}, None, {"exam": each})["waiting"][0]["channel"] == "exam"


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
