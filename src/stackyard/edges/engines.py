# SPDX-License-Identifier: MIT
"""Which engine: the one that was asked for, else Docker, else what is there alone.

In:   environment, what was asked for
Out:  an engine; nothing is asked of it yet
Beside: edges/docker, edges/buildah
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Literal

from stackyard.edges.engine import Engine
from stackyard.errors import ConfigError
from stackyard.model.surroundings import EngineChoice


def kind_of(environ: Mapping[str, str], wanted: EngineChoice = "auto") -> Literal["docker", "buildah"]:
    """The kind that is used.

    A Docker that does not answer is not passed over: its images are in its own store, and everything would be
    built again in the other.
    """
    if wanted != "auto":
        return wanted
    path = environ.get("PATH", os.defpath)
    if environ.get("DOCKER_HOST") or shutil.which("docker", path=path):
        return "docker"
    return "buildah" if shutil.which("buildah", path=path) else "docker"


NO_BUILDERS = "unset STACKYARD_BUILDER, or build with docker"


def without_builders(builder: str) -> str:
    """Why Buildah does not build."""
    return f"STACKYARD_BUILDER asks for {builder}, a builder of buildx, and Buildah knows none"


def open_engine(environ: Mapping[str, str], wanted: EngineChoice = "auto", builder: str = "") -> Engine:
    """The engine itself.

    Args:
        builder: of buildx, that builds in its place; empty: none.

    Raises:
        ConfigError: a builder for Buildah.
    """
    if kind_of(environ, wanted) == "buildah":
        from stackyard.edges.buildah import BuildahEngine

        if builder:
            raise ConfigError(without_builders(builder), hint=NO_BUILDERS)
        return BuildahEngine(environ)
    from stackyard.edges.docker import DockerEngine

    return DockerEngine(environ, builder=builder)
