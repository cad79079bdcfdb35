# SPDX-License-Identifier: MIT
"""Public fakes of the world outside, for our tests and for those of whoever builds on Stackyard.

Each passes the same contract tests as the real thing (tests/contract).
"""

from __future__ import annotations

from stackyard.testing.clock import FixedClock
from stackyard.testing.engine import FakeEngine
from stackyard.testing.registry import MemoryRegistry

__all__ = ["FakeEngine", "FixedClock", "MemoryRegistry"]
