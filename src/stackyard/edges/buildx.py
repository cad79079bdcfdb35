# SPDX-License-Identifier: MIT
"""One build through `docker buildx build`, or the `docker build` of 20.10: what goes in, what came out.

In:   BuildRequest
Out:  BuildResult; the log
Raises: EngineUnavailable, EngineProblem, DigestMismatch; a build that fails is a result
Beside: edges/rawjson and edges/built_in (the stream), edges/pins (how a parent is pinned, and why so), edges/docker
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol, TextIO

from stackyard.edges.built_in import PlainValues
from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep
from stackyard.edges.mounts import handed
from stackyard.edges.pins import Name, Pinned, Pins, apart
from stackyard.edges.process import TIMED_OUT, Processes
from stackyard.edges.rawjson import Progress
from stackyard.errors import DigestMismatch, EngineProblem, InvalidValue
from stackyard.model.building import Way
from stackyard.model.content import ImageFacts
from stackyard.model.inputs import looks_secret
from stackyard.model.names import Digest
from stackyard.model.reference import Platform

_STEERS_CLIENT = re.compile(r"PATH|HOME|LD_.*|(DOCKER|BUILDX)_.*")
_MASK = "***"
BUILDX = Way("buildx", has_contexts=True)


class Store(Protocol):
    """What a build needs of the engine beside it."""

    def inspect(self, reference: str) -> ImageFacts | None:
        """As Engine.inspect."""

    def ping(self) -> None:
        """EngineUnavailable if nobody answers."""


class _Ended(NamedTuple):
    """How the engine's client ended; see BuildResult."""

    failure: str | None
    last_lines: tuple[str, ...] = ()
    is_late: bool = False
    line: int | None = None


_LOST = re.compile(
    r"failed to stat active key during commit: snapshot \S+ does not exist"
    r"|did not complete successfully: failed to create endpoint \S+ on network "
)
"""BuildKit let go of a result while another build was to have it, or of a network before a `RUN` began: both seen where
a build follows a canceled one. Source: moby/buildkit pull request 6808; engines from before its successor have it."""


class _NotPinned(Exception):
    """The engine is about to fetch an image that nobody planned."""


def build(
    store: Store,
    processes: Processes,
    request: BuildRequest,
    log: Path,
    watch: Callable[[BuildStep], None],
    way: Way,
    pins: Pins,
) -> BuildResult:
    """Build one image in the engine's own builder; see Engine.build."""
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file, tempfile.TemporaryDirectory(prefix=f"{request.tag.tag}-") as folder:
        facts = None
        ended = _Ended(refusal(request))
        if ended.failure is None:
            metadata = Path(folder) / "metadata.json"
            names, args = pins.of(request), dict(request.args)
            chosen = apart(request.dockerfile, names, args, Path(folder), way.has_contexts, pins.is_outside)
            sources: dict[Name, str] = {private: pins.source(private) for _, private in names}
            ended = _run(store, processes, request, chosen, sources, metadata, file, watch, way)
            if ended.failure is None:
                facts = built_image(store, request, *_told(metadata, way))
        if ended.failure is not None:
            file.write(f"failed: {ended.failure}\n")
    took_s = time.monotonic() - started
    is_lost = ended.failure is not None and lost_by_engine(ended.failure)
    image = facts.image if facts else None
    return BuildResult(image, took_s, ended.failure, ended.last_lines, ended.is_late, ended.line, is_lost, facts)


def lost_by_engine(failure: str) -> bool:
    """Whether a build failed because the engine lost a result of its own, which passes by itself.

    >>> lost_by_engine("[2/2] RUN x: process did not complete successfully: exit code: 1")
    False
    """
    return bool(_LOST.search(failure))


def not_planned(name: str) -> str:
    """Why a build stops at an image that it would have to fetch."""
    return (
        f"the Dockerfile names {name}, which was not planned and is not in the engine's store "
        "(--allow-pull fetches it all the same)"
    )


