# SPDX-License-Identifier: MIT
"""The registry for real: manifests and tags over HTTP, for any OCI distribution registry.

In:     repository, tag or digest
Out:    manifests as exact bytes, digests; each verified against the bytes
Raises: RegistryUnreachable, RegistryRefused, RegistryProblem, DigestMismatch
Protocol: edges/registry.py   Beside: edges/wire (HTTP itself), edges/auth (being let in), edges/credentials
Source: OCI distribution spec 1.1; Docker Registry HTTP API V2

A HEAD that is odd in any way (no digest, another digest, a type we did not ask for, a refusal
without words) is followed by a GET, and the bytes decide.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from stackyard.edges.auth import Authorizer, codes_of, is_loopback, login_hint, refusal
from stackyard.edges.credentials import CredentialSource, DockerCredentials
from stackyard.edges.patience import Patience
from stackyard.edges.registry import Manifest
from stackyard.edges.wire import Wire
from stackyard.errors import DigestMismatch, RegistryProblem, RegistryRefused, RegistryUnreachable
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import DOCKER_HUB, Repository

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"

MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)
"""All four in every Accept: without one, registries answer 404, or convert to schema 1 under another digest."""

_READ, _WRITE, _DELETE = "pull", "pull,push", "pull,push,delete"


class OciRegistry:
    """All registries, each found by the repository's host. Safe for threads; connections are kept and shared.

    Args:
        environ: where proxies, certificates and Docker's config are named; the process's own by default.
        credentials: who we are at a host; by default what `docker login` stored.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        credentials: CredentialSource | None = None,
        patience: Patience | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        patience = patience or Patience()
        self._credentials = credentials or DockerCredentials(environ)
        self._wire = Wire(environ, patience, _unreachable)
        self._auth = Authorizer(self._wire.send, self._credentials, patience.clock)

    def resolve(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """Digest that a tag points at (one HEAD), or the digest itself if it is there; None if it is not."""
        response = self._call("HEAD", repository, tag, _READ)
        if response.status == 404:
            return None
        found = _digest_header(response) if response.status == 200 and _type_header(response) else None
        if found and (found == tag or not isinstance(tag, Digest)):
            return found
        if response.status == 429 or response.status >= 500:
            raise self._refusal("read", repository, tag, response)
        manifest = self.manifest(repository, tag)
        return manifest.digest if manifest else None

    def manifest(self, repository: Repository, tag: Tag | Digest) -> Manifest | None:
        """The manifest (one GET), its digest verified; None if it is not there."""
        response = self._call("GET", repository, tag, _READ)
        if response.status == 404:
            return None
        if response.status != 200:
            raise self._refusal("read", repository, tag, response)
        name = _named(repository, tag)
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
            _verify(f"the manifest of {name}", expected, response.data)
        digest = asked or _digest_header(response) or _digest_of(response.data)
        return Manifest(digest, media_type, response.data)

    def blob(self, repository: Repository, digest: Digest) -> bytes | None:
        """The bytes of something small that a manifest names (one GET), verified; None if it is not there."""
        response = self._call("GET", repository, digest, _READ, kind="blobs")
        if response.status == 404:
            return None
        if response.status != 200:
            raise self._refusal("read", repository, digest, response)
        _verify(f"the blob {_named(repository, digest)}", digest, response.data)
        return response.data

    def put(self, repository: Repository, tag: Tag, manifest: Manifest) -> None:
        """Point `tag` at a manifest whose blobs are in the repository, and read back that it does.

        A tag that somebody else moves at the same time is a DigestMismatch, too.
        """
        name = _named(repository, tag)
        _verify(f"the manifest of {name}", manifest.digest, manifest.body)
        response = self._call("PUT", repository, tag, _WRITE, manifest)
        if response.status not in (200, 201, 202):
            raise self._refusal("write", repository, tag, response)
        found = self.resolve(repository, tag)
        if found != manifest.digest:
            raise DigestMismatch(
                f"{name} was written as {manifest.digest} and reads back as {found or 'nothing'}",
                hint="either somebody moved the tag at the same time, or the registry changes what it is given",
                expected=manifest.digest,
                found=found,
            )

    def untag(self, repository: Repository, tag: Tag) -> bool:
        """Take a tag away; False where the registry deletes no tags. Never deletes by digest.

        A tag that is not there counts as taken away.
        """
        response = self._call("DELETE", repository, Tag.parse(tag), _DELETE)
        if response.status in (400, 405) or "UNSUPPORTED" in codes_of(response):
            return False
        if response.status == 404:  # the tag, or all deleting of tags, is missing
            return self.resolve(repository, tag) is None
        if response.status not in (200, 202, 204):
            raise self._refusal("delete", repository, tag, response)
        return True

    def greet(self, host: str) -> bool:
        """Whether the registry answers, and lets us in; asks for no image.

        Returns:
            False where it answers, wants to know who asks, and nobody logged in.

        Raises:
            RegistryUnreachable, RegistryRefused (the stored login is no good)
        """
        url = f"{_address(host)}/v2/"
        response = self._wire.send(host, "GET", url, {})
        if response.status == 401:
            if self._credentials(host) is None:
                return False
            better = self._auth.answer(host, "", response.headers.get("WWW-Authenticate", ""), None)
            if better:
                response = self._wire.send(host, "GET", url, _authorization(better))
        if response.status != 200:
            raise refusal(host, "let us in", response, login_hint(host, self._credentials(host)))
        return True

    def knows(self, host: str) -> bool:
        """Whether somebody logged in there."""
        return self._credentials(host) is not None

    def close(self) -> None:
        """Close the kept connections; the next call opens new ones."""
        self._wire.close()

    def _call(
        self,
        method: str,
        repository: Repository,
        tag: Tag | Digest,
        actions: str,
        manifest: Manifest | None = None,
        kind: str = "manifests",
    ) -> BaseHTTPResponse:
        host = repository.host
        url = f"{_address(host)}/v2/{repository.path}/{kind}/{tag}"
        scope = f"repository:{repository.path}:{actions}"
        headers = {"Accept": ", ".join(MANIFEST_TYPES) if kind == "manifests" else "*/*"}
        if manifest:
            headers["Content-Type"] = manifest.media_type
        body = manifest.body if manifest else None
        sent = self._auth.header(host, scope)
        response = self._wire.send(host, method, url, headers | _authorization(sent), body)
        if response.status == 401:
            better = self._auth.answer(host, scope, response.headers.get("WWW-Authenticate", ""), sent)
            if better:
                response = self._wire.send(host, method, url, headers | _authorization(better), body)
        return response

    def _refusal(
        self, verb: str, repository: Repository, tag: Tag | Digest, response: BaseHTTPResponse
    ) -> RegistryRefused:
        hint = self._hint(verb, repository, response)
        return refusal(repository.host, f"{verb} {_named(repository, tag)}", response, hint)

    def _hint(self, verb: str, repository: Repository, response: BaseHTTPResponse) -> str | None:
        codes = codes_of(response)
        if response.status in (401, 403):
            return login_hint(repository.host, self._credentials(repository.host))
        if verb == "write" and (response.status == 404 or "NAME_UNKNOWN" in codes):
            return f"create the repository {repository.path} at {repository.host} first"
        if codes & {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}:
            return "push the image's layers to this repository first"
        if response.status == 409:
            return "the registry holds this tag fast (immutable tags); allow it to move, or use another"
        if response.status == 429:
            after = response.headers.get("Retry-After", "not said")
            return f"wait (Retry-After: {after}), or log in: known accounts are often allowed more"
        return "the fault is the registry's; try again later" if response.status >= 500 else None


def _named(repository: Repository, tag: Tag | Digest) -> str:
    return f"{repository}{'@' if isinstance(tag, Digest) else ':'}{tag}"


def _authorization(header: str | None) -> dict[str, str]:
    return {"Authorization": header} if header else {}


def _address(host: str) -> str:
    """Where a host's API is: Docker Hub's has another name, and only this machine's is plain HTTP."""
    if host in (DOCKER_HUB, "index.docker.io"):
        return "https://registry-1.docker.io"
    return f"{'http' if is_loopback(host) else 'https'}://{host}"


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


def _digest_of(body: bytes, algorithm: str = "sha256") -> Digest:
    return Digest(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")


def _verify(name: str, expected: Digest, body: bytes) -> None:
    found = _digest_of(body, expected.partition(":")[0])
    if found != expected:
        raise DigestMismatch(f"{name} should be {expected} and its bytes are {found}", expected=expected, found=found)


def _unreachable(host: str, words: str, hint: str | None) -> RegistryUnreachable:
    return RegistryUnreachable(f"cannot reach registry {host}: {words}", hint=hint, address=host)
