# SPDX-License-Identifier: MIT
"""Tags from templates."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.model.names import Tag
from stackyard.model.stack import Revision, TagTemplates
from stackyard.model.tags import numbered, render, sanitise, tags_of, values_of
from tests.cases import each_of

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


def test_a_tag_is_given_once() -> None:
    """However many templates give it; one that is fixed is not a moving one, too."""
    twice = TagTemplates(("{commit}", "{commit}"), ("{branch}", "{commit}", "{branch}"))
    assert tags_of(twice, Revision(COMMIT, "main", False), {}) == (("0123456",), ("main",))


def test_a_detached_head_gets_no_branch_tag() -> None:
    """A template whose value is not there gives no tag, and the others are given."""
    assert tags_of(USUAL, Revision(COMMIT, None, False), {"prefix": "2026.3"}) == (("2026.3-0123456",), ())


@each_of(
    ("branch", "expected"),
    [
        ("main", "main"),
        ("feature/x", "feature-x"),
        ("fix/pip-conda-cleanup", "fix-pip-conda-cleanup"),
        ("a+b", "a-b"),
        ("a_b", "a_b"),
        ("2026.1-cu128", "2026.1-cu128"),
        ("emergency-fix", "emergency-fix"),
        ("a b", "a-b"),
        ("a~!@#$%^&*()+`=[]{}|\\;:'\",<>/?z", "a" + "-" * 29 + "z"),
        ("müsli", "musli"),
        ("prüfung/été", "prufung-ete"),
        ("A", "A"),
    ],
)
def test_what_a_tag_cannot_hold_becomes_a_dash(branch: str, expected: str) -> None:
    """As DataHub's own tool does it, for blanks too; letters lose their accents."""
    assert sanitise(branch) == expected


def test_branches_in_another_script_give_tags_of_their_own() -> None:
    """Dashes alone would be one tag for all of them, so each gets a mark; the same one every time."""
    names = ("日本", "中国", "fix/日本", "fix/中国", "-", "--", ".")
    tags = [sanitise(name) for name in names]

    assert len(set(tags)) == len(names)
    assert tags == [sanitise(name) for name in names]
    assert [tag.rpartition("-")[0] for tag in tags[:4]] == ["branch", "branch", "fix", "fix"]


@pytest.mark.parametrize("template", ["{nonsense}", "{prefix}-{nobody}x{what}"])
def test_a_place_that_nobody_fills_is_refused(template: str) -> None:
    """The message lists the names that there are."""
    with pytest.raises(InvalidValue, match="branch, commit, image, prefix, stable, stamp, version"):
        render(template, {"prefix": "1"})


def on(branch: str, template: str, **variables: str) -> str:
    """The tag that a branch gives."""
    tag = render(template, values_of(Revision(COMMIT, branch, False), variables))
    assert tag is not None
    assert Tag.form.fullmatch(tag)
    return tag


@pytest.mark.parametrize("template", ["{branch}", "{prefix}-{branch}", "{branch}-x-{branch}"])
def test_a_long_branch_is_cut_and_marked(template: str) -> None:
    """The tag is as long as tags may be, and two branches that differ behind the cut give two tags."""
    one, other = (on("x" * 200 + end, template, prefix="2026.3") for end in "ab")

    assert one != other
    assert len(one) in (127, 128)
    assert on("x" * 60, template, prefix="2026.3").count("x" * 60) == template.count("{branch}")


def test_a_tag_of_just_the_length_is_left_alone() -> None:
    """128 characters are a tag, 129 are none."""
    assert on("x" * 121, "{prefix}-{branch}", prefix="2026.3") == "2026.3-" + "x" * 121
    assert on("x" * 122, "{prefix}-{branch}", prefix="2026.3").startswith("2026.3-" + "x" * 112 + "-")


@each_of(("branch", "expected"), [("-x", "x"), ("#12-fix", "12-fix"), (".hidden", "hidden"), ("_x", "_x")])
def test_a_tag_begins_as_tags_may(branch: str, expected: str) -> None:
    """Dots and dashes before a branch's name are left out where it begins the tag."""
    assert on(branch, "{branch}") == expected


def test_more_digits_of_the_commit_may_be_asked_for() -> None:
    """`{commit}` is seven, `{commit:12}` twelve; fewer than seven are refused."""
    values = values_of(Revision(COMMIT, None, False), {})

    assert [render(text, values) for text in ("{commit}", "{commit:12}", "{commit:40}")] == [
        "0123456",
        "0123456789ab",
        COMMIT,
    ]
    with pytest.raises(InvalidValue, match="at least 7"):
        render("{commit:6}", values)


def test_a_variable_of_the_stack_may_be_part_of_a_tag() -> None:
    """Names are as people write them, in any case and with digits."""
    assert (
        render("cuda{CUDA_12}-{commit}", values_of(Revision(COMMIT, None, False), {"CUDA_12": "6"})) == "cuda6-0123456"
    )


def test_the_numbered_form_of_a_fixed_tag() -> None:
    """The second build of a commit is `.2`; a tag that is as long as tags may be is cut for it."""
    tag, long = Tag("2026.3-5f71d3b"), Tag("x" * 128)

    assert numbered(tag, 2) == "2026.3-5f71d3b.2"
    assert numbered(long, 12) == "x" * 125 + ".12"
