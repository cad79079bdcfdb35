# SPDX-License-Identifier: MIT
"""Work that is shared with copies of this process on other processors.

In:   how many parts there are, and how some of them are worked on
Out:  what the copies found; this process keeps what it found itself
May touch: processes that it forks, which end before it returns, whatever happens

A copy has all that this process has, so nothing is handed to it. One is made only where that is safe and of use: on
Linux, where no other thread runs (it might hold a lock that nobody ever lets go in the copy), with more than one
processor. A copy that fails says nothing: what it had taken on is missing, and whoever needs it does it again.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_MANY = 2000
"""Parts from which on others help: of fewer, making a copy and reading what it says takes as long as doing it."""
_PIECE = 128
"""Parts that one process takes on at a time."""
_MOST = 3
"""Copies: each has memory of its own for what it finds."""
_NUMBER = 4
"""Bytes of a piece's number, and of the size of what a copy says of it."""
_WAITING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def shared(
    count: int, own: Callable[[slice], object], afar: Callable[[slice], bytes], copies: int | None = None
) -> list[bytes]:
    """Have `count` parts worked on, each once, by whoever is free; what the copies said. Nothing where none helps.

    The first of them are worked on before there is a copy: what all have in common is then found once.

    Args:
        own: works on parts in this process.
        afar: works on some in a copy, and says what it found.
        copies: how many; None: as many as there are processors for, of parts that are worth it.
    """
    if copies is None:
        copies = min(processors() - 1, _MOST) if count >= _MANY and is_alone() else 0
    if copies < 1:
        return []
    first, *pieces = (slice(at, at + _PIECE) for at in range(0, count, _PIECE))
    own(first)
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as todo, contextlib.ExitStack() as ending:
        with open(writing, "wb", buffering=0) as given:
            given.write(b"".join(number.to_bytes(_NUMBER, "big") for number in range(len(pieces))))
        running: list[_Copy] = []
        with contextlib.suppress(OSError):  # no room for another process: then we are fewer
            for _ in range(copies):
                running.append(ending.enter_context(_Copy(todo.fileno(), lambda number: afar(pieces[number]))))
        for number in _taken(todo.fileno()):
            own(pieces[number])
        return [said for copy in running for said in copy.said()]


def is_alone() -> bool:
    """Whether this process may be copied: no thread runs beside this one, be it Python's or a library's."""
    try:
        return hasattr(os, "memfd_create") and len(os.listdir("/proc/self/task")) == 1
    except OSError:  # another system
        return False


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _taken(todo: int) -> Iterator[int]:
    """Pieces, each taken by one process alone: what one read of a pipe gave, no other gives."""
    while data := os.read(todo, _NUMBER):
        yield int.from_bytes(data, "big")


class _Copy:
    """One copy of this process, as long as the `with` lasts."""

    def __init__(self, todo: int, afar: Callable[[int], bytes]) -> None:
        self._todo, self._afar = todo, afar
        self._pid = 0

    def __enter__(self) -> _Copy:
        self._out = open(os.memfd_create("stackyard"), "w+b")
        # Who interrupts us meanwhile is heard when it is clear which of the two processes we are.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITING)
        parent = os.getpid()
        try:
            self._pid = os.fork()
            if not self._pid:
                self._work(parent, before)
        except OSError:
            self._out.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._out.close()

    def said(self) -> Iterator[bytes]:
        """What it found, when it has ended; nothing where it failed."""
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        self._out.seek(0)
        while not status and (size := self._out.read(_NUMBER)):
            yield self._out.read(int.from_bytes(size, "big"))

    def _work(self, parent: int, before: set[int | signal.Signals]) -> None:
        """What the copy does: it never returns."""
        status = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells us both: the other one ends us
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for piece in _taken(self._todo):
                if os.getppid() != parent:
                    return  # nobody is left to tell
                found = self._afar(piece)
                self._out.write(len(found).to_bytes(_NUMBER, "big") + found)
            self._out.flush()
            status = 0
        finally:
            os._exit(status)  # no word, no cleaning up: all that is the other's
