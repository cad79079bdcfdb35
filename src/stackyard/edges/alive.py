# SPDX-License-Identifier: MIT
"""A run's sign of life: a file that the operating system keeps locked for as long as the run's process lives.

In:   a folder of such files, a run's Traces
Out:  the Traces of runs that ended without removing their file: they were killed
May touch: the folder
Why a lock: a process id may be another process's by now, and says nothing on another host

Whoever clears up after a dead run holds its lock meanwhile, so that two do not do it at once. Where a file system
has no locks, every run counts as alive, and nothing is cleared up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from stackyard.model import canonical


class Traces(msgspec.Struct, frozen=True):
    """Whose traces there are, and where to look for them."""

    token: str
    engine: str
    """Its address."""
    folder: str
    """Where temporary folders are made."""


class Sign:
    """What a run may do with its own file."""

    is_kept = False
    """Whether it stays, for the next run to clear up."""


@contextlib.contextmanager
def alive(folder: Path, traces: Traces) -> Iterator[Sign]:
    """The sign is there as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    path, sign = folder / traces.token, Sign()
    descriptor = _locked(path)
    try:
        os.write(descriptor, canonical.encode(traces))
        yield sign
    finally:
        with contextlib.suppress(OSError):
            if not sign.is_kept:
                path.unlink()
        os.close(descriptor)


def _locked(path: Path) -> int:
    """The file, new and locked; made again if somebody took it for that of a dead run before it was locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        with contextlib.suppress(OSError):  # no locks here
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        os.close(descriptor)


def each_dead(folder: Path, clear: Callable[[Traces], bool]) -> None:
    """Call `clear` with the traces of each run that was killed; its file goes when that says that nothing is left."""
    for path in sorted(folder.glob("*")):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            traces = _read(descriptor)
            if traces is None or clear(traces):
                path.unlink(missing_ok=True)
        except OSError:
            pass  # it lives, or nobody can tell
        finally:
            os.close(descriptor)


def _read(descriptor: int) -> Traces | None:
    """None where it was killed before it had made anything."""
    try:
        return canonical.decode(os.read(descriptor, 1 << 16), Traces)
    except msgspec.DecodeError:
        return None
