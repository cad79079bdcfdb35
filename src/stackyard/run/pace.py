# SPDX-License-Identifier: MIT
"""How far a run was from the least time that any order could have taken, and what each job waited for.

In:   Plan (who builds on whom), the jobs of a RunSummary with their times, Limits
Out:  the RunSummary with its Pace, and for each job how long it waited for a place
Pure. Rules of who waits for whom: run/machine. Why: docs/explanation/how-a-run-works.md
Cost: O(targets + edges)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from stackyard.model.names import TargetName
from stackyard.model.outcome import JobTime, Outcome, Pace, PathJob, RunSummary
from stackyard.model.plan import Plan
from stackyard.model.progress import JobName
from stackyard.run.events import POOLS, Limits, Pool


class _Way(msgspec.Struct, frozen=True):
    """The longest chain of jobs that ends here."""

    length_s: float = 0.0
    last: PathJob | None = None
    before: _Way | None = None

    def and_then(self, target: TargetName, job: JobTime | None) -> _Way:
        if job is None:
            return self
        return _Way(self.length_s + job.duration_s, PathJob(target, job.job, job.duration_s), self)

    def jobs(self) -> tuple[PathJob, ...]:
        found: list[PathJob] = []
        way: _Way | None = self
        while way is not None:
            found += [way.last] if way.last else []
            way = way.before
        return tuple(reversed(found))


def paced(summary: RunSummary, plan: Plan, limits: Limits) -> RunSummary:
    """The summary with `pace` and `waited_s` filled in.

    Durations are those of this run: jobs that ran beside each other on few cores took longer than they
    would have taken alone, so the bound is what another order of the same jobs could have reached.
    A run that was interrupted has no pace.
    """
    outcomes = {outcome.target: outcome for outcome in summary.outcomes}
    parents = {step.target: [p.target for p in step.parents if p.target in outcomes] for step in plan.steps}
    order = [step.target for step in plan.steps if step.target in outcomes]
    waited = _waited(order, parents, outcomes)
    pace = None if summary.is_interrupted else _pace(order, parents, outcomes, limits)
    return msgspec.structs.replace(summary, outcomes=tuple(waited[o.target] for o in summary.outcomes), pace=pace)


def _waited(
    order: Iterable[TargetName],
    parents: Mapping[TargetName, Iterable[TargetName]],
    outcomes: Mapping[TargetName, Outcome],
) -> dict[TargetName, Outcome]:
    """Each outcome with how long its jobs waited, after all that they need was there."""
    content: dict[TargetName, float] = {}
    published: dict[TargetName, float] = {}
    found: dict[TargetName, Outcome] = {}
    for name in order:
        ready: dict[JobName, float] = {}
        ready["build"] = ready["fetch"] = max((content[p] for p in parents[name]), default=0.0)
        ends = {job.job: job.begun_s + job.duration_s for job in outcomes[name].jobs}
        content[name] = ready["test"] = ends.get("build", ends.get("fetch", ready["build"]))
        passed = ends.get("test", content[name])
        ready["publish"] = max([passed, *(published[p] for p in parents[name])])
        published[name] = ends.get("publish", ready["publish"])
        found[name] = msgspec.structs.replace(
            outcomes[name],
            jobs=tuple(
                msgspec.structs.replace(job, waited_s=max(job.begun_s - ready[job.job], 0.0))
                for job in outcomes[name].jobs
            ),
        )
    return found


def _pace(
    order: Iterable[TargetName],
    parents: Mapping[TargetName, Iterable[TargetName]],
    outcomes: Mapping[TargetName, Outcome],
    limits: Limits,
) -> Pace | None:
    content: dict[TargetName, _Way] = {}
    published: dict[TargetName, _Way] = {}
    work: dict[Pool, float] = {}
    for name in order:
        jobs = {job.job: job for job in outcomes[name].jobs}
        for job in jobs.values():
            work[POOLS[job.job]] = work.get(POOLS[job.job], 0.0) + job.duration_s
        made = _longest(content[p] for p in parents[name])
        content[name] = made.and_then(name, jobs.get("build", jobs.get("fetch")))
        tested = content[name].and_then(name, jobs.get("test"))
        published[name] = _longest([tested, *(published[p] for p in parents[name])]).and_then(name, jobs.get("publish"))
    if not work:
        return None
    path = _longest(published.values())
    pool, share = max(((pool, spent / limits.of(pool)) for pool, spent in work.items()), key=lambda each: each[1])
    is_path = path.length_s >= share
    return Pace(
        path=path.jobs(),
        path_s=path.length_s,
        work_s=sum(work.values()),
        bound_s=max(path.length_s, share),
        bound_by="path" if is_path else pool,
        at_once=1 if is_path else limits.of(pool),
    )


def _longest(ways: Iterable[_Way]) -> _Way:
    return max(ways, key=lambda way: way.length_s, default=_Way())
