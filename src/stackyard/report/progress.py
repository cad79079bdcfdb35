# SPDX-License-Identifier: MIT
"""A run while it goes on: plain lines with times where nobody can redraw, live lines in a terminal.

In:   Progress, from several threads
Out:  text on the stream given; nothing else is touched
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from stackyard.model.moves import MoveSet
from stackyard.model.names import TargetName
from stackyard.model.outcome import Outcome
from stackyard.model.progress import JobEnded, JobName, JobStarted, JobStep, Progress, TagsMoved, TargetEnded
from stackyard.report.text import Style, count_text, cut, time_text

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

DOING: dict[JobName, str] = {"build": "building", "fetch": "fetching", "test": "testing", "publish": "publishing"}
DONE: dict[JobName, str] = {"build": "built", "fetch": "fetched", "test": "tested", "publish": "published"}
_NOTEWORTHY_S = 0.5


class Lines:
    """One line per event, each with the time since the run began: for logs and pipes."""

    def __init__(self, stream: TextIO, ticks: Callable[[], float], style: Style) -> None:
        self._stream = stream
        self._ticks = ticks
        self._begun = ticks()
        self._style = style
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        """Tell what happened."""
        text = self._text(progress)
        if text:
            with self._lock:
                elapsed = self._style(f"{self._ticks() - self._begun:7.1f} s", "dim")
                # Nobody reads any more (`| head`), or the disk is full: the run goes on, its summary has the exit code.
                with contextlib.suppress(OSError):
                    self._stream.write(f"{elapsed}  {text}\n")
                    self._stream.flush()

    def _text(self, progress: Progress) -> str:
        match progress:
            case JobStarted(target, job, expected_s):
                expected = f" (last time {time_text(expected_s)})" if expected_s else ""
                return f"{target}: {DOING[job]}{expected}"
            case JobStep(target, "build", text):
                return self._style(f"{target}: {cut(text, 110)}", "dim")
            case JobEnded():
                return ended_text(progress, self._style)
            case TargetEnded(outcome) if outcome.because is not None:
                return skipped_text(outcome, self._style)
            case TagsMoved(moves):
                return moved_text(moves)
        return ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class LiveLines:
    """One line per running job, redrawn; what ended stays above as text. For terminals."""

    def __init__(self, stream: TextIO, ticks: Callable[[], float], style: Style) -> None:
        from rich.console import Console
        from rich.live import Live

        self._ticks = ticks
        self._style = style
        self._lock = threading.RLock()
        self._running: dict[tuple[TargetName, JobName], tuple[float, str]] = {}
        # Who asks for live lines gets them, also where we would not have thought of a terminal.
        self._console = Console(file=stream, highlight=False, force_terminal=True, no_color=not style.is_coloured)
        self._live: Live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=8, transient=True)

    def __call__(self, progress: Progress) -> None:
        """Take in what happened; the next redraw shows it."""
        from rich.text import Text

        with self._lock:
            match progress:
                case JobStarted(target, job):
                    self._running[(target, job)] = (self._ticks(), "")
                case JobStep(target, job, text):
                    begun, _ = self._running.get((target, job), (self._ticks(), ""))
                    self._running[(target, job)] = (begun, text)
                case JobEnded(target, job):
                    self._running.pop((target, job), None)
                    if text := ended_text(progress, self._style):
                        self._console.print(Text.from_ansi(text))
                case TargetEnded(outcome) if outcome.because is not None:
                    self._console.print(Text.from_ansi(skipped_text(outcome, self._style)))
                case TagsMoved(moves):
                    self._console.print(moved_text(moves))

    def _draw(self) -> Text:
        from rich.text import Text  # not before a terminal is there

        with self._lock:
            rows = [
                f"{target}: {DOING[job]} {time_text(self._ticks() - begun)}  {self._style(text, 'dim')}"
                for (target, job), (begun, text) in self._running.items()
            ]
        return Text.from_ansi("\n".join(rows), no_wrap=True, overflow="ellipsis")

    def __enter__(self) -> LiveLines:
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.__exit__(*exception)  # type: ignore[arg-type]


def ended_text(ended: JobEnded, style: Style) -> str:
    """What a job came to; nothing for a job that had nothing to do."""
    if not ended.is_good:
        lines = [style(f"{ended.target}: {ended.text}", "red"), *(f"    {line}" for line in ended.details[-20:])]
        if ended.log:
            lines.append(f"    log: {ended.log}")
        return "\n".join(lines)
    if ended.duration_s < _NOTEWORTHY_S and ended.job != "build":
        return ""
    extra = f", {ended.text}" if ended.text else ""
    return f"{style(str(ended.target), 'bold')}: {DONE[ended.job]} in {time_text(ended.duration_s)}{extra}"


def moved_text(moves: MoveSet) -> str:
    """That the tags of a set were moved."""
    return f"moved {count_text(len(moves.changes), 'tag')}"


def skipped_text(outcome: Outcome, style: Style) -> str:
    """Why a target was left out."""
    return style(f"{outcome.target}: skipped, because {outcome.because} failed", "yellow")