def refusal(request: BuildRequest, steers: re.Pattern[str] = _STEERS_CLIENT, client: str = "docker") -> str | None:
    """Why this request cannot be built as it is, or None."""
    for name, _ in request.args:
        if steers.fullmatch(name):
            return (
                f"build argument {name} cannot be passed: values travel through the environment, "
                f"where this name steers the {client} client; give the ARG another name"
            )
    return None


def argv(
    request: BuildRequest,
    pins: Pinned,
    metadata: Path,
    way: Way = BUILDX,
    more: Sequence[str] = (),
    sources: Mapping[Name, str] = MappingProxyType({}),
) -> list[str]:
    """The command line. No value of an argument is on it.

    The builder is the engine's own, whose results are in the engine's store without a copy;
    DOCKER_HOST says which engine, so `default` is right with every docker context. Another builder,
    where one was declared, has a store of its own: what it made is loaded into the engine's.

    Args:
        sources: what a context is told of a pin; a private name in the engine's store, if nothing else.
    """
    if way.through == "buildx":
        words = ["docker", "buildx", "build", "--builder", way.builder or "default", "--progress", "rawjson"]
        words += ["--load"] if way.builder else []
        words += ["--metadata-file", str(metadata)]
        words += [f"--{kind}=false" for kind in ("provenance", "sbom") if not _asks(request, kind)]
        words += [f"--attest={attestation}" for attestation in request.attestations]
    else:
        words = ["docker", "build", "--progress", "plain", "--iidfile", str(metadata)]
    words += ["--tag", str(request.tag), "--file", str(pins.dockerfile)]
    for name, reference in pins.contexts:
        words += ["--build-context", f"{name}={sources.get(reference) or f'docker-image://{reference}'}"]
    for place in request.cache_from if request.use_cache else ():
        words += ["--cache-from", place]
    for place in request.cache_to:
        words += ["--cache-to", place]
    return [*words, *options(request), *more, str(request.context)]


def _asks(request: BuildRequest, kind: str) -> bool:
    return any(attestation.startswith(f"type={kind}") for attestation in request.attestations)


def options(request: BuildRequest) -> list[str]:
    """What every builder's command line calls by the same names. No value of an argument is in it."""
    words: list[str] = []
    for name, _ in request.args:
        words += ["--build-arg", name]
    for key, value in request.labels:
        words += ["--label", f"{key}={value}"]
    if request.platform:
        words += ["--platform", request.platform]
    if request.stage:
        words += ["--target", request.stage]
    if request.network:
        words += ["--network", request.network]
    if not request.use_cache:
        words.append("--no-cache")
    return words


def environment(request: BuildRequest) -> dict[str, str]:
    """What buildx gets beside the engine's address: arguments, the epoch, and an end to what varies by itself."""
    return {
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # they hold times: the image's id would change at every build
        "BUILDX_NO_DEFAULT_OCI_ARTIFACT": "1",  # asked for, they are manifests of a kind that every registry takes
        "BUILDX_GIT_LABELS": "0",  # labels that are no function of the stack
        "BUILDX_GIT_INFO": "0",
        "BUILDX_METADATA_PROVENANCE": "disabled",
        "DOCKER_BUILDKIT": "1",  # a docker without buildx has another builder beside it
        "OTEL_TRACES_EXPORTER": "none",  # the engine would keep a trace of every build
        "SOURCE_DATE_EPOCH": str(request.epoch),
        **dict(request.args),
    }


def masker(args: tuple[tuple[str, str], ...], secrets: Collection[str] = ()) -> Callable[[str], str]:
    """A function that takes secrets and the values of secret-looking arguments out of a text."""
    hidden = set(secrets)
    for name, value in args:
        if looks_secret(name, value):
            hidden |= {line for line in value.splitlines() if len(line) > 3}
            hidden |= {part for part in re.findall(r"://[^/@\s:]+:([^/@\s]+)@", value) if len(part) > 3}
    if not hidden:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(value) for value in sorted(hidden, key=len, reverse=True)))
    return lambda text: pattern.sub(_MASK, text)


