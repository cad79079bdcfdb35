# SPDX-License-Identifier: MIT
"""Build on exactly the parents that were planned, on every kind of store, without asking a registry.

In:   BuildRequest.pins
Out:  named build contexts; where these cannot be used, a copy of the Dockerfile with one reference replaced
Why:  each pin gets, for the time of the run, a name of its own at an address where nobody can listen.
      A containerd store looks for a context's image in its registry first and takes what it finds there,
      whatever is in the store under the same name (buildx 0.13, Docker 26); a digest in place of the
      tag is not found on a classic store, and on the other only by luck. A name that no registry can
      answer for is found in the store, at once, on both.
Beside: edges/buildx
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from stackyard.edges.engine import BuildRequest
from stackyard.errors import EngineProblem, EngineUnavailable, InvalidValue
from stackyard.model.content import ImageFacts
from stackyard.model.dockerfile import expand
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import LocalImage, Reference, Repository

PRIVATE = Repository("127.0.0.1:0/stackyard/pin")
"""Port 0 is nobody's: a connection to it is refused before it leaves the engine."""

_GAP = r"(?:[ \t]|\\\r?\n)+"
_FROM = re.compile(
    rf"^([ \t]*FROM{_GAP}(?:--\S+{_GAP})*)(\S+)({_GAP}AS{_GAP}(\S+))?(?=[ \t\r]*$)", re.IGNORECASE | re.MULTILINE
)
_OTHER = rf"^([ \t]*(?:ONBUILD{_GAP})?(?:COPY|ADD|RUN))((?:{_GAP}--\S+)+)"
_USES = re.compile(f"{_FROM.pattern}|{_OTHER}", re.IGNORECASE | re.MULTILINE)
_FLAG = re.compile(r"(--from=|--mount=(?:[^\s,]+,)*from=)([^,\s]+)", re.IGNORECASE)
_ARG = re.compile(r"^[ \t]*ARG[ \t]+(\w+)(?:=(.*?))?[ \t\r]*$", re.IGNORECASE | re.MULTILINE)


Name = Reference | Digest
"""What an engine finds a pinned image by: a private name, or the id itself."""


class Pinned(msgspec.Struct, frozen=True):
    """What buildx is given so that it builds on the planned parents."""

    dockerfile: Path
    contexts: tuple[tuple[str, Name], ...]
    replaced: frozenset[str] = frozenset()
    """Names that the Dockerfile used and its copy does not."""

    def covers(self, name: str) -> bool:
        """Whether `name` was to be replaced: the engine must never look it up itself."""
        return match_name(name) in {match_name(key) for key, _ in self.contexts} | self.replaced


class Names(Protocol):
    """The part of an engine's store that gives and takes names."""

    def tag(self, image: LocalImage, reference: Reference) -> None:
        """As Engine.tag."""

    def untag(self, reference: Reference) -> None:
        """As Engine.untag."""


class Pins:
    """The private names of one engine's pins: one for each image, kept for the builds after. Safe for threads.

    Giving and taking a name are two requests that write to the store's disk; a parent's children share one.
    """

    is_outside = False
    """Whether the builder does not see the engine's store."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._given: dict[Digest, Reference] = {}
        self._lock = threading.Lock()

    def of(self, request: BuildRequest) -> list[tuple[str, Reference]]:
        """A private name for each pin of a request.

        Raises:
            EngineProblem: a pin's image is not in the store; nothing is built then.
        """
        return [(key, self._name(image, request)) for key, image in request.pins.items()]

    def _name(self, image: LocalImage, request: BuildRequest) -> Reference:
        with self._lock:
            private = self._given.get(image.id)
            if private is None:
                private = Reference(PRIVATE, Tag(f"{request.tag.tag}-{secrets.token_hex(6)}"))
                self._give(image, private, request)
                self._given[image.id] = private
            return private

    def source(self, private: Reference) -> str:
        """What a named context is told that stands for a pin."""
        return f"docker-image://{private}"

    def _give(self, image: LocalImage, private: Reference, request: BuildRequest) -> None:
        try:
            self._names.tag(image, private)
        except EngineUnavailable:
            raise
        except EngineProblem as problem:
            raise _gone(image, request) from problem

    def _take(self, private: Reference) -> None:
        with contextlib.suppress(EngineProblem):  # an engine that is gone is told of elsewhere
            self._names.untag(private)

    def let_go(self, image: LocalImage | None = None) -> None:
        """Take the name of an image away, or all."""
        with self._lock:
            chosen = [id_ for id_ in self._given if image is None or id_ == image.id]
            for private in [self._given.pop(id_) for id_ in chosen]:
                self._take(private)


class Store(Protocol):
    """The part of an engine's store that tells what is there."""

    def inspect(self, reference: str) -> ImageFacts | None:
        """As Engine.inspect."""


