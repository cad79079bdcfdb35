# SPDX-License-Identifier: MIT
"""What the records say, as one value that plan and run read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from stackyard.model.inputs import Inputs
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Pushed, Record
from stackyard.model.reference import LocalImage, Reference

if TYPE_CHECKING:
    from stackyard.model.accepted import Seen
    from stackyard.model.decide import Presence

TagPlace = Literal["engine", "registry"]
"""Where a tag is: in the engine's own store it points at a local id, in a registry at a manifest digest."""


class Known(msgspec.Struct, frozen=True):
    """Everything known of a stack."""

    records: Mapping[TargetName, Sequence[Record]]
    """Newest first."""
    inputs: Mapping[Digest, Inputs]
    """Stored inputs by key; may read lazily."""
    accepted: Mapping[str, Digest]
    """Accepted digests of external bases, by canonical reference."""
    tags: Mapping[tuple[TagPlace, str], Digest]
    """Where we last put each tag, by place and canonical reference."""
    seen: Mapping[str, Seen] = {}
    """Where registries last had external bases, by canonical reference."""

    channels: frozenset[str] = frozenset()
    """Names of channels that were promoted to, as people typed them."""

    branches: Mapping[tuple[TagPlace, str], str] = {}
    """The branch that we last put a tag for, for tags of branches; keys as in `tags`."""

    moved: Iterable[str] = ()
    """Commits whose tags were moved, also where every image of them was built at an earlier one; may read lazily."""

    def tag_at(self, place: TagPlace, reference: Reference) -> Digest | None:
        """What we last put under `reference`, or None."""
        return self.tags.get((place, reference.canonical))


def as_in_engine(known: Known, presence: Presence) -> Known:
    """What is known, with images by the ids that the engine of each has them under.

    One image has two: the digest of its config in a classic store, that of what was pushed in one of containerd's.
    A record says the one of the engine that built it.
    """
    changed = {
        name: [_as_in_engine(record, presence) for record in records]
        for name, records in known.records.items()
        if any(_as_in_engine(record, presence) is not record for record in records)
    }
    return msgspec.structs.replace(known, records={**known.records, **changed}) if changed else known


def ids_of(known: Known) -> frozenset[Digest]:
    """All ids that an engine may have the images of records under."""
    records = (record for some in known.records.values() for record in some if record.built)
    return frozenset(id_ for each in records if each.built for id_ in (each.built.image.id, *_other_ids(each)))


def _as_in_engine(record: Record, presence: Presence) -> Record:
    if record.built is None or presence.is_here(record.target, record.built.image.id):
        return record
    ids = _other_ids(record)
    return next((record.with_image(LocalImage(each)) for each in ids if presence.is_here(record.target, each)), record)


def _other_ids(record: Record) -> list[Digest]:
    """By which another kind of store would have the record's image."""
    ids = [fact.image.digest for fact in record.facts if isinstance(fact, Pushed)]
    return [*ids, *([record.adopted.config] if record.adopted else [])]


NOTHING_KNOWN = Known({}, {}, {}, {})
