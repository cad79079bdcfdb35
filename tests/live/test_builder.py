# SPDX-License-Identifier: MIT
"""A buildx builder with a store of its own builds; the engine gets what it made, tests it and pushes it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.docker import DockerEngine
from stackyard.edges.engine import BuildRequest
from stackyard.edges.traces import prefix_of
from stackyard.errors import ToolMissing
from stackyard.model.names import Tag
from stackyard.model.outcome import RunSummary
from stackyard.model.reference import Platform, Reference
from stackyard.verbs import Options
from tests.live.conftest import BASE, ENVIRON, LiveStack, missing, write_platforms
from tests.live.own_engine import own_engine

pytestmark = pytest.mark.live

SPEC = """
images:
  base: {{image_name: {prefix}/base, info_cmds: [WHO]}}
  left: {{image_name: {prefix}/left, depend_on: base}}
  right: {{image_name: {prefix}/right, depend_on: base}}
tag: {{prefix: "2026.3"}}
all_info_cmds:
  WHO: {{description: Who, command: "cat /who"}}
"""
LEFT = "ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\nRUN cat /who > /seen\n"
RIGHT = (
    f"ARG BASE_TAG=latest\nFROM {BASE} AS base\nFROM {{prefix}}/base:${{{{BASE_TAG}}}}\nCOPY --from=base /bin/true /t\n"
)
NAME = "stackyard-test"
_UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def pump(source: socket.socket, target: socket.socket) -> None:
    """All bytes of one to the other, until either ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def serve(caller: socket.socket, docker: str) -> None:
    """A caller of BuildKit, handed to the one that is inside of an engine, until one of them ends."""
    with caller, socket.socket(socket.AF_UNIX) as engine:
        engine.connect(docker)
        engine.sendall(_UPGRADE)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += engine.recv(1) or b"\r\n\r\n"
        back = threading.Thread(target=pump, args=(engine, caller))
        back.start()
        pump(caller, engine)
        back.join()


@contextlib.contextmanager
def buildkit(docker: str, folder: Path) -> Iterator[str]:
    """Where the BuildKit of the engine at this socket answers as one of its own does."""
    path, serving = str(folder / "bk.sock"), list[threading.Thread]()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    serving.append(threading.Thread(target=serve, args=(listening.accept()[0], docker)))
                    serving[-1].start()

        serving.append(threading.Thread(target=listen))
        serving[0].start()
        yield f"unix://{path}"
        listening.shutdown(socket.SHUT_RDWR)
        for thread in serving:
            thread.join()


@pytest.fixture(params=["classic", pytest.param("containerd", marks=pytest.mark.long)])
def stack(
    request: pytest.FixtureRequest, tmp_path: Path, docker: DockerEngine, registry_address: str
) -> Iterator[LiveStack]:
    """Three images on an engine with this store; a builder that is not in it."""
    where = ENVIRON.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not where.startswith("unix://") or docker.about().store != "containerd":
        missing("a builder is made of the BuildKit in an engine with a containerd store, over its socket")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sy-")))  # a socket's path is short
        address = stack.enter_context(buildkit(where.removeprefix("unix://"), folder))
        environ = dict(ENVIRON)
        if request.param == "classic":
            environ = dict(stack.enter_context(own_engine(docker, "600m", is_classic=True)).environ)
        environ |= {"DOCKER_CONFIG": str(folder / "config")}
        create = ["docker", "buildx", "create", "--name", NAME, "--driver", "remote", address]
        subprocess.run(create, env=environ, check=True, capture_output=True)
        made = LiveStack(tmp_path, DockerEngine(environ, builder=NAME), registry_address)
        made.write("images/spec.yml", SPEC.format(prefix=made.prefix))
        made.write("images/base/Dockerfile", f"FROM {BASE}\nRUN echo base > /who\n")
        made.write("images/left/Dockerfile", LEFT.format(prefix=made.prefix))
        made.write("images/right/Dockerfile", RIGHT.format(prefix=made.prefix, base=BASE))
        made.commit()
        yield made
        made.clean()


def build(stack: LiveStack, *images: str) -> RunSummary:
    """Prepare and run."""
    yard = verbs.load(stack.root, Options(registry=stack.registry), make_engine=lambda _: stack.engine)
    return verbs.run(yard, verbs.prepare(yard, images, publish=True))


def test_another_builder_builds_on_the_planned_parents(stack: LiveStack) -> None:
    """Parents reach it, what it made is tested and pushed by its id; nothing that nobody planned is fetched."""
    summary = build(stack)
    assert {str(each.target): each.failure or each.status for each in summary.outcomes} == dict.fromkeys(
        ("base", "left", "right"), "built"
    )
    assert [each.output for each in summary.outcomes[0].inventory] == ["base\n"]
    assert stack.at("right", "2026.3-main") is not None
    assert {each.status for each in build(stack).outcomes} == {"reused"}
    request = BuildRequest(
        stack.root / "images/left",
        stack.root / "images/base/Dockerfile",
        Reference(stack.repository("left"), Tag("nobody")),
        (),
        (),
        {},
        0,
    )
    unplanned = stack.engine.build(request, stack.root / "log", lambda _: None)
    assert f"names docker.io/library/{BASE}, which was not planned" in (unplanned.failure or "")
    ours = prefix_of(stack.yard().token[:8]).rstrip("-")  # how names of all runs of this stack begin
    assert not [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(ours)]


def test_a_builder_builds_for_several_platforms(stack: LiveStack) -> None:
    """Each on its parent for the same one, loaded, pushed for itself, joined; a second run does nothing."""
    platforms = (Platform("linux/amd64"), Platform("linux/s390x"))
    write_platforms(stack, platforms)
    found = {str(each.target): each for each in build(stack).outcomes}

    assert {name: each.failure or each.status for name, each in found.items()} == {
        **{f"{name}+{each}": "built" for name in ("base", "top") for each in platforms},
        **dict.fromkeys(("base", "top"), "joined"),
    }
    index = stack.yard().registry.manifest(stack.repository("top"), Tag("2026.3-main"))
    assert index is not None
    for platform, entry in zip(platforms, index.children, strict=True):
        published = found[f"top+{platform}"].published
        assert entry.is_for(platform)
        assert published is not None
        facts = stack.engine.inspect(str(Reference(published.reference.repository, published.reference.tag)))
        assert facts is not None
        assert facts.platform == platform
    assert {each.status for each in build(stack).outcomes} == {"reused"}


def test_a_builder_that_is_not_there_is_no_build(docker: DockerEngine) -> None:
    """It is named before anything is built."""
    with pytest.raises(ToolMissing, match="there is no buildx builder called 'nobody'"):
        DockerEngine(ENVIRON, builder="nobody").caches()