def platforms_of(words: str) -> tuple[Platform, ...]:
    """Platforms of a list as buildx prints it; levels of one processor (`linux/amd64/v3`) are not told apart.

    >>> platforms_of("linux/amd64*, linux/amd64/v2, linux/arm/v7")
    ('linux/amd64', 'linux/arm/v7')
    """
    names = (name.strip().rstrip("*") for name in words.split(","))
    kept = (name for name in names if name and not re.fullmatch(r"linux/amd64/v\d", name))
    return tuple(Platform(name) for name in dict.fromkeys(kept))


def _run(
    store: Store,
    processes: Processes,
    request: BuildRequest,
    pins: Pinned,
    sources: Mapping[Name, str],
    metadata: Path,
    file: TextIO,
    watch: Callable[[BuildStep], None],
    way: Way,
) -> _Ended:

    def needs(name: str) -> None:
        if pins.covers(name):
            raise _NotPinned(
                f"{name} could not be replaced by what was planned: give the stage of that name another one"
            )
        if way.builder or store.inspect(name) is None:
            if not request.may_pull:
                raise _NotPinned(not_planned(name))
            file.write(f"fetched, though nobody planned it: {name}\n")

    gets = handed(request, processes.environ)
    if isinstance(gets, str):
        return _Ended(gets)
    values = None if way.through == "buildx" else PlainValues()
    progress = Progress(file, watch, needs, masker(request.args, gets.hidden), values)
    words = argv(request, pins, metadata, way, gets.words, sources)
    environ = {**environment(request), **gets.environ}
    try:
        code = processes.follow(words, progress.take, environ, timeout_s=request.timeout_s)
    except _NotPinned as found:
        return _Ended(str(found))
    finally:
        progress.end()
    if code == 0:
        return _Ended(None)
    if code == TIMED_OUT:
        return _Ended(*progress.unfinished(), is_late=True)
    if failed := progress.failure():
        return _Ended(*failed, line=progress.line)
    store.ping()
    said = tuple(word for word in progress.words if not word.startswith("ERROR:"))
    return _Ended(_last_word(progress, code), said, line=progress.line)


def _last_word(progress: Progress, code: int) -> str:
    said = next((word for word in reversed(progress.words) if word.startswith("ERROR:")), None)
    if said is None:
        return progress.words[-1] if progress.words else f"docker ended with exit code {code} and said nothing"
    return said.removeprefix("ERROR:").strip().removeprefix("failed to solve:").strip()


def _told(metadata: Path, way: Way) -> tuple[Digest, ...]:
    """What the client says that it built; nothing where it does not.

    The metadata file names what was exported: on a classic store the config, on a containerd
    store the manifest or index, and each is what that store calls the image's id. Another builder
    names a manifest and its config: what is loaded has the one or the other as its id.
    """
    try:
        text = metadata.read_bytes()
        if way.through != "buildx":
            return (Digest.parse(text.decode().strip()),)
        told: Mapping[str, object] = json.loads(text)
        keys = ("containerimage.digest", *(["containerimage.config.digest"] if way.builder else []))
        return tuple(Digest.parse(str(told[key])) for key in keys)
    except (OSError, ValueError, KeyError, InvalidValue):
        return ()


def built_image(store: Store, request: BuildRequest, *told: Digest) -> ImageFacts:
    """The image that this build made, as the engine's store knows it.

    Args:
        told: what its id may be.
    """
    if not told:
        raise EngineProblem(f"the build of {request.tag} went well, but the engine does not say what it built")
    facts = store.inspect(str(request.tag))
    found = facts.image.id if facts else None
    if facts is None or found not in told:
        raise DigestMismatch(
            f"{request.tag} was built as {told[0]}, and the engine's store has {found or 'nothing'} under this name",
            hint="does another build use the same name at the same time?",
            expected=told[0],
            found=found,
        )
    return facts
