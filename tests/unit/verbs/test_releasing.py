# SPDX-License-Identifier: MIT
"""Releases as they travel: what one machine promoted, another promotes again or goes back to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackyard.errors import InvalidValue, NothingToDo, RegistryRefused, TagConflict
from stackyard.model.moves import MoveSet
from stackyard.model.names import Tag
from stackyard.model.release import RELEASE_TAG
from stackyard.model.shared import RECORD_TAG
from stackyard.verbs import promotion, sharing
from tests.repositories import commit
from tests.twins import twin
from tests.unit.verbs import test_sharing
from tests.unit.verbs.test_sharing import BASE, LEAF, Machine, another, begun

one = test_sharing.one
COMMAND = "all_info_cmds: {V: {description: Python packages, command: pip list}}\n"


def promote(machine: Machine, source: str, channel: str = "stable", name: str = "") -> MoveSet:
    """Plan a promotion and carry it out, a minute later."""
    machine.clock.advance(60)
    yard = machine.yard()
    return promotion.move(yard, promotion.plan_promotion(yard, promotion.AskedPromotion(source, channel, release=name)))


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine that promoted two sets to `stable`: `fall`, then `winter`."""
    one = begun(tmp_path_factory.mktemp("released") / "one")
    one.build()
    promote(one, "main", name="fall")
    one.write("images/base/note", "changed")
    commit(one.root)
    one.build()
    promote(one, "main", name="winter")
    return one


@pytest.fixture
def released(once: Machine, tmp_path: Path) -> Machine:
    """That machine, for this test alone."""
    return twin(once, tmp_path / "one")


def at(machine: Machine, tag: str) -> list[str | None]:
    """Where both images' tag is."""
    return [machine.registry.resolve(each, Tag(tag)) for each in (BASE, LEAF)]


def test_a_fresh_clone_promotes_a_release(released: Machine) -> None:
    """It learns of releases beside the images, and puts the bytes that are kept with them: no manifest is read."""
    releases = released.yard().records.releases()
    fall = [member.digest for member in releases[1].members]
    two = another(released)
    two.registry.requests.clear()
    moves = promote(two, "fall", "exam")

    assert moves.release == "fall"
    assert at(two, "exam") == fall != at(two, "stable")
    assert not [each for each in two.registry.requests if each.verb == "manifest" and each.tag in fall]
    assert two.yard().records.releases() == releases
    standing = {name: each.release for name, each in promotion.channels(two.yard()).items()}
    assert standing == {"stable": "winter", "exam": "fall"}


def test_a_fresh_clone_goes_back_to_a_release(released: Machine) -> None:
    """What the channel was is known there, too."""
    two = another(released)
    moves = promotion.move(two.yard(), promotion.plan_rollback(two.yard(), "stable", "fall"))

    assert (moves.kind, moves.release) == ("rollback", "fall")
    assert at(two, "stable") == [member.digest for member in two.yard().records.releases()[1].members]


@pytest.mark.parametrize("before", ["plan", "build", "push"])
def test_who_planned_or_built_first_still_learns_of_channels(released: Machine, before: str) -> None:
    """What a plan or a build asks for is not all: before tags are moved everything is learned, once."""
    two = another(released)
    two.plan() if before == "plan" else two.build(publish=before == "push")
    two.registry.requests.clear()
    two.plan()
    assert two.registry.requests == []
    moves = promote(two, "fall", "exam")
    assert moves.release == "fall"
    back = promotion.plan_rollback(two.yard(), "stable")
    assert back.release == "fall"

    two.registry.requests.clear()
    promotion.plan_promotion(two.yard(), promotion.AskedPromotion("main", "exam"))
    assert not [each for each in two.registry.requests if each.tag.startswith(RECORD_TAG)]


def test_a_channel_that_another_machine_moved_is_not_overwritten(released: Machine) -> None:
    """A clone that has only built knows where a promotion elsewhere put it: what somebody moved since is refused."""
    two = another(released)
    two.build()
    released.registry.add_image(LEAF, "stable", "theirs")
    with pytest.raises(TagConflict, match="leaf:stable is at"):
        promote(two, "main")


