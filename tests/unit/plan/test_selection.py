# SPDX-License-Identifier: MIT
"""What a person's words choose: images, versions, patterns, groups; with and without their relatives."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.errors import ConfigError, UnknownName
from stackyard.model.decide import Presence
from stackyard.model.inputs import Inputs
from stackyard.model.known import NOTHING_KNOWN, Known
from stackyard.model.plan import Plan
from stackyard.model.selectors import selectable
from stackyard.model.stack import Stack, Target
from stackyard.plan.compare import compare
from stackyard.plan.selection import choose, refuse_orphans, select
from tests.cases import each_of
from tests.unit.plan.made import actions, known, pushed, reasons, record, result, stack, suite, target

LAB = msgspec.structs.replace(
    stack(target("base"), target("lab/3.11"), target("lab/3.12"), target("lab-gpu/3.12"), target("web", "base")),
    groups=(("gpu", ("lab-gpu", "*/3.11")), ("gone", ("ghost",))),
)
TESTS = suite()
ROOT, MID, LEAF = target("root", suites=(TESTS,)), target("mid", "root"), target("leaf", "mid")
CHAIN = stack(ROOT, MID, LEAF)
ALL_BUILT = (record(ROOT), record(MID), record(LEAF))


def chosen(*words: str, of: Stack = CHAIN, **options: bool) -> Plan:
    """The plan of a selection in a stack of which all was built."""
    return planned(of, known(*ALL_BUILT, targets=(ROOT, MID, LEAF)), *words, **options)


def planned(of: Stack, knowing: Known, *words: str, presence: Presence | None = None, **options: bool) -> Plan:
    """The plan of a selection, or what refuses it."""
    from stackyard.model.decide import Need

    selection = choose(of, words, **options)  # type: ignore[arg-type]
    need = Need(rebuild=selection.rebuild)
    made = compare(of, knowing, selection.targets, presence or Presence(), need, selection.is_only)
    refuse_orphans(made, selection)
    return made


def edited(of: Target) -> Target:
    """The target with another Dockerfile."""
    inputs: Inputs = msgspec.structs.replace(of.inputs, labels=(("edited", "yes"),))
    return of.with_inputs(inputs)


@each_of(
    ("words", "expected"),
    [
        ("", "base lab-gpu/3.12 lab/3.11 lab/3.12 web"),
        ("lab", "lab/3.11 lab/3.12"),
        ("lab/3.12 base", "base lab/3.12"),
        ("lab*", "lab-gpu/3.12 lab/3.11 lab/3.12"),
        ("*/3.12", "lab-gpu/3.12 lab/3.12"),
        ("lab/3.1[2-9] we?", "lab/3.12 web"),
        ("gpu", "lab-gpu/3.12 lab/3.11"),
    ],
)
def test_words_and_what_they_name(words: str, expected: str) -> None:
    """An image means all its versions, `image/version` one, a pattern what fits either, a group its members."""
    assert sorted(select(LAB, words.split())) == expected.split()


def test_a_name_that_nobody_has() -> None:
    """UnknownName, with the one that was most likely meant - a group, too - or all that there are."""
    with pytest.raises(UnknownName, match="'bsae'") as caught:
        select(LAB, ("lab", "bsae"))
    assert caught.value.near == "base"
    with pytest.raises(UnknownName) as caught:
        select(LAB, ("gpus",))
    assert caught.value.near == "gpu"
    with pytest.raises(UnknownName) as caught:
        select(LAB, ("zzz",))
    assert caught.value.near is None
    assert "base, gone, gpu, lab" in (caught.value.hint or "")


def test_a_version_that_an_image_has_not() -> None:
    """The nearest that it has is proposed."""
    with pytest.raises(UnknownName, match=r"no image is named 'lab/3\.21'") as caught:
        select(LAB, ("lab/3.21",))
    assert caught.value.near in ("lab/3.11", "lab/3.12")


def test_a_pattern_or_a_group_that_fits_nothing() -> None:
    """It is refused: a command about nothing would look like one that found nothing to do."""
    with pytest.raises(UnknownName, match=r"no image matches 'x\*'"):
        select(LAB, ("x*",))
    with pytest.raises(UnknownName, match="group 'gone' has no image"):
        select(LAB, ("gone",))


def test_the_hint_of_a_large_stack_is_short() -> None:
    """Ten thousand names help nobody."""
    large = stack(*(target(f"image-{number}") for number in range(1000)))
    with pytest.raises(UnknownName) as caught:
        select(large, ("zzz",))
    assert len(caught.value.hint or "") < 1000


def test_every_word_that_can_be_chosen() -> None:
    """Images, versions and groups, once each."""
    assert selectable([of.name for of in LAB.targets], LAB.groups) == (
        *("base", "lab", "lab-gpu", "web"),
        *("lab/3.11", "lab/3.12", "lab-gpu/3.12", "gpu", "gone"),
    )


def test_what_a_chosen_image_builds_on_comes_along_and_its_children_do_not() -> None:
    """Parents first; what was asked for is known apart."""
    found = choose(CHAIN, ("mid",))

    assert found.planned == ("root", "mid")
    assert found.targets == {"mid"}


def test_with_children_takes_in_all_that_builds_on_the_chosen() -> None:
    """And what those build on beside."""
    both = stack(ROOT, MID, LEAF, target("other"), target("two", "mid", "other"))

    assert choose(both, ("mid",), with_children=True).planned == ("root", "mid", "leaf", "other", "two")
    assert choose(both, ("mid",), with_children=True, only=True).planned == ("mid", "leaf", "two")


def test_only_and_with_children_need_an_image() -> None:
    """Without one they would change nothing, which is not what was meant."""
    for options in ({"only": True}, {"with_children": True}):
        with pytest.raises(ConfigError, match="needs an IMAGE"):
            choose(CHAIN, **options)  # type: ignore[arg-type]
    assert choose(CHAIN, rebuild=("leaf",), only=True).planned == ("leaf",)


def test_what_is_to_be_rebuilt_is_part_of_the_plan() -> None:
    """`plan mid --rebuild leaf` would else rebuild nothing and say nothing; `all` is all that is planned."""
    assert choose(CHAIN, ("mid",), ("leaf",)).planned == ("root", "mid", "leaf")
    assert choose(CHAIN, ("mid",), ("all",)).rebuild == {"root", "mid"}
    assert choose(LAB, (), ("gpu",)).rebuild == {"lab-gpu/3.12", "lab/3.11"}
    assert len(choose(LAB, (), ("gpu",)).planned) == len(LAB.targets)


def test_only_builds_on_the_last_build_of_a_parent_and_says_so() -> None:
    """The parent changed and is not selected: its children stand on what was built last, with that as a reason."""
    changed = stack(ROOT, edited(MID), edited(LEAF))
    made = chosen("leaf", of=changed, only=True)

    assert actions(made) == {"root": "skip", "mid": "skip", "leaf": "build"}
    assert "parent mid is not selected, and is taken as built at 2026-01-01T00:00:00Z" in reasons(made, "leaf")
    assert made.step(MID.name).record == ALL_BUILT[1].id


def test_only_sees_a_change_further_down() -> None:
    """The grandparent changed, so the parent would, too: the child is unchanged against the last build, and warned."""
    made = chosen("leaf", of=stack(edited(ROOT), MID, LEAF), only=True)

    assert actions(made) == {"root": "skip", "mid": "skip", "leaf": "tag"}
    assert any("parent mid is not selected" in reason for reason in reasons(made, "leaf"))


def test_only_on_parents_as_they_are_wanted_has_nothing_to_say() -> None:
    """The same step as without --only, and no parent's."""
    alone, whole = chosen("leaf", only=True), chosen("leaf")

    assert alone.step(LEAF.name) == whole.step(LEAF.name)
    assert alone.step(MID.name).action == "skip"


