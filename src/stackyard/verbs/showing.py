# SPDX-License-Identifier: MIT
"""What a name stands for, and where an image is: the records answer, and nobody else is asked.

In:   a Yard, a release, channel, tag or digest
Out:  Shown, Whereabouts
May touch: records
Raises: UnknownName, InvalidValue
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard.plan.channels import place_of
from stackyard.plan.showing import Looking

if TYPE_CHECKING:
    from stackyard.model.shown import Shown, Whereabouts
    from stackyard.verbs.yard import Yard


def show(yard: Yard, asked: str) -> Shown:
    """What a name stands for."""
    return looking(yard).show(asked)


def where(yard: Yard, asked: str) -> tuple[Whereabouts, ...]:
    """What holds the images with a digest."""
    return looking(yard).where(asked)


def looking(yard: Yard) -> Looking:
    """Everything that is looked through."""
    known = yard.records.known()
    history = yard.records.move_sets(state="done")
    return Looking(yard.stack, known, yard.records.releases(), history, place_of(yard.stack, known))
