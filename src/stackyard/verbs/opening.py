# SPDX-License-Identifier: MIT
"""The image of one target, to work in: which target is meant, and what a run left of it.

In:   a Yard, a person's word; then a Plan and the RunSummary of it
Out:  a target; a local image, one that is here already or one that a run made; the exit code of what ran in it
Raises: UnknownName, ConfigError for a word that means several; NothingToDo where there is no image
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackyard.edges import machine
from stackyard.errors import ConfigError, NothingToDo
from stackyard.model.names import TargetName
from stackyard.model.reference import LocalImage
from stackyard.plan.selection import select
from stackyard.verbs.leftovers import living

if TYPE_CHECKING:
    from stackyard.model.outcome import RunSummary
    from stackyard.model.plan import Plan
    from stackyard.verbs.yard import Yard

_SHOWN = 6


def one_target(yard: Yard, word: str) -> TargetName:
    """The target that `word` names."""
    found = select(yard.stack, [word])
    names = [target.name for target in yard.stack.targets if target.name in found]
    if word in names:
        return _opened(yard, TargetName(word))
    if len(names) > 1:
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        raise ConfigError(f"{word!r} means {len(names)} images", hint=f"name one of them: {shown}")
    return names[0]


def _opened(yard: Yard, name: TargetName) -> TargetName:
    """Of what joins platforms the one for this machine, else the first: nobody opens an index."""
    target = yard.stack.target(name)
    own = yard.options.platform or machine.native_platform()
    parts = dict(zip(target.platforms, target.parent_names, strict=True)) if target.is_index else {}
    return next((part for platform, part in parts.items() if platform.fits(own)), next(iter(parts.values()), name))


def open_image(yard: Yard, name: TargetName, image: LocalImage, words: Sequence[str]) -> int:
    """Run a command in a container of a target's image, on this process's own streams; its exit code."""
    with living(yard):
        return yard.engine_for(yard.stack.target(name).inputs.platform).open(image, words)


def image_here(yard: Yard, plan: Plan, name: TargetName) -> LocalImage | None:
    """The image that the engine has of a target as its files are now, tested or not; None where it has to be made."""
    step = next(step for step in plan.steps if step.target == name)
    known = yard.planned_from or yard.records.known()
    record = next((each for each in known.records.get(name, ()) if each.id == step.record), None)
    if step.action not in ("reuse", "tag", "retest") or record is None or record.built is None:
        return None
    return record.built.image


def image_of(yard: Yard, summary: RunSummary, name: TargetName) -> LocalImage:
    """The image that a run left in the engine: as wanted, or built and then failed by its tests."""
    outcome = next(outcome for outcome in summary.outcomes if outcome.target == name)
    engine = yard.engine_for(yard.stack.target(name).inputs.platform)
    records = yard.records.known().records.get(name, ())
    made = next((record.built for record in records if record.run == summary.number and record.built), None)
    if outcome.published is not None:
        facts = engine.inspect(str(outcome.published.reference))
        if facts is not None:
            return facts.image
    elif made is not None and engine.inspect(str(made.image.id)) is not None:
        return made.image
    why = outcome.failure or outcome.cause or "it is left alone by this plan"
    raise NothingToDo(f"there is no image of {name} to open: {why}", hint=f"`stackyard why {name}` tells more")
