# SPDX-License-Identifier: MIT
"""Servers on a free loopback port, each as long as a block lasts: the one way in which tests serve anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import TypeVar

ServerT = TypeVar("ServerT", bound=HTTPServer)


class Handler(BaseHTTPRequestHandler):
    """Answers whatever the method is, each time at once, and prints nothing."""

    wbufsize = 65536  # head and body in one packet: two would wait for each other

    def answer(self) -> None:
        """What each server has of its own: nothing is there."""
        self.send(404)

    def do_GET(self) -> None:
        """As all others."""
        self.answer()

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_CONNECT = do_GET  # noqa: N815 - the server's names

    def send(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """A whole answer; to a HEAD its head."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Loopback(ThreadingHTTPServer):
    """A server on a port that was free."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def host(self) -> str:
        """Host and port, as registries are named."""
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def served(server: ServerT) -> Iterator[ServerT]:
    """It answers until the block ends, and its port is free then."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
