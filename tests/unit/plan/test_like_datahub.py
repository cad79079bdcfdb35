# SPDX-License-Identifier: MIT
"""What the DataHub scripts would do: each test holds one fact about them, mistakes included."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.model.datahub import OldChange, OldImage, OldPlan, OldSpec, OldTrack, OldWorld
from stackyard.model.decide import Need
from stackyard.model.plan import Plan
from stackyard.plan.beside import beside
from stackyard.plan.like_datahub import like_datahub, printed, sanitised, words_of
from tests.cases import each_of
from tests.unit.plan.made import known, plan, record, stack, suite, target

BASE, NEW = "a" * 40, "b" * 40
BRANCH = OldWorld("feature/x")
TAG = "2026.3-feature-x"
RULES = {"build_all": ("tests_common", "spec.yml"), "ignored": ("conftest.py",)}


def by_tag(text: str, **fields: object) -> OldSpec:
    """`base leaf:base` as a file of the younger kind."""
    return msgspec.structs.replace(OldSpec("tag", _images(text), (OldTrack(None, "2026.3"),)), **fields)


def by_plans(text: str, **fields: object) -> OldSpec:
    """The same as a file with two tracks, the second one first."""
    tracks = (OldTrack("PY39", "2021.3"), OldTrack("PY38", "2021.2"))
    return msgspec.structs.replace(OldSpec("plans", _images(text), tracks), **fields)


def _images(text: str) -> tuple[OldImage, ...]:
    parted = [word.partition(":") for word in text.split()]
    return tuple(OldImage(name, f"lab/{name}", parent or None) for name, _, parent in parted)


def changed(*paths: str, message: str = "a change", hidden: tuple[str, ...] = ()) -> OldChange:
    """A commit that changed these paths."""
    return OldChange("HEAD^", BASE, NEW, message, paths, hidden)


def built(old: OldPlan) -> dict[str, list[str]]:
    """What is built, in order, with the reasons."""
    return {str(step.target): [str(why) for why in step.reasons] for step in old.steps if step.action == "build"}


SPEC = by_tag("base left:base right:base leaf:left", **RULES)


# One tag: what gets rebuilt.


def test_a_changed_image_is_built_with_all_that_is_below_it() -> None:
    """Whatever file of its folder it is; a child never forces its parent, and siblings are let be."""
    old = like_datahub(SPEC, changed("images/left/README.md"), BRANCH)

    assert built(old) == {"left": ["images/left/README.md changed"], "leaf": ["left is built"]}


def test_the_order_is_breadth_first_with_siblings_as_in_the_file() -> None:
    """Every image that can be reached from the root has its place, built or not."""
    old = like_datahub(by_tag("leaf:left right:base left:base base"), changed("images/base/a"), BRANCH)

    assert list(built(old)) == ["base", "right", "left", "leaf"]


@pytest.mark.parametrize("message", ["Full Rebuild please", "docs\n\navoid full rebuild"])
def test_two_words_in_the_message_build_everything(message: str) -> None:
    """In any case, anywhere in the whole message, even where they say the opposite."""
    old = like_datahub(SPEC, changed("images/leaf/a", message=message), BRANCH)

    assert len(built(old)) == 4
    assert built(old)["base"] == ['the commit message says "full rebuild"']


def test_branch_main_builds_everything_and_no_other() -> None:
    """The name has to be exactly that."""
    assert len(built(like_datahub(SPEC, changed("images/leaf/a"), OldWorld("main")))) == 4
    assert list(built(like_datahub(SPEC, changed("images/leaf/a"), OldWorld("Main")))) == ["leaf"]


def test_build_all_and_ignored_names_are_first_components_and_nothing_else() -> None:
    """Equal, not alike, and only directly below the images folder."""
    assert len(built(like_datahub(SPEC, changed("images/tests_common/x/y"), BRANCH))) == 4
    assert built(like_datahub(SPEC, changed("images/conftest.py"), BRANCH)) == {}
    assert list(built(like_datahub(SPEC, changed("images/left/spec.yml"), BRANCH))) == ["left", "leaf"]
    both = msgspec.structs.replace(SPEC, ignored=("spec.yml",))
    assert len(built(like_datahub(both, changed("images/spec.yml"), BRANCH))) == 4, "BuildAll is looked at first"


def test_a_name_that_is_no_image_is_taken_for_one_and_forgotten() -> None:
    """A file directly below the images folder that neither list names."""
    old = like_datahub(SPEC, changed("images/NOTES.md"), BRANCH)

    assert built(old) == {}
    assert old.notes == ("'NOTES.md' changed, and is taken for an image: there is none",)


def test_a_tag_that_the_registry_lacks_builds_an_image_and_none_of_its_children() -> None:
    """They stay on the parent of before, under the same tag."""
    there = frozenset({("right", TAG), ("leaf", TAG), ("left", TAG)})
    old = like_datahub(SPEC, changed("images/leaf/a"), OldWorld("feature/x", published=there))

    assert built(old) == {"base": [f"the registry has no {TAG}"], "leaf": ["images/leaf/a changed"]}


def test_a_first_run_of_a_branch_builds_everything() -> None:
    """No tag of it is in the registry."""
    assert len(built(like_datahub(SPEC, changed("images/leaf/a"), OldWorld("new", published=frozenset())))) == 4


def test_where_nobody_knows_the_registry_tags_are_taken_as_there() -> None:
    """And it says so: a clone that never published could compare nothing else."""
    (base, *_) = like_datahub(SPEC, changed("images/leaf/a"), BRANCH).steps

    assert (base.action, str(base.reasons[0])) == ("reuse", f"unchanged, and {TAG} is taken as there")


def test_prepull_false_builds_an_image_on_every_run() -> None:
    """Meant for something else; its children are let be."""
    images = (SPEC.images[0], msgspec.structs.replace(SPEC.images[1], is_prepulled=False), *SPEC.images[2:])
    old = like_datahub(msgspec.structs.replace(SPEC, images=images), changed("images/right/a"), BRANCH)

    assert list(built(old)) == ["left", "right"]
    assert "prepull is false" in built(old)["left"][0]


def test_images_that_the_root_does_not_lead_to_are_dropped() -> None:
    """An unknown parent, a second root, a ring beside the root: nobody is told."""
    old = like_datahub(by_tag("base lost:gone second a:b b:a"), changed("images/lost/x"), OldWorld("main"))

    assert list(built(old)) == ["base"]
    assert {
        str(step.target): str(step.reasons[0])[:24] for step in old.steps if step.action == "skip"
    } == dict.fromkeys(("lost", "second", "a", "b"), "left out without a word:")


# One tag: names.


@each_of(
    ("branch", "expected"),
    [
        ("feature/x", "feature-x"),
        ("fix/pip-conda-cleanup", "fix-pip-conda-cleanup"),
        ("a+b", "a-b"),
        ("a_b", "a_b"),
        ("2026.1-cu128", "2026.1-cu128"),
        ("UPPER é and blank", "UPPER é and blank"),
        ("~!@#$%^&*()+`=[]{}|\\;:'\",<>/?", "-" * 29),
    ],
)
def test_signs_of_a_branch_become_dashes_one_each(branch: str, expected: str) -> None:
    """All else is kept: dots, capitals, blanks, letters of any script."""
    assert sanitised(branch) == expected


def test_a_branch_with_merge_in_its_name_is_lost() -> None:
    """A pull request's ref has it, and so has `emergency-fix`: then the tag ends in a dash."""
    lost = like_datahub(SPEC, changed("images/leaf/a"), OldWorld("emergency-fix"))
    pull = like_datahub(SPEC, changed("images/leaf/a"), OldWorld("12/merge", "feature/x"))

    assert {step.tag for step in lost.steps} == {"2026.3-"}
    assert "the tag is '2026.3-'" in lost.notes[0]
    assert {step.tag for step in pull.steps} == {TAG}


