# SPDX-License-Identifier: MIT
"""A build context from disk: every path that counts, with git's id of its bytes.

In:   a folder, ignore rules
Out:  entries, relative to the folder, sorted by path
Raises: FileProblem for what can be neither hashed nor sent: sockets, pipes, devices, unreadable files
        and folders, names that are not UTF-8

Symbolic links are links: their text counts, and nothing is read through them. A folder counts only
where nothing in it does, because an engine makes it all the same. Two things never count, although
an engine would get them: `.git`, which every commit changes, and `.stackyard`, which every run changes.
Cost: each file is opened and read once.
"""

from __future__ import annotations

import hashlib
import os
import stat

from stackyard.errors import FileProblem
from stackyard.load.tree.ignore import NOTHING_IGNORED, IgnoreRules, Said
from stackyard.model.inputs import BlobId, Entry, EntryKind

_NOTHING = BlobId.of(b"")
_WHOLE = 1 << 22
"""Files up to this size are read in one piece."""


def read_context(folder: str, rules: IgnoreRules, shown: str | None = None) -> tuple[Entry, ...]:
    """Everything in `folder` that counts after the ignore rules.

    Args:
        shown: how messages call the folder.
    """
    called = shown or folder
    entries: list[Entry] = []
    kept: list[str] = []
    todo: list[tuple[str, Said | None]] = [("", None)]
    while todo:
        below, said = todo.pop()
        for entry in _scan(folder, below, called):
            path = below + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name == ".git" or (is_folder and entry.name == ".stackyard"):
                continue
            ignored, heard = rules.judge(path, said)
            if is_folder:
                if not ignored:
                    kept.append(path)
                if not ignored or rules.may_keep_below(path):
                    todo.append((path + "/", heard))
            elif not ignored:
                entries.append(read_entry(entry.path, path, called))
    entries.extend(Entry(_valid(path, called), "dir", _NOTHING) for path in _empty(kept, entries))
    entries.sort(key=_path)
    return tuple(entries)


def read_tree(folder: str, shown: str | None = None) -> tuple[Entry, ...]:
    """Everything in `folder`, nothing ignored."""
    return read_context(folder, NOTHING_IGNORED, shown)


def read_entry(full: str, path: str, shown: str = "") -> Entry:
    """The file or link `full` as the entry `path`; `shown` is how messages call what `path` is relative to."""
    _valid(path, shown)
    called = f"{shown}/{path}" if shown else path
    try:
        mode = os.lstat(full).st_mode
        if stat.S_ISLNK(mode):
            return Entry(path, "link", BlobId.of(os.fsencode(os.readlink(full))))
        if stat.S_ISREG(mode):
            return Entry(path, *_read_file(full, called))
    except OSError as error:
        raise FileProblem(
            called, None, f"cannot be read: {error.strerror}", hint="make it readable, or add it to .dockerignore"
        ) from None
    raise FileProblem(
        called,
        None,
        f"is {_SPECIAL.get(stat.S_IFMT(mode), 'something')} and cannot be part of a build context",
        hint="remove it, or add it to .dockerignore",
    )


_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
    stat.S_IFDIR: "a folder",
}


def _path(entry: Entry) -> str:
    return entry.path


def _scan(folder: str, below: str, called: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(f"{folder}/{below}" if below else folder) as entries:
            return list(entries)
    except OSError as error:
        where = f"{called}/{below}".rstrip("/")
        raise FileProblem(
            where, None, f"cannot be read: {error.strerror}", hint="make it readable, or add it to .dockerignore"
        ) from None


def _read_file(full: str, called: str) -> tuple[EntryKind, BlobId]:
    # Between listing and opening, anybody may put something else there: no link is followed, no pipe waited for.
    descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(descriptor)
        kind: EntryKind = "exec" if facts.st_mode & stat.S_IXUSR else "file"
        if facts.st_size > _WHOLE:
            return kind, _blob_of_stream(descriptor, facts.st_size, called)
        parts = [os.read(descriptor, facts.st_size + 1)]
        # A file that is being written to, or one whose size the kernel does not know: to its end.
        while len(parts[-1]) and (len(parts) > 1 or len(parts[0]) != facts.st_size):
            parts.append(os.read(descriptor, _WHOLE))
        return kind, BlobId.of(parts[0] if len(parts) == 1 else b"".join(parts))
    finally:
        os.close(descriptor)


def _blob_of_stream(descriptor: int, size: int, called: str) -> BlobId:
    """git's id of a large file; it begins with the size, so that the size must hold."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    done = 0
    while data := os.read(descriptor, _WHOLE):
        done += len(data)
        digest.update(data)
    if done != size:
        raise FileProblem(called, None, "changed while it was read", hint="wait until it is written, and try again")
    return BlobId(digest.hexdigest())


def _empty(kept: list[str], entries: list[Entry]) -> list[str]:
    """Those of the kept folders in which nothing counts, not even a folder."""
    filled: set[str] = set()
    for path in (*kept, *(entry.path for entry in entries)):
        parent = path.rpartition("/")[0]
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
