# SPDX-License-Identifier: MIT
"""git: whether what lies on disk is what lay there before, told without reading any of it.

In:   a Look at a repository
Out:  a digest, equal only where every file is as it was; None where that cannot be told
May touch: the index's last bytes; git's settings; facts (not bytes) of files that git calls changed, new or ignored
Beside: git_index, which lists the files, and on whose grounds git is believed

A tracked file that git calls clean is the index's file. Any other is taken to be the same while size, mode, inode and
both times are: a file written within the last two seconds may be written again within the same tick of the clock,
so that nothing is told while there is one.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from stackyard.edges.git_index import Look, is_believed, is_sparse

_MOST = 2000
"""So many files beside the tracked ones are looked at."""
_YOUNG_S = 2
_OWN = ".stackyard"


def state_of_disk(look: Look, now_ns: int | None = None) -> bytes | None:
    """A digest over all that says which files there are, and what is in them.

    Args:
        now_ns: nanoseconds since 1970; the clock's, where it is not given.
    """
    status, others = look.status()
    settings, replaced = look.ask("config", "replaced")
    checksum = look.checksum()
    try:
        facts = list(_facts(look.top, _paths(status, others), (now_ns or time.time_ns()) - _YOUNG_S * 10**9))
    except (OSError, _CannotTell):
        return None
    if checksum is None or look.is_refused:
        return None
    parts = [checksum, status, settings, replaced, *facts]
    return hashlib.sha256(b"".join(b"%d " % len(part) + part for part in parts)).digest()


def is_index_enough(look: Look) -> bool:
    """Whether the index tells of every tracked file: none it was told to look away from, no submodule, no conflict, and
    nothing that makes a file another one than git says."""
    if not is_believed(look):
        return False
    if look.indexed is not None:
        return look.indexed.is_alone and not look.indexed.odd
    if is_sparse(look):
        return False
    listed = subprocess.run(
        ["git", "-C", str(look.top), "ls-files", "-v", "-s", "-z"], capture_output=True, check=False
    )
    rows = listed.stdout.split(b"\0")[:-1]
    return not listed.returncode and all(row.startswith((b"H 100", b"H 120")) and b" 0\t" in row for row in rows)


class _CannotTell(Exception):
    """A file is too young, or there are too many."""


def _facts(top: Path, paths: Iterable[bytes], youngest: int) -> Iterator[bytes]:
    """Facts of each path that git does not call clean."""
    count = 0
    for path in paths:
        for full in _below(os.path.join(os.fsencode(top), path.rstrip(b"/"))):
            count += 1
            if count > _MOST:
                raise _CannotTell
            yield _of_one(full, youngest)


def _paths(status: bytes, others: bytes) -> Iterator[bytes]:
    """Every path of the status and of the files that are not tracked, relative to the top."""
    for row in status.split(b"\0"):
        fields = {b"1": 8, b"2": 9, b"u": 10, b"?": 1}.get(row[:1])
        if fields is not None:
            yield row.split(b" ", fields)[-1]
    for path in others.split(b"\0"):
        if path and os.path.basename(path.rstrip(b"/")) != _OWN.encode():
            yield path


def _below(full: bytes) -> Iterator[bytes]:
    """The path, and where it is a folder all that is in it."""
    yield full
    if os.path.isdir(full) and not os.path.islink(full):
        for entry in sorted(os.scandir(full), key=lambda each: each.name):
            if entry.name not in (b".git", _OWN.encode()):
                yield from _below(entry.path)


def _of_one(full: bytes, youngest: int) -> bytes:
    try:
        facts = os.lstat(full)
    except FileNotFoundError:
        return full + b" is not there"
    if max(facts.st_mtime_ns, facts.st_ctime_ns) > youngest and not stat.S_ISDIR(facts.st_mode):
        raise _CannotTell
    numbers = (facts.st_mode, facts.st_size, facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns)
    return full + " ".join(map(str, numbers)).encode()
