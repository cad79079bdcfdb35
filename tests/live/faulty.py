# SPDX-License-Identifier: MIT
"""A registry with faults: a loopback server in front of a real one, that misbehaves when it is told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import urllib3

from tests.loopback import Handler, Loopback, served

Fault = Literal["500", "503", "429", "reset", "lie", "lose"]
Pick = Callable[[str, str], bool]


class FaultyRegistry(Loopback):
    """Answers as the registry behind it does, but for the requests that a fault is planned for."""

    def __init__(self, behind: str) -> None:
        super().__init__(_Asked)
        self.behind = behind
        self.pool = urllib3.PoolManager(retries=False, timeout=60, maxsize=16)
        self.happened: list[tuple[str, str, str]] = []
        """Each fault with the method and path it befell."""
        self._planned: list[tuple[Fault, int, Pick]] = []
        self._met: list[tuple[Pick, Callable[[], object], bool]] = []
        self._lock = threading.Lock()
        self._callers: dict[socket.socket, object] = {}
        """Connections that were ever made, and from where."""
        self._cut: set[socket.socket] = set()
        self._passing = 0
        self._changed = threading.Condition()

    def plan(self, fault: Fault, times: int = 1, pick: Pick = lambda method, path: path != "/v2/") -> None:
        """The next so many requests that are picked meet this fault."""
        with self._lock:
            self._planned.append((fault, times, pick))

    def meet(self, pick: Pick, do: Callable[[], object], *, after: bool = False) -> None:
        """Do something before each picked request goes on, or before it is answered; the request waits for it."""
        self._met.append((pick, do, after))

    def met(self, method: str, path: str, *, after: bool) -> None:
        """Do what is to be done at this request."""
        for pick, do, is_after in self._met:
            if is_after == after and pick(method, path):
                do()

    def plan_nothing(self) -> None:
        """From now on it is as good as the one behind it."""
        with self._lock:
            self._planned.clear()
            self._met.clear()

    def cut(self) -> None:
        """Hear no more from whoever is connected: what went on is over when this returns, and nothing more goes on.

        Requests of a process that was killed may still be on their way, as those of no machine that died are for long.
        """
        with socket.create_connection(("127.0.0.1", self.server_port)) as last, self._changed:
            here = last.getsockname()  # who came before it has been let in before it
            self._changed.wait_for(lambda: here in self._callers.values())
            self._cut |= self._callers.keys()
            self._changed.wait_for(lambda: not self._passing)

    def process_request(self, request: Any, client_address: Any) -> None:
        """As the server does; it is known who is connected."""
        with self._changed:
            self._callers[request] = client_address
            self._changed.notify_all()
        super().process_request(request, client_address)

    @contextmanager
    def passing(self, caller: socket.socket) -> Iterator[bool]:
        """Whether a request goes on, and that it does as long as the block lasts."""
        with self._changed:
            is_heard = caller not in self._cut
            self._passing += is_heard
        try:
            yield is_heard
        finally:
            with self._changed:
                self._passing -= is_heard
                self._changed.notify_all()

    def fault_of(self, method: str, path: str) -> Fault | None:
        """What befalls this request, if anything."""
        with self._lock:
            for at, (fault, times, pick) in enumerate(self._planned):
                if times > 0 and pick(method, path):
                    self._planned[at] = (fault, times - 1, pick)
                    self.happened.append((fault, method, path))
                    return fault
        return None

    def handle_error(self, *_: object) -> None:
        """A client that goes away is nothing to talk about."""


class _Asked(Handler):
    # Engines try TLS first, and need an HTTP answer to their hello to go on without.
    protocol_version = default_request_version = "HTTP/1.1"
    server: FaultyRegistry

    def answer(self) -> None:
        body = self._body()
        fault = self.server.fault_of(self.command, self.path)
        if fault == "reset":
            self._reset()
            return
        if fault in ("500", "503", "429"):
            self._send(int(fault), {"Retry-After": "1"} if fault == "429" else {}, b'{"errors":[{"code":"UNKNOWN"}]}')
            return
        if fault == "lose":
            self._send(201, {}, b"")
            return
        self.server.met(self.command, self.path, after=False)
        headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
        url = f"http://{self.server.behind}{self.path}"
        with self.server.passing(self.connection) as is_heard:
            if not is_heard:
                self._reset()
                return
            told = self.server.pool.request(self.command, url, body=body, headers=headers, redirect=False)
        kept = {k: v for k, v in told.headers.items() if k.lower() not in ("content-length", "transfer-encoding")}
        data = told.data
        if self.command == "HEAD":
            kept["Content-Length"] = told.headers.get("Content-Length", "0")
        self.server.met(self.command, self.path, after=True)
        if fault == "lie":
            kept["Docker-Content-Digest"] = "sha256:" + "0" * 64
        self._send(told.status, kept, data)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            del self.headers["Transfer-Encoding"]
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def faulty(behind: str) -> Iterator[FaultyRegistry]:
    """A faulty registry in front of the one at `behind`, as long as the block lasts."""
    with served(FaultyRegistry(behind)) as server:
        try:
            yield server
        finally:
            server.pool.clear()
