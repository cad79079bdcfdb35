# SPDX-License-Identifier: MIT
"""A registry in a dict, for tests: it keeps what it is given, and misbehaves when told to.

Implements: edges/registry.Registry, held to tests/contract/test_registry.py like the real one
In:  add_image, add: what an engine's push would have left there
Out: .requests, what was asked of it
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, Literal, TypeVar

import msgspec

from stackyard.edges.patience import Patience
from stackyard.edges.registry import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Brought,
    Descriptor,
    Manifest,
)
from stackyard.errors import DigestMismatch, RegistryRefused, StackyardError
from stackyard.model import canonical
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Platform, Repository

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True):
    """One call of a method of the registry."""

    verb: Literal[
        "resolve",
        "manifest",
        "put",
        "refuse_reader",
        "untag",
        "delete",
        "list_tags",
        "referrers",
        "blob",
        "fetch",
        "upload",
        "mount",
        "bring",
    ]
    repository: Repository
    tag: Tag | Digest
    """What is asked for; for a list of tags none, which is the empty text."""


class MadeImage(msgspec.Struct, frozen=True):
    """A manifest made for a test, with the blobs it names: a config and one layer."""

    manifest: Manifest
    blobs: tuple[bytes, ...]


def make_image(content: str = "", *, config: Digest | None = None, docker: bool = False) -> MadeImage:
    """A valid image manifest; other content, another digest.

    Args:
        config: digest of its config, where it must be the id of an image in an engine's store.
        docker: Docker's media types in place of OCI's.
    """
    layer = f"layer of {content}".encode()
    diff_ids = [sha256(layer)]
    made = canonical.encode(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    )
    kinds = (
        ("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip")
        if docker
        else ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar")
    )
    manifest = _manifest(
        DOCKER_MANIFEST if docker else OCI_MANIFEST,
        config={"mediaType": kinds[0], "digest": config or sha256(made), "size": len(made)},
        layers=[{"mediaType": kinds[1], "digest": sha256(layer), "size": len(layer)}],
    )
    return MadeImage(manifest, (made, layer))


def make_index(children: Mapping[Platform, Manifest], *, docker: bool = False) -> Manifest:
    """A valid index over manifests that must be in the repository before it is."""
    return _manifest(
        DOCKER_INDEX if docker else OCI_INDEX,
        manifests=[
            {
                "mediaType": child.media_type,
                "digest": child.digest,
                "size": len(child.body),
                "platform": dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False)),
            }
            for platform, child in sorted(children.items())
        ],
    )


def sha256(data: bytes) -> Digest:
    """The digest of some bytes."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def _manifest(media_type: str, **fields: object) -> Manifest:
    body = canonical.encode({"schemaVersion": 2, "mediaType": media_type, **fields})
    return Manifest(sha256(body), media_type, body)


