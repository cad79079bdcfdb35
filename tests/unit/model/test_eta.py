# SPDX-License-Identifier: MIT
"""What is left of a run, from what is expected, what ended and what runs."""

from __future__ import annotations

import msgspec

from stackyard.model.eta import remaining
from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.names import TargetName
from stackyard.model.plan import Plan
from tests.cases import each_of
from tests.unit.plan.made import plan, stack, target

UP, LEFT, RIGHT = TargetName("up"), TargetName("left"), TargetName("right")


def expecting(**seconds: float | None) -> Plan:
    """`left` and `right` on `up`, with what each took last time."""
    made = plan(stack(target("up"), target("left", "up"), target("right", "up")), NOTHING_KNOWN)
    steps = tuple(msgspec.structs.replace(step, expected_s=seconds.get(step.target)) for step in made.steps)
    return msgspec.structs.replace(made, steps=steps)


@each_of(
    ("ended", "running", "workers", "left"),
    [
        ([], {}, 2, 40.0),  # up, then both beside each other
        ([], {}, 1, 60.0),
        ([], {UP: 4.0}, 1, 56.0),
        ([], {UP: 99.0}, 1, 50.0),  # late, and nobody knows how late
        ([UP], {LEFT: 10.0}, 2, 20.0),
        ([UP, LEFT], {RIGHT: 5.0}, 1, 15.0),
        ([UP, LEFT, RIGHT], {}, 1, 0.0),
    ],
)
def test_what_is_left(ended: list[TargetName], running: dict[TargetName, float], workers: int, left: float) -> None:
    """Chains one after another, the rest as far as there are workers."""
    assert remaining(expecting(up=10.0, left=30.0, right=20.0), ended, running, workers) == left


def test_what_was_never_built_counts_as_the_mean() -> None:
    """Where nothing is known, nothing is said."""
    assert remaining(expecting(up=10.0, left=30.0), [], {}, 1) == 60.0
    assert remaining(expecting(), [], {}, 1) is None
