# SPDX-License-Identifier: MIT
"""What the stack's policy makes of a run: asked once by each verb that plans.

In:   a Yard, whether publishing was asked for; a plan
Out:  Ruling; the plan with it
May touch: git, once, where a message counts and CI did not say it
Beside: verbs/__init__.py
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stackyard.edges.git import message_of
from stackyard.model.decide import Need, Presence
from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.outcome import Outcome, RunSummary
from stackyard.model.plan import Plan
from stackyard.model.policy import Ruling, rule
from stackyard.model.reason import LeftAlone
from stackyard.model.stack import Stack, Words
from stackyard.plan.compare import compare

if TYPE_CHECKING:
    from stackyard.model.ci import Ci
    from stackyard.verbs.yard import Yard


def ruling_of(stack: Stack, root: Path, ci: Ci | None, publish: bool) -> Ruling:
    """What the policy says of a run that starts now; words and branches count in CI alone."""
    policy, message = stack.policy, ""
    if ci is not None and policy.words != Words():
        said = ci.message if ci.message is not None else message_of(root, ci.commit or "HEAD")
        title = ci.pull_request.title if ci.pull_request else ""
        message = f"{title}\n\n{said}"
    return rule(policy, ci, stack.revision, message, publish)


def idle_plan(stack: Stack, ruling: Ruling) -> Plan:
    """A plan in which nothing is done, and every step says why."""
    plan = compare(stack, NOTHING_KNOWN, frozenset(), Presence(), Need())
    reasons = (LeftAlone(ruling.left_alone or ""),)
    steps = tuple(msgspec.structs.replace(step, reasons=reasons) for step in plan.steps)
    return msgspec.structs.replace(plan, steps=steps, notes=ruling.notes)


def idle_run(yard: Yard, plan: Plan, command: str) -> RunSummary:
    """The summary of a run that the policy keeps from doing anything."""
    return RunSummary(
        number=0,
        command=command,
        started=yard.clock.now(),
        commit=plan.revision.commit,
        branch=plan.revision.branch,
        duration_s=0.0,
        outcomes=tuple(Outcome(step.target, "skipped", step.reasons) for step in plan.steps),
        remarks=tuple(note.sentence for note in plan.notes),
    )
