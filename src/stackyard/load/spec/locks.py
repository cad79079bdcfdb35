# SPDX-License-Identifier: MIT
"""`locks:` of a spec, and `lock:` of an image: what is locked, for which versions, into which files.

In:   mappings of the spec; later the versions of images
Out:  SpecLock, then LockSet; findings
Rules: docs/reference/locks.md
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.links import inside
from stackyard.load.spec.collect import Collector, meant
from stackyard.load.spec.conda import conda_in
from stackyard.load.spec.debian import debian_in, debian_targets
from stackyard.load.spec.kinds import known
from stackyard.load.spec.lock_keys import LOCK
from stackyard.load.yaml import Doc
from stackyard.model.conda import SUBDIRS
from stackyard.model.debian import ARCHITECTURES
from stackyard.model.inputs import holds_secret
from stackyard.model.lock import (
    DEFAULT_OUTPUTS,
    DEFAULT_PLATFORMS,
    PLATFORMS,
    LocalPackage,
    LockKind,
    LockSet,
    LockTarget,
    Project,
    normal_name,
    output_path,
    python_in,
)
from stackyard.model.names import ImageName, VersionName
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding

_LOCKED = {"requirements", "pyproject", "packages", "conda", "debian"}
"""One of these says what is locked."""
_NONE = "none"
"""Stands for a Python that nobody needs to say."""
LOCK_KEYS = known(LOCK)
_PACKAGE = re.compile(r"(?P<path>[^\[\]]+?)\s*(?:\[(?P<extras>[^\[\]]*)\])?")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_INDEX = re.compile(r"https?://\S+")
_KINDS: Mapping[LockKind, frozenset[str]] = {
    "pip": frozenset({"requirements", "pyproject", "packages", "constraints", "indexes", "leave_out", "allow_build"}),
    "conda": frozenset({"conda", "channels", "virtual_packages"}),
    "debian": frozenset({"debian"}),
}
"""Keys that say something for one kind only."""
_NOT_OF_DEBIAN = {"versions", "python"}
_WHAT: Mapping[LockKind, str] = {"pip": "Python packages", "conda": "a conda environment", "debian": "Debian packages"}
_OTHER_WORDS = {
    "packages_by_path": "packages",
    "local": "packages",
    "index": "indexes",
    "out": "output",
    "image": "images",
    "exclude": "leave_out",
    "python_versions": "versions",
    "environment": "conda",
    "environments": "conda",
}


class SpecLock(msgspec.Struct, frozen=True):
    """One set as its file says it."""

    declared: LockSet
    """Without platforms: those of its images."""
    output: str | None
    """A template; None: by default."""
    versions: tuple[tuple[str, Spot], ...] = ()
    """None: those of its images."""
    python: str | None = None
    """Of all versions; None: each is one itself, or `pythons` says. Empty: what is said is none, here as there."""
    pythons: Mapping[str, str] = {}
    images: tuple[tuple[str, Spot], ...] = ()


def locks_in(doc: Doc, reader: Collector) -> tuple[SpecLock, ...]:
    """The sets of `locks:`, in file order."""
    entries = reader.mapping(doc, "`locks`").items()
    return tuple(lock_in(entry, name, doc.at(name), reader, f"lock {name!r}") for name, entry in entries)


def lock_in(doc: Doc, name: str, spot: Spot, reader: Collector, where: str) -> SpecLock:
    """One set; what is wrong in it is an error finding, and is left out."""
    values = reader.mapping(doc, where)
    reader.unknown_keys(doc, LOCK_KEYS, where, _OTHER_WORDS)
    if not _NAME.fullmatch(name):
        reader.wrong(spot, f"{name!r} is not a valid name of a lock", "letters, digits, dots and dashes", name)
    python, pythons = _python(values.get("python"), reader, where)
    kind = _kind(doc, values, where, reader)
    environments = tuple(_paths(values.get("conda"), f"`conda` of {where}", reader))
    declared = LockSet(
        name,
        spot,
        kind,
        conda=conda_in(environments, values, where, reader) if kind == "conda" else None,
        debian=debian_in(values["debian"], where, reader) if kind == "debian" else None,
        requirements=tuple(_paths(values.get("requirements"), f"`requirements` of {where}", reader)),
        constraints=tuple(_paths(values.get("constraints"), f"`constraints` of {where}", reader)),
        projects=tuple(_projects(values.get("pyproject"), f"`pyproject` of {where}", reader)),
        packages=tuple(_packages(values.get("packages"), f"`packages` of {where}", reader)),
        platforms=tuple(_platforms(values.get("platforms"), kind, f"`platforms` of {where}", reader)),
        indexes=tuple(_indexes(values.get("indexes"), f"`indexes` of {where}", reader)),
        leave_out=tuple(_names(values.get("leave_out"), f"`leave_out` of {where}", reader)),
        allow_build=tuple(_names(values.get("allow_build"), f"`allow_build` of {where}", reader)),
    )
    if not _LOCKED & values.keys() and isinstance(doc.value, dict | None):
        hint = "name `requirements`, `pyproject`, `packages`, `conda` or `debian`"
        reader.findings.append(
            Finding("lock-of-nothing", "error", f"{where} locks nothing", *spot, hint=hint, found=name, wanted=hint)
        )
    return SpecLock(
        declared,
        _output(values, kind, where, reader),
        tuple(reader.texts(values.get("versions"), f"`versions` of {where}")),
        python,
        pythons,
        images=tuple(reader.texts(values.get("images"), f"`images` of {where}")),
    )


def settled(
    locks: Sequence[SpecLock],
    versions: Mapping[ImageName, Sequence[VersionName | None]],
    folders: Mapping[ImageName, str],
    platforms: Mapping[ImageName, Sequence[str]],
    findings: list[Finding],
) -> tuple[LockSet, ...]:
    """The sets with their lock files.

    Args:
        versions: of all images, in file order; None for one that has no name.
        folders: of images, relative to the stack's root.
        platforms: of images; none: that of whoever builds.
    """
    reader = Collector()
    found = [_settled(lock, versions, folders, platforms, reader) for lock in locks]
    _tell_of_clashes(found, reader)
    findings.extend(reader.findings)
    return tuple(found)


def _settled(
    lock: SpecLock,
    versions: Mapping[ImageName, Sequence[VersionName | None]],
    folders: Mapping[ImageName, str],
    platforms: Mapping[ImageName, Sequence[str]],
    reader: Collector,
) -> LockSet:
    declared = lock.declared
    where = f"lock {declared.name!r}"
    named = ImageName(declared.name)
    images = [named] if named in versions else []
    for text, spot in lock.images:
        if text in versions:
            images.append(ImageName(text))
        else:
            hint = meant(text, [str(name) for name in versions]) or "name a folder of the images folder"
            reader.wrong(spot, f"`images` of {where} names {text!r}, which is no image", hint, text)
    own = list(dict.fromkeys(images))
    used = declared.platforms or tuple(_platforms_of(own, platforms, declared, reader)) or DEFAULT_PLATFORMS
    folder = folders.get(named, ".") if named in versions else "."
    if declared.debian is not None:
        chosen = msgspec.structs.replace(declared, images=tuple(own), platforms=used)
        return debian_targets(chosen, declared.debian, lock.output, folder, versions, reader)
    wanted: list[tuple[VersionName | None, Spot]]
    wanted = [(VersionName(text), spot) for text, spot in lock.versions if VersionName.form.fullmatch(text)]
    if not lock.versions:
        every = dict.fromkeys(version for image in own for version in versions[image])
        wanted = [(version, declared.spot) for version in every or (None,)]
    kind = declared.kind
    single, several = DEFAULT_OUTPUTS[kind]
    template = lock.output or (single if [each for each, _ in wanted] == [None] else several)
    if len(wanted) > 1 and "{version}" not in template:
        hint = f"put {{version}} into it: {several}"
        reader.wrong(declared.spot, f"{where} writes {len(wanted)} versions into one `output`", hint, template)
    spread = ("",) if kind == "pip" else used
    if len(spread) > 1 and not re.search(r"\{(platform|arch)\}", template):
        hint = f"put {{platform}} or {{arch}} into it: {several if len(wanted) > 1 else single}"
        reader.wrong(declared.spot, f"{where} writes {len(spread)} platforms into one `output`", hint, template)
    targets = []
    for version, spot in wanted:
        python = lock.pythons.get(str(version), lock.python)
        if python is None:
            python = python_in(str(version or ""))
        if python is None and kind != "pip" and len(wanted) == 1:  # what is locked may say it itself
            python = _NONE
        if python is None:
            of = f"version {str(version)!r} of {where}" if version is not None else where
            hint = "python: 3.11, or python: {VERSION: 3.11} for each"
            sentence = f"it is not said which Python {of} is for"
            reader.findings.append(Finding("lock-python", "error", sentence, *spot, hint=hint, wanted="a Python"))
            continue
        if not python:  # wrong, and told so
            continue
        for platform in spread:
            path = output_path(template, version, folder, kind, platform)
            if path.startswith(("../", "/")) or path in ("..", "."):
                reader.wrong(spot, f"`output` of {where} leaves the repository: {path!r}", "a path in it", template)
                break
            targets.append(LockTarget(version, python.removeprefix(_NONE), path, kind, platform))
    return msgspec.structs.replace(declared, images=tuple(own), targets=tuple(targets), platforms=used)


def _platforms_of(
    images: Sequence[ImageName], platforms: Mapping[ImageName, Sequence[str]], lock: LockSet, reader: Collector
) -> Iterator[str]:
    """What the images of a set are built for."""
    known = _platforms_for(lock.kind)
    for platform in dict.fromkeys(platform for image in images for platform in platforms.get(image, ())):
        if platform in known:
            yield str(platform)
        else:
            sentence = f"an image of lock {lock.name!r} is for {platform}, for which nothing can be locked"
            reader.wrong(lock.spot, sentence, "name the `platforms` of the lock itself", platform)


def _platforms_for(kind: LockKind) -> tuple[str, ...]:
    names: Mapping[LockKind, Mapping[str, object]]
    names = {"pip": PLATFORMS, "conda": SUBDIRS, "debian": ARCHITECTURES}
    return tuple(names[kind])


def _tell_of_clashes(locks: Sequence[LockSet], reader: Collector) -> None:
    """Two sets of one name, and two that would write one file."""
    names: dict[str, None] = {}
    outputs: dict[str, str] = {}
    for lock in locks:
        if lock.name in names:
            reader.wrong(lock.spot, f"there are two locks named {lock.name!r}", "keep one of the two", lock.name)
        names[lock.name] = None
        for target in lock.targets:
            other = outputs.setdefault(target.output, lock.name)
            if other != lock.name:
                sentence = f"lock {lock.name!r} and lock {other!r} would both write {target.output}"
                reader.wrong(lock.spot, sentence, "give it another `output`", target.output)


def _kind(doc: Doc, values: Mapping[str, Doc], where: str, reader: Collector) -> LockKind:
    """What is locked; a key that says something for another kind only is an error."""
    kind: LockKind = "conda" if "conda" in values else "debian" if "debian" in values else "pip"
    for key in values:
        is_anothers = any(key in keys for other, keys in _KINDS.items() if other != kind)
        if key in LOCK_KEYS and (is_anothers or (kind == "debian" and key in _NOT_OF_DEBIAN)):
            hint = "make a set for each: one lock file has packages of one kind"
            reader.wrong(doc.at(key), f"`{key}` of {where} says nothing for {_WHAT[kind]}", hint, key)
    return kind


def _paths(doc: Doc | None, what: str, reader: Collector) -> Iterator[str]:
    items = doc.value if doc is not None and isinstance(doc.value, list) else [doc] if doc is not None else []
    for item in items:
        if item.value is not None and (path := _path(item, what, reader)) is not None:
            yield path


def _path(doc: Doc, what: str, reader: Collector) -> str | None:
    try:
        return inside(doc, what)
    except FileProblem as problem:
        reader.problem(problem)
        return None


def _projects(doc: Doc | None, what: str, reader: Collector) -> Iterator[Project]:
    items = doc.value if doc is not None and isinstance(doc.value, list) else [doc] if doc is not None else []
    for item in items:
        if not isinstance(item.value, dict):
            yield from (Project(path) for path in _paths(item, what, reader))
            continue
        reader.unknown_keys(item, ("path", "extras", "groups"), what)
        path = _path(item.value["path"], f"`path` in {what}", reader) if "path" in item.value else "pyproject.toml"
        extras = tuple(_names(item.value.get("extras"), f"`extras` in {what}", reader))
        groups = tuple(_names(item.value.get("groups"), f"`groups` in {what}", reader))
        if path is not None:
            yield Project(path, extras, groups)


def _packages(doc: Doc | None, what: str, reader: Collector) -> Iterator[LocalPackage]:
    for text, spot in reader.texts(doc, what):
        match = _PACKAGE.fullmatch(text)
        path = posixpath.normpath(match["path"]) if match else ""
        if match is None or path.startswith("/") or path.split("/")[0] == "..":
            hint = "a folder relative to the root of the stack, with extras if it needs them: libs/core[aws]"
            reader.wrong(spot, f"{what} has {text!r}, which is no folder of the repository", hint, text)
            continue
        yield LocalPackage(path, tuple(normal_name(each) for each in re.findall(r"[\w.-]+", match["extras"] or "")))


def _platforms(doc: Doc | None, kind: LockKind, what: str, reader: Collector) -> Iterator[str]:
    known = _platforms_for(kind)
    for text, spot in reader.texts(doc, what):
        if text in known:
            yield text
        else:
            hint = meant(text, known) or f"it is one of {', '.join(known)}"
            reader.wrong(spot, f"{what} has {text!r}, for which nothing can be locked", hint, text)


def _indexes(doc: Doc | None, what: str, reader: Collector) -> Iterator[str]:
    for text, spot in reader.texts(doc, what):
        if holds_secret(text, ()):
            hint = "take the login out: the resolver reads it from .netrc, a keyring or its own variables"
            reader.wrong(spot, f"an address in {what} has a login in it", hint, None)
        elif not _INDEX.fullmatch(text):
            hint = "https://HOST/simple; a folder has no upload times"
            reader.wrong(spot, f"{what} has {text!r}, which is no address of an index", hint, text)
        else:
            yield text


def _names(doc: Doc | None, what: str, reader: Collector) -> Iterator[str]:
    for text, spot in reader.texts(doc, what):
        if _NAME.fullmatch(text):
            yield normal_name(text)
        else:
            reader.wrong(spot, f"{what} has {text!r}, which is no name", "a name alone, without a version", text)


def _python(doc: Doc | None, reader: Collector, where: str) -> tuple[str | None, Mapping[str, str]]:
    """One Python for all versions, or one for each."""
    what = f"`python` of {where}"
    if doc is None or doc.value is None:
        return None, {}
    if isinstance(doc.value, dict):
        return None, {version: _one_python(entry, what, reader) for version, entry in doc.value.items()}
    return _one_python(doc, what, reader), {}


def _one_python(doc: Doc, what: str, reader: Collector) -> str:
    """Empty where it is none."""
    text = reader.scalar(doc, what)
    if text is not None and python_in(text) is None:
        reader.wrong(doc.at(), f"{what} is {text!r}, which is no Python", "3.11, or 3.11.7", text)
        return ""
    return text or ""


def _output(values: Mapping[str, Doc], kind: LockKind, where: str, reader: Collector) -> str | None:
    text = reader.text(values, "output", where)
    if text is None:
        return None
    strange = set(re.findall(r"\{[^}]*\}?", text)) - {"{version}"}
    strange -= {"{platform}", "{arch}"} if kind != "pip" else set()
    if strange or "\0" in text or text.endswith("/"):
        hint = "a file, relative to the image's folder, or to the root for a set of another name: lock-{version}.txt"
        reader.wrong(values["output"].at(), f"`output` of {where} is {text!r}", hint, text)
        return None
    return text
