# SPDX-License-Identifier: MIT
"""The registry for real: manifests and tags over HTTP, for any OCI distribution registry.

In:     repository, tag or digest
Out:    manifests as exact bytes, digests; each verified against the bytes
Raises: RegistryUnreachable, RegistryRefused, RegistryProblem, DigestMismatch
Protocol: edges/registry.py   Beside: edges/oci_calls (one request), edges/oci_blobs, edges/oci_lists
Source: OCI distribution spec 1.1; Docker Registry HTTP API V2

A HEAD that is odd in any way (no digest, another digest, a type we did not ask for, a refusal
without words) is followed by a GET, and the bytes decide.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from stackyard.edges.auth import codes_of, login_hint, refusal
from stackyard.edges.credentials import CredentialSource, DockerCredentials
from stackyard.edges.ecr import EcrCredentials
from stackyard.edges.oci_blobs import bring, fetch, mount, read_blob, refuse_reader, upload
from stackyard.edges.oci_calls import DELETE, READ, WRITE, Calls, named
from stackyard.edges.oci_lists import fallback_tag, keep_referrer, kept_referrers, list_tags, listed_referrers
from stackyard.edges.patience import Patience
from stackyard.edges.registry import MANIFEST_TYPES, Brought, Descriptor, Manifest, digest_of, verify
from stackyard.errors import DigestMismatch, RegistryProblem
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Repository

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse


class OciRegistry:
    """All registries, each found by the repository's host. Safe for threads; connections are kept and shared.

    Args:
        environ: where proxies, certificates and Docker's config are named; the process's own by default.
        credentials: who we are at a host; by default what `docker login` stored, or AWS gives for its own.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        credentials: CredentialSource | None = None,
        patience: Patience | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._patience = patience = patience or Patience()
        self._credentials = credentials or EcrCredentials(DockerCredentials(environ), patience.clock)
        self._calls = Calls(environ, self._credentials, patience)
        self._keeping = threading.Lock()
        self._brought: set[tuple[Repository, Digest]] = set()

    def resolve(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """Digest that a tag points at (one HEAD), or the digest itself if it is there; None if it is not."""
        response = self._manifest("HEAD", repository, tag, READ)
        if response.status == 404:
            return None
        found = _digest_header(response) if response.status == 200 and _type_header(response) else None
        if found and (found == tag or not isinstance(tag, Digest)):
            return found
        if response.status == 429 or response.status >= 500:
            raise self._calls.refusal("read", repository, tag, response)
        manifest = self.manifest(repository, tag)
        return manifest.digest if manifest else None

    def manifest(self, repository: Repository, tag: Tag | Digest) -> Manifest | None:
        """The manifest (one GET), its digest verified; None if it is not there."""
        response = self._manifest("GET", repository, tag, READ)
        if response.status == 404:
            return None
        if response.status != 200:
            raise self._calls.refusal("read", repository, tag, response)
        name = named(repository, tag)
        media_type = _type_header(response) or _type_in(response.data)
        if media_type is None:
            given = response.headers.get("Content-Type") or "something without a type"
            raise RegistryProblem(
                f"registry {repository.host} has {name} only as {given}, which is no Docker v2 or OCI manifest",
                hint="push it again with a current engine",
                address=repository.host,
            )
        asked = tag if isinstance(tag, Digest) else None
        for expected in filter(None, (asked, _digest_header(response))):
            verify(f"the manifest of {name}", expected, response.data)
        digest = asked or _digest_header(response) or digest_of(response.data)
        return Manifest(digest, media_type, response.data)

    def put(self, repository: Repository, tag: Tag | Digest, manifest: Manifest, *, is_read_back: bool = True) -> None:
        """Point `tag` at a manifest whose blobs are in the repository, and read back that it does, unless told not to.

        A tag that somebody else moves at the same time is a DigestMismatch, too. A registry that lists no
        referrers says so in its answer; then what has a subject is listed in an index under a tag.
        """
        name = named(repository, tag)
        verify(f"the manifest of {name}", manifest.digest, manifest.body)
        response = self._written(repository, tag, manifest)
        if response.status not in (200, 201, 202):
            raise self._calls.refusal("write", repository, tag, response)
        found = self.resolve(repository, tag) if is_read_back else manifest.digest
        if found != manifest.digest:
            raise DigestMismatch(
                f"{name} was written as {manifest.digest} and reads back as {found or 'nothing'}",
                hint="either somebody moved the tag at the same time, or the registry changes what it is given",
                expected=manifest.digest,
                found=found,
            )
        subject = manifest.subject
        if subject and not response.headers.get("OCI-Subject"):
            self._keep_referrer(repository, subject, manifest.descriptor)

    def _written(self, repository: Repository, tag: Tag | Digest, manifest: Manifest) -> BaseHTTPResponse:
        """The answer to a PUT. One that misses a blob is asked again: distribution's registry, over a file system, has
        none for a moment that somebody else brings at the same time, since it writes anew that it has it.
        """
        for attempt in range(1, self._patience.attempts + 1):
            response = self._manifest("PUT", repository, tag, WRITE, manifest)
            if response.status != 400 or "MANIFEST_BLOB_UNKNOWN" not in codes_of(response):
                break
            if attempt < self._patience.attempts:
                self._patience.pause(self._patience.back_off_s(attempt), f"{repository.host} misses a blob")
        return response

    def _keep_referrer(self, repository: Repository, subject: Digest, fresh: Descriptor) -> None:
        tag = fallback_tag(subject)
        with self._keeping:  # our own threads take turns
            keep_referrer(
                repository,
                subject,
                fresh,
                lambda: self.manifest(repository, tag),
                lambda index: self.put(repository, tag, index),
            )

    def refuse_reader(self, repository: Repository) -> None:
        """RegistryRefused where we may not write: an upload is begun, and given up."""
        refuse_reader(self._calls, repository)

    def untag(self, repository: Repository, tag: Tag) -> bool:
        """Take a tag away; False where the registry deletes no tags. Never deletes by digest.

        A tag that is not there counts as taken away.
        """
        response = self._manifest("DELETE", repository, Tag.parse(tag), DELETE)
        if response.status in (400, 405) or "UNSUPPORTED" in codes_of(response):
            return False
        if response.status == 404:  # the tag, or all deleting of tags, is missing
            return self.resolve(repository, tag) is None
        if response.status not in (200, 202, 204):
            raise self._calls.refusal("delete", repository, tag, response)
        return True

    def delete(self, repository: Repository, digest: Digest) -> bool:
        """Delete a manifest and every tag that points at it; False where the registry deletes nothing.

        What is not there counts as deleted.
        """
        response = self._manifest("DELETE", repository, digest, DELETE)
        if response.status == 405 or "UNSUPPORTED" in codes_of(response):
            return False
        if response.status not in (200, 202, 204, 404):
            raise self._calls.refusal("delete", repository, digest, response)
        return True

    def list_tags(self, repository: Repository) -> tuple[Tag, ...]:
        """All tags of a repository, in the registry's order, a thousand for each request; none where there is none."""
        return list_tags(self._calls, repository)

    def referrers(self, repository: Repository, digest: Digest, kind: str = "") -> tuple[Descriptor, ...]:
        """What refers to an image (one GET; two where the registry keeps no list); all, or those of one type."""
        found = listed_referrers(self._calls, repository, digest)
        if found is None:
            found = kept_referrers(repository, self.manifest(repository, fallback_tag(digest)))
        return tuple(each for each in found if not kind or each.artifact_type == kind)

    def lists_referrers(self, repository: Repository, digest: Digest) -> bool:
        """Whether the registry has the list, by asking for one (one GET)."""
        return listed_referrers(self._calls, repository, digest) is not None

    def blob(self, repository: Repository, digest: Digest) -> bytes | None:
        """The bytes of something small that a manifest names (one GET), verified; None if it is not there."""
        return read_blob(self._calls, repository, digest)

    def fetch(self, repository: Repository, digest: Digest, into: BinaryIO) -> bool:
        """The bytes of something of any size (one GET), verified, into a file; False if it is not there."""
        return fetch(self._calls, repository, digest, into)

    def upload(self, repository: Repository, data: bytes) -> Digest:
        """Bring the bytes of something small, if they are not there: one request, or three; none a second time."""
        digest = digest_of(data)
        if (repository, digest) not in self._brought:
            upload(self._calls, repository, digest, data)
            self._brought.add((repository, digest))
        return digest

    def mount(self, repository: Repository, digest: Digest, source: Repository) -> bool:
        """Take a blob over from another repository of the same registry; False where it wants the bytes instead."""
        return mount(self._calls, repository, digest, source)

    def bring(self, repository: Repository, blob: Descriptor, source: Repository) -> Brought:
        """Have a blob of any size that a repository has, of this registry or another one; its bytes verified."""
        return bring(self._calls, repository, blob, source)

    def greet(self, host: str) -> bool:
        """Whether the registry answers, and lets us in; asks for no image.

        Returns:
            False where it answers, wants to know who asks, and nobody logged in.

        Raises:
            RegistryUnreachable, RegistryRefused (the stored login is no good)
        """
        response = self._calls.at(host, "GET", f"{self._calls.root_of(host)}/v2/", "")
        if response.status == 401 and self._credentials(host) is None:
            return False
        if response.status != 200:
            raise refusal(host, "let us in", response, login_hint(host, self._credentials(host)))
        return True

    def knows(self, host: str) -> bool:
        """Whether somebody logged in there."""
        return self._credentials(host) is not None

    def close(self) -> None:
        """Close the kept connections; the next call opens new ones."""
        self._calls.wire.close()

    def _manifest(
        self, method: str, repository: Repository, tag: Tag | Digest, actions: str, manifest: Manifest | None = None
    ) -> BaseHTTPResponse:
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        if manifest:
            headers["Content-Type"] = manifest.media_type
        body = manifest.body if manifest else None
        return self._calls.call(method, repository, f"manifests/{tag}", actions, headers, body)


def _digest_header(response: BaseHTTPResponse) -> Digest | None:
    text = response.headers.get("Docker-Content-Digest", "")
    return Digest(text) if Digest.form.fullmatch(text) else None


def _type_header(response: BaseHTTPResponse) -> str | None:
    text = response.headers.get("Content-Type", "").partition(";")[0].strip()
    return text if text in MANIFEST_TYPES else None


def _type_in(body: bytes) -> str | None:
    """What the bytes say they are: some mirrors serve every file as application/json."""
    try:
        text = msgspec.json.decode(body, type=dict[str, object]).get("mediaType")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return text if isinstance(text, str) and text in MANIFEST_TYPES else None
