# SPDX-License-Identifier: MIT
"""A release: a named set of images that never changes, each by digest, with what it was made from.

Pure. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

import re

import msgspec

from stackyard.model import canonical
from stackyard.model.known import TagPlace
from stackyard.model.names import Digest, Name, Tag, TargetName
from stackyard.model.record import Tested
from stackyard.model.reference import Platform, PublishedImage, Repository

RELEASE_TAG = "sy-release-"
"""What its tag in a registry begins with; its name and its mark follow."""
_MARK_DIGITS = 12


class ReleaseName(Name):
    """What people call a release: part of a tag."""

    __slots__ = ()
    kind = "release name"
    form = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
    hint = "a release is named with up to 100 letters, digits, dots, dashes and underscores"


class Member(msgspec.Struct, frozen=True):
    """One target of a release: where it is, and what its record said of it."""

    target: TargetName
    repository: Repository
    digest: Digest
    """Of the manifest or index; in an engine the local id."""
    platforms: tuple[Platform, ...] = ()
    content_tag: Tag | None = None
    """What keeps it from a registry's garbage collection; None in an engine where no record knows it."""
    tags: tuple[Tag, ...] = ()
    """Other names that it had then: fixed tags, and the tag it was promoted from."""
    record: str = ""
    """Empty for an image that no record knows: a person accepted it as it was."""
    source: Digest | None = None
    build: Digest | None = None
    content: Digest | None = None
    commit: str = ""
    """The commit that it was built from; empty where files differed from it."""
    parents: tuple[tuple[TargetName, Digest], ...] = ()
    """Content digest of each parent that it was built on."""
    tests: tuple[Tested, ...] = ()
    """The newest result of each kind."""

    @property
    def image(self) -> PublishedImage:
        """The image, by digest."""
        return PublishedImage(self.repository, self.digest)


class Release(msgspec.Struct, frozen=True):
    """Images that belong together. The bytes of their manifests are kept beside it, by digest."""

    name: ReleaseName
    place: TagPlace
    at: str
    by: str
    """Who made it; empty where nobody can tell."""
    source: str
    """What they asked to promote."""
    commit: str
    """The commit whose images these are, where known."""
    members: tuple[Member, ...]
    notes: str = ""

    @property
    def mark(self) -> str:
        """Digits that no other release has: two that are called the same on two machines are told apart."""
        return canonical.digest(self).hex[:_MARK_DIGITS]

    @property
    def tag(self) -> Tag:
        """Its own tag in a registry."""
        return Tag(f"{RELEASE_TAG}{self.name}.{self.mark}")

    @property
    def images(self) -> frozenset[tuple[TargetName, PublishedImage]]:
        """The set itself, whatever it is called."""
        return frozenset((member.target, member.image) for member in self.members)


def name_in(tag: Tag) -> str | None:
    """What the release is called whose own tag this is; None for any other tag.

    >>> name_in(Tag("sy-release-2026.3-fall.0123456789ab"))
    '2026.3-fall'
    """
    name, dot, mark = tag.removeprefix(RELEASE_TAG).rpartition(".")
    is_ours = tag.startswith(RELEASE_TAG) and dot and len(mark) == _MARK_DIGITS
    return name if is_ours else None
