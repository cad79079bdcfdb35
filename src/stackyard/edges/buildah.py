# SPDX-License-Identifier: MIT
"""Buildah: images built, kept and run without a daemon, by one program that is started for each thing.

In:   environment (CONTAINERS_STORAGE_CONF, BUILDAH_ISOLATION, REGISTRY_AUTH_FILE, ...), requests
Out:  see edges/engine
Raises: EngineProblem, EngineUnavailable, RegistryUnreachable, RegistryRefused, ToolMissing
Beside: buildah_build (builds), transfers (registries), process (programs), podman (docker's requests, same store)

An id is the digest of a config, as on docker's classic store, so a record of one is good for the other. What
the store knows of an id never changes and is asked once; names are asked each time.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from stackyard.edges import buildah_build, podman
from stackyard.edges.auth import is_plain
from stackyard.edges.buildah_inside import BuildahInside, Kept
from stackyard.edges.containers import Containers
from stackyard.edges.docker_api import Api
from stackyard.edges.docker_context import Endpoint, config_folder
from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep, EngineInfo, Inside, RunResult, Served
from stackyard.edges.machine import free_bytes, runs
from stackyard.edges.patience import Patience
from stackyard.edges.process import TIMED_OUT, Processes, program_version
from stackyard.edges.traces import VARIABLE, prefix_of
from stackyard.edges.transfers import Client, Transfers
from stackyard.errors import EngineProblem, EngineUnavailable, InvalidValue, NotTestable, ToolMissing
from stackyard.model.building import CacheKinds, NoWay, buildah_way, cache_kinds
from stackyard.model.content import ImageFacts
from stackyard.model.names import Digest
from stackyard.model.reference import LocalImage, Platform, Reference

NOT_FOUND, NOT_EXECUTABLE = 127, 126

_ITS_OWN = re.compile(
    r"Error: (while running runtime: )?exit status \d+|subprocess exited (with status|on) .*|container exited on .*"
    r'|time="[^"]*" level=\w+ msg=.*|: exit status \d+|error running container: .*|process failed to start .*'
)
"""What buildah says after the output of a command that went wrong."""
_NO_COMMAND = re.compile(r'exec: \\?"([^"\\]*)\\?": (.*?)(?:"|process exited|$)')
_CDI = ("/etc/cdi", "/var/run/cdi")
"""Where a machine says which devices containers may have."""
_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class _Known(NamedTuple):
    """What never changes of an image."""

    facts: ImageFacts
    is_fetched: bool
    """Whether its manifest is a registry's. What was built here has a manifest and its digest, too: nobody's."""


class BuildahEngine:
    """The store that `buildah` has with a given environment. May be used from several threads.

    Args:
        environ: usually os.environ; decides which store, as it does for podman.
        patience: with registries.
    """

    def __init__(self, environ: Mapping[str, str], patience: Patience | None = None) -> None:
        self._environ = settled(environ)
        self._processes = Processes(self._environ)
        self._transfers = Transfers(self._processes, lambda: None, patience or Patience(), client(environ))
        self._containers: set[str] = set()
        self._prefix = prefix_of(environ.get(VARIABLE, ""))
        self._known: dict[Digest, _Known] = {}
        self._pushed: dict[Digest, set[str]] = {}
        self._about: EngineInfo | None = None
        self._lock = threading.Lock()
        self._closed = False

    def about(self) -> EngineInfo:
        """See Engine.about. Asked once. The address is podman's, where it serves the same store; else empty."""
        with self._lock:
            if self._about is None:
                version = program_version(self._processes, "buildah", "--version")
                if isinstance(way := buildah_way(version), NoWay):
                    raise ToolMissing(way.sentence, hint=way.hint, program=way.program)
                host, store = self._info()["host"], self._info()["store"]
                self._about = EngineInfo(
                    name=f"buildah {version}",
                    store="buildah",
                    platform=Platform(f"{host['os']}/{host['arch']}"),
                    address=podman.serving(self._environ, str(store["GraphRoot"])) or "",
                )
            return self._about

    def folder(self) -> str:
        """Where images are kept."""
        return str(self._info()["store"]["GraphRoot"])

    @contextlib.contextmanager
    def save(self, image: LocalImage) -> Iterator[BinaryIO]:
        """See Engine.save. Through a file: buildah writes no archive into a pipe."""
        with tempfile.TemporaryDirectory(prefix="stackyard-") as folder:
            archive = Path(folder) / "image.tar"
            code, words = self._processes.output(["buildah", "push", image.id.hex, f"docker-archive:{archive}"])
            if code:
                said = next((line for line in reversed(words) if line.strip()), "buildah says no more")
                raise EngineProblem(f"{image.id.short} cannot be saved: {said}", engine=self.about().name)
            with open(archive, "rb") as file:
                yield file

    def free_bytes(self) -> int | None:
        """See Engine.free_bytes."""
        return free_bytes(self.folder())

    def caches(self) -> CacheKinds:
        """See Engine.caches."""
        return cache_kinds("buildah", "buildah")

    def attests(self) -> bool:
        """See Engine.attests."""
        return False

    def present(self, of: Collection[Digest] | None = None) -> frozenset[Digest]:  # noqa: ARG002 - its list costs nothing
        """See Engine.present."""
        return frozenset(Digest(image["id"]) for image in self._listed())

    def inspect(self, reference: str) -> ImageFacts | None:
        """See Engine.inspect."""
        listed = _found(self._listed(), reference)
        if listed is None:
            return None
        id_ = Digest(listed["id"])
        known = self._known.get(id_) or self._asked(id_)
        if known is None:
            return None
        self._known[id_] = known
        fetched = _repository_digests(listed) if known.is_fetched else ()
        return msgspec.structs.replace(
            known.facts,
            size_bytes=_bytes(str(listed.get("size", ""))),
            repository_digests=tuple(sorted({*fetched, *self._pushed.get(id_, ())})),
        )

    def tag(self, image: LocalImage, reference: Reference) -> None:
        """See Engine.tag."""
        code, words = self._processes.output(["buildah", "tag", image.id.hex, reference.canonical])
        if code:
            why = "the engine has no such image" if "not known" in _last(words) else _last(words)
            raise EngineProblem(f"{image.id.short} cannot be named {reference}: {why}", engine="buildah")

    def untag(self, reference: Reference) -> None:
        """See Engine.untag."""
        code, words = self._processes.output(["buildah", "rmi", reference.canonical])
        if code and "not known" not in " ".join(words):
            raise EngineProblem(f"the name {reference} cannot be taken away: {_last(words)}", engine="buildah")

    def platforms(self) -> tuple[Platform, ...]:
        """See Engine.platforms. Containers are this machine's own."""
        return runs(self.about().platform)

    def pull(self, reference: Reference, platform: Platform | None = None) -> LocalImage:
        """See Engine.pull."""
        self._transfers.pull(reference, platform)
        facts = self.inspect(str(reference))
        if facts is None:
            raise EngineProblem(f"{reference} was pulled, and the engine does not know it", engine="buildah")
        return facts.image

    def push(self, reference: Reference, log: Path) -> None:
        """See Engine.push."""
        facts = self.inspect(str(reference))
        if facts is None:
            raise EngineProblem(f"{reference} cannot be pushed: the engine has no image of this name")
        log.parent.mkdir(parents=True, exist_ok=True)
        digest = log.with_name(f"{log.name}-{secrets.token_hex(4)}.digest")
        try:
            self._transfers.push(reference, log, ("--digestfile", str(digest)))
            pushed = f"{reference.repository.canonical}@{Digest.parse(digest.read_text().strip())}"
        finally:
            digest.unlink(missing_ok=True)
        with self._lock:
            self._pushed.setdefault(facts.image.id, set()).add(pushed)

    def build(self, request: BuildRequest, log: Path, watch: Callable[[BuildStep], None]) -> BuildResult:
        """See Engine.build."""
        return buildah_build.build(self, self._processes, request, log, watch, self.about().platform)

    def run(self, image: LocalImage, argv: Sequence[str], timeout_s: float) -> RunResult:
        """See Engine.run."""
        started, said = time.monotonic(), Kept()
        with self._container(image, argv) as name:
            # Without root buildah warns of what it does without: no word of the command's.
            words = ["buildah", "--log-level=error", "run", name, "--", *argv]
            code = self._processes.follow(words, said.take, timeout_s=timeout_s)
        ended = _ended(argv[0], code, said.lines, time.monotonic() - started)
        return msgspec.structs.replace(ended, output=f"{ended.output}{said.end}")

    @contextlib.contextmanager
    def inside(self, image: LocalImage, wants_gpu: bool = False) -> Iterator[Inside]:
        """See Engine.inside. GPUs are what the machine tells of them by CDI."""
        devices = ["--device", "nvidia.com/gpu=all"] if wants_gpu and any(map(_has_gpus, _CDI)) else []
        with self._container(image, ("a check",), devices) as name:
            yield BuildahInside(self._processes, name, self._prefix, _ended)

    @contextlib.contextmanager
    def serving(self, image: LocalImage, port: int) -> Iterator[Served]:
        """See Engine.serving: podman does it, where it serves the same store."""
        address = self.about().address
        if not address:
            raise NotTestable(
                f"port {port} cannot be checked here: buildah starts no container as it is declared",
                hint="podman's socket does: `systemctl --user start podman.socket`, as root without --user",
                engine="buildah",
            )
        token = self._environ.get(VARIABLE, "")
        with Containers(Api(Endpoint(address), self._processes), token).serving(image, port) as served:
            yield served

    def open(self, image: LocalImage, argv: Sequence[str]) -> int:
        """See Engine.open."""
        terminal = ["--terminal"] if os.isatty(0) and os.isatty(1) else []
        with self._container(image, argv) as name:
            return self._processes.attach(["buildah", "run", *terminal, name, "--", *argv])

    @contextlib.contextmanager
    def _container(self, image: LocalImage, argv: Sequence[str], options: Sequence[str] = ()) -> Iterator[str]:
        """A fresh container of the image for a command; it is gone afterwards."""
        name = f"{self._prefix}{secrets.token_hex(8)}"
        self._containers.add(name)
        try:
            code, words = self._processes.output(
                ["buildah", "from", "--pull=never", *options, "--name", name, image.id.hex]
            )
            if code:
                raise EngineProblem(f"{argv[0]} cannot be run in {image.id.short}: {_last(words)}", engine="buildah")
            yield name
        except EngineProblem as problem:
            if self._closed:
                raise EngineProblem(f"{argv[0]} was stopped before its end") from problem
            raise
        finally:
            self._remove(self._processes, name)

    def unpin(self, image: LocalImage | None = None) -> None:
        """See Engine.unpin. Builds find images by their ids: nothing is kept."""

    def clear(self, token: str) -> None:
        """See Engine.clear."""
        prefix = prefix_of(token)
        _, words = self._processes.output(["buildah", "containers", "--json"])
        for told in _json(words) or ():
            if told["containername"].startswith(prefix):
                self._remove(self._processes, told["containername"])
        for image in self._listed():
            for name in image.get("names") or ():
                if name.rpartition(":")[2].startswith(prefix):
                    self.untag(Reference.parse(name))

    def close(self) -> None:
        """See Engine.close."""
        self._closed = True
        self._processes.close()
        after = Processes(self._environ)
        for name in list(self._containers):
            self._remove(after, name)

    def ping(self) -> None:
        """Nobody has to answer."""

    def _remove(self, processes: Processes, name: str) -> None:
        try:
            processes.output(["buildah", "rm", name])
        except EngineProblem:
            return  # it is being stopped, and `close` removes it
        self._containers.discard(name)

    def _info(self) -> Any:
        code, words = self._processes.output(["buildah", "info"])
        if code:
            raise EngineUnavailable(
                f"buildah cannot open its store: {_last(words)}",
                hint="`buildah info` says more; without root it needs newuidmap and entries in /etc/subuid",
                engine="buildah",
            )
        return _json(words)

    def _listed(self) -> list[dict[str, Any]]:
        code, words = self._processes.output(["buildah", "images", "--all", "--no-trunc", "--digests", "--json"])
        if code:
            raise EngineProblem(f"buildah does not list its images: {_last(words)}", engine="buildah")
        return _json(words) or []

    def _asked(self, id_: Digest) -> _Known | None:
        """What an image is; None if it went away meanwhile."""
        code, words = self._processes.output(["buildah", "inspect", "--type", "image", id_.hex])
        if code and "not known" not in " ".join(words):
            raise EngineProblem(f"buildah does not say what {id_.short} is: {_last(words)}", engine="buildah")
        return None if code else _known(id_, _json(words))


