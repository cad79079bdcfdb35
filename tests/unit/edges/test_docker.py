# SPDX-License-Identifier: MIT
"""The engine's answers that are not what they seem."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from stackyard.edges.docker import DockerEngine
from stackyard.edges.surroundings import look
from stackyard.errors import EngineProblem, EngineUnavailable

ID = "sha256:" + "1" * 64


class Daemon(HTTPServer):
    """Says of the first so many lists that an image is gone."""

    gone = 0


class Handler(BaseHTTPRequestHandler):
    server: Daemon

    def do_GET(self) -> None:
        self.server.gone -= 1
        is_gone = self.server.gone >= 0
        body = json.dumps({"message": "No such image"} if is_gone else [{"Id": ID}]).encode()
        self.send_response(404 if is_gone else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """An engine that only lists."""
    server = Daemon(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_list_during_a_removal_is_asked_for_again(daemon: Daemon) -> None:
    """An engine answers the whole list with "no such image" if one goes while it is made; not for ever."""
    engine = DockerEngine({"DOCKER_HOST": f"tcp://127.0.0.1:{daemon.server_port}"})
    daemon.gone = 2
    assert engine.present() == {ID}
    daemon.gone = 99
    with pytest.raises(EngineProblem, match="there is no /images/json"):
        engine.present()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:abc", "tcp://127.0.0.1:99999", "http://[::1", "ftp://here"])
def test_what_is_no_address_is_said_so(address: str, tmp_path: Path) -> None:
    """In one sentence with the address, to whoever asks first; doctor says that it keeps images from being built."""
    with pytest.raises(EngineUnavailable, match="is no address of an engine that Stackyard can reach") as problem:
        DockerEngine({"DOCKER_HOST": address, "HOME": str(tmp_path)}).about()
    assert address in str(problem.value)
    assert problem.value.hint

    found = look({"DOCKER_HOST": address, "HOME": str(tmp_path), "PATH": str(tmp_path)}, "1", {}).engines[0]
    assert (found.problem, found.hint) == (str(problem.value), problem.value.hint)


class Speaks(Handler):
    """An engine that says who it is, and nothing else."""

    parts: ClassVar = [{"Name": "Podman Engine", "Version": "4.3.1"}]

    def do_GET(self) -> None:
        body = json.dumps({"Version": "4.3.1", "Os": "linux", "Arch": "amd64", "Components": self.parts}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_another_engine_in_dockers_place_is_named(daemon: Daemon) -> None:
    """Podman answers docker's requests: it is called what it is, not by a docker's version."""
    daemon.RequestHandlerClass = Speaks
    engine = DockerEngine({"DOCKER_HOST": f"tcp://127.0.0.1:{daemon.server_port}"})
    assert engine.about().name == "podman 4.3.1"
