# SPDX-License-Identifier: MIT
"""Why a target has its step, up to the cause; and all that goes into it.

In:   Stack, Known, a Plan of the whole stack, names
Out:  Why, MadeFrom
Pure. Beside: plan/compare, which made the plan. Why: docs/explanation/plan.md
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from stackyard.model.inputs import Inputs, Places, differences
from stackyard.model.known import Known
from stackyard.model.names import Digest, TargetName
from stackyard.model.plan import Plan, Step
from stackyard.model.reason import ParentChanged, ParentRebuilding, Reason
from stackyard.model.record import Record
from stackyard.model.stack import Stack, Target
from stackyard.model.why import Argument, Build, Link, MadeFrom, Why
from stackyard.plan.nearest import moved, nearest


class _Around(msgspec.Struct, frozen=True):
    """What every answer is made from."""

    stack: Stack
    known: Known
    steps: dict[TargetName, Step]
    targets: dict[TargetName, Target]
    records: dict[str, Record]

    def content(self, name: TargetName) -> Digest | None:
        """Content digest that children of `name` build on; None where it is to be built."""
        step = self.steps.get(name)
        record = self.records.get(step.record or "") if step else None
        if step is None or record is None or record.built is None or step.action in ("build", "decide-later"):
            return None
        return record.built.content

    def places(self, name: TargetName) -> Places:
        """Where the files of a target lie; as far as that can be told of one that is no more."""
        target = self.targets.get(name)
        return target.places(self.stack.images_folder) if target else Places(images=self.stack.images_folder)


def _around(stack: Stack, known: Known, plan: Plan) -> _Around:
    return _Around(
        stack,
        known,
        {step.target: step for step in plan.steps},
        {target.name: target for target in stack.targets},
        {record.id: record for records in known.records.values() for record in records},
    )


def explain(stack: Stack, known: Known, plan: Plan, names: Collection[TargetName]) -> tuple[Why, ...]:
    """The answer for each of `names`, in the plan's order."""
    around = _around(stack, known, plan)
    return tuple(_why(around, step) for step in plan.steps if step.target in names)


def _why(around: _Around, step: Step) -> Why:
    first = step.reasons[0] if step.reasons else None
    chain: tuple[Link, ...] = ()
    if step.action == "decide-later":
        chain = tuple(_waiting(around, step))
    elif isinstance(first, ParentChanged):
        chain = tuple(_past(around, first))
    return Why(step.target, step.action, step.reasons, chain, _compared(around, step))


def _compared(around: _Around, step: Step) -> Build | None:
    """The build that a step goes on from, or that it is unlike in the fewest things."""
    record = around.records.get(step.record or "")
    if record is None:
        target = around.targets[step.target]
        parents = {name: around.content(name) for name in target.inputs.parents}
        records = around.known.records.get(step.target, ())
        found = nearest(
            target, records, around.known.inputs, parents, around.known.accepted, around.stack.images_folder
        )
        record = found.record if found else None
    return _build(record)


def _build(record: Record | None) -> Build | None:
    built = record.built if record else None
    if record is None or built is None:
        return None
    return Build(record.id, built.at, record.run, built.commit, adopted=record.adopted is not None)


def _waiting(around: _Around, step: Step) -> Iterator[Link]:
    """Parents that are to be built, up to the first that has a reason of its own."""
    while step.action == "decide-later":
        parent = next((reason.parent for reason in step.reasons if isinstance(reason, ParentRebuilding)), None)
        if parent is None or parent not in around.steps:
            return
        step = around.steps[parent]
        yield Link(parent, step.reasons, compared=_compared(around, step))
    if step.reasons and isinstance(step.reasons[0], ParentChanged):
        yield from _past(around, step.reasons[0])


def _past(around: _Around, reason: ParentChanged) -> Iterator[Link]:
    """What was different when a parent became what it is: from the records, as far up as they tell."""
    first: Reason | None = reason
    while isinstance(first, ParentChanged) and first.was and first.now:
        records = around.known.records.get(first.parent, ())
        made, before = _of_content(records, first.now), _of_content(records, first.was)
        if made is None or made.built is None:
            return
        reasons: tuple[Reason, ...] = ()
        if before is not None and before.built is not None:
            now, then = around.known.inputs.get(made.inputs), around.known.inputs.get(before.inputs)
            places = around.places(first.parent)
            own = differences(now, then, places) if now is not None and then is not None and now != then else ()
            reasons = (*own, *moved(before.built, made.built.parents, made.built.bases, made.built.downloads))
        yield Link(first.parent, reasons, _build(made), _build(before))
        first = reasons[0] if reasons else None


def _of_content(records: Collection[Record], content: str) -> Record | None:
    """The newest build that came to this content."""
    return next((record for record in records if record.built and record.built.content == content), None)


def made_from(stack: Stack, known: Known, plan: Plan, names: Collection[TargetName]) -> tuple[MadeFrom, ...]:
    """All that goes into each of `names`, in the plan's order."""
    around = _around(stack, known, plan)
    return tuple(_made_from(around, step) for step in plan.steps if step.target in names)


def _made_from(around: _Around, step: Step) -> MadeFrom:
    target = around.targets[step.target]
    counted = dict(target.inputs.args)
    return MadeFrom(
        target=target.name,
        dockerfile="" if target.is_index else target.dockerfile,
        context=target.context,
        inputs=_masked(target.inputs),
        places=target.places(around.stack.images_folder),
        args=tuple(Argument(name, value, name in counted) for name, value in step.build_args),
        bases=tuple((reference, around.known.accepted.get(reference)) for reference in target.inputs.bases),
        downloads=tuple((address, around.known.accepted.get(address)) for address in target.inputs.downloads),
        parents=tuple((name, around.content(name)) for name in target.inputs.parents),
        source=step.source,
        build=step.build,
    )


def _masked(inputs: Inputs) -> Inputs:
    """The inputs without what stands for secrets in them."""
    args = ((name, "(hidden)" if value.startswith("hidden:") else value) for name, value in inputs.args)
    return msgspec.structs.replace(inputs, args=tuple(args))
