# SPDX-License-Identifier: MIT
"""A record as it travels: what others need of it to plan, and where the rest is.

Pure. Where it is kept: docs/explanation/records.md

A record in a registry is an artifact of its own under a tag that nobody else writes. A *pointer* is one more
artifact, with the newest records of one target: a hint, which may be old or gone, and can be made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from stackyard.model import canonical
from stackyard.model.accepted import Acceptance
from stackyard.model.moves import MoveSet, MoveState
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Fact, Inventoried, Record, Reported, Tested

RECORD_KIND = "application/vnd.stackyard.record.v1+json"
POINTER_KIND = "application/vnd.stackyard.pointer.v1+json"
INPUTS_KIND = "application/vnd.stackyard.inputs.v1+json"
MOVES_KIND = "application/vnd.stackyard.moves.v1+json"
INTENT_KIND = "application/vnd.stackyard.intent.v1+json"
FACTS_KIND = "application/vnd.stackyard.facts.v1+json"
RELEASE_KIND = "application/vnd.stackyard.release.v1+json"
MANIFESTS_KIND = "application/vnd.stackyard.manifests.v1+json"
ANNOTATION = "org.stackyard.known"
"""Where planning facts stand in a manifest: one GET per target, and no blob."""

RECORD_TAG, POINTER_TAG = "sy-r-", "sy-p-"
INTENT_TAG, MOVES_TAG, UNDONE_TAG = "sy-i-", "sy-m-", "sy-u-"
"""Tags are about to be moved; were; were not, or were put back. An intent is open that neither end has a tag for."""
TAG_OF: dict[MoveState, str] = {"intended": INTENT_TAG, "done": MOVES_TAG, "undone": UNDONE_TAG}
_NEWEST = 12
"""So many records of a target are in its pointer: a plan goes on from one of the last few."""


class Shared(msgspec.Struct, frozen=True):
    """One record, with what a plan needs of it."""

    record: Record
    """Without the inventory, and without the words of failed tests."""
    platform: str
    accepted: tuple[Acceptance, ...]
    """What its external bases were taken to be, and since when."""
    inputs: Digest | None = None
    """The blob beside it that holds what it was made from; None in a file, where that stands in the same line."""
    facts: Digest | None = None
    """The blob that holds all its facts; None as well."""

    @property
    def tag(self) -> Tag:
        """Its own tag: the record's, and what its facts are by now."""
        assert self.facts is not None
        return Tag(f"{RECORD_TAG}{self.record.id}-{self.facts.hex[:12]}")


def pointer_tag(target: TargetName, platform: str) -> Tag:
    """Where the newest records of a target are looked for first."""
    return Tag(f"{POINTER_TAG}{canonical.digest([target, platform]).hex[:32]}")


class Intent(msgspec.Struct, frozen=True):
    """Somebody on some machine is moving tags, or was when he died."""

    moves: MoveSet | None = None
    """None before it is settled which: nothing was touched yet."""
    beat: int = 0
    """Grows for as long as he lives."""


class Listed(msgspec.Struct, frozen=True):
    """What a list of tags tells of sets of moves, by their names."""

    open: frozenset[str]
    done: frozenset[str]
    undone: frozenset[str]

    @property
    def ended(self) -> frozenset[str]:
        """Those that are over, either way."""
        return self.done | self.undone


def listed(tags: Iterable[Tag]) -> Listed:
    """Which sets are open, and which came to an end.

    >>> listed(map(Tag, ["sy-i-a", "sy-i-b", "sy-m-a", "sy-u-c", "stable"]))
    Listed(open=frozenset({'b'}), done=frozenset({'a'}), undone=frozenset({'c'}))
    """
    found: dict[str, set[str]] = {INTENT_TAG: set(), MOVES_TAG: set(), UNDONE_TAG: set()}
    for tag in tags:
        if tag[:5] in found:
            found[tag[:5]].add(str(tag[5:]))
    done, undone = frozenset(found[MOVES_TAG]), frozenset(found[UNDONE_TAG])
    return Listed(frozenset(found[INTENT_TAG]) - done - undone, done, undone)


def moves_name(moves: MoveSet) -> str:
    """What a set of moves is called, wherever it was written down."""
    if moves.token:
        return moves.token
    return canonical.digest(msgspec.structs.replace(for_others(moves), state="done", exclusion=None)).hex[:32]


def moves_tag(moves: MoveSet, state: MoveState = "done") -> Tag:
    """The tag of a set of moves, or of how it ended."""
    return Tag(TAG_OF[state] + moves_name(moves))


def for_others(moves: MoveSet) -> MoveSet:
    """A set of moves without what only one machine's records say of it."""
    return msgspec.structs.replace(moves, id=0)


def for_plans(record: Record) -> Record:
    """What a plan reads of a record."""
    facts = tuple(for_travel(fact) for fact in record.facts if not isinstance(fact, Inventoried))
    return msgspec.structs.replace(record, run=0, facts=facts)


def for_travel(fact: Fact) -> Fact:
    """A fact without the words of failed tests, which can be long and no plan reads."""
    if isinstance(fact, Tested):
        return msgspec.structs.replace(fact, failures=(), cases=())
    return msgspec.structs.replace(fact, failures=()) if isinstance(fact, Reported) else fact


def newest(shared: Iterable[Shared]) -> tuple[Shared, ...]:
    """One of each record, with all facts that any copy has; the newest builds, newest first."""
    found: dict[str, Shared] = {}
    for each in shared:
        before = found.get(each.record.id)
        found[each.record.id] = each if before is None else _joined(before, each)
    return tuple(sorted(found.values(), key=_age, reverse=True)[:_NEWEST])


def _age(shared: Shared) -> tuple[str, str]:
    built = shared.record.built
    return (built.at if built else "", shared.record.id)


def _joined(one: Shared, other: Shared) -> Shared:
    """Two copies of one record: the longer one tells where the rest is."""
    longer = other if len(other.record.facts) > len(one.record.facts) else one
    facts = joined_facts(one.record.facts, other.record.facts)
    return msgspec.structs.replace(longer, record=msgspec.structs.replace(longer.record, facts=facts))


def joined_facts(some: Sequence[Fact], more: Sequence[Fact]) -> tuple[Fact, ...]:
    """All facts of two copies, each once, as they happened; the order of `some` where they happened at once."""
    fresh = [fact for fact in more if fact not in some]
    return tuple(sorted((*some, *fresh), key=lambda fact: fact.at))
