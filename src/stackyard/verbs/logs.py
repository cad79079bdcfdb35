# SPDX-License-Identifier: MIT
"""Where the logs of an image are: of its last run, or of one run.

In:   a Yard, words that name images, perhaps the number of a run
Out:  Log values, in the order a run writes them; their files hold the text
May touch: the folders of runs, which also those have that were killed
Raises: UnknownName (an image, a run), NothingToDo where nothing was logged
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackyard.errors import NothingToDo, UnknownName
from stackyard.model.logs import KINDS, Log, LogKind, logs_of
from stackyard.model.names import TargetName
from stackyard.plan.selection import select

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard

RUNS = "runs"


def logs(yard: Yard, images: Sequence[str], run: int | None = None, kind: LogKind | None = None) -> tuple[Log, ...]:
    """Every log of these images: of run `run`, else for each image of the last run that left one of it."""
    runs = _runs(yard.state / RUNS)
    if run is not None:
        if run not in runs:
            raise UnknownName(
                f"there is no run {run}", hint=f"the last is run {runs[0]}" if runs else None, name=str(run), near=None
            )
        runs = [run]
    chosen = select(yard.stack, images)
    kinds = KINDS if kind is None else (kind,)
    found: list[Log] = []
    for target in yard.stack.targets:
        if target.name in chosen:
            found += next((logs for number in runs if (logs := _of_run(yard, target.name, number, kinds))), [])
    if not found:
        what = f"no {kind} log" if kind else "no log"
        where = "" if run is None else f" of run {run}"
        raise NothingToDo(
            f"there is {what} of {', '.join(images)}{where}",
            hint="`stackyard history IMAGE` lists the runs that did something with it",
        )
    return tuple(found)


def _runs(folder: Path) -> list[int]:
    """Numbers of all runs that have a folder, newest first."""
    if not folder.is_dir():
        return []
    return sorted((int(each.name) for each in folder.iterdir() if each.name.isdecimal()), reverse=True)


def _of_run(yard: Yard, target: TargetName, run: int, kinds: Sequence[LogKind]) -> list[Log]:
    folder = yard.state / RUNS / str(run)
    return [
        Log(target, run, kind, (folder / file).relative_to(yard.root).as_posix())
        for kind in kinds
        for file in logs_of(target, kind)
        if (folder / file).is_file()
    ]
