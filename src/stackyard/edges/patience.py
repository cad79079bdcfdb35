# SPDX-License-Identifier: MIT
"""Asking again, where a fault passes by itself: how often, after which pause, and who is told of it.

In:   the number of a failed attempt, what went wrong
Out:  a pause; a count for whoever watches this thread's work
Used by: edges/wire (registries, downloads), edges/docker (pushes and pulls), run/jobs (builds, where the spec says so)

A job runs in one thread, whatever edges it goes through; what it had to ask again is counted there.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Retries:
    """What one job had to ask again."""

    tell: Callable[[str], None] = lambda _: None
    is_stopping: threading.Event = field(default_factory=threading.Event)
    """Once it is set, no pause lasts any longer."""
    count: int = 0


_counted: ContextVar[Retries | None] = ContextVar("retries", default=None)


@contextmanager
def counted(retries: Retries) -> Iterator[Retries]:
    """Everything that this thread asks again in the block counts here."""
    before = _counted.set(retries)
    try:
        yield retries
    finally:
        _counted.reset(before)


def sleep(seconds: float) -> None:
    """A pause that ends when the run is being stopped."""
    retries = _counted.get()
    if retries is None:
        time.sleep(seconds)
    else:
        retries.is_stopping.wait(seconds)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a host, and what waits: tests bring their own sleep, random and clock."""

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    attempts: int = 4
    longest_wait_s: float = 30.0
    """A host that asks for a longer pause (Retry-After) is not waited for."""
    sleep: Callable[[float], None] = sleep  # the function above
    random: Callable[[], float] = random.random
    clock: Callable[[], float] = time.time
    """Seconds since 1970: it goes on while a laptop sleeps, as tokens' lifetimes do."""

    def back_off_s(self, attempt: int) -> float:
        """Pause after the `attempt`th failure: half a second, doubled each time, up to half of it at random."""
        return float(min(0.5 * 2 ** (attempt - 1), self.longest_wait_s) * (0.5 + self.random() / 2))

    def pause(self, wait_s: float, why: str) -> None:
        """Wait before something is tried again; it is counted, and told."""
        retries = _counted.get()
        if retries is not None:
            retries.count += 1
            retries.tell(f"again in {wait_s:.1f} s: {why}")
        self.sleep(wait_s)
