# SPDX-License-Identifier: MIT
"""Promotion and rollback as plans: all or none, by digest, nothing behind the records' back."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from stackyard.errors import InvalidValue, NothingToDo, TagConflict
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Record
from stackyard.model.reference import Reference, Repository
from stackyard.model.stack import Stack, TagTemplates
from stackyard.plan.channels import Source, find_sources, place_of, plan_promotion
from tests.unit.plan.made import (
    AT,
    COMMIT,
    known,
    manifest,
    move,
    pushed,
    record,
    result,
    sha,
    stack,
    suite,
    tagged,
    target,
)

BASIC = suite()
X, Y = target("x", suites=(BASIC,)), target("y")
LAB = stack(X, Y)
OLDER, NEWER = "a" * 40, "b" * 40


def published(content: str, commit: str, number: int = 1) -> tuple[Record, Record]:
    """Both images, built at `commit`, tested and pushed; their contents are `x-content`, `y-content`."""
    return (
        record(X, f"x-{content}", result(BASIC), pushed(X, f"x-{content}"), commit=commit, number=number),
        record(Y, f"y-{content}", pushed(Y, f"y-{content}"), commit=commit, number=number),
    )


class Tags:
    """Where tags are in the registry."""

    def __init__(self, **tags: str) -> None:
        """`main="1"`: both images' tag main is at the image of that content."""
        self.at: dict[tuple[str, str], Digest] = {
            (each.repository, tag): manifest(f"{each.name}-{content}")
            for tag, content in tags.items()
            for each in (X, Y)
        }

    def resolve(self, repository: Repository, tag: Tag) -> Digest | None:
        return self.at.get((repository, tag))

    def known(self) -> Mapping[tuple[TagPlace, str], Digest]:
        """The same, as records have it."""
        return {
            ("registry", Reference(Repository(repository), Tag(tag)).canonical): digest
            for (repository, tag), digest in self.at.items()
        }


def promoted(
    source: str,
    knowing: Known,
    tags: Tags,
    *,
    of: Stack = LAB,
    selected: frozenset[TargetName] = frozenset({X.name, Y.name}),
    channel: str = "stable",
    runs: tuple[MoveSet, ...] = (),
) -> MoveSet:
    """The plan to put `channel` on `source`."""
    sources = find_sources(of, knowing, source, selected, "registry")
    return plan_promotion(of, knowing, source, sources, channel, "registry", tags.resolve, "2026-02-01T00:00:00Z", runs)


def moved(moves: MoveSet) -> list[tuple[str, Digest | None, Digest]]:
    """Target, from, to."""
    return [(str(each.target), each.was, each.now) for each in moves.moves]


def test_a_tag_is_promoted_by_digest() -> None:
    """The tag is looked up in the records; the moves name digests, what was there before, and the commit."""
    tags = Tags(main="2", stable="1")
    moves = promoted("main", known(*published("2", NEWER), *published("1", OLDER), tags=tags.known()), tags)

    assert moved(moves) == [
        ("x", manifest("x-1"), manifest("x-2")),
        ("y", manifest("y-1"), manifest("y-2")),
    ]
    assert (moves.kind, moves.source, moves.commit, moves.state) == ("promote", "main", NEWER, "intended")


def test_the_commit_of_a_branch_tag_is_that_of_its_run() -> None:
    """Images of several commits go by one branch tag, where some were reused: the run knows which commit it was at."""
    tags = Tags(main="2")
    mixed = known(published("2", OLDER)[0], published("2", NEWER)[1], tags=tags.known())
    run = MoveSet("run", "registry", "", "7", AT, (move(X, "main", None, "x-2"),), NEWER, "done")

    assert promoted("main", mixed, tags, runs=(run,)).commit == NEWER
    assert promoted("main", mixed, tags).commit == ""


def test_a_branch_tag_of_two_runs_has_no_commit() -> None:
    """A run of one image left the other's tag at an older commit: to name the newer one would be a lie."""
    tags = Tags(main="2")
    mixed = known(published("2", NEWER)[0], published("2", OLDER)[1], tags=tags.known())
    newer = MoveSet("run", "registry", "", "8", AT, (move(X, "main", "x-1", "x-2"),), NEWER, "done")
    older = MoveSet(
        "run", "registry", "", "7", AT, (move(X, "main", None, "x-1"), move(Y, "main", None, "y-2")), OLDER, "done"
    )

    assert promoted("main", mixed, tags, runs=(newer, older)).commit == ""


