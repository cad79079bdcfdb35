# SPDX-License-Identifier: MIT
"""An engine is where the docker client would look: a context, an address elsewhere; whatever builder is selected."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard.edges.docker import DockerEngine
from stackyard.edges.engine import BuildRequest
from stackyard.model.reference import Reference
from tests.engines import ENVIRON

pytestmark = pytest.mark.live


def docker_command(environ: dict[str, str], *words: str) -> None:
    """Run the docker client."""
    subprocess.run(["docker", *words], env=environ, check=True, capture_output=True)


@contextlib.contextmanager
def forwarded(address: str) -> Iterator[int]:
    """A port of this machine that leads to an engine's socket."""
    server = socket.create_server(("127.0.0.1", 0))
    made: list[socket.socket] = []

    def pump(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, engine = server.accept()[0], socket.socket(socket.AF_UNIX)
                made.extend((client, engine))
                engine.connect(address.removeprefix("unix://"))
                for pair in ((client, engine), (engine, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    serving.join()
    for each in (*made, server):
        each.close()


@pytest.fixture(params=["context", "context of the environment", "tcp", "ssh"])
def environ(request: pytest.FixtureRequest, docker: DockerEngine, tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment that leads to the engine on another way, with a builder selected that nobody answers."""
    config = tmp_path / "config"
    config.mkdir()
    address = docker.about().address
    plugins = Path(ENVIRON.get("DOCKER_CONFIG", Path.home() / ".docker")) / "cli-plugins"
    if plugins.is_dir():
        shutil.copytree(plugins, config / "cli-plugins")
    found = {key: value for key, value in ENVIRON.items() if key not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    found["DOCKER_CONFIG"] = str(config)
    with contextlib.ExitStack() as stack:
        if request.param.startswith("context"):
            docker_command(found, "context", "create", "lab", "--docker", f"host={address}")
            if request.param == "context":
                docker_command(found, "context", "use", "lab")
            else:
                found["DOCKER_CONTEXT"] = "lab"
        elif request.param == "tcp":
            if not address.startswith("unix://"):
                pytest.skip(f"the engine is at {address}, and what is tested here leads to a socket of this machine")
            found["DOCKER_HOST"] = f"tcp://127.0.0.1:{stack.enter_context(forwarded(address))}"
        else:
            programs = tmp_path / "programs"
            programs.mkdir()
            (programs / "ssh").write_text(f"#!/bin/sh\nexec env -u DOCKER_HOST docker -H {address} system dial-stdio\n")
            (programs / "ssh").chmod(0o755)
            found |= {"DOCKER_HOST": "ssh://lab.invalid", "PATH": f"{programs}:{found['PATH']}"}
        docker_command(found, "buildx", "create", "--name", "elsewhere", "--driver", "remote", "tcp://127.0.0.1:1")
        docker_command(found, "buildx", "use", "--global", "elsewhere")
        yield {**found, "BUILDX_BUILDER": "elsewhere"}


def test_the_same_engine_and_its_own_builder(
    environ: dict[str, str], docker: DockerEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What is built on that way is in the engine's store at once, and runs there."""
    engine = DockerEngine(environ)
    request.addfinalizer(engine.close)
    mark = secrets.token_hex(8)
    (tmp_path / "Dockerfile").write_text(f"FROM busybox:1.36\nRUN echo {mark} > /mark\n")
    tag = Reference.parse(f"stackyard-test/{mark}:1")
    request.addfinalizer(lambda: docker.untag(tag))

    result = engine.build(
        BuildRequest(tmp_path, tmp_path / "Dockerfile", tag, (), (), {}, 1), tmp_path / "log", lambda _: None
    )

    assert result.failure is None
    facts = docker.inspect(str(tag))
    assert facts is not None
    assert facts.image == result.image
    assert engine.run(facts.image, ["cat", "/mark"], 60).output == f"{mark}\n"
    assert engine.inspect(str(tag)) == facts
