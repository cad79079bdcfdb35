# SPDX-License-Identifier: MIT
"""The images of a set belong together: each stands on the parent that readers get with it."""

from __future__ import annotations

import pytest

from stackyard.errors import NothingToDo
from stackyard.model.names import TargetName
from stackyard.plan.coherence import Standing, check_coherent, left_behind
from tests.cases import each_of
from tests.unit.plan.made import manifest, record, target

BASE, LEAF = target("base"), target("leaf", "base")


def standing(content: str, on: str = "") -> Standing:
    """An image by its content; a leaf stands on a base of that content."""
    of = record(LEAF, content, parents={"base": on}) if on else record(BASE, content)
    return Standing(manifest(content), of)


def check(leaf: Standing, beside: Standing | None, held: Standing | None) -> None:
    """Promote a leaf with a base, or without one where the channel holds one."""
    promoted = {LEAF.name: leaf} | ({BASE.name: beside} if beside else {})
    check_coherent(promoted, lambda name: held if name == BASE.name else None, "main", "stable")


@each_of(
    ("beside", "held"),
    [
        (standing("b"), None),
        (None, standing("b")),
        (None, None),
        (standing("b"), standing("other")),
        (Standing(manifest("another build of the same"), record(BASE, "b")), None),
    ],
)
def test_a_set_that_belongs_together(beside: Standing | None, held: Standing | None) -> None:
    """The parent is promoted with it, or held already, or equal in content; a channel without one says nothing."""
    check(standing("l", on="b"), beside, held)


@pytest.mark.parametrize(
    ("beside", "held", "words"),
    [
        (standing("b2"), standing("b"), "main has base at"),
        (None, standing("b2"), "stable holds base at"),
        (None, Standing(manifest("b2"), None), r"stable holds base at .* \(content unknown\)"),
    ],
)
def test_a_child_of_another_parent_is_refused_naming_both(
    beside: Standing | None, held: Standing | None, words: str
) -> None:
    """The one that it is promoted with, or that the channel holds, also where nobody knows what that is."""
    with pytest.raises(NothingToDo, match=words) as caught:
        check(standing("l", on="b"), beside, held)
    for name in ("leaf", manifest("l").short, manifest("b2").short):
        assert name in str(caught.value)
    assert (caught.value.target, caught.value.parent) == ("leaf", "base")


def test_children_that_stay_behind_are_told() -> None:
    """One that stands on what is promoted now is not."""
    held = {LEAF.name: standing("l", on="b"), TargetName("other"): standing("o", on="b2")}

    (sentence,) = left_behind({BASE.name: standing("b2")}, held, "stable")
    assert sentence.startswith("leaf stays in stable at")
