# SPDX-License-Identifier: MIT
"""Find the engine the way the docker client does, without starting it.

In:   environment, ~/.docker
Out:  Endpoint
Order: DOCKER_HOST, then DOCKER_CONTEXT, then the current context of config.json, then the default socket.
Source: docker/cli, "docker context" (contexts/meta/<sha256 of the name>/meta.json), checked against client 28.2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from stackyard.errors import EngineUnavailable

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"


class Endpoint(msgspec.Struct, frozen=True):
    """Where an engine listens."""

    address: str
    """As DOCKER_HOST takes it: `unix:///var/run/docker.sock`, `tcp://build1:2376`, `ssh://build1`."""
    is_tls: bool = False
    environ: tuple[tuple[str, str], ...] = ()
    """What a docker client needs in its environment beside the address."""
    named_by: str = "the default"
    """What says so: `DOCKER_HOST`, `docker context lab`."""


def locate(environ: Mapping[str, str]) -> Endpoint:
    """The engine that `docker` would talk to with this environment; EngineUnavailable if its context is broken."""
    if address := environ.get("DOCKER_HOST"):
        is_tls = bool(environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_TLS"))
        return Endpoint(address, is_tls, named_by="DOCKER_HOST")
    folder = config_folder(environ)
    name = environ.get("DOCKER_CONTEXT") or _read(folder / "config.json").get("currentContext") or "default"
    return Endpoint(DEFAULT_ADDRESS) if name == "default" else _of_context(folder, str(name))


def pointed_at(environ: Mapping[str, str], where: str) -> dict[str, str]:
    """The environment of a client that talks to another engine: an address, or a docker context."""
    settled = {key: value for key, value in environ.items() if key not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    return {**settled, ("DOCKER_HOST" if "://" in where else "DOCKER_CONTEXT"): where}


def config_folder(environ: Mapping[str, str]) -> Path:
    """The docker client's own folder."""
    return Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "/")) / ".docker")


def _of_context(folder: Path, name: str) -> Endpoint:
    key = hashlib.sha256(name.encode()).hexdigest()
    docker = _read(folder / "contexts" / "meta" / key / "meta.json").get("Endpoints", {}).get("docker", {})
    address = docker.get("Host")
    if not address:
        raise EngineUnavailable(
            f"the docker context {name!r} names no engine",
            hint="`docker context ls` shows those there are; `docker context use default` goes back to this machine's",
            engine=name,
        )
    keys = folder / "contexts" / "tls" / key / "docker"
    if not keys.is_dir():
        return Endpoint(address, named_by=f"docker context {name}")
    verify = (("DOCKER_TLS", "1"),) if docker.get("SkipTLSVerify") else (("DOCKER_TLS_VERIFY", "1"),)
    return Endpoint(address, True, (("DOCKER_CERT_PATH", str(keys)), *verify), f"docker context {name}")


def _read(path: Path) -> dict[str, Any]:
    """A JSON object from a file of the docker client; one that is missing or unreadable says nothing."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
