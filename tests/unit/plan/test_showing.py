# SPDX-License-Identifier: MIT
"""What a name stands for, and what holds an image."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.errors import InvalidValue, UnknownName
from stackyard.model.release import Release
from stackyard.plan.releases import draft
from stackyard.plan.showing import Looking
from tests.cases import each_of
from tests.unit.plan.made import known, manifest, move, promotion, pushed, record, sha, stack, target

BASE, LEAF = target("base"), target("leaf", "base")
OLD = (record(BASE, "b1", pushed(BASE, "b1")), record(LEAF, "l1", pushed(LEAF, "l1"), parents={"base": "b1"}))
NEW = (record(BASE, "b2", pushed(BASE, "b2")), record(LEAF, "l2", pushed(LEAF, "l2"), parents={"base": "b2"}))
TAGS = {
    ("registry", f"{each.repository}:{tag}"): manifest(f"{each.name[0]}{number}")
    for tag, number in (("stable", 1), ("main", 2))
    for each in (BASE, LEAF)
}
KNOWN = known(*NEW, *OLD, tags=TAGS)  # type: ignore[arg-type]
FALL = msgspec.structs.replace(
    promotion("old", move(BASE, "stable", None, "b1"), move(LEAF, "stable", None, "l1")), release="fall", by="Ada"
)
LOOKING = Looking(stack(BASE, LEAF), KNOWN, [draft(FALL, KNOWN, {})], [FALL], "registry")


@each_of(
    ("asked", "kind", "contents"),
    [
        ("fall", "release", ["b1", "l1"]),
        ("stable", "channel", ["b1", "l1"]),
        ("main", "tag", ["b2", "l2"]),
        ("{branch}", "tag", ["b2", "l2"]),
        (manifest("l2"), "digest", ["l2"]),
        (f"{LEAF.repository}@{manifest('l2')}", "digest", ["l2"]),
        (manifest("l2").short, "digest", ["l2"]),
        (manifest("l2").hex[:7], "digest", ["l2"]),
        (sha("l2"), "digest", ["l2"]),
    ],
)
def test_a_name_stands_for_images(asked: str, kind: str, contents: list[str]) -> None:
    """A release, a channel, a tag or its template, a digest or its beginning, also that of contents."""
    shown = LOOKING.show(asked)

    assert (shown.kind, [image.digest for image in shown.images]) == (kind, [manifest(each) for each in contents])
    assert all(image.record for image in shown.images)


def test_a_channel_knows_its_release_and_a_release_its_channels() -> None:
    """Both ways, with the promotion that put it there."""
    channel, release = LOOKING.show("stable"), LOOKING.show("fall")

    assert channel.standing == FALL
    assert channel.release == release.release
    assert release.channels == ("stable",)
    assert channel.images[0].tags == (pushed(BASE, "b1").tag, "stable")


def test_a_tag_of_a_template_is_its_channels() -> None:
    """What was promoted as `{branch}-good` is found by the tag that people pull."""
    good = msgspec.structs.replace(promotion("old", move(BASE, "main", None, "b2")), channel="{branch}-good")
    looking = Looking(stack(BASE, LEAF), KNOWN, [], [good], "registry")

    assert (looking.show("main").kind, looking.show("main").standing) == ("channel", good)


def test_an_image_of_an_engine_is_shown_by_its_id() -> None:
    """What was built and never pushed."""
    (image,) = LOOKING.show(sha(["image", "l2"])).images

    assert (image.target, image.digest, image.record) == ("leaf", sha(["image", "l2"]), NEW[1])


def test_an_image_is_held_by_tags_releases_channels_and_children() -> None:
    """The old base: the release, its channel, and the leaf that was built on it; not the one on the new base."""
    (found,) = LOOKING.where(manifest("b1"))

    assert [str(each) for each in found.references] == [f"{BASE.repository}:stable"]
    assert (found.releases, found.channels) == (("fall",), ("stable",))
    assert [(child.target, child.digest, child.tags) for child in found.children] == [
        ("leaf", manifest("l1"), ("stable",))
    ]
    (other,) = LOOKING.where(manifest("l2"))
    assert (other.releases, other.channels, other.children) == ((), (), ())


def test_what_a_release_holds_is_known_without_a_record() -> None:
    """Of an image that was accepted as it was, the release alone knows."""
    release: Release = draft(FALL, known(), {})
    looking = Looking(stack(BASE, LEAF), known(), [release], [FALL], "registry")

    (found,) = looking.where(manifest("b1"))
    assert (found.image.record, found.releases, found.children) == (None, ("fall",), ())


def test_what_nobody_knows() -> None:
    """A name, with the one that was meant; a digest; what is none."""
    with pytest.raises(UnknownName, match="no release, channel, tag or digest 'stabel'") as caught:
        LOOKING.show("stabel")
    assert caught.value.near == "stable"
    for asked in (LOOKING.show, LOOKING.where):
        with pytest.raises(UnknownName, match="the records know no image sha256:000"):
            asked(f"sha256:{'0' * 64}")
    with pytest.raises(InvalidValue, match="is no digest"):
        LOOKING.where("stable")
