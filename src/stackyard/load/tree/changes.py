# SPDX-License-Identifier: MIT
"""change_ignore.json: what rebuilds every image, and what never counts.

In:   `images/change_ignore.json`: two lists of paths below the images folder, with patterns as in .dockerignore
Out:  ChangeRules; entries of everything that `BuildAll` names; findings

The file's first readers knew the first component of a path alone. A name without a slash means what it
meant to them, because a pattern that matches a folder goes on to match everything in it.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.links import HINT
from stackyard.load.tree.context import read_entry, read_tree
from stackyard.load.tree.ignore import IgnoreRules, compile_rules
from stackyard.load.tree.place import Place
from stackyard.model.inputs import Entry
from stackyard.model.names import nearest
from stackyard.model.stack import Finding

FILE = "change_ignore.json"
BUILD_ALL = "BuildAll"
CHANGE_IGNORE = "ChangeIgnore"
CACHE = "__pycache__"
WHAT_IT_IS = 'the file is {"BuildAll": [PATH, ...], "ChangeIgnore": [PATH, ...]}'
_MAGIC = re.compile(r"[*?\[]")


class ChangeRules(msgspec.Struct, frozen=True):
    """Patterns of paths below the images folder."""

    build_all: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def leaves_out(self, path: str) -> bool:
        """Whether a file never counts; `path` is relative to the images folder."""
        return bool(self.ignore) and _compiled(self.ignore).ignores(path)


@functools.lru_cache(maxsize=8)
def _compiled(patterns: tuple[str, ...]) -> IgnoreRules:
    return compile_rules(patterns, FILE)


def read_change_rules(place: Place) -> tuple[ChangeRules, tuple[Entry, ...], tuple[Finding, ...]]:
    """The rules, the entries that count for every image, sorted by path, and what is wrong with the file."""
    files, shown = place.files, place.path(FILE)
    if not files.is_file(shown) and not files.is_folder(shown):
        return ChangeRules(), (), ()
    if files.leads_out(shown):
        sentence = "is a link that leads out of the repository"
        outside = Finding("leads-outside", "error", sentence, shown, hint=HINT, found="a link", wanted="a file")
        return ChangeRules(), (), (outside,)
    data = files.read(shown)
    try:
        reader = _Reader(_decoded(data, shown), data.decode("utf-8", "replace"), place)
    except FileProblem as problem:
        return ChangeRules(), (), (Finding.of("wrong-value", problem),)
    rules = reader.rules()
    entries = {entry for name in rules.build_all for entry in _named(place, name)}
    return rules, tuple(sorted(entries)), tuple(reader.findings)


class _Reader:
    """Reads what was decoded, and keeps what it finds on the way."""

    def __init__(self, parsed: object, text: str, place: Place) -> None:
        self._parsed = parsed
        self._text = text
        self._place = place
        self.findings: list[Finding] = []

    def rules(self) -> ChangeRules:
        """What is right of the file."""
        if not isinstance(self._parsed, dict):
            self._told("wrong-value", f"should be an object with the lists `{BUILD_ALL}` and `{CHANGE_IGNORE}`", None)
            return ChangeRules()
        for key in self._parsed:
            if key not in (BUILD_ALL, CHANGE_IGNORE):
                near = nearest(key, [BUILD_ALL, CHANGE_IGNORE])
                hint = f"did you mean {near!r}?" if near else f"there are `{BUILD_ALL}` and `{CHANGE_IGNORE}`"
                self._told("unknown-key", f"the file has a key {key!r} that nothing reads", key, hint, "warning")
        return ChangeRules(*(tuple(self._patterns(key)) for key in (BUILD_ALL, CHANGE_IGNORE)))

    def _patterns(self, key: str) -> Iterator[str]:
        assert isinstance(self._parsed, dict)
        values = self._parsed.get(key, [])
        if not isinstance(values, list):
            self._told("wrong-value", f"`{key}` should be a list of names", key)
            return
        for value in values:
            if not isinstance(value, str):
                self._told("wrong-value", f"`{key}` should be a list of names, and {value!r} is none", key)
            elif self._leads_out(value):
                hint = "names are relative to that folder"
                sentence = f"`{key}` names {value!r}, which is not below {self._place.images}"
                self._told("wrong-value", sentence, value, hint)
            elif problem := _refusal(value):
                self._told("wrong-value", f"`{key}` has the pattern {value!r}: {problem}", value)
            else:
                yield value

    def _leads_out(self, name: str) -> bool:
        is_odd = name.startswith("/") or ".." in name.split("/") or "\0" in name
        return is_odd or (not _MAGIC.search(name) and self._place.files.leads_out(self._place.path(name)))

    def _told(
        self,
        code: str,
        sentence: str,
        near: str | None,
        hint: str | None = None,
        level: Literal["error", "warning"] = "error",
    ) -> None:
        """A finding, at the place of the text that it is about."""
        at = self._text.find(msgspec.json.encode(near).decode()) if near is not None else -1
        before = self._text[: max(at, 0)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n") if at >= 0 else None
        path, wanted = self._place.path(FILE), "paths below the images folder"
        wanted = wanted if level == "error" else f"{BUILD_ALL} or {CHANGE_IGNORE}"
        self.findings.append(
            Finding(code, level, sentence, path, line, column, hint or WHAT_IT_IS, found=near, wanted=wanted)
        )


def _refusal(pattern: str) -> str | None:
    """Why a pattern is none."""
    try:
        compile_rules([pattern], FILE)
    except FileProblem as problem:
        return str(problem.facts["problem"])
    return None


def _named(place: Place, name: str) -> Iterator[Entry]:
    """Every file that one name or pattern of `BuildAll` stands for; a folder stands for all it holds."""
    if not _MAGIC.search(name):
        yield from _below(place, name.strip("/"))
        return
    rules = compile_rules([name], FILE)
    for path in _walk(place, ""):
        if rules.ignores(path):
            yield read_entry(place.path(path), path, place.images, place.files)


def _walk(place: Place, folder: str) -> Iterator[str]:
    """Every file below a folder of the images folder, Python's caches left out."""
    for name, is_folder in place.files.scan(place.path(folder)):
        path = f"{folder}/{name}" if folder else name
        if is_folder and name != CACHE:
            yield from _walk(place, path)
        elif not is_folder:
            yield path


def _below(place: Place, name: str) -> Iterator[Entry]:
    """One name; a link is itself, wherever it leads."""
    files, path = place.files, place.path(name)
    if files.is_folder(path) and not files.is_link(path):
        for entry in read_tree(path, path, files):
            if CACHE not in entry.path:
                yield Entry(f"{name}/{entry.path}", entry.kind, entry.blob)
    elif files.is_there(path):
        yield read_entry(path, name, place.images, files)


def _decoded(data: bytes, shown: str) -> object:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(data)
    import json  # slower to import than a plan is to make; knows the place of what is wrong

    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        hint = "look at this line and the one above: JSON wants double quotes, and a comma between entries alone"
        raise FileProblem(shown, error.lineno, f"not valid JSON: {error.msg}", column=error.colno, hint=hint) from None
    except (UnicodeDecodeError, RecursionError) as error:
        why = "too deeply nested" if isinstance(error, RecursionError) else "not UTF-8 text"
        hint = "write names and lists of names, in UTF-8"
        raise FileProblem(shown, None, f"not valid JSON: {why}", hint=hint) from None
