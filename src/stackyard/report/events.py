# SPDX-License-Identifier: MIT
"""A run while it goes on, for programs: one JSON object a line, `"format": 1`.

In:   Progress, from several threads
Out:  lines on the stream given; nothing else is touched
Reference: docs/reference/json.md
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any, Self, TextIO

from stackyard.model.outcome import RunSummary
from stackyard.model.plan import Plan
from stackyard.model.progress import JobEnded, JobStarted, JobStep, Progress, TagsMoved, TargetEnded
from stackyard.report.data import FORMAT, moves_data, outcome_data, plan_data, run_data


class EventLines:
    """A line for each thing that happens, with the time of day and since the run began."""

    def __init__(self, stream: TextIO, ticks: Callable[[], float], now: Callable[[], str]) -> None:
        self._stream = stream
        self._ticks = ticks
        self._now = now
        self._begun = ticks()
        self._lock = threading.Lock()

    def __call__(self, progress: Progress | Plan | RunSummary) -> None:
        """Tell what happened: first the plan, at last the run."""
        with self._lock, contextlib.suppress(OSError):  # nobody reads any more; the run goes on
            head = {"format": FORMAT, "at": self._now(), "elapsed_s": round(self._ticks() - self._begun, 3)}
            text = json.dumps({**head, **event_data(progress)})
            self._stream.write(text.replace("##[", "##\\u005b") + "\n")  # a command to GitHub
            self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def event_data(progress: Progress | Plan | RunSummary) -> dict[str, Any]:
    """What happened, with its kind as `event`."""
    match progress:
        case Plan():
            return {"event": "plan", "plan": plan_data(progress)}
        case JobStarted(target, job, expected_s):
            expected = None if expected_s is None else round(expected_s, 3)
            return {"event": "job-started", "target": str(target), "job": job, "expected_s": expected}
        case JobStep(target, job, text, state, duration_s):
            took = None if duration_s is None else round(duration_s, 3)
            step = {"step": text, "state": state, "duration_s": took}
            return {"event": "job-step", "target": str(target), "job": job, **step}
        case JobEnded():
            return {
                "event": "job-ended",
                "target": str(progress.target),
                "job": progress.job,
                "good": progress.is_good,
                "duration_s": round(progress.duration_s, 3),
                "text": progress.text,
                "details": list(progress.details),
                "log": progress.log or None,
                "path": progress.path,
                "line": progress.line,
            }
        case TargetEnded(outcome):
            return {"event": "target-ended", "outcome": outcome_data(outcome)}
        case TagsMoved(moves):
            return {"event": "tags-moved", "moved": moves_data(moves)}
        case RunSummary():
            return {"event": "run", "run": run_data(progress)}
