# SPDX-License-Identifier: MIT
"""Whether somebody answers at a container's port, asked until somebody does or the time is up.

In:   Served, a path for HTTP
Out:  Answer
Beside: edges/containers, which starts the container
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stackyard.edges.engine import Served

_PAUSE_S = 0.1
_CONNECT_S = 5.0
_LISTENS_S = 0.5
"""An engine's own proxy takes every connection, and drops it at once where nobody listens behind it."""
_MOST = 1 << 20


class Answer(NamedTuple):
    """What came of asking."""

    problem: str = ""
    said: str = ""
    """The answer; where there is a problem, what the container printed."""


def ask(served: Served, path: str, status: int | None, within_s: float) -> Answer:
    """Ask until it answers as it should; a container that is over is not waited for."""
    until = time.monotonic() + within_s
    last = "nobody listens"
    while True:
        if not served.port or not served.is_up():
            return Answer("the container ended before anybody answered", served.said())
        with contextlib.suppress(OSError, http.client.HTTPException):
            if not path:
                if _listens(served):
                    return Answer()
            else:
                code, text = _fetched(served, path)
                if code == status or (status is None and code < 400):
                    return Answer(said=text)
                last = f"{path} answers with {code}"
        if time.monotonic() > until:
            return Answer(f"{last} after {within_s:g} s", served.said())
        time.sleep(_PAUSE_S)


def _listens(served: Served) -> bool:
    with socket.create_connection((served.host, served.port), _CONNECT_S) as sock:
        sock.settimeout(_LISTENS_S)
        try:
            return sock.recv(1) != b""
        except TimeoutError:
            return True


def _fetched(served: Served, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(served.host, served.port, timeout=_CONNECT_S)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST).decode("utf-8", "replace")