@pytest.mark.parametrize("words", [("leaf",), ("mid", "leaf"), ("l*",)])
def test_only_on_a_parent_that_was_never_built_is_refused(words: tuple[str, ...]) -> None:
    """One sentence names the child and the parent."""
    with pytest.raises(ConfigError, match=r"(leaf builds on mid|mid builds on root), which is not selected") as caught:
        planned(CHAIN, NOTHING_KNOWN, *words, only=True)
    assert "leave out --only" in (caught.value.hint or "")


def test_only_on_a_parent_whose_tests_failed_is_refused() -> None:
    """A failed build is no build to stand on; one whose tests were edited since is."""
    failed = record(ROOT, None, result(TESTS, passed=False))
    with pytest.raises(ConfigError, match="mid builds on root"):
        planned(CHAIN, known(failed), "mid", only=True)
    older = record(ROOT, None, result(suite(code="2")))
    assert actions(planned(CHAIN, known(older), "mid", only=True))["mid"] == "build"


def test_only_on_a_parent_that_is_gone_is_refused() -> None:
    """Neither engine nor registry has its image; one of them is enough."""
    knowing = known(record(ROOT, "root", result(TESTS), pushed(ROOT, "root")))
    nowhere = Presence(frozenset(), frozenset())
    with pytest.raises(ConfigError, match="mid builds on root"):
        planned(CHAIN, knowing, "mid", presence=nowhere, only=True)
    there = Presence(frozenset(), frozenset({pushed(ROOT, "root").image}))
    assert actions(planned(CHAIN, knowing, "mid", presence=there, only=True))["mid"] == "build"


def test_a_named_child_of_an_image_that_is_left_alone_and_was_never_built() -> None:
    """Asked for by name it is refused with the reason; in a plan of everything it is a step that says so."""
    resting = stack(msgspec.structs.replace(ROOT, skip="rests"), MID)
    with pytest.raises(ConfigError, match="mid builds on root, which has no build to stand on: left alone: rests"):
        planned(resting, NOTHING_KNOWN, "mid")
    assert actions(planned(resting, NOTHING_KNOWN)) == {"root": "skip", "mid": "skip"}
