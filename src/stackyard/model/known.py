# SPDX-License-Identifier: MIT
"""What the records say, as one value that plan and run read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from stackyard.model.inputs import Inputs
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Record
from stackyard.model.reference import Reference

if TYPE_CHECKING:
    from stackyard.model.accepted import Seen

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

    def tag_at(self, place: TagPlace, reference: Reference) -> Digest | None:
        """What we last put under `reference`, or None."""
        return self.tags.get((place, reference.canonical))


NOTHING_KNOWN = Known({}, {}, {}, {})
