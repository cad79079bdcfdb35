# SPDX-License-Identifier: MIT
"""Docker: an engine's store over its socket, builds through buildx, registries through the docker client.

In:   environment (DOCKER_HOST, DOCKER_CONFIG, ...), requests
Out:  see edges/engine
Raises: EngineUnavailable, EngineProblem, RegistryUnreachable, RegistryRefused, ToolMissing
Beside: docker_context (where), docker_api (HTTP), buildx (builds), containers (runs), transfers (registries),
        process (programs)
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from stackyard.edges import buildx
from stackyard.edges.containers import Containers
from stackyard.edges.docker_api import Api
from stackyard.edges.docker_context import config_folder, locate
from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep, EngineInfo, Inside, RunResult, Served
from stackyard.edges.machine import free_bytes
from stackyard.edges.machine import inside as inside_of
from stackyard.edges.patience import Patience
from stackyard.edges.pins import Pins
from stackyard.edges.process import Processes, program_version
from stackyard.edges.traces import VARIABLE, prefix_of
from stackyard.edges.transfers import Transfers
from stackyard.errors import EngineProblem, InvalidValue, ToolMissing
from stackyard.model.building import (
    FIRST_BUILDX,
    UNKNOWN,
    CacheKinds,
    NoWay,
    Way,
    attests,
    cache_kinds,
    numbers,
    way_to_build,
)
from stackyard.model.content import ImageFacts
from stackyard.model.names import Digest
from stackyard.model.reference import LocalImage, Platform, Reference

_BUILDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
"""Builders, and docker contexts, which are builders too."""


_FEW, _AT_ONCE = 100, 4
"""Of images that are asked for one by one, and connections for that: sshd takes ten that have not logged in yet."""


class DockerEngine:
    """The engine that `docker` talks to with a given environment. May be used from several threads.

    Args:
        environ: usually os.environ; decides which engine, and is what the docker client gets.
        builder: of buildx, with a driver of its own, that builds in place of the engine; empty: none.
        patience: with registries.

    Nothing is asked of the engine before the first method is called.

    Raises:
        EngineUnavailable: the docker context in force names no engine.
        InvalidValue: a builder cannot be called so.
    """

    def __init__(self, environ: Mapping[str, str], patience: Patience | None = None, builder: str = "") -> None:
        endpoint = locate(environ)
        # The address is given in so many words, so a context or builder of the user's has no say any more.
        settled = {key: value for key, value in environ.items() if key not in ("DOCKER_CONTEXT", "BUILDX_BUILDER")}
        settled |= {"DOCKER_HOST": endpoint.address, "DOCKER_CONFIG": str(config_folder(environ))}
        settled |= {"DOCKER_CLI_HINTS": "false", **dict(endpoint.environ)}
        self._processes = Processes(settled)
        self._api = Api(endpoint, self._processes)
        self._containers = Containers(self._api, environ.get(VARIABLE, ""))
        self._transfers = Transfers(self._processes, self._api.ping, patience or Patience())
        self._about: EngineInfo | None = None
        self._way: Way | None = None
        self._platforms: tuple[Platform, ...] | None = None
        if builder and not _BUILDER.fullmatch(builder):
            raise InvalidValue(
                f"{builder!r} is no name of a buildx builder",
                hint="STACKYARD_BUILDER takes one that `docker buildx ls` shows",
                kind="builder",
                text=builder,
            )
        self._builder = "" if builder == "default" else builder
        self._pins = Pins(self)
        if self._builder:
            from stackyard.edges.layouts import Layouts  # few have one

            self._pins = Layouts(self, self._processes)
        self._lock = threading.Lock()

    def about(self) -> EngineInfo:
        """See Engine.about. Asked once."""
        if self._about is None:
            version, info = self._api.must("/version"), self._api.must("/info")
            self._about = EngineInfo(
                name=f"{_product(version)} {version['Version']}",
                store=_store(info),
                platform=Platform(f"{version['Os']}/{version['Arch']}"),
                address=self._api.endpoint.address,
            )
        return self._about

    def ping(self) -> None:
        """EngineUnavailable if nobody answers."""
        self._api.ping()

    def folder(self) -> str:
        """Where the engine says that its images are, on its own machine."""
        return str(self._api.must("/info").get("DockerRootDir") or "")

    def free_bytes(self) -> int | None:
        """See Engine.free_bytes."""
        return free_bytes(self.folder()) if self._api.endpoint.address.startswith("unix://") else None

    def platforms(self) -> tuple[Platform, ...]:
        """See Engine.platforms. Asked of the engine's own builder, once."""
        if self._platforms is None:
            self._platforms = self._told_platforms("default")
        return self._platforms

    def builder_platforms(self) -> tuple[Platform, ...]:
        """What the builder that was asked for builds for, which the engine need not run; empty without one."""
        return self._told_platforms(self._builder) if self._builder else ()

    def _told_platforms(self, builder: str) -> tuple[Platform, ...]:
        _, lines = self._processes.output(["docker", "buildx", "inspect", builder])
        told = next((line.partition(":")[2] for line in lines if line.startswith("Platforms:")), "")
        found = buildx.platforms_of(told)
        return tuple(dict.fromkeys(each for name in found for each in (name, *inside_of(name))))

    def caches(self) -> CacheKinds:
        """See Engine.caches."""
        way = self._way_to_build()
        return cache_kinds(way.through, "containerd" if way.builder else self.about().store)

    def attests(self) -> bool:
        """See Engine.attests. A classic store has no place for them, and loading from another builder drops them."""
        return attests(self._way_to_build(), self.about().store)

    def present(self, of: Collection[Digest] | None = None) -> frozenset[Digest]:
        """See Engine.present. Its list has all sizes, and takes longer than to ask for no more images than it has."""
        if of is None or (len(of) > _FEW and len(of) > int(self._api.must("/info").get("Images") or 0)):
            return frozenset(Digest(image["Id"]) for image in self._api.must("/images/json", {"all": "1"}))
        shares = [share for at in range(_AT_ONCE) if (share := list(of)[at::_AT_ONCE])]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            told = pool.map(lambda share: self._api.are_there(f"/images/{id_}/json" for id_ in share), shares)
            return frozenset(id_ for some in map(zip, shares, told) for id_, is_there in some if is_there)

    def inspect(self, reference: str) -> ImageFacts | None:
        """See Engine.inspect."""
        told = self._api.get(f"/images/{_unmistakable(reference)}/json")
        return _facts(told) if told else None

    def tag(self, image: LocalImage, reference: Reference) -> None:
        """See Engine.tag."""
        where = {"repo": str(reference.repository), "tag": str(reference.tag or "latest")}
        status, _ = self._api.call("POST", f"/images/{image.id}/tag", where)
        if status == 404:
            raise EngineProblem(
                f"{image.id.short} cannot be named {reference}: the engine has no such image",
                engine=self._api.endpoint.address,
            )

    def untag(self, reference: Reference) -> None:
        """See Engine.untag."""
        # noprune: images without a name that stand below this one are not ours to remove.
        self._api.call("DELETE", f"/images/{_unmistakable(str(reference))}", {"noprune": "1"})

    def pull(self, reference: Reference, platform: Platform | None = None) -> LocalImage:
        """See Engine.pull."""
        self._transfers.pull(reference, platform)
        facts = self.inspect(str(reference))
        if facts is None:
            raise EngineProblem(f"{reference} was pulled, and the engine does not know it", engine=self.about().name)
        return facts.image

    def push(self, reference: Reference, log: Path) -> None:
        """See Engine.push."""
        if self.inspect(str(reference)) is None:
            raise EngineProblem(f"{reference} cannot be pushed: the engine has no image of this name")
        self._transfers.push(reference, log)

    def save(self, image: LocalImage) -> AbstractContextManager[BinaryIO]:
        """See Engine.save."""
        return self._api.opened(f"/images/{image.id}/get")

    def build(self, request: BuildRequest, log: Path, watch: Callable[[BuildStep], None]) -> BuildResult:
        """See Engine.build."""
        way = self._way_to_build()
        if way.builder and request.platform is None:  # it may be on another kind of machine, and would build for that
            request = msgspec.structs.replace(request, platform=self.about().platform)
        return buildx.build(self, self._processes, request, log, watch, way, self._pins)

    def unpin(self, image: LocalImage | None = None) -> None:
        """See Engine.unpin."""
        self._pins.let_go(image)

    def open(self, image: LocalImage, argv: Sequence[str]) -> int:
        """See Engine.open."""
        if self.inspect(str(image.id)) is None:
            raise EngineProblem(f"{argv[0]} cannot be run in {image.id.short}: the engine has no such image")
        words = ["docker", "run", "--rm", "--interactive", *(["--tty"] if os.isatty(0) and os.isatty(1) else [])]
        words += ["--pull", "never", "--no-healthcheck", "--label", self._containers.label, "--entrypoint", argv[0]]
        return self._processes.attach([*words, str(image.id), *argv[1:]])

    def inside(self, image: LocalImage, wants_gpu: bool = False) -> AbstractContextManager[Inside]:
        """See Engine.inside."""
        return self._containers.inside(image, wants_gpu)

    def serving(self, image: LocalImage, port: int) -> AbstractContextManager[Served]:
        """See Engine.serving."""
        return self._containers.serving(image, port)

    def run(self, image: LocalImage, argv: Sequence[str], timeout_s: float) -> RunResult:
        """See Engine.run."""
        return self._containers.run(image, argv, timeout_s)

    def clear(self, token: str) -> None:
        """See Engine.clear."""
        self._containers.clear(token)
        for image in self._api.must("/images/json"):
            for name in image.get("RepoTags") or ():
                if name.rpartition(":")[2].startswith(prefix_of(token)):
                    self.untag(Reference.parse(name))

    def _with_builder(self, way: Way) -> Way:
        code, _ = self._processes.output(["docker", "buildx", "inspect", self._builder])
        if way.through != "buildx" or code:
            raise ToolMissing(
                f"there is no buildx builder called {self._builder!r}",
                hint="`docker buildx ls` shows those there are; without STACKYARD_BUILDER the engine builds itself",
                program="docker-buildx",
            )
        return Way("buildx", has_contexts=True, builder=self._builder)

    def close(self) -> None:
        """End all programs and containers of this engine's that still run; what waits for them gets EngineProblem."""
        self._processes.close()
        self._containers.close()

    def _way_to_build(self) -> Way:
        """How client and engine build together; asked once. ToolMissing if they do not."""
        with self._lock:
            if self._way is not None:
                return self._way
            if not self._processes.has("docker"):
                way = way_to_build("", "", "")
            else:
                buildx_is = program_version(self._processes, "docker", "buildx", "version")
                # A buildx that is new enough decides: the client's own version costs another process.
                is_enough = numbers(buildx_is) >= FIRST_BUILDX
                client = UNKNOWN if is_enough else program_version(self._processes, "docker", "--version") or UNKNOWN
                about = self.about()
                system = about.platform.partition("/")[0]
                way = way_to_build(client, about.name.removeprefix("docker "), buildx_is, system)
            if isinstance(way, NoWay):
                raise ToolMissing(way.sentence, hint=way.hint, program=way.program)
            if self._builder:
                way = self._with_builder(way)
            self._way = way
            return way


