# SPDX-License-Identifier: MIT
"""The one decision: what a target needs, given its parents' facts and what is known of it.

Both plan and run ask it, parents first. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from stackyard.model.inputs import build_fingerprint
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.plan import Action
from stackyard.model.reason import (
    AlsoTagged,
    BaseUnknown,
    ContentGone,
    Forced,
    NotAttested,
    NotPublished,
    NotTested,
    ParentChanged,
    ParentRebuilding,
    Reason,
    TestsChanged,
    TestsFailed,
    TestsOutdated,
    TooOld,
    Unchanged,
)
from stackyard.model.record import Record
from stackyard.model.reference import PublishedImage
from stackyard.model.stack import Revision, Target
from stackyard.model.tags import COMMIT_DIGITS

FORCED = "--rebuild"


class Presence(msgspec.Struct, frozen=True):
    """Where content was seen. None: nobody looked, and the records are taken at their word."""

    engine: frozenset[Digest] | None = None
    """Local ids in the engine's store."""
    registry: frozenset[PublishedImage] | None = None
    """Published images that answered."""
    apart: Mapping[TargetName, frozenset[Digest]] = {}
    """Of targets that another engine keeps: what is in that one's store."""

    def is_here(self, target: TargetName, image: Digest) -> bool:
        """Whether the engine that keeps the target has an image; so it is where nobody looked."""
        return self.engine is None or image in self.apart.get(target, self.engine)


class Need(msgspec.Struct, frozen=True):
    """What the caller is after."""

    publish: bool = False
    """Content is needed in the registry, not only in the engine."""
    rebuild: frozenset[TargetName] = frozenset()
    """Targets that are built whatever is known."""
    forced_by: str = FORCED
    """Who asked for that."""
    now: str = ""
    """What time it is, for images that may not become old; empty: age is no reason."""
    is_overwriting: bool = False
    """A fixed tag that another image holds is wanted all the same."""
    on_published: bool = False
    """What is not selected is built on as it was published last, where it was."""
    attested: frozenset[str] = frozenset()
    """What is attested of images that are published from now on."""
    stamp: str = ""
    """The stamp that a person typed: an image that has another one gets it too."""


class Decision(msgspec.Struct, frozen=True):
    """What to do with a target, why, and the record it goes on from."""

    action: Action
    reasons: tuple[Reason, ...]
    build: Digest | None = None
    record: Record | None = None

    @property
    def content(self) -> Digest | None:
        """Content digest that children build on; None while it is not known."""
        if self.record is None or self.action in ("build", "join", "decide-later"):
            return None
        return self.record.built.content if self.record.built else None


def decide(
    target: Target,
    parents: Mapping[TargetName, Digest | None],
    accepted: Mapping[str, Digest],
    records: Sequence[Record],
    presence: Presence,
    need: Need,
) -> Decision:
    """What `target` needs.

    Args:
        parents: content digest of each parent's chosen record; None where it is being rebuilt.
        accepted: accepted digests of external bases, by canonical reference.
        records: all records of this target, newest first.

    A build without a matching record has no reasons here: whoever asks explains it
    from the stored inputs (`plan/compare.py`).
    """
    decision = _before_records(target, parents, accepted, need)
    if decision is None:
        known_parents = {name: digest for name, digest in parents.items() if digest is not None}
        build = build_fingerprint(target.inputs, known_parents, accepted)
        matching = [record for record in records if record.build == build and record.built is not None]
        young = [record for record in matching if not _is_too_old(target, record, need.now)]
        best = next((record for record in young if record.passed(target.suites)), next(iter(young), None))
        if best is None:
            decision = Decision("build", too_old(target, matching, need.now), build)
        else:
            decision = _from_record(target, build, best, presence, need)
    return as_index(decision) if target.is_index else decision


def as_index(decision: Decision) -> Decision:
    """The same for a target that joins platforms: what has to be made or brought is only a list of images."""
    return msgspec.structs.replace(decision, action="join") if decision.action in ("build", "fetch") else decision


