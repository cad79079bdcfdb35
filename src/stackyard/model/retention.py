# SPDX-License-Identifier: MIT
"""What is kept of published images and of those in the engine, and what goes.

Pure. Why: docs/how-to/delete-old-images.md
"""

from __future__ import annotations

import msgspec

from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Reference, Repository
from stackyard.model.stack import Retention


class Image(msgspec.Struct, frozen=True):
    """An image of a target: in a registry by its digest, in an engine by its id."""

    target: TargetName
    repository: Repository
    digest: Digest

    @property
    def key(self) -> tuple[str, Digest]:
        """What it is, by whatever spelling."""
        return self.repository.canonical, self.digest


class Kept(msgspec.Struct, frozen=True):
    """An image that stays."""

    image: Image
    why: str
    """A word for the cause: the same for all images that stay for it."""
    detail: str = ""


class Going(msgspec.Struct, frozen=True):
    """An image that goes."""

    image: Image
    at: str
    """When it was last built or published."""
    records: tuple[str, ...]
    """Ids of the records that it is the image of."""
    names: tuple[Reference, ...] = ()
    """What it is called."""
    manifests: tuple[Digest, ...] = ()
    """What is deleted in a registry, in order: the image, then what no other index there names. None: it is gone."""
    size_bytes: int = 0
    """Of what nothing else needs."""


class Pruning(msgspec.Struct, frozen=True):
    """All images of the stack in one place; those that go, children first."""

    place: str
    """`registry` or `engine`."""
    policy: Retention
    kept: tuple[Kept, ...]
    going: tuple[Going, ...]
    is_done: bool = False
    artifacts: int = 0
    """Records, sets of moves and releases that spoke only of what is gone, and went with it."""

    @property
    def size_bytes(self) -> int:
        """Of all that goes."""
        return sum(each.size_bytes for each in self.going)


class HeldTag(msgspec.Struct, frozen=True):
    """A tag that keeps what it points at."""

    repository: Repository
    tag: Tag
    digest: Digest
