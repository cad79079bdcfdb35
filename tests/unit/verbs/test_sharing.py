# SPDX-License-Identifier: MIT
"""Records beside the images: what one machine built, another knows."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from stackyard import verbs
from stackyard.errors import FileProblem, NothingToDo, RegistryRefused, RegistryUnreachable
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.outcome import RunSummary
from stackyard.model.plan import Plan
from stackyard.model.reference import Platform, Repository
from stackyard.model.shared import MOVES_TAG, POINTER_TAG, RECORD_TAG, Shared
from stackyard.testing import FakeEngine, FixedClock, MemoryRegistry
from stackyard.testing.making import Made
from stackyard.testing.registry import Request
from stackyard.verbs import gates, promotion, sharing
from stackyard.verbs.yard import Options, Yard
from tests.repositories import commit, init
from tests.unit.plan.made import result, suite

SPEC = "registry: registry.example/lab\nimages: {base: {}, leaf: {depend_on: base}}\n"
BASE, LEAF = Repository("registry.example/lab/base"), Repository("registry.example/lab/leaf")


class Machine:
    """A clone of the stack, with an engine of its own."""

    def __init__(self, root: Path, registry: MemoryRegistry, clock: FixedClock, shelf: dict[Digest, Made]) -> None:
        self.root, self.registry, self.clock, self.shelf = root, registry, clock, shelf
        self.engine = FakeEngine(registry=registry, shelf=shelf)
        self.engine.add("debian:12")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def yard(self) -> Yard:
        options = Options(platform=Platform("linux/amd64"))
        return verbs.load(self.root, options, self.clock, lambda _: self.engine, lambda _: self.registry)

    def build(self, *, publish: bool = True, **options: bool) -> RunSummary:
        self.clock.advance(60)
        yard = self.yard()
        return verbs.run(yard, verbs.prepare(yard, publish=publish, **options))

    def plan(self) -> Plan:
        return verbs.plan(self.yard())

    @property
    def builds(self) -> int:
        return len([call for call in self.engine.calls if call[0] == "build"])

    def forget(self) -> None:
        """As if nothing had ever run here."""
        shutil.rmtree(self.root / ".stackyard", ignore_errors=True)


def begun(root: Path) -> Machine:
    """The machine on which the stack was begun."""
    made = Machine(root, MemoryRegistry(), FixedClock(), {})
    made.write("images/spec.yml", SPEC)
    made.write("images/base/Dockerfile", "FROM debian:12\nCOPY note /\n")
    made.write("images/leaf/Dockerfile", "ARG BASE_TAG\nFROM registry.example/lab/base:${BASE_TAG}\nCOPY note /\n")
    for name in ("base", "leaf"):
        made.write(f"images/{name}/note", name)
    init(made.root)
    commit(made.root)
    return made


@pytest.fixture
def one(tmp_path: Path) -> Machine:
    """The first machine; nothing is built."""
    return begun(tmp_path / "one")


def another(one: Machine) -> Machine:
    """A fresh clone elsewhere: it shares the registry and nothing else."""
    root = one.root.with_name("another")
    shutil.copytree(one.root, root, ignore=shutil.ignore_patterns(".stackyard"))
    return Machine(root, one.registry, one.clock, one.shelf)


def built(plan: Plan) -> list[str]:
    """What would be built."""
    return [str(step.target) for step in plan.steps if step.action in ("build", "decide-later")]


def test_a_fresh_clone_plans_no_build(one: Machine) -> None:
    """Nothing but the registry tells it, and no engine is asked: one request per image."""
    one.build()
    two = another(one)
    one.registry.requests.clear()

    assert built(two.plan()) == []
    assert [request.verb for request in one.registry.requests] == ["manifest", "manifest"]
    assert two.engine.calls == []


def test_who_asked_once_does_not_ask_again(one: Machine) -> None:
    """A stack that nobody has built yet: the first plan asks, one request per image, and the second nobody."""
    assert built(one.plan()) == ["base", "leaf"]
    assert [request.verb for request in one.registry.requests] == ["manifest", "manifest"]
    one.registry.requests.clear()

    assert built(one.plan()) == ["base", "leaf"]
    assert one.registry.requests == []


def test_where_no_registry_is_named_nobody_is_asked(one: Machine) -> None:
    """A name without one may mean Docker Hub, and a plan still asks nobody."""
    one.write(
        "images/spec.yml", "images: {base: {image_name: lab/base}, leaf: {image_name: lab/leaf, depend_on: base}}\n"
    )
    one.write("images/leaf/Dockerfile", "ARG BASE_TAG\nFROM lab/base:${BASE_TAG}\n")
    commit(one.root)

    assert built(one.plan()) == ["base", "leaf"]
    assert one.registry.requests == []


def test_where_nobody_answers_it_is_asked_once(one: Machine) -> None:
    """Not for every image: each answer that does not come is waited for."""
    gone = RegistryUnreachable("cannot reach registry registry.example", address="registry.example")
    one.registry.fail_on(lambda request: True, gone)

    assert built(one.plan()) == ["base", "leaf"]
    assert len(one.registry.requests) == 1


def test_a_fresh_clone_builds_nothing_and_publishes_nothing(one: Machine) -> None:
    """A run there reuses all, with results of tests that ran elsewhere; a second plan asks nobody."""
    one.build()
    two = another(one)
    summary = two.build()

    assert summary.is_good
    assert "built" not in {outcome.status for outcome in summary.outcomes}
    assert two.builds == 0
    one.registry.requests.clear()
    assert built(two.plan()) == []
    assert one.registry.requests == []


def test_a_change_there_is_explained_by_what_was_built_here(one: Machine) -> None:
    """The reason names the file: what the record was made from is read from beside it."""
    one.build()
    two = another(one)
    two.write("images/leaf/note", "changed")

    (step,) = (step for step in two.plan().steps if step.action == "build")

    assert step.target == TargetName("leaf")
    assert "images/leaf/note" in str(step.reasons)


def test_bases_are_what_they_were_accepted_as(one: Machine) -> None:
    """Though the registry of the base has moved on, and the clone never resolved it."""
    one.registry.add_image("docker.io/library/debian", "12", "old")
    one.build()
    accepted = one.yard().records.acceptances()
    one.registry.add_image("docker.io/library/debian", "12", "new")
    two = another(one)

    assert "built" not in {outcome.status for outcome in two.build().outcomes}
    assert two.yard().records.acceptances() == accepted


def test_a_later_fact_travels_too(one: Machine) -> None:
    """A second build of one image: both records are there, and the newest is gone on from."""
    one.build()
    one.write("images/leaf/note", "second")
    commit(one.root)
    one.build()
    two = another(one)

    assert built(two.plan()) == []
    tags = [tag for tag in one.registry.tags(LEAF) if tag.startswith(RECORD_TAG)]
    assert len({tag.split("-")[2] for tag in tags}) == 2


def test_two_machines_lose_nothing(one: Machine) -> None:
    """Each builds a change of its own; afterwards both know both, and a third clone, too."""
    one.build()
    two = another(one)
    two.plan()
    one.write("images/leaf/note", "of one")
    commit(one.root)
    one.build()
    two.write("images/leaf/note", "of two")
    commit(two.root)
    two.build()

    for machine in (one, two):
        sharing.sync(machine.yard())
        assert len(machine.yard().records.known().records[TargetName("leaf")]) == 3
    three = Machine(two.root, one.registry, one.clock, one.shelf)
    three.forget()
    assert built(three.plan()) == []


def test_without_publishing_nothing_travels(one: Machine) -> None:
    """A build on a laptop writes to no registry."""
    one.build(publish=False)

    assert {request.verb for request in one.registry.requests} <= {"manifest", "resolve"}
    assert another(one).plan().steps[0].action == "build"


def test_a_stack_that_keeps_its_records(one: Machine) -> None:
    """`records: local`: none beside the images, and none are asked for."""
    one.write("images/spec.yml", SPEC + "records: local\n")
    commit(one.root)
    one.build()

    assert not [tag for tag in one.registry.tags(BASE) if tag.startswith((RECORD_TAG, POINTER_TAG))]
    assert built(another(one).plan()) == ["base", "leaf"]
    with pytest.raises(NothingToDo):
        sharing.sync(one.yard())


def refused(request: Request) -> bool:
    """Whether somebody brings bytes."""
    return request.verb == "upload"


def test_what_cannot_be_written_is_told_and_sent_later(one: Machine) -> None:
    """The run is good, its summary says what is missing, two images' and where tags are; the next one sends it."""
    error = RegistryRefused("registry registry.example refused", address="registry.example", status=403, words="DENIED")
    one.registry.fail_on(refused, error)
    summary = one.build()

    assert summary.is_good
    (remark,) = (remark for remark in summary.remarks if "records" in remark)
    assert remark.startswith("3 records could not be written beside the images")
    assert built(another(one).plan()) == ["base", "leaf"]

    one.registry.heal()
    one.build()
    two = Machine(one.root.with_name("another"), one.registry, one.clock, one.shelf)
    two.forget()
    assert built(two.plan()) == []


