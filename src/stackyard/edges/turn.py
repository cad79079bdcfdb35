# SPDX-License-Identifier: MIT
"""One after the other: a file that the operating system keeps locked for whose turn it is, while that process lives.

In:     a path; something to pause with
Out:    a turn, which ends when it is given back or its process ends
Used by: run/once (a target is built by one run at a time), run/tagging's callers (so are moving tags moved)
Beside: edges/alive (whether a run lives)

Where a file system has no locks there are no turns: everybody goes on at once, and builds twice at worst.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from stackyard.edges.patience import sleep

FOLDER = "turns"
"""In the state folder."""
TAGS = "tags"
"""At moving tags; a turn at building a target is called `TARGET.build`."""
_PAUSE_S = 0.2
_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


class Turn:
    """A turn at what `path` stands for. One thread takes it; any may give it back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self, is_stopping: Callable[[], bool] = lambda: False, waits: Callable[[], None] = lambda: None) -> bool:
        """Wait for it; False where it was not waited to the end.

        Args:
            waits: called once, if somebody else has it.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            return True
        is_told = False
        while not _locked(descriptor):
            if is_stopping():
                os.close(descriptor)
                return False
            if not is_told:
                is_told = True
                waits()
            sleep(_PAUSE_S)
        self._descriptor = descriptor
        return True

    def give_back(self) -> None:
        """Let the next one have it; nothing where it was not taken."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def taken(path: Path) -> Iterator[None]:
    """It is this one's turn as long as the block lasts."""
    turn = Turn(path)
    turn.take()
    try:
        yield
    finally:
        turn.give_back()


def _locked(descriptor: int) -> bool:
    """Whether it is locked now; also where nothing can be."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
