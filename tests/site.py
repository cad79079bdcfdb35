# SPDX-License-Identifier: MIT
"""A web site on a free loopback port, for what is fetched over HTTP."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tests.loopback import Handler, Loopback, served


class Site(Loopback):
    """Files by path, each with an ETag or without; paths that redirect; everything else is a 404."""

    def __init__(self) -> None:
        super().__init__(_Asked)
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        """Paths that answer with this, whatever is there."""
        self.asked: list[str] = []
        self.sent_bytes = 0

    def handle_error(self, *_: object) -> None:
        """Who asks may hang up half-way: a file that is too large is left."""

    def at(self, path: str) -> str:
        """The address of a path."""
        return f"http://{self.host}{path}"


class _Asked(Handler):
    protocol_version = "HTTP/1.1"
    server: Site

    def answer(self) -> None:
        site, path = self.server, self.path.partition("?")[0]
        site.asked.append(self.path)
        etag = site.etags.get(path)
        if path in site.statuses:
            self._send(site.statuses[path], {}, b"")
        elif path in site.redirects:
            self._send(302, {"Location": site.redirects[path]}, b"")
        elif path not in site.files:
            self._send(404, {}, b"nothing here")
        elif etag is not None and self.headers.get("If-None-Match") == etag:
            self._send(304, {"ETag": etag}, b"")
        else:
            self._send(200, {"ETag": etag} if etag else {}, site.files[path])

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.server.sent_bytes += len(body)
        self.send(status, headers, body)


def serving() -> AbstractContextManager[Site]:
    """A site for the time of a test."""
    return served(Site())
