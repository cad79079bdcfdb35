# SPDX-License-Identifier: MIT
"""Tags from templates."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.model.stack import Revision, TagTemplates
from stackyard.model.tags import render, sanitise, tags_of, values_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
USUAL = TagTemplates(("{prefix}-{commit}",), ("{prefix}-{branch}",))


def test_a_target_gets_a_fixed_and_a_moving_tag() -> None:
    """Seven digits of the commit, and the branch, both behind the prefix."""
    assert tags_of(USUAL, Revision(COMMIT, "main", False), {"prefix": "2026.3"}) == (
        ("2026.3-0123456",),
        ("2026.3-main",),
    )


def test_a_dirty_tree_gets_no_fixed_tags() -> None:
    """What was built from uncommitted files must not be called by the commit's name."""
    assert tags_of(USUAL, Revision(COMMIT, "main", True), {"prefix": "2026.3"}) == ((), ("2026.3-main",))


def test_a_detached_head_gets_no_branch_tag() -> None:
    """A template whose value is not there gives no tag, and the others are given."""
    assert tags_of(USUAL, Revision(COMMIT, None, False), {"prefix": "2026.3"}) == (("2026.3-0123456",), ())


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("main", "main"),
        ("feature/x", "feature-x"),
        ("fix/pip-conda-cleanup", "fix-pip-conda-cleanup"),
        ("a+b", "a-b"),
        ("a_b", "a_b"),
        ("2026.1-cu128", "2026.1-cu128"),
        ("a b", "a-b"),
        ("müsli", "m-sli"),
        ("A", "A"),
    ],
)
def test_what_a_tag_cannot_hold_becomes_a_dash(branch: str, expected: str) -> None:
    """As DataHub's own tool does it (dossier 1.5), and for blanks and letters beyond ASCII too."""
    assert sanitise(branch) == expected


@pytest.mark.parametrize("template", ["{nonsense}", "{prefix}-{Branch_}x{what}"])
def test_a_place_that_nobody_fills_is_refused(template: str) -> None:
    """The message lists the names that there are."""
    with pytest.raises(InvalidValue, match="branch, commit, image, prefix, stable, stamp, version"):
        render(template.replace("Branch_", "nobody"), {"prefix": "1"})


@pytest.mark.parametrize("branch", ["x" * 200, "-x"])
def test_a_branch_that_gives_no_tag_is_refused(branch: str) -> None:
    """Too long, or a tag that would begin with a dash: an error, not a tag nobody asked for."""
    with pytest.raises(InvalidValue):
        render("{branch}", values_of(Revision(COMMIT, branch, False), {}))
