# SPDX-License-Identifier: MIT
"""How long jobs are expected to take: from records, else from sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from stackyard.model.names import TargetName
from stackyard.model.plan import Action
from stackyard.model.record import Record
from stackyard.model.stack import Target
from stackyard.run.expect import Times, room_of, times_of
from tests.unit.plan.made import built, pushed, record, result, suite, target

BASE, LAB = target("base", suites=(suite(),)), target("lab", "base")


def known(of: Target, *durations: float, size: int = 1000) -> list[Record]:
    """Records of builds that took so long, newest first."""
    made = msgspec.structs.replace(built("x"), size_bytes=size)
    return [record(of, None, msgspec.structs.replace(made, duration_s=each)) for each in durations]


def facts(*records: Record) -> list[Record]:
    """Each record with its own facts alone: `record` puts a build before them."""
    return [msgspec.structs.replace(each, facts=each.facts[1:]) for each in records]


def times(
    *targets: Target,
    actions: Mapping[str, Action] | None = None,
    records: Mapping[str, Sequence[Record]] | None = None,
    sizes: Mapping[str, int] | None = None,
    publish: bool = False,
) -> dict[str, Times]:
    """`times_of` with text for names; everything is built unless something else is said."""
    found = times_of(
        targets,
        {each.name: (actions or {}).get(each.name, "build") for each in targets},
        {TargetName(name): value for name, value in (records or {}).items()},
        {TargetName(name): size for name, size in (sizes or {}).items()},
        publish,
    )
    return {str(name): each for name, each in found.items()}


def test_the_longest_of_the_last_few_builds_counts() -> None:
    """One that came out of the cache in a blink does not make the next one short; an old one is forgotten."""
    found = times(BASE, records={"base": facts(*known(BASE, 0.2, 90, 3, 600))})

    assert found["base"].build_s == 90


def test_what_was_never_built_takes_as_long_as_others() -> None:
    """The median of the stack's builds; a second where nothing is known at all."""
    others = [target(name) for name in ("a", "b", "c")]
    records = {each.name: facts(*known(each, seconds)) for each, seconds in zip(others, (1, 20, 300), strict=True)}

    assert times(*others, target("new"), records=records)["new"].build_s == 20
    assert times(target("new"))["new"] == Times(1.0, 0.0, 0.0)


def test_what_is_larger_takes_longer_where_nothing_else_is_known() -> None:
    """Own build contexts and all that is below count, the known size of a parent before its context."""
    small, large, child = target("small"), target("large"), target("child", "large")
    found = times(small, large, child, sizes={"small": 10**6, "large": 10**9, "child": 0})

    assert found["small"].build_s < found["child"].build_s < found["large"].build_s

    found = times(BASE, LAB, small, records={"base": facts(*known(BASE, 1.0, size=10**10))})

    assert found["lab"].build_s > found["small"].build_s


def test_tests_and_pushes_count_as_they_took() -> None:
    """Suites that the target has no more do not; nothing is pushed by a run that publishes nothing."""
    old = record(BASE, None, built("x"), result(suite()), result(suite("integration")), pushed(BASE, "x"))

    assert times(BASE, records={"base": facts(old)}, publish=True)["base"] == Times(12.5, 1.0, 1.0)
    assert times(BASE, records={"base": facts(old)})["base"].push_s == 0
    assert times(target("base"), records={"base": facts(old)})["base"].test_s == 0


def test_what_was_never_tested_or_pushed_is_estimated() -> None:
    """Tests as those of others, a push by the size."""
    new = target("new", suites=(suite(),))
    other = facts(record(BASE, None, built("x"), result(suite())))
    found = times(BASE, new, records={"base": other}, sizes={"new": 3 * 10**8}, publish=True)

    assert found["new"].test_s == 1.0
    assert found["new"].push_s == pytest.approx(3.0)


def test_only_what_an_action_does_takes_time() -> None:
    """What is reused is not there at all; a fetch takes the size's time, a push tests nothing."""
    records = {"base": facts(*known(BASE, 90, size=2 * 10**8))}

    assert times(BASE, actions={"base": "reuse"}, records=records) == {}
    assert times(BASE, actions={"base": "fetch"}, records=records)["base"].build_s == pytest.approx(2.0)
    assert times(BASE, actions={"base": "push"}, records=records, publish=True)["base"].test_s == 0


def test_room_is_what_images_have_beside_what_they_stand_on() -> None:
    """By the last record of each; what was never built counts as the others do, what is reused not at all."""
    records = {
        TargetName("base"): facts(*known(BASE, 1.0, size=5000)),
        TargetName("lab"): facts(*known(LAB, 1.0, size=7000)),
    }
    new = target("new", "base")
    every: dict[TargetName, Action] = {each.name: "build" for each in (BASE, LAB, new)}

    assert room_of([BASE, LAB, new], every, records, {}) == 5000 + 2000 + 3500
    assert room_of([BASE, LAB, new], {LAB.name: "fetch", BASE.name: "reuse"}, records, {}) == 2000
    assert room_of([new], {new.name: "build"}, {}, {}) == 0

    on_debian = target("lab", bases=("docker.io/library/debian:12",))
    records = {on_debian.name: facts(*known(on_debian, 1.0, size=7000))}
    assert room_of([on_debian], {on_debian.name: "build"}, records, {"docker.io/library/debian:12": 6000}) == 1000
