# SPDX-License-Identifier: MIT
"""Build a target once, whoever builds it: runs that share a state folder take turns at each.

In:   Work, a target, its parents' records, a build
Out:  what the build did; or the record that another run made meanwhile
May touch: one lock for each target; the records, to read
Before: run/jobs, which builds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stackyard.edges.turn import Turn
from stackyard.errors import EngineProblem
from stackyard.model.decide import too_old
from stackyard.model.inputs import build_fingerprint
from stackyard.model.names import TargetName
from stackyard.model.progress import Tell
from stackyard.model.record import Record
from stackyard.model.stack import Target
from stackyard.run.work import Done, Work


def once(
    work: Work,
    target: Target,
    parents: Mapping[TargetName, Record],
    turn: Turn,
    build: Callable[[], Done],
    is_stopping: Callable[[], bool],
    tell: Tell,
    now: str = "",
) -> Done:
    """Build it when it is this run's turn, unless another run has done so since this one began.

    The turn is kept: who takes what comes back gives it back once that is recorded, for the next one to find.
    A record that was there when the run began is no answer: the plan knew it, and wanted something else.

    Args:
        now: where it is built because of its age: the other's has to be younger than that, and not out of a cache.
    """
    if not turn.take(is_stopping, lambda: tell("another run builds it: waiting")):
        raise EngineProblem("the run was stopped before its turn came")
    if work.use_cache:
        contents = {name: record.built.content for name, record in parents.items() if record.built}
        wanted = build_fingerprint(target.inputs, contents, work.accepted)
        before = {record.id for record in work.records_of.get(target.name, ())}
        for record in work.find(target.name, wanted):
            is_new = record.id not in before and record.built is not None and not too_old(target, [record], now)
            if is_new and record.built and work.engine.inspect(str(record.built.image.id)) is not None:
                return Done(True, found=record)
    return build()
