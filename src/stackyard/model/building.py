# SPDX-License-Identifier: MIT
"""How a docker client and an engine build together: through buildx, with what is built into both, or not at all.

In:   versions
Out:  a Way, or why there is none
Pure.

A client without buildx knows BuildKit only up to 20.10; every later one falls back to the old builder without
saying so in its exit code, and that one knows neither secrets nor mounts nor pinned bases.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import msgspec

FIRST_BUILDX = (0, 12)
"""The first with machine-readable progress."""
LAST_BUILT_IN = (20, 10)
"""The last client that has BuildKit's own client in it."""
FIRST_WITH_CONTEXTS = (23, 0)
"""The first engine whose Dockerfile frontend takes a named context in place of an image."""
FIRST_BUILDKIT = (18, 9)
UNKNOWN = "unknown"
"""The version of a client that is there and does not say it."""


class Way(msgspec.Struct, frozen=True):
    """How images are built here."""

    through: Literal["buildx", "docker build"]
    has_contexts: bool
    """Whether a base is pinned by a named context; else by a copy of the Dockerfile that names it."""
    builder: str = ""
    """The buildx builder that builds in the engine's place; empty: none."""


class NoWay(msgspec.Struct, frozen=True):
    """Why nothing can be built."""

    sentence: str
    hint: str
    program: str = "docker buildx"


INSTALL_BUILDX = "install the package docker-buildx-plugin (Debian: docker-buildx)"


def way_to_build(client: str, engine: str, buildx: str, engine_os: str = "linux") -> Way | NoWay:
    """The way, from what `docker --version`, the engine and `docker buildx version` say; empty: nothing.

    An engine that only speaks docker's language says its name before its version: `podman 4.3.1`.

    >>> way_to_build("28.2.2", "26.1.5", "0.13.1").through
    'buildx'
    >>> way_to_build("20.10.24", "20.10.24", "")
    Way(through='docker build', has_contexts=False)
    """
    if not client:
        return NoWay("docker is not installed, or not on PATH", "install docker and try again", "docker")
    if engine_os != "linux":
        return NoWay(
            f"the engine is a {engine_os} one, and the images of a stack are Linux images",
            "switch Docker Desktop to Linux containers",
            "docker",
        )
    if " " in engine:
        return NoWay(
            f"{engine} answers where docker would; it takes docker's requests, and has no BuildKit to build with",
            "point DOCKER_HOST, or `docker context use`, at a docker engine",
            "docker",
        )
    if numbers(engine) < FIRST_BUILDKIT:
        return NoWay(
            f"docker {engine} has only the old builder, which cannot build on a pinned base",
            "update the engine: 20.10 or newer, with BuildKit",
            "docker",
        )
    has_contexts = numbers(engine) >= FIRST_WITH_CONTEXTS
    if buildx and numbers(buildx) >= FIRST_BUILDX:
        return Way("buildx", has_contexts)
    if FIRST_BUILDKIT <= numbers(client)[:2] <= LAST_BUILT_IN:
        return Way("docker build", has_contexts=False)
    if buildx:
        return NoWay(f"buildx {buildx} is too old: Stackyard needs 0.12", INSTALL_BUILDX)
    return NoWay(
        f"docker is here (client {client}), its build plugin buildx is not; without it docker would fall back "
        "to its old builder, which cannot build on a pinned base",
        INSTALL_BUILDX,
    )


class CacheKinds(NamedTuple):
    """Kinds of build caches that an engine takes from elsewhere, and leaves there."""

    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()


def cache_kinds(through: str, store: str) -> CacheKinds:
    """What is possible: of docker, with buildx, and to leave any with a containerd store.

    >>> cache_kinds("buildx", "classic").exports, cache_kinds("buildah", "buildah").imports
    ((), ('registry',))
    """
    every = ("registry", "local", "gha")
    if through == "buildah":
        return CacheKinds(("registry",), ("registry",))
    if through != "buildx":
        return CacheKinds()
    return CacheKinds(every, every if store == "containerd" else ())


def attests(way: Way, store: str) -> bool:
    """Whether provenance and SBOM come out of a build, and stay beside the image.

    >>> attests(Way("buildx", True), "containerd"), attests(Way("buildx", True), "classic")
    (True, False)
    """
    return way.through == "buildx" and store == "containerd" and not way.builder


FIRST_BUILDAH = (1, 28)
"""The first that this was tried with."""


def buildah_way(version: str) -> NoWay | None:
    """Why nothing can be built with the Buildah of this version; empty: there is none.

    >>> buildah_way("1.28.2") is None, buildah_way("1.23.1") is None
    (True, False)
    """
    if not version:
        return NoWay("buildah is not installed, or not on PATH", "install buildah and try again", "buildah")
    if numbers(version) < FIRST_BUILDAH:
        return NoWay(f"buildah {version} is too old: Stackyard needs 1.28", "install a newer buildah", "buildah")
    return None


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, to compare: two at least.

    >>> numbers("v0.13.1+ds1"), numbers("26"), numbers("dev")
    ((0, 13, 1), (26, 0), (0, 0))
    """
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    parts = tuple(int(part) for part in found[1].split(".")) if found else ()
    return (*parts, *(0,) * (2 - len(parts)))
