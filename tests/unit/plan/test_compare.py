# SPDX-License-Identifier: MIT
"""What is wanted against what is known: steps, their reasons, what goes together."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.model.decide import Need, Presence
from stackyard.model.known import NOTHING_KNOWN, TagPlace
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Fact, Record
from stackyard.model.reference import PublishedImage, Reference
from stackyard.model.stack import Revision, TagTemplates, Target
from stackyard.model.tags import COMMIT_DIGITS
from stackyard.plan.graph import build_order, graph_of
from tests.cases import each_of
from tests.unit.plan.made import (
    AT,
    BASE,
    COMMIT,
    MAIN,
    actions,
    known,
    manifest,
    plan,
    pushed,
    reasons,
    record,
    result,
    sha,
    stack,
    suite,
    tagged,
    target,
)

FIXED = COMMIT[:COMMIT_DIGITS]
BARE = TagTemplates()
BASIC = suite()
UP = target("up", bases=(BASE,), templates=BARE)
LEFT = target("left", "up", files={"a": "1"}, args={"V": "1"}, suites=(BASIC,), templates=BARE)
RIGHT = target("right", "up", templates=BARE)
LAB = stack(UP, LEFT, RIGHT)
ALL = (record(UP), record(LEFT), record(RIGHT))


def changed(of: Target, **fields: object) -> Target:
    """A target with other inputs."""
    return of.with_inputs(msgspec.structs.replace(of.inputs, **fields))


def test_nothing_known_builds_everything() -> None:
    """Every target is built, because it never was; parents come first."""
    made = plan(stack(RIGHT, UP), NOTHING_KNOWN)

    assert actions(made) == {"up": "build", "right": "build"}
    assert reasons(made, "up") == reasons(made, "right") == ["never built"]
    assert made.has_work


def test_everything_known_does_nothing() -> None:
    """No step has work, and each says since when."""
    made = plan(LAB, known(*ALL))

    assert set(actions(made).values()) == {"reuse"}
    assert reasons(made, "left") == [f"unchanged since {AT}"]
    assert made.step(LEFT.name).record == ALL[1].id
    assert made.step(LEFT.name).expected_s is None
    assert not made.has_work


@each_of(
    ("fields", "clauses"),
    [
        ({"dockerfile": target("x", text="FROM y").inputs.dockerfile}, ["images/left/Dockerfile changed"]),
        (
            {"context": target("x", files={"a": "2", "b": "1"}).inputs.context},
            ["images/left/a changed", "images/left/b added"],
        ),
        ({"args": (("V", "2"),)}, ["build argument V changed from 1 to 2"]),
        ({"platform": "linux/arm64"}, ["platform changed from linux/amd64 to linux/arm64"]),
    ],
)
def test_a_build_says_what_is_different(fields: dict[str, object], clauses: list[str]) -> None:
    """Every difference from the newest record, nearest cause first; siblings are left alone."""
    made = plan(stack(UP, changed(LEFT, **fields), RIGHT), known(*ALL, targets=LAB.targets))

    assert actions(made) == {"up": "reuse", "left": "build", "right": "reuse"}
    assert reasons(made, "left") == clauses


def test_a_changed_parent_lets_its_children_decide_later() -> None:
    """A child follows only if something else comes out; one that is changed itself is built in any case."""
    up = changed(UP, dockerfile=target("x", text="FROM y").inputs.dockerfile)
    left = changed(LEFT, args=(("V", "2"),))
    made = plan(stack(up, left, RIGHT), known(*ALL, targets=LAB.targets))

    assert actions(made) == {"up": "build", "left": "build", "right": "decide-later"}
    assert reasons(made, "right") == ["waits for parent up"]
    assert reasons(made, "left") == ["build argument V changed from 1 to 2"]


def test_a_child_on_its_parents_old_content_is_rebuilt() -> None:
    """Whoever built the parent, and however it was selected then: the child is not left on the old one."""
    made = plan(LAB, known(record(UP, "up, rebuilt", number=2), *ALL, targets=LAB.targets))

    assert actions(made) == {"up": "reuse", "left": "build", "right": "build"}
    assert reasons(made, "left") == [f"parent up changed from {sha('up')[:19]} to {sha('up, rebuilt')[:19]}"]


def test_a_moved_base_is_told_with_both_digests() -> None:
    """The accepted digest moved: what stood on the old one is built again."""
    made = plan(LAB, known(*ALL, targets=LAB.targets, accepted={BASE: "moved"}))

    assert actions(made) == {"up": "build", "left": "decide-later", "right": "decide-later"}
    assert reasons(made, "up") == [f"base {BASE} changed from {sha(BASE)[:19]} to {sha('moved')[:19]}"]


def test_a_base_that_was_never_resolved() -> None:
    """Offline, a new FROM is told as the change it is, and that nobody resolved it yet."""
    other = "docker.io/library/node:1"
    up = changed(UP, bases=(other,), dockerfile=target("x", text="FROM node").inputs.dockerfile)
    up = msgspec.structs.replace(up, bases=(Reference.parse(other),))
    made = plan(stack(up), known(*ALL, targets=LAB.targets))

    assert actions(made) == {"up": "build"}
    assert set(reasons(made, "up")) == {
        "images/up/Dockerfile changed",
        f"base {BASE} removed",
        f"base {other} added",
        f"base {other} not resolved yet",
    }


def test_inputs_that_were_not_kept_are_no_reason_to_fail() -> None:
    """A record whose stored inputs are gone still gives a plan, and a reason."""
    made = plan(stack(changed(RIGHT, stage="x"), UP), known(*ALL))

    assert actions(made) == {"up": "reuse", "right": "build"}
    assert reasons(made, "right")


def test_selecting_plans_what_is_built_on_too() -> None:
    """What was not named is skipped and says so; the parent of what was named is part of the plan."""
    made = plan(LAB, NOTHING_KNOWN, "left")

    assert actions(made) == {"up": "build", "left": "build", "right": "skip"}
    assert reasons(made, "right") == ["not selected"]
    assert made.sets == (("up", "left"),)


def test_rebuild_is_for_those_named() -> None:
    """`--rebuild` builds a target whatever is known; its children decide later."""
    made = plan(LAB, known(*ALL), need=Need(rebuild=frozenset({UP.name})))

    assert actions(made) == {"up": "build", "left": "decide-later", "right": "decide-later"}
    assert reasons(made, "up") == ["asked for by --rebuild"]


def test_sets_are_the_connected_parts() -> None:
    """What builds on each other moves its tags together; a stranger goes alone."""
    made = plan(stack(UP, LEFT, target("alone"), RIGHT), NOTHING_KNOWN)

    assert made.sets == (("up", "left", "right"), ("alone",))
    assert plan(stack(UP, LEFT, target("alone"), RIGHT), NOTHING_KNOWN, "alone").sets == (("alone",),)


NAMED = target("named")
AT_MAIN = Reference(NAMED.repository, None).canonical.replace(":latest", ":main")


def places(place: TagPlace) -> dict[tuple[TagPlace, str], Digest]:
    """The branch tag on the image called `named`, in one place."""
    return {(place, AT_MAIN): manifest("named") if place == "registry" else sha(["image", "named"])}


@each_of(
    ("facts", "tags", "publish", "missing"),
    [
        ((), {}, False, [FIXED, "main"]),
        ((tagged(NAMED, FIXED),), {}, False, ["main"]),
        ((), places("engine"), False, [FIXED]),
        ((tagged(NAMED, FIXED),), places("engine"), False, []),
        ((tagged(NAMED, f"{FIXED}.2", instead_of=FIXED),), places("engine"), False, []),
        ((tagged(NAMED, f"{FIXED}.2"),), places("engine"), False, [FIXED]),
        ((tagged(NAMED, FIXED, "registry"),), places("registry"), True, []),
        ((tagged(NAMED, FIXED, "engine"),), places("engine"), True, [FIXED, "main"]),
        ((tagged(target("other"), FIXED),), places("engine"), False, [FIXED]),
        ((tagged(NAMED, FIXED),), {("engine", AT_MAIN): sha("another image")}, False, ["main"]),
    ],
)
def test_a_name_that_is_not_in_place_is_put(
    facts: tuple[Fact, ...], tags: dict[tuple[TagPlace, str], Digest], publish: bool, missing: list[str]
) -> None:
    """A known image whose fixed or branch tag is missing where it is wanted; `TAG.2` is in place if put instead of it.

    A tag that only looks like the numbered form is another tag: `1.27` is not the second `1`.
    """
    of = record(NAMED, "named", *facts, pushed(NAMED, "named"))
    made = plan(stack(NAMED), known(of, tags=tags), need=Need(publish=publish))

    assert actions(made) == {"named": "tag" if missing else "reuse"}
    assert reasons(made, "named") == [f"unchanged since {AT}", *(f"tag {tag} is to be put" for tag in missing)]


def test_a_second_build_of_a_commit_is_called_by_its_number() -> None:
    """A plan names no tag that is another image; where it is overwritten it is this one's again."""
    of = record(NAMED, "named", tagged(NAMED, f"{FIXED}.2", "registry", FIXED), pushed(NAMED, "named"))
    known_as = known(of, tags=places("registry"))
    made = [plan(stack(NAMED), known_as, need=Need(publish=True, is_overwriting=each)) for each in (False, True)]

    assert [(each.step(NAMED.name).action, each.step(NAMED.name).tags) for each in made] == [
        ("reuse", (f"{FIXED}.2", "main")),
        ("tag", (FIXED, "main")),
    ]


