# SPDX-License-Identifier: MIT
"""Files of one moment as plain values: folders by path, each with what is in it; git's ids of folders.

In:   rows of a listing, or files in git's order; what is at one path after all; what differs from another listing
Out:  Folders
Pure.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from stackyard.model.hashing import sha1

Node = tuple[str, str]
"""What is at a path (`file`, `exec`, `link`, `dir`, `other`, or `module`: a submodule not looked into), and git's id
of it; no id where nobody knows it."""
Folders = dict[str, dict[str, Node]]
"""Every folder by its path below the top, the top as the empty one, with its names."""

FOLDER: Node = ("dir", "")
_MODES = {"file": b"100644 ", "exec": b"100755 ", "dir": b"40000 "}


def in_folders(rows: Iterable[tuple[str, str, str]]) -> Folders:
    """Folders of a listing.

    Args:
        rows: path, kind and id of everything; folders, or their ids, may be left out.
    """
    folders: Folders = {"": {}}
    linked: list[str] = []
    here, names = "", folders[""]
    for path, kind, blob in rows:
        folder, _, name = path.rpartition("/")
        if folder != here:  # most come together with the others of their folder
            if folder not in folders:
                _make(folders, folder)
            here, names = folder, folders[folder]
        names[name] = (kind, blob)
        if kind == "dir":
            folders.setdefault(path, {})
        elif kind == "link" or kind == "module":
            linked.append(folder)
    for folder in linked:  # more counts of such a folder than its id is over
        _forget_ids(folders, folder)
    return folders


def differing(folders: Folders, rows: Iterable[tuple[str, str, str, str]]) -> Folders:
    """Folders of another moment; those in which nothing differs are the same values.

    Args:
        rows: path, kind as it is here, kind as it is there, id there: of all that differs, folders too, each before
            what is in it; no kind for nothing.
    """
    changed = list(rows)
    fresh = {**folders, "": dict(folders[""])}
    for path, here, there, _ in changed:
        if here == there == "dir":
            fresh[path] = dict(fresh[path])
    for path, here, there, _ in changed:  # a file may have made way for a folder of its name, or one for it
        folder, _, name = path.rpartition("/")
        if not there and folder in fresh:
            fresh[folder].pop(name)
        if not there and here == "dir":
            del fresh[path]
    linked: list[str] = []
    for path, here, there, blob in changed:
        folder, _, name = path.rpartition("/")
        if there == "dir":
            fresh.setdefault(path, {})
            if here == "dir" and not folders[folder][name][1]:  # nobody knew it, for more counts: nor is it known there
                continue
        if there:
            fresh[folder][name] = (there, blob)
        if there == "link" or there == "module":
            linked.append(folder)
    for folder in linked:
        _forget_ids(fresh, folder)
    return fresh


def put(folders: Folders, path: str, node: Node) -> None:
    """Put something at a path; of the folders above nobody knows the ids any more."""
    folder, _, name = path.rpartition("/")
    if folder not in folders:
        _make(folders, folder)
    folders[folder][name] = node
    if node[0] == "dir":
        folders.setdefault(path, {})
    elif path in folders:  # where a folder became a link to itself git says nothing of what was in it
        _empty(folders, path)
    _forget_ids(folders, folder)


def _empty(folders: Folders, folder: str) -> None:
    """Take a folder away with all that is in it."""
    for name, (kind, _) in folders.pop(folder).items():
        if kind == "dir":
            _empty(folders, f"{folder}/{name}")


def take(folders: Folders, path: str) -> None:
    """Take a file, or an empty folder, away from a path."""
    folder, _, name = path.rpartition("/")
    if folders.get(folder, {}).pop(name, None) is not None:
        folders.pop(path, None)
        _forget_ids(folders, folder)


def with_ids(folders: Folders) -> None:
    """Work out the ids of all folders of which everything is known."""
    for folder in sorted(folders, key=lambda path: path.count("/"), reverse=True):
        if folder:
            above, _, name = folder.rpartition("/")
            folders[above][name] = ("dir", tree_id((name, *node) for name, node in folders[folder].items()) or "")


def tree_id(rows: Iterable[tuple[str, str, str | None]]) -> str | None:
    """git's id of a folder with these names, kinds and ids; None where it has what no id tells all of."""
    found = []
    for name, kind, blob in rows:
        mode = _MODES.get(kind)
        if mode is None or not blob:
            return None
        full = os.fsencode(name)
        found.append((full + b"/" if kind == "dir" else full, mode + full + b"\0" + bytes.fromhex(blob)))
    found.sort()
    return str(_tree_of(b"".join(row for _, row in found)).hexdigest())


def _tree_of(data: bytes) -> Any:
    return sha1.of(b"tree %d\0" % len(data) + data)


class Growing:
    """Folders that are filled in git's order: each one's files together with the folders in it, by their names' bytes.

    They come out as of `in_folders` and `with_ids`, in a third of the time: nothing has to be looked for or sorted, and
    a folder's id is worked out when all that is in it was given.
    """

    def __init__(self) -> None:
        self._names: dict[str, Node] = {}
        self._rows: list[bytes] = []
        self._here, self._called = b"", ""
        self._above: list[tuple[str, bytes, bytes, str, dict[str, Node], list[bytes]]] = []
        self._known: dict[bytes, tuple[str, bytes]] = {}
        self._folders: Folders = {"": self._names}

    def at(self, folder: bytes) -> tuple[dict[str, Node], list[bytes]]:
        """Names in a folder, and rows for its id (as `row_start` begins one): the next file is put into both."""
        here, called, names, rows = self._here, self._called, self._names, self._rows
        while here and folder != here and not folder.startswith(here + b"/"):
            made = _tree_of(b"".join(rows))
            name, start, here, called, names, rows = self._above.pop()
            names[name] = ("dir", made.hexdigest())
            rows.append(start + made.digest())
        for own in folder[len(here) :].lstrip(b"/").split(b"/") if folder != here else ():
            try:
                name, start = self._known[own]
            except KeyError:
                name, start = self._known[own] = os.fsdecode(own), row_start("dir", own)
            self._above.append((name, start, here, called, names, rows))
            here, called = (here + b"/" + own, f"{called}/{name}") if here else (own, name)
            rows = []
            self._folders[called] = names = {}
        self._here, self._called, self._names, self._rows = here, called, names, rows
        return names, rows

    def folders(self, unknown: Iterable[str] = ()) -> Folders:
        """All of them.

        Args:
            unknown: those in which something has no row; they have no id, nor has one above them.
        """
        self.at(b"")
        for folder in unknown:
            _forget_ids(self._folders, folder)
        return self._folders


def row_start(kind: str, name: bytes) -> bytes:
    """What git's row of a name in a folder begins with: the id, as it is, comes after it."""
    return _MODES.get(kind, b"") + name + b"\0"  # a folder with what has no mode here has no id


def _make(folders: Folders, folder: str) -> None:
    """Put a folder, and those above it, where a listing has none."""
    missing = []
    while folder not in folders:
        missing.append(folder)
        folder = folder.rpartition("/")[0]
    for path in reversed(missing):
        above, _, name = path.rpartition("/")
        folders[above][name] = FOLDER
        folders[path] = {}


def _forget_ids(folders: Folders, folder: str) -> None:
    """Of a folder and those above it."""
    while folder:
        above, _, name = folder.rpartition("/")
        folders[above][name] = FOLDER
        folder = above
