# SPDX-License-Identifier: MIT
"""The engine: what Stackyard needs from something that builds, keeps and runs images.

In:   requests as values
Out:  values; a failing build is a result, never an exception
Raises: EngineUnavailable, EngineProblem
Real: edges/docker.py, edges/buildah.py   Fake: stackyard.testing.FakeEngine   Contract: tests/contract/test_engine.py
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, Protocol

import msgspec

from stackyard.model.building import CacheKinds
from stackyard.model.content import ImageFacts
from stackyard.model.names import Digest
from stackyard.model.progress import StepState
from stackyard.model.reference import LocalImage, Platform, Reference
from stackyard.model.stack import Secret


class EngineInfo(msgspec.Struct, frozen=True):
    """What answered, and what follows from it."""

    name: str
    """`docker 26.1.5`."""
    store: Literal["classic", "containerd", "buildah"]
    """Whether a local id is the digest of a manifest (containerd) or of a config."""
    platform: Platform
    address: str
    """What a child process finds this engine by: the value of DOCKER_HOST; empty where docker's API is not spoken."""


class BuildRequest(msgspec.Struct, frozen=True):
    """One image to build."""

    context: Path
    """Folder, absolute."""
    dockerfile: Path
    """File, absolute."""
    tag: Reference
    """What the result is called in the engine's store."""
    args: tuple[tuple[str, str], ...]
    """Build arguments; they travel through the environment, never on a command line."""
    labels: tuple[tuple[str, str], ...]
    pins: Mapping[str, LocalImage]
    """For each reference that the Dockerfile names, once variables are replaced: the image that is
    used in its place. An image the Dockerfile names and this does not is an error."""
    epoch: int
    platform: Platform | None = None
    use_cache: bool = True
    stage: str = ""
    """The stage to build; empty: the last."""
    network: str = ""
    """The network of RUN; empty: the engine's default."""
    timeout_s: float | None = None
    """A build that takes longer is ended; None: it may take as long as it takes."""
    secrets: tuple[Secret, ...] = ()
    """What secret mounts get; files by absolute path. One that the Dockerfile mounts and nobody has fails the build."""
    ssh: tuple[Secret, ...] = ()
    """The same for ssh mounts."""
    cache_from: tuple[str, ...] = ()
    """Places to take cached steps from, as docker takes them; only of kinds that the engine has."""
    cache_to: tuple[str, ...] = ()
    attestations: tuple[str, ...] = ()
    """What is attested beside the image, as docker takes it; none where the engine attests nothing."""
    may_pull: bool = False
    """Whether an image that the Dockerfile names and nobody pinned may be fetched, where the store has it not."""


class BuildStep(msgspec.Struct, frozen=True):
    """One step of a running build, for those who watch: `[2/5] RUN pip install ...`."""

    name: str
    state: StepState
    duration_s: float | None = None
    """Of a step that is done, by the engine's clock."""


class BuildResult(msgspec.Struct, frozen=True):
    """How a build ended."""

    image: LocalImage | None
    """None when it failed."""
    duration_s: float
    failure: str | None = None
    """One line in the engine's words: which instruction failed, and how."""
    last_lines: tuple[str, ...] = ()
    """The end of the failing step's output."""
    is_late: bool = False
    """Whether it was ended because its time was up."""
    line: int | None = None
    """The Dockerfile's line that failed, where the engine tells it."""
    is_lost: bool = False
    """Whether the engine lost a result of its own: nothing of the Dockerfile failed, so it may be tried again."""
    facts: ImageFacts | None = None
    """What the engine says of the image, where it was looked at already."""


MOST_OUTPUT = 1 << 20
"""Bytes of what a command printed that are kept; of more, the beginning is."""


class RunResult(msgspec.Struct, frozen=True):
    """How a command in a container ended."""

    exit_code: int
    """124 when the time was up."""
    output: str
    """Standard output and standard error as they came; undecodable bytes replaced."""
    duration_s: float
    printed: str | None = None
    """Standard output alone; None where it cannot be told apart. `errors` likewise."""
    errors: str | None = None


class FileFacts(msgspec.Struct, frozen=True):
    """What a path in an image is."""

    kind: Literal["file", "dir", "link", "other"]
    mode: int
    """Permission bits, with setuid, setgid and sticky."""
    uid: int
    gid: int
    size_bytes: int = 0