def test_a_tag_that_no_registry_takes_is_noticed_at_the_push() -> None:
    """A blank is kept."""
    assert "each push fails" in like_datahub(SPEC, changed("images/leaf/a"), OldWorld("a b")).notes[0]


def test_every_child_gets_its_parents_tag_of_this_run() -> None:
    """Whether the parent is built or not, and over what the file says; the root gets none."""
    images = (SPEC.images[0], msgspec.structs.replace(SPEC.images[1], args=(("BASE_TAG", "own"), ("A", "1"))))
    old = like_datahub(by_tag("", images=images), changed("images/left/a"), BRANCH)

    assert [step.build_args for step in old.steps] == [(), (("BASE_TAG", TAG), ("A", "1"))]


def test_secrets_among_the_arguments_are_hidden() -> None:
    """They are printed no more than in any plan."""
    images = (msgspec.structs.replace(SPEC.images[0], args=(("API_TOKEN", "hunter2"),)),)
    assert "hunter2" not in str(like_datahub(by_tag("", images=images), changed("images/base/a"), BRANCH))


# One tag: nothing is built.


@pytest.mark.parametrize(
    ("change", "world", "said"),
    [
        (changed("README.md"), BRANCH, "the workflow does not start: no path that it watches changed"),
        (changed("images/base/a", message="Skip CI"), BRANCH, "the job does not start"),
        (OldChange("HEAD^", None, NEW, "full rebuild"), BRANCH, "they crash: there is no commit HEAD^"),
        (changed("images/base/a"), OldWorld("stable"), "NameError"),
        (changed("images/base/a"), OldWorld(None), "KeyError"),
        (
            changed("images/base/a"),
            OldWorld("1/merge", "x", "main", title="WIP [skip ci]"),
            "title of the pull request",
        ),
        (changed("images/base/a"), OldWorld("1/merge", "x", "dev"), "pull request is to 'dev'"),
        (changed("docs/of images", "images/base/a"), BRANCH, "IndexError"),
    ],
    ids=["no path", "skip ci", "one commit", "stable", "no branch", "a title", "another base", "a blank"],
)
def test_runs_that_build_nothing(change: OldChange, world: OldWorld, said: str) -> None:
    """Each with its reason; every image has a step that says so."""
    old = like_datahub(SPEC, change, world)

    assert said in (old.halt or "")
    assert {step.action for step in old.steps} == {"skip"}
    assert len(old.steps) == 4


