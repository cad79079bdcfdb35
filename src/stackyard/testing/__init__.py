# SPDX-License-Identifier: MIT
"""Public fakes of the world outside, for our tests and for those of whoever builds on Stackyard.

Each passes the same contract tests as the real thing (tests/contract). Beside them `plugin`, which pytest loads
for image tests when it is told to (`-p stackyard.testing.plugin`): the fakes are imported when they are asked for,
since image tests have no use for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackyard.testing.clock import FixedClock
    from stackyard.testing.engine import FakeEngine
    from stackyard.testing.registry import MemoryRegistry

__all__ = ["FakeEngine", "FixedClock", "MemoryRegistry"]
_HOMES = {"FakeEngine": "engine", "FixedClock": "clock", "MemoryRegistry": "registry"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"stackyard.testing.{_HOMES[name]}"), name)
