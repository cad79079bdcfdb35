# SPDX-License-Identifier: MIT
"""One stamp for all versions of an image: when any of them is built, all get the run's.

In:   Stack, steps as each target's own inputs make them
Out:  steps with their stamped tags
Pure. Why: docs/reference/versions.md
Beside: plan/compare

Readers of `last_updated.yaml` take one stamp for the whole version matrix. So a version that needs
nothing gets the run's tag too once one of its siblings is built; and where nothing is built, all
keep the newest stamp that they have in common, unless a person typed another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stackyard.model.decide import Need
from stackyard.model.names import ImageName, Tag, TargetName
from stackyard.model.plan import Step
from stackyard.model.reason import TagMissing
from stackyard.model.record import Record, Tagged
from stackyard.model.stack import Stack, Target
from stackyard.model.tags import STAMP, filled, values_of


def is_stamped(target: Target) -> bool:
    """Whether a tag of it holds the run's stamp."""
    return any(STAMP in template for template in target.templates.fixed)


def stamped(stack: Stack, steps: Sequence[Step], records: Mapping[TargetName, Record], need: Need) -> list[Step]:
    """All steps, those of stamped targets with their tags.

    Args:
        records: what each step goes on from, where it goes on from something.
    """
    matrices: dict[ImageName, list[Step]] = {}
    targets = {target.name: target for target in stack.targets if is_stamped(target)}
    for step in steps:
        if step.target in targets and step.action != "skip":
            matrices.setdefault(step.image, []).append(step)
    shared = {
        image: _shared(stack, members, targets, records, need) if members else None
        for image, members in matrices.items()
    }
    done = []
    for step in steps:
        if step.target not in targets or step.action == "skip":
            done.append(step)
            continue
        stamp = shared[step.image]
        target = targets[step.target]
        tags = _tags(target, stack, stamp or stack.revision.stamp)
        kept = dict(zip(_tags(target, stack, stack.revision.stamp), tags, strict=False))
        fixed = tuple(kept.get(tag, tag) for tag in step.fixed_tags)
        found = msgspec.structs.replace(step, fixed_tags=fixed)
        if stamp is None and step.action in ("reuse", "tag"):
            reasons = (*step.reasons, *(TagMissing(str(tag)) for tag in tags))
            found = msgspec.structs.replace(found, action="tag", reasons=reasons)
        done.append(found)
    return done


def stamp_of(target: Target, stack: Stack, step: Step) -> str | None:
    """The stamp that a step's tags have; None where they have none."""
    for form in _forms(target, stack):
        for tag in step.fixed_tags:
            if found := form.fullmatch(tag):
                return found[1]
    return None


def _shared(
    stack: Stack,
    members: Iterable[Step],
    targets: Mapping[TargetName, Target],
    records: Mapping[TargetName, Record],
    need: Need,
) -> str | None:
    """The stamp that all versions have and keep; None where they get the run's, as when a person typed another one.

    The one that their file says, if they have several.
    """
    common: set[str] | None = None
    image = None
    for step in members:
        if step.action in ("build", "decide-later") or step.target not in records:
            return None
        image = step.image
        had = set(_stamps(targets[step.target], stack, records[step.target], need))
        common = had if common is None else common & had
    if need.stamp:
        return need.stamp if need.stamp in (common or ()) else None
    written = {stamp for file in stack.stamp_files if file.image == image for _, stamp in file.stamps}
    common = common or set()
    return max(common & written, default=None) or max(common, default=None)


def _stamps(target: Target, stack: Stack, record: Record, need: Need) -> Iterable[str]:
    """Stamps under which this very image is named where it is wanted."""
    forms = _forms(target, stack)
    for fact in record.facts:
        if (
            isinstance(fact, Tagged)
            and (fact.place == "registry" or not need.publish)
            and fact.repository.canonical == target.repository.canonical
        ):
            for form in forms:
                if found := form.fullmatch(fact.tag):
                    yield found[1]


def _forms(target: Target, stack: Stack) -> list[re.Pattern[str]]:
    """What stamped tags look like, the stamp as their group."""
    texts = [text.split(STAMP, 1) for text in _templates(target, stack, None)]
    return [re.compile(f"{re.escape(before)}(.+){re.escape(after)}") for before, after in texts]


def _tags(target: Target, stack: Stack, stamp: str | None) -> tuple[Tag, ...]:
    return tuple(Tag.parse(text) for text in _templates(target, stack, stamp)) if stamp else ()


def _templates(target: Target, stack: Stack, stamp: str | None) -> list[str]:
    """Stamped templates with all their values but, where it is not given, the stamp."""
    values = {**values_of(stack.revision, dict(target.variables)), "stamp": stamp or STAMP}
    return [filled(text, values) for text in target.templates.fixed if STAMP in text]
