# SPDX-License-Identifier: MIT
"""A clock that stands still until it is told to go on."""

from __future__ import annotations

import time


class FixedClock:
    """A Clock whose time starts at `start_s` (seconds since 1970) and moves with `advance` only."""

    def __init__(self, start_s: float = 1767225600.0) -> None:
        self._now = start_s

    def now(self) -> str:
        """UTC, ISO 8601, to the second."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._now))

    def ticks(self) -> float:
        """The same time as a number."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def sleep(self, seconds: float) -> None:
        """The same, at once."""
        self.advance(seconds)
