# SPDX-License-Identifier: MIT
"""`@good` against the plainest telling of it: play the runs, look at the branch after each, take the last good one."""

from __future__ import annotations

import functools

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as some

from stackyard.errors import GatesClosed, NothingToDo
from stackyard.model.gates import ChannelGates, Gate
from stackyard.model.moves import MoveSet
from stackyard.model.record import Reported
from stackyard.plan.gates import with_gates
from stackyard.plan.good import find_good
from tests.examples import examples
from tests.unit.plan.made import AT, known, manifest, move, promotion, pushed, record, stack, target

IMAGES = tuple(target(name) for name in "xyz")
LAB = msgspec.structs.replace(stack(*IMAGES), gates=(ChannelGates("stable", (Gate("gpu", "report"),)),))
GREEN, RED = (Reported(AT, "gpu", passed, 1, int(not passed), 0) for passed in (True, False))

built = some.dictionaries(some.sampled_from(range(len(IMAGES))), some.booleans(), max_size=3)
"""Images that a run builds, and whether the report of each is good."""
runs = some.lists(some.tuples(some.sampled_from(["main", "other"]), built, some.booleans()), max_size=8)
"""Branch, what is built, and whether its tags move in one set or image by image."""


@settings(max_examples=examples(25, 2_000), deadline=None)
@given(runs)
def test_it_is_the_last_state_of_the_branch_in_which_all_are_good(
    past: list[tuple[str, dict[int, bool], bool]],
) -> None:
    """However runs of two branches lie between each other, and whatever each of them built."""
    records, sets, now = [], list[MoveSet](), dict[int, tuple[str, bool]]()
    expected: list[str] | None = None
    for number, (branch, made, is_whole) in enumerate(past, 1):
        moves = []
        for index, is_good in made.items():
            of, content = IMAGES[index], f"{index}-{number}"
            records.append(record(of, content, pushed(of, content), GREEN if is_good else RED))
            moves.append(move(of, branch, None, content))
            if branch == "main":
                now[index] = (content, is_good)
        for part in [moves] if is_whole else [[each] for each in moves]:
            if part:
                run = promotion(str(number), *part, channel="", kind="run")
                sets.append(msgspec.structs.replace(run, branch=branch, commit=f"{number:040}"))
        if branch == "main" and moves and len(now) == len(IMAGES) and all(good for _, good in now.values()):
            expected = [now[index][0] for index in range(len(IMAGES))]

    gated = functools.partial(with_gates, LAB, known(*records))
    names = frozenset(each.name for each in IMAGES)
    try:
        good = find_good(LAB, known(*records), sets[::-1], names, "stable", "registry", gated)
        found = [source.digest for source in good.sources]
    except (GatesClosed, NothingToDo):
        found = None

    assert found == (None if expected is None else [manifest(content) for content in expected])
