# SPDX-License-Identifier: MIT
"""What a set locks, at a commit: requirement files with what they include, pyproject.toml files, local packages.

In:   LockSet, the files of a commit
Out:  Gathered: one flat list of requirements, one of constraints, local packages with their names
Raises: FileProblem for what cannot be locked, with file and line
Pure, but for reading what it is given.

A requirement file's local packages become plain paths, editable or not: how they are installed does not change
what they depend on, and an old T has no setuptools that could make an editable one.
"""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from stackyard.errors import FileProblem
from stackyard.model.lock import LocalPackage, LockSet, Project, normal_name


class Files(Protocol):
    """The files of a commit, by paths relative to the stack's root."""

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is none."""

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""


class Local(msgspec.Struct, frozen=True):
    """A package of the repository."""

    name: str
    path: str
    extras: tuple[str, ...] = ()
    runs_code: bool = False
    """Whether what it depends on is only known once its code ran."""


class Gathered(msgspec.Struct, frozen=True):
    """All that is asked of a resolver, whatever the version."""

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    locals: tuple[Local, ...]
    files: tuple[str, ...]
    """Every file and folder that was read."""


def gather(lock: LockSet, files: Files) -> Gathered:
    """Everything that `lock` names, and what that includes."""
    return _Gatherer(lock, files).gathered()


_OPTION = re.compile(r"(--?[A-Za-z-]+?)(?:\s*=\s*|\s+|(?<=^-[rce]))(.*)")
_EXTRAS = re.compile(r"(.*?)\s*\[([^\]]*)\]\s*")
_INCLUDES = {"-r": "-r", "--requirement": "-r", "-c": "-c", "--constraint": "-c", "-e": "-e", "--editable": "-e"}
_HASHES = re.compile(r"\s--hash[=\s]\s*\S+")


class _Gatherer:
    def __init__(self, lock: LockSet, files: Files) -> None:
        self._lock = lock
        self._files = files
        self._requirements: dict[str, None] = {}
        self._constraints: dict[str, None] = {}
        self._locals: dict[str, Local] = {}
        self._read: dict[str, None] = {}

    def gathered(self) -> Gathered:
        for path in self._lock.requirements:
            self._file(path, self._requirements, None)
        for project in self._lock.projects:
            for text in self._project(project):
                self._requirements[text] = None
        for package in self._lock.packages:
            self._package(package, None)
        for path in self._lock.constraints:
            self._file(path, self._constraints, None)
        return Gathered(
            tuple(self._requirements), tuple(self._constraints), tuple(self._locals.values()), tuple(self._read)
        )

    def _text(self, path: str, asked_by: tuple[str, int] | None) -> str:
        data = self._files.read(path)
        self._read[path] = None
        if data is None:
            raise self._problem(asked_by, f"there is no {path} at that commit", "commit it, or name another file")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise FileProblem(path, None, "is not UTF-8", hint="save it as UTF-8") from None

    def _problem(self, at: tuple[str, int] | None, sentence: str, hint: str) -> FileProblem:
        """At a line of a file of the commit; else where the set is declared."""
        spot = self._lock.spot
        path, line = at or (spot.path, spot.line)
        return FileProblem(path, line, sentence, hint=hint)

    # Requirement files.

    def _file(self, path: str, into: dict[str, None], asked_by: tuple[str, int] | None) -> None:
        if path in self._read:
            return
        for line, text in _logical_lines(self._text(path, asked_by)):
            self._line(text, (path, line), into)

    def _line(self, text: str, at: tuple[str, int], into: dict[str, None]) -> None:
        if text.startswith("-"):
            match = _OPTION.fullmatch(text)
            option = _INCLUDES.get(match[1]) if match else None
            if match is None or option is None:
                hint = "indexes are declared in the lock itself: `indexes: [https://HOST/simple]`"
                raise self._problem(at, f"a lock takes no option {text.split()[0]!r} of a requirement file", hint)
            value = match[2].strip().strip("'\"")
            if option == "-e":
                self._local(value, at)
                return
            there = posixpath.normpath(posixpath.join(posixpath.dirname(at[0]), value))
            self._file(there, self._constraints if option == "-c" else into, at)
            return
        plain = _HASHES.sub("", text).strip()
        if re.match(r"\.{0,2}/|\.\.?(\[|$)", plain) or ("/" in plain.split(";")[0] and "@" not in plain):
            self._local(plain, at)
        elif re.search(r"\s@\s|@\s*[a-z+]+:", plain):
            hint = "name a release of an index, or a folder of this repository"
            raise self._problem(
                at, f"{plain.split('@')[0].strip()} comes from an address, which has no upload time", hint
            )
        else:
            into[plain] = None

    def _local(self, text: str, at: tuple[str, int]) -> None:
        """A folder that a requirement file names: relative to the root, as pip is run there, or to the file."""
        match = _EXTRAS.fullmatch(text)
        path, extras = (match[1], match[2]) if match else (text, "")
        path = path.removeprefix("file:") if "://" not in path else path
        places = [posixpath.normpath(path), posixpath.normpath(posixpath.join(posixpath.dirname(at[0]), path))]
        found = next(
            (each for each in places if not each.startswith(("/", "..")) and self._files.is_folder(each)), None
        )
        if found is None:
            raise self._problem(
                at, f"there is no folder {path} at that commit", "paths are relative to the stack's root"
            )
        self._package(LocalPackage(found, tuple(normal_name(each) for each in re.findall(r"[\w.-]+", extras))), at)

    # Packages of the repository.

    def _package(self, package: LocalPackage, at: tuple[str, int] | None) -> None:
        if not self._files.is_folder(package.path):
            raise self._problem(
                at, f"there is no folder {package.path} at that commit", "paths are relative to the stack's root"
            )
        known = self._locals.get(package.path)
        name, runs_code = (known.name, known.runs_code) if known else self._facts(package.path, at)
        extras = tuple(sorted({*package.extras, *(known.extras if known else ())}))
        self._locals[package.path] = Local(name, package.path, extras, runs_code)
        self._read[package.path] = None

    def _facts(self, folder: str, at: tuple[str, int] | None) -> tuple[str, bool]:
        """The package's name, and whether its code must run."""
        text = self._files.read(posixpath.join(folder, "pyproject.toml"))
        project: Mapping[str, Any] = {}
        if text is not None:
            project = _table(_toml(text, posixpath.join(folder, "pyproject.toml")).get("project"))
        dynamic = project.get("dynamic") or ()
        is_static = bool(project) and not {"version", "dependencies", "optional-dependencies"} & {*dynamic}
        name = project.get("name") or self._name_in_setup(folder)
        if not isinstance(name, str):
            hint = "write its name into pyproject.toml, setup.cfg or, as a text, into setup.py"
            raise self._problem(at, f"the name of the package {folder} cannot be read", hint)
        return normal_name(name), not is_static

    def _name_in_setup(self, folder: str) -> str | None:
        if (data := self._files.read(posixpath.join(folder, "setup.cfg"))) is not None:
            config = configparser.ConfigParser(interpolation=None, strict=False)
            try:
                config.read_string(data.decode("utf-8", "replace"))
            except configparser.Error:
                return None
            if found := config.get("metadata", "name", fallback=None):
                return found
        if (data := self._files.read(posixpath.join(folder, "setup.py"))) is not None:
            return _name_in(data)
        return None

    # pyproject.toml.

    def _project(self, wanted: Project) -> Iterator[str]:
        data = _toml(self._text(wanted.path, None).encode(), wanted.path)
        project = _table(data.get("project"))
        if "dependencies" in (project.get("dynamic") or ()):
            hint = f"name its folder under `packages`: {posixpath.dirname(wanted.path) or '.'}"
            raise FileProblem(
                wanted.path, None, "its dependencies are dynamic: they are known once its code ran", hint=hint
            )
        yield from _texts(project.get("dependencies"))
        extras = {normal_name(name): texts for name, texts in _table(project.get("optional-dependencies")).items()}
        groups = {normal_name(name): entries for name, entries in _table(data.get("dependency-groups")).items()}
        own = normal_name(str(project.get("name", "")))
        yield from self._extras(wanted.extras, extras, own, wanted.path, set())
        for group in wanted.groups:
            yield from self._group(group, groups, wanted.path, ())

    def _extras(
        self, names: tuple[str, ...], extras: Mapping[str, Any], own: str, path: str, seen: set[str]
    ) -> Iterator[str]:
        """Requirements of extras; one that names others of the same project (`all = ["me[a,b]"]`) means those."""
        for name in names:
            if name in seen:
                continue
            seen.add(name)
            if name not in extras:
                raise FileProblem(
                    path, None, f"there is no extra {name!r}", hint=f"there are: {', '.join(extras) or 'none'}"
                )
            for text in _texts(extras[name]):
                match = _EXTRAS.fullmatch(text)
                if match and own and normal_name(match[1]) == own:
                    more = tuple(normal_name(each) for each in re.findall(r"[\w.-]+", match[2]))
                    yield from self._extras(more, extras, own, path, seen)
                else:
                    yield text

    def _group(self, name: str, groups: Mapping[str, Any], path: str, above: tuple[str, ...]) -> Iterator[str]:
        if name not in groups:
            raise FileProblem(
                path, None, f"there is no group {name!r}", hint=f"there are: {', '.join(groups) or 'none'}"
            )
        if name in above:
            raise FileProblem(path, None, f"the group {name!r} includes itself", hint="take one `include-group` out")
        for entry in groups[name] if isinstance(groups[name], list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("include-group"), str):
                yield from self._group(normal_name(entry["include-group"]), groups, path, (*above, name))
            elif isinstance(entry, str):
                yield entry


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continued ones joined, each with the number of its first."""
    start, joined = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start if joined else number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1] + " "
            continue
        whole = re.sub(r"(^|\s)#.*$", "", joined + line).strip()
        joined = ""
        if whole:
            yield start, whole
    if whole := joined.strip():
        yield start, whole


def _toml(data: bytes, path: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise FileProblem(path, None, f"is no TOML: {problem}", hint="the line it names is where to look") from None


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _name_in(setup: bytes) -> str | None:
    """`name=` of the call of `setup`, where it is a plain text."""
    try:
        tree = ast.parse(setup)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if not isinstance(node, ast.Call) or (getattr(called, "id", None) or getattr(called, "attr", None)) != "setup":
            continue
        for keyword in node.keywords:
            if (
                keyword.arg == "name"
                and isinstance(keyword.value, ast.Constant)
                and isinstance(keyword.value.value, str)
            ):
                return keyword.value.value
    return None
