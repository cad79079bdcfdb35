# SPDX-License-Identifier: MIT
"""What `BuildAll` costs where it names tests."""

from __future__ import annotations

import msgspec

from stackyard.model.inputs import Entry, Inputs
from stackyard.model.stack import Finding, Target
from tests.unit.plan.made import BARE, blob, known, plan, record, stack, target


def everywhere(of: Target, *paths: str, text: str = "1") -> Target:
    """The target under a `BuildAll` that names these."""
    entries = tuple(Entry(path, "file", blob(text)) for path in paths)
    return of.with_inputs(msgspec.structs.replace(of.inputs, everywhere=entries))


def notices(*now: Target, was: tuple[Target, ...]) -> list[Finding]:
    """What the plan says of it."""
    every = known(*(record(each) for each in was), targets=(*now, *was))
    return [each for each in plan(stack(*now), every).findings if each.code == "tests-in-build-all"]


UP = target("up", templates=BARE)
LEFT = target("left", "up", templates=BARE)
TESTS = ("conftest.py", "tests_common/test_a.py")


def test_images_that_are_built_for_tests_alone_are_counted() -> None:
    """With the tests' names; who asked for it, asked for it, so that it is a notice."""
    was = tuple(everywhere(each, *TESTS) for each in (UP, LEFT))
    (found,) = notices(*(everywhere(each, *TESTS, text="2") for each in (UP, LEFT)), was=was)

    assert found.level == "notice"
    assert found.path == "images/change_ignore.json"
    assert found.sentence == (
        "2 images are built only because `BuildAll` names conftest.py, tests_common (25 s last time), "
        "which no Dockerfile copies"
    )


def test_another_reason_is_another_matter() -> None:
    """A file that is no test, an edit of the image itself, tests that the image copies: nothing would be saved."""
    spec = (everywhere(UP, "spec.yml"),)
    assert notices(everywhere(UP, "spec.yml", text="2"), was=spec) == []
    was = everywhere(UP, *TESTS)
    edited = was.with_inputs(msgspec.structs.replace(was.inputs, dockerfile=blob("other")))
    assert notices(everywhere(edited, *TESTS, text="2"), was=(was,)) == []
    assert notices(everywhere(UP, *TESTS), was=(everywhere(UP, *TESTS),)) == []
    named = target("test", templates=BARE)  # an image of this name is none
    edited = named.with_inputs(msgspec.structs.replace(named.inputs, dockerfile=blob("other")))
    assert notices(edited, was=(named,)) == []
    copies = msgspec.structs.replace(UP, context="images")
    copies = copies.with_inputs(Inputs(blob("x"), (Entry("conftest.py", "file", blob("1")),)))
    assert notices(everywhere(copies, "conftest.py", text="2"), was=(everywhere(copies, "conftest.py"),)) == []