def test_a_registry_that_lists_no_tags_keeps_nobody_from_promoting(released: Machine) -> None:
    """What is known here counts; what is not leads to `records sync`, which tells why."""
    two = another(released)
    two.build()
    error = RegistryRefused("registry registry.example refused", address="registry.example", status=403, words="DENIED")
    two.registry.fail_on(lambda request: request.verb == "list_tags", error)

    assert promote(two, "main", "exam").state == "done"
    with pytest.raises(NothingToDo) as caught:
        promotion.plan_promotion(two.yard(), promotion.AskedPromotion("never", "exam"))
    assert "stackyard records sync" in str(caught.value.hint)


def test_a_name_that_another_machine_took_is_refused(released: Machine) -> None:
    """Before anything moves, by a clone that has not learned of it yet."""
    two = another(released)
    sharing.sync(two.yard())
    released.write("images/base/note", "changed again")
    commit(released.root)
    released.build()
    promote(released, "main", name="spring")

    with pytest.raises(InvalidValue, match="there is a release 'spring' already, beside the images in"):
        promote(two, "winter", "exam", name="spring")
    assert at(two, "exam") == [None, None]


def test_what_the_registry_does_not_take_is_sent_later(released: Machine) -> None:
    """The tags move, the rest is told; the next time all is there."""
    error = RegistryRefused("registry registry.example refused", address="registry.example", status=403, words="DENIED")
    released.registry.fail_on(lambda request: request.verb == "upload", error)
    said: list[str] = []
    yard = released.yard()
    plan = promotion.plan_promotion(yard, promotion.AskedPromotion("fall", "stable", ("base",), release="half"))
    promotion.move(yard, plan, tell=said.append)

    assert len(said) == 1
    assert not [tag for tag in released.registry.tags(BASE) if tag.startswith(f"{RELEASE_TAG}half.")]
    released.registry.heal()
    assert sharing.sync(released.yard()).given >= 1
    assert [tag for tag in released.registry.tags(BASE) if tag.startswith(f"{RELEASE_TAG}half.")]


def test_a_registry_is_believed_for_a_reason(released: Machine) -> None:
    """A source and a channel that somebody moved: refused without, moved with it, and written down for others."""
    theirs = released.registry.add_image(LEAF, "stable", "theirs")
    fall = released.registry.manifest(LEAF, released.yard().records.releases()[1].members[1].digest)
    assert fall is not None
    released.registry.put(LEAF, Tag("main"), fall)
    released.clock.advance(60)
    yard = released.yard()
    with pytest.raises(TagConflict):
        promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable", ("leaf",)))
    with pytest.raises(NothingToDo, match="not promoting leaf"):  # the old leaf, which stands on the old base
        promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable", ("leaf",), accept_because="by hand"))
    plan = promotion.plan_promotion(yard, promotion.AskedPromotion("main", "exam", ("leaf",), accept_because="by hand"))
    moves = promotion.move(yard, plan)

    assert [(str(each.reference), each.found) for each in moves.accepted] == [(f"{LEAF}:main", fall.digest)]
    assert at(released, "exam") == [None, fall.digest]
    assert at(released, "stable")[1] == theirs.digest
    two = another(released)
    sharing.sync(two.yard())
    (known,) = two.yard().records.move_sets("exam")
    assert (known.accepted, known.accepted_because) == (moves.accepted, "by hand")


def test_an_image_that_nobody_recorded_is_taken_over_for_a_reason(one: Machine) -> None:
    """Without one there is nothing to promote; its member says that no record knows it, and has a content tag now."""
    theirs = [one.registry.add_image(each, "byhand", f"theirs {each}").digest for each in (BASE, LEAF)]
    one.build()
    with pytest.raises(NothingToDo, match="nothing to promote"):
        promote(one, "byhand")
    yard = one.yard()
    promotion.move(
        yard,
        promotion.plan_promotion(yard, promotion.AskedPromotion("byhand", "stable", accept_because="built before us")),
    )

    assert at(one, "stable") == theirs
    members = one.yard().records.releases()[0].members
    assert [member.record for member in members] == ["", ""]
    assert [one.registry.resolve(m.repository, m.content_tag) for m in members if m.content_tag] == theirs