def test_a_registry_that_does_not_answer_is_a_note(one: Machine) -> None:
    """A plan goes on with what is known here."""
    one.build()
    two = another(one)
    error = RegistryRefused("registry registry.example refused", address="registry.example", status=503, words="busy")
    one.registry.fail_on(lambda request: request.verb == "manifest", error)
    plan = two.plan()

    assert built(plan) == ["base", "leaf"]
    assert [note.kind for note in plan.notes] == ["records-not-read"]


def test_a_result_of_elsewhere_is_as_old_as_it_is(one: Machine) -> None:
    """A test that passed elsewhere before it failed here comes here later, and the failure is still the last word."""
    one.build()
    records = one.yard().records
    (record,) = records.known().records[TargetName("leaf")]
    failed = msgspec.structs.replace(result(suite(), False), at="2026-03-01T00:00:00Z")
    passed = msgspec.structs.replace(result(suite(), True), at="2026-02-01T00:00:00Z")
    record = records.append(record, failed)
    records.merge([(None, Shared(msgspec.structs.replace(record, facts=(passed,)), records.platform, ()))])

    (found,) = records.known().records[TargetName("leaf")]
    assert len(found.facts) == len(record.facts) + 1
    assert found.tested(suite()) == failed


class TestPointers:
    def test_a_lost_pointer_is_made_again(self, one: Machine) -> None:
        """From the records, which are listed by their tags."""
        one.build()
        for place in (BASE, LEAF):
            for tag in one.registry.tags(place):
                if tag.startswith(POINTER_TAG):
                    one.registry.untag(place, tag)
        assert built(another(one).plan()) == ["base", "leaf"]

        found = sharing.verify(one.yard())

        assert (found.repositories, found.pointers, found.problems) == (2, 2, ())
        two = (
            another(one)
            if not (one.root.with_name("another")).exists()
            else Machine(one.root.with_name("another"), one.registry, one.clock, one.shelf)
        )
        two.forget()
        assert built(two.plan()) == []

    def test_somebody_elses_thing_is_no_pointer(self, one: Machine) -> None:
        """What cannot be read counts as nothing known: it is built again, and nothing breaks."""
        one.build()
        for place in (BASE, LEAF):
            (tag,) = (tag for tag in one.registry.tags(place) if tag.startswith(POINTER_TAG))
            one.registry.add_image(place, tag, "a photograph")

        assert built(another(one).plan()) == ["base", "leaf"]

    def test_what_is_gone_is_told(self, one: Machine) -> None:
        """An image that somebody deleted: the record's sentence names it."""
        one.build()
        pushed = one.registry.resolve(LEAF, next(tag for tag in one.registry.tags(LEAF) if tag == "main"))
        assert pushed is not None
        one.registry.delete(LEAF, pushed)

        (problem, *_) = sharing.verify(one.yard()).problems
        assert "the image that was built of leaf" in problem
        assert pushed in problem


