# SPDX-License-Identifier: MIT
"""`versions.yaml` of one image, in all its shapes: versions, their build arguments, what each is built on.

In:   the file's bytes; its ancestor `info.yaml` too, which also holds the stamps
Out:  VersionsFile, and findings for what is odd or contradicts itself
Raises: FileProblem for a wrong type, or a version that can be no name

Keys and values are text as written, in file order: the first version has a meaning to its readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.spec.quoting import composed, own_entries, unquoted_versions
from stackyard.load.spec.stamps import StampEntry, Stamps
from stackyard.load.yaml import Doc, read
from stackyard.model.names import ImageName, VersionName, nearest
from stackyard.model.reference import Reference
from stackyard.model.stack import Finding

ENTRY_KEYS = ("docker_args", "base_image")
BASE_KEYS = ("name", "source")
BASE_IMAGE = "BASE_IMAGE"
PYTHON_VERSION = "PYTHON_VERSION"
ANCESTOR_KEY = "versions"
"""The one key by which info.yaml is known."""
STAMP_KEY = "last_updated"

_WINDOWS = re.compile(r"windowsservercore|nanoserver|servercore|(^|/)mcr\.microsoft\.com/windows[/:@]", re.I)
_PYTHON = re.compile(r"(?:py(?:thon)?-?)?([23](?:\.[0-9]+)*)(?![0-9])")
"""A text that begins with a Python version. Versions of other things (`12.4`), and `py38`, say nothing sure."""

BaseSource = Literal["aws", "local"]
"""Under which name another image of the stack is meant: its private ECR repository, or its local one."""


class BaseImage(msgspec.Struct, frozen=True):
    """Another image of the stack, at the same version: `base_image:`."""

    name: ImageName
    source: BaseSource
    line: int


class Version(msgspec.Struct, frozen=True):
    """One way to build the image: an entry of the file."""

    name: VersionName
    line: int
    docker_args: tuple[tuple[str, str], ...] = ()
    base_image: BaseImage | None = None
    last_updated: str | None = None
    """Its stamp, in info.yaml only."""
    last_updated_line: int | None = None

    @property
    def base(self) -> str | None:
        """The reference in its BASE_IMAGE argument, or None."""
        return dict(self.docker_args).get(BASE_IMAGE)

    @property
    def is_windows(self) -> bool:
        """Whether its BASE_IMAGE is a Windows image; a base of the stack is not looked through."""
        return self.base is not None and is_windows(self.base)


class VersionsFile(msgspec.Struct, frozen=True):
    """A whole file, versions in file order."""

    path: str
    versions: tuple[Version, ...]
    is_ancestor: bool = False
    """Whether it is an info.yaml: then it holds the stamps, and no last_updated.yaml stands beside it."""

    @property
    def names(self) -> tuple[VersionName, ...]:
        """All versions, the first one first."""
        return tuple(version.name for version in self.versions)

    @property
    def stamps(self) -> Stamps:
        """What info.yaml knows of stamps; nothing for versions.yaml."""
        return Stamps(
            self.path,
            tuple(
                StampEntry(version.name, version.last_updated, version.last_updated_line or version.line)
                for version in self.versions
                if version.last_updated_line is not None
            ),
        )

    def version(self, name: str) -> Version:
        """The entry called `name`; KeyError if there is none."""
        for version in self.versions:
            if version.name == name:
                return version
        raise KeyError(name)


def is_windows(reference: str) -> bool:
    """Whether a base image is one of Windows, by its name."""
    return bool(_WINDOWS.search(reference))


def read_versions(data: bytes, path: str) -> tuple[VersionsFile, tuple[Finding, ...]]:
    """Read one versions.yaml or info.yaml; `path` is what messages call it."""
    top = read(data, path)
    entries = top.mapping("the file")
    node = composed(data.decode("utf-8-sig"))
    findings: list[Finding] = []
    is_ancestor = ANCESTOR_KEY in entries
    if is_ancestor:
        findings.extend(_unknown_keys(top, (ANCESTOR_KEY,), "the file"))
        node = next((value for key, value in own_entries(node) if key.value == ANCESTOR_KEY), None)
        top = entries[ANCESTOR_KEY]
        entries = top.mapping(f"`{ANCESTOR_KEY}`")
    findings.extend(unquoted_versions(node, path))
    versions = _all(top, entries, is_ancestor, findings)
    if not versions:
        hint = 'add one: "3.12": with its docker_args below'
        findings.append(Finding("no-versions", "warning", "the file names no version", path, top.line, hint=hint))
    return VersionsFile(path, versions, is_ancestor), tuple(findings)


def versions_in(doc: Doc, where: str) -> tuple[VersionsFile, tuple[Finding, ...]]:
    """The same mapping as a part of another file: `versions:` of an image in spec.yml."""
    findings: list[Finding] = []
    return VersionsFile(doc.path, _all(doc, doc.mapping(where), False, findings)), tuple(findings)


def _all(top: Doc, entries: Mapping[str, Doc], is_ancestor: bool, findings: list[Finding]) -> tuple[Version, ...]:
    return tuple(
        _version(name, doc, top.key_lines.get(name, doc.line), is_ancestor, findings)
        for name, doc in entries.items()
        if not name.startswith("x-")
    )


def _version(name: str, doc: Doc, line: int, is_ancestor: bool, findings: list[Finding]) -> Version:
    if name in (*ENTRY_KEYS, STAMP_KEY):
        hint = f'indent it below its version: "3.12": and then `{name}:`'
        raise FileProblem(doc.path, line, f"`{name}` stands where a version belongs", hint=hint)
    if not VersionName.form.fullmatch(name):
        raise FileProblem(doc.path, line, f"{name!r} is not a valid version name", hint=VersionName.hint)
    where = f"version {name!r}"
    entries = doc.mapping(where)
    findings.extend(_unknown_keys(doc, (*ENTRY_KEYS, STAMP_KEY) if is_ancestor else ENTRY_KEYS, where))
    args = _docker_args(entries["docker_args"], where, findings) if "docker_args" in entries else {}
    if "base_image" in entries and BASE_IMAGE in args:
        findings.append(_two_bases(doc, where))
    stamp = entries.get(STAMP_KEY) if is_ancestor else None
    version = Version(
        VersionName(name),
        line,
        docker_args=tuple((key, text) for key, (text, _) in args.items()),
        base_image=_base_image(entries["base_image"], doc, where, findings) if "base_image" in entries else None,
        last_updated=None if stamp is None or stamp.value is None else stamp.text(f"`{STAMP_KEY}` of {where}"),
        last_updated_line=None if stamp is None else doc.key_lines.get(STAMP_KEY, stamp.line),
    )
    findings.extend(_contradictions(version, args, doc.path))
    return version


def _docker_args(doc: Doc, where: str, findings: list[Finding]) -> dict[str, tuple[str, int]]:
    """Each argument's text and line; one without a value is empty, and an error."""
    args = {}
    for key, value in doc.mapping(f"`docker_args` of {where}").items():
        line = doc.key_lines.get(key, value.line)
        if value.value is None:
            findings.append(
                Finding(
                    "argument-without-value",
                    "error",
                    f"argument {key!r} of {where} has no value",
                    doc.path,
                    line,
                    hint=f'write {key}: "" if it should be empty, or "null" if that word is meant',
                )
            )
            args[key] = ("", line)
        else:
            args[key] = (value.text(f"argument {key!r} of {where}"), line)
    return args


