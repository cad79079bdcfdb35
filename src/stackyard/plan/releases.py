# SPDX-License-Identifier: MIT
"""Releases: what the set of a promotion is called, and what is written down of it.

In:   MoveSet, Known, the releases there are
Out:  names, Release values
Raises: InvalidValue
Pure. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.details import SuiteKind
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Record, Tagged, Tested
from stackyard.model.reference import LocalImage, Platform, PublishedImage, Reference, Repository, content_tag
from stackyard.model.release import Member, Release, ReleaseName

_LONGEST = 70
"""So much of a channel's name is part of its releases' names."""


def find_release(releases: Iterable[Release], asked: str) -> Release | None:
    """The release that is called so, or `NAME.MARK` where two machines called theirs the same."""
    found = [release for release in releases if asked in (release.name, f"{release.name}.{release.mark}")]
    if len(found) > 1:
        names = " or ".join(sorted(f"{release.name}.{release.mark}" for release in found))
        raise InvalidValue(
            f"{len(found)} releases are called {asked!r}, made on different machines",
            hint=f"say which: {names}",
            kind="release",
            text=asked,
        )
    return found[0] if found else None


def name_release(moves: MoveSet, releases: Sequence[Release], wanted: str = "") -> ReleaseName:
    """What the set of a promotion is called: what was wanted, what the same set is called already, or channel and time.

    Raises:
        InvalidValue: another set is called so.
    """
    taken = {release.name: release for release in releases}
    if wanted:
        name = ReleaseName.parse(wanted)
        if name in taken and not is_of(taken[name], moves):
            raise taken_name(name, f"since {taken[name].at}, with other images")
        return name
    same = next((release for release in releases if is_of(release, moves)), None)
    if same is not None:
        return same.name
    tags = {move.tag for move in moves.moves}
    channel = tags.pop() if len(tags) == 1 else Tag(re.sub(r"[^A-Za-z0-9._-]", "", moves.channel).lstrip("-."))
    name = ReleaseName(f"{channel[:_LONGEST]}-{re.sub(r'[-:]', '', moves.at[:19]).replace('T', '-')}")
    if name not in taken:
        return name
    return next(free for n in itertools.count(2) if (free := ReleaseName(f"{name}.{n}")) not in taken)


def is_of(release: Release, moves: MoveSet) -> bool:
    """Whether a set of moves is about exactly the images of a release."""
    images = {(move.target, PublishedImage(move.repository, now)) for move, now in moves.puts}
    return release.place == moves.place and release.images == images


def taken_name(name: str, where: str) -> InvalidValue:
    """The error for a name that another release has."""
    return InvalidValue(
        f"there is a release {name!r} already, {where}",
        hint="a release never changes: take another name",
        kind="release name",
        text=name,
    )


def draft(moves: MoveSet, known: Known, platforms: Mapping[Digest, tuple[Platform, ...]]) -> Release:
    """The release of a promotion: its images, and all that the records say of each.

    Args:
        platforms: those of indexes; an image that is none has the one it was built for.
    """
    return Release(
        name=ReleaseName(moves.release),
        place=moves.place,
        at=moves.at,
        by=moves.by,
        source=moves.source,
        commit=moves.commit,
        members=tuple(_member(move, now, moves, known, platforms.get(now, ())) for move, now in moves.puts),
        notes=moves.notes,
    )


def _member(move: TagMove, now: Digest, moves: MoveSet, known: Known, platforms: tuple[Platform, ...]) -> Member:
    record = record_of(known, move.target, move.repository, now, moves.place)
    if record is None:
        given_now = content_tag(LocalImage(now)) if moves.place == "registry" else None
        return Member(move.target, move.repository, now, platforms, given_now)
    built, pushed = record.built, record.pushed(move.repository)
    given = [fact.tag for fact in record.facts if isinstance(fact, Tagged) and fact.place == moves.place]
    if Tag.form.fullmatch(moves.source) and known.tag_at(moves.place, _tag(move, moves.source)) == now:
        given.append(Tag(moves.source))
    kept = (pushed.tag if pushed else None) if moves.place == "registry" else (built.local.tag if built else None)
    parts = [part for _, part in parts_of(known, record) if part is not None]
    tests = _tests(parts or [record])
    inputs = known.inputs.get(record.inputs) if not platforms else None
    if inputs is not None and inputs.platform:
        platforms = (Platform(inputs.platform),)
    return Member(
        target=move.target,
        repository=move.repository,
        digest=now,
        platforms=platforms,
        content_tag=kept,
        tags=tuple(dict.fromkeys(given)),
        record=record.id,
        source=record.source,
        build=record.build,
        content=built.content if built else None,
        commit=built.commit if built else "",
        parents=built.parents if built else (),
        tests=tests,
    )


def _tests(records: Sequence[Record]) -> tuple[Tested, ...]:
    """The newest result of each suite; of several platforms' all together."""
    found: dict[SuiteKind, list[Tested]] = {}
    for record in records:
        last = {fact.suite: fact for fact in record.facts if isinstance(fact, Tested)}
        for suite, fact in last.items():
            found.setdefault(suite, []).append(fact)
    return tuple(
        msgspec.structs.replace(
            facts[-1],
            at=max(fact.at for fact in facts),
            passed=all(fact.passed for fact in facts),
            total=sum(fact.total for fact in facts),
            failed=sum(fact.failed for fact in facts),
            skipped=sum(fact.skipped for fact in facts),
            duration_s=sum(fact.duration_s for fact in facts),
            failures=(),
        )
        for facts in found.values()
    )


def _tag(move: TagMove, tag: str) -> Reference:
    return Reference(move.repository, Tag(tag))


def record_of(
    known: Known, target: TargetName, repository: Repository, digest: Digest, place: TagPlace
) -> Record | None:
    """The newest record of a target with this image."""
    for record in known.records.get(target, ()):
        if digest_in(record, repository, place) == digest:
            return record
    return None


def parts_of(known: Known, record: Record | None) -> tuple[tuple[TargetName, Record | None], ...]:
    """What an image for several platforms joins, each with its newest record of that content; nothing of another."""
    if record is None or record.built is None:
        return ()
    parts = ((name, content) for name, content in record.built.parents if name != name.whole == record.target)
    return tuple(
        (name, next((r for r in known.records.get(name, ()) if r.built and r.built.content == content), None))
        for name, content in parts
    )


def digest_in(record: Record, repository: Repository, place: TagPlace) -> Digest | None:
    """What tags of the image point at: its local id in an engine, its manifest in a registry; None where it is not."""
    if place == "engine":
        return record.built.image.id if record.built else None
    pushed = record.pushed(repository)
    return pushed.image.digest if pushed else None
