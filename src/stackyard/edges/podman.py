# SPDX-License-Identifier: MIT
"""Podman's socket: where programs that talk to docker find the images that Buildah built.

In:   environment
Out:  an address as DOCKER_HOST takes it, or None
Beside: edges/buildah, edges/surroundings
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from stackyard.edges.docker_api import Api
from stackyard.edges.docker_context import Endpoint
from stackyard.edges.process import Processes
from stackyard.errors import EngineProblem


def podman_socket(environ: Mapping[str, str]) -> str | None:
    """Where podman listens as docker does, for this user or for all; None where it does not."""
    if (named := environ.get("CONTAINER_HOST", "")).startswith("unix://"):
        return named
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for folder in (runtime, "/run"):
        if (path := Path(folder) / "podman" / "podman.sock").is_socket():
            return f"unix://{path}"
    return None


def serving(environ: Mapping[str, str], store: str) -> str | None:
    """The address of a podman that has the images of this store: one for root has others than a user's."""
    address = podman_socket(environ)
    if address is None:
        return None
    try:
        told = Api(Endpoint(address), Processes(environ)).must("/info")
    except EngineProblem:
        return None
    return address if told.get("DockerRootDir") == store else None
