# SPDX-License-Identifier: MIT
"""What would be adopted, from facts of registries as values: which tag, and why not."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.errors import InvalidValue
from stackyard.model.adopt import Adoptable
from stackyard.model.content import PublishedFacts
from stackyard.model.ecr import Region, ecr_repository
from stackyard.model.known import NOTHING_KNOWN, Known
from stackyard.model.names import Digest, ImageName, TargetName
from stackyard.model.reference import Platform
from stackyard.model.stack import Stack, StampFile, TagTemplates
from stackyard.plan.adopt import Answer, adoptable, platform_of, wanted
from stackyard.plan.adopted import openings
from tests.cases import each_of
from tests.unit.plan.made import (
    actions,
    adopted,
    known,
    plan,
    pushed,
    reasons,
    record,
    result,
    sha,
    stack,
    suite,
    target,
)

AMD, ARM = Platform("linux/amd64"), Platform("linux/arm64")
UP = msgspec.structs.replace(target("up"), variables=(("prefix", "2026.3"), ("stable", "2026.3-stable")))
LAB = msgspec.structs.replace(target("lab", "up"), foundation=UP.name)
TOOL = target("tool", "up")
"""It only copies from its parent."""
STACK = stack(UP, LAB, TOOL)
STAMPED = TagTemplates(("py{version}-{stamp}",))
FILE = StampFile(
    ImageName("kit"),
    "images/kit/last_updated.yaml",
    (TargetName("kit/3.11"), TargetName("kit/3.12")),
    (("3.11", "T1"),),
)


def layers(*names: str) -> tuple[Digest, ...]:
    """Diff ids."""
    return tuple(sha(["layer", name]) for name in names)


def facts(name: str, *of: str, platforms: tuple[Platform, ...] = (AMD,), is_ours: bool = True) -> Answer:
    """An image whose manifest is named `name`, with some layers."""
    digest = sha(["manifest", name])
    return Answer(PublishedFacts(digest, platforms, digest if is_ours else None, {}, layers(*of)))


def found(answers: dict[str, Answer], of: Stack = STACK, knowing: Known = NOTHING_KNOWN) -> dict[str, Adoptable]:
    """What would be adopted, by target."""
    asked = wanted(of, [each.name for each in of.targets], None)
    by_name = {TargetName(name): answer for name, answer in answers.items()}
    return {str(each.target): each for each in adoptable(of, knowing, asked, by_name, AMD, {})}


def states(answers: dict[str, Answer], of: Stack = STACK, knowing: Known = NOTHING_KNOWN) -> dict[str, str]:
    """Target -> state."""
    return {name: each.state for name, each in found(answers, of, knowing).items()}


GOOD = {"up": facts("up", "a"), "lab": facts("lab", "a", "b"), "tool": facts("tool", "c")}


# Which tag.


@each_of(
    ("asked", "tag"),
    [
        (None, "main"),
        ("2026.1-stable", "2026.1-stable"),
        ("{prefix}-{branch}", "2026.3-main"),
        ("{stable}", "2026.3-stable"),
        ("{commit}", "0123456"),
    ],
)
def test_the_tag_is_the_branch_s_or_the_one_that_is_asked_for(asked: str | None, tag: str) -> None:
    """A template has the target's values in it."""
    (each,) = wanted(STACK, [UP.name], asked)

    assert str(each.reference) == f"registry.example/lab/up:{tag}"


def test_stamps_are_those_of_the_file() -> None:
    """By default where a target has any; a version without one, or an image that has none at all, has no name."""
    kits = [
        msgspec.structs.replace(target(str(name), templates=STAMPED), variables=(("version", str(name.version)),))
        for name in FILE.targets
    ]
    of = msgspec.structs.replace(stack(UP, *kits), stamp_files=(FILE,))
    names = [each.name for each in of.targets]

    by_default = {str(each.target): str(each.reference) for each in wanted(of, names, None)}
    asked = {str(each.target): each.problem for each in wanted(of, names, "last_updated")}

    assert by_default == {
        "up": "registry.example/lab/up:main",
        "kit/3.11": "registry.example/lab/kit:py3.11-T1",
        "kit/3.12": "None",
    }
    assert asked == {
        "up": "it has no stamps",
        "kit/3.11": None,
        "kit/3.12": "last_updated.yaml has no stamp for it",
    }


def test_one_image_is_one_version() -> None:
    """A tag as it stands cannot be several versions of an image; it can be one that is named."""
    kits = [
        msgspec.structs.replace(target(str(name), templates=STAMPED), variables=(("version", str(name.version)),))
        for name in FILE.targets
    ]
    of = stack(UP, *kits)

    def references(asked: str, *kit: int) -> list[str | None]:
        names = [kits[each].name for each in kit]
        return [each.reference and str(each.reference.tag) for each in wanted(of, names, asked)]

    assert references("py3.11-T1", 0, 1) == [None, None]
    assert "py3.11-T1 can be the tag of one version alone" in str(wanted(of, FILE.targets, "py3.11-T1")[1].problem)
    assert references("py3.11-T1", 0) == ["py3.11-T1"]
    assert references("py{version}-T1", 0, 1) == ["py3.11-T1", "py3.12-T1"]


