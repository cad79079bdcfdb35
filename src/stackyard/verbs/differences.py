# SPDX-License-Identifier: MIT
"""What is different inside two images, or two sets of images, and which images have a package.

In:   a Yard, names as `inventory` takes them
Out:  InsideDifference; Whereabouts of a package
May touch: as verbs/inside
Raises: as verbs/inside; NothingToDo where no image is known
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard.errors import NothingToDo
from stackyard.model.difference import ImageDifference, InsideDifference, image_difference, results_of
from stackyard.plan.finding import holdings
from stackyard.verbs.inside import has_learned, inventory_for, subjects_of
from stackyard.verbs.showing import looking

if TYPE_CHECKING:
    from stackyard.model.holding import Holding, Wanted
    from stackyard.model.inside import Subject
    from stackyard.verbs.yard import Yard


def difference(yard: Yard, was: str, now: str) -> InsideDifference:
    """What `now` has inside against `was`: images of the same name, or the two that there are."""
    before, after = ({each.name: each for each in subjects_of(yard, asked)} for asked in (was, now))
    if len(before) == len(after) == 1:
        (old,), (new,) = before.values(), after.values()
        return InsideDifference(was, now, (_compared(yard, old, new),))
    both = [name for name in after if name in before]
    return InsideDifference(
        was,
        now,
        tuple(_compared(yard, before[name], after[name]) for name in both),
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
    )


def _compared(yard: Yard, old: Subject, new: Subject) -> ImageDifference:
    one, other = inventory_for(yard, old), inventory_for(yard, new)
    results = (results_of(old.record), results_of(new.record))
    return image_difference(new.name, old.image or old.name, one, new.image or new.name, other, results)


def find(yard: Yard, wanted: Wanted, *, is_reading: bool = False) -> tuple[tuple[Holding, ...], tuple[str, ...]]:
    """Which images of the stack, of its channels and of its releases have a package; and those nobody looked into.

    Args:
        is_reading: read what nobody looked into yet.
    """
    images = holdings(looking(yard))
    if not images and has_learned(yard):
        images = holdings(looking(yard))
    if not images:
        raise NothingToDo(
            "no image of this stack is known here, so nobody could look into one",
            hint="`stackyard build` builds them; `stackyard records sync` learns what others did",
        )
    contents = [each.subject.content for each in images]
    kept = yard.records.inventories([content for content in contents if content is not None])
    found: list[Holding] = []
    unread: list[str] = []
    for each in images:
        inventory = kept.get(each.subject.content) if each.subject.content else None
        if inventory is None and is_reading:
            inventory = inventory_for(yard, each.subject)
        if inventory is None:
            unread.append(each.subject.name)
        elif packages := wanted.among(inventory.packages):
            found.append(each.with_packages(packages))
    return tuple(found), tuple(dict.fromkeys(unread))
