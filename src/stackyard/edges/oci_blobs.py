# SPDX-License-Identifier: MIT
"""Blobs of a registry: read, brought, or taken over from another repository of the same registry.

In:     repository, digest, bytes
Out:    bytes, verified; whether a blob is there
Raises: as edges/oci
Used by: edges/oci
Source: OCI distribution spec 1.1, "Pushing blobs", "Mounting a blob from another repository"
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO

from stackyard.edges.oci_calls import READ, WRITE, Calls, named
from stackyard.edges.registry import Brought, Descriptor, verify, verify_file
from stackyard.errors import RegistryProblem
from stackyard.model.names import Digest
from stackyard.model.reference import Repository

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_BINARY = {"Content-Type": "application/octet-stream"}
_ATTEMPTS = 2
"""An upload that the registry has forgotten in the middle is begun once more."""


def read_blob(calls: Calls, repository: Repository, digest: Digest) -> bytes | None:
    """The bytes (one GET), verified; None if they are not there."""
    response = calls.call("GET", repository, f"blobs/{digest}", READ, {"Accept": "*/*"})
    if response.status == 404:
        return None
    if response.status != 200:
        raise calls.refusal("read", repository, digest, response)
    verify(f"the blob {named(repository, digest)}", digest, response.data)
    return response.data


def has_blob(calls: Calls, repository: Repository, digest: Digest) -> bool:
    """Whether it is there (one HEAD)."""
    return calls.call("HEAD", repository, f"blobs/{digest}", READ).status == 200


def upload(calls: Calls, repository: Repository, digest: Digest, data: bytes) -> None:
    """Bring a blob that fits in memory, if it is not there: a HEAD, then POST and PUT."""
    if not has_blob(calls, repository, digest):
        _send(calls, repository, digest, data, len(data))


def _send(calls: Calls, repository: Repository, digest: Digest, data: bytes | BinaryIO, size: int) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        begun = calls.call("POST", repository, "blobs/uploads/", WRITE, {"Content-Length": "0"})
        if begun.status != 202:
            raise calls.refusal("write", repository, digest, begun)
        place = f"{_place(repository, begun)}digest={digest}"
        done = calls.call("PUT", repository, place, WRITE, {**_BINARY, "Content-Length": str(size)}, data)
        if done.status == 201:
            return
        if done.status not in (404, 416) or attempt == _ATTEMPTS:
            raise calls.refusal("write", repository, digest, done)


def bring(calls: Calls, repository: Repository, blob: Descriptor, source: Repository) -> Brought:
    """Have what another repository has: it is there, or is taken over, or travels through a file of this machine.

    A blob is verified before it is sent on. RegistryProblem where the other repository has it not.
    """
    if has_blob(calls, repository, blob.digest):
        return "there"
    if repository.host == source.host and mount(calls, repository, blob.digest, source):
        return "mounted"
    with tempfile.TemporaryFile(prefix="stackyard-") as file:
        response = _read_into(calls, source, blob.digest, file)
        if response.status != 200:
            raise calls.refusal("read", source, blob.digest, response)
        _send(calls, repository, blob.digest, file, file.tell())
    return "sent"


def fetch(calls: Calls, repository: Repository, digest: Digest, into: BinaryIO) -> bool:
    """The bytes of any size (one GET), verified, into a file; False if they are not there."""
    response = _read_into(calls, repository, digest, into)
    if response.status not in (200, 404):
        raise calls.refusal("read", repository, digest, response)
    return response.status == 200


def _read_into(calls: Calls, repository: Repository, digest: Digest, file: BinaryIO) -> BaseHTTPResponse:
    """The answer, and its bytes in the file, verified, where it is a yes."""
    response = calls.call("GET", repository, f"blobs/{digest}", READ, {"Accept": "*/*"}, into=file)
    if response.status == 200:
        file.seek(0)
        verify_file(f"the blob {named(repository, digest)}", digest, file)
    return response


def refuse_reader(calls: Calls, repository: Repository) -> None:
    """Begin an upload and give it up: a refusal where we may not write."""
    begun = calls.call("POST", repository, "blobs/uploads/", WRITE, {"Content-Length": "0"})
    if begun.status != 202:
        raise calls.refusal("write", repository, "", begun)
    calls.call("DELETE", repository, _place(repository, begun).rstrip("?&"), WRITE)


def mount(calls: Calls, repository: Repository, digest: Digest, source: Repository) -> bool:
    """Take a blob over from `source`; False where the registry wants its bytes instead.

    Whatever upload the registry begins then is left for it to forget.
    """
    begin = f"blobs/uploads/?mount={digest}&from={source.path}"
    response = calls.call("POST", repository, begin, WRITE, {"Content-Length": "0"}, source=source)
    if response.status == 201:
        return True
    if response.status == 202:
        calls.call("DELETE", repository, _place(repository, response).rstrip("?&"), WRITE)
        return False
    raise calls.refusal("write", repository, digest, response)


def _place(repository: Repository, response: BaseHTTPResponse) -> str:
    """Where an upload goes on, ready for one more parameter."""
    place = response.headers.get("Location", "")
    if not place:
        raise RegistryProblem(
            f"registry {repository.host} begins an upload and does not say where", address=repository.host
        )
    return place + ("&" if "?" in place else "?")
