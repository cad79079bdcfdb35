# SPDX-License-Identifier: MIT
"""Whether what a plan brings will fit on the disks of the engines.

In:   Yard, Plan
Out:  free bytes; NoRoom
May touch: the engines: one request each, and one for each base where it is close
"""

from __future__ import annotations

from collections.abc import Sequence

from stackyard.edges.engine import Engine
from stackyard.errors import EngineProblem, NoRoom
from stackyard.model.plan import Plan
from stackyard.model.reference import Reference
from stackyard.model.stack import Target
from stackyard.run.expect import is_coming, room_of
from stackyard.verbs.yard import Yard


def free_bytes(yard: Yard, plan: Plan) -> int | None:
    """What is free now where the one engine is; None where nothing comes to it, or nobody knows."""
    return free_now(yard.engine) if "" in _coming(yard, plan) else None


def free_now(engine: Engine) -> int | None:
    """What is free, whatever comes; None where nobody knows, or nobody answers any more."""
    try:
        return engine.free_bytes()
    except EngineProblem:  # an engine that does not say is none that cannot build
        return None


def refuse_without_room(yard: Yard, plan: Plan) -> None:
    """Raises: NoRoom, where the records say that it will not fit on an engine's disk."""
    actions = {step.target: step.action for step in plan.steps}
    records = yard.records.known().records
    for where, planned in _coming(yard, plan).items():
        engine = yard.engine_at(where)
        free = free_now(engine)
        if free is None:
            continue
        needed = room_of(planned, actions, records, {})
        if needed > free:  # an image that stands on no other of the stack was counted with its base
            needed = room_of(planned, actions, records, _bases(engine, planned, plan))
        if needed > free:
            count = sum(is_coming(target, actions) for target in planned)
            raise NoRoom(
                f"no room: {count} image{'s' if count > 1 else ''} took {needed / 1e9:.1f} GB last time, and "
                f"{free / 1e9:.1f} GB are free where {engine.about().name} keeps them",
                hint="make room, build fewer at a time by naming them, or go on with --ignore-disk",
                needed_bytes=needed,
                free_bytes=free,
            )


def _coming(yard: Yard, plan: Plan) -> dict[str, list[Target]]:
    """What is planned of each engine that something comes to, by where it is."""
    actions = {step.target: step.action for step in plan.steps}
    planned: dict[str, list[Target]] = {}
    for step in plan.steps:
        target = yard.stack.target(step.target)
        planned.setdefault(yard.stack.engine_of(target), []).append(target)
    return {where: found for where, found in planned.items() if any(is_coming(each, actions) for each in found)}


def _bases(engine: Engine, planned: Sequence[Target], plan: Plan) -> dict[str, int]:
    """Sizes of the external bases that an engine has."""
    sizes: dict[str, int] = {}
    names = {target.name for target in planned}
    for base in {base for step in plan.steps if step.target in names for base in step.bases if base.accepted}:
        assert base.accepted is not None
        by_digest = Reference(base.reference.repository, None, base.accepted)
        facts = engine.inspect(str(by_digest)) or engine.inspect(str(base.accepted))
        if facts is not None:
            sizes[base.reference.canonical] = facts.size_bytes
    return sizes
