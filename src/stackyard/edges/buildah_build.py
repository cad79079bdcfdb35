# SPDX-License-Identifier: MIT
"""One build through `buildah build`: what goes in, what came out.

In:   BuildRequest
Out:  BuildResult; the log
Raises: EngineProblem, DigestMismatch; a build that fails is a result
Beside: edges/buildah, edges/pins (how a parent is pinned), edges/rawjson (follows what the lines tell)

Pins are written into a copy of the Dockerfile, as ids: Buildah finds an image of the store by its id wherever
a Dockerfile takes a name. Images are made in docker's own format: the other one drops HEALTHCHECK and ONBUILD.
"""

from __future__ import annotations

import base64
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TextIO

import msgspec

from stackyard.edges import buildx
from stackyard.edges.auth import is_plain
from stackyard.edges.buildx import built_image, masker, not_planned, options, refusal
from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep
from stackyard.edges.mounts import handed
from stackyard.edges.pins import Pinned, apart, found_pins, match_name, stage_names
from stackyard.edges.process import TIMED_OUT, Processes
from stackyard.edges.rawjson import Progress
from stackyard.errors import InvalidValue
from stackyard.model.content import ImageFacts
from stackyard.model.names import Digest
from stackyard.model.reference import LocalImage, Platform, Reference

STEERS = re.compile(
    r"PATH|HOME|TMPDIR|SSH_AUTH_SOCK|LD_.*|XDG_.*|_?(BUILDAH|CONTAINERS?|STORAGE|REGISTR(Y|IES)|DOCKER)_.*"
)
"""Variables that decide what buildah does."""

_STEP = re.compile(r"(?:\[(\d+/\d+)\] )?STEP (\d+/\d+): (.*)")
_STEP_BEHIND = re.compile(r"(?:\[\d+/\d+\] )?STEP \d+/\d+: .*")
_CACHED = re.compile(r"--> Using cache [0-9a-f]{64}")
_DONE = re.compile(r"--> [0-9a-f]{10,64}|(?:\[\d+/\d+\] )?COMMIT .*")
_FAILED = re.compile(r'Error: (?:error )?building at STEP "(?:.*?)": (.*)', re.DOTALL)
_OF_BUILDAH = re.compile(
    r'time="[^"]*" level=.*|Error: .*|\[Warning\] .*|Successfully tagged .*|[0-9a-f]{64}'
    r"|subprocess exited (with status|on) .*|container exited on .*|: exit status \d+"
    r"|error running container: .*: signal: (terminated|killed)"  # it is ended in the middle of a RUN
)
_STATUS = re.compile(r"(?:while running runtime: )?exit status (\d+)")
_FROM_SCRATCH = re.compile(r"^[ \t]*FROM[ \t]+(--\S+[ \t]+)*scratch\b", re.IGNORECASE | re.MULTILINE)
_MISSING = re.compile(r"(?:from=|container: )(\S+?): (?:image not known|no stage or image found)")


class _Ended(NamedTuple):
    """How the program ended."""

    failure: str | None
    last_lines: tuple[str, ...] = ()
    is_late: bool = False
    missing: str = ""
    """An image that it would have to fetch."""


class Store(buildx.Store, Protocol):
    """What a build needs of the engine beside it."""

    def pull(self, reference: Reference, platform: Platform | None = None) -> LocalImage:
        """As Engine.pull."""


