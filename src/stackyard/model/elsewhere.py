# SPDX-License-Identifier: MIT
"""Images in another registry: where each goes, under which tags, and what travelled.

Pure. Why: docs/how-to/copy-to-another-registry.md
"""

from __future__ import annotations

import re

import msgspec

from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.places import OtherRegistry
from stackyard.model.reference import PublishedImage, Repository

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]*\d))?")
LATEST = Tag("latest")


class CopyOf(msgspec.Struct, frozen=True):
    """One image, and where it goes."""

    target: TargetName
    source: PublishedImage
    to: Repository
    content_tag: Tag


class Version(msgspec.Struct, frozen=True, order=True):
    """A version as semver orders them (semver.org, 11): the form of a tag that is published once."""

    numbers: tuple[int, int, int]
    is_release: bool
    """Whether it is no pre-release: those come before it."""
    rest: tuple[tuple[bool, int, str], ...] = ()

    @classmethod
    def of(cls, tag: str) -> Version | None:
        """The version that a tag is; None for any other tag.

        A word behind the dash that ends in no digit names no version: `2026.3.1-stable` follows.

        >>> Version.of("1.10.0") > Version.of("v1.9.2") > Version.of("1.9.2-rc.2") > Version.of("1.9.2-rc.1")
        True
        >>> Version.of("2026.3.1-stable"), Version.of("main")
        (None, None)
        """
        found = _VERSION.fullmatch(tag)
        if found is None:
            return None
        parts = found[4].split(".") if found[4] else []
        rest = tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)
        return cls((int(found[1]), int(found[2]), int(found[3])), not parts, rest)


def newest_version(tags: tuple[Tag, ...]) -> tuple[Version, Tag] | None:
    """The highest release among tags; pre-releases are none."""
    found = [(version, tag) for tag in tags if (version := Version.of(tag)) and version.is_release]
    return max(found, default=None)


class Destination(msgspec.Struct, frozen=True):
    """What is in a repository that something is copied to."""

    tags: dict[Tag, Digest | None]
    """Where the tags that are wanted are now."""
    listed: tuple[Tag, ...] = ()
    """All tags; none where nobody needs to know."""


class Copying(msgspec.Struct, frozen=True):
    """What would be copied, or was."""

    asked: str
    place: OtherRegistry
    images: tuple[CopyOf, ...]
    moves: MoveSet
    """The tags that the images get there, all or none."""


class Travelled(msgspec.Struct, frozen=True):
    """Blobs and manifests of a copy."""

    there: int = 0
    mounted: int = 0
    sent: int = 0
    sent_bytes: int = 0
    manifests: int = 0
    """That were put; those that were there are not counted."""

    def __add__(self, other: Travelled) -> Travelled:
        return Travelled(*(a + b for a, b in zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other))))  # noqa: B905 - of one class
