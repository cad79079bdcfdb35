# SPDX-License-Identifier: MIT
"""Lists that a registry gives: the tags of a repository, and what refers to an image.

In:     repository, digest
Out:    tags, descriptors
Raises: as edges/oci
Used by: edges/oci
Source: OCI distribution spec 1.1, "Listing tags", "Listing referrers", "Referrers tag schema"

Where a registry has no list of referrers, whoever writes one keeps it in an index under a tag that is
made of the digest. Two writers may overtake each other there: after writing it is read again, which
finds most of what was lost that way; exact between processes it cannot be.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import msgspec

from stackyard.edges.oci_calls import READ, Calls
from stackyard.edges.registry import OCI_INDEX, Descriptor, Manifest, digest_of
from stackyard.errors import DigestMismatch, RegistryProblem
from stackyard.model import canonical
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Repository

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_PAGE = 1000
_ATTEMPTS = 8

T = TypeVar("T")


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


class _Index(msgspec.Struct):
    manifests: list[Descriptor] | None = None


def list_tags(calls: Calls, repository: Repository) -> tuple[Tag, ...]:
    """All tags, page by page; none for a repository that is not there."""
    found: dict[Tag, None] = {}
    for response in _pages(calls, repository, f"tags/list?n={_PAGE}"):
        if response.status == 404:
            return ()
        if response.status != 200:
            raise calls.refusal("list the tags of", repository, "", response)
        names = _read(repository, response.data, _Tags).tags or ()
        found.update((Tag(name), None) for name in names if Tag.form.fullmatch(name))
    return tuple(found)


def listed_referrers(calls: Calls, repository: Repository, digest: Digest) -> tuple[Descriptor, ...] | None:
    """What the registry says refers to an image; None where it keeps no such list."""
    found: list[Descriptor] = []
    for response in _pages(calls, repository, f"referrers/{digest}"):
        if response.status in (400, 404, 405):
            return None
        if response.status != 200:
            raise calls.refusal("list what refers to", repository, digest, response)
        found.extend(_read(repository, response.data, _Index).manifests or ())
    return tuple(found)


def fallback_tag(digest: Digest) -> Tag:
    """The tag under which referrers are kept where the registry lists none.

    >>> fallback_tag(Digest("sha256:" + "a" * 64))[:10]
    'sha256-aaa'
    """
    return Tag(digest.replace(":", "-")[:128])


def kept_referrers(repository: Repository, index: Manifest | None) -> tuple[Descriptor, ...]:
    """What an index under such a tag names."""
    return () if index is None else tuple(_read(repository, index.body, _Index).manifests or ())


def keep_referrer(
    repository: Repository,
    subject: Digest,
    fresh: Descriptor,
    read: Callable[[], Manifest | None],
    write: Callable[[Manifest], None],
) -> None:
    """Add to the index under the tag, until it is found there: somebody else may write at the same time."""
    for _ in range(_ATTEMPTS):
        there = kept_referrers(repository, read())
        if any(each.digest == fresh.digest for each in there):
            return
        body = canonical.encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*there, fresh]})
        with contextlib.suppress(DigestMismatch):  # somebody else wrote, too
            write(Manifest(digest_of(body), OCI_INDEX, body))
    raise RegistryProblem(
        f"{repository}@{subject}: {fresh.digest} could not be listed beside it: others keep writing there",
        hint="try again when nobody else publishes to this repository",
        address=repository.host,
    )


def _pages(calls: Calls, repository: Repository, first: str) -> Iterator[BaseHTTPResponse]:
    """Each page of a list; a registry that points in a circle is left."""
    seen: set[str] = set()
    below: str | None = first
    while below is not None and below not in seen:
        seen.add(below)
        response = calls.call("GET", repository, below, READ, {"Accept": "application/json, " + OCI_INDEX})
        yield response
        below = _next(calls.address_of(repository, below), response.headers.get("Link", ""))


def _next(address: str, header: str) -> str | None:
    """The address of the next page (RFC 8288), taken from where this one was."""
    from urllib.parse import urljoin

    for target, parameters in re.findall(r"<([^>]*)>([^<]*)", header):
        if re.search(r';\s*rel\s*=\s*"?next\b', parameters):
            return str(urljoin(address, target))
    return None


def _read(repository: Repository, body: bytes, kind: type[T]) -> T:
    try:
        return canonical.decode(body, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RegistryProblem(
            f"registry {repository.host} answers with a list that cannot be read", address=repository.host
        ) from None
