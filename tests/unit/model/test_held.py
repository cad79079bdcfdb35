# SPDX-License-Identifier: MIT
"""Branch tags that a build leaves where they are."""

from __future__ import annotations

import msgspec

from stackyard.model.gates import ChannelGates
from stackyard.model.held import without_held
from stackyard.model.known import NOTHING_KNOWN, Known, TagPlace
from stackyard.model.names import Tag
from stackyard.model.reference import Reference
from stackyard.model.stack import Revision, Stack, TagTemplates
from tests.unit.plan.made import COMMIT, stack, target

TEMPLATES = TagTemplates(("{commit}",), ("{branch}", "edge"), ("latest",))
LAB = target("lab", templates=TEMPLATES)


def on(branch: str | None, *targets: str) -> Stack:
    """A stack of images at a branch."""
    of = (LAB, *(target(name, templates=TEMPLATES) for name in targets))
    return stack(*of, revision=Revision(COMMIT, branch, is_dirty=False, is_default=True))


def knowing(*channels: str, **branches: str) -> Known:
    """Channels, and whose tags there are in the registry: `lab="feature/x"` is of the tag feature-x."""
    owners: dict[tuple[TagPlace, str], str] = {
        ("registry", Reference(target(name).repository, Tag("feature-x")).canonical): branch
        for name, branch in branches.items()
    }
    return msgspec.structs.replace(NOTHING_KNOWN, channels=frozenset(channels), branches=owners)


def taken(of: Stack, known: Known, *branches: str) -> tuple[Stack, list[str]]:
    """The stack as it may be tagged in the registry, and what is said of it."""
    found, notes = without_held(of, known, "registry", lambda: branches)
    return found, [note.sentence for note in notes]


def kept(of: Stack) -> list[tuple[str, ...]]:
    """Templates of moving tags that are left, by target."""
    return [(*each.templates.moving, *each.templates.default_branch) for each in of.targets]


WHOLE = ("{branch}", "edge", "latest")


def test_a_channel_is_not_moved_by_a_branch_of_its_name() -> None:
    """Only people move it; a tag that the owner wrote down as moving is the owner's decision."""
    found, said = taken(on("prod"), knowing("prod", "latest", "{prefix}-prod", "{oops}"))

    assert kept(found) == [("edge", "latest")]
    assert said == ["prod is a channel's tag, and stays where it was promoted to"]


def test_a_channel_with_gates_is_one_before_its_first_promotion() -> None:
    """A branch of its name would go around what the spec asks for."""
    guarded = msgspec.structs.replace(on("exam"), gates=(ChannelGates("exam", ()),))
    found, said = taken(guarded, NOTHING_KNOWN)

    assert kept(found) == [("edge", "latest")]
    assert said == ["exam is a channel's tag, and stays where it was promoted to"]


def test_images_have_tags_of_their_own() -> None:
    """Where a template names the image, one image's channel is not another's."""
    named = TagTemplates((), ("{image}-{branch}",))
    made = {name: target(name, templates=named) for name in ("lab", "other")}
    images = [msgspec.structs.replace(each, variables=(("image", name),)) for name, each in made.items()]
    of = stack(*images, revision=Revision(COMMIT, "prod", is_dirty=False))

    assert kept(taken(of, knowing("lab-prod"))[0]) == [(), ("{image}-{branch}",)]


def test_a_tag_of_a_branch_that_is_gone_is_taken_over() -> None:
    """With a word about whose it was."""
    found, said = taken(on("feature-x"), knowing(lab="feature/x"), "feature-x", "main")

    assert kept(found) == [WHOLE]
    assert said == ["feature-x was branch feature/x's tag, which is gone: it is feature-x's now"]


def test_the_branch_that_has_a_tag_keeps_it() -> None:
    """In each repository by itself: an image that the other branch never built gets its tag."""
    found, said = taken(on("feature-x", "other"), knowing(lab="feature/x"), "feature/x", "feature-x")

    assert kept(found) == [("edge", "latest"), WHOLE]
    assert said == ["feature-x is branch feature/x's tag, and stays: rename one of the two"]


def test_nobody_clashes_with_what_is_not_known() -> None:
    """No tag, one's own, one in another place, another branch's: the stack is as it was, and git is not asked."""

    def asked() -> list[str]:
        raise AssertionError

    of = on("feature-x")
    assert without_held(of, knowing(), "registry", asked) == (of, ())
    assert without_held(of, knowing(lab="feature-x"), "registry", asked) == (of, ())
    assert without_held(of, knowing(lab="feature/x"), "engine", asked) == (of, ())
    assert without_held(on("main"), knowing(lab="feature/x"), "registry", asked) == (on("main"), ())
