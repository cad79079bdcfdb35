# SPDX-License-Identifier: MIT
"""Tests of images that are there, over fakes: which image is meant, what runs again, what is recorded, what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackyard import verbs
from stackyard.edges.engine import RunResult
from stackyard.errors import ConfigError, NothingToDo, UnknownName
from stackyard.model import record as facts
from stackyard.model.outcome import RunSummary
from stackyard.model.reference import Reference
from stackyard.verbs import adopt, promotion, testing
from tests.unit.run.test_run import SPEC, Bench

WORDS = ("build", "push", "tag", "pull", "inside", "run")


class Tests(Bench):
    """A stack all of whose images are built; only `base` and `left` have tests."""

    __test__ = False

    def test(self, *images: str, **options: Any) -> RunSummary:
        """Prepare and run, a minute later than before; what was asked of the engine until then is forgotten."""
        self.clock.advance(60)
        yard = self.yard()
        self.engine.calls.clear()
        return testing.run(yard, testing.prepare(yard, images, **options))

    @property
    def done(self) -> list[str]:
        """What the last command had the engine do."""
        return [verb for verb, _ in self.engine.calls if verb in WORDS]

    def results(self, image: str) -> list[bool]:
        """Every result that the newest record of an image has, oldest first."""
        records = self.yard().records.known().records
        newest = next(found[0] for name, found in records.items() if name == image)
        return [fact.passed for fact in newest.facts if isinstance(fact, facts.Tested)]


@pytest.fixture
def tests(tmp_path: Path) -> Tests:
    """All built."""
    made = Tests(tmp_path)
    made.build(publish=True)
    return made


def test_what_passed_starts_no_container(tests: Tests) -> None:
    """The same image and the same test code: the result is reused, and nothing counts as a run."""
    summary = tests.test()

    assert tests.statuses(summary) == {"base": "reused", "left": "reused"}
    assert tests.done == []
    assert summary.number == 0


def test_retest_runs_and_records(tests: Tests) -> None:
    """A failure is recorded, and a failure until it passes: a plan tests again, and builds nothing."""
    tests.engine.answers["version"] = lambda *_: RunResult(1, "broken\n", 0.0)
    summary = tests.test("left", is_retesting=True)

    assert (tests.statuses(summary), tests.done) == ({"left": "failed"}, ["inside"])
    assert tests.results("left") == [True, False]
    assert verbs.plan(tests.yard()).step(summary.outcomes[0].target).action == "retest"
    tests.engine.answers["version"] = lambda *_: "1.0\n"
    assert tests.statuses(tests.test("left")) == {"left": "tested"}
    assert tests.results("left") == [True, False, True]
    assert [run.command for run in tests.yard().records.runs(9)] == ["test", "test", "build"]


def test_one_image_says_nothing_of_another(tests: Tests) -> None:
    """A child is tested although its parent fails."""
    tests.engine.answers["version"] = lambda facts, _: RunResult(int(len(facts.layers) < 3), "", 0.0)
    summary = tests.test(is_retesting=True)

    assert tests.statuses(summary) == {"base": "failed", "left": "tested"}


def test_an_image_that_is_only_published_is_fetched(tests: Tests) -> None:
    """By digest; its result travels to others who know of it."""
    for name in list(tests.engine.names()):
        if "/left" in name:
            tests.engine.untag(Reference.parse(name))
    summary = tests.test("left", is_retesting=True)

    assert tests.statuses(summary) == {"left": "fetched"}
    assert tests.done == ["pull", "tag", "inside"]
    (tests.root / ".stackyard/records.sqlite3").unlink()
    assert tests.statuses(tests.test("left")) == {"left": "reused"}
    assert tests.results("left") == [True, True]


def test_files_that_changed_since_are_told(tests: Tests) -> None:
    """The image that was built last is tested, and nobody believes that it is of the files as they are."""
    tests.write("images/left/note", "other")
    summary = tests.test("left", is_retesting=True)

    assert tests.statuses(summary) == {"left": "tested"}
    assert [remark for remark in summary.remarks if "left: tested as built last" in remark]


def test_any_image_can_be_tested(tests: Tests) -> None:
    """One of no record is tested under a name that is gone afterwards; its result is in the run, and in no record."""
    tests.engine.add("elsewhere/other:1", "other")
    summary = tests.test("left", image="elsewhere/other:1")

    assert tests.statuses(summary) == {"left": "tested"}
    assert summary.outcomes[0].tests[0].passed
    assert tests.results("left") == [True]
    assert not [name for name in tests.engine.names() if "sy-building" in name]
    with pytest.raises(ConfigError, match="is one image, and the tests of 2 are meant"):
        tests.test(image="elsewhere/other:1")
    with pytest.raises(NothingToDo, match="neither the engine nor a registry has"):
        tests.test("left", image="registry.example/lab/nothing:1")
    with pytest.raises(NothingToDo, match="nothing to test: the records know no image tagged 'nothing'"):
        tests.test(image="nothing")


def test_an_image_that_a_record_knows_is_known_by_any_name(tests: Tests) -> None:
    """By its local id, its name in the registry, or a tag of the stack: its result counts, and is recorded there."""
    local = next(id_ for name, id_ in tests.engine.names().items() if "lab/left:sy-" in name)
    for image in (str(local), "registry.example/lab/left:2026.3-main", "{prefix}-main", tests.head):
        assert tests.statuses(tests.test("left", image=image)) == {"left": "reused"}
        assert tests.done == []
    tests.test("left", image="2026.3-main", is_retesting=True)
    assert tests.results("left") == [True, True]


@pytest.mark.processes
def test_an_adopted_image_is_tested_for_the_first_time(tests: Tests) -> None:
    """Its tests were vouched for; from then on a result of its own counts."""
    tests.write("images/spec.yml", f"records: local\n{SPEC}")
    tests.commit()
    tests.build(publish=True)
    (tests.root / ".stackyard/records.sqlite3").unlink()
    adopt.adopt(yard := tests.yard(), adopt.adopting(yard))
    assert tests.statuses(tests.test("left")) == {"left": "reused"}
    tests.engine.answers["version"] = lambda *_: RunResult(1, "broken\n", 0.0)
    tests.test("left", is_retesting=True)

    assert tests.results("left") == [False]
    assert tests.statuses(tests.test("left")) == {"left": "failed"}


def test_results_are_brought_to_a_gate(tests: Tests) -> None:
    """Each image its own, by digest; what passed before as well; a gate that nobody asks for is refused."""
    tests.write("images/spec.yml", f"{SPEC}channels: {{stable: {{reports: {{gpu: [left]}}}}}}\n")
    tests.commit()
    tests.build(publish=True)
    summary = tests.test(image="2026.3-main", gate="gpu")

    assert [remark for remark in summary.remarks if remark.startswith("gate gpu: left: passed, 1 test, reported")]
    assert not [remark for remark in summary.remarks if "base" in remark]
    moves = promotion.plan_promotion(tests.yard(), promotion.AskedPromotion("2026.3-main", "stable"))
    assert [(state.gate, state.answer) for state in moves.gates if state.sort == "report"] == [("gpu", "passed")]
    with pytest.raises(UnknownName, match="no channel asks for a report 'cpu'"):
        tests.test(gate="cpu")


def test_a_kind_that_nobody_has_is_told(tests: Tests) -> None:
    """With the kinds that there are."""
    with pytest.raises(NothingToDo, match="no tests of the kind integration") as caught:
        tests.test("left", kinds=["integration"])
    assert caught.value.hint == "there are: inventory"
    with pytest.raises(NothingToDo, match="right has no tests"):
        tests.test("right")


def test_manual_tests_are_named_and_not_run(tests: Tests) -> None:
    """They are for people, whatever is in their folder."""
    with pytest.raises(NothingToDo, match="left has no folder `manual_tests`"):
        tests.test("left", kinds=["manual"])
    tests.write("images/left/manual_tests/test_lab.py", "def test(): pass")
    with pytest.raises(NothingToDo, match="nothing was run: images/left/manual_tests") as caught:
        tests.test(kinds=["manual"])
    assert "gate approve" in (caught.value.hint or "")


def test_nothing_to_test_is_no_pass(tmp_path: Path) -> None:
    """An image that was never built."""
    with pytest.raises(NothingToDo, match="there is no image of base to test"):
        Tests(tmp_path).test("base")
