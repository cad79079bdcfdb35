# SPDX-License-Identifier: MIT
"""Compose files: which services are built, from what, and what their images are called.

In:   the file's bytes
Out:  Builds, and notes on what cannot be taken over
Raises: FileProblem for what is no YAML, or has a wrong type where a build is described

Variables are replaced by their defaults only: what a shell or an `.env` file holds on one machine is
no part of the repository, and may be a secret.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from stackyard.load.yaml import Doc, read
from stackyard.model.proposal import Build

UNKNOWN = "\0"
"""Stands in a text for what is not known."""

_VARIABLE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)(?:(:?[-?+])([^{}]*))?\})")
_ADDRESS = re.compile(r"^(?:[a-z]+://|git@|github\.com/)")


def read_compose(data: bytes, path: str) -> tuple[list[Build], list[str]]:
    """Builds of one file, in its order."""
    notes: list[str] = []
    services = read(data, path).mapping("the file").get("services")
    entries = services.mapping("`services`") if services is not None else {}
    return [build for name, doc in entries.items() for build in _service(name, doc, path, notes)], notes


def _service(name: str, doc: Doc, path: str, notes: list[str]) -> Iterator[Build]:
    """The build of a service, if it has one."""
    values = doc.mapping(f"service {name!r}")
    if (section := values.get("build")) is None or section.value is None:
        return
    where = f"{path}:{section.line}: service {name!r}"
    build = {"context": section} if isinstance(section.value, str) else section.mapping("`build`")
    if "dockerfile_inline" in build:
        notes.append(f"{where} has its Dockerfile inline: give it a file of its own")
        return
    text, file = _text(build, "context") or ".", _text(build, "dockerfile") or "Dockerfile"
    folder = context_of(text, posixpath.dirname(path))
    if folder is None or UNKNOWN in file:
        notes.append(f"{where} {why_left_out(text, file)}")
        return
    dockerfile = posixpath.normpath(posixpath.join(folder, file))
    image = repository_of(_text(values, "image") or "")
    yield Build(
        source=path,
        name=name,
        dockerfile=dockerfile,
        context=folder,
        args=tuple(_arguments(build.get("args"), where, notes)),
        repositories=(image,) if image else (),
        aliases=tuple(_contexts(build.get("additional_contexts"), "service:")),
        stage=_text(build, "target"),
        platforms=tuple(build["platforms"].texts("`platforms`")) if "platforms" in build else (),
    )


def context_of(text: str, base: str) -> str | None:
    """A build context relative to the root of the repository; None for one that is not in it."""
    if UNKNOWN in text or _ADDRESS.match(text) or text.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(base, text))
    return None if path.split("/")[0] == ".." else path


def why_left_out(*texts: str) -> str:
    """What is wrong with texts that name no folder or file of the repository."""
    where = "what this file does not say" if any(UNKNOWN in text for text in texts) else "outside this repository"
    return f"builds from {where}: left out"


def repository_of(text: str) -> str | None:
    """The repository of a reference whose tag may be unknown; None where it is itself."""
    name = text.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    repository = head if colon and "/" not in tag else name
    return None if not repository or UNKNOWN in repository else repository.lower()


def interpolated(text: str) -> str:
    """A text with variables replaced by their defaults, or by the sign for what is not known."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if found[3] in (":-", "-"):
            return interpolated(found[4] or "")
        return "" if found[3] in (":+", "+") else UNKNOWN

    return _VARIABLE.sub(value, text)


def kept_arguments(pairs: Iterator[tuple[str, str | None]], where: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    """Arguments whose values are known; a note for each other."""
    for name, value in pairs:
        if value is None or UNKNOWN in value:
            notes.append(f"{where} takes the build argument {name} from outside: the Dockerfile's default is used")
        else:
            yield name, value


def _arguments(doc: Doc | None, where: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    """`args` as a mapping, or as a list of `NAME=value`."""
    pairs: list[tuple[str, str | None]] = []
    if doc is not None and isinstance(doc.value, list):
        for item in doc.texts("`args`"):
            name, equals, value = item.partition("=")
            pairs.append((name, interpolated(value) if equals else None))
    elif doc is not None:
        for name, value_doc in doc.mapping("`args`").items():
            is_given = value_doc.value is not None
            pairs.append((name, interpolated(value_doc.text(f"argument {name!r}")) if is_given else None))
    return kept_arguments(iter(pairs), where, notes)


def _contexts(doc: Doc | None, kind: str) -> Iterator[str]:
    """Pairs `name=other` of additional contexts that are other builds of the file: `name` is an alias of `other`."""
    if doc is None:
        return
    if isinstance(doc.value, list):
        pairs = [tuple(item.split("=", 1)) for item in doc.texts("additional contexts") if "=" in item]
    else:
        pairs = [(name, value.text("a context")) for name, value in doc.mapping("additional contexts").items()]
    for name, value in pairs:
        if value.startswith(kind):
            yield f"{name}={value.removeprefix(kind)}"


def _text(values: dict[str, Doc], key: str) -> str | None:
    doc = values.get(key)
    return None if doc is None or doc.value is None else interpolated(doc.text(f"`{key}`"))