class MemoryRegistry:
    """All registries at once, in memory. Safe for threads.

    Like a real one it refuses manifests whose blobs or children are not in the repository.

    Args:
        can_untag: False for a registry that deletes no tags.
        patience: how often it is asked again while it is busy; by default as a real one, and no time passes.
    """

    def __init__(self, *, can_untag: bool = True, patience: Patience | None = None) -> None:
        self.can_untag = can_untag
        self.can_list_referrers = True
        """False: they would be kept in an index under a tag."""
        self.can_delete = True
        """False: no manifest is deleted."""
        self.busy = 0
        """So many requests are answered with a 503 before one is not."""
        self._patience = patience or Patience(sleep=lambda _: None)
        self.requests: list[Request] = []
        self._lock = threading.RLock()
        self._manifests: dict[tuple[str, Digest], Manifest] = {}
        self._tags: dict[tuple[str, Tag], Digest] = {}
        self._blobs: set[tuple[str, Digest]] = set()
        self._bytes: dict[Digest, bytes] = {}
        self._faults: list[tuple[Callable[[Request], bool], StackyardError, bool]] = []

    # What tests do

    def add(self, repository: str, tag: str | None, manifest: Manifest, blobs: Sequence[bytes] = ()) -> None:
        """Leave a manifest there as an engine's push would, its blobs with it. Counts as no request.

        Args:
            blobs: the bytes of those that somebody is going to read.
        """
        place = Repository.parse(repository).canonical
        with self._lock:
            self.add_blobs(repository, manifest, blobs)
            self._manifests[place, manifest.digest] = manifest
            if tag is not None:
                self._tags[place, Tag.parse(tag)] = manifest.digest

    def add_blobs(self, repository: str, manifest: Manifest, blobs: Sequence[bytes] = ()) -> None:
        """Leave there what a manifest names, but not the manifest: a push that was interrupted."""
        place = Repository.parse(repository).canonical
        with self._lock:
            self._bytes.update((sha256(blob), blob) for blob in blobs)
            self._blobs.update((place, each.digest) for each in manifest.blobs)

    def add_image(
        self, repository: str, tag: str | None = None, content: str = "", *, config: Digest | None = None
    ) -> Manifest:
        """Make an image, leave it there, return its manifest; see `make_image`."""
        made = make_image(content, config=config)
        self.add(repository, tag, made.manifest, made.blobs)
        return made.manifest

    def tags(self, repository: str) -> dict[Tag, Digest]:
        """Where all tags of a repository point, sorted by name."""
        place = Repository.parse(repository).canonical
        with self._lock:
            return {tag: digest for (where, tag), digest in sorted(self._tags.items()) if where == place}

    def fail_on(self, predicate: Callable[[Request], bool], error: StackyardError, *, after: bool = False) -> None:
        """Raise `error` for each request that the predicate picks.

        `after`: the request has its effect first: an answer that got lost on its way.
        """
        self._faults.append((predicate, error, after))

    def heal(self) -> None:
        """Fail on nothing any more."""
        self._faults.clear()

    # The protocol

    def resolve(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """Digest that a tag points at, or the digest itself if it is there; None if it is not."""
        return self._do(Request("resolve", repository, tag), lambda: self._find(repository, tag))

    def manifest(self, repository: Repository, tag: Tag | Digest) -> Manifest | None:
        """The manifest; None if it is not there."""

        def read() -> Manifest | None:
            digest = self._find(repository, tag)
            return self._manifests[repository.canonical, digest] if digest else None

        return self._do(Request("manifest", repository, tag), read)

    def put(
        self,
        repository: Repository,
        tag: Tag | Digest,
        manifest: Manifest,
        *,
        is_read_back: bool = True,  # noqa: ARG002 - what is in a dict is there
    ) -> None:
        """Point `tag` at a manifest, or leave it there without one; RegistryRefused (400) without its blobs."""
        self._do(Request("put", repository, tag), lambda: self._write(repository, tag, manifest))

    def refuse_reader(self, repository: Repository) -> None:
        """Everybody may write here; `fail_on` says otherwise."""
        self._do(Request("refuse_reader", repository, Tag("")), lambda: None)

    def untag(self, repository: Repository, tag: Tag) -> bool:
        """Take a tag away; False if this registry `can_untag` nothing."""

        def remove() -> bool:
            if self.can_untag:
                self._tags.pop((repository.canonical, Tag.parse(tag)), None)
            return self.can_untag

        return self._do(Request("untag", repository, tag), remove)

    def delete(self, repository: Repository, digest: Digest) -> bool:
        """Delete a manifest and every tag that points at it."""

        def remove() -> bool:
            if not self.can_delete:
                return False
            place = repository.canonical
            self._manifests.pop((place, digest), None)
            self._tags = {key: at for key, at in self._tags.items() if (key[0], at) != (place, digest)}
            return True

        return self._do(Request("delete", repository, digest), remove)

    def list_tags(self, repository: Repository) -> tuple[Tag, ...]:
        """All tags, sorted."""
        return self._do(Request("list_tags", repository, Tag("")), lambda: tuple(self.tags(repository)))

    def referrers(self, repository: Repository, digest: Digest, kind: str = "") -> tuple[Descriptor, ...]:
        """What has this subject, in the order in which it came."""

        def read() -> tuple[Descriptor, ...]:
            here = [each for (place, _), each in self._manifests.items() if place == repository.canonical]
            about = [each.descriptor for each in here if each.subject == digest]
            return tuple(each for each in about if not kind or each.artifact_type == kind)

        return self._do(Request("referrers", repository, digest), read)

    def lists_referrers(self, repository: Repository, digest: Digest) -> bool:
        """As a test says."""
        return self._do(Request("referrers", repository, digest), lambda: self.can_list_referrers)

    def blob(self, repository: Repository, digest: Digest) -> bytes | None:
        """The bytes, if they are in the repository and somebody left them."""

        def read() -> bytes | None:
            return self._bytes.get(digest) if (repository.canonical, digest) in self._blobs else None

        return self._do(Request("blob", repository, digest), read)

    def fetch(self, repository: Repository, digest: Digest, into: BinaryIO) -> bool:
        """The bytes, if they are in the repository and somebody left them."""

        def read() -> bool:
            data = self._bytes.get(digest) if (repository.canonical, digest) in self._blobs else None
            into.seek(0)
            into.truncate()
            into.write(data or b"")
            return data is not None

        return self._do(Request("fetch", repository, digest), read)

    def upload(self, repository: Repository, data: bytes) -> Digest:
        """Keep the bytes."""

        def keep() -> Digest:
            self._bytes[sha256(data)] = data
            self._blobs.add((repository.canonical, sha256(data)))
            return sha256(data)

        return self._do(Request("upload", repository, sha256(data)), keep)

    def mount(self, repository: Repository, digest: Digest, source: Repository) -> bool:
        """Take a blob over; False if it is not there."""

        def take() -> bool:
            if (source.canonical, digest) not in self._blobs:
                return False
            self._blobs.add((repository.canonical, digest))
            return True

        return self._do(Request("mount", repository, digest), take)

    def bring(self, repository: Repository, blob: Descriptor, source: Repository) -> Brought:
        """As a real one: taken over on the same host, else sent; RegistryRefused where the source has it not."""

        def take() -> Brought:
            if (repository.canonical, blob.digest) in self._blobs:
                return "there"
            if (source.canonical, blob.digest) not in self._blobs:
                words = "BLOB_UNKNOWN: blob unknown to registry"
                raise RegistryRefused(
                    f"registry {source.host} refused to read {source}@{blob.digest}: 404 {words}",
                    address=source.host,
                    status=404,
                    words=words,
                )
            self._blobs.add((repository.canonical, blob.digest))
            return "mounted" if repository.host == source.host else "sent"

        return self._do(Request("bring", repository, blob.digest), take)

    def _do(self, request: Request, action: Callable[[], T]) -> T:
        self._await(request)
        with self._lock:
            self.requests.append(request)
            self._fail(request, after=False)
            done = action()
            self._fail(request, after=True)
            return done

    def _await(self, request: Request) -> None:
        """Ask again while it is busy, as edges/wire does."""
        host, attempt = request.repository.host, 1
        while self._is_busy():
            if attempt == self._patience.attempts:
                sentence = f"registry {host} refused to {request.verb} {request.repository}: 503"
                raise RegistryRefused(sentence, address=host, status=503, words="503")
            self._patience.pause(self._patience.back_off_s(attempt), f"{host} answers 503")
            attempt += 1

    def _is_busy(self) -> bool:
        with self._lock:
            was, self.busy = self.busy, max(self.busy - 1, 0)
            return was > 0

    def _fail(self, request: Request, *, after: bool) -> None:
        for predicate, error, is_after in self._faults:
            if is_after == after and predicate(request):
                raise error

    def _find(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        place = repository.canonical
        if isinstance(tag, Digest):
            return tag if (place, tag) in self._manifests else None
        return self._tags.get((place, tag))

    def _write(self, repository: Repository, tag: Tag | Digest, manifest: Manifest) -> None:
        place = repository.canonical
        found = sha256(manifest.body)
        if found != manifest.digest:
            raise DigestMismatch(
                f"the manifest of {repository}:{tag} should be {manifest.digest} and its bytes are {found}",
                expected=manifest.digest,
                found=found,
            )
        is_there = all((place, each.digest) in self._blobs for each in manifest.blobs) and all(
            (place, each.digest) in self._manifests for each in manifest.children
        )
        if not is_there:
            words = "MANIFEST_BLOB_UNKNOWN: blob unknown to registry"
            raise RegistryRefused(
                f"registry {repository.host} refused to write {repository}:{tag}: 400 {words}",
                hint="push the image's layers to this repository first",
                address=repository.host,
                status=400,
                words=words,
            )
        self._manifests[place, manifest.digest] = manifest
        if not isinstance(tag, Digest):
            self._tags[place, tag] = manifest.digest
