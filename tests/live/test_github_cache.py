# SPDX-License-Identifier: MIT
"""GitHub's build cache, with a service of the test's own in GitHub's place: steps are left there and taken from there.

The service is the first of GitHub's, which engines before 28 know; newer ones speak to the second.
Source: actions/toolkit, `packages/cache` 3.x: the requests of `_apis/artifactcache`
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from stackyard import verbs
from stackyard.edges.docker import DockerEngine
from stackyard.model.names import TargetName
from stackyard.model.outcome import RunSummary
from stackyard.model.record import Built
from stackyard.verbs import Options
from tests.live.conftest import BASE, LiveStack
from tests.live.own_engine import own_engine
from tests.loopback import Handler, Loopback, served

pytestmark = [pytest.mark.live, pytest.mark.long]


def _part(told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


RIGHTS = [{"Scope": "refs/heads/main", "Permission": 3}]
TOKEN = f"{_part({'alg': 'none'})}.{_part({'ac': json.dumps(RIGHTS), 'nbf': 1, 'iat': 1, 'exp': 4_000_000_000})}.sign"
"""What a job of GitHub's has; the engine's client reads in it which scopes it may write."""


class GitHub(Loopback):
    """Keeps what it is given in memory."""

    def __init__(self) -> None:
        super().__init__(_Asked)
        self.asked: list[str] = []
        self._entries: dict[int, tuple[str, str, bytearray]] = {}
        self._ended: dict[tuple[str, str], int] = {}

    @property
    def keys(self) -> list[str]:
        """Of what was left here to its end."""
        return [key for key, _ in self._ended]

    def said(self, method: str, path: str, headers: Message, body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        parts, number = urlsplit(path), path.rpartition("/")[2]
        self.asked.append(f"{method} {parts.path.rpartition('/')[0]}")
        if parts.path.startswith("/blob/"):
            data = bytes(self._entries[int(number)][2])
            if found := re.match(r"bytes=(\d+)-(\d*)", headers.get("Range", "")):
                return 206, data[int(found[1]) : int(found[2]) + 1 if found[2] else None]
            return 200, data
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, b""
        if method == "GET":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            for wanted in query["keys"].split(","):
                for (key, version), at in reversed(self._ended.items()):
                    if key.startswith(wanted) and version == query["version"]:
                        place = f"http://{self.host}/blob/{at}"
                        return 200, json.dumps({"cacheKey": key, "archiveLocation": place}).encode()
            return 204, b""
        if parts.path.endswith("/caches"):
            told, at = json.loads(body), len(self._entries) + 1
            self._entries[at] = (told["key"], told["version"], bytearray())
            return 201, json.dumps({"cacheId": at}).encode()
        key, version, data = self._entries[int(number)]
        if method == "PATCH":
            begin = int(headers["Content-Range"].removeprefix("bytes ").partition("-")[0])
            data.extend(bytes(max(begin + len(body) - len(data), 0)))
            data[begin : begin + len(body)] = body
        else:
            self._ended[key, version] = int(number)
        return 204, b""


class _Asked(Handler):
    server: GitHub
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self._chunks() if self.headers.get("Transfer-Encoding") == "chunked" else self._whole()
        status, told = self.server.said(self.command, self.path, self.headers, body)
        self.send(status, {"Content-Type": "application/json"}, told)

    def _whole(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found


def built(stack: LiveStack, environ: Mapping[str, str]) -> tuple[RunSummary, Built, str]:
    """One run: its summary, what was built, the log of that."""
    yard = verbs.load(stack.root, Options(environ=environ))
    summary = verbs.run(yard, verbs.prepare(yard))
    assert summary.is_good, summary
    (record,) = yard.records.known().records[TargetName("one")][:1]
    assert record.built is not None
    return summary, record.built, (stack.root / summary.outcomes[0].logs[0]).read_text()


def test_steps_are_left_there_and_taken_from_there(live_stack: LiveStack, docker: DockerEngine) -> None:
    """What a step came to by chance is the same on a machine that has no cache, and the token is in no log."""
    live_stack.write("images/one/Dockerfile", f"FROM {BASE}\nRUN head -c 8 /dev/urandom > /chance\n")
    live_stack.write(
        "images/spec.yml",
        f"images: {{one: {{image_name: {live_stack.prefix}/one}}}}\n"
        "cache: {from: type=gha, to: 'type=gha,mode=max'}\n",
    )
    live_stack.commit()
    with served(GitHub()) as github, own_engine(docker, "256m") as engine:
        engine.more = {"ACTIONS_CACHE_URL": f"http://{github.host}/", "ACTIONS_RUNTIME_TOKEN": TOKEN}
        _, first, log = built(live_stack, engine.environ)
        assert any(key.startswith("index-one-") for key in github.keys), github.asked
        assert any(key.startswith("buildkit-blob-") for key in github.keys)
        assert TOKEN not in log

        subprocess.run(["docker", "image", "rm", str(first.image.id), "--force"], env=engine.environ, check=True)
        subprocess.run(["docker", "builder", "prune", "--all", "--force"], env=engine.environ, check=True)
        for file in Path(live_stack.root / ".stackyard").glob("records*"):
            file.unlink()
        github.asked.clear()
        _, second, log = built(live_stack, engine.environ)

    assert second.content == first.content
    assert "cached" in log
    assert "GET /blob" in github.asked