@each_of("path", ["model/x.py", "scripts/main.py", "dodo.py", ".github/workflows/main.yml"])
def test_the_scripts_own_files_start_the_workflow_and_build_nothing(path: str) -> None:
    """They are watched, and below no image."""
    old = like_datahub(SPEC, changed(path), BRANCH)

    assert (old.halt, built(old)) == (None, {})


# What they see of a change.


def test_git_quotes_and_blanks_part() -> None:
    """Lines of `git diff`, split at blanks."""
    assert printed('images/a/\u00e9\t\x01"\\') == '"images/a/\\303\\251\\t\\001\\"\\\\"'
    assert words_of(["images/a/x", "images/b/two words", "images/c/é"]) == [
        *("images/a/x", "images/b/two", "words", '"images/c/\\303\\251"')
    ]


def test_a_path_that_git_quotes_is_missed() -> None:
    """So a change of it alone builds nothing."""
    old = like_datahub(SPEC, changed("images/left/é"), BRANCH)

    assert built(old) == {}
    assert old.unseen == (("images/left/é", "git quotes its name"),)


def test_a_blank_in_a_name_can_build_another_image() -> None:
    """What follows the blank is a path of its own."""
    old = like_datahub(SPEC, changed("images/leaf/see images/right/x"), BRANCH)
    assert list(built(old)) == ["right", "leaf"]


def test_of_a_rename_only_the_new_side_is_seen() -> None:
    """A file moved from one image to another builds the other alone; one moved out builds nothing."""
    moved = like_datahub(SPEC, changed("images/right/f", hidden=("images/left/f",)), BRANCH)
    out = like_datahub(SPEC, changed("docs/f", hidden=("images/tests_common/f",)), BRANCH)

    assert list(built(moved)) == ["right"]
    assert moved.unseen == (("images/left/f", "moved away: only its new name is listed"),)
    assert built(out) == {}


# Tracks.


