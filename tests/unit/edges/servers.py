# SPDX-License-Identifier: MIT
"""A small server of our own that answers as a registry might, and a registry edge that talks to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.message import Message
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from stackyard.edges.oci import OciRegistry
from stackyard.edges.patience import Patience
from stackyard.edges.registry import Manifest
from stackyard.model.reference import Repository
from stackyard.testing.registry import make_image
from tests import loopback

MANIFEST = make_image("one").manifest


class Asked(NamedTuple):
    """A request as the server saw it."""

    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)


class Answer(NamedTuple):
    """What the server says to one request; no status closes the connection instead."""

    status: int | None
    headers: dict[str, str]
    body: bytes = b""


Script = Callable[[Asked], Answer]


def found(manifest: Manifest = MANIFEST, **headers: str) -> Answer:
    """The answer of a registry that has the manifest."""
    known = {"Content-Type": manifest.media_type, "Docker-Content-Digest": manifest.digest}
    return Answer(200, known | {name.replace("_", "-"): value for name, value in headers.items()}, manifest.body)


def error(status: int, code: str = "", message: str = "", **headers: str) -> Answer:
    """An answer without a manifest, with a registry's words if there is a code."""
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": None}]}).encode() if code else b""
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


RESET = Answer(None, {})


class Server(loopback.Loopback):
    """Answers by a script, or in turn from a list; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(Handler)
        self.asked: list[Asked] = []
        self.script: Script = lambda asked: error(404)
        self.repository = Repository(f"{self.host}/acme/lab")

    def answers(self, *answers: Answer) -> None:
        left = list(answers)
        self.script = lambda asked: left.pop(0)

    @property
    def methods(self) -> list[str]:
        return [asked.method for asked in self.asked]


class Handler(loopback.Handler):
    protocol_version = "HTTP/1.1"
    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, self.headers, body)
        self.server.asked.append(asked)
        status, headers, said = self.server.script(asked)
        if status is None:
            self.close_connection = True
            return
        self.send(status, headers, said)


class World:
    """A clock that only sleeping moves, and no chance."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self) -> Patience:
        return Patience(sleep=self.sleep, random=lambda: 1.0, clock=lambda: self.now)


Connect = Callable[..., OciRegistry]
"""From who we are, and the environment, to a registry."""
