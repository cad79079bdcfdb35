# SPDX-License-Identifier: MIT
"""How long a run will still take, from what its plan expects and what has ended.

In:   Plan, what ended, what runs since when, how many at once
Out:  seconds
Pure.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping

from stackyard.model.names import TargetName
from stackyard.model.plan import Plan, Step

_IDLE = ("skip", "reuse")


def remaining(
    plan: Plan, ended: Collection[TargetName], running: Mapping[TargetName, float], workers: int
) -> float | None:
    """Seconds until the last target ends, longest chains first; None where no target's time is known.

    A target counts as one piece, tests included, and one that was never built as the mean of the others:
    this is for a person who wonders whether to wait, and decides nothing.

    Args:
        running: seconds since each began.

    Cost: O(n log n) in the targets that have not ended.
    """
    steps = {s.target: s for s in plan.steps if s.action not in _IDLE and s.target not in ended}
    known = [step.expected_s for step in plan.steps if step.action not in _IDLE and step.expected_s]
    if not known:
        return None
    mean = sum(known) / len(known)
    left = {name: max((step.expected_s or mean) - running.get(name, 0.0), 0.0) for name, step in steps.items()}
    parents = {name: [p for p in _parents(step) if p in steps] for name, step in steps.items()}
    children: dict[TargetName, list[TargetName]] = {name: [] for name in steps}
    for name, above in parents.items():
        for parent in above:
            children[parent].append(name)
    chain: dict[TargetName, float] = {}
    for name in reversed(list(steps)):  # a plan has parents first
        chain[name] = left[name] + max((chain[child] for child in children[name]), default=0.0)
    waits = {name: len(above) for name, above in parents.items()}
    ready = [(name not in running, -chain[name], name) for name, count in waits.items() if not count]
    heapq.heapify(ready)
    busy: list[tuple[float, TargetName]] = []
    now = 0.0
    while ready or busy:
        while ready and len(busy) < max(workers, 1):
            _, _, name = heapq.heappop(ready)
            heapq.heappush(busy, (now + left[name], name))
        now, name = heapq.heappop(busy)
        for child in children[name]:
            waits[child] -= 1
            if not waits[child]:
                heapq.heappush(ready, (child not in running, -chain[child], child))
    return now


def _parents(step: Step) -> list[TargetName]:
    return list(dict.fromkeys(parent.target for parent in step.parents))
