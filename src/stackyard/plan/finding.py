# SPDX-License-Identifier: MIT
"""Which images of a stack there are to be looked through for a package: as built last, in channels, in releases.

In:   Looking
Out:  Holding, one for each image
Pure
"""

from __future__ import annotations

from collections.abc import Iterator

from stackyard.model.holding import Holding
from stackyard.model.inside import Subject
from stackyard.model.names import TargetName
from stackyard.model.shown import ShownImage
from stackyard.plan.inside import newest, parts
from stackyard.plan.showing import Looking


def holdings(looking: Looking) -> list[Holding]:
    """Every image once, in the order of the stack, the newest build of a target first."""
    found: dict[tuple[str, str], tuple[Subject, list[str], bool]] = {}

    def note(subject: Subject, place: str = "", is_newest: bool = False) -> None:
        of = str(subject.content or subject.image)
        there = found.setdefault((subject.name, of), (subject, [], is_newest))
        if place and place not in there[1]:
            there[1].append(place)

    for target in looking.stack.targets:
        for subject in newest(looking.known, target.name):
            note(subject, is_newest=True)
    for place, image in _placed(looking):
        for subject in parts(looking.known, image.record, image.repository, image.digest, image.target):
            note(subject, place)
    order: dict[TargetName | None, int] = {target.name: index for index, target in enumerate(looking.stack.targets)}
    rows = sorted(found.values(), key=lambda row: (order.get(row[0].target, len(order)), not row[2]))
    return [Holding(subject, tuple(places), is_newest) for subject, places, is_newest in rows]


def _placed(looking: Looking) -> Iterator[tuple[str, ShownImage]]:
    for name in (*looking.standing, *(release.name for release in looking.releases)):
        for image in looking.show(name).images:
            yield name, image