def build(
    store: Store,
    processes: Processes,
    request: BuildRequest,
    log: Path,
    watch: Callable[[BuildStep], None],
    own: Platform,
) -> BuildResult:
    """Build one image; see Engine.build.

    Args:
        own: the platform that is meant where the request names none.
    """
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file, tempfile.TemporaryDirectory(prefix=f"{request.tag.tag}-") as name:
        folder = Path(name)
        facts = None
        ids = [(key, there.image.id) for key, there in found_pins(store, request)]
        stage = _stage(request)
        ended = _Ended(refusal(request, STEERS, "buildah"))
        if stage is None:
            ended = _Ended(f'target stage "{request.stage}" could not be found')
        if ended.failure is None:
            pins = apart(request.dockerfile, ids, dict(request.args), folder, has_contexts=False)
            staged = msgspec.structs.replace(request, stage=stage or "")
            ended = _run(processes, staged, pins, dict(ids), folder, file, watch)
            while ended.missing and request.may_pull:  # by us, as all that is fetched; the build goes on from its cache
                file.write(f"fetched, though nobody planned it: {ended.missing}\n")
                store.pull(Reference.parse(ended.missing), request.platform)
                ended = _run(processes, staged, pins, dict(ids), folder, file, watch)
        if ended.failure is None:
            facts = _built(store, request, folder)
            if request.use_cache and not facts.platform.fits(request.platform or own) and _is_from_scratch(request):
                file.write(f"again without the cache, which gave an image for {facts.platform}\n")
                ended = _run(
                    processes, msgspec.structs.replace(staged, use_cache=False), pins, dict(ids), folder, file, watch
                )
                facts = _built(store, request, folder) if ended.failure is None else None
        if ended.failure is not None:
            file.write(f"failed: {ended.failure}\n")
    image, took_s = facts.image if facts else None, time.monotonic() - started
    return BuildResult(image, took_s, ended.failure, ended.last_lines, ended.is_late, facts=facts)


def _built(store: Store, request: BuildRequest, folder: Path) -> ImageFacts:
    told = _told(folder / "id")
    return built_image(store, request, *([told] if told else []))


def _is_from_scratch(request: BuildRequest) -> bool:
    """Whether a stage stands on nothing: its steps are found in the cache whatever platform they were made for.

    Steps on a base are found by the base's id, which is another one for each platform. Seen with 1.28.
    """
    return bool(_FROM_SCRATCH.search(request.dockerfile.read_text("utf-8", "surrogateescape")))