def test_a_new_commit_with_the_same_files_only_names() -> None:
    """The image that is known gets the new commit's tag; nothing is built."""
    of = record(NAMED, "named", tagged(NAMED, FIXED))
    later = stack(NAMED, revision=Revision("f" * 40, "main", False))
    made = plan(later, known(of, tags=places("engine")))

    assert actions(made) == {"named": "tag"}
    assert made.step(NAMED.name).tags == ("fffffff", "main")
    assert reasons(made, "named") == [f"unchanged since {AT}", f"built at {COMMIT[:7]}, also tagged for fffffff"]


@pytest.mark.parametrize(
    ("facts", "publish", "action"),
    [((), True, "push"), ((pushed(NAMED, "named"),), True, "tag"), ((), False, "tag")],
)
def test_an_older_build_that_gets_a_commits_tag(facts: tuple[Fact, ...], publish: bool, action: str) -> None:
    """Both commits are told, whatever else is to be done with the image."""
    later = stack(NAMED, revision=Revision("f" * 40, "main", False))
    made = plan(later, known(record(NAMED, "named", *facts)), need=Need(publish=publish))

    assert actions(made) == {"named": action}
    assert f"built at {COMMIT[:7]}, also tagged for fffffff" in reasons(made, "named")


def test_a_dirty_tree_gives_no_fixed_tag() -> None:
    """What is not committed is never called by a commit's name."""
    made = plan(stack(NAMED, revision=Revision(COMMIT, "main", True)), NOTHING_KNOWN)

    assert made.step(NAMED.name).tags == ("main",)


