# SPDX-License-Identifier: MIT
"""git: the files of an index, read from the index itself, where all that is in it is plain.

In:   the bytes of an index
Out:  Folders with all ids; the sizes of files
Raises: NotPlain: git has to be asked what the index says
Beside: git_index, which asks then; git_hidden, which looks for files that are not plain

git takes as long to put a hundred thousand entries into words as reading them takes here, and the words would have to
be read as well. Plain is an index in one file, with each of its files once and nothing else: no submodule, no half of
a merge, no folder in place of what is in it, nothing that git was told to look away from or merely to expect.

Of what a damaged index says nothing is kept: git refuses it when it is asked for the status.

An index may know ids of folders, too (its extension TREE). They are not taken: they are what a checkout was told, and
after `git replace` other files are below them. An id is a promise here: what is kept of a folder is found by it.
"""

from __future__ import annotations

import os
import struct

from stackyard.edges.git_hidden import number
from stackyard.model.hashing import sha1
from stackyard.model.trees import Folders, Growing, row_start

_ENTRY = struct.Struct(">24xI8xI20sH")
"""Of one file: its mode, its size on disk, its id, flags; what else is there are facts of the disk."""
_PADDED, _SHORT = 2, 4
"""Versions: entries are filled up to eight bytes; each path begins as the one before it does. The one between them is
written for flags that are not plain."""
_LONGEST = 0xFFE
"""Flags are the length of the path where they say nothing else, up to this one."""
_START, _CHECKSUM = 12, 20
"""Bytes before the first entry, and after everything: a hash of all of it, or zeros where git was to leave it out."""
_KINDS = {0o100644: "file", 0o100755: "exec", 0o120000: "link"}


class NotPlain(Exception):
    """Something is not as usual, or not where it should be."""


def read_plain(data: bytes) -> tuple[Folders, dict[str, int]]:
    """The files of an index, and how large those of each id are on disk.

    NotPlain too where files of one id are of several sizes: only one of them can be the blob's.

    Cost: 0.2 s for 90 000 files; what is done for each of them counts, so that all of it is in one loop.
    """
    if not _is_whole(data):
        raise NotPlain
    growing, blobs, sizes = Growing(), list[str](), list[int]()
    linked: set[bytes] = set()
    known: dict[int, dict[bytes, tuple[str, str, bytes]]] = {mode: {} for mode in _KINDS}
    at, path, here = _START, b"", b""
    names, rows = growing.at(here)
    try:
        version, count = struct.unpack_from(">4xII", data)
        if version not in (_PADDED, _SHORT):
            raise NotPlain
        for _ in range(count):
            mode, size, blob, flags = _ENTRY.unpack_from(data, at)
            start = at + _ENTRY.size
            if version == _PADDED:
                end = start + flags
                path, at = data[start:end], (end + 4 & -8) + 4
            else:
                less, start = number(data, start)
                kept = len(path) - less
                end = start + flags - kept
                path, at = path[:kept] + data[start:end], end + 1
            if flags > _LONGEST:
                raise NotPlain
            folder, _, last = path.rpartition(b"/")
            if folder != here:
                names, rows = growing.at(folder)
                here = folder
            try:
                name, kind, row = known[mode][last]
            except KeyError:  # many files have the same name
                name, kind, row = known[mode][last] = _named(mode, last)
            rows.append(row + blob)
            called = blob.hex()
            names[name] = (kind, called)
            blobs.append(called)
            sizes.append(size)
            if kind == "link":
                linked.add(folder)
    except (struct.error, KeyError, IndexError):
        raise NotPlain from None
    _expect_nothing_else(data, at)
    sized = dict(zip(blobs, sizes, strict=True))
    if list(map(sized.__getitem__, blobs)) != sizes:
        raise NotPlain
    return growing.folders(map(os.fsdecode, linked)), sized


def _named(mode: int, name: bytes) -> tuple[str, str, bytes]:
    """What is the same for all files of a name: how it is written, the kind, what a row begins with."""
    kind = _KINDS[mode]
    return os.fsdecode(name), kind, row_start(kind, name)


def _is_whole(data: bytes) -> bool:
    """Whether it is an index by its checksum: one that names files by sha256 is none."""
    checksum = data[-_CHECKSUM:]
    return data.startswith(b"DIRC") and (not any(checksum) or sha1(data[:-_CHECKSUM]) == checksum.hex())


def _expect_nothing_else(data: bytes, at: int) -> None:
    """Extensions may follow: those that nobody needs to know have names in capitals."""
    while at < len(data) - _CHECKSUM:
        if not data[at : at + 1].isupper():
            raise NotPlain
        at += 8 + int.from_bytes(data[at + 4 : at + 8])
    if at != len(data) - _CHECKSUM:
        raise NotPlain
