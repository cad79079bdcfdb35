# SPDX-License-Identifier: MIT
"""A run shows that it lives, and clears up after those of this stack that were killed.

In:   a Yard
Out:  nothing is left of dead runs: programs, containers, temporary names, folders; what lives is not touched
May touch: the state folder, the system's folder for temporary files, processes of dead runs, the engine
Why: docs/explanation/how-a-run-works.md
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stackyard.edges.alive import Traces, alive, each_dead
from stackyard.edges.traces import prefix_of
from stackyard.errors import StackyardError
from stackyard.record.sqlite import make_state_folder

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard

ALIVE = "alive"


@contextlib.contextmanager
def living(yard: Yard) -> Iterator[None]:
    """The run lives as long as the block lasts; before, those that died are cleared up after."""
    make_state_folder(yard.state)
    folder, ours = yard.state / ALIVE, _traces(yard)
    with alive(folder, ours):
        each_dead(folder, lambda dead: _cleared(yard, ours, dead))
        yield


def clear_up(yard: Yard) -> None:
    """Remove what this run has left, all its jobs being over: a suite that was ended may have left containers."""
    with contextlib.suppress(StackyardError):  # an engine that is gone: the outcomes say so
        ours = _traces(yard)
        _cleared(yard, ours, ours)


def _traces(yard: Yard) -> Traces:
    about = yard.engine.about()
    return Traces(yard.token, about.address or about.store, tempfile.gettempdir())


def _cleared(yard: Yard, ours: Traces, dead: Traces) -> bool:
    """Remove what a run left; False where something of it is on another engine, or could not be removed."""
    from stackyard.edges.orphans import end_orphans

    end_orphans(dead.token)
    for folder in Path(dead.folder).glob(f"{prefix_of(dead.token)}*"):
        shutil.rmtree(folder, ignore_errors=True)
    if dead.engine != ours.engine:
        return False
    try:
        yard.engine.clear(dead.token)
    except StackyardError:
        return False  # the next run tries again; this one has its own work to do
    return True
