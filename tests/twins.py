# SPDX-License-Identifier: MIT
"""A world that was prepared once, again for each test: its folder and all that it has in memory are copied.

To build, publish and promote takes ten times as long as a copy of what came of it.
"""

from __future__ import annotations

import copy
import copyreg
import shutil
import threading
from pathlib import Path
from typing import Protocol, TypeVar


class World(Protocol):
    """What has a folder; nothing else in it may know where that is."""

    root: Path


WorldT = TypeVar("WorldT", bound=World)


def twin(of: WorldT, root: Path) -> WorldT:
    """The same with its files at `root`, where nothing is yet. Nothing that happens to one is seen in the other."""
    shutil.copytree(of.root, root, symlinks=True)
    made = copy.deepcopy(of)
    made.root = root
    return made


for kind in (threading.RLock, threading.Event):
    copyreg.pickle(type(kind()), lambda _, kind=kind: (kind, ()))  # type: ignore[misc]  # a copy has one of its own
