# SPDX-License-Identifier: MIT
"""A run while it goes on, where nobody can redraw: plain lines with times; in CI with folds and annotations.

In:   Progress, from several threads
Out:  text on the stream given; nothing else is touched
Beside: live (terminals), events (programs)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Self, TextIO

from stackyard.model.moves import MoveSet
from stackyard.model.names import TargetName
from stackyard.model.outcome import Outcome
from stackyard.model.progress import JobEnded, JobName, JobStarted, JobStep, Progress, TagsMoved, TargetEnded
from stackyard.report.ci import System, annotation, disarmed, fold
from stackyard.report.text import Style, cleaned, count_text, cut, time_text

DOING: dict[JobName, str] = {"build": "building", "fetch": "fetching", "test": "testing", "publish": "publishing"}
DONE: dict[JobName, str] = {"build": "built", "fetch": "fetched", "test": "tested", "publish": "published"}
_NOTEWORTHY_S = 0.5
_DETAILS = 20
_FOLDED = 1000
"""So many lines of a log are shown in a fold; the file has all."""


class Lines:
    """One line per event, each with the time of day and since the run began: for logs and pipes.

    Args:
        now: UTC, ISO 8601.
        guard: keeps what other people wrote from being a command to who reads the lines.
    """

    def __init__(
        self,
        stream: TextIO,
        ticks: Callable[[], float],
        now: Callable[[], str],
        style: Style,
        guard: Callable[[str], str] = str,
    ) -> None:
        self._stream = stream
        self._ticks = ticks
        self._now = now
        self._begun = ticks()
        self._style = style
        self._guard = guard
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        """Tell what happened."""
        if text := self._text(progress):
            self._write(self._guard(f"{self._at()}  {text}\n"))

    def _write(self, text: str) -> None:
        # Nobody reads any more (`| head`), or the disk is full: the run goes on, its summary has the exit code.
        with self._lock, contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def _at(self) -> str:
        return self._style(f"{self._now()[11:19]} {self._ticks() - self._begun:7.1f} s", "dim")

    def _text(self, progress: Progress) -> str:
        match progress:
            case JobStarted(target, job, expected_s):
                expected = f" (last time {time_text(expected_s)})" if expected_s else ""
                return f"{target}: {DOING[job]}{expected}"
            case JobStep(target, "build", text, "started") | JobStep(target, _, text, "again"):
                return self._style(f"{target}: {cut(cleaned(text), 110)}", "dim")
            case JobEnded():
                return ended_text(progress, self._style)
            case TargetEnded(outcome) if outcome.because is not None:
                return skipped_text(outcome, self._style)
            case TagsMoved(moves):
                return moved_text(moves)
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class FoldedLines(Lines):
    """The same for a CI system's log: the whole log of each job in a fold, each failure beside its file.

    Args:
        read: gives the lines of a log, by its path relative to the stack's root.
        prefix: where the stack lies in its repository; empty for the top.
    """

    def __init__(
        self,
        stream: TextIO,
        ticks: Callable[[], float],
        now: Callable[[], str],
        style: Style,
        system: System,
        read: Callable[[str], Sequence[str]],
        prefix: str = "",
    ) -> None:
        super().__init__(stream, ticks, now, style, disarmed)
        self._system: System = system
        self._read = read
        self._prefix = prefix
        self._begins: dict[tuple[TargetName, JobName], str] = {}

    def __call__(self, progress: Progress) -> None:
        """Tell what happened."""
        text = ""
        match progress:
            case JobStep():
                return  # the log has them
            case JobStarted(target, job):
                self._begins[(target, job)] = self._now()
            case JobEnded() if progress.log:
                text = self._folded(progress)
        if said := self._text(progress):
            text += self._guard(f"{self._at()}  {said}\n")
        if text:
            self._write(text)

    def _folded(self, ended: JobEnded) -> str:
        """The log of a job; where it failed, the command that shows it beside the file."""
        now = self._now()
        title = f"{ended.target}: {DONE[ended.job] if ended.is_good else ended.job} in {time_text(ended.duration_s)}"
        title += "" if ended.is_good else ", failed"
        lines = self._read(ended.log)
        left_out = [f"({len(lines) - _FOLDED} lines before these: {ended.log})"] if len(lines) > _FOLDED else []
        began = self._begins.pop((ended.target, ended.job), now)
        key = f"{ended.target.file_safe}.{ended.job}"
        text = fold(self._system, title, [*left_out, *lines[-_FOLDED:]], key, began, now, is_open=not ended.is_good)
        if self._system != "github" or ended.is_good:
            return text
        path = cleaned(f"{self._prefix}/{ended.path}".lstrip("/")) if ended.path else None
        said = "\n".join([ended.text, *ended.details[-_DETAILS:], f"log: {ended.log}"])
        return text + annotation(f"{ended.target} failed", "\n".join(map(cleaned, said.split("\n"))), path, ended.line)


def ended_text(ended: JobEnded, style: Style) -> str:
    """What a job came to; nothing for a job that had nothing to do."""
    if not ended.is_good:
        lines = [style(f"{ended.target}: {cleaned(ended.text)}", "red")]
        lines += [f"    {cleaned(line)}" for line in ended.details[-_DETAILS:]]
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
    return style(f"{outcome.target}: skipped, because {outcome.cause}", "yellow")
