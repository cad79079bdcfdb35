# SPDX-License-Identifier: MIT
"""The clock: now, how long something took, and a pause. The fake is `stackyard.testing.FixedClock`."""

from __future__ import annotations

import time
from typing import Protocol

_TICKING: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What time it is."""

    def now(self) -> str:
        """UTC, ISO 8601, to the second: `2026-11-20T19:09:36Z`."""

    def ticks(self) -> float:
        """Seconds of a clock that never goes back; only differences mean something."""

    def sleep(self, seconds: float) -> None:
        """Let time pass; less of it where the run is being stopped."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> str:
        """The machine's UTC time."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def ticks(self) -> float:
        """The monotonic clock; it goes on while a laptop sleeps, since others wait meanwhile."""
        return time.clock_gettime(_TICKING)

    def sleep(self, seconds: float) -> None:
        """A pause of this thread."""
        from stackyard.edges.patience import sleep  # a run that goes well needs none

        sleep(seconds)
