# SPDX-License-Identifier: MIT
"""Branch tags that a build leaves where they are."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.model.held import may_clash, without_held
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Tag
from stackyard.model.stack import Revision, Stack, TagTemplates
from tests.unit.plan.made import AT, COMMIT, sha, stack, target

TEMPLATES = TagTemplates(("{commit}",), ("{branch}", "edge"), ("latest",))
LAB = target("lab", templates=TEMPLATES)


def on(branch: str | None, *targets: str) -> Stack:
    """A stack of images at a branch."""
    of = (LAB, *(target(name, templates=TEMPLATES) for name in targets))
    return stack(*of, revision=Revision(COMMIT, branch, is_dirty=False, is_default=True))


def run(branch: str | None, tag: str = "feature-x", name: str = "lab") -> MoveSet:
    """A finished run of a branch, which moved its tag."""
    move = TagMove(target(name).name, target(name).repository, Tag(tag), None, sha(branch))
    return MoveSet("run", "registry", "", "1", AT, (move,), COMMIT, "done", branch)


def kept(of: Stack) -> list[tuple[str, ...]]:
    """Templates of moving tags that are left, by target."""
    return [(*each.templates.moving, *each.templates.default_branch) for each in of.targets]


WHOLE = ("{branch}", "edge", "latest")


def test_a_channel_is_not_moved_by_a_branch_of_its_name() -> None:
    """Only people move it; a tag that the owner wrote down as moving is the owner's decision."""
    found, notes = without_held(on("prod"), ["prod", "latest", "{prefix}-prod", "{oops}"], (), lambda: ())

    assert kept(found) == [("edge", "latest")]
    assert [note.sentence for note in notes] == ["prod is a channel's tag, and stays where it was promoted to"]


def test_images_have_tags_of_their_own() -> None:
    """Where a template names the image, one image's channel is not another's."""
    named = TagTemplates((), ("{image}-{branch}",))
    images = [
        msgspec.structs.replace(target(name, templates=named), variables=(("image", name),))
        for name in ("lab", "other")
    ]
    of = stack(*images, revision=Revision(COMMIT, "prod", is_dirty=False))

    assert kept(without_held(of, ["lab-prod"], (), lambda: ())[0]) == [(), ("{image}-{branch}",)]


@pytest.mark.parametrize("branches", [("feature-x",), ("main",)])
def test_a_tag_of_a_branch_that_is_gone_is_taken_over(branches: tuple[str, ...]) -> None:
    """With a word about whose it was."""
    found, notes = without_held(on("feature-x"), (), [run("feature/x")], lambda: branches)

    assert kept(found) == [WHOLE]
    assert [note.sentence for note in notes] == [
        "feature-x was branch feature/x's tag, which is gone: it is feature-x's now"
    ]


def test_the_branch_that_has_a_tag_keeps_it() -> None:
    """In each repository by itself: an image that the other branch never built gets its tag."""
    found, notes = without_held(on("feature-x", "other"), (), [run("feature/x")], lambda: ["feature/x", "feature-x"])

    assert kept(found) == [("edge", "latest"), WHOLE]
    assert notes[0].kind == "branch-clash"
    assert notes[0].sentence == "feature-x is branch feature/x's tag, and stays: rename one of the two"


def test_whoever_had_a_tag_last_counts() -> None:
    """The newest set is the first."""
    sets = [run("feature-x"), run("feature/x")]
    assert without_held(on("feature-x"), (), sets, lambda: ["feature/x"])[1] == ()
    assert without_held(on("feature-x"), (), sets[::-1], lambda: ["feature/x"])[1] != ()


def test_nobody_clashes_with_what_is_not_known() -> None:
    """Sets of before branches were kept, other tags, the branch's own: the stack is as it was, and git is not asked."""

    def asked() -> list[str]:
        raise AssertionError

    of = on("feature-x")
    for sets in ([run(None)], [run("feature-x")], [run("main", "main")], [run("other/x", "feature-x")]):
        assert without_held(of, (), sets, asked) == (of, ())


@pytest.mark.parametrize(
    ("branch", "expected"), [("main", False), ("feature/x", True), ("feature-x", True), ("x_y", False), (None, False)]
)
def test_which_names_may_clash(branch: str | None, expected: bool) -> None:
    """Those with a dash where another name may have something else."""
    assert may_clash(on(branch)) == expected
    of = on(branch)
    fixed = tuple(msgspec.structs.replace(each, templates=TagTemplates(("{branch}",))) for each in of.targets)
    assert not may_clash(msgspec.structs.replace(of, targets=fixed))
