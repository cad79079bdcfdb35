# SPDX-License-Identifier: MIT
"""Images that are built on what another engine makes: that comes through the registry, and through nothing else.

In:   Stack, Known, Plan
Out:  nothing, or ConfigError
Pure. Why: docs/how-to/build-for-several-platforms.md
"""

from __future__ import annotations

from collections.abc import Iterator

from stackyard.errors import ConfigError
from stackyard.model.known import Known
from stackyard.model.names import TargetName
from stackyard.model.plan import Plan, Step
from stackyard.model.stack import Stack

BUILDING = ("build", "decide-later")


def refuse_unpublished(stack: Stack, known: Known, plan: Plan) -> None:
    """ConfigError where a plan that publishes nothing builds on what another engine has, and no registry."""
    missing = list(_missing(stack, known, plan))
    if not missing:
        return
    child, parent = missing[0]
    more = f" (and {len(missing) - 1} more like it)" if len(missing) > 1 else ""
    raise ConfigError(
        f"{child} builds on {parent}, which another engine has and no registry{more}",
        hint=f"build with --push: what {child} stands on is then published first, and comes from there",
        target=str(child),
        parent=str(parent),
    )


def _missing(stack: Stack, known: Known, plan: Plan) -> Iterator[tuple[TargetName, TargetName]]:
    """What is built, and what it is built on."""
    steps = {step.target: step for step in plan.steps}
    for step in plan.steps:
        if step.action in BUILDING:
            for parent in stack.parents_afar(stack.target(step.target)):
                if not _is_published(known, steps[parent]):
                    yield step.target, parent


def _is_published(known: Known, step: Step) -> bool:
    """Whether the build that a step goes on from is in its registry."""
    if step.action in BUILDING:
        return False
    found = (record for record in known.records.get(step.target, ()) if record.id == step.record)
    return any(record.pushed(step.repository) is not None for record in found)