@pytest.mark.parametrize("asked", [OLDER, OLDER[:7], OLDER[:12]])
def test_a_commit_is_promoted(asked: str) -> None:
    """The images built at that commit, whatever their tags are now."""
    tags = Tags(main="2")
    moves = promoted(asked, known(*published("2", NEWER), *published("1", OLDER), tags=tags.known()), tags)

    assert [now for _, _, now in moved(moves)] == [manifest("x-1"), manifest("y-1")]
    assert (moves.source, moves.commit) == (asked, OLDER)


def test_a_few_digits_are_no_commit() -> None:
    """Fewer than seven digits could be any commit."""
    with pytest.raises(NothingToDo):
        promoted(OLDER[:6], known(*published("1", OLDER)), Tags())


@pytest.mark.parametrize(
    "asked", [f"{OLDER[:7]}-hotfix", f"{OLDER[:7]}{NEWER[7:]}", f"{OLDER[:7].upper()}", OLDER + "a"]
)
def test_what_only_begins_like_a_commit_is_another(asked: str) -> None:
    """Its first digits are those of a tag that a build left: nothing is promoted by them."""
    first, second = published("1", NEWER)
    both = [
        msgspec.structs.replace(each, facts=(*each.facts, tagged(of, OLDER[:7], "registry")))
        for each, of in ((first, X), (second, Y))
    ]
    with pytest.raises(NothingToDo, match="know no image tagged"):
        promoted(asked, known(*both), Tags())


@pytest.mark.parametrize("asked", [OLDER[:7], OLDER[:12], OLDER])
def test_a_commit_that_built_nothing_is_known_by_its_tags(asked: str) -> None:
    """Its images were built at another; the set that it moved has all its digits."""
    first, second = published("1", NEWER)
    both = [
        msgspec.structs.replace(each, facts=(*each.facts, tagged(of, OLDER[:7], "registry")))
        for each, of in ((first, X), (second, Y))
    ]
    knowing = msgspec.structs.replace(known(*both), moved=[OLDER])

    assert [now for _, _, now in moved(promoted(asked, knowing, Tags()))] == [manifest("x-1"), manifest("y-1")]


@pytest.mark.parametrize("asked", [manifest("x-1"), f"{X.repository}@{manifest('x-1')}", "sha256:0123"])
def test_a_digest_is_not_promoted(asked: str) -> None:
    """It is one image's; where to look for names is said."""
    with pytest.raises(InvalidValue, match="is a digest, which is one image") as caught:
        promoted(asked, known(*published("1", OLDER)), Tags())
    assert "stackyard where" in caught.value.hint


def test_who_has_no_such_image_is_named() -> None:
    """All or none: the one image that was never built at that commit stops the promotion, by name."""
    with pytest.raises(NothingToDo, match="y has no image") as caught:
        promoted(NEWER, known(published("2", NEWER)[0], *published("1", OLDER)), Tags())
    assert caught.value.missing == ("y",)


def test_one_image_can_be_promoted_alone() -> None:
    """Naming it leaves the others out of it."""
    moves = promoted(NEWER, known(published("2", NEWER)[0]), Tags(), selected=frozenset({X.name}))

    assert moved(moves) == [("x", None, manifest("x-2"))]


def test_nothing_to_promote_is_no_success() -> None:
    """A name that no record has."""
    with pytest.raises(NothingToDo, match=r"knows? no image tagged 'mian'"):
        promoted("mian", known(*published("1", OLDER)), Tags())


def test_an_image_that_is_only_in_the_engine_is_not_published() -> None:
    """What was built and never pushed is no source for the registry, and one for the engine."""
    local = known(record(X), record(Y))

    with pytest.raises(NothingToDo):
        find_sources(LAB, local, COMMIT, frozenset({X.name, Y.name}), "registry")
    sources = find_sources(LAB, local, COMMIT, frozenset({X.name, Y.name}), "engine")
    assert [source.digest for source in sources] == [sha(["image", "x"]), sha(["image", "y"])]
    assert place_of(LAB, local) == "engine"
    assert place_of(LAB, known(*published("1", OLDER))) == "registry"


