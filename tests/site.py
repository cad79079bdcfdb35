# SPDX-License-Identifier: MIT
"""A web site on a free loopback port, for what is fetched over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Site(ThreadingHTTPServer):
    """Files by path, each with an ETag or without; paths that redirect; everything else is a 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        """Paths that answer with this, whatever is there."""
        self.asked: list[str] = []
        self.sent_bytes = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asks may hang up half-way: a file that is too large is left."""

    def at(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    server: Site

    def do_GET(self) -> None:
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
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.server.sent_bytes += len(body)
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Site]:
    """A site for the time of a test."""
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.005,))
        thread.start()
        yield site
        site.shutdown()
        thread.join()
