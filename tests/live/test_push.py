# SPDX-License-Identifier: MIT
"""What travels when images are published, as the registry sees it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from stackyard.edges import buildah
from stackyard.edges.docker import DockerEngine
from stackyard.edges.logins import FOLDER, Logins
from stackyard.edges.patience import Patience
from stackyard.edges.process import Processes
from stackyard.edges.transfers import DOCKER, Transfers
from stackyard.errors import RegistryRefused
from stackyard.model.names import Tag
from stackyard.model.reference import Reference
from tests.engines import BASE, ENVIRON, buildah_store
from tests.live.conftest import LiveStack
from tests.live.faulty import FaultyRegistry, faulty
from tests.live.own_registry import LOGIN, registry_with_login

pytestmark = pytest.mark.live


class Watched:
    """A stack whose registry is asked through a loopback server that writes everything down."""

    def __init__(self, stack: LiveStack, front: FaultyRegistry) -> None:
        self.stack = stack
        self.requests: list[tuple[str, str]] = []
        front.plan("500", 1, self._seen)

    def _seen(self, method: str, path: str) -> bool:
        self.requests.append((method, unquote(path)))
        return False

    def of(self, image: str, method: str, *parts: str) -> list[str]:
        """Paths of the requests with this method to an image's repository that have all these parts."""
        paths = [path for verb, path in self.requests if verb == method and f"/{image}/" in path]
        return [path for path in paths if all(part in path for part in parts)]


@pytest.fixture
def watched(tmp_path: Path, docker: DockerEngine, registry_address: str) -> Iterator[Watched]:
    """Two images, `leaf` on `base`, nothing built; records stay out of what is counted."""
    with faulty(registry_address) as front:
        stack = LiveStack(tmp_path, docker, front.host)
        at = stack.prefix
        spec = f"base: {{image_name: {at}/base}}, leaf: {{image_name: {at}/leaf, depend_on: base}}"
        stack.write("images/spec.yml", f"records: local\nimages: {{{spec}}}\n")
        stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN cat /proc/sys/kernel/random/uuid > /id\n")
        stack.write("images/leaf/Dockerfile", f"ARG BASE_TAG=latest\nFROM {at}/base:${{BASE_TAG}}\nCOPY note /\n")
        stack.write("images/leaf/note", at)
        stack.commit()
        yield Watched(stack, front)
        stack.clean()


def test_only_what_is_missing_travels(watched: Watched) -> None:
    """The parent's layers are mounted, its own from its repository; what is there already is not offered again.

    A layer of the external base is asked for in a repository that the engine knows it from, by the name of the host:
    a registry that was at another port of this machine may have had that one, and then it travels.
    """
    assert watched.stack.build().is_good
    parent = watched.stack.yard().registry.manifest(watched.stack.repository("base"), Tag("main"))
    assert parent is not None
    layers = [blob.digest for blob in parent.blobs if blob.digest != parent.config]

    assert layers
    assert watched.of("leaf", "POST", f"mount={layers[-1]}", f"from={watched.stack.prefix}/base")
    assert not watched.of("leaf", "PUT", f"digest={layers[-1]}")
    assert all(watched.of("leaf", "POST", f"mount={layer}", "from=") for layer in layers)
    for file in (watched.stack.root / ".stackyard").glob("records*"):
        file.unlink()
    watched.requests.clear()
    assert watched.stack.build().is_good
    for image in ("base", "leaf"):
        assert not watched.of(image, "POST")
        assert not watched.of(image, "PUT", "/blobs/")
        assert not watched.of(image, "PUT", "/manifests/sy-")


@pytest.mark.parametrize("variable", [FOLDER, "REGISTRY_AUTH_FILE"], ids=["docker", "buildah"])
def test_a_client_is_lent_the_login_that_it_lacks(tmp_path: Path, docker: DockerEngine, variable: str) -> None:
    """A registry that lets nobody in without one takes the push and gives the pull; the client's own folder has none.

    So Amazon's logins, which Stackyard gets and nobody stored, serve the engine's own client.
    """
    own = tmp_path / "own"
    own.mkdir()
    environ = {**ENVIRON, "DOCKER_CONFIG": str(own)}
    with contextlib.ExitStack() as stack:
        (tmp_path / "registry").mkdir()
        host = stack.enter_context(registry_with_login(tmp_path / "registry"))
        if variable != FOLDER:
            store = tmp_path / "store"
            store.mkdir()
            environ = dict(stack.enter_context(buildah_store(store)))
        processes, client = Processes(environ), DOCKER if variable == FOLDER else buildah.client(environ)
        name = Reference.parse(f"{host}/live/lent:1")
        subprocess.run([client.name, "tag", BASE, str(name)], env=environ, check=True)
        alone = Transfers(processes, lambda: None, Patience(), client, Logins(environ, variable, lambda _: None))
        lent = Transfers(processes, lambda: None, Patience(), client, Logins(environ, variable, lambda _: LOGIN))

        try:
            with pytest.raises(RegistryRefused):
                alone.push(name, tmp_path / "log")
            lent.push(name, tmp_path / "log")
            lent.pull(name)
        finally:
            if variable == FOLDER:
                docker.untag(name)

    assert LOGIN.secret not in (tmp_path / "log").read_text()
    assert not list(own.iterdir())