def argv(
    request: BuildRequest,
    pins: Pinned,
    folder: Path,
    more: Sequence[str] = (),
    environ: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """The command line. No value of an argument is on it.

    The ignore file is always named: buildah would take a `.containerignore` first, which no other engine reads.
    """
    words = ["buildah", "build", "--layers", "--force-rm", "--pull=never", "--format=docker", "--identity-label=false"]
    words += ["--iidfile", str(folder / "id"), "--tag", request.tag.canonical, "--file", str(pins.dockerfile)]
    words += ["--ignorefile", str(_ignore_file(request, folder))]
    return [*words, *_cache_options(request, environ), *options(request), *more, str(request.context)]


def _cache_options(request: BuildRequest, environ: Mapping[str, str]) -> list[str]:
    """One place of each kind, which is all that it takes; its tags there are digests of its own."""
    words: list[str] = []
    places = (("--cache-from", request.cache_from if request.use_cache else ()), ("--cache-to", request.cache_to))
    for option, listed in places:
        found = [match[1] for place in listed if (match := re.search(r"(?:^|,)ref=([^,]+)", place))]
        if found:
            repository = Reference.parse(found[0]).repository
            words += [option, repository.canonical]
            if is_plain(repository.host, environ):  # nothing else is asked of a registry while it builds
                words.append("--tls-verify=false")
    return words


def _ignore_file(request: BuildRequest, folder: Path) -> Path:
    beside = request.dockerfile.with_name(f"{request.dockerfile.name}.dockerignore")
    for path in (beside, request.context / ".dockerignore"):
        if path.exists():
            return path
    nothing = folder / "nothing"
    nothing.touch()
    return nothing


def _stage(request: BuildRequest) -> str | None:
    """The stage as it is written, which is how Buildah knows it; None: there is none of this name."""
    if not request.stage:
        return ""
    return stage_names(request.dockerfile.read_text("utf-8", "surrogateescape")).get(match_name(request.stage))


def _run(
    processes: Processes,
    request: BuildRequest,
    pins: Pinned,
    ids: Mapping[str, Digest],
    folder: Path,
    file: TextIO,
    watch: Callable[[BuildStep], None],
) -> _Ended:
    gets = handed(request, processes.environ)
    if isinstance(gets, str):
        return _Ended(gets)
    progress = Progress(file, watch, lambda _: None, masker(request.args, gets.hidden), BuildahValues(ids))
    words = argv(request, pins, folder, gets.words, processes.environ)
    environ = {"SOURCE_DATE_EPOCH": str(request.epoch), **dict(request.args), **gets.environ}
    try:
        code = processes.follow(words, progress.take, environ, timeout_s=request.timeout_s)
    finally:
        progress.end()
    if code == 0:
        return _Ended(None)
    if code == TIMED_OUT:
        return _Ended(*progress.unfinished(), is_late=True)
    errors = [word.removeprefix("Error: ") for word in progress.words if word.startswith("Error: ")]
    if missing := _MISSING.search(" ".join(errors)):
        return _Ended(not_planned(missing[1]), missing=missing[1])
    if failed := progress.failure():
        return _Ended(*failed)
    said = errors[-1] if errors else progress.words[-1] if progress.words else "it said nothing"
    return _Ended(f"buildah ended with exit code {code}: {said}", tuple(progress.words))


def _told(path: Path) -> Digest | None:
    try:
        return Digest.parse(path.read_text().strip())
    except (OSError, InvalidValue):
        return None


class BuildahValues:
    """Statuses, as buildx tells them, out of buildah's lines; times are those at which a line comes.

    Args:
        ids: what stands in the Dockerfile's copy, by the name that stood there; people are shown the name.
    """

    def __init__(self, ids: Mapping[str, Digest], clock: Callable[[], float] = time.time) -> None:
        self._names = {str(id_): name for name, id_ in ids.items()}
        self._clock = clock
        self._count = 0
        self._step: dict[str, Any] | None = None

    def take(self, line: str) -> Iterator[dict[str, Any] | str]:
        """What this line tells; or the line itself, where it is about no step."""
        if behind := _STEP_BEHIND.search(line):  # the output before it had no line break
            if before := line[: behind.start()]:
                yield from self._output(before)
            yield from self._ended()
            yield self._begun(behind[0])
        elif _CACHED.fullmatch(line):
            yield from self._ended(cached=True)
        elif _DONE.fullmatch(line):
            yield from self._ended()
        elif failed := _FAILED.fullmatch(line):
            status = _STATUS.fullmatch(failed[1])
            yield from self._ended(error=f"exit code: {status[1]}" if status else failed[1])
            yield line
        elif _OF_BUILDAH.fullmatch(line) or self._step is None:
            if line.strip():
                yield line
        else:
            yield from self._output(line)

    def rest(self) -> str:
        """Nothing is ever left: a line is a line."""
        return ""

    def _begun(self, line: str) -> dict[str, Any]:
        found = _STEP.fullmatch(line)
        assert found is not None
        stage, number, text = found[1], found[2], found[3]
        for id_, name in self._names.items():
            text = text.replace(id_, name)
        self._count += 1
        name = f"[{stage} {number}] {text}" if stage else f"[{number}] {text}"
        self._step = {"digest": str(self._count), "name": name, "started": self._now()}
        return {"vertexes": [self._step]}

    def _ended(self, **more: object) -> Iterator[dict[str, Any]]:
        if self._step is not None:
            yield {"vertexes": [{**self._step, "completed": self._now(), **more}]}
        self._step = None

    def _output(self, line: str) -> Iterator[dict[str, Any] | str]:
        if self._step is None:
            yield line
        else:
            data = base64.b64encode(f"{line}\n".encode()).decode()
            yield {"logs": [{"vertex": self._step["digest"], "data": data}]}

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()