def test_tags_stand_in_the_order_of_their_templates() -> None:
    """One with the run's stamp among them, whether it is the run's or an older one that stays."""
    of = target("lab", templates=TagTemplates(("{commit}", "r-{stamp}", "{commit:9}"), ("{branch}",)))
    there = tagged(of, "r-1")
    on = stack(of, revision=Revision(COMMIT, "main", False, stamp="2"))

    new, old = plan(on, NOTHING_KNOWN), plan(on, known(record(of, "lab", there)))

    assert new.steps[0].tags == ("0123456", "r-2", "012345678", "main")
    assert old.steps[0].tags == ("0123456", "r-1", "012345678", "main")


def test_a_stamp_that_was_typed_is_for_all() -> None:
    """An image that has another one gets it too, and only that; one that has it needs nothing."""
    of = target("lab", templates=TagTemplates(("r-{stamp}",)))
    on = stack(of, revision=Revision(COMMIT, "main", False, stamp="2"))
    there = known(record(of, "lab", tagged(of, "r-1")))

    kept, typed = plan(on, there), plan(on, there, need=Need(stamp="2"))
    again = plan(on, known(record(of, "lab", tagged(of, "r-2"), tagged(of, "r-3"))), need=Need(stamp="2"))

    assert [(of.steps[0].action, of.steps[0].tags) for of in (kept, typed, again)] == [
        ("reuse", ("r-1",)),
        ("tag", ("r-2",)),
        ("reuse", ("r-2",)),
    ]


def test_a_reused_parent_that_is_elsewhere_is_fetched_for_its_child() -> None:
    """Only where a child is built: an engine builds on images that it has."""
    up, left = record(UP, "up", pushed(UP, "up")), record(LEFT)
    there = frozenset({PublishedImage(UP.repository, manifest("up"))})
    here = frozenset({left.built.image.id}) if left.built else frozenset()
    away = Presence(here, there)
    publish = Need(publish=True)

    building = plan(stack(UP, changed(LEFT, stage="x")), known(up, left), presence=away, need=publish)
    resting = plan(stack(UP, LEFT), known(up, left), presence=away, need=publish)

    assert actions(building) == {"up": "fetch", "left": "build"}
    assert reasons(building, "up") == [f"unchanged since {AT}", "image is no longer in the engine"]
    assert actions(resting) == {"up": "reuse", "left": "push"}


def test_a_plan_that_nobody_checked_says_so() -> None:
    """Offline the records are believed; that engine and registry were not asked is part of the plan."""
    assert not plan(LAB, known(*ALL)).is_checked
    assert plan(LAB, known(*ALL), presence=Presence(frozenset(), frozenset())).is_checked


def test_failed_tests_stay_failed() -> None:
    """A build whose tests failed is tested again, not reused and not built; children do not wait for it."""
    failing = record(LEFT, "left", result(BASIC, False))
    made = plan(stack(UP, LEFT, target("top", "left")), known(record(UP), failing))

    assert actions(made) == {"up": "reuse", "left": "retest", "top": "build"}
    assert reasons(made, "left") == [f"basic tests failed at {AT}"]


def test_secrets_are_masked_in_a_plan() -> None:
    """The value of an argument that looks like a credential is in no step."""
    made = plan(stack(target("lab", args={"TOKEN": "hush", "V": "1"})), NOTHING_KNOWN)

    assert made.step(TargetName("lab")).build_args == (("TOKEN", "(hidden)"), ("V", "1"))
    assert b"hush" not in msgspec.json.encode(made, enc_hook=str)


def test_a_thousand_images_are_planned_at_once() -> None:
    """A chain and a fan of a thousand targets: the plan is there, parents first."""
    names = [f"i{n}" for n in range(1000)]
    targets = [target(name, *names[max(0, n - 1) // 2 : n and (n - 1) // 2 + 1]) for n, name in enumerate(names)]
    records: list[Record] = [record(each) for each in targets]
    of = stack(*targets, revision=MAIN)

    made = plan(of, known(*records))

    assert [step.target for step in made.steps] == build_order(graph_of(of))
    assert set(actions(made).values()) == {"tag"}
