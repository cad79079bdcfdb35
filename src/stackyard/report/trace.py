# SPDX-License-Identifier: MIT
"""A run as a Chrome trace: every job and instruction in its place and time, for chrome://tracing and ui.perfetto.dev.

In:   Progress, from several threads; at the end the RunSummary
Out:  plain data for a JSON file
Pure, but for the clock it is given. Reference: docs/how-to/watch-a-run.md
Beside: run/pace, which says what each job waited for
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from stackyard.model.names import TargetName
from stackyard.model.outcome import JobTime, Outcome, RunSummary
from stackyard.model.progress import JobName, JobStarted, JobStep, Progress

_KINDS: dict[JobName, str] = {"build": "build", "fetch": "transfer", "test": "test", "publish": "transfer"}
_ROWS = ("build", "instruction", "test", "transfer")


class _Slice(NamedTuple):
    """Something that took its time."""

    begun_s: float
    duration_s: float
    name: str
    facts: dict[str, Any]


class Trace:
    """Keeps what a trace has beside the summary: instructions and retries.

    Args:
        ticks: seconds, of the clock that times the run's jobs.
    """

    def __init__(self, ticks: Callable[[], float]) -> None:
        self._ticks = ticks
        self._begun: dict[tuple[TargetName, JobName], float] = {}
        self._steps: list[tuple[float, JobStep]] = []

    def __call__(self, progress: Progress) -> None:
        """Note what happened, and when."""
        match progress:
            case JobStarted(target, job):
                self._begun[(target, job)] = self._ticks()
            case JobStep(state="done" | "failed" | "again"):
                self._steps.append((self._ticks(), progress))

    def data(self, summary: RunSummary) -> dict[str, Any]:
        """The file: times in microseconds since the run began."""
        rows: dict[str, list[_Slice]] = {row: [] for row in _ROWS}
        for outcome in summary.outcomes:
            for job in outcome.jobs:
                rows[_KINDS[job.job]].append(_of_job(outcome, job))
        steps = list(self._placed(summary))
        rows["instruction"] = [
            _Slice(at_s - step.duration_s, step.duration_s, step.text, {"image": str(step.target)})
            for at_s, step in steps
            if step.duration_s is not None
        ]
        events = [{"name": "process_name", "ph": "M", "pid": 1, "args": {"name": f"stackyard run {summary.number}"}}]
        events += _drawn(rows)
        events += [
            {
                "name": f"{step.target}: {step.job}, {step.text}",
                "cat": "retry",
                "ph": "i",
                "s": "p",
                "pid": 1,
                "tid": 0,
                "ts": _micro(at_s),
            }
            for at_s, step in steps
            if step.state == "again"
        ]
        events += _waiting(job for outcome in summary.outcomes for job in outcome.jobs)
        return {"displayTimeUnit": "ms", "otherData": {"command": summary.command}, "traceEvents": events}

    def _placed(self, summary: RunSummary) -> Iterator[tuple[float, JobStep]]:
        """Steps with seconds since the run began, none after its job; of jobs that came to an end."""
        jobs = {(outcome.target, job.job): job for outcome in summary.outcomes for job in outcome.jobs}
        # A job begins a moment after it was told, on a busy machine a longer one: the shortest says when the run began.
        run_began = max((told - jobs[key].begun_s for key, told in self._begun.items() if key in jobs), default=0.0)
        for at, step in self._steps:
            job = jobs.get((step.target, step.job))
            if job is not None:
                yield min(at - run_began, job.begun_s + job.duration_s), step


def _of_job(outcome: Outcome, job: JobTime) -> _Slice:
    facts = {"image": str(outcome.target), "outcome": outcome.status, "waited_s": round(job.waited_s, 3)}
    return _Slice(job.begun_s, job.duration_s, f"{outcome.target}: {job.job}", facts)


def _drawn(rows: dict[str, list[_Slice]]) -> Iterator[dict[str, Any]]:
    """Slices of each kind in as many lines as ran at once, as a worker each would have done them."""
    tid = 0
    for kind, slices in rows.items():
        for number, line in enumerate(_lines(slices), 1):
            tid += 1
            head = {"ph": "M", "pid": 1, "tid": tid}
            yield {**head, "name": "thread_name", "args": {"name": f"{kind} {number}"}}
            yield {**head, "name": "thread_sort_index", "args": {"sort_index": tid}}
            for each in line:
                yield {
                    "name": each.name,
                    "cat": kind,
                    "ph": "X",
                    "pid": 1,
                    "tid": tid,
                    "ts": _micro(each.begun_s),
                    "dur": _micro(each.begun_s + each.duration_s) - _micro(each.begun_s),
                    "args": each.facts,
                }


def _lines(slices: Iterable[_Slice]) -> Sequence[Sequence[_Slice]]:
    lines: list[list[_Slice]] = []
    for each in sorted(slices, key=lambda each: each[:3]):
        free = (line for line in lines if line[-1].begun_s + line[-1].duration_s <= each.begun_s)
        line = next(free, None)
        if line is None:
            lines.append(line := [])
        line.append(each)
    return lines


def _waiting(jobs: Iterable[JobTime]) -> Iterator[dict[str, Any]]:
    """How many jobs of each kind wait for a place, each time that changes."""
    changes: list[tuple[float, int, str]] = []
    for job in jobs:
        if job.waited_s:
            changes += [(job.begun_s - job.waited_s, 1, _KINDS[job.job]), (job.begun_s, -1, _KINDS[job.job])]
    counts = dict.fromkeys(dict.fromkeys(_KINDS.values()), 0)
    for at_s, change, kind in sorted(changes):
        counts[kind] += change
        yield {"name": "waiting", "ph": "C", "pid": 1, "ts": _micro(at_s), "args": dict(counts)}


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)