TRACKS = by_plans("base left:base right:base leaf:right")


def test_each_image_is_built_in_each_track_in_file_order() -> None:
    """Tagged by the track's prefix and the commit; BASE_TAG is the parent's of the same track."""
    old = like_datahub(TRACKS, changed("images/base/a"), OldWorld("main"))

    assert [(str(step.target), step.tag) for step in old.steps[:2]] == [
        ("base/PY39", "2021.3-bbbbbbb"),
        ("base/PY38", "2021.2-bbbbbbb"),
    ]
    assert dict(old.steps[2].build_args) == {"BASE_TAG": "2021.3-bbbbbbb"}
    assert old.steps[0].build_args == ()


def test_changed_images_come_in_level_order_each_with_its_subtree_last_child_first() -> None:
    """Depth first below each; what came already does not come again."""
    one = by_plans("base left:base right:base leaf:left twig:left", tracks=(OldTrack("P", "2021.3"),))
    old = like_datahub(one, changed("images/leaf/a", "images/base/a"), OldWorld("x"))
    two = like_datahub(one, changed("images/leaf/a", "images/right/a"), OldWorld("x"))

    assert list(built(old)) == ["base/P", "right/P", "left/P", "twig/P", "leaf/P"]
    assert list(built(two)) == ["right/P", "leaf/P"]


def test_a_skipped_track_and_a_track_without_a_prefix() -> None:
    """The one is not built; the other is tagged latest."""
    spec = by_plans("base leaf:base", tracks=(OldTrack("A", "2021.3"), OldTrack("B", None)))
    images = (spec.images[0], msgspec.structs.replace(spec.images[1], skips=("A",)))
    old = like_datahub(msgspec.structs.replace(spec, images=images), changed("images/base/a"), OldWorld("x"))

    assert [(str(step.target), step.action, step.tag) for step in old.steps] == [
        ("base/A", "build", "2021.3-bbbbbbb"),
        ("base/B", "build", "latest"),
        ("leaf/A", "skip", None),
        ("leaf/B", "build", "latest"),
    ]
    assert dict(old.steps[3].build_args) == {"BASE_TAG": "latest"}


def test_arguments_are_merged_and_the_later_wins() -> None:
    """BASE_TAG, then those of all tracks, then the track's own, which may name another base."""
    leaf = OldImage(
        "leaf",
        "lab/leaf",
        "base",
        (("A", "common"), ("B", "common")),
        (("PY39", (("B", "own"), ("BASE_TAG", "mine"))),),
    )
    spec = by_plans("", images=(OldImage("base", "lab/base", None, (("X", "1"),)), leaf))
    old = like_datahub(spec, changed("images/leaf/a"), OldWorld("x", last_bases=(("lab/leaf:2021.2-1", "lab/base:t"),)))

    args = {str(step.target): list(step.build_args) for step in old.steps}
    assert args["leaf/PY39"] == [("BASE_TAG", "mine"), ("A", "common"), ("B", "own")]
    assert args["leaf/PY38"] == [("BASE_TAG", "t"), ("A", "common"), ("B", "common")], "nothing comes from the parent"


def test_the_base_of_a_parent_that_is_not_built_is_that_of_the_newest_row() -> None:
    """Of this image and this prefix."""
    rows = (
        ("lab/left:2021.2-3333333", "lab/base:2021.2-3333333"),
        ("lab/right:2021.3-2222222", "lab/base:2021.3-2222222"),
        ("lab/left:2021.3-1111111", "lab/base:2021.3-0000000"),
        ("lab/left:2021.3-0000000", "lab/base:2021.3-9999999"),
    )
    old = like_datahub(TRACKS, changed("images/left/a"), OldWorld("x", last_bases=rows))

    args = {str(step.target): dict(step.build_args) for step in old.steps if step.action == "build"}
    assert args == {"left/PY39": {"BASE_TAG": "2021.3-0000000"}, "left/PY38": {"BASE_TAG": "2021.2-3333333"}}


