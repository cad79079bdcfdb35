# SPDX-License-Identifier: MIT
"""A build context: every path that counts, with git's id of its bytes.

In:   Files, a folder of them, ignore rules
Out:  entries, relative to the folder, sorted by path
Raises: FileProblem for what can be neither hashed nor sent: sockets, pipes, devices, unreadable files
        and folders, names that are not UTF-8

Symbolic links are links: their text counts, and nothing is read through them. A folder counts only
where nothing in it does, because an engine makes it all the same. Two things never count, although
an engine would get them: `.git`, which every commit changes, and `.stackyard`, which every run changes.
Cost: each file is asked for once; on disk it is opened and read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from stackyard.errors import FileProblem
from stackyard.load.tree.files import DISK, READABLE, Files
from stackyard.load.tree.ignore import NOTHING_IGNORED, IgnoreRules, Said
from stackyard.model.inputs import BlobId, Entry

if TYPE_CHECKING:
    from stackyard.model.trees import Node

_NOTHING = BlobId.of(b"")


def read_context(folder: str, rules: IgnoreRules, shown: str | None = None, files: Files = DISK) -> tuple[Entry, ...]:
    """Everything in `folder` that counts after the ignore rules.

    Args:
        shown: how messages call the folder.
    """
    called = shown or folder
    entries: list[Entry] = []
    kept: list[str] = []
    filled: set[str] = set()
    todo: list[tuple[str, Said | None]] = [("", None)]
    while todo:
        below, said = todo.pop()
        for name, (kind, blob) in _nodes(files, folder, below, called):
            path = below + name
            is_folder = kind == "dir"
            if name == ".git" or (is_folder and name == ".stackyard"):
                continue
            ignored, heard = rules.judge(path, said) if rules.patterns else (False, None)
            if is_folder:
                if not ignored:
                    kept.append(path)
                if not ignored or rules.may_keep_below(path):
                    todo.append((path + "/", heard))
            elif not ignored:
                filled.add(below)
                if blob and kind in ("file", "exec") and path.isascii():  # nearly every file of a large repository
                    entries.append(Entry(path, "file" if kind == "file" else "exec", BlobId(blob)))
                else:
                    entries.append(read_entry(f"{folder}/{path}", path, called, files))
    if not all(f"{path}/" in filled for path in kept):
        entries.extend(Entry(_valid(path, called), "dir", _NOTHING) for path in _empty(kept, entries))
    entries.sort(key=_path)
    return tuple(entries)


def read_tree(folder: str, shown: str | None = None, files: Files = DISK) -> tuple[Entry, ...]:
    """Everything in `folder`, nothing ignored."""
    return read_context(folder, NOTHING_IGNORED, shown, files)


def read_entry(full: str, path: str, shown: str = "", files: Files = DISK) -> Entry:
    """The file or link `full` as the entry `path`; `shown` is how messages call what `path` is relative to."""
    _valid(path, shown)
    return Entry(path, *files.entry(full, f"{shown}/{path}" if shown else path))


def _path(entry: Entry) -> str:
    return entry.path


def _nodes(files: Files, folder: str, below: str, called: str) -> Iterable[tuple[str, Node]]:
    try:
        return files.nodes(f"{folder}/{below}" if below else folder)
    except OSError as error:
        where = f"{called}/{below}".rstrip("/")
        raise FileProblem(where, None, f"cannot be read: {error.strerror}", hint=READABLE) from None


def _empty(kept: list[str], entries: list[Entry]) -> list[str]:
    """Those of the kept folders in which nothing counts, not even a folder."""
    filled: set[str] = set()
    for folder in {path.rpartition("/")[0] for path in (*kept, *(entry.path for entry in entries))}:
        parent = folder
        while parent and parent not in filled:
            filled.add(parent)
            parent = parent.rpartition("/")[0]
    return [path for path in kept if path not in filled]


def _valid(path: str, called: str) -> str:
    """`path`, if it can be written down: names on disk are bytes, names in records are text."""
    if not path.isascii():
        try:
            path.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(f"{called}/{path}").decode("utf-8", "backslashreplace")
            raise FileProblem(
                shown, None, "has a name that is not UTF-8", hint="rename it, or add it to .dockerignore"
            ) from None
    return path
