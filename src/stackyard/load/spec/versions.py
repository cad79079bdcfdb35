# SPDX-License-Identifier: MIT
"""`versions.yaml` of one image, in all its shapes: versions, their build arguments, what each is built on.

In:   the file's bytes; its ancestor `info.yaml` too, which also holds the stamps
Out:  VersionsFile, and findings for what is odd or contradicts itself
Raises: FileProblem for a file that as a whole is no such mapping

Keys and values are text as written, in file order: the first version has a meaning to its readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, get_args

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.spec.collect import Collector
from stackyard.load.spec.quoting import composed, own_entries, unquoted_versions
from stackyard.load.spec.stamps import StampEntry, Stamps
from stackyard.load.spec.values import BASE_IMAGE
from stackyard.load.yaml import Doc, read
from stackyard.model.names import ImageName, VersionName, nearest
from stackyard.model.reference import Reference, is_windows
from stackyard.model.spot import Spot, Spots
from stackyard.model.stack import Finding

ENTRY_KEYS = ("docker_args", "base_image")
BASE_KEYS = ("name", "source")
OTHER_WORDS = {"args": "docker_args", "build_args": "docker_args"}
PYTHON_VERSION = "PYTHON_VERSION"
ANCESTOR_KEY = "versions"
"""The one key by which info.yaml is known."""
STAMP_KEY = "last_updated"

_PYTHON = re.compile(r"(?:py(?:thon)?-?)?([23](?:\.[0-9]+)*)(?![0-9])")
"""A text that begins with a Python version. Versions of other things (`12.4`), and `py38`, say nothing sure."""

BaseSource = Literal["aws", "local"]
"""Under which name another image of the stack is meant: its private ECR repository, or its local one."""


class BaseImage(msgspec.Struct, frozen=True):
    """Another image of the stack, at the same version: `base_image:`."""

    name: ImageName
    source: BaseSource
    spot: Spot
    """Where the name stands."""


class Version(msgspec.Struct, frozen=True):
    """One way to build the image: an entry of the file."""

    name: VersionName
    line: int
    docker_args: tuple[tuple[str, str], ...] = ()
    base_image: BaseImage | None = None
    last_updated: str | None = None
    """Its stamp, in info.yaml only."""
    last_updated_line: int | None = None
    spots: Spots = {}
    """Where the file says what: `("version",)`, `("args", NAME)`."""

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


def read_versions(data: bytes, path: str) -> tuple[VersionsFile, tuple[Finding, ...]]:
    """Read one versions.yaml or info.yaml; `path` is what messages call it."""
    top = read(data, path)
    entries = top.mapping("the file")
    node = composed(data.decode("utf-8-sig"))
    reader = _Reader("versions")
    is_ancestor = ANCESTOR_KEY in entries
    if is_ancestor:
        reader.unknown_keys(top, (ANCESTOR_KEY,), "the file")
        node = next((value for key, value in own_entries(node) if key.value == ANCESTOR_KEY), None)
        top = entries[ANCESTOR_KEY]
        top.mapping(f"`{ANCESTOR_KEY}`")
    reader.findings.extend(unquoted_versions(node, path))
    versions = tuple(reader.versions(top, "the file", is_ancestor=is_ancestor))
    if not versions and not any(finding.level == "error" for finding in reader.findings):
        hint = 'add one: "3.12": with its docker_args below'
        reader.findings.append(Finding("no-versions", "warning", "the file names no version", *top.at(), hint=hint))
    return VersionsFile(path, versions, is_ancestor), tuple(reader.findings)


def versions_in(doc: Doc, where: str) -> tuple[VersionsFile, tuple[Finding, ...]]:
    """The same mapping as a part of another file, `versions:` of an image in spec.yml; there a list will do, too."""
    reader = _Reader()
    try:
        top = _as_mapping(doc, where)
    except FileProblem as problem:
        reader.problem(problem)
        top = Doc(doc.path, doc.line, doc.column, doc.tag, {})
    return VersionsFile(doc.path, tuple(reader.versions(top, where))), tuple(reader.findings)


def _as_mapping(doc: Doc, where: str) -> Doc:
    """A list of names as versions that have nothing but their names."""
    if not isinstance(doc.value, list):
        return doc
    named: dict[str, Doc] = {}
    for item in doc.value:
        name = item.text(f"each entry of {where}")
        if name in named:
            raise item.problem(f"{name!r} is here twice, first on line {named[name].line}", "keep one of the two")
        named[name] = Doc(item.path, item.line, item.column, item.tag, None)
    made = Doc(doc.path, doc.line, doc.column, doc.tag, dict(named))
    made.keys = {name: (item.line, item.column) for name, item in named.items()}
    return made


class _Reader(Collector):
    """Reads versions and keeps what is wrong with them: one that can be no version is left out."""

    def versions(self, top: Doc, what: str, *, is_ancestor: bool = False) -> Iterator[Version]:
        """Each version, in file order."""
        for name, doc in self.mapping(top, what).items():
            if name.startswith("x-"):
                continue
            if name in (*ENTRY_KEYS, STAMP_KEY):
                hint = f'indent it below its version: "3.12": and then `{name}:`'
                self.problem(top.problem_at(name, f"`{name}` stands where a version belongs", hint))
            elif not VersionName.form.fullmatch(name):
                self.problem(top.problem_at(name, f"{name!r} is not a valid version name", VersionName.hint))
            else:
                yield self._version(VersionName(name), doc, top.at(name), is_ancestor)

    def _version(self, name: VersionName, doc: Doc, spot: Spot, is_ancestor: bool) -> Version:
        where = f"version {name!r}"
        entries = self.mapping(doc, where)
        known = (*ENTRY_KEYS, STAMP_KEY) if is_ancestor else ENTRY_KEYS
        self.unknown_keys(
            doc, known, where, OTHER_WORDS, {STAMP_KEY: "stamps stand in last_updated.yaml, beside this file"}
        )
        args = self._docker_args(entries.get("docker_args"), where)
        if "base_image" in entries and BASE_IMAGE in args:
            self.findings.append(_two_bases(entries["base_image"].at(), where))
        stamp = entries.get(STAMP_KEY) if is_ancestor else None
        version = Version(
            name,
            spot.line or 1,
            docker_args=tuple((key, text) for key, (text, _) in args.items()),
            base_image=self._base_image(entries["base_image"], doc, where) if "base_image" in entries else None,
            last_updated=self.text(entries, STAMP_KEY, where) if is_ancestor else None,
            last_updated_line=None if stamp is None else doc.at(STAMP_KEY).line,
            spots={("version",): spot, **{("args", key): at for key, (_, at) in args.items()}},
        )
        self.findings.extend(_contradictions(version, entries.get("docker_args")))
        return version

    def _docker_args(self, doc: Doc | None, where: str) -> dict[str, tuple[str, Spot]]:
        """Each argument's text and place; one without a value is empty, and an error."""
        args = {}
        for key, value in self.mapping(doc, f"`docker_args` of {where}").items():
            spot = doc.at(key) if doc is not None else value.at()
            text = "" if value.value is None else self.scalar(value, f"argument {key!r} of {where}")
            args[key] = (text or "", spot)
            if value.value is None:
                self.findings.append(
                    Finding(
                        "argument-without-value",
                        "error",
                        f"argument {key!r} of {where} has no value",
                        *spot,
                        hint=f'write {key}: "" if it should be empty, or "null" if that word is meant',
                        found="nothing",
                        wanted="text",
                    )
                )
        return args

    def _base_image(self, doc: Doc, entry: Doc, where: str) -> BaseImage | None:
        """What `base_image` names, with an error that says what is wrong with it; None where no image is named."""
        what = f"`base_image` of {where}"
        told = len(self.findings)
        entries = self.mapping(doc, what)
        spot = entry.at("base_image")
        name = self.said(entries.get("name"), f"`name` in {what}") or None
        source = self.said(entries.get("source"), f"`source` in {what}") or None
        if len(self.findings) > told:
            return None
        self.unknown_keys(doc, BASE_KEYS, what)
        if name is None or not ImageName.form.fullmatch(name):
            sentence = f"{what} has no `name`" if name is None else f"{what} names {name!r}, which is no image name"
            hint = "the name is the folder of another image; its version is the same as here"
            at = entries["name"].at() if "name" in entries else spot
            self.findings.append(
                Finding("base-image-name", "error", sentence, *at, hint=hint, found=name, wanted="an image")
            )
            return None
        known: tuple[BaseSource, ...] = get_args(BaseSource)
        for one in known:
            if source == one:
                return BaseImage(ImageName(name), one, entries["name"].at())
        sentence = f"{what} has no `source`" if source is None else f"{what} has the source {source!r}"
        near = nearest((source or "").lower(), list(known))
        hint = f"did you mean {near!r}?" if near else "aws is the private ECR repository, local what the engine has"
        at = entries["source"].at() if "source" in entries else spot
        self.findings.append(
            Finding(
                "base-image-source",
                "error",
                f"{sentence}; it is aws or local",
                *at,
                hint=hint,
                found=source,
                wanted="aws or local",
            )
        )
        # which image it is, is known all the same: no second error says that its argument has no value
        return BaseImage(ImageName(name), "aws", entries["name"].at())


def _two_bases(spot: Spot, where: str) -> Finding:
    return Finding(
        "two-bases",
        "error",
        f"{where} has a `base_image`, and {BASE_IMAGE} in its `docker_args`: one of them would be lost",
        *spot,
        hint=f"`base_image` sets {BASE_IMAGE}: keep the one that is meant",
        found=BASE_IMAGE,
        wanted=f"`base_image` or {BASE_IMAGE}",
    )


def _contradictions(version: Version, docker_args: Doc | None) -> Iterator[Finding]:
    """Arguments that say another Python than the version's name: mostly a line that was copied and not changed."""
    args = docker_args.value if docker_args is not None and isinstance(docker_args.value, dict) else {}
    for key, found in ((PYTHON_VERSION, _python_of_text), (BASE_IMAGE, _python_of_base)):
        if key not in args:
            continue
        text = dict(version.docker_args)[key]
        said = found(text)
        if said and _differs(said, str(version.name)):
            yield Finding(
                "version-contradicts",
                "warning",
                f"version {version.name!r} is built with Python {said}, says its argument {key}",
                *args[key].at(),
                hint=f"one of the two was forgotten: the version is {version.name}, {key} says {said}",
                found=text,
                wanted=str(version.name),
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