def test_what_others_had_in_a_channel_is_kept_for_the_way_back(one: Machine) -> None:
    """It gets a content tag before the channel moves, since a clean-up takes what has no name; of our own nothing is
    asked."""
    theirs = one.registry.add_image(LEAF, "stable", "theirs").digest
    one.build()
    promote(one, "main")
    named = {tag for tag, digest in one.registry.tags(LEAF).items() if digest == theirs}
    assert len(named) == 1
    assert named.pop().startswith("sy-")
    promotion.move(one.yard(), promotion.plan_rollback(one.yard(), "stable"))
    assert at(one, "stable")[1] == theirs

    promote(one, "main")
    one.write("images/base/note", "changed")
    commit(one.root)
    one.build()
    one.registry.requests.clear()
    promote(one, "main")
    assert not [
        each for each in one.registry.requests if each.verb == "put" and re.fullmatch("sy-[0-9a-f]{32}", each.tag)
    ]


def test_what_changes_inside_is_fetched_for_who_has_to_decide(one: Machine) -> None:
    """A fresh clone has no inventories: one request for each image that comes or goes, and none without asking."""
    one.write("images/spec.yml", test_sharing.SPEC.replace("base: {}", "base: {info_cmds: [V]}") + COMMAND)
    commit(one.root)
    version = ["1.26"]
    one.engine.answers["pip"] = lambda *_: f"numpy {version[0]}\n"
    one.build()
    promote(one, "main", name="fall")
    version[0] = "2.1"
    one.write("images/base/note", "changed")
    commit(one.root)
    one.build()
    two = another(one)
    yard = two.yard()
    moves = promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable"))
    two.registry.requests.clear()

    assert promotion.preview(yard, moves).unknown == ("base",)
    assert two.registry.requests == []
    (change,) = promotion.preview(yard, moves, is_asking=True).contents
    assert [str(each) for each in change.changed] == ["numpy 1.26 -> 2.1"]
    assert [each.verb for each in two.registry.requests] == ["blob", "blob"]
    assert promotion.preview(yard, moves, is_asking=True).contents == (change,)
    assert len(two.registry.requests) == 2
    assert not yard.records.unshared()


def test_an_image_that_its_registry_lost_is_refused_by_name(released: Machine) -> None:
    """Somebody deleted it, and no bytes of it are kept here: nothing moves."""
    old = released.yard().records.known().records[test_sharing.TargetName("leaf")][-1]
    pushed = old.pushed(LEAF)
    assert pushed is not None
    assert old.built is not None
    released.registry.delete(LEAF, pushed.image.digest)
    assert f"{pushed.image}: leaf of the release fall is gone" in sharing.verify(released.yard()).problems
    before = at(released, "exam")

    with pytest.raises(NothingToDo, match=f"not promoting leaf: {LEAF}@{pushed.image.digest} is gone"):
        promote(released, old.built.commit[:12], "exam")
    assert at(released, "exam") == before


def test_who_trusts_the_records_asks_half(released: Machine) -> None:
    """Of a release's images nothing is read, nor where the channel is: each tag is put and read back."""
    yard = released.yard()
    released.registry.requests.clear()
    promotion.move(
        yard,
        promotion.plan_promotion(yard, promotion.AskedPromotion("fall", "stable", is_trusting=True)),
        is_fresh=True,
    )

    about = [each for each in released.registry.requests if not each.tag.startswith(("sy-", "sha256:")) and each.tag]
    assert sorted((each.repository, each.verb, each.tag) for each in about) == [
        (BASE, "put", "stable"),
        (BASE, "resolve", "stable"),
        (LEAF, "put", "stable"),
        (LEAF, "resolve", "stable"),
    ]
    assert at(released, "stable") == [member.digest for member in yard.records.releases()[1].members]


def test_who_trusts_the_records_still_asks_for_what_they_do_not_have(released: Machine) -> None:
    """A channel that is new to them, where somebody put a tag: it is what was before."""
    theirs = released.registry.add_image(LEAF, "exam", "theirs")
    moves = promotion.plan_promotion(released.yard(), promotion.AskedPromotion("main", "exam", is_trusting=True))

    assert [move.was for move in moves.moves] == [None, theirs.digest]


def test_what_was_done_within_a_second_stays_in_order(released: Machine) -> None:
    """Others learn of it by the list of tags, in any order: the times say which was first."""
    for source in ("fall", "winter", "fall", "winter"):
        yard = released.yard()
        promotion.move(yard, promotion.plan_promotion(yard, promotion.AskedPromotion(source, "stable")))
    here = released.yard().records.move_sets("stable")
    two = another(released)
    sharing.sync(two.yard())
    there = two.yard().records.move_sets("stable")

    assert len({moves.at for moves in here}) == len(here)
    assert [(moves.at, moves.release) for moves in there] == [(moves.at, moves.release) for moves in here]
