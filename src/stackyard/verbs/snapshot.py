# SPDX-License-Identifier: MIT
"""Reading a large stack: files as git lists them, and targets as an earlier command left them.

In:   a Place on disk, the folder of what is kept
Out:  the same Place over a listing of its files, with the status that git gave; a Memory that is kept
May touch: git, disk, two files beside the records
Beside: verbs/yard, which imports this for repositories of thousands of files only: a small one is read at once
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path

import stackyard
from stackyard.edges import git
from stackyard.edges.git_index import Indexed, Look, index_said, listing_of_disk
from stackyard.load.memory import Memory
from stackyard.load.tree.indexed import IndexedFiles
from stackyard.load.tree.place import Place, place_in
from stackyard.model import canonical
from stackyard.record.cache import read_cache, write_cache

CACHE_FILE = "cache"
INDEX_FILE = "index"
_INDEXED = b"indexed"
_READING = ("load", "model")


def snapshot_of(
    place: Place, state: Path, look: Look | None = None, *, is_named: bool = False
) -> tuple[Place, str] | None:
    """The stack over a listing of the disk, and git's status; None where files have to be looked at one by one.

    Args:
        state: the folder in which facts are kept, here and below.
        is_named: whether a person said which folder the images are in.
    """
    look = look or Look(place.root)
    begin(look, state)
    listed = listing_of_disk(look, look.indexed) if look.indexed is not None else None
    if listed is None:
        return None
    folders, status = listed
    if look.indexed is not None and look.indexed.odd:
        status += git.hidden_in(place.root)
    files = IndexedFiles(folders, look.top, git.path_in_repository(place.root))
    there = place_in(files, place, is_named)
    return (there, status) if there is not None and (there.images, there.spec) == (place.images, place.spec) else None


def begin(look: Look, state: Path) -> None:
    """Have git look at the disk, and read meanwhile what its index says."""
    look.begin("tracked", "others", "config", "replaced")
    look.indexed = look.indexed or _indexed(state, look)


def _indexed(state: Path, look: Look) -> Indexed | None:
    """What the index says, from what was kept where it is the same index."""
    checksum = look.checksum()
    path, of = state / INDEX_FILE, program("edges", "model") + (checksum or b"")
    if checksum is not None and (data := read_cache(path, of).get(_INDEXED)) is not None:
        return canonical.unpack(data, Indexed)
    found = index_said(look)
    if checksum is not None and found is not None and found.is_alone and look.checksum() == checksum:
        with contextlib.suppress(UnicodeEncodeError):  # names that are no text
            write_cache(path, of, {_INDEXED: canonical.pack(found)})
    return found


def memory_for(state: Path, *, is_given: bool = False, reads_later: bool = False) -> Memory | None:
    """What earlier commands read; none where values were given on a command line: nothing is kept of those."""
    if is_given:
        return None
    return Memory(read_cache(state / CACHE_FILE, program(*_READING)), reads_later=reads_later)


def keep(state: Path, memory: Memory | None) -> None:
    """Write down what was read, where there is news."""
    if memory is not None and memory.has_news:
        write_cache(state / CACHE_FILE, program(*_READING), memory.kept)


def program(*folders: str) -> bytes:
    """Which program keeps: version, Python, and its own files, which change in development.

    Args:
        folders: of the package, those that what is kept follows from; all, if none is named.
    """
    told = [stackyard.__version__, sys.version]
    home = Path(stackyard.__file__).parent
    for folder in folders or (".",):
        for above, inner, names in os.walk(home / folder):
            inner[:] = sorted(name for name in inner if name != "__pycache__")
            for name in sorted(names):
                facts = os.stat(os.path.join(above, name))
                told.append(f"{name} {facts.st_size} {facts.st_mtime_ns}")
    return hashlib.sha256("\n".join(told).encode()).digest()