def _has_gpus(folder: str) -> bool:
    return any("nvidia" in path.name for path in Path(folder).glob("*"))


def settled(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment as buildah can take it: it fails where DOCKER_CONFIG names a folder without logins."""
    kept = dict(environ)
    if "DOCKER_CONFIG" in kept and not (config_folder(environ) / "config.json").exists():
        del kept["DOCKER_CONFIG"]
    return kept


def client(environ: Mapping[str, str]) -> Client:
    """How buildah pushes and pulls."""

    def transfer(verb: str, reference: Reference) -> list[str]:
        # As docker does, and no setting has to say: what this machine offers itself needs no certificate.
        checks = ["--tls-verify=false"] if is_plain(reference.repository.host, environ) else []
        # One try each: we count and tell our own.
        return ["buildah", verb, "--retry", "0", *checks]

    def pull(reference: Reference, extra: Sequence[str]) -> list[str]:
        return [*transfer("pull", reference), "--quiet", *extra, reference.canonical]

    def push(reference: Reference, extra: Sequence[str]) -> list[str]:
        return [*transfer("push", reference), *extra, reference.canonical, f"docker://{reference.canonical}"]

    return Client("buildah", pull, push, "REGISTRY_AUTH_FILE")


def _found(listed: Sequence[Mapping[str, Any]], reference: str) -> Mapping[str, Any] | None:
    """The entry of an id or a name."""
    try:
        id_ = Digest.parse(reference)
    except InvalidValue:
        return _named(listed, Reference.parse(reference))
    return next((image for image in listed if image["id"] == id_), None)


def _named(listed: Sequence[Mapping[str, Any]], reference: Reference) -> Mapping[str, Any] | None:
    names = [reference.canonical]
    if reference.repository.declared_host is None:
        names.append(f"localhost/{reference.repository}:{reference.tag or 'latest'}")  # what `podman build` calls it
    for name in names:
        for image in listed:
            if name in (image.get("names") or ()):
                return image
    if reference.digest is None:
        return None
    ours = f"{reference.repository.canonical}:"
    here = (image for image in listed if image.get("digest") == reference.digest)
    return next((image for image in here if any(name.startswith(ours) for name in image.get("names") or ())), None)


def _repository_digests(listed: Mapping[str, Any]) -> list[str]:
    """Where a fetched image came from."""
    found = []
    for name in listed.get("names") or ():
        repository = Reference.parse(name).repository
        if repository.host != "localhost":
            found.append(f"{repository}@{listed['digest']}")
    return found


def _known(id_: Digest, told: Mapping[str, Any]) -> _Known:
    config = msgspec.json.decode(told["Config"])
    platform = "/".join(filter(None, (config.get("os"), config.get("architecture"), config.get("variant"))))
    manifest = msgspec.json.decode(told.get("Manifest") or b"{}")
    is_fetched = any(str(layer["mediaType"]).endswith(("gzip", "zstd")) for layer in manifest.get("layers") or ())
    facts = ImageFacts(
        image=LocalImage(id_),
        layers=tuple(Digest(layer) for layer in config.get("rootfs", {}).get("diff_ids") or ()),
        config=config.get("config") or {},
        platform=Platform(platform or "linux/amd64"),
        size_bytes=0,
    )
    return _Known(facts, is_fetched)


def _ended(program: str, code: int, lines: list[str], duration_s: float) -> RunResult:
    """The command's own output and code, without buildah's last words about it."""
    kept, words = list(lines), []
    while code and kept and _ITS_OWN.fullmatch(kept[-1]):
        words.append(kept.pop())
    if code not in (0, TIMED_OUT) and (found := _NO_COMMAND.search(" ".join(words))) and found[1] == program:
        code = NOT_EXECUTABLE if "permission denied" in found[2] else NOT_FOUND
        kept.append(f"{program}: {found[2].strip()}")
    return RunResult(code, "".join(f"{line}\n" for line in kept), duration_s)


def _bytes(size: str) -> int:
    """`2.13 MB` as buildah prints it, in three digits.

    >>> _bytes("2.13 MB"), _bytes("")
    (2130000, 0)
    """
    number, _, unit = size.partition(" ")
    return round(float(number) * _UNITS.get(unit, 1)) if number else 0


def _json(words: Sequence[str]) -> Any:
    """JSON among lines of warnings."""
    start = next((at for at, line in enumerate(words) if line[:1] in "[{" and line), None)
    if start is None:
        return None
    return msgspec.json.decode("\n".join(words[start:]))


def _last(words: Sequence[str]) -> str:
    said = next((line.strip() for line in reversed(words) if line.strip()), "no reason given")
    return said.removeprefix("Error: ")