def found_pins(names: Store, request: BuildRequest) -> Iterator[tuple[str, ImageFacts]]:
    """What each pin of a request is; EngineProblem at one that is not in the store."""
    for key, image in request.pins.items():
        facts = names.inspect(str(image.id))
        if facts is None:
            raise _gone(image, request)
        yield key, facts


def _gone(image: LocalImage, request: BuildRequest) -> EngineProblem:
    return EngineProblem(
        f"{request.tag} is to be built on {image.id}, and the engine has no such image",
        hint="plan again: the image was removed after it was planned",
    )


def stage_names(text: str) -> dict[str, str]:
    """Names of a Dockerfile's stages: as they are compared, and as they are written."""
    return {match_name(found[4]): found[4] for found in _FROM.finditer(text) if found[4]}


def apart(
    dockerfile: Path,
    contexts: Sequence[tuple[str, Name]],
    args: Mapping[str, str],
    folder: Path,
    has_contexts: bool = True,
    is_outside: bool = False,
) -> Pinned:
    """The pins as docker can take them.

    A named context replaces stages of that name too: with `FROM base AS base`, everything the
    stage does would be left out without a word. There the reference is replaced in a copy of the
    Dockerfile, which has the same ignore file beside it.

    Args:
        is_outside: the builder cannot find what has a private name: that is a named context, too.
    """
    text = dockerfile.read_text("utf-8", "surrogateescape")
    stages = stage_names(text)
    clashing = {match_name(key): private for key, private in contexts if not has_contexts or match_name(key) in stages}
    if not clashing:
        return Pinned(dockerfile, tuple(contexts))
    copy = folder / "Dockerfile"
    copy.write_text(
        _replaced(text, clashing, _globals(text, args), everywhere=not has_contexts), "utf-8", "surrogateescape"
    )
    ignore = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    if ignore.exists():
        shutil.copyfile(ignore, folder / "Dockerfile.dockerignore")
    left = tuple((key, private) for key, private in contexts if match_name(key) not in clashing)
    again = tuple((str(private), private) for private in clashing.values()) if is_outside else ()
    return Pinned(copy, left + again, frozenset(clashing))


def match_name(name: str) -> str:
    """The form in which BuildKit compares names of contexts: short, without `latest`, in lower case.

    >>> match_name("docker.io/library/debian:latest"), match_name("127.0.0.1:5000/a:1")
    ('debian', '127.0.0.1:5000/a:1')
    """
    try:
        reference = Reference.parse(name.lower())
    except InvalidValue:
        return name.lower()
    repository = reference.repository
    path = repository.path if repository.host == "docker.io" else repository.canonical
    tag = None if reference.tag == "latest" and not reference.digest else reference.tag
    return str(Reference(Repository(path.removeprefix("library/")), tag, reference.digest))


def _globals(text: str, args: Mapping[str, str]) -> dict[str, str]:
    """Values of the arguments before the first `FROM`."""
    first = _FROM.search(text)
    values: dict[str, str] = {}
    for found in _ARG.finditer(text, 0, first.start() if first else len(text)):
        name, default = found[1], found[2]
        if name in args:
            values[name] = args[name]
        elif default is not None:
            values[name] = expand(default, values)
    return values


def _replaced(text: str, clashing: Mapping[str, Name], values: Mapping[str, str], everywhere: bool) -> str:
    """The text with each `FROM NAME` replaced, up to the stage that takes the name over.

    Args:
        everywhere: also `COPY --from=NAME` and `RUN --mount=from=NAME`.
    """
    taken: set[str] = set()

    def private_name(written: str) -> Name | None:
        name = match_name(written)
        return None if name in taken else clashing.get(name)

    def in_flag(found: re.Match[str]) -> str:
        private = private_name(found[2])
        return found[0] if private is None else f"{found[1]}{private}"

    def replace(found: re.Match[str]) -> str:
        if found[2] is None:
            return found[5] + _FLAG.sub(in_flag, found[6]) if everywhere else found[0]
        private = private_name(expand(found[2], values))
        if found[4]:
            taken.add(match_name(found[4]))
        return found[0] if private is None else f"{found[1]}{private}{found[3] or ''}"

    return _USES.sub(replace, text)