def test_a_tag_that_can_be_none() -> None:
    """What is no tag is refused; a value that a target lacks leaves it without a name."""
    with pytest.raises(InvalidValue, match="'a/b' is not a valid tag"):
        wanted(STACK, [UP.name], "a/b")
    (each,) = wanted(STACK, [LAB.name], "{prefix}-main")
    assert (each.reference, each.problem) == (None, "{prefix}-main has no value here")


# What is said of it.


def test_all_that_is_there_and_on_its_parent() -> None:
    """Layers tell it of the image that the last stage stands on, and of no other parent."""
    there = found(GOOD)

    assert {name: each.state for name, each in there.items()} == dict.fromkeys(("up", "lab", "tool"), "adopt")
    assert [(parent.target, parent.is_below) for parent in there["lab"].parents] == [("up", True)]
    assert [(parent.target, parent.is_below) for parent in there["tool"].parents] == [("up", None)]
    assert (there["up"].digest, there["up"].platforms) == (sha(["manifest", "up"]), (AMD,))


def test_an_image_on_another_parent_is_left_out() -> None:
    """Nobody knows what it was built on: calling it built on today's parent would leave it there for good."""
    there = found({**GOOD, "lab": facts("lab", "old", "b")})

    assert there["lab"].state == "other parent"
    assert there["lab"].problem == "its first layers are not those of registry.example/lab/up:main"


def test_a_missing_parent_leaves_out_all_that_stands_on_it() -> None:
    """A record says which content it was built on, and of this parent there is none."""
    assert states({**GOOD, "up": Answer()}) == {"up": "missing", "lab": "parent missing", "tool": "parent missing"}


def test_a_registry_that_does_not_answer() -> None:
    """In its own words; whether the tag is there stays open."""
    there = found({**GOOD, "lab": Answer(problem="cannot reach registry")})

    assert (there["lab"].state, there["lab"].problem) == ("not checked", "cannot reach registry")
    assert there["tool"].state == "adopt"


def test_another_platform_is_no_use_here() -> None:
    """Which there are is said."""
    there = found({**GOOD, "tool": facts("tool", platforms=(ARM,), is_ours=False)})

    assert (there["tool"].state, there["tool"].problem) == (
        "other platform",
        "it is for linux/arm64, and linux/amd64 is wanted",
    )


def test_what_was_pushed_from_here_is_known() -> None:
    """A record has that very digest."""
    knowing = known(record(UP, "up", pushed(UP, "up")))

    assert states(GOOD, knowing=knowing) == {"up": "known", "lab": "adopt", "tool": "adopt"}


def test_its_tests_count_as_passed_until_their_code_changes() -> None:
    """Nobody saw them: once one ran here, that result counts, and a new suite is open."""
    of = UP.with_suites((suite(code="1"),))
    here = known(record(of, "up", adopted(of), pushed(of, "up")))
    changed = of.with_suites((suite(code="2"),))
    more = of.with_suites((suite(code="1"), suite("integration")))
    failed = known(record(of, "up", adopted(of), pushed(of, "up"), result(of.suites[0], passed=False)))

    assert actions(plan(stack(of), here)) == {"up": "tag"}
    assert reasons(plan(stack(changed), here), "up")[:1] == ["basic tests changed"]
    assert reasons(plan(stack(more), here), "up")[:1] == ["integration tests not run yet"]
    assert actions(plan(stack(of), failed)) == {"up": "retest"}


def test_it_is_as_old_as_it_says() -> None:
    """The time in its config, as far as that is one: builders that put the same for all images say nothing."""
    at = "2026-01-01T00:00:00Z"
    said = {
        "2025-12-24T10:00:00.123456789Z": "2025-12-24T10:00:00Z",
        "1980-01-01T00:00:00Z": at,
        "2030-01-01T00:00:00Z": at,
        "yesterday": at,
    }
    for created, expected in said.items():
        there = facts("up", "a")
        assert there.facts is not None
        there = Answer(msgspec.structs.replace(there.facts, config={"created": created}))
        (each,) = found({"up": there}, stack(UP)).values()
        (opening,) = openings(stack(UP), NOTHING_KNOWN, [each], {UP.name: there}, {}, at)
        assert opening.built.at == expected


def test_an_image_that_is_made_elsewhere_is_looked_for_as_what_it_is() -> None:
    """A version on Windows is adopted as that: its children, and readers of its stamp, go on."""
    windows = msgspec.structs.replace(UP, needs="Windows")

    assert platform_of(windows, AMD) == "windows/amd64"
    assert platform_of(UP, AMD) == AMD


def test_a_private_registry_without_its_account() -> None:
    """There is no place to ask."""
    private = msgspec.structs.replace(UP, repository=ecr_repository(None, Region("us-west-2"), ImageName("up")))
    (each,) = wanted(stack(private), [UP.name], None)

    assert (each.reference, each.problem) == (None, "no AWS account is known: set AWS_ACCOUNT_ID")
