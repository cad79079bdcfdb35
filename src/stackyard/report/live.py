# SPDX-License-Identifier: MIT
"""A run in a terminal: a line per running step, redrawn, and below them the counts; what ended stays above as text.

In:   Progress, from several threads; the plan, for counts and for what is expected
Out:  text on the stream given; nothing else is touched
Beside: progress (where nobody can redraw)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self, TextIO

import msgspec

from stackyard.model.eta import remaining
from stackyard.model.names import TargetName
from stackyard.model.plan import Plan
from stackyard.model.progress import JobEnded, JobName, JobStarted, JobStep, Progress, TagsMoved, TargetEnded
from stackyard.report.progress import DOING, ended_text, moved_text, skipped_text
from stackyard.report.text import Style, cleaned, time_text

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_KEPT = 3
"""Lines of the terminal that are left to what ended, and to the counts."""


class Row(msgspec.Struct, frozen=True):
    """A job that runs."""

    target: TargetName
    job: JobName
    elapsed_s: float
    phase: str = ""


class Counts(msgspec.Struct):
    """Targets of a run by where they are."""

    waiting: int
    running: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0


class LiveLines:
    """One line per running job, redrawn; what ended stays above as text. For terminals.

    Args:
        builds: how many builds run at once.
    """

    def __init__(self, stream: TextIO, ticks: Callable[[], float], style: Style, plan: Plan, builds: int) -> None:
        from rich.console import Console
        from rich.live import Live

        self._ticks = ticks
        self._style = style
        self._plan = plan
        self._builds = builds
        self._lock = threading.RLock()
        self._all = sum(step.action not in ("skip", "reuse") for step in plan.steps)
        self._working = {step.target for step in plan.steps if step.action not in ("skip", "reuse")}
        self._running: dict[tuple[TargetName, JobName], tuple[float, str]] = {}
        self._began: dict[TargetName, float] = {}
        self._ended: dict[TargetName, str] = {}
        self._left: tuple[float, float | None] | None = None
        # Who asks for live lines gets them, also where we would not have thought of a terminal.
        self._console = Console(file=stream, highlight=False, force_terminal=True, no_color=not style.is_coloured)
        self._live: Live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=8, transient=True)

    def __call__(self, progress: Progress) -> None:
        """Take in what happened; the next redraw shows it."""
        from rich.text import Text

        said = ""
        with self._lock:
            match progress:
                case JobStarted(target, job):
                    self._running[(target, job)] = (self._ticks(), "")
                    self._began.setdefault(target, self._ticks())
                case JobStep(target, job, text, "started" | "again"):
                    begun, _ = self._running.get((target, job), (self._ticks(), ""))
                    self._running[(target, job)] = (begun, text)
                case JobEnded(target, job):
                    self._running.pop((target, job), None)
                    said = ended_text(progress, self._style)
                case TargetEnded(outcome):
                    if outcome.target in self._working:
                        self._ended[outcome.target] = outcome.status
                    if outcome.because is not None:
                        said = skipped_text(outcome, self._style)
                case TagsMoved(moves):
                    said = moved_text(moves)
        # Not under our lock: who prints waits for whoever draws, and who draws waits for our lock.
        if said:
            self._console.print(Text.from_ansi(said))

    def _draw(self) -> Text:
        from rich.text import Text  # not before a terminal is there

        with self._lock:
            now = self._ticks()
            rows = [Row(target, job, now - begun, text) for (target, job), (begun, text) in self._running.items()]
            text = live_text(rows, self._counts(), self._remaining(now), self._console.size.height, self._style)
        return Text.from_ansi(text, no_wrap=True, overflow="ellipsis")

    def _counts(self) -> Counts:
        ways = list(self._ended.values())
        failed, skipped = ways.count("failed"), ways.count("skipped")
        running = len({target for target, _ in self._running if target not in self._ended})
        done = len(ways) - failed - skipped
        return Counts(max(self._all - running - len(ways), 0), running, done, failed, skipped)

    def _remaining(self, now: float) -> float | None:
        """Worked out once a second: a plan may have a thousand targets."""
        if self._left is None or now - self._left[0] >= 1:
            running = {name: now - begun for name, begun in self._began.items() if name not in self._ended}
            self._left = (now, remaining(self._plan, self._ended, running, self._builds))
        then, left = self._left
        return None if left is None else max(left - (now - then), 0.0)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.__exit__(*exception)  # type: ignore[arg-type]


def live_text(rows: Sequence[Row], counts: Counts, left_s: float | None, height: int, style: Style) -> str:
    """What a terminal of some height shows while a run goes on: never more lines than it has."""
    room = max(height - _KEPT, 1)
    shown = rows if len(rows) <= room else rows[: room - 1]
    lines = [
        f"{row.target}: {DOING[row.job]} {time_text(row.elapsed_s)}  {style(cleaned(row.phase), 'dim')}".rstrip()
        for row in shown
    ]
    if len(shown) < len(rows):
        lines.append(style(f"and {len(rows) - len(shown)} more", "dim"))
    return "\n".join([*lines, counts_text(counts, left_s, style)])


def counts_text(counts: Counts, left_s: float | None, style: Style) -> str:
    """`2 done, 1 running, 5 waiting; about 1 min 5 s left`."""
    colours = {"failed": "red", "done": "green"}
    parts = [
        style(f"{count} {name}", colours[name]) if name in colours else f"{count} {name}"
        for name, count in (
            ("done", counts.done),
            ("running", counts.running),
            ("waiting", counts.waiting),
            ("failed", counts.failed),
            ("skipped", counts.skipped),
        )
        if count or name in ("done", "running", "waiting")
    ]
    seconds = round(left_s or 0)
    about = f"{seconds} s" if seconds < 60 else time_text(seconds)
    left = f"; about {about} left" if seconds and counts.running + counts.waiting else ""
    return f"{', '.join(parts)}{left}"
