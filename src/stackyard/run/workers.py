# SPDX-License-Identifier: MIT
"""Who does the jobs that the driver starts: threads.

In:   calls that give an Ended; what they found on the way there
Out:  one after the other, as they come
Beside: run/driver. bench/run.py has workers of its own, for whom time passes without waiting
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec

from stackyard.model.names import TargetName
from stackyard.model.progress import JobName
from stackyard.model.record import Fact
from stackyard.run.work import Done


class Ended(msgspec.Struct, frozen=True):
    """What a job hands back."""

    job: JobName
    target: TargetName
    done: Done
    begun_s: float
    """Since the run began."""
    duration_s: float


class Noted(msgspec.Struct, frozen=True):
    """What a job found on its way: it is kept, whatever becomes of the job."""

    target: TargetName
    facts: tuple[Fact, ...]


class Workers(Protocol):
    """Does calls, several at once. A call never raises."""

    def start(self, call: Callable[[], Ended]) -> None:
        """Begin with a call now: how many run at once is the machine's affair."""

    def note(self, noted: Noted) -> None:
        """From a call that goes on: it comes out of `next` before that call's end."""

    def next(self) -> Ended | Noted | None:
        """What the next call to end gave, or noted; waits for it, or to be woken: None."""

    def wake(self) -> None:
        """End the wait of `next`; may be called in a signal handler."""

    def finish(self) -> list[Ended | Noted]:
        """Wait for all that were started; what came of those that `next` did not give."""


class Threads:
    """A thread for each job that runs.

    Args:
        most: how many there will be at once.
    """

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix="stackyard")
        self._ended: queue.SimpleQueue[Ended | Noted | None] = queue.SimpleQueue()

    def start(self, call: Callable[[], Ended]) -> None:
        """Give it to a thread."""
        self._pool.submit(lambda: self._ended.put(call()))

    def note(self, noted: Noted) -> None:
        """Behind what came before it."""
        self._ended.put(noted)

    def next(self) -> Ended | Noted | None:
        """Waits as long as it takes; a signal is handled meanwhile."""
        return self._ended.get()

    def wake(self) -> None:
        """A SimpleQueue may be put into wherever a handler interrupts it."""
        self._ended.put(None)

    def finish(self) -> list[Ended | Noted]:
        """The last thing that is asked of them."""
        self._pool.shutdown(wait=True)
        given = [self._ended.get() for _ in range(self._ended.qsize())]
        return [came for came in given if came is not None]