@pytest.mark.parametrize("tag", ["main", "stable"])
def test_a_tag_that_somebody_moved_is_refused_with_both_digests(tag: str) -> None:
    """The source's tag or the channel's own is not where the records put it."""
    tags = Tags(main="2", stable="1")
    knowing = known(*published("2", NEWER), *published("1", OLDER), tags=tags.known())
    tags.at[(Y.repository, tag)] = manifest("a stranger's")

    with pytest.raises(TagConflict, match="the records put it at") as caught:
        promoted("main", knowing, tags)
    expected = manifest("y-2" if tag == "main" else "y-1")
    assert (caught.value.expected, caught.value.found) == (expected, manifest("a stranger's"))
    assert expected in str(caught.value)
    assert manifest("a stranger's") in str(caught.value)


def test_a_channel_that_was_there_before_us_is_taken_over() -> None:
    """No record says where it should be: what is there is written down as what was before."""
    tags = Tags(main="2")
    knowing = known(*published("2", NEWER), tags=tags.known())
    tags.at[(X.repository, "stable")] = manifest("theirs")

    assert moved(promoted("main", knowing, tags))[0] == ("x", manifest("theirs"), manifest("x-2"))


def test_a_promotion_that_is_done_already_changes_nothing() -> None:
    """It is planned, and its moves stay where they are."""
    tags = Tags(main="1", stable="1")

    assert promoted("main", known(*published("1", OLDER), tags=tags.known()), tags).changes == ()


def test_a_channel_may_be_a_template() -> None:
    """`{prefix}-stable` becomes each target's tag; one whose value is missing, or is no tag, is refused."""
    tags = Tags()
    with pytest.raises(InvalidValue, match="no value for x"):
        promoted(OLDER, known(*published("1", OLDER)), tags, channel="{prefix}-stable")
    with pytest.raises(InvalidValue):
        promoted(OLDER, known(*published("1", OLDER)), tags, channel="not a tag")
    assert [each.tag for each in promoted(OLDER, known(*published("1", OLDER)), tags, channel="v-{branch}").moves] == [
        "v-main",
        "v-main",
    ]


@pytest.mark.parametrize("channel", ["2026.3-fffffff", "sy-0123", "kept"])
def test_a_fixed_tag_is_no_channel(channel: str) -> None:
    """The tag of a commit, a content tag, one that a build put: refused with both digests where it is another image."""
    templates = TagTemplates(("{prefix}-{commit}",), ("{prefix}-{branch}",))
    lab = msgspec.structs.replace(target("lab", templates=templates), variables=(("prefix", "2026.3"),))
    of = record(lab, "lab", pushed(lab, "lab"), tagged(lab, "2026.3-0000000", "registry"))
    older = record(lab, "older", pushed(lab, "older"), tagged(lab, "kept", "registry"))
    there = manifest("older")
    here = manifest("lab")
    sources = [Source(lab, of, here, None)]

    def promoted(found: Digest | None) -> MoveSet:
        known_now = known(of, older)
        return plan_promotion(stack(lab), known_now, "x", sources, channel, "registry", lambda *_: found, AT)

    with pytest.raises(TagConflict) as caught:
        promoted(there)
    assert f"is a fixed tag at {there}, and does not move to {here}" in str(caught.value)
    with pytest.raises(TagConflict, match="is a fixed tag at nothing"):
        promoted(None)
    assert promoted(here).changes == ()


def test_a_fixed_tag_that_is_gone_can_be_brought_back() -> None:
    """To the image that a build gave it to, and to no other."""
    of = record(X, "x-1", result(BASIC), pushed(X, "x-1"), tagged(X, "v1", "registry"))
    sources = [Source(X, of, manifest("x-1"), None)]
    back = plan_promotion(LAB, known(of), "x", sources, "v1", "registry", lambda *_: None, AT)

    assert moved(back) == [("x", None, manifest("x-1"))]
