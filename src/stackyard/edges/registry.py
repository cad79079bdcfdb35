# SPDX-License-Identifier: MIT
"""The registry: manifests, tags and small blobs of an OCI distribution registry, over HTTP.

In:   repository, tag or digest
Out:  manifests as exact bytes, digests
Raises: RegistryUnreachable, RegistryRefused, DigestMismatch
Real: edges/oci.py   Fake: stackyard.testing.MemoryRegistry   Contract: tests/contract/test_registry.py
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, BinaryIO, Literal, Protocol

import msgspec

from stackyard.errors import DigestMismatch, RegistryProblem
from stackyard.model import canonical
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Platform, Repository

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"

MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)
"""All four in every Accept: without one, registries answer 404, or convert to schema 1 under another digest."""


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How one thing in a registry names another (OCI image-spec, "content descriptor")."""

    media_type: str
    digest: Digest
    size: int = 0
    artifact_type: str = ""
    annotations: dict[str, str] | None = None
    platform: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if not Digest.form.fullmatch(self.digest):  # it comes from elsewhere, and becomes part of an address
            raise ValueError(f"{self.digest[:100]!r} is no digest")

    def is_for(self, wanted: Platform) -> bool:
        """Whether an index has it for this platform."""
        said = self.platform or {}
        name = "/".join(filter(None, (said.get("os"), said.get("architecture"), said.get("variant"))))
        return Platform(name).fits(wanted)


_PLATFORM = ("os", "architecture", "variant")


class _Body(msgspec.Struct, rename="camel"):
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None
    manifests: tuple[Descriptor, ...] | None = None
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: dict[str, str] | None = None


class Manifest(msgspec.Struct, frozen=True):
    """A manifest or index as its registry keeps it: the bytes, exactly, and what they are.

    What they say is read each time it is asked for; RegistryProblem where that is nothing to be read.
    """

    digest: Digest
    media_type: str
    body: bytes

    @property
    def config(self) -> Digest | None:
        """Digest of the image config it names; None for an index."""
        config = self._said.config
        return config.digest if config else None

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The config and the layers: what has to be in the repository before an image is."""
        said = self._said
        return (*([said.config] if said.config else []), *(said.layers or ()))

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """What an index names."""
        return self._said.manifests or ()

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Those of an index, attestations left out; none for an image, which says it in its config."""
        said = [[(each.platform or {}).get(key) for key in _PLATFORM] for each in self.children]
        return tuple(Platform("/".join(filter(None, parts))) for parts in said if parts[0] and parts[0] != "unknown")

    @property
    def subject(self) -> Digest | None:
        """What it refers to, for something that is about an image."""
        subject = self._said.subject
        return subject.digest if subject else None

    @property
    def annotations(self) -> dict[str, str]:
        """Facts that stand in the manifest itself."""
        return self._said.annotations or {}

    @property
    def descriptor(self) -> Descriptor:
        """How others name it."""
        said = self._said
        kind = said.artifact_type or (said.config.media_type if said.config else "")
        return Descriptor(self.media_type, self.digest, len(self.body), kind, said.annotations or {})

    @property
    def _said(self) -> _Body:
        try:
            return canonical.decode(self.body, _Body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise RegistryProblem(
                f"the manifest {self.digest} cannot be read",
                hint="what is there may be something else that registries keep",
            ) from None


def digest_of(body: bytes, algorithm: str = "sha256") -> Digest:
    """What some bytes are."""
    return Digest(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")


ATTESTED = "vnd.docker.reference.digest"
"""The annotation by which an entry of an index says of which other entry it attests something.

Source: BuildKit, "Image attestation storage".
"""


def index_of(members: Iterable[tuple[Platform, Manifest]], beside: Iterable[Descriptor] = ()) -> Manifest:
    """The index over one manifest for each platform; Docker's own kind where all of them are.

    Args:
        beside: what is attested of them, as their own indexes name it.
    """
    members = tuple(members)
    is_docker = all(manifest.media_type == DOCKER_MANIFEST for _, manifest in members)
    media_type = DOCKER_INDEX if is_docker else OCI_INDEX
    entries = [
        {
            "mediaType": manifest.media_type,
            "digest": manifest.digest,
            "size": len(manifest.body),
            "platform": dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False)),
        }
        for platform, manifest in members
    ]
    body = canonical.encode({"schemaVersion": 2, "mediaType": media_type, "manifests": [*entries, *beside]})
    return Manifest(digest_of(body), media_type, body)