def _before_records(
    target: Target, parents: Mapping[TargetName, Digest | None], accepted: Mapping[str, Digest], need: Need
) -> Decision | None:
    """What is decided whatever was built before: it was asked for, or what it is made from is not known yet."""
    if target.name in need.rebuild:
        return Decision("build", (Forced(need.forced_by),))
    waiting = tuple(ParentRebuilding(name) for name in target.counted_parents if parents.get(name) is None)
    if waiting:
        return Decision("decide-later", waiting)
    unresolved = tuple(BaseUnknown(reference) for reference in target.counted_bases if reference not in accepted)
    return Decision("build", unresolved) if unresolved else None


def too_old(target: Target, records: Sequence[Record], now: str) -> tuple[Reason, ...]:
    """The age of the newest build among `records`, where it is more than the target's may be; else nothing.

    Of all records of a target: whether its next build, whatever it is for, has to be made without the
    engine's cache, which holds the packages of before.
    """
    newest = next((record for record in records if record.built is not None), None)
    if newest is None or target.max_age is None or not _is_too_old(target, newest, now):
        return ()
    return (TooOld(newest.fresh_since, str(target.max_age)),)


def _is_too_old(target: Target, record: Record, now: str) -> bool:
    return target.max_age is not None and now != "" and target.max_age.is_over(record.fresh_since, now)


def _from_record(target: Target, build: Digest, record: Record, presence: Presence, need: Need) -> Decision:
    """The step that goes on from a record whose fingerprint matches."""
    built = record.built
    assert built is not None
    is_here = presence.is_here(target.name, built.image.id)
    pushed = record.pushed(target.repository)
    is_there = pushed is not None and (presence.registry is None or pushed.image in presence.registry)
    if not is_here and not is_there:
        return Decision("build", (ContentGone("engine" if pushed is None else "engine, nor in the registry"),), build)
    lacking = need.attested.difference(built.attestations)
    if lacking and need.publish and not is_there and not target.is_index:
        return Decision("build", (NotAttested(" and ".join(sorted(lacking))),), build)
    gates = open_gates(target, record, need.now)
    if gates and not is_here:
        return Decision("fetch", (ContentGone("engine"), *gates), build, record)  # tested where it can run
    if gates:
        return Decision("retest", gates, build, record)
    if need.publish and not is_there:
        reason = NotPublished() if pushed is None else ContentGone("registry")
        return Decision("push", (reason,), build, record)
    if not need.publish and not is_here:
        return Decision("fetch", (ContentGone("engine"),), build, record)
    return Decision("reuse", (Unchanged(built.at),), build, record)


def open_gates(target: Target, record: Record, now: str) -> tuple[Reason, ...]:
    """Why the record does not count as passed; empty if it does."""
    reasons: list[Reason] = []
    for suite in target.suites:
        result = record.tested(suite)
        if result is None and record.is_vouched_for(suite):
            continue
        if result is None:
            changed = record.was_tested(suite.kind)
            reasons.append(TestsChanged(suite.kind) if changed else NotTested(suite.kind))
        elif not result.passed:
            reasons.append(TestsFailed(suite.kind, result.at))
        elif record.is_outdated(suite, now):
            reasons.append(TestsOutdated(suite.kind, result.at, str(suite.max_age)))
    return tuple(reasons)


def also_tagged(record: Record, tags: Sequence[Tag], revision: Revision) -> AlsoTagged | None:
    """The reason for the first of `tags` that is the commit's, where the record's image was built at another one."""
    built = record.built
    if built is None or revision.is_dirty or built.commit == revision.commit:
        return None
    short = revision.commit[:COMMIT_DIGITS]
    own = next((tag for tag in tags if short in tag), None)
    return None if own is None else AlsoTagged(str(own), built.commit or None, revision.commit)


def settled(
    reasons: Sequence[Reason], parents: Mapping[TargetName, Digest | None], records: Sequence[Record]
) -> tuple[Reason, ...]:
    """Reasons to build once the parents are there: what waited for one now says what became of it.

    Args:
        parents: content digest of each parent.
        records: all records of the target, newest first.
    """
    last = next((record.built for record in records if record.built is not None), None)
    before = dict(last.parents) if last is not None else {}
    found: list[Reason] = []
    for reason in reasons:
        if not isinstance(reason, ParentRebuilding):
            found.append(reason)
        elif before.get(reason.parent) != (now := parents.get(reason.parent)):
            found.append(ParentChanged(reason.parent, before.get(reason.parent), now))
    return tuple(found) or tuple(reasons)
