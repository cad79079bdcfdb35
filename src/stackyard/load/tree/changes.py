# SPDX-License-Identifier: MIT
"""change_ignore.json: what rebuilds every image, and what never counts.

In:   `images/change_ignore.json`, two lists of first path components below the images folder
Out:  ChangeRules; entries of everything that `BuildAll` names
Raises: FileProblem for JSON that is none, or has another shape
"""

from __future__ import annotations

import contextlib

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.links import HINT
from stackyard.load.tree.context import read_entry, read_tree
from stackyard.load.tree.place import Place
from stackyard.model.inputs import Entry

FILE = "change_ignore.json"


class ChangeRules(msgspec.Struct, frozen=True):
    """Names directly below the images folder."""

    build_all: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def read_change_rules(place: Place) -> tuple[ChangeRules, tuple[Entry, ...]]:
    """The rules, and the entries that count for every image, sorted by path."""
    files, shown = place.files, place.path(FILE)
    if not files.is_file(shown) and not files.is_folder(shown):
        return ChangeRules(), ()
    if files.leads_out(shown):
        raise FileProblem(shown, None, "is a link that leads out of the repository", hint=HINT)
    rules = _parse(files.read(shown), shown)
    entries: list[Entry] = []
    for name in rules.build_all:
        if name.startswith("/") or ".." in name.split("/") or "\0" in name or files.leads_out(place.path(name)):
            raise FileProblem(
                shown,
                1,
                f"`BuildAll` names {name!r}, which is not below {place.images}",
                hint="names stand directly below",
            )
        path = place.path(name)
        if files.is_folder(path) and not files.is_link(path):
            entries.extend(
                Entry(f"{name}/{entry.path}", entry.kind, entry.blob)
                for entry in read_tree(path, path, files)
                if "__pycache__" not in entry.path
            )
        elif files.is_there(path):
            entries.append(read_entry(path, name, place.images, files))
    return rules, tuple(sorted(entries))


def _parse(data: bytes, shown: str) -> ChangeRules:
    parsed = _decoded(data, shown)
    if not isinstance(parsed, dict):
        raise FileProblem(shown, 1, "should be an object with the lists `BuildAll` and `ChangeIgnore`")
    lists = {}
    for key in ("BuildAll", "ChangeIgnore"):
        value = parsed.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise FileProblem(shown, 1, f"`{key}` should be a list of names")
        lists[key] = tuple(value)
    return ChangeRules(lists["BuildAll"], lists["ChangeIgnore"])


def _decoded(data: bytes, shown: str) -> object:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(data)
    import json  # slower to import than a plan is to make; knows the place of what is wrong

    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise FileProblem(shown, error.lineno, f"not valid JSON: {error.msg}", column=error.colno) from None
    except (UnicodeDecodeError, RecursionError) as error:
        why = "too deeply nested" if isinstance(error, RecursionError) else "not UTF-8 text"
        raise FileProblem(shown, None, f"not valid JSON: {why}") from None