def verify(name: str, expected: Digest, body: bytes) -> None:
    """Refuse bytes that are not what their digest says: DigestMismatch with both."""
    found = digest_of(body, expected.partition(":")[0])
    if found != expected:
        raise DigestMismatch(f"{name} should be {expected} and its bytes are {found}", expected=expected, found=found)


def verify_file(name: str, expected: Digest, file: BinaryIO) -> None:
    """As `verify`, for a file of any size."""
    algorithm = expected.partition(":")[0]
    summing = hashlib.new(algorithm)
    while chunk := file.read(1 << 20):
        summing.update(chunk)
    found = Digest(f"{algorithm}:{summing.hexdigest()}")
    if found != expected:
        raise DigestMismatch(f"{name} should be {expected} and its bytes are {found}", expected=expected, found=found)


Brought = Literal["there", "mounted", "sent"]
"""How a blob came to a repository: it was there, it was taken over within the registry, its bytes travelled."""


class Registry(Protocol):
    """Manifests and tags of all registries, each found by the repository's host. May be called from several threads."""

    def resolve(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """Digest that a tag points at (one HEAD), or the digest itself if it is there; None if it is not."""

    def manifest(self, repository: Repository, tag: Tag | Digest) -> Manifest | None:
        """The manifest (one GET), its digest verified; None if it is not there."""

    def put(self, repository: Repository, tag: Tag | Digest, manifest: Manifest, *, is_read_back: bool = True) -> None:
        """Point `tag` at a manifest whose blobs are in the repository, and read back that it does.

        With its digest in place of a tag it is there without one. What has a subject is listed among its referrers.

        Args:
            is_read_back: False for whoever looks at all that he has put, at the end.
        """

    def refuse_reader(self, repository: Repository) -> None:
        """RegistryRefused where we may not write; nothing is written."""

    def untag(self, repository: Repository, tag: Tag) -> bool:
        """Take a tag away; False where the registry deletes no tags. Never deletes by digest."""

    def delete(self, repository: Repository, digest: Digest) -> bool:
        """Delete a manifest and every tag that points at it; False where the registry deletes nothing.

        What is not there counts as deleted.
        """

    def list_tags(self, repository: Repository) -> tuple[Tag, ...]:
        """All tags of a repository, in the registry's order; none for one that is not there."""

    def referrers(self, repository: Repository, digest: Digest, kind: str = "") -> tuple[Descriptor, ...]:
        """What refers to an image: SBOMs, signatures; all, or those of one artifact type."""

    def lists_referrers(self, repository: Repository, digest: Digest) -> bool:
        """Whether the registry itself lists what refers to an image; else that stands in an index under a tag."""

    def blob(self, repository: Repository, digest: Digest) -> bytes | None:
        """The bytes of something small that a manifest names (one GET), verified; None if it is not there."""

    def fetch(self, repository: Repository, digest: Digest, into: BinaryIO) -> bool:
        """The bytes of something of any size, verified, into a file from its beginning; False if it is not there."""

    def upload(self, repository: Repository, data: bytes) -> Digest:
        """Bring the bytes of something small, if they are not there."""

    def mount(self, repository: Repository, digest: Digest, source: Repository) -> bool:
        """Take a blob over from another repository of the same registry; False where it wants the bytes instead."""

    def bring(self, repository: Repository, blob: Descriptor, source: Repository) -> Brought:
        """Have a blob of any size that a repository has, of this registry or another one; its bytes verified."""