def _base_image(doc: Doc, entry: Doc, where: str, findings: list[Finding]) -> BaseImage | None:
    """What `base_image` names, or None and an error that says what is wrong with it."""
    what = f"`base_image` of {where}"
    entries = doc.mapping(what)
    findings.extend(_unknown_keys(doc, BASE_KEYS, what))
    line = entry.key_lines.get("base_image", doc.line)
    name = _text(entries, "name", what)
    source = _text(entries, "source", what)
    if name is None or not ImageName.form.fullmatch(name):
        sentence = f"{what} has no `name`" if name is None else f"{what} names {name!r}, which is no image name"
        hint = "the name is the folder of another image; its version is the same as here"
        at = doc.key_lines.get("name", line)
        findings.append(Finding("base-image-name", "error", sentence, doc.path, at, hint=hint))
        return None
    known: tuple[BaseSource, ...] = get_args(BaseSource)
    for one in known:
        if source == one:
            return BaseImage(ImageName(name), one, line)
    sentence = f"{what} has no `source`" if source is None else f"{what} has the source {source!r}"
    near = nearest((source or "").lower(), list(known))
    findings.append(
        Finding(
            "base-image-source",
            "error",
            f"{sentence}; it is aws or local",
            doc.path,
            doc.key_lines.get("source", line),
            hint=f"did you mean {near!r}?" if near else "aws is the private ECR repository, local what the engine has",
        )
    )
    return None


