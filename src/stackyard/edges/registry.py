# SPDX-License-Identifier: MIT
"""The registry: manifests and tags of an OCI distribution registry, over HTTP.

In:   repository, tag or digest
Out:  manifests as exact bytes, digests
Raises: RegistryUnreachable, RegistryRefused, DigestMismatch
Real: edges/oci.py   Fake: stackyard.testing.MemoryRegistry   Contract: tests/contract/test_registry.py
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Repository


class Manifest(msgspec.Struct, frozen=True):
    """A manifest or index as its registry keeps it: the bytes, exactly, and what they are."""

    digest: Digest
    media_type: str
    body: bytes

    @property
    def config(self) -> Digest | None:
        """Digest of the image config it names; None for an index."""
        config = msgspec.json.decode(self.body).get("config")
        return Digest(config["digest"]) if config else None


class Registry(Protocol):
    """Manifests and tags of all registries, each found by the repository's host. May be called from several threads."""

    def resolve(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """Digest that a tag points at (one HEAD), or the digest itself if it is there; None if it is not."""

    def manifest(self, repository: Repository, tag: Tag | Digest) -> Manifest | None:
        """The manifest (one GET), its digest verified; None if it is not there."""

    def blob(self, repository: Repository, digest: Digest) -> bytes | None:
        """The bytes of something small that a manifest names (one GET), verified; None if it is not there."""

    def put(self, repository: Repository, tag: Tag, manifest: Manifest) -> None:
        """Point `tag` at a manifest whose blobs are in the repository, and read back that it does."""

    def untag(self, repository: Repository, tag: Tag) -> bool:
        """Take a tag away; False where the registry deletes no tags. Never deletes by digest."""
