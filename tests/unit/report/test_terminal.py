# SPDX-License-Identifier: MIT
"""What people read: nothing that matters is missing, nothing is said that is not so."""

from __future__ import annotations

import re

import msgspec

from stackyard.model.decide import Need
from stackyard.model.gates import GateState, Waiting
from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.names import TargetName
from stackyard.model.plan import Note
from stackyard.model.stack import Finding, Revision, TagTemplates
from stackyard.report.status import status_data, status_text
from stackyard.report.terminal import findings_text, plan_text, stack_text
from stackyard.report.text import PLAIN
from tests.unit.plan.made import (
    BASE,
    COMMIT,
    known,
    plan,
    pushed,
    record,
    result,
    stack,
    suite,
    target,
)
from tests.unit.report.made import FAILED, PROMOTED, X, run

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
    stamped = target("lab", templates=TagTemplates(("r-{stamp}",)))
    run_s = plan(stack(stamped, revision=Revision(COMMIT, None, True, stamp="2")), NOTHING_KNOWN)
    assert plan_text(run_s, PLAIN, 200).startswith("lab at 0123456 on no branch, with changes that are not committed\n")


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
