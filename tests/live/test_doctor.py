# SPDX-License-Identifier: MIT
"""`doctor` on a real engine and a real registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.edges.docker import DockerEngine
from stackyard.verbs import Options
from stackyard.verbs.doctor import doctor
from tests.live.conftest import ENVIRON

pytestmark = pytest.mark.live


def test_what_is_found_is_what_the_engine_says(docker: DockerEngine, registry_address: str, tmp_path: Path) -> None:
    """Version, store and platform are the engine's own; it builds, and the registry asks for no login."""
    (tmp_path / "images" / "base").mkdir(parents=True)
    (tmp_path / "images" / "base" / "Dockerfile").write_text("FROM busybox:1.36\n")
    diagnosis = doctor(tmp_path, Options(registry=f"{registry_address}/lab", environ=ENVIRON))
    about, found = docker.about(), diagnosis.found.engines[0]

    assert diagnosis.can_build
    assert (found.name, found.store, found.platform) == (about.name, about.store, about.platform)
    assert found.platform in found.platforms
    assert found.folder
    ours = diagnosis.found.registries[0]
    assert (ours.host, ours.is_published_to, ours.state) == (registry_address, True, "open")
    states = {each.code: each.is_on for each in diagnosis.capabilities if each.code != "bases"}
    assert states["build"]
    assert states["publish"]
    assert states["cache"] == (about.store == "containerd")


def test_a_client_without_buildx_builds_nothing(docker: DockerEngine, tmp_path: Path) -> None:
    """The engine answers, and yet: a docker that would take its old builder is refused, with what to install."""
    assert docker.about()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Docker version 28.2.2, build 1" && exit\nexit 1\n'
    )
    (programs / "docker").chmod(0o755)
    diagnosis = doctor(tmp_path, Options(environ={**ENVIRON, "PATH": str(programs)}))

    assert not diagnosis.can_build
    (build,) = [each for each in diagnosis.capabilities if each.code == "build"]
    assert "buildx is not" in build.sentence
    assert "docker-buildx-plugin" in build.hint