def _text(entries: Mapping[str, Doc], key: str, what: str) -> str | None:
    """The text under `key`; None if it is not there or empty."""
    if key not in entries or entries[key].value is None:
        return None
    return entries[key].text(f"`{key}` in {what}") or None


def _two_bases(doc: Doc, where: str) -> Finding:
    return Finding(
        "two-bases",
        "error",
        f"{where} has a `base_image`, and {BASE_IMAGE} in its `docker_args`: one of them would be lost",
        doc.path,
        doc.key_lines.get("base_image", doc.line),
        hint=f"`base_image` sets {BASE_IMAGE}: keep the one that is meant",
    )


def _contradictions(version: Version, args: Mapping[str, tuple[str, int]], path: str) -> Iterator[Finding]:
    """Arguments that say another Python than the version's name: mostly a line that was copied and not changed."""
    for key, found in ((PYTHON_VERSION, _python_of_text), (BASE_IMAGE, _python_of_base)):
        if key not in args:
            continue
        text, line = args[key]
        said = found(text)
        if said and _differs(said, str(version.name)):
            yield Finding(
                "version-contradicts",
                "warning",
                f"version {version.name!r} is built with Python {said}, says its argument {key}",
                path,
                line,
                hint=f"one of the two was forgotten: the version is {version.name}, {key} says {said}",
            )


def _python_of_text(text: str) -> str | None:
    found = _PYTHON.match(text)
    return found[1] if found else None


def _python_of_base(text: str) -> str | None:
    """The Python in a base's tag: of an image called python, or in a tag made like `py3.8.3-...`."""
    try:
        reference = Reference.parse(text)
    except InvalidValue:
        return None
    is_python = reference.repository.rpartition("/")[2] == "python"
    tag = str(reference.tag or "")
    return _python_of_text(tag) if is_python or tag.startswith("py") else None


def _differs(said: str, version: str) -> bool:
    """Whether two versions cannot both be true: `3.13.3` says more than `3.13`, and nothing else."""
    named = _python_of_text(version)
    if named is None:
        return False
    return any(one != other for one, other in zip(said.split("."), named.split("."), strict=False))


def _unknown_keys(doc: Doc, known: tuple[str, ...], where: str) -> list[Finding]:
    found = []
    for key in doc.mapping(where):
        if key in known or key.startswith("x-"):
            continue
        near = nearest(key, list(known))
        hint = f"did you mean {near!r}?" if near else "keys of your own start with 'x-'"
        if key == STAMP_KEY:
            hint = "stamps stand in last_updated.yaml, beside this file"
        line = doc.key_lines.get(key, doc.line)
        sentence = f"{where} has a key {key!r} that nothing reads"
        found.append(Finding("unknown-key", "warning", sentence, doc.path, line, hint=hint))
    return found
