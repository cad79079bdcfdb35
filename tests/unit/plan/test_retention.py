# SPDX-License-Identifier: MIT
"""What stays of old images and what goes, decided over values."""

from __future__ import annotations

import msgspec

from stackyard.model.moves import MoveSet
from stackyard.model.names import Tag
from stackyard.model.record import Record
from stackyard.model.retention import HeldTag
from stackyard.model.stack import Retention
from stackyard.plan.retention import Situation, decide_pruning
from tests.unit.plan.made import adopted, known, manifest, move, promotion, pushed, record, stack, target

UP = target("up")
LAB = target("lab", "up")
STACK = stack(UP, LAB)
LITTLE = Retention(channels=1, days=0, releases=0)
NOW = "2026-06-30T00:00:00Z"


def old(of: str, content: str, day: int, on: str = "") -> Record:
    """A published build of a day in June, on some content of its parent."""
    target_of, at = (UP, f"2026-06-{day:02d}T00:00:00Z") if of == "up" else (LAB, f"2026-06-{day:02d}T00:00:00Z")
    fact = msgspec.structs.replace(pushed(target_of, content), at=at)
    return record(target_of, content, fact, at=at, parents={"up": on} if on else None, number=day)


def decided(
    *records: Record,
    policy: Retention = LITTLE,
    tags: tuple[HeldTag, ...] = (),
    history: tuple[MoveSet, ...] = (),
) -> dict[str, str]:
    """Content -> why it stays; what goes has no cause."""
    newest = sorted(records, key=lambda each: each.built.at if each.built else "", reverse=True)
    found = decide_pruning(Situation(STACK, known(*newest), "registry", (), history, tags, frozenset(), policy, NOW))
    names = {manifest(each.id.split("-")[1]): each.id.split("-")[1] for each in records}
    stays = {names[kept.image.digest]: kept.why for kept in found.kept}
    return stays | {names[going.image.digest]: "" for going in found.going}


def test_the_newest_of_each_image_stays_and_what_it_stands_on() -> None:
    """A parent that was built again since is not enough: the child stands on the old one."""
    found = decided(old("up", "u1", 1), old("up", "u2", 2), old("up", "u3", 9), old("lab", "l1", 3, on="u2"))

    assert found == {"u1": "", "u2": "base", "u3": "newest", "l1": "newest"}


def test_a_parent_younger_than_its_children_stays() -> None:
    """What builds on it has not been built since, and may be next."""
    found = decided(old("up", "u1", 1), old("lab", "l1", 2, on="u1"), old("up", "u2", 3), old("up", "u3", 4))

    assert found == {"u1": "base", "u2": "younger than its children", "u3": "newest", "l1": "newest"}


def test_a_tag_and_the_last_sets_of_a_channel_stay() -> None:
    """What the channel was before its first promotion counts as one; a set of before the last few does not."""
    builds = [old("up", f"u{number}", number) for number in range(1, 6)]
    sets = tuple(
        msgspec.structs.replace(promotion(name, move(UP, "stable", was, name)), at=f"2026-06-2{number}T00:00:00Z")
        for number, (was, name) in enumerate([("u1", "u2"), ("u2", "u3")])
    )[::-1]
    tag = HeldTag(UP.repository, Tag("theirs"), manifest("u4"))

    def of(channels: int) -> dict[str, str]:
        policy = msgspec.structs.replace(LITTLE, channels=channels)
        return decided(*builds, policy=policy, tags=(tag,), history=sets)

    assert of(1) == {"u1": "", "u2": "", "u3": "channel", "u4": "tag", "u5": "newest"}
    assert of(2) == {"u1": "", "u2": "channel", "u3": "channel", "u4": "tag", "u5": "newest"}
    assert of(3) == {"u1": "channel", "u2": "channel", "u3": "channel", "u4": "tag", "u5": "newest"}


def test_days_are_counted_from_the_last_push() -> None:
    """And what another tool published stays, however old."""
    theirs = old("up", "u1", 1)
    theirs = msgspec.structs.replace(theirs, facts=(*theirs.facts, adopted(UP)))
    policy = msgspec.structs.replace(LITTLE, days=10)
    found = decided(theirs, old("up", "u2", 2), old("up", "u3", 25), old("up", "u4", 26), policy=policy)

    assert found == {"u1": "adopted", "u2": "", "u3": "young", "u4": "newest"}


def test_what_a_killed_promotion_was_at_stays() -> None:
    """Both ends: it is finished forward, or put back."""
    moves = msgspec.structs.replace(promotion("u2", move(UP, "stable", "u1", "u2")), state="intended")
    found = decided(old("up", "u1", 1), old("up", "u2", 2), old("up", "u3", 3), history=(moves,))

    assert found == {"u1": "unfinished", "u2": "unfinished", "u3": "newest"}