def _product(version: Mapping[str, Any]) -> str:
    """Who answers in docker's language."""
    parts = [str(part.get("Name", "")).lower() for part in version.get("Components") or ()]
    return "podman" if any(name.startswith("podman") for name in parts) else "docker"


def _store(info: Mapping[str, Any]) -> Literal["classic", "containerd"]:
    """The kind of store; moby says `driver-type` only where containerd keeps the images."""
    said = {str(row[0]): str(row[1]) for row in info.get("DriverStatus") or () if len(row) == 2}
    return "containerd" if said.get("driver-type", "").startswith("io.containerd.snapshotter.") else "classic"


def _facts(told: Mapping[str, Any]) -> ImageFacts:
    """An answer of `GET /images/NAME/json` as our own value."""
    platform = "/".join(filter(None, (told.get("Os"), told.get("Architecture"), told.get("Variant"))))
    return ImageFacts(
        image=LocalImage(Digest.parse(told["Id"])),
        layers=tuple(Digest(layer) for layer in told.get("RootFS", {}).get("Layers") or ()),
        config=told.get("Config") or {},
        platform=Platform(platform or "linux/amd64"),
        size_bytes=told.get("Size") or 0,
        repository_digests=tuple(told.get("RepoDigests") or ()),
    )


def _unmistakable(name: str) -> str:
    """The name as an engine can take it for nothing else: it would read `cafe` as the start of an id."""
    try:
        return str(Digest.parse(name))
    except InvalidValue:
        reference = Reference.parse(name)
    return name if reference.tag or reference.digest else f"{name}:latest"
