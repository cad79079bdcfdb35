# SPDX-License-Identifier: MIT
"""Whether what a plan brings will fit on the engine's disk.

In:   Yard, Plan
Out:  free bytes; NoRoom
May touch: the engine: one request, and one for each base where it is close
"""

from __future__ import annotations

from stackyard.errors import EngineProblem, NoRoom
from stackyard.model.plan import Plan
from stackyard.model.reference import Reference
from stackyard.run.expect import room_of
from stackyard.verbs.yard import Yard

COMING = ("build", "decide-later", "fetch")


def free_bytes(yard: Yard, plan: Plan) -> int | None:
    """What is free now; None where nothing comes, or nobody knows."""
    if not any(step.action in COMING for step in plan.steps):
        return None
    return free_now(yard)


def free_now(yard: Yard) -> int | None:
    """What is free, whatever comes; None where nobody knows, or nobody answers any more."""
    try:
        return yard.engine.free_bytes()
    except EngineProblem:  # an engine that does not say is none that cannot build
        return None


def refuse_without_room(yard: Yard, plan: Plan, free: int) -> None:
    """Raises: NoRoom, where the records say that it will not fit."""
    targets = {target.name: target for target in yard.stack.targets}
    planned, actions = [targets[step.target] for step in plan.steps], {step.target: step.action for step in plan.steps}
    records = yard.records.known().records
    needed = room_of(planned, actions, records, {})
    if needed > free:  # an image that stands on no other of the stack was counted with its base
        needed = room_of(planned, actions, records, _bases(yard, plan))
    if needed > free:
        count = sum(action in COMING for action in actions.values())
        raise NoRoom(
            f"no room: {count} image{'s' if count > 1 else ''} took {needed / 1e9:.1f} GB last time, and "
            f"{free / 1e9:.1f} GB are free where {yard.engine.about().name} keeps them",
            hint="make room, build fewer at a time by naming them, or go on with --ignore-disk",
            needed_bytes=needed,
            free_bytes=free,
        )


def _bases(yard: Yard, plan: Plan) -> dict[str, int]:
    """Sizes of the external bases that the engine has."""
    sizes: dict[str, int] = {}
    for base in {base for step in plan.steps for base in step.bases if base.accepted is not None}:
        by_digest = Reference(base.reference.repository, None, base.accepted)
        facts = yard.engine.inspect(str(by_digest)) or yard.engine.inspect(str(base.accepted))
        if facts is not None:
            sizes[base.reference.canonical] = facts.size_bytes
    return sizes
