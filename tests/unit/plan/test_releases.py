# SPDX-License-Identifier: MIT
"""What a promotion's set is called, and what a release keeps of it."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.errors import InvalidValue, NothingToDo
from stackyard.model.names import Tag, TargetName
from stackyard.model.reference import Platform, PublishedImage
from stackyard.model.release import Release, name_in
from stackyard.plan.channels import find_sources
from stackyard.plan.releases import draft, find_release, name_release
from tests.unit.plan.made import (
    COMMIT,
    known,
    manifest,
    move,
    promotion,
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
BASE, LEAF = target("base"), target("leaf", "base", suites=(BASIC,))
RECORDS = (
    record(BASE, "b", pushed(BASE, "b")),
    record(LEAF, "l", result(BASIC, False), result(BASIC), pushed(LEAF, "l"), tagged(LEAF, "v1", "registry")),
)
KNOWN = known(*RECORDS, targets=(BASE, LEAF), tags={("registry", f"{LEAF.repository}:main"): manifest("l")})
MOVES = msgspec.structs.replace(
    promotion("main", move(BASE, "stable", None, "b"), move(LEAF, "stable", None, "l")), release="fall", by="Ada"
)
ALL = frozenset({BASE.name, LEAF.name})


def release(name: str = "fall") -> Release:
    """The release of both."""
    return draft(msgspec.structs.replace(MOVES, release=name), KNOWN, {manifest("b"): (Platform("linux/arm64"),)})


def test_a_release_keeps_what_the_records_say() -> None:
    """Digest, tags, commit, fingerprints, parents, the newest results; platforms of an index, else of the build."""
    made = release()
    base, leaf = made.members

    assert (made.name, made.by, made.source, made.commit) == ("fall", "Ada", "main", COMMIT)
    assert leaf.image == PublishedImage(LEAF.repository, manifest("l"))
    assert (leaf.content_tag, leaf.tags) == (pushed(LEAF, "l").tag, (Tag("v1"), Tag("main")))
    assert (leaf.record, leaf.source, leaf.build) == (RECORDS[1].id, RECORDS[1].source, RECORDS[1].build)
    assert (leaf.content, leaf.parents) == (sha("l"), ((TargetName("base"), sha("base")),))
    assert [test.passed for test in leaf.tests] == [True]
    assert (base.platforms, leaf.platforms) == ((Platform("linux/arm64"),), (Platform("linux/amd64"),))
    assert name_in(made.tag) == "fall"


def test_what_nobody_named_is_called_by_channel_and_time() -> None:
    """A template has the tag that all its images get, else its own letters; who came first keeps the name."""
    other = promotion("next", move(BASE, "stable", "b", "b2"))
    first = name_release(other, [])
    two = promotion("x", move(BASE, "2026.2", "b", "b2"), move(LEAF, "2026.3", None, "l2"), channel="{prefix}")

    assert first == "stable-20260101-000000"
    assert name_release(other, [release(first)]) == f"{first}.2"
    assert name_release(two, []) == "prefix-20260101-000000"


def test_the_same_set_keeps_its_name() -> None:
    """Unless a person wants another one; a name of another set is refused, and one that is no part of a tag."""
    assert name_release(MOVES, [release()]) == "fall"
    assert name_release(MOVES, [release()], "winter") == "winter"
    assert name_release(MOVES, [release()], "fall") == "fall"
    with pytest.raises(InvalidValue, match="there is a release 'fall' already"):
        name_release(promotion("next", move(BASE, "stable", "b", "b2")), [release()], "fall")
    with pytest.raises(InvalidValue):
        name_release(MOVES, [], "fall/2026")


def test_two_releases_of_one_name_are_told_apart() -> None:
    """Made on two machines at once: the name alone is refused, the name with the mark is one of them."""
    one, other = release(), msgspec.structs.replace(release(), by="Grace")

    with pytest.raises(InvalidValue, match="2 releases are called 'fall'") as caught:
        find_release([one, other], "fall")
    assert f"fall.{one.mark}" in str(caught.value.hint)
    assert find_release([one, other], f"fall.{other.mark}") == other
    assert find_release([one], "spring") is None


def test_a_release_is_promoted_by_its_digests() -> None:
    """Wherever tags are by now; one image of it, too."""
    sources = find_sources(stack(BASE, LEAF), KNOWN, "fall", ALL, "registry", release())
    alone = find_sources(stack(BASE, LEAF), KNOWN, "fall", frozenset({LEAF.name}), "registry", release())

    assert [(each.target.name, each.digest, each.reference) for each in sources] == [
        (BASE.name, manifest("b"), None),
        (LEAF.name, manifest("l"), None),
    ]
    assert [each.target.name for each in alone] == [LEAF.name]


def test_what_a_stack_has_no_more_cannot_be_promoted() -> None:
    """Refused as a whole, by name; what is still there can be named. An image that is new is no part of it."""
    new = target("new")
    with pytest.raises(NothingToDo, match=r"leaf, registry.example/lab/leaf then, is no image of this stack any more"):
        find_sources(stack(BASE), KNOWN, "fall", frozenset({BASE.name}), "registry", release())
    with pytest.raises(NothingToDo, match="has no new"):
        find_sources(stack(BASE, LEAF, new), KNOWN, "fall", frozenset({BASE.name, new.name}), "registry", release())
    with pytest.raises(NothingToDo, match="is of images in the registry"):
        find_sources(stack(BASE, LEAF), KNOWN, "fall", ALL, "engine", release())
    grown = stack(BASE, LEAF, new)
    assert len(find_sources(grown, KNOWN, "fall", ALL | {new.name}, "registry", release())) == 2
