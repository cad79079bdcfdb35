# SPDX-License-Identifier: MIT
"""What an address gives now: a file over HTTP, or the commit that a name of a git repository points to.

In:     a Download, what was seen there last
Out:    Content; None where nothing is there
Raises: WorldError, one sentence of why nobody can tell
May touch: the network, once for a file; `git ls-remote` for a repository
Beside: edges/wire (HTTP itself), edges/git

An engine fetches for itself; this only tells whether it would get something else than before. A server that
gave an ETag is asked whether it still holds, and sends nothing where it does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

import msgspec

from stackyard.edges.git import commit_at
from stackyard.edges.patience import Patience
from stackyard.edges.wire import Wire
from stackyard.errors import WorldError
from stackyard.model.accepted import Seen
from stackyard.model.downloads import Download, digest_of_commit
from stackyard.model.names import Digest

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

LARGEST_BYTES = 2 * 1024**3
LONGEST_S = 600.0
_HOPS = 10
_CHUNK = 1024 * 1024
_PIN = "`ADD --checksum=sha256:...` says what must come, and nobody needs to look"


class Content(msgspec.Struct, frozen=True):
    """What is there."""

    digest: Digest
    """Of a file's bytes; a commit's id."""
    mark: str = ""
    """What the server calls this state of it, to be asked with the next time: its ETag."""


class Downloads:
    """All addresses. Safe for threads.

    Args:
        environ: where proxies and certificates are named.
        largest_bytes: a file that is larger is not read to its end.
        longest_s: one that takes longer is not, either.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        patience: Patience | None = None,
        largest_bytes: int = LARGEST_BYTES,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._patience = patience or Patience()
        self._wire = Wire(environ, self._patience, _unreachable)
        self._largest_bytes = largest_bytes
        self._longest_s = longest_s

    def look(self, address: Download, last: Seen | None = None) -> Content | None:
        """What an engine would get now.

        Args:
            last: what was there when somebody looked before.
        """
        named = address.git
        if named is None:
            return self._file(address, last)
        commit = commit_at(named.repository, named.ref)
        return Content(digest_of_commit(commit)) if commit else None

    def _file(self, address: Download, last: Seen | None) -> Content | None:
        headers = {"Accept-Encoding": "identity"}  # what counts are the bytes that would lie in the image
        if last is not None and last.digest is not None and last.mark:
            headers["If-None-Match"] = last.mark
        url = urldefrag(address).url
        for _ in range(_HOPS):
            with self._wire.opened(url, headers) as response:
                to = response.headers.get("Location")
                if response.status not in (301, 302, 303, 307, 308) or not to:
                    return self._answer(address, response, last)
            url = urldefrag(urljoin(url, to)).url
            if not url.startswith(("https://", "http://")):
                raise WorldError(f"{address} redirects to {url}, which is no address of HTTP")
        raise WorldError(f"{address} redirects more than {_HOPS} times")

    def _answer(self, address: Download, response: BaseHTTPResponse, last: Seen | None) -> Content | None:
        if response.status == 304 and last is not None and last.digest is not None:
            return Content(last.digest, last.mark)
        if response.status in (404, 410):
            return None
        if response.status != 200:
            raise WorldError(f"{address} answers {response.status} {response.reason or ''}".rstrip())
        found = hashlib.sha256()
        begun, size = self._patience.clock(), 0
        for chunk in response.stream(_CHUNK, decode_content=False):
            found.update(chunk)
            size += len(chunk)
            if size > self._largest_bytes:
                raise WorldError(f"{address} gives more than {self._largest_bytes:,} bytes", hint=_PIN)
            if self._patience.clock() - begun > self._longest_s:
                raise WorldError(f"{address} takes longer than {self._longest_s:g} s", hint=_PIN)
        return Content(Digest(f"sha256:{found.hexdigest()}"), response.headers.get("ETag", ""))


def _unreachable(host: str, words: str, hint: str | None) -> WorldError:
    return WorldError(f"cannot reach {host}: {words}", hint=hint)
