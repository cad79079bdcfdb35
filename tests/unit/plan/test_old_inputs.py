# SPDX-License-Identifier: MIT
"""The inputs of the DataHub workflows mean what their authors meant."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.errors import InvalidValue
from stackyard.model.moves import AskedPromotion
from stackyard.model.stack import Stack, Target
from stackyard.plan.old_inputs import of_original_tag, of_stable_prefix
from tests.cases import each_of
from tests.unit.plan.made import stack, target


def of_plan(name: str, prefix: str, stable: str = "-stable") -> Target:
    """An image of a plan."""
    variables = (("prefix", prefix), ("stable", prefix + stable))
    return msgspec.structs.replace(target(name), variables=variables)


ONE = stack(of_plan("lab", "2026.3"))
TWO = stack(of_plan("lab/OLD", "2021.3", "-good"), of_plan("lab/NEW", "2021.3.1"))


@each_of(
    ("of", "typed", "meant"),
    [
        (ONE, "2026.3-main", ("2026.3-main", "2026.3-stable", ())),
        (ONE, "2026.2-main", ("2026.2-main", "2026.2-stable", ())),
        (ONE, "2026.3-2026.1-cu128", ("2026.3-2026.1-cu128", "2026.3-stable", ())),
        (ONE, "2026.3-feature/x", ("2026.3-feature-x", "2026.3-stable", ())),
        (TWO, "2021.3-04cfba0", ("2021.3-04cfba0", "2021.3-good", ("lab/OLD",))),
        (TWO, "2021.3.1-main", ("2021.3.1-main", "2021.3.1-stable", ("lab/NEW",))),
    ],
)
def test_an_original_tag_goes_to_its_quarters_stable(
    of: Stack, typed: str, meant: tuple[str, str, tuple[str, ...]]
) -> None:
    """Of the plan whose prefix it has, as the plan calls its stable tag; a branch as builds write it."""
    assert of_original_tag(of, typed) == AskedPromotion(*meant)


@pytest.mark.parametrize(
    ("of", "typed", "meant"),
    [
        (ONE, "2026.3", ("2026.3-stable", "stable", ())),
        (TWO, "2021.3.1", ("2021.3.1-stable", "stable", ("lab/NEW",))),
        (TWO, "2021.3", ("2021.3-good", "stable", ("lab/OLD",))),
    ],
)
def test_a_prefix_becomes_stable(of: Stack, typed: str, meant: tuple[str, str, tuple[str, ...]]) -> None:
    """Of any length: six characters are no rule."""
    assert of_stable_prefix(of, typed) == AskedPromotion(*meant)


@each_of("typed", ["main", "", "-main", "2026.3-", "2026 3-main"])
def test_what_is_no_tag_of_a_quarter(typed: str) -> None:
    """Told before anything is looked for."""
    with pytest.raises(InvalidValue, match="is no tag of a quarter"):
        of_original_tag(ONE, typed)
    with pytest.raises(InvalidValue):
        of_stable_prefix(ONE, "2026/3")
