# SPDX-License-Identifier: MIT
"""Age as a reason: what is built because of it, and what is not."""

from __future__ import annotations

import msgspec

from stackyard.model.age import Age
from stackyard.model.decide import Need
from stackyard.model.plan import Plan
from stackyard.model.record import Record
from tests.cases import each_of
from tests.unit.plan.made import AT, BASE, actions, known, plan, reasons, record, result, stack, suite, target

FEBRUARY, MARCH = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
UP = msgspec.structs.replace(target("up", bases=(BASE,)), max_age=Age("30d"))
LAB = target("lab", "up")
TESTED = msgspec.structs.replace(target("lab", suites=(suite(),)), max_age=Age("30d"))
OLD = "older than 30d: made on 2026-01-01"


def planned(*records: Record, of: tuple[object, ...] = (UP, LAB), now: str = FEBRUARY, **need: object) -> Plan:
    """The plan at a time."""
    targets = tuple(each for each in of)
    knowing = known(*records, targets=targets)  # type: ignore[arg-type]
    return plan(stack(*targets), knowing, need=Need(now=now, **need))  # type: ignore[arg-type]


def test_too_old_is_a_reason_to_build() -> None:
    """The image is built, with both facts; its child follows if something else comes out."""
    made = planned(record(UP), record(LAB))

    assert actions(made)["up"] == "build"
    assert reasons(made, "up") == [*reasons(made, "up")[:-1], OLD]
    assert actions(made)["lab"] == "decide-later"


@each_of(
    ("why", "now", "changes"),
    [
        ("nobody looked at a clock", "", {}),
        ("it is young enough", "2026-01-31T00:00:00Z", {}),
        ("the spec allows any age", FEBRUARY, {"max_age": None}),
        ("it never becomes too old", FEBRUARY, {"max_age": Age("never")}),
    ],
)
def test_otherwise_age_is_none(why: str, now: str, changes: dict[str, object]) -> None:
    """The plan is what it was."""
    up = msgspec.structs.replace(UP, **changes)
    made = planned(record(up), record(LAB), of=(up, LAB), now=now)

    assert all("older" not in reason for reason in reasons(made, "up")), why
    assert actions(made)["up"] in ("reuse", "tag")


def test_a_newer_build_of_the_same_makes_it_young() -> None:
    """The newest that is known counts."""
    made = planned(record(UP, "new", number=2, at="2026-01-31T12:00:00Z"), record(UP), record(LAB))

    assert actions(made)["up"] != "build"


def test_a_build_out_of_the_cache_is_as_old_as_the_cache() -> None:
    """An edit a week ago took the packages of two months ago."""
    edited = record(UP, at="2026-02-25T00:00:00Z", fresh=AT)
    afresh = record(UP, at="2026-02-25T00:00:00Z", fresh="2026-02-25T00:00:00Z")

    assert actions(planned(edited, record(LAB), now=MARCH))["up"] == "build"
    assert actions(planned(afresh, record(LAB), now=MARCH))["up"] != "build"


def test_a_newer_build_that_failed_its_tests_is_tested_again() -> None:
    """It is young, so nothing is built; the older one that passed is too old to go back to."""
    failed = record(TESTED, "new", result(suite(), False, MARCH), number=2, at="2026-02-28T00:00:00Z")
    made = planned(failed, record(TESTED), of=(TESTED,), now=MARCH)

    assert actions(made) == {"lab": "retest"}


def test_age_is_told_beside_other_reasons() -> None:
    """An image that is built for an edit, and is too old, is made afresh: whoever builds it has to know."""
    before = msgspec.structs.replace(target("up", text="FROM y", bases=(BASE,)), max_age=Age("30d"))
    made = plan(stack(UP, LAB), known(record(before), record(LAB), targets=(before, LAB)), need=Need(now=FEBRUARY))

    assert reasons(made, "up") == ["images/up/Dockerfile changed", OLD]


def test_a_child_that_is_too_old_waits_for_no_parent() -> None:
    """It is built whatever the parent comes to."""
    child = msgspec.structs.replace(LAB, max_age=Age("2w"))
    made = planned(record(UP), record(child), of=(UP, child))

    assert actions(made) == {"up": "build", "lab": "build"}
    assert reasons(made, "lab") == ["older than 2w: made on 2026-01-01"]


def test_a_forced_build_of_something_old_is_made_afresh_too() -> None:
    """Both reasons."""
    made = planned(record(UP), record(LAB), rebuild=frozenset({UP.name}))

    assert reasons(made, "up") == ["asked for by --rebuild", OLD]
