# SPDX-License-Identifier: MIT
"""Why a target has its step, and what goes into it: offline, as a plan is.

In:   a Yard, names of images
Out:  Why, MadeFrom
May touch: the records
Beside: verbs/__init__.py, which is imported for every command; this is not
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackyard import verbs
from stackyard.plan.explain import explain, made_from
from stackyard.plan.selection import select

if TYPE_CHECKING:
    from stackyard.model.why import MadeFrom, Why
    from stackyard.verbs.yard import Yard


def why(yard: Yard, images: Sequence[str] = (), publish: bool = False, rebuild: Sequence[str] = ()) -> tuple[Why, ...]:
    """Why each of `images` (all by default) has the step that a plan of the whole stack gives it."""
    names = select(yard.stack, images)
    plan = verbs.plan(yard, (), publish, rebuild)
    return explain(yard.stack, yard.records.known(), plan, names)


def inputs(yard: Yard, images: Sequence[str] = ()) -> tuple[MadeFrom, ...]:
    """All that goes into each of `images`, as the plan of now has it."""
    names = select(yard.stack, images)
    plan = verbs.plan(yard)
    return made_from(yard.stack, yard.records.known(), plan, names)
