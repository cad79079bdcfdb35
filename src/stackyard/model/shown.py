# SPDX-License-Identifier: MIT
"""What the records answer to "what is this?" and "where is this?"."""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Record
from stackyard.model.reference import Reference, Repository
from stackyard.model.release import Release

ShownKind = Literal["release", "channel", "tag", "digest"]


class ShownImage(msgspec.Struct, frozen=True):
    """One image, and what is known of it."""

    target: TargetName
    repository: Repository
    digest: Digest
    """Of its manifest or index; in an engine its id."""
    record: Record | None
    tags: tuple[str, ...] = ()
    """Names it has by the records, in full, the content tag first."""


class Shown(msgspec.Struct, frozen=True):
    """What a name stands for."""

    kind: ShownKind
    name: str
    images: tuple[ShownImage, ...]
    release: Release | None = None
    """The release itself, or the one that the channel stands at."""
    standing: MoveSet | None = None
    """What put the channel where it is."""
    channels: tuple[str, ...] = ()
    """Channels that stand at the release."""


class Child(msgspec.Struct, frozen=True):
    """An image that was built on another one."""

    target: TargetName
    digest: Digest
    """Published, or else its id in an engine."""
    tags: tuple[str, ...]


class Whereabouts(msgspec.Struct, frozen=True):
    """All that holds an image, by the records."""

    image: ShownImage
    references: tuple[Reference, ...]
    """Tags that are at it now."""
    releases: tuple[str, ...]
    channels: tuple[str, ...]
    children: tuple[Child, ...]
