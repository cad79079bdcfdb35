# SPDX-License-Identifier: MIT
"""Stackyard's plan beside that of the DataHub scripts: where they differ, and why.

In:   OldPlan, Plan
Out:  OldPlan, each step with Stackyard's and a note
Pure. Beside: plan/like_datahub
"""

from __future__ import annotations

import msgspec

from stackyard.model.datahub import (
    AllAsked,
    AllByPath,
    AllOnMain,
    AllUnchanged,
    Dropped,
    NotPrepulled,
    OldPlan,
    OldStep,
    ParentBuilt,
    PathChanged,
    TagAbsent,
)
from stackyard.model.names import TargetName
from stackyard.model.plan import Plan, Step
from stackyard.model.reason import NeverBuilt

BUILDS = ("build", "decide-later")


def beside(old: OldPlan, ours: Plan) -> OldPlan:
    """`old` with the steps of `ours` for the same targets."""
    by_name = {step.target: step for step in ours.steps}
    built = {step.target for step in old.steps if step.action == "build"}
    steps = []
    for step in old.steps:
        mine = by_name.get(step.target)
        steps.append(msgspec.structs.replace(step, ours=mine, note=_note(step, mine, old, built)))
    return msgspec.structs.replace(old, steps=tuple(steps))


def _note(old: OldStep, ours: Step | None, plan: OldPlan, built: set[TargetName]) -> str:
    if ours is None:
        return "" if old.action == "skip" else "Stackyard does not have this target"
    if (old.action == "build") == (ours.action in BUILDS):
        return _tags(old, ours)
    return _saved(old, ours) if old.action == "build" else _missed(old, ours, plan, built)


def _tags(old: OldStep, ours: Step) -> str:
    """Both build, under another name; or neither does, and one tests."""
    if old.action == "reuse" and ours.action == "retest":
        return "its tests are not known to pass: they run again"
    if old.action != "build" or old.tag is None or not ours.tags or old.tag in ours.tags:
        return ""
    return f"tagged {' and '.join(map(str, ours.tags))}"


def _saved(old: OldStep, ours: Step) -> str:
    """They build, Stackyard does not."""
    what = {"retest": "it is only tested again", "tag": "it only gets its tags", "push": "it is only pushed"}
    mine = what.get(ours.action, "nothing is to be done")
    if ours.action == "skip":
        return "; ".join(str(reason) for reason in ours.reasons[:1])
    match old.reasons[0]:
        case AllAsked():
            return f"nothing of it changed: {mine}; `--rebuild all` builds it"
        case AllOnMain() | AllByPath() | AllUnchanged():
            return f"nothing of it changed: {mine}"
        case PathChanged(path):
            return f"{path} is no part of the image: {mine}"
        case ParentBuilt(parent):
            return f"what it is made from is as it was, {parent} included: {mine}"
        case TagAbsent() | NotPrepulled():
            return f"its content is known: {mine}"
    return mine


def _missed(old: OldStep, ours: Step, plan: OldPlan, built: set[TargetName]) -> str:
    """Stackyard builds, they do not."""
    if plan.halt is not None:
        return f"Stackyard's reason: {ours.reasons[0]}" if ours.reasons else ""
    if isinstance(old.reasons[0], Dropped):
        return "they leave it out"
    lead = f"images/{ours.image}/"
    for path, why in plan.unseen:
        if path.startswith(lead):
            return f"they do not see {path} ({why})"
    if old.parent in built:
        return f"they leave it on the {old.parent} of before, under the same tag"
    if any(isinstance(reason, NeverBuilt) for reason in ours.reasons):
        return "the records have no build of it"
    return f"they do not look for this: {ours.reasons[0]}" if ours.reasons else ""
