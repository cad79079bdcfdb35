# SPDX-License-Identifier: MIT
"""An engine in a dict, for tests: same inputs, same image; another input, another one; failures on order.

Implements: edges/engine.Engine, held to tests/contract/test_engine.py like the real one
In:  add (an image that is just there), failing, flaky, losing, hanging, refusing, shifting, steady, making, answers,
     files, ports, before_build
Out: .calls, what was asked of it
Beside: testing/making (what a build makes), testing/registry (what it pushes to and pulls from)
"""

from __future__ import annotations

import contextlib
import io
import sys
import tarfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep, EngineInfo, FileFacts, RunResult, Served
from stackyard.edges.traces import prefix_of
from stackyard.errors import EngineProblem, EngineUnavailable, RegistryRefused
from stackyard.model import canonical
from stackyard.model.building import CacheKinds, cache_kinds
from stackyard.model.content import ImageFacts
from stackyard.model.names import Digest, Tag
from stackyard.model.progress import StepState
from stackyard.model.reference import LocalImage, Platform, Reference
from stackyard.testing.making import Made, Reader, make
from stackyard.testing.registry import MemoryRegistry, sha256

Answer = Callable[[ImageFacts, Sequence[str]], str | RunResult]


class FakeEngine:
    """An engine's store and builder, in memory. Safe for threads.

    A build understands `FROM`, `ARG`, `COPY --from`, `RUN --mount=from`, and that `RUN ... exit 3`
    fails after saying what it echoes; everything else, heredocs too, is only an input. The result has the layers
    of the last stage's base and one of its own, made from Dockerfile, context, arguments and the ids
    of all pins.

    Args:
        store: what an id is; see EngineInfo.
        registry: where `push` puts manifests and `pull` finds them; none: both only keep count.
        shelf: images by manifest digest, shared by engines that are to pull what another pushed.
    """

    def __init__(
        self,
        store: Literal["classic", "containerd"] = "classic",
        *,
        registry: MemoryRegistry | None = None,
        shelf: dict[Digest, Made] | None = None,
    ) -> None:
        self.info = EngineInfo("fake 1.0", store, Platform("linux/amd64"), "fake://engine")
        self.registry = registry
        self.is_down = False
        self.failing: dict[str, str] = {}
        """Repository -> why each build of it fails."""
        self.flaky: dict[str, int] = {}
        """Repository -> how many builds of it fail before one does not."""
        self.losing: set[str] = set()
        """Repositories of whose builds the engine has lost a result that its cache still names."""
        self.hanging: set[str] = set()
        """Repositories whose builds end by their timeout, or by `close`."""
        self.refusing: dict[str, str] = {}
        """Repository -> what its registry says to every push."""
        self.shifting: set[str] = set()
        """Repositories of which no two builds are equal, as if a time were in them."""
        self.steady: set[str] = set()
        """Repositories whose own layer is the same, whatever goes in."""
        self.answers: dict[str, Answer] = {}
        """First word of a command -> what a run of it gives; TimeoutError: the time was up."""
        self.before_build: Callable[[BuildRequest], None] = lambda _: None
        """Called first in each build, outside of any lock: it may wait, or raise."""
        self.making: Callable[[BuildRequest], object] | None = None
        """What a build's own layer is made from; none: from everything that goes in."""
        self.files: dict[str, FileFacts | bytes] = {}
        """What is at paths of all images; bytes are a file of root's, readable for all."""
        self.ports: dict[int, int] = {}
        """Port of a container -> port of this machine where it answers."""
        self.runs: tuple[Platform, ...] = (self.info.platform,)
        """What its containers can be for."""
        self.ignoring_platforms = False
        """Every build is for its own platform, whatever was asked for."""
        self.tars: dict[Digest, bytes] = {}
        """What layers hold, by diff id; nothing where it is not said."""
        self.free: int | None = None
        """Bytes on the disk; None: nobody knows."""
        self.calls: list[tuple[str, str]] = []
        self._shelf = {} if shelf is None else shelf
        self._images: dict[Digest, Made] = {}
        self._names: dict[str, Digest] = {}
        self._digests: dict[Digest, list[str]] = {}
        self._built: set[Digest] = set()
        self._lock = threading.RLock()
        self._closed = threading.Event()

    # What tests do

    def add(self, reference: str, content: str = "", config: Mapping[str, Any] | None = None) -> LocalImage:
        """An image of one layer that nobody built here; other content, another image."""
        with self._lock:
            made = make((canonical.digest(["layer", content or reference]),), config or {}, self.info.platform)
            return self._keep(made, Reference.parse(reference))

    def names(self) -> dict[str, Digest]:
        """All names in the store, canonical and sorted, with the ids they stand for."""
        with self._lock:
            return dict(sorted(self._names.items()))

    # The protocol

    def about(self) -> EngineInfo:
        """What the engine is."""
        self._called("about", "")
        return self.info

    def caches(self) -> CacheKinds:
        """What a docker of this kind has."""
        return cache_kinds("buildx", self.info.store)

    def attests(self) -> bool:
        """As a docker of this kind."""
        return self.info.store == "containerd"

    def present(self, of: Collection[Digest] | None = None) -> frozenset[Digest]:
        """Ids of all images, or of those that were asked for."""
        self._called("present", "")
        with self._lock:
            return frozenset(self._images if of is None else self._images.keys() & set(of))

    def inspect(self, reference: str) -> ImageFacts | None:
        """Facts of the image with this id or reference; None if the store has none."""
        self._called("inspect", reference)
        with self._lock:
            return self._inspect(reference)

    def tag(self, image: LocalImage, reference: Reference) -> None:
        """Name an image; EngineProblem if it is not here."""
        self._called("tag", str(reference))
        with self._lock:
            if image.id not in self._images:
                raise EngineProblem(f"{image.id.short} cannot be named {reference}: the engine has no such image")
            self._names[reference.canonical] = image.id

    def untag(self, reference: Reference) -> None:
        """Take a name away, and the image with its last name."""
        self._called("untag", str(reference))
        with self._lock:
            id_ = self._names.pop(reference.canonical, None)
            if id_ and id_ not in self._names.values():
                self._images.pop(id_, None)

    def platforms(self) -> tuple[Platform, ...]:
        """What a test says."""
        self._called("platforms", "")
        return self.runs

    def pull(self, reference: Reference, platform: Platform | None = None) -> LocalImage:
        """An image whose manifest the registry has, and some engine on this shelf has pushed."""
        self._called("pull", str(reference))
        where = reference.digest or reference.tag or Tag("latest")
        digest = self.registry.resolve(reference.repository, where) if self.registry else reference.digest
        top = self.registry.manifest(reference.repository, digest) if self.registry and digest else None
        wanted = platform or self.info.platform
        entries = [each.digest for each in top.children if each.is_for(wanted)] if top and top.children else [digest]
        made = self._shelf.get(entries[0]) if entries and entries[0] else None
        if digest is None or made is None:
            raise _refused(f"{reference} cannot be pulled", reference, "manifest unknown")
        with self._lock:
            image = self._keep(made, reference)
            self._digests.setdefault(image.id, []).append(f"{reference.repository}@{digest}")
            return image

    def push(self, reference: Reference, log: Path) -> None:
        """Leave the manifest of this name's image in the registry."""
        self._called("push", str(reference))
        if said := self.refusing.get(str(reference.repository)):
            _write(log, said)
            raise _refused(f"{reference} cannot be pushed", reference, said)
        with self._lock:
            id_ = self._names.get(reference.canonical)
            if id_ is None:
                raise EngineProblem(f"{reference} cannot be pushed: the engine has no image of this name")
            made = self._images[id_]
            self._shelf[made.manifest.digest] = made
            self._digests.setdefault(id_, []).append(f"{reference.repository}@{made.manifest.digest}")
        _write(log, f"pushed {made.manifest.digest}")
        if self.registry:
            self.registry.add(
                str(reference.repository), str(reference.tag or "latest"), made.manifest, [made.config_bytes]
            )

    @contextlib.contextmanager
    def save(self, image: LocalImage) -> Iterator[BinaryIO]:
        """The image's config, and for each layer what `tars` has."""
        self._called("save", image.id)
        with self._lock:
            made = self._images.get(image.id)
        if made is None:
            raise EngineProblem(f"{image.id.short} cannot be saved: the engine has no such image")
        names = [f"blobs/sha256/{layer.hex}" for layer in made.layers]
        saved = [{"Config": "config.json", "Layers": names}]
        parts = [(name, self.tars.get(layer, bytes(1024))) for name, layer in zip(names, made.layers, strict=True)]
        parts += [("config.json", made.config_bytes), ("manifest.json", canonical.encode(saved))]
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, data in dict(parts).items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        yield io.BytesIO(archive.getvalue())

    def free_bytes(self) -> int | None:
        """What a test says."""
        self._called("free", "")
        return self.free

    def build(self, request: BuildRequest, log: Path, watch: Callable[[BuildStep], None]) -> BuildResult:
        """Make the image that these inputs give."""
        self._called("build", str(request.tag))
        self.before_build(request)
        if str(request.tag.repository) in self.hanging:
            if request.timeout_s is not None:
                return BuildResult(None, request.timeout_s, "it was at [2/2] RUN hang", is_late=True)
            self._closed.wait()
            raise EngineProblem("the build was stopped before its end")
        with self._lock:
            inputs = self._inputs(request)
            result = self._build(request, inputs, watch)
            self._built.add(inputs)
        _write(log, *result.last_lines, result.failure or "built")
        return result

    def open(self, image: LocalImage, argv: Sequence[str]) -> int:
        """As `run`; what the command says goes to stdout."""
        ended = self.run(image, argv, 0.0)
        sys.stdout.write(ended.output)
        return ended.exit_code

    def run(self, image: LocalImage, argv: Sequence[str], timeout_s: float) -> RunResult:
        """What `answers` says; 127 for a command it does not know."""
        self._called("run", " ".join(argv))
        return self.answer(image, argv, timeout_s)

    def answer(self, image: LocalImage, argv: Sequence[str], timeout_s: float) -> RunResult:
        """The same, without a word in `calls`."""
        with self._lock:
            facts = self._inspect(image.id)
        if facts is None:
            raise EngineProblem(f"{argv[0]} cannot be run in {image.id.short}: the engine has no such image")
        try:
            said = self.answers[argv[0]](facts, argv)
        except KeyError:
            return RunResult(127, f'exec: "{argv[0]}": executable file not found\n', 0.0)
        except TimeoutError:
            return RunResult(124, "", timeout_s)
        return RunResult(0, said, 0.0) if isinstance(said, str) else said

    @contextlib.contextmanager
    def inside(self, image: LocalImage, wants_gpu: bool = False) -> Iterator[FakeInside]:
        """A container whose commands are answered as those of `run`."""
        self._called("inside", f"{image.id}{' with a GPU' if wants_gpu else ''}")
        yield FakeInside(self, image)

    @contextlib.contextmanager
    def serving(self, image: LocalImage, port: int) -> Iterator[Served]:
        """What `ports` says is where a port answers; a container without one is over at once."""
        self._called("serving", f"{port} of {image.id}")
        where = self.ports.get(port, 0)
        yield Served("127.0.0.1", where, lambda: bool(where), lambda: "no server\n")

    def unpin(self, image: LocalImage | None = None) -> None:
        """Nothing is kept, so that this never fails."""
        with self._lock:
            self.calls.append(("unpin", str(image.id) if image else ""))

    def clear(self, token: str) -> None:
        """Take a dead run's temporary names away."""
        self._called("clear", token)
        for name in self.names():
            if name.rpartition(":")[2].startswith(prefix_of(token)):
                self.untag(Reference.parse(name))

    def close(self) -> None:
        """End builds that hang."""
        self._called("close", "")
        self._closed.set()

    # Inside

    def _called(self, verb: str, subject: str) -> None:
        with self._lock:
            self.calls.append((verb, subject))
        if self.is_down:
            raise EngineUnavailable(
                f"no engine answers at {self.info.address}", hint="it was told not to", engine=self.info.address
            )

    def _inspect(self, reference: str) -> ImageFacts | None:
        id_ = Digest(reference)
        if id_ not in self._images:
            found = self._names.get(Reference.parse(reference).canonical)
            found = found or next((i for i, digests in self._digests.items() if reference in digests), None)
            if found not in self._images:
                return None
            id_ = found
        made = self._images[id_]
        return ImageFacts(
            LocalImage(id_),
            made.layers,
            dict(made.config),
            made.platform,
            1000 * len(made.layers),
            tuple(self._digests.get(id_, ())),
        )

    def _keep(self, made: Made, reference: Reference) -> LocalImage:
        id_ = made.config_digest if self.info.store == "classic" else made.manifest.digest
        self._images[id_] = made
        self._names[reference.canonical] = id_
        return LocalImage(id_)

    def _inputs(self, request: BuildRequest) -> Digest:
        if self.making is not None:
            return canonical.digest(self.making(request))
        files = sorted(path for path in request.context.rglob("*") if path.is_file() and path != request.dockerfile)
        for key, image in request.pins.items():
            if image.id not in self._images:
                raise EngineProblem(
                    f"{request.tag} is to be built on {image.id.short} for {key}, and the engine has no such image"
                )
        return canonical.digest(
            {
                "dockerfile": sha256(request.dockerfile.read_bytes()),
                "context": [(str(file.relative_to(request.context)), sha256(file.read_bytes())) for file in files],
                "args": request.args,
                "pins": sorted((key, image.id) for key, image in request.pins.items()),
                "platform": request.platform,
                "stage": request.stage,
                "network": request.network,
            }
        )

    def _build(self, request: BuildRequest, inputs: Digest, watch: Callable[[BuildStep], None]) -> BuildResult:
        repository = str(request.tag.repository)
        if repository in self.failing:
            return BuildResult(None, 0.0, self.failing[repository], (self.failing[repository],))
        if self.flaky.get(repository, 0) > 0:
            self.flaky[repository] -= 1
            return BuildResult(None, 0.0, "RUN fetch: exit code 6")
        if repository in self.losing and request.use_cache:
            return BuildResult(None, 0.0, "exporting to image: snapshot x does not exist", is_lost=True)
        reader = Reader(request, self._inspect)
        is_cached = request.use_cache and inputs in self._built and repository not in self.shifting
        for name, failure, said in reader.steps():
            watch(BuildStep(name, "started"))
            state: StepState = "failed" if failure else "cached" if is_cached else "done"
            watch(BuildStep(name, state, 0.0 if state == "done" else None))
            if failure:
                return BuildResult(None, 0.0, f"{name}: {failure}", said)
        own: object = ["own", inputs]
        if repository in self.steady:
            own = ["steady", repository]
        if repository in self.shifting:
            own = ["shifting", inputs, len(self.calls)]
        platform = self.info.platform if self.ignoring_platforms else request.platform or self.info.platform
        config = {**reader.config, "Labels": {**(reader.config.get("Labels") or {}), **dict(request.labels)}}
        attested = [request.attestations, len(self.calls)] if request.attestations else None  # a time is in them
        made = make((*reader.layers, canonical.digest(own)), config, platform, attested)
        return BuildResult(self._keep(made, request.tag), 1.0)