class TestOneRepository:
    """`records: {repository: NAME}`: one repository has all records and the journal."""

    RECORDS = "registry.example/lab/stack-records"

    def test_nothing_of_ours_is_beside_the_images(self, one: Machine) -> None:
        """But the content tags; a fresh clone knows everything from the one place, and goes on from there."""
        one.write("images/spec.yml", SPEC + "records: {repository: stack-records}\n")
        commit(one.root)
        one.build()
        promotion.move(one.yard(), promotion.plan_promotion(one.yard(), promotion.AskedPromotion("main", "stable")))
        for place in (BASE, LEAF):
            ours = [tag for tag in one.registry.tags(place) if tag.startswith("sy-")]
            assert len(ours) == 1, ours
        assert {tag[:5] for tag in one.registry.tags(self.RECORDS)} >= {RECORD_TAG, POINTER_TAG, MOVES_TAG, "sy-re"}

        two = another(one)
        two.registry.requests.clear()
        assert built(two.plan()) == []
        assert {each.repository for each in two.registry.requests} == {self.RECORDS}
        two.write("images/base/note", "changed")
        commit(two.root)
        two.build()
        two.clock.advance(60)
        yard = two.yard()
        promotion.move(yard, promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable")))
        sharing.sync(one.yard())
        assert promotion.plan_rollback(one.yard(), "stable").changes
        assert not sharing.verify(two.yard()).problems

    def test_what_was_beside_the_images_is_still_learned(self, one: Machine) -> None:
        """A stack that came to one repository later: `records sync` reads both places."""
        one.build()
        one.write("images/spec.yml", SPEC + "records: {repository: stack-records}\n")
        commit(one.root)
        two = another(one)
        assert sharing.sync(two.yard()).learned > 0
        assert built(two.plan()) == []


class TestFiles:
    def test_records_travel_in_a_file(self, one: Machine, tmp_path: Path) -> None:
        """What was exported makes another clone know it, without a registry; a second import changes nothing."""
        one.write("images/spec.yml", SPEC + "records: local\n")
        commit(one.root)
        one.build()
        two, file = another(one), tmp_path / "records.jsonl"

        assert sharing.export_records(one.yard(), file) == sharing.Carried(2, 0, 1)
        assert sharing.import_records(two.yard(), file).records > 0
        assert sharing.import_records(two.yard(), file) == sharing.Carried(0, 0, 0)

        assert built(two.plan()) == []
        ours, theirs = (machine.yard().records.known() for machine in (one, two))
        for target, records in ours.records.items():
            assert [record.facts for record in theirs.records[target]] == [record.facts for record in records]
            assert theirs.inputs[records[0].inputs] == ours.inputs[records[0].inputs]

    @pytest.mark.parametrize(
        ("text", "line"), [("", 1), ("{}\n", 1), ("hello\n", 1), ('{"stackyard_records":1,"stack":"s"}\n{"a":1}\n', 2)]
    )
    def test_a_file_of_something_else(self, one: Machine, tmp_path: Path, text: str, line: int) -> None:
        """Its line is named, and nothing is taken over."""
        file = tmp_path / "records.jsonl"
        file.write_text(text)

        with pytest.raises(FileProblem) as caught:
            sharing.import_records(one.yard(), file)
        assert caught.value.line == line
        assert not (one.root / ".stackyard/records.sqlite3").exists()

    def test_releases_and_channels_travel_with_them(self, one: Machine, tmp_path: Path) -> None:
        """The other clone goes back to what the channel was, and has the bytes of both releases."""
        one.write("images/spec.yml", SPEC + "records: local\n")
        commit(one.root)
        for name in ("fall", "winter"):
            one.write("images/base/note", name)
            commit(one.root)
            one.build()
            one.clock.advance(60)
            yard = one.yard()
            promotion.move(
                yard, promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable", release=name))
            )
        two, file = another(one), tmp_path / "records.jsonl"
        assert sharing.export_records(one.yard(), file) == sharing.Carried(4, 2, 4)
        sharing.import_records(two.yard(), file)

        ours, theirs = (machine.yard().records for machine in (one, two))
        assert theirs.releases() == ours.releases()
        digests = {member.digest for release in ours.releases() for member in release.members}
        assert {each.digest for each in theirs.manifests(digests)} == digests
        assert theirs.known().tags == ours.known().tags
        back = promotion.plan_rollback(two.yard(), "stable")
        assert (back.release, len(back.changes)) == ("fall", 2)

    def test_a_pipe_is_written_to(self, one: Machine, tmp_path: Path) -> None:
        """What is no file is never replaced by one: `records export /dev/stdout` leaves the device alone."""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            sharing.export_records(one.yard(), pipe)
            assert os.read(end, 100).startswith(b'{"stackyard_records":1')
        finally:
            os.close(end)
        assert pipe.is_fifo()

    def test_nowhere_to_write(self, one: Machine, tmp_path: Path) -> None:
        """The file that was named is told, and not the one that would have become it."""
        with pytest.raises(FileProblem, match="cannot be written") as caught:
            sharing.export_records(one.yard(), tmp_path / "nowhere" / "records.jsonl")
        assert str(caught.value).startswith(str(tmp_path / "nowhere" / "records.jsonl"))

    def test_no_file(self, one: Machine, tmp_path: Path) -> None:
        """A sentence with its name."""
        with pytest.raises(FileProblem, match="cannot be read"):
            sharing.import_records(one.yard(), tmp_path / "nothing")


class TestChannels:
    def promote(self, machine: Machine, source: str) -> None:
        yard = machine.yard()
        promotion.move(yard, promotion.plan_promotion(yard, promotion.AskedPromotion(source, "stable")))

    def test_a_fresh_clone_promotes_and_rolls_back(self, one: Machine) -> None:
        """What one machine built, another promotes; what that promoted, the first takes back."""
        one.build()
        before = one.registry.resolve(LEAF, Tag("main"))
        self.promote(one, "main")
        one.write("images/leaf/note", "second")
        commit(one.root)
        one.build()
        two = another(one)
        one.clock.advance(60)
        self.promote(two, "main")
        assert one.registry.resolve(LEAF, Tag("stable")) == one.registry.resolve(LEAF, Tag("main")) != before

        sharing.sync(one.yard())
        yard = one.yard()
        one.clock.advance(60)
        promotion.move(yard, promotion.plan_rollback(yard, "stable"))

        assert one.registry.resolve(LEAF, Tag("stable")) == before
        sharing.sync(two.yard())
        sets = two.yard().records.move_sets("stable", "done")
        assert [moves.kind for moves in sets] == ["rollback", "promote", "promote"]

    def test_a_plan_knows_where_tags_are(self, one: Machine) -> None:
        """After a sync nothing is left to do in a clone that did nothing."""
        one.build()
        two = another(one)
        sharing.sync(two.yard())

        assert {step.action for step in two.plan().steps} == {"reuse"}

    def test_a_promotion_that_cannot_be_told_is_told_later(self, one: Machine) -> None:
        """It is done all the same, with a sentence; the next run tells others."""
        one.build()
        error = RegistryRefused("registry registry.example refused", address="registry.example", status=403)
        one.registry.fail_on(lambda request: request.tag.startswith(MOVES_TAG), error)
        said: list[str] = []
        yard = one.yard()
        promotion.move(
            yard, promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable")), tell=said.append
        )
        assert len(said) == 1
        assert one.registry.resolve(LEAF, Tag("stable")) == one.registry.resolve(LEAF, Tag("main"))

        one.registry.heal()
        sharing.sync(one.yard())
        two = another(one)
        sharing.sync(two.yard())
        assert [moves.kind for moves in two.yard().records.move_sets("stable", "done")] == ["promote"]


# Gates.


GUARDED = "channels: {stable: {reports: {gpu: leaf}, approvals: [teaching]}}\n"


def test_what_one_machine_brings_to_a_gate_another_knows(one: Machine, tmp_path: Path) -> None:
    """A report of a fresh clone travels beside the images; who refused a promotion before asks again, and moves."""
    one.write("images/spec.yml", SPEC + GUARDED)
    commit(one.root)
    one.build()
    two = another(one)
    junit = tmp_path / "results.xml"
    junit.write_text("<testsuite><testcase name='a'/></testsuite>")
    assert [
        state.gate for state in promotion.plan_promotion(one.yard(), promotion.AskedPromotion("main", "stable")).missing
    ] == [
        "gpu",
        "teaching",
    ]

    noted = gates.report(two.yard(), "gpu", "main", junit, "https://ci.example/1")
    assert [(image.target, image.digest) for image in noted.images] == [("leaf", one.registry.tags(LEAF)[Tag("main")])]
    assert noted.problems == ()
    assert len(gates.approve(two.yard(), "teaching", "main", "Ada", "labs run").images) == 2

    moves = promotion.plan_promotion(one.yard(), promotion.AskedPromotion("main", "stable"))
    assert moves.missing == ()
    assert promotion.move(one.yard(), moves).state == "done"
    assert sharing.sync(one.yard()).problems == ()
    assert sharing.sync(two.yard()).learned > 0
    assert two.yard().records.move_sets("stable")[0].gates == moves.gates


def test_a_gate_is_about_what_the_tag_is_now(one: Machine) -> None:
    """A clone that is behind learns what was built elsewhere before it notes anything."""
    one.write("images/spec.yml", SPEC + GUARDED)
    commit(one.root)
    one.build()
    two = another(one)
    gates.approve(two.yard(), "teaching", "main", "Ada", "labs run")
    one.write("images/leaf/note", "other")
    commit(one.root)
    one.build()

    (image,) = gates.approve(two.yard(), "teaching", "main", "Ada", "labs run again", ["leaf"]).images
    assert image.digest == one.registry.tags(LEAF)[Tag("main")]


def test_the_newest_good_run_of_another_machine(one: Machine) -> None:
    """A clone that is behind asks for what is new, and for nothing that it knows; older records only where it must."""
    for text in "abc":
        one.write("images/leaf/note", text)
        commit(one.root)
        one.build()
    two = another(one)
    sharing.sync(two.yard())
    one.write("images/leaf/note", "d")
    commit(one.root)
    one.build()
    shutil.copytree(one.root / ".git", two.root / ".git", dirs_exist_ok=True)
    one.registry.requests.clear()

    moves = promotion.plan_promotion(two.yard(), promotion.AskedPromotion("@good", "stable"))

    assert [move.now for move in moves.moves] == [one.registry.tags(each)[Tag("main")] for each in (BASE, LEAF)]
    asked = [str(request.tag) for request in one.registry.requests if request.verb == "manifest"]
    assert len([tag for tag in asked if tag.startswith(MOVES_TAG)]) == 1
    assert len([tag for tag in asked if tag.startswith(POINTER_TAG)]) == 2
    assert not [tag for tag in asked if tag.startswith(RECORD_TAG)]

    one.write("images/leaf/note", "e")
    commit(one.root)
    one.build()
    (pointer,) = (tag for tag in one.registry.tags(LEAF) if tag.startswith(POINTER_TAG))
    one.registry.untag(LEAF, pointer)
    newest = promotion.plan_promotion(two.yard(), promotion.AskedPromotion("@good", "stable")).moves
    assert [move.now for move in newest] == [one.registry.tags(each)[Tag("main")] for each in (BASE, LEAF)]
    assert newest != moves.moves
