# SPDX-License-Identifier: MIT
"""What `doctor` looks at: the programs, engines and registries that a machine has, and what can be done with them.

Facts come from edges/surroundings, and what follows from them from check/capabilities.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.reference import Platform

Store = Literal["classic", "containerd", "buildah"]
EngineChoice = Literal["auto", "docker", "buildah"]
"""`auto`: docker where it is installed or named, else buildah."""
RegistryState = Literal["open", "login", "no login", "refused", "unreachable"]

CapabilityCode = Literal[
    "plan",
    "build",
    "pin",
    "test",
    "inventory",
    "attestations",
    "cache",
    "platforms",
    "disk",
    "publish",
    "bases",
    "jobs",
    "exclusion",
]


class FoundEngine(msgspec.Struct, frozen=True):
    """An engine that was looked for, whether it is there or not."""

    kind: Literal["docker", "buildah"]
    address: str = ""
    """Where it listens; empty where nothing has to."""
    named_by: str = ""
    """What says so: `DOCKER_HOST`, `docker context lab`, `the default`."""
    client: str = ""
    """Version of the program; empty: not installed."""
    version: str = ""
    """Version of the engine; empty: nobody answers."""
    buildx: str = ""
    """Version of the build plugin; empty: none."""
    builder: str = ""
    """The buildx builder that builds in its place; empty: none."""
    builder_platforms: tuple[Platform, ...] = ()
    """What that one builds for."""
    store: Store | None = None
    platform: Platform | None = None
    platforms: tuple[Platform, ...] = ()
    """What it runs, emulated or not; empty where nobody tells."""
    folder: str = ""
    """Where its images are."""
    free_bytes: int | None = None
    """What is free there; None for an engine elsewhere."""
    problem: str = ""
    hint: str = ""

    @property
    def name(self) -> str:
        """`docker 26.1.5`."""
        return f"{self.kind} {self.version}" if self.version else self.kind


class FoundRegistry(msgspec.Struct, frozen=True):
    """A registry that the stack's images are in, or their bases."""

    host: str
    is_published_to: bool
    state: RegistryState
    """`open`: it asks nobody; `no login`: it answers, and would know who asks."""
    problem: str = ""
    hint: str = ""


class WantedPlatform(msgspec.Struct, frozen=True):
    """A platform that a stack says it is for."""

    platform: Platform
    where: str = ""
    """The engine of its own that the stack names for it; empty: none, it is built by the one that is used."""
    engine: FoundEngine | None = None
    """What answers there."""


class Surroundings(msgspec.Struct, frozen=True):
    """A machine, as far as a stack is concerned."""

    stackyard: str
    python: str
    system: Platform
    git: str
    """Its version; empty: not installed. So with the others."""
    pytest: str
    podman: str
    podman_socket: str
    """Where podman answers as Docker does; empty: nowhere."""
    engines: tuple[FoundEngine, ...]
    """The one that is used comes first."""
    registries: tuple[FoundRegistry, ...]
    wanted: tuple[WantedPlatform, ...] = ()
    """What the stack says it is for."""
    stack: str = ""
    """Its name; empty: no stack was found here."""
    stack_problem: str = ""


class Capability(msgspec.Struct, frozen=True):
    """Something that can be done here, or not, and why."""

    code: CapabilityCode
    is_on: bool
    sentence: str
    hint: str = ""


class Diagnosis(msgspec.Struct, frozen=True):
    """What is there, and what follows."""

    found: Surroundings
    capabilities: tuple[Capability, ...]

    @property
    def can_build(self) -> bool:
        """Whether any image can be built here."""
        return any(each.code == "build" and each.is_on for each in self.capabilities)