class FakeInside:
    """A container that stays; `calls` of the engine has what ran in it as `exec`."""

    def __init__(self, engine: FakeEngine, image: LocalImage) -> None:
        self._engine = engine
        self._image = image
        self._put: dict[str, bytes] = {}

    def run(
        self, argv: Sequence[str], timeout_s: float, user: str = "", env: Sequence[tuple[str, str]] = ()
    ) -> RunResult:
        """As the engine's own."""
        words = [*(f"{name}={value}" for name, value in env), *argv]
        self._engine.calls.append(("exec", f"{user}: {' '.join(words)}" if user else " ".join(words)))
        return self._engine.answer(self._image, argv, timeout_s)

    def look(self, path: str) -> FileFacts | None:
        """What `files` says."""
        found = self._engine.files.get(path)
        return FileFacts("file", 0o644, 0, 0, len(found)) if isinstance(found, bytes) else found

    def read(self, path: str) -> bytes | None:
        """What was put there, else what `files` says."""
        found = self._put.get(path, self._engine.files.get(path))
        return found if isinstance(found, bytes) else None

    def put(self, files: Mapping[str, bytes]) -> None:
        """Keep them for this container."""
        self._put.update(files)


def _write(log: Path, *lines: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _refused(what: str, reference: Reference, said: str) -> RegistryRefused:
    host = reference.repository.host
    return RegistryRefused(f"{what}: {said}", hint=f"`docker login {host}`", address=host, status=None, words=said)
