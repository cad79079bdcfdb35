# SPDX-License-Identifier: MIT
"""git: files that it was told to look away from, and that are others on disk than in its index.

In:   an index, the top of its work tree
Out:  rows of a status, as git would print them if it looked
May touch: the index, and the bytes of such files
Beside: edges/git, which asks git for everything else

`git status` calls them clean (`update-index --assume-unchanged` and `--skip-worktree`, a sparse checkout). An engine
gets what is on disk, which is not what the commit has: no tag may name the commit for it. No process is started.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stackyard.model.inputs import BlobId

_ENTRY = struct.Struct(">24xI12x20sH")
"""Of one file: its mode, its id, flags; what else is there are facts of the disk."""
_ASSUMED, _HAS_MORE, _SKIPPED = 0x8000, 0x4000, 0x4000
"""Flags: assume that it is unchanged; there are further flags; of these, that it is not in the work tree."""
_KNOWN, _SHORT = (2, 3, 4), 4
"""Versions of an index; of the last one each path begins as the one before it does."""
_LINK, _FOLDER, _MODULE = 0o120000, 0o040000, 0o160000


class Listed(NamedTuple):
    """A file as the index has it."""

    path: str
    mode: int
    blob: str


def hidden_rows(index: Path, top: Path) -> str:
    """A row for each such file that differs; nothing where there is no index, or one of another form."""
    try:
        data = index.read_bytes()
        return "".join(_row(each) for each in looked_away_from(data) if not _is_there(top, each))
    except (OSError, struct.error, ValueError, IndexError):
        return ""


def looked_away_from(data: bytes) -> Iterator[Listed]:
    """The files of an index that git was told to look away from.

    >>> list(looked_away_from(b"DIRC" + struct.pack(">II", 2, 0)))
    []
    """
    version, count = struct.unpack_from(">II", data, 4)
    if version not in _KNOWN:
        return
    at, path = 12, b""
    for _ in range(count):
        mode, blob, flags = _ENTRY.unpack_from(data, at)
        start = at + _ENTRY.size
        is_hidden = flags & _ASSUMED
        if flags & _HAS_MORE:
            is_hidden |= int.from_bytes(data[start : start + 2]) & _SKIPPED
            start += 2
        if version == _SHORT:
            less, start = number(data, start)
            path = path[: len(path) - less]
        end = data.index(b"\0", start)
        path = path + data[start:end] if version == _SHORT else data[start:end]
        at = end + 1 if version == _SHORT else at + (end - at + 8) // 8 * 8
        if is_hidden and mode not in (_FOLDER, _MODULE):
            yield Listed(os.fsdecode(path), mode, blob.hex())


def number(data: bytes, at: int) -> tuple[int, int]:
    """A number of as many bytes as it needs, seven bits each, and where it ends."""
    number = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        number = (number + 1) << 7 | data[at] & 0x7F
    return number, at + 1


def _is_there(top: Path, listed: Listed) -> bool:
    """Whether the disk has what the index has."""
    full = top / listed.path
    try:
        mode = full.lstat().st_mode
        if stat.S_ISLNK(mode):
            return listed.mode == _LINK and BlobId.of(os.fsencode(os.readlink(full))) == listed.blob
        same_mode = stat.S_ISREG(mode) and bool(mode & stat.S_IXUSR) == bool(listed.mode & stat.S_IXUSR)
        return same_mode and listed.mode != _LINK and BlobId.of(full.read_bytes()) == listed.blob
    except OSError:
        return False


def _row(listed: Listed) -> str:
    mode = f"{listed.mode:06o}"
    return f"1 .M N... {mode} {mode} {mode} {listed.blob} {listed.blob} {listed.path}\0"
