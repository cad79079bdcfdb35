# SPDX-License-Identifier: MIT
"""An engine that answers oddly: what is there for every engine is asked for again, then it is a clear problem."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from stackyard.edges.docker import DockerEngine
from stackyard.errors import EngineProblem

ID = "sha256:" + "a" * 64


class Answers(BaseHTTPRequestHandler):
    """Says 404 as often as `refusals` has it, then lists one image."""

    refusals = 0

    def do_GET(self) -> None:
        """Answer."""
        is_refused = type(self).refusals > 0
        type(self).refusals -= is_refused
        body = b'{"message": "no such image"}' if is_refused else f'[{{"Id": "{ID}"}}]'.encode()
        self.send_response(404 if is_refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DockerEngine]:
    """A client of that server, on loopback."""
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield DockerEngine({"DOCKER_HOST": f"tcp://127.0.0.1:{server.server_port}", "DOCKER_CONFIG": str(tmp_path)})
        server.shutdown()
        thread.join()


def test_a_list_that_lost_an_item_is_asked_for_again(engine: DockerEngine) -> None:
    """A containerd store answers 404 where an image goes away while it lists."""
    Answers.refusals = 2
    assert engine.present() == {ID}


def test_what_no_engine_lacks_is_a_problem(engine: DockerEngine) -> None:
    """One sentence with what was asked for."""
    Answers.refusals = 100
    with pytest.raises(EngineProblem, match="there is no /images/json"):
        engine.present()