def test_without_a_row_the_parent_is_taken_as_built_at_the_commit_before() -> None:
    """Which is said."""
    old = like_datahub(TRACKS, changed("images/left/a"), OldWorld("x"))

    assert dict(old.steps[0].build_args) == {"BASE_TAG": "2021.3-aaaaaaa"}
    assert "taken as built at aaaaaaa" in old.notes[0]


def test_a_change_below_no_image_builds_everything_with_tracks() -> None:
    """As their documentation says."""
    old = like_datahub(TRACKS, changed("README.md"), OldWorld("x"))

    assert list(built(old)) == [f"{name}/{t}" for name in ("base", "right", "leaf", "left") for t in ("PY39", "PY38")]


def test_a_change_of_the_spec_alone_builds_nothing_with_tracks() -> None:
    """It is taken for an image; with a list of what rebuilds all, which came later, it is one of these."""
    assert built(like_datahub(TRACKS, changed("images/spec.yml"), OldWorld("x"))) == {}
    later = msgspec.structs.replace(TRACKS, build_all=("spec.yml",))
    assert len(built(like_datahub(later, changed("images/spec.yml"), OldWorld("x")))) == 8


def test_main_and_its_words_mean_nothing_to_tracks() -> None:
    """Both came with the one tag."""
    old = like_datahub(TRACKS, changed("images/left/a", message="full rebuild"), OldWorld("main"))

    assert list(built(old)) == ["left/PY39", "left/PY38"]


# Side by side.


LAB = stack(target("base"), target("left", "base", suites=(suite(),)), target("right", "base"), target("leaf", "left"))


def ours(*edited: str, need: Need | None = None) -> Plan:
    """Stackyard's plan where all was built and passed, and the Dockerfiles of some images were edited."""
    of = stack(
        *(
            target(str(t.name), *map(str, t.parent_names), text="x" if t.name in edited else "FROM x", suites=t.suites)
            for t in LAB.targets
        )
    )
    return plan(of, known(*(record(t) for t in LAB.targets), targets=LAB.targets), need=need)


def notes(old: OldPlan) -> dict[str, str]:
    """Target -> where the two differ."""
    return {str(step.target): step.note for step in old.steps if step.note}


def test_what_stackyard_saves_is_said() -> None:
    """A README, what is below it, and a branch that builds all."""
    readme = beside(like_datahub(SPEC, changed("images/left/README.md"), BRANCH), ours())
    main = beside(like_datahub(SPEC, changed("images/left/README.md"), OldWorld("main")), ours())

    assert notes(readme) == {
        "left": "images/left/README.md is no part of the image: it only gets its tags",
        "leaf": "what it is made from is as it was, left included: it only gets its tags",
    }
    assert notes(main)["base"] == "nothing of it changed: it only gets its tags"


def test_what_they_miss_is_said() -> None:
    """The side of a rename that they do not see, and children that stay behind."""
    moved = changed("images/right/f", hidden=("images/left/f",))
    old = beside(like_datahub(SPEC, moved, BRANCH), ours("left", "right"))
    absent = OldWorld("feature/x", published=frozenset((name, TAG) for name in ("left", "right", "leaf")))
    behind = beside(like_datahub(SPEC, changed("dodo.py"), absent), ours("base"))

    assert notes(old)["left"] == "they do not see images/left/f (moved away: only its new name is listed)"
    assert notes(behind)["left"] == "they leave it on the base of before, under the same tag"


def test_what_they_leave_out_is_said() -> None:
    """An image that their tree does not have, and a run that does not start."""
    spec = by_tag("base left:base right:gone leaf:left")
    lost = beside(like_datahub(spec, changed("images/leaf/a"), OldWorld("main")), ours("right"))
    idle = beside(like_datahub(SPEC, changed("README.md"), BRANCH), ours("right"))

    assert notes(lost)["right"] == "they leave it out"
    assert notes(idle) == {"right": "Stackyard's reason: images/right/Dockerfile changed"}


def test_agreement_needs_no_note() -> None:
    """But for another name."""
    same = beside(like_datahub(SPEC, changed("images/leaf/a"), OldWorld("main")), ours("base", "left", "right", "leaf"))

    assert set(notes(same).values()) == {"tagged 0123456 and main"}
