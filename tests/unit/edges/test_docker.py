# SPDX-License-Identifier: MIT
"""The engine's answers that are not what they seem."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from http.server import HTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import pytest

from stackyard.edges.docker import DockerEngine
from stackyard.edges.engine import BuildRequest
from stackyard.edges.engines import open_engine
from stackyard.edges.surroundings import look
from stackyard.errors import ConfigError, EngineProblem, EngineUnavailable, InvalidValue
from stackyard.model.names import Digest
from stackyard.model.reference import Reference
from tests import loopback

ID = "sha256:" + "1" * 64


class Daemon(HTTPServer):
    """Says of the first so many lists that an image is gone."""

    request_queue_size = 64  # who is not in the queue is kept waiting for seconds, or for a minute
    gone = 0
    images = 0
    """What it says that it has."""
    asked: tuple[str, ...] = ()
    connections = 0


class Handler(loopback.Handler):
    server: Daemon

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def answer(self) -> None:
        path = unquote(self.path)
        self.server.asked += (path,)
        self.server.gone -= 1
        is_gone = self.server.gone >= 0 or ("/images/sha256:" in path and ID not in path)
        told: object = {"Images": self.server.images} if path.endswith("/info") else [{"Id": ID}]
        body = json.dumps({"message": "No such image"} if is_gone else told).encode()
        self.send(404 if is_gone else 200, {"Content-Type": "application/json"}, body)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """An engine that only lists."""
    with loopback.served(Daemon(("127.0.0.1", 0), Handler)) as server:
        yield server


def test_a_list_during_a_removal_is_asked_for_again(daemon: Daemon) -> None:
    """An engine answers the whole list with "no such image" if one goes while it is made; not for ever."""
    engine = DockerEngine({"DOCKER_HOST": f"tcp://127.0.0.1:{daemon.server_port}"})
    daemon.gone = 2
    assert engine.present() == {ID}
    daemon.gone = 99
    with pytest.raises(EngineProblem, match="there is no /images/json"):
        engine.present()


def test_images_are_asked_for_one_by_one_while_they_are_no_more_than_there_are(daemon: Daemon) -> None:
    """Else the list is shorter, however long it takes for each."""
    engine = DockerEngine({"DOCKER_HOST": f"tcp://127.0.0.1:{daemon.server_port}"})
    nobody = Digest(f"sha256:{'2' * 64}")
    assert engine.present([Digest(ID), nobody]) == {ID}
    assert [path.rpartition("/")[2] for path in daemon.asked] == ["json", "json"]

    many = [Digest(f"sha256:{number:064x}") for number in range(101)]
    daemon.asked, daemon.images = (), 100
    assert engine.present(many) == {ID}
    assert [path.rpartition("/images/")[2].rpartition("/")[2] for path in daemon.asked] == ["info", "json?all=1"]
    daemon.asked, daemon.images = (), 101
    assert engine.present([*many[1:], Digest(ID)]) == {ID}
    assert len(daemon.asked) == 102


@pytest.mark.parametrize(("version", "connections"), [("HTTP/1.0", 9), ("HTTP/1.1", 4)])
def test_images_are_asked_for_on_few_connections(daemon: Daemon, version: str, connections: int) -> None:
    """Through ssh each is a process and a login; an engine that closes them after each answer gets more."""
    daemon.RequestHandlerClass = type("Speaking", (Handler,), {"protocol_version": version})
    engine = DockerEngine({"DOCKER_HOST": f"tcp://127.0.0.1:{daemon.server_port}"})

    assert engine.present([Digest(f"sha256:{number:064x}") for number in range(8)] + [Digest(ID)]) == {ID}
    assert len(daemon.asked) == 9
    assert daemon.connections == connections


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

    def answer(self) -> None:
        body = json.dumps({"Version": "4.3.1", "Os": "linux", "Arch": "amd64", "Components": self.parts}).encode()
        self.send(200, body=body)


def test_another_engine_in_dockers_place_is_named(daemon: Daemon) -> None:
    """Podman answers docker's requests: it is called what it is, not by a docker's version."""
    daemon.RequestHandlerClass = Speaks
    engine = DockerEngine({"DOCKER_HOST": f"tcp://127.0.0.1:{daemon.server_port}"})
    assert engine.about().name == "podman 4.3.1"


BUILDX = """#!/bin/sh
echo "$@" >> "$HOME/said"
case "$*" in
"buildx version") echo github.com/docker/buildx v0.13.1 ;;
"buildx inspect farm") echo "Platforms: linux/arm64*, linux/arm/v7" ;;
"buildx inspect default") echo "Platforms: linux/amd64*" ;;
"buildx inspect"*) exit 1 ;;
"--version") echo Docker version 28.2.2 ;;
esac
"""
"""A client whose engine has one builder beside its own, which is for another kind of machine."""


class Amd(Handler):
    """An engine of a usual machine, with a store of the old kind."""

    def answer(self) -> None:
        about = {"Version": "26.1.5", "Os": "linux", "Arch": "amd64", "DockerRootDir": "/nowhere"}
        self.send(200, body=json.dumps(about).encode())


@pytest.fixture
def farming(daemon: Daemon, tmp_path: Path) -> dict[str, str]:
    """The environment of such a client."""
    daemon.RequestHandlerClass = Amd
    client = tmp_path / "docker"
    client.write_text(BUILDX)
    client.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    return {"DOCKER_HOST": f"tcp://127.0.0.1:{daemon.server_port}", "HOME": str(tmp_path), "PATH": path}


@pytest.mark.processes
def test_another_builder_is_told_what_it_builds_for(farming: dict[str, str], tmp_path: Path) -> None:
    """It may be on another kind of machine, and would build for that: the engine's own platform is said, too."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    tag = Reference.parse("a:1")
    request = BuildRequest(tmp_path, tmp_path / "Dockerfile", tag, (), (), {}, 0)
    for builder in ("farm", "default"):
        with suppress(EngineProblem):  # it builds nothing
            DockerEngine(farming, builder=builder).build(request, tmp_path / "log", lambda _: None)
    builds = [line for line in (tmp_path / "said").read_text().splitlines() if line.startswith("buildx build")]

    assert ["--platform linux/amd64" in line for line in builds] == [True, False]