class Inside(Protocol):
    """A container of an image that stays until its owner is done."""

    def run(
        self, argv: Sequence[str], timeout_s: float, user: str = "", env: Sequence[tuple[str, str]] = ()
    ) -> RunResult:
        """Run a command in it, without the image's entrypoint; what it changes, later ones see.

        Args:
            user: `user`, `uid:gid`, ...; empty: the image's own.
        """

    def look(self, path: str) -> FileFacts | None:
        """What is at a path, links not followed; None where nothing is. No program of the image is needed."""

    def read(self, path: str) -> bytes | None:
        """The first MiB of a file, links followed; None where there is none."""

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files, by absolute path, readable for all."""


class Served(NamedTuple):
    """Where a container's port answers from here."""

    host: str
    port: int
    """0 where the container is over already."""
    is_up: Callable[[], bool]
    """Whether it still runs."""
    said: Callable[[], str]
    """What it has printed so far."""


class Engine(Protocol):
    """An engine's own store of images, and the builder beside it. Methods may be called from several threads."""

    def about(self) -> EngineInfo:
        """What the engine is. EngineUnavailable if nobody answers."""

    def caches(self) -> CacheKinds:
        """Kinds of build caches that it can take from elsewhere, and leave there."""

    def attests(self) -> bool:
        """Whether it makes provenance and SBOM of what it builds."""

    def present(self, of: Collection[Digest] | None = None) -> frozenset[Digest]:
        """Ids of images in the store: one request, or one for each of a few.

        Args:
            of: those that are asked for; None: all. Others may be in the answer.
        """

    def inspect(self, reference: str) -> ImageFacts | None:
        """Facts of the image with this id or reference; None if the store has none. Never pulls."""

    def tag(self, image: LocalImage, reference: Reference) -> None:
        """Name a local image; a name that another image has moves to this one."""

    def untag(self, reference: Reference) -> None:
        """Take a name away; an image without names and children goes with its last name. A missing name is fine."""

    def platforms(self) -> tuple[Platform, ...]:
        """What containers can be for, emulated or not; empty where it does not say."""

    def pull(self, reference: Reference, platform: Platform | None = None) -> LocalImage:
        """Fetch `repository@digest` (or a tag) into the store.

        Args:
            platform: which of several; None: the engine's own.
        """

    def push(self, reference: Reference, log: Path) -> None:
        """Send the image of this tag to its registry; what the registry said on a refusal is in the error."""

    def save(self, image: LocalImage) -> AbstractContextManager[BinaryIO]:
        """The image as an archive with a manifest.json, to be read once; EngineProblem if the store has it not."""

    def free_bytes(self) -> int | None:
        """What is free on the disk that images are kept on; None for an engine on another machine."""

    def build(self, request: BuildRequest, log: Path, watch: Callable[[BuildStep], None]) -> BuildResult:
        """Build one image; the full output goes to `log` as it comes."""

    def unpin(self, image: LocalImage | None = None) -> None:
        """Let go of what was kept so that builds find the images they stand on: of one of these, or of all.

        Raises nothing: what an engine that is gone still keeps, `clear` finds by the run's token.
        """

    def clear(self, token: str) -> None:
        """Remove what a run that is dead left: its containers, and names of its temporary ones; see edges/traces."""

    def close(self) -> None:
        """End whatever of ours still runs; calls that wait for it raise EngineProblem."""

    def open(self, image: LocalImage, argv: Sequence[str]) -> int:
        """As `run`, on this process's own terminal, or its streams; the command's exit code."""

    def inside(self, image: LocalImage, wants_gpu: bool = False) -> AbstractContextManager[Inside]:
        """A container of the image in which nothing of it runs; it is gone afterwards.

        Args:
            wants_gpu: with all GPUs, where the engine can give any.
        """

    def serving(self, image: LocalImage, port: int) -> AbstractContextManager[Served]:
        """A container as the image declares it, one of its ports open to this machine only; gone afterwards.

        Raises:
            NotTestable: none of this engine's ports can be reached from here.
        """

    def run(self, image: LocalImage, argv: Sequence[str], timeout_s: float) -> RunResult:
        """Run a command in a fresh container of the image, without its entrypoint; the container is gone afterwards."""
