# SPDX-License-Identifier: MIT
"""Which images of a stack stay, and which go: by what is in use, then by the policy.

In:   Stack, Known, releases, sets of moves, where tags are, what a plan goes on from, Retention
Out:  Pruning
Pure. Why: docs/how-to/delete-old-images.md

Whatever is in doubt stays: what no record of ours knows is no candidate, and what anybody's tag names is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Pushed, Record
from stackyard.model.reference import Reference
from stackyard.model.release import Release
from stackyard.model.retention import Going, HeldTag, Image, Kept, Pruning
from stackyard.model.stack import Retention, Stack, Target
from stackyard.plan.graph import build_order, graph_of

_Key = tuple[str, Digest]


class Situation(msgspec.Struct, frozen=True):
    """All that a decision about one place needs."""

    stack: Stack
    known: Known
    place: TagPlace
    releases: Sequence[Release]
    """Newest first."""
    history: Sequence[MoveSet]
    """Newest first, of every state."""
    tags: Sequence[HeldTag]
    """Those that follow, and those of others."""
    needed: frozenset[str]
    """Records that a plan goes on from."""
    policy: Retention
    now: str
    present: frozenset[Digest] | None = None
    """Ids in the engine; None for a registry."""


def decide_pruning(it: Situation) -> Pruning:
    """What stays, with its cause, and what goes, children before what they build on."""
    holdings = {image.key: (image, records) for image, records in _holdings(it)}
    newest = {name: records[0] for name, records in _by_target(it).items()}
    causes = _causes(it)
    kept: dict[_Key, Kept] = {}
    for key, (image, records) in holdings.items():
        cause = causes.get(key) or _own_cause(it, image, records, newest)
        if cause is not None:
            kept[key] = Kept(image, *cause)
    _keep_parents(holdings, kept)
    order = {name: number for number, name in enumerate(build_order(graph_of(it.stack)))}
    going = [
        Going(image, max(map(_at, records)), tuple(each.id for each in records), _names(it, image, records))
        for key, (image, records) in holdings.items()
        if key not in kept
    ]
    going.sort(key=lambda each: (-order[each.image.target], each.at))
    return Pruning(it.place, it.policy, tuple(kept.values()), tuple(going))


def _holdings(it: Situation) -> Iterator[tuple[Image, list[Record]]]:
    """Images that records of ours know in this place, each with all records that it is the image of, newest first."""
    for target in it.stack.targets:
        found: dict[Digest, list[Record]] = {}
        for record in it.known.records.get(target.name, ()):
            digest = _digest(it, target, record)
            if digest is not None and (it.present is None or digest in it.present):
                found.setdefault(digest, []).append(record)
        for digest, records in found.items():
            yield Image(target.name, target.repository, digest), records


def _digest(it: Situation, target: Target, record: Record) -> Digest | None:
    if it.place == "engine":
        return record.built.image.id if record.built else None
    pushed = record.pushed(target.repository)
    return pushed.image.digest if pushed else None


def _by_target(it: Situation) -> dict[TargetName, list[Record]]:
    """Records with an image in this place, newest first."""
    found: dict[TargetName, list[Record]] = {}
    for image, records in _holdings(it):
        found.setdefault(image.target, []).extend(records)
    return {name: sorted(records, key=_at, reverse=True) for name, records in found.items()}


def _at(record: Record) -> str:
    """When a record's image was last built or pushed."""
    times = [fact.at for fact in record.facts if isinstance(fact, Pushed)]
    return max([*times, record.built.at if record.built else ""])


def _causes(it: Situation) -> dict[_Key, tuple[str, str]]:
    """What is in use: by tags, channels and releases; the first cause counts."""
    found: dict[_Key, tuple[str, str]] = {}
    for held in it.tags:
        found.setdefault((held.repository.canonical, held.digest), ("tag", str(held.tag)))
    for moves in it.history:
        if moves.state == "intended" and moves.place == it.place:
            for move in moves.moves:
                for digest in filter(None, (move.was, move.now)):
                    found.setdefault((move.repository.canonical, digest), ("unfinished", moves.source))
    for channel, sets in _sets_of_channels(it).items():
        for moves in sets[: it.policy.channels]:
            for move, now in moves.puts:
                found.setdefault((move.repository.canonical, now), ("channel", channel))
        if len(sets) < it.policy.channels:  # what the channel was before its first promotion is a set, too
            for move in sets[-1].moves:
                if move.was is not None:
                    found.setdefault((move.repository.canonical, move.was), ("channel", channel))
    for release in [each for each in it.releases if each.place == it.place][: it.policy.releases]:
        for member in release.members:
            found.setdefault((member.repository.canonical, member.digest), ("release", str(release.name)))
    return found


def _sets_of_channels(it: Situation) -> dict[str, list[MoveSet]]:
    """What each channel was, newest first; one that it was twice counts once."""
    found: dict[str, dict[frozenset[_Key], MoveSet]] = {}
    for moves in it.history:
        if moves.channel and moves.state == "done" and moves.place == it.place and moves.kind != "copy":
            images = frozenset((move.repository.canonical, now) for move, now in moves.puts)
            found.setdefault(moves.channel, {}).setdefault(images, moves)
    return {channel: list(sets.values()) for channel, sets in found.items()}


def _own_cause(
    it: Situation, image: Image, records: Sequence[Record], newest: Mapping[TargetName, Record]
) -> tuple[str, str] | None:
    """Why an image stays that nothing points at."""
    at = max(map(_at, records))
    if any(record.id in it.needed for record in records):
        return "current", ""
    if newest[image.target] in records:
        return "newest", ""
    if it.place == "registry" and any(record.adopted for record in records):
        return "adopted", ""
    if _days_between(at, it.now) < it.policy.days:
        return "young", at
    children = [t.name for t in it.stack.targets if image.target in t.inputs.parents and t.name in newest]
    if children and at > min(_at(newest[name]) for name in children):
        return "younger than its children", ""
    was_pushed = any(isinstance(fact, Pushed) for record in records for fact in record.facts)
    if it.place == "engine" and it.stack.has_registry and not was_pushed:
        return "only copy", ""  # what was published and deleted there is none: nothing needed it
    return None


def _days_between(then: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(then)) / timedelta(days=1)


def _keep_parents(holdings: Mapping[_Key, tuple[Image, Sequence[Record]]], kept: dict[_Key, Kept]) -> None:
    """What is kept stands on something: of each parent content that it was built on, the newest image stays."""
    by_content: dict[tuple[TargetName, Digest], _Key] = {}
    for key, (image, records) in sorted(holdings.items(), key=lambda each: max(map(_at, each[1][1]))):
        by_content.update(((image.target, record.built.content), key) for record in records if record.built)
    todo = list(kept)
    while todo:
        image, records = holdings[todo.pop()]
        for record in records:
            for parent in record.built.parents if record.built else ():
                below = by_content.get(parent)
                if below is not None and below not in kept:
                    kept[below] = Kept(holdings[below][0], "base", str(image.target))
                    todo.append(below)


def _names(it: Situation, image: Image, records: Iterable[Record]) -> tuple[Reference, ...]:
    names = {name for record in records for name in record.names(it.place)}
    return tuple(sorted((n for n in names if n.repository.canonical == image.repository.canonical), key=str))