@pytest.mark.processes
def test_what_another_builder_can_is_not_what_the_engine_can(farming: dict[str, str]) -> None:
    """Doctor asks each for its own; tests run on the engine; a builder with a store of its own leaves caches."""
    found = look(farming, "1", {}, builder="farm").engines[0]
    assert (found.builder, found.builder_platforms) == ("farm", ("linux/arm64", "linux/arm/v7"))
    assert "linux/arm64" not in found.platforms
    assert DockerEngine(farming, builder="farm").caches().exports
    assert "no buildx builder called 'nobody'" in look(farming, "1", {}, builder="nobody").engines[0].problem


@pytest.mark.parametrize("builder", ["--help", "a b", "-"])
def test_what_no_builder_can_be_called(farming: dict[str, str], builder: str) -> None:
    """Docker would take it for an option, and answer to that."""
    with pytest.raises(InvalidValue, match="is no name of a buildx builder"):
        DockerEngine(farming, builder=builder)


@pytest.mark.processes
def test_buildah_knows_no_builders(farming: dict[str, str], tmp_path: Path) -> None:
    """It would build by itself, and nobody would be told."""
    (tmp_path / "buildah").write_text("#!/bin/sh\necho buildah version 1.33.0\n")
    (tmp_path / "buildah").chmod(0o755)
    with pytest.raises(ConfigError, match="asks for farm, a builder of buildx, and Buildah knows none"):
        open_engine(farming, "buildah", "farm")
    assert "Buildah knows none" in look(farming, "1", {}, "buildah", builder="farm").engines[0].problem
