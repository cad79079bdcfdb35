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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stackyard.edges.alive import Traces, alive, each_dead
from stackyard.edges.traces import prefix_of
from stackyard.errors import StackyardError
from stackyard.record.database import make_state_folder

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard

ALIVE = "alive"


@contextlib.contextmanager
def living(yard: Yard) -> Iterator[Callable[[], None]]:
    """The run lives as long as the block lasts; before, those that died are cleared up after.

    Gives what removes what this run itself has left, once all its jobs are over: a suite that was ended may have
    left containers. Where that cannot be done now, the next run does it.
    """
    make_state_folder(yard.state)
    about = yard.engine.about()
    ours = Traces(yard.token, about.address or about.store, tempfile.gettempdir())
    with alive(yard.state / ALIVE, ours) as sign:
        each_dead(yard.state / ALIVE, lambda dead: _cleared(yard, ours, dead))

        def clear_up() -> None:
            sign.is_kept = not _cleared(yard, ours, ours)

        yield clear_up


def _cleared(yard: Yard, ours: Traces, dead: Traces) -> bool:
    """Remove what a run left; False where something of it is on another engine, or could not be removed."""
    from stackyard.edges.orphans import end_orphans

    end_orphans(dead.token)
    for folder in Path(dead.folder).glob(f"{prefix_of(dead.token)}*"):
        shutil.rmtree(folder, ignore_errors=True)
    if dead.engine != ours.engine:
        return False
    try:
        for engine in (yard.engine, *(yard.engine_for(platform) for platform, _ in yard.stack.engines)):
            engine.clear(dead.token)
    except StackyardError:
        return False  # the next run tries again; this one has its own work to do
    return True
