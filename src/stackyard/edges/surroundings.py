# SPDX-License-Identifier: MIT
"""Look at a machine: programs and their versions, engines that answer, registries that let us in, free disk.

In:     environment, hosts of registries
Out:    Surroundings; whatever is not there is a fact, never an exception
Cost:   some programs started and some hosts asked, side by side; about as long as the slowest
Beside: check/capabilities, which says what follows
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

import msgspec

from stackyard.edges import machine
from stackyard.edges.buildah import BuildahEngine
from stackyard.edges.docker import DockerEngine
from stackyard.edges.docker_context import locate, pointed_at
from stackyard.edges.engines import NO_BUILDERS, kind_of, without_builders
from stackyard.edges.oci import OciRegistry
from stackyard.edges.patience import Patience
from stackyard.edges.podman import podman_socket
from stackyard.edges.process import Processes, program_version
from stackyard.errors import ConfigError, EngineProblem, RegistryUnreachable, StackyardError, ToolMissing
from stackyard.model.building import NoWay, way_to_build
from stackyard.model.reference import Platform
from stackyard.model.surroundings import EngineChoice, FoundEngine, FoundRegistry, Surroundings, WantedPlatform


def look(
    environ: Mapping[str, str],
    stackyard: str,
    hosts: Mapping[str, bool],
    wanted: EngineChoice = "auto",
    platforms: Mapping[Platform, str] = MappingProxyType({}),
    builder: str = "",
) -> Surroundings:
    """All that is there.

    Args:
        builder: of buildx, that was asked for; empty: none.
        platforms: what the stack is for, and the engine that it names for it; empty: none.
        stackyard: our own version.
        hosts: registries, and whether images are published to them.
        wanted: the engine that was asked for.
    """
    processes = Processes(environ)

    def ask(*argv: str) -> str:
        return program_version(processes, *argv)

    with ThreadPoolExecutor(16) as pool:
        git, podman = pool.submit(ask, "git", "--version"), pool.submit(ask, "podman", "--version")
        is_buildah = kind_of(environ, wanted) == "buildah"
        docker = pool.submit(_docker, environ, ask, builder)
        buildah = pool.submit(_buildah, environ, ask, is_buildah, builder)
        others = {
            where: pool.submit(_docker, pointed_at(environ, where), ask) for where in set(platforms.values()) if where
        }
        registry = OciRegistry(environ, patience=Patience(attempts=1, read_timeout_s=10.0))
        registries = [pool.submit(_registry, registry, host, is_ours) for host, is_ours in hosts.items()]
        found = Surroundings(
            stackyard=stackyard,
            python=platform.python_version(),
            system=machine.native_platform(),
            git=git.result(),
            pytest=_package("pytest"),
            podman=podman.result(),
            podman_socket=podman_socket(environ) or "",
            engines=(buildah.result(), docker.result()) if is_buildah else (docker.result(), buildah.result()),
            registries=tuple(each.result() for each in registries),
            wanted=tuple(
                WantedPlatform(name, where, others[where].result() if where else None)
                for name, where in platforms.items()
            ),
        )
        registry.close()
    return found


def _docker(environ: Mapping[str, str], ask: Callable[..., str], builder: str = "") -> FoundEngine:
    client = ask("docker", "--version")
    found = FoundEngine("docker", client=client, buildx=ask("docker", "buildx", "version") if client else "")
    try:
        endpoint = locate(environ)
        found = msgspec.structs.replace(found, address=endpoint.address, named_by=endpoint.named_by)
        engine = DockerEngine(environ, builder=builder)
        about = engine.about()
    except (EngineProblem, ToolMissing) as problem:
        return msgspec.structs.replace(found, problem=str(problem), hint=problem.hint or "")
    folder = engine.folder() if endpoint.address.startswith("unix://") else ""
    found = msgspec.structs.replace(
        found,
        version=about.name.removeprefix("docker "),
        store=about.store,
        platform=about.platform,
        platforms=engine.platforms() if found.buildx else (),
        folder=folder,
        free_bytes=_free(folder),
    )
    way = way_to_build(client, found.version, found.buildx, about.platform.partition("/")[0])
    if isinstance(way, NoWay):
        return msgspec.structs.replace(found, problem=way.sentence, hint=way.hint)
    try:
        engine.caches()
    except ToolMissing as problem:
        return msgspec.structs.replace(found, problem=str(problem), hint=problem.hint or "")
    return msgspec.structs.replace(found, builder=builder, builder_platforms=engine.builder_platforms())


def _buildah(environ: Mapping[str, str], ask: Callable[..., str], is_used: bool, builder: str) -> FoundEngine:
    """A store that nobody uses is not looked into: it would be made."""
    found = FoundEngine("buildah", client=ask("buildah", "--version"))
    if not is_used:
        return found
    if found.client and builder:
        return msgspec.structs.replace(found, problem=without_builders(builder), hint=NO_BUILDERS)
    engine = BuildahEngine(environ)
    try:
        about = engine.about()
        folder = engine.folder()
    except (EngineProblem, ToolMissing) as problem:
        return msgspec.structs.replace(found, problem=str(problem), hint=problem.hint or "")
    return msgspec.structs.replace(
        found,
        address=about.address,
        named_by="podman" if about.address else "",
        version=about.name.removeprefix("buildah "),
        store=about.store,
        platform=about.platform,
        platforms=engine.platforms(),
        folder=folder,
        free_bytes=_free(folder),
    )


def _registry(registry: OciRegistry, host: str, is_ours: bool) -> FoundRegistry:
    try:
        let_in = registry.greet(host)
    except RegistryUnreachable as problem:
        return FoundRegistry(host, is_ours, "unreachable", str(problem), problem.hint or "")
    except (StackyardError, ConfigError) as problem:
        return FoundRegistry(host, is_ours, "refused", str(problem), problem.hint or "")
    if not let_in:
        return FoundRegistry(host, is_ours, "no login")
    return FoundRegistry(host, is_ours, "login" if registry.knows(host) else "open")


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _free(folder: str) -> int | None:
    """Free bytes where a folder is, or would be; None where that is not told."""
    path = Path(folder) if folder else None
    while path is not None:
        try:
            return shutil.disk_usage(path).free
        except OSError:
            path = path.parent if path != path.parent else None
    return None
