# SPDX-License-Identifier: MIT
"""Who watches a run: a person at a terminal, a log, a CI system, a program.

In:   the environment, --progress and --json
Out:  a Watching
May touch: the process's streams; reads logs of the run; appends to the file that GITHUB_STEP_SUMMARY names
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackyard import verbs
from stackyard.cli.common import option, write
from stackyard.report.ci import disarmed

if TYPE_CHECKING:
    from stackyard.cli.session import Session
    from stackyard.model.outcome import RunSummary
    from stackyard.model.plan import Plan
    from stackyard.verbs import Yard

SUMMARY_FILE = "GITHUB_STEP_SUMMARY"


def progress_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--progress."""
    import click

    return option(
        "--progress",
        type=click.Choice(["auto", "live", "plain", "json"]),
        default="auto",
        show_default=True,
        help="How a run is shown while it goes on; `json`: one object a line, and no text beside it.",
    )(function)


class Watching:
    """What a run is told to while it goes on, and after it.

    Args:
        jobs: how many builds run at once.
    """

    def __init__(self, session: Session, yard: Yard, plan: Plan, progress: str, is_json: bool, jobs: int) -> None:
        self._session = session
        self.is_text = not is_json and progress != "json"
        """Whether stdout is for people."""
        stream = sys.stderr if is_json else sys.stdout
        style, ticks, now = session.style(stream), yard.clock.ticks, yard.clock.now
        self._events = None
        self._watch: Any
        if progress == "json":
            from stackyard.report.events import EventLines

            self._watch = self._events = EventLines(stream, ticks, now)
            self._events(plan)
        elif progress == "live" or (progress == "auto" and session.can_redraw(stream)):
            from stackyard.report.live import LiveLines

            self._watch = LiveLines(stream, ticks, style, plan, jobs)
        elif session.ci is not None and progress == "auto":
            from stackyard.report.progress import FoldedLines

            prefix = verbs.path_in_repository(yard)
            self._watch = FoldedLines(stream, ticks, now, style, session.ci, _reader(yard.root), prefix)
        else:
            from stackyard.report.progress import Lines

            self._watch = Lines(stream, ticks, now, style, str if session.ci is None else disarmed)

    def __enter__(self) -> Any:
        return self._watch.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._watch.__exit__(*exception)

    def end(self, summary: RunSummary) -> None:
        """The run is over."""
        if self._events is not None:
            self._events(summary)
        if self._session.ci == "buildkite" and self.is_text:
            write("+++ Summary")
        if path := self._session.environ.get(SUMMARY_FILE):
            from stackyard.report.run_markdown import run_markdown

            with contextlib.suppress(OSError), Path(path).open("a", encoding="utf-8") as file:
                file.write(run_markdown(summary))


def _reader(root: Path) -> Callable[[str], Sequence[str]]:
    def read(path: str) -> Sequence[str]:
        with contextlib.suppress(OSError):
            return (root / path).read_text(encoding="utf-8", errors="replace").splitlines()
        return ()

    return read
