# SPDX-License-Identifier: MIT
"""One request to a registry's API: where it goes, being let in, and a refusal in words.

In:     method, repository, what below it, headers, body
Out:    one answer, whatever its status
Raises: as edges/wire and edges/auth; `refusal` makes RegistryRefused of an answer
Used by: edges/oci (manifests, tags), edges/oci_blobs (blobs), edges/oci_lists (tags, referrers)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from stackyard.edges.auth import Authorizer, codes_of, is_plain, login_hint, refusal
from stackyard.edges.credentials import CredentialSource
from stackyard.edges.patience import Patience
from stackyard.edges.wire import Wire
from stackyard.errors import RegistryRefused, RegistryUnreachable
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import DOCKER_HUB, Repository

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

READ, WRITE, DELETE = "pull", "pull,push", "pull,push,delete"
"""What a token has to allow."""


class Calls:
    """Requests to all registries, each found by the repository's host. Safe for threads."""

    def __init__(self, environ: Mapping[str, str], credentials: CredentialSource, patience: Patience) -> None:
        self.credentials = credentials
        self.wire = Wire(environ, patience, _unreachable)
        self._is_plain = partial(is_plain, environ=environ)
        self._auth = Authorizer(self.wire.send, credentials, patience.clock, self._is_plain)

    def call(
        self,
        method: str,
        repository: Repository,
        below: str,
        actions: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO | None = None,
        source: Repository | None = None,
        into: BinaryIO | None = None,
    ) -> BaseHTTPResponse:
        """One answer.

        Args:
            below: a path in the repository (`manifests/stable`), or an address that the registry gave.
            actions: what a token has to allow there.
            source: a repository of the same registry that is read on the way.
            into: see Wire.send.
        """
        host = repository.host
        scope = f"repository:{repository.path}:{actions}"
        if source is not None:
            scope += f" repository:{source.path}:{READ}"
        return self.at(host, method, self.address_of(repository, below), scope, headers, body, into)

    def at(
        self,
        host: str,
        method: str,
        url: str,
        scope: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO | None = None,
        into: BinaryIO | None = None,
    ) -> BaseHTTPResponse:
        """One answer from an address; a 401 is answered once, where there is something better to show."""
        headers = headers or {}
        if not url.startswith(f"{self.root_of(host)}/"):
            # An upload may go on elsewhere; who we are is for the registry only.
            return self.wire.send(host, method, url, headers, body, into)
        sent = self._auth.header(host, scope)
        response = self.wire.send(host, method, url, {**headers, **_authorization(sent)}, body, into)
        if response.status == 401:
            better = self._auth.answer(host, scope, response.headers.get("WWW-Authenticate", ""), sent)
            if better:
                response = self.wire.send(host, method, url, {**headers, **_authorization(better)}, body, into)
        return response

    def root_of(self, host: str) -> str:
        """Where a host's API is: Docker Hub's has another name; without TLS only where `is_plain` says so."""
        if host in (DOCKER_HUB, "index.docker.io"):
            return "https://registry-1.docker.io"
        return f"{'http' if self._is_plain(host) else 'https'}://{host}"

    def address_of(self, repository: Repository, below: str) -> str:
        """The address of something in a repository; one that the registry gave may be whole, or begin at its root."""
        root = self.root_of(repository.host)
        if "://" in below:  # a registry behind a proxy may not know that it is spoken to over TLS
            bare = "http://" + root.partition("://")[2] + "/"
            return root + "/" + below.removeprefix(bare) if below.startswith(bare) else below
        if below.startswith("/"):
            return root + below
        return f"{root}/v2/{repository.path}/{below}"

    def refusal(
        self, verb: str, repository: Repository, tag: Tag | Digest | str, response: BaseHTTPResponse
    ) -> RegistryRefused:
        """An answer that is none of those we know, with the registry's words and what may help."""
        name = named(repository, tag) if tag else str(repository)
        return refusal(repository.host, f"{verb} {name}", response, self._hint(verb, repository, response))

    def _hint(self, verb: str, repository: Repository, response: BaseHTTPResponse) -> str | None:
        codes = codes_of(response)
        if response.status in (401, 403):
            return login_hint(repository.host, self.credentials(repository.host))
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


def named(repository: Repository, tag: Tag | Digest | str) -> str:
    """What a person calls it."""
    return f"{repository}{'@' if isinstance(tag, Digest) else ':'}{tag}"


def _authorization(header: str | None) -> dict[str, str]:
    return {"Authorization": header} if header else {}


def _unreachable(host: str, words: str, hint: str | None) -> RegistryUnreachable:
    return RegistryUnreachable(f"cannot reach registry {host}: {words}", hint=hint, address=host)
