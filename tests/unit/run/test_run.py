# SPDX-License-Identifier: MIT
"""Whole runs over fakes: what is built, tested, published, recorded and moved, and what is not."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.engine import BuildRequest, RunResult
from stackyard.errors import (
    ConfigError,
    EngineUnavailable,
    GatesClosed,
    NoRoom,
    NothingToDo,
    RegistryRefused,
    TagConflict,
    ToolMissing,
    WorldError,
)
from stackyard.model.building import CacheKinds
from stackyard.model.names import Tag, TargetName
from stackyard.model.outcome import Outcome, RunSummary
from stackyard.model.progress import JobEnded, JobStarted, JobStep, Progress, TargetEnded
from stackyard.model.record import Tagged
from stackyard.model.reference import Platform, Reference, Repository
from stackyard.run.events import Limits
from stackyard.testing import FakeEngine, FixedClock, MemoryRegistry
from stackyard.verbs import Options, Yard, promotion
from tests.repositories import commit, init

SPEC = """
root: base
registry: registry.example/lab
images:
  base: {info_cmds: [VERSION]}
  left: {depend_on: base, info_cmds: [VERSION]}
  right: {depend_on: base}
tag: {prefix: "2026.3"}
all_info_cmds:
  VERSION: {description: Version, command: version --all}
"""
CHILD = "ARG BASE_TAG=latest\nFROM registry.example/lab/base:${BASE_TAG}\nCOPY note /\n"


class Bench:
    """A stack in a git repository, an engine and a registry in memory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.registry = MemoryRegistry()
        self.engine = FakeEngine(registry=self.registry)
        self.engine.add("debian:12")
        self.engine.answers["version"] = lambda *_: "1.0\n"
        self.clock = FixedClock()
        self.stamp: str | None = None
        self.overwrite = ""
        self.write("images/spec.yml", SPEC)
        self.write("images/base/Dockerfile", "FROM debian:12\nCOPY note /\n")
        self.write("images/base/note", "base")
        for name in ("left", "right"):
            self.write(f"images/{name}/Dockerfile", CHILD)
            self.write(f"images/{name}/note", name)
        init(self.root)
        self.commit()

    def write(self, path: str, text: str) -> None:
        """Write one file of the stack."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self) -> str:
        """Commit everything; the start of its id, as tags have it."""
        self.head = commit(self.root)[:7]
        return self.head

    def yard(self) -> Yard:
        """The stack as it is now."""
        return verbs.load(
            self.root,
            Options(platform=Platform("linux/amd64"), stamp=self.stamp, overwrite=self.overwrite),
            self.clock,
            make_engine=lambda _: self.engine,
            make_registry=lambda _: self.registry,
        )

    def build(self, *images: str, publish: bool = False, **options: object) -> RunSummary:
        """Prepare and run, a minute later than before."""
        self.clock.advance(60)
        yard = self.yard()
        return verbs.run(yard, verbs.prepare(yard, images, publish, **options))  # type: ignore[arg-type]

    def statuses(self, summary: RunSummary) -> dict[str, str]:
        """Target -> status."""
        return {str(outcome.target): outcome.status for outcome in summary.outcomes}

    def at(self, image: str, tag: str) -> str | None:
        """Digest of a tag in the registry."""
        return self.registry.resolve(Repository(f"registry.example/lab/{image}"), Tag(tag))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A committed stack of three images, nothing built."""
    return Bench(tmp_path)


def outcome(summary: RunSummary, name: str) -> Outcome:
    """The outcome of one target."""
    return next(o for o in summary.outcomes if o.target == name)


def test_a_first_run_builds_everything_and_a_second_nothing(bench: Bench) -> None:
    """All three images are built, tested and tagged; then there is nothing to do, and no engine builds."""
    first = bench.build()
    builds = len([call for call in bench.engine.calls if call[0] == "build"])
    second = bench.build()

    assert bench.statuses(first) == {"base": "built", "left": "built", "right": "built"}
    assert first.is_good
    assert bench.statuses(second) == {"base": "reused", "left": "reused", "right": "reused"}
    assert builds == 3
    assert len([call for call in bench.engine.calls if call[0] == "build"]) == 3


class Unequipped(FakeEngine):
    """An engine that answers, and has no builder of the name that was asked for, until it gets one."""

    has_builder = False

    def caches(self) -> CacheKinds:
        if self.has_builder:
            return super().caches()
        raise ToolMissing("there is no buildx builder called 'nobody'", program="docker-buildx")


def test_where_nothing_can_be_built_nothing_is_begun(bench: Bench) -> None:
    """One error in place of one for each image, and no run; who only names what is there needs no builder."""
    bench.engine = engine = Unequipped(registry=bench.registry)
    engine.add("debian:12")
    engine.answers["version"] = lambda *_: "1.0\n"
    with pytest.raises(ToolMissing, match="nobody"):
        bench.build()
    assert not (bench.root / ".stackyard" / "runs").exists()
    assert "build" not in [verb for verb, _ in engine.calls]

    engine.has_builder = True
    bench.build()
    engine.has_builder = False
    assert set(bench.statuses(bench.build()).values()) == {"reused"}


def test_a_leaf_that_changed_is_the_only_one_built(bench: Bench) -> None:
    """The others only get the new commit's name."""
    bench.build()
    bench.write("images/left/note", "other")
    commit = bench.commit()

    assert bench.statuses(bench.build()) == {"base": "tagged", "left": "built", "right": "tagged"}
    assert f"registry.example/lab/right:2026.3-{commit}" in bench.engine.names()


def test_children_follow_a_parent_whose_content_changed(bench: Bench) -> None:
    """An edit of the base rebuilds what builds on it, on exactly the new base."""
    bench.build()
    bench.write("images/base/note", "other")
    bench.commit()

    assert bench.statuses(bench.build()) == {"base": "built", "left": "built", "right": "built"}


def test_an_equal_parent_stops_the_wave(bench: Bench) -> None:
    """A rebuilt base with the same content keeps its known image, and its children are left alone."""
    bench.engine.steady.add("registry.example/lab/base")
    first = bench.build()
    bench.write("images/base/note", "a comment, so to speak")
    bench.commit()
    second = bench.build()

    assert bench.statuses(second) == {"base": "built", "left": "reused", "right": "reused"}
    assert outcome(second, "base").same_as_before
    before, after = outcome(first, "base").published, outcome(second, "base").published
    assert before
    assert after
    assert before.reference == after.reference
    assert bench.statuses(bench.build())["base"] == "reused"


def test_a_decision_that_waited_asks_for_no_image_of_the_past(bench: Bench) -> None:
    """Of all that was ever built of a child, only what was made from what its parent is now can be gone on from."""
    images = set()
    for note in ("one", "two", "three"):
        bench.write("images/base/note", note)
        bench.commit()
        bench.build()
        images |= {record.built.image.id for record in bench.yard().records.known().records["left"] if record.built}
    assert len(images) == 3
    now = bench.engine.names()["registry.example/lab/left:2026.3-main"]
    bench.engine.calls.clear()

    assert bench.statuses(bench.build(rebuild=["base"])) == {"base": "built", "left": "reused", "right": "reused"}
    asked = {subject for verb, subject in bench.engine.calls if verb == "inspect"}
    assert asked & images == {now}


def test_an_engine_that_is_gone_when_a_decision_is_due(bench: Bench) -> None:
    """What waited for its parent has failed, in the engine's words, and the run comes to its end and its summary."""
    bench.build()

    def die(progress: Progress) -> None:
        if isinstance(progress, JobEnded) and progress.job == "build":
            bench.engine.is_down = True

    yard = bench.yard()
    summary = verbs.run(yard, verbs.prepare(yard, rebuild=["base"]), watch=die)

    assert bench.statuses(summary) == dict.fromkeys(("base", "left", "right"), "failed")
    assert outcome(summary, "left").failure == "no engine answers at fake://engine"
    assert outcome(summary, "left").details == ("hint: it was told not to",)
    assert bench.yard().records.runs(1)[0].number == summary.number


def test_a_revert_brings_the_old_image_back(bench: Bench) -> None:
    """No rebuild, only tags."""
    bench.build()
    bench.write("images/base/note", "other")
    bench.commit()
    bench.build()
    bench.write("images/base/note", "base")
    bench.commit()

    assert bench.statuses(bench.build()) == {"base": "tagged", "left": "tagged", "right": "tagged"}


def test_a_failed_build_skips_what_builds_on_it(bench: Bench) -> None:
    """The failure is one outcome, its descendants are skipped because of it, and the run is not good."""
    bench.engine.failing["registry.example/lab/base"] = "RUN false: exit code 1"
    summary = bench.build()

    assert bench.statuses(summary) == {"base": "failed", "left": "skipped", "right": "skipped"}
    assert outcome(summary, "left").because == "base"
    assert "RUN false" in (outcome(summary, "base").failure or "")
    assert not summary.is_good


def test_a_failing_inventory_command_fails_its_target(bench: Bench) -> None:
    """No lying green: the command is named, nothing is tagged, and the next run takes the inventory again."""
    del bench.engine.answers["version"]
    summary = bench.build(publish=True)

    assert bench.statuses(summary) == {"base": "failed", "left": "skipped", "right": "skipped"}
    assert "VERSION" in outcome(summary, "base").details[0]
    assert bench.at("base", "2026.3-main") is None
    bench.engine.answers["version"] = lambda *_: "1.0\n"
    again = bench.build(publish=True)
    assert bench.statuses(again)["base"] == "tested"
    assert again.is_good


def test_a_command_that_wants_a_shell_is_told_so(bench: Bench) -> None:
    """Where it failed: its words were handed to the first of them."""
    bench.write("images/spec.yml", SPEC.replace("version --all", "version | sort"))
    bench.engine.answers["version"] = lambda *_: RunResult(2, "no option |\n", 0.0)
    details = outcome(bench.build(), "base").details

    assert details[0].endswith("no option |; no shell runs this, so '|' is a word: bash -c '...' has one")


def test_an_optional_inventory_command_may_fail(bench: Bench) -> None:
    """It is recorded with its exit code and counts as skipped; all commands of an image share a container."""
    gpu = "  GPU: {command: [nvidia-smi, --list-gpus], optional: true}\n"
    bench.write(
        "images/spec.yml", SPEC.replace("base: {info_cmds: [VERSION]}", "base: {info_cmds: [VERSION, GPU]}") + gpu
    )
    base = outcome(bench.build(), "base")

    assert (base.status, base.tests[0].passed, base.tests[0].total, base.tests[0].skipped) == ("built", True, 2, 1)
    assert [(each.command, each.exit_code, each.is_optional) for each in base.inventory] == [
        ("VERSION", 0, False),
        ("GPU", 127, True),
    ]
    assert ("exec", "nvidia-smi --list-gpus") in bench.engine.calls
    assert [verb for verb, _ in bench.engine.calls].count("inside") == 2  # `left` has commands, too


def test_what_is_published_is_what_was_tested(bench: Bench) -> None:
    """Each image is in the registry under its content tag, its commit and its branch, read back by digest."""
    commit = bench.head
    summary = bench.build(publish=True)

    for name in ("base", "left", "right"):
        published = outcome(summary, name).published
        assert published
        assert published.reference.digest
        assert bench.at(name, f"2026.3-{commit}") == published.reference.digest
        assert bench.at(name, "2026.3-main") == published.reference.digest
        assert str(published.reference.tag).startswith("sy-")


def test_a_second_publishing_run_asks_once_per_target(bench: Bench) -> None:
    """Nothing to do, and one request per target to know it: the look at what others left half moved is one of them."""
    bench.build(publish=True)
    bench.registry.requests.clear()

    assert set(bench.statuses(bench.build(publish=True)).values()) == {"reused"}
    assert len(bench.registry.requests) == 3


def test_a_refused_push_fails_in_the_registrys_words(bench: Bench) -> None:
    """The target fails, its descendants are not published, and no branch tag moves."""
    bench.engine.refusing["registry.example/lab/base"] = "denied: no right to push"
    summary = bench.build(publish=True)

    assert bench.statuses(summary) == {"base": "failed", "left": "skipped", "right": "skipped"}
    assert "denied: no right to push" in (outcome(summary, "base").failure or "")
    assert outcome(summary, "base").logs[-1].endswith("base.push.log")
    assert bench.at("left", "2026.3-main") is None


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "log in first: docker login registry.example"), (404, "create the repository lab/base"), (None, "`docker")],
)
def test_what_to_do_about_a_refused_push(bench: Bench, status: int | None, hint: str) -> None:
    """The registry itself is asked, since engines tell no status; where it refuses us nothing, all three are named."""
    bench.engine.refusing["registry.example/lab/base"] = "denied"
    if status:
        bench.registry.fail_on(
            lambda request: request.verb == "mount", RegistryRefused("refused", hint=hint, address="", status=status)
        )
    failed = outcome(bench.build(publish=True), "base")

    assert str(failed.failure).endswith("denied")
    assert failed.details[0].startswith(f"hint: {hint}")


def test_what_is_there_already_is_not_pushed(bench: Bench) -> None:
    """Whoever brought it: one look at the content tag, and no push."""
    bench.build(publish=True)
    for file in (bench.root / ".stackyard").glob("records*"):
        file.unlink()
    bench.write("images/spec.yml", "records: local\n" + SPEC)
    bench.commit()
    bench.engine.calls.clear()
    bench.build(publish=True)

    assert [call for call in bench.engine.calls if call[0] == "push"] == []
    pushed = (
        bench.yard().records.known().records[TargetName("right")][0].pushed(Repository("registry.example/lab/right"))
    )
    assert pushed is not None


def test_after_a_refused_push_only_the_push_is_done_again(bench: Bench) -> None:
    """What was built is known, and tested if it came to that; the next run pushes."""
    bench.engine.refusing["registry.example/lab/base"] = "denied"
    bench.build(publish=True)
    bench.engine.refusing.clear()

    again = bench.statuses(bench.build(publish=True))
    assert again["base"] == "pushed"
    assert again["left"] in ("tested", "pushed")
    assert again["right"] == "pushed"


def test_branch_tags_move_all_or_none(bench: Bench) -> None:
    """When one image of the connected set fails, no branch tag moves; fixed tags of good ones are put."""
    bench.build(publish=True)
    before = {name: bench.at(name, "2026.3-main") for name in ("base", "left", "right")}
    bench.write("images/left/note", "other")
    bench.write("images/right/note", "other")
    commit = bench.commit()
    bench.engine.failing["registry.example/lab/left"] = "no"
    summary = bench.build(publish=True)

    assert {name: bench.at(name, "2026.3-main") for name in ("base", "left", "right")} == before
    assert "not moved, because of left: 2026.3-main of base, right" in summary.remarks
    assert bench.at("right", f"2026.3-{commit}") not in (None, before["right"])


def test_a_fixed_tag_never_moves(bench: Bench) -> None:
    """A new build of the same commit takes the next number, and is not asked to tag again."""
    commit = bench.head
    bench.build(publish=True)
    first = bench.at("right", f"2026.3-{commit}")
    bench.engine.shifting.add("registry.example/lab/right")
    second = bench.build("right", publish=True, rebuild=("right",))
    assert first is not None
    bench.build("right", publish=True, rebuild=("right",))

    assert bench.at("right", f"2026.3-{commit}") == first
    tags = [bench.at("right", f"2026.3-{commit}{end}") for end in ("", ".2", ".3")]
    assert None not in tags
    assert len(set(tags)) == 3
    assert second.remarks == (
        f"right is tagged 2026.3-{commit}.2: 2026.3-{commit} is {first[:19]}, another build, and stays where it is",
    )
    assert set(bench.statuses(bench.build(publish=True)).values()) == {"reused"}


def test_a_fixed_tag_is_overwritten_for_a_reason(bench: Bench) -> None:
    """It moves to the new build, which is told, and recorded with what it was; nothing else is then left to do."""
    commit = bench.head
    bench.build(publish=True)
    first = bench.at("right", f"2026.3-{commit}")
    bench.engine.shifting.add("registry.example/lab/right")
    bench.build("right", publish=True, rebuild=("right",))
    bench.overwrite = "the first has a bad mirror in it"
    summary = bench.build("right", publish=True)

    assert bench.statuses(summary)["right"] == "tagged"
    assert bench.at("right", f"2026.3-{commit}") == bench.at("right", f"2026.3-{commit}.2") != first
    assert summary.remarks == (
        f"right: 2026.3-{commit} was {str(first)[:19]}, and is overwritten: the first has a bad mirror in it",
    )
    record = bench.yard().records.known().records[TargetName("right")][0]
    fact = [fact for fact in record.facts if isinstance(fact, Tagged)][-1]
    assert (fact.was, fact.reason) == (first, "the first has a bad mirror in it")
    assert set(bench.statuses(bench.build(publish=True)).values()) == {"reused"}


def test_every_image_gets_the_tag_of_a_commit_that_changed_none(bench: Bench) -> None:
    """The monolithic view: one tag for the whole stack. A manifest gets one more name, no blob goes."""
    first = bench.head
    bench.build(publish=True)
    bench.write("README.md", "hello")
    commit = bench.commit()
    bench.registry.requests.clear()
    summary = bench.build(publish=True)

    asked = [
        request.verb
        for request in bench.registry.requests
        if str(request.repository).endswith("/left") and request.verb != "upload" and "sy-" not in str(request.tag)
    ]  # of its record, which is brought meanwhile, not
    assert asked == ["resolve", "resolve", "manifest", "put", "resolve"]  # the image, the tag; at last the branch's tag
    assert set(bench.statuses(summary).values()) == {"tagged"}
    for name in ("base", "left", "right"):
        assert bench.at(name, f"2026.3-{commit}") == bench.at(name, f"2026.3-{first}")
        assert f"built at {first}, also tagged for {commit}" in [str(r) for r in outcome(summary, name).reasons]
    assert set(bench.statuses(bench.build(publish=True)).values()) == {"reused"}


def test_a_typed_stamp_that_another_build_has_is_refused(bench: Bench) -> None:
    """Who types a fixed tag means that one and no other: both digests are told, and the tag stays."""
    bench.write("images/spec.yml", SPEC.replace('tag: {prefix: "2026.3"}', "tag: {fixed: 'v-{stamp}', moving: []}"))
    bench.commit()
    bench.stamp = "2026-11-21"
    bench.build(publish=True)
    first = bench.at("right", "v-2026-11-21")
    bench.write("images/right/note", "other")
    bench.commit()
    failed = outcome(bench.build(publish=True), "right")

    assert bench.at("right", "v-2026-11-21") == first
    assert str(failed.failure).startswith(
        f"registry.example/lab/right:v-2026-11-21 is a fixed tag at {first}, and does"
    )
    assert "sha256:" in str(failed.failure).partition("does not move to ")[2]


def test_a_dirty_tree_gets_no_fixed_tag(bench: Bench) -> None:
    """Files that differ from the commit are built, and only moving tags name the result."""
    commit = bench.head
    bench.write("images/left/note", "not committed")
    bench.build()

    assert f"registry.example/lab/left:2026.3-{commit}" not in bench.engine.names()
    assert "registry.example/lab/left:2026.3-main" in bench.engine.names()


def test_an_image_that_is_gone_everywhere_is_built_again(bench: Bench) -> None:
    """The record alone is no image."""
    bench.build()
    for reference in [name for name in bench.engine.names() if "/right:" in name]:
        bench.engine.untag(Reference.parse(reference))

    assert bench.statuses(bench.build())["right"] == "built"


def test_a_parent_that_is_only_in_the_registry_is_fetched(bench: Bench) -> None:
    """A fresh engine gets the published parent by digest, and the child is built on it."""
    bench.build(publish=True)
    old = bench.engine
    bench.engine = FakeEngine(registry=bench.registry, shelf=old._shelf)
    bench.engine.add("debian:12")
    bench.engine.answers.update(old.answers)
    bench.write("images/left/note", "other")
    bench.commit()
    summary = bench.build("left", publish=True)

    assert bench.statuses(summary) == {"base": "fetched", "left": "built", "right": "skipped"}
    assert ("build", "base") not in bench.engine.calls


def test_only_named_images_and_their_parents_are_built(bench: Bench) -> None:
    """The others are skipped, and say so."""
    summary = bench.build("left")

    assert bench.statuses(summary) == {"base": "built", "left": "built", "right": "skipped"}
    assert [str(reason) for reason in outcome(summary, "right").reasons] == ["not selected"]


def test_publishing_without_a_registry_is_refused(bench: Bench) -> None:
    """One sentence, and the line to add."""
    bench.write("images/spec.yml", SPEC.replace("registry: registry.example/lab\n", ""))
    for name in ("left", "right"):
        bench.write(f"images/{name}/Dockerfile", CHILD.replace("registry.example/lab/", ""))

    with pytest.raises(ConfigError, match="no registry to push to") as caught:
        bench.build(publish=True)
    assert "registry:" in (caught.value.hint or "")


def test_an_engine_that_shows_another_image_fails_the_target(bench: Bench) -> None:
    """If the registry has something else under the content tag than was pushed, nothing is believed."""
    other = bench.registry.add_image("registry.example/lab/base", "other")
    plain_push = bench.engine.push

    def lying_push(reference: Reference, log: Path) -> None:
        plain_push(reference, log)
        found = bench.registry.manifest(reference.repository, Tag("other"))
        assert found is not None
        bench.registry.add(str(reference.repository), str(reference.tag), found)

    bench.engine.push = lying_push  # type: ignore[method-assign]
    summary = bench.build("base", publish=True)

    assert other
    assert bench.statuses(summary)["base"] == "failed"
    assert "pushed" in (outcome(summary, "base").failure or "")


def test_an_interrupted_run_keeps_what_was_finished(bench: Bench) -> None:
    """What was built before the interruption is known to the next run."""

    def interrupt(progress: Progress) -> None:
        if isinstance(progress, JobStarted) and progress.target == "left":
            raise KeyboardInterrupt

    yard = bench.yard()
    summary = verbs.run(yard, verbs.prepare(yard), watch=interrupt)
    again = bench.statuses(bench.build())

    assert summary.is_interrupted
    assert again["base"] != "built"
    assert again["left"] == "built"


def test_children_of_an_image_that_is_left_alone_build_on_its_last_build(bench: Bench) -> None:
    """`skip:` in the spec: the parent is not touched, its files notwithstanding, and its child is built on it."""
    bench.build()
    bench.write("images/spec.yml", SPEC.replace("base: {", "base: {skip: no licence, "))
    bench.write("images/base/note", "other")
    bench.write("images/left/note", "other")
    bench.commit()
    summary = bench.build()

    assert bench.statuses(summary) == {"base": "skipped", "left": "built", "right": "tagged"}
    assert [str(reason) for reason in outcome(summary, "base").reasons] == ["left alone: no licence"]


def test_children_of_an_image_that_was_never_built_are_left_out(bench: Bench) -> None:
    """With `skip:` and no build to stand on, the plan says so for each child."""
    bench.write("images/spec.yml", SPEC.replace("base: {", "base: {skip: true, "))
    bench.commit()
    summary = bench.build()

    assert set(bench.statuses(summary).values()) == {"skipped"}
    assert "never built" in str(outcome(summary, "left").reasons[0])


def test_a_group_names_its_members(bench: Bench) -> None:
    """`groups:` of the spec are usable wherever an image is."""
    bench.write("images/spec.yml", SPEC + "groups: {sides: [left, right]}\n")
    bench.commit()

    assert bench.statuses(bench.build("sides")) == {"base": "built", "left": "built", "right": "built"}


def test_the_registry_is_asked_for_what_a_plan_can_go_on_from(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question an image, however long its past; of the one whose repository has the journal, its tags tell."""
    asked: list[str] = []
    resolve = bench.registry.resolve
    for text in ("one", "two", "left"):
        bench.write("images/left/note", text)
        bench.commit()
        bench.build(publish=True)
    monkeypatch.setattr(bench.registry, "resolve", lambda *named: (asked.append(str(named)), resolve(*named))[1])
    bench.build(publish=True)

    assert sorted(each.partition("lab/")[2].partition("'")[0] for each in asked) == ["left", "right"]


def test_a_build_context_outside_the_images_folder_is_looked_at_for_changes(bench: Bench) -> None:
    """Of the root, what the Dockerfile copies: an edit there gives no fixed tag, one beside it does."""
    bench.write(
        "images/spec.yml", SPEC.replace("right: {", "right: {context: ., dockerfile: images/right/Dockerfile, ")
    )
    bench.write("images/right/Dockerfile", CHILD.replace("note", "src/note"))
    bench.write("src/note", "right")
    bench.commit()
    bench.write("README", "a draft")
    assert not bench.yard().stack.revision.is_dirty
    bench.write("src/note", "edited")
    assert bench.yard().stack.revision.is_dirty


@pytest.mark.processes
def test_an_interruption_ends_tests_that_run(bench: Bench) -> None:
    """Nobody waits an hour for a test that hangs."""
    bench.write("images/base/test/test_base.py", "import time\ndef test_hangs():\n    time.sleep(600)\n")
    bench.commit()

    def interrupt(progress: Progress) -> None:
        if isinstance(progress, JobEnded) and (progress.target, progress.job) == ("left", "build"):
            raise KeyboardInterrupt

    yard = bench.yard()
    begun = time.monotonic()
    summary = verbs.run(yard, verbs.prepare(yard), watch=interrupt)

    assert summary.is_interrupted
    assert time.monotonic() - begun < 60


def test_an_image_of_files_that_changed_while_it_was_built_is_not_kept(bench: Bench) -> None:
    """Nobody knows which bytes the engine got: no record, no name, no commit's tag, and the next run builds it."""

    def edit(progress: Progress) -> None:
        if isinstance(progress, JobStarted) and (progress.target, progress.job) == ("left", "build"):
            bench.write("images/left/note", "edited")

    yard = bench.yard()
    summary = verbs.run(yard, verbs.prepare(yard, publish=True), watch=edit)
    bench.write("images/left/note", "left")

    assert bench.statuses(summary) == {"base": "built", "left": "failed", "right": "built"}
    assert "note changed" in (outcome(summary, "left").failure or "")
    assert not [name for name in bench.engine.names() if "/left:" in name]
    assert bench.statuses(bench.build(publish=True))["left"] == "built"


# Promotion and rollback.


def promote(bench: Bench, source: str, channel: str = "stable") -> None:
    """Plan a promotion and carry it out."""
    bench.clock.advance(60)
    yard = bench.yard()
    promotion.move(yard, promotion.plan_promotion(yard, promotion.AskedPromotion(source, channel)))


def rollback(bench: Bench, channel: str = "stable") -> None:
    """Plan a rollback and carry it out."""
    bench.clock.advance(60)
    yard = bench.yard()
    promotion.move(yard, promotion.plan_rollback(yard, channel))


def stable(bench: Bench, channel: str = "stable") -> dict[str, str | None]:
    """Where the channel's tags are."""
    return {name: bench.at(name, channel) for name in ("base", "left", "right")}


@pytest.fixture
def two_builds(bench: Bench) -> tuple[Bench, str, str]:
    """Two published commits."""
    first = bench.head
    bench.build(publish=True)
    bench.write("images/base/note", "other")
    second = bench.commit()
    bench.build(publish=True)
    return bench, first, second


def test_promote_then_roll_back(two_builds: tuple[Bench, str, str]) -> None:
    """A channel moves to one commit, to another, and back; nothing is pulled or built for it."""
    bench, first, second = two_builds
    promote(bench, f"2026.3-{first}")
    at_first = stable(bench)
    bench.engine.calls.clear()
    promote(bench, second)
    at_second = stable(bench)
    rollback(bench)

    assert None not in at_first.values()
    assert not set(at_first.values()) & set(at_second.values())
    assert stable(bench) == at_first
    assert bench.engine.calls == []


def interrupted(bench: Bench, source: str) -> None:
    """A promotion to stable that was killed before its first tag moved."""
    bench.clock.advance(60)
    yard = bench.yard()
    yard.records.intend(promotion.plan_promotion(yard, promotion.AskedPromotion(source, "stable")))


def test_a_killed_promotion_is_not_finished_over_someone_elses(two_builds: tuple[Bench, str, str]) -> None:
    """A channel that was moved since stays where it is; the next command says so, and the one after it works."""
    bench, first, second = two_builds
    promote(bench, first)
    bench.write("images/left/note", "theirs")
    third = bench.commit()
    bench.build(publish=True)
    interrupted(bench, second)
    theirs = bench.registry.manifest(Repository("registry.example/lab/left"), Tag(f"2026.3-{third}"))
    assert theirs is not None
    bench.registry.put(Repository("registry.example/lab/left"), Tag("stable"), theirs)
    before = stable(bench)

    with pytest.raises(WorldError, match=r"was interrupted, and its tags cannot be finished: not moving .*lab/left"):
        bench.build(publish=True)
    assert stable(bench) == before
    assert bench.build(publish=True).is_good
    assert stable(bench) == before


def test_a_template_is_a_channel_of_its_own_value(two_builds: tuple[Bench, str, str]) -> None:
    """`{prefix}-stable` is resolved per target."""
    bench, _, _ = two_builds
    promote(bench, "2026.3-main", "{prefix}-stable")

    assert stable(bench, "2026.3-stable") == stable(bench, "2026.3-main")


def test_plans_are_promoted_together_by_a_template(bench: Bench) -> None:
    """Source and channel are resolved per version: one promotion moves the stable tags of both plans."""
    spec = SPEC.replace('tag: {prefix: "2026.3"}', 'plans: {OLD: {tag_prefix: "2021.2"}, NEW: {tag_prefix: "2021.3"}}')
    bench.write("images/spec.yml", spec)
    bench.commit()
    bench.build(publish=True)
    promote(bench, "{prefix}-main", "{stable}")

    for prefix in ("2021.2", "2021.3"):
        assert None not in stable(bench, f"{prefix}-stable").values()
        assert stable(bench, f"{prefix}-stable") == stable(bench, f"{prefix}-main")


def test_a_commit_that_left_an_image_alone_can_be_promoted(bench: Bench) -> None:
    """An image that an older commit built is part of the newer commit's set."""
    bench.build(publish=True)
    bench.write("images/left/note", "other")
    commit = bench.commit()
    bench.build(publish=True)
    promote(bench, commit)

    assert stable(bench) == stable(bench, f"2026.3-{commit}")


def test_an_unknown_source_is_refused(two_builds: tuple[Bench, str, str]) -> None:
    """Nothing to promote is an error."""
    with pytest.raises(NothingToDo, match="nothing to promote"):
        promote(two_builds[0], "2026.9-main")


def test_a_source_that_someone_moved_is_refused(two_builds: tuple[Bench, str, str]) -> None:
    """A registry tag that differs from the record: both digests, and nothing moves."""
    bench, _, _ = two_builds
    bench.registry.add_image("registry.example/lab/left", "2026.3-main", "someone else's")

    with pytest.raises(TagConflict) as caught:
        promote(bench, "2026.3-main")
    assert str(bench.at("left", "2026.3-main")) in str(caught.value)
    assert stable(bench) == {"base": None, "left": None, "right": None}


def test_a_channel_that_someone_moved_is_refused(two_builds: tuple[Bench, str, str]) -> None:
    """We do not move what is not where we put it, forward or back."""
    bench, first, second = two_builds
    promote(bench, first)
    bench.registry.add_image("registry.example/lab/left", "stable", "someone else's")

    with pytest.raises(TagConflict):
        promote(bench, second)
    with pytest.raises((TagConflict, NothingToDo)):
        rollback(bench)


def test_a_promotion_asks_little(two_builds: tuple[Bench, str, str]) -> None:
    """For each tag a look at the channel, a reading of the source, a put, and a look at the end.

    The journal, the release, and the look whether we may write, cost the same however many tags move. What is learned
    before the first of a clone is not counted.
    """
    bench, _, second = two_builds
    promotion.plan_promotion(bench.yard(), promotion.AskedPromotion("2026.3-main", "stable"))
    bench.registry.requests.clear()
    yard = bench.yard()
    promotion.move(
        yard, promotion.plan_promotion(yard, promotion.AskedPromotion("2026.3-main", "stable")), is_fresh=True
    )

    requests = bench.registry.requests
    once = ("upload", "list_tags", "refuse_reader")
    kept = [each for each in requests if each.verb in once or each.tag.startswith("sy-")]
    asked = [(each.repository, each.verb) for each in requests if each not in kept]
    places = {repository for repository, _ in asked}
    assert len(places) == 3
    each_verb = ("resolve", "manifest", "put", "resolve")
    assert sorted(asked) == sorted((place, verb) for place in places for verb in each_verb)
    assert len(kept) == 14
    assert stable(bench) == stable(bench, f"2026.3-{second}")


def test_a_promotion_that_fails_half_way_is_put_back(two_builds: tuple[Bench, str, str]) -> None:
    """The registry refuses one PUT: the tags that were moved are put back, and the error is told."""
    bench, first, second = two_builds
    promote(bench, first)
    before = stable(bench)
    refusal = RegistryRefused("no", status=500)
    seen: list[object] = []

    def third_put(request: object) -> bool:
        if "put" in str(request).lower() and "stable" in str(request):
            seen.append(request)
        return len(seen) == 3 and request is seen[-1]

    bench.registry.fail_on(third_put, refusal)
    with pytest.raises(RegistryRefused):
        promote(bench, second)

    assert stable(bench) == before
    promote(bench, second)
    assert stable(bench) != before


def test_a_killed_promotion_is_finished_by_the_next_command(two_builds: tuple[Bench, str, str]) -> None:
    """A set that was written down and half made is finished forward, and then it is the channel's."""
    bench, first, second = two_builds
    promote(bench, first)
    yard = bench.yard()
    moves = promotion.plan_promotion(yard, promotion.AskedPromotion(second, "stable"))
    yard.records.intend(moves)
    half = moves.moves[0]
    yard.tags("registry").put(half.repository, half.tag, half.now)

    bench.build(publish=True)

    assert stable(bench) == {str(m.target): m.now for m in moves.moves}
    assert promotion.channels(bench.yard())["stable"].source == moves.source


def test_images_whose_inventory_failed_are_not_promoted(bench: Bench) -> None:
    """Only what passed is promoted."""
    bench.build(publish=True)
    bench.engine.answers["version"] = lambda *_: "2.0\n"
    bench.write("images/spec.yml", SPEC.replace("version --all", "missing"))
    bench.commit()
    bench.build("base")

    with pytest.raises(GatesClosed, match="base: inventory: failed, 1 of 1"):
        promote(bench, "2026.3-main")


def test_a_stack_without_registry_is_promoted_in_the_engine(bench: Bench) -> None:
    """Images and tags stay in the engine's own store, and promotion works there."""
    bench.build()
    promote(bench, "2026.3-main")

    names = bench.engine.names()
    assert names["registry.example/lab/base:stable"] == names["registry.example/lab/base:2026.3-main"]


def test_secrets_reach_no_record(bench: Bench) -> None:
    """A build argument that looks like a credential is in no file under the state folder and in no plan."""
    spec = SPEC.replace("right: {depend_on: base}", "right: {depend_on: base, build_args: {API_TOKEN: hunter2}}")
    bench.write("images/spec.yml", spec)
    bench.write("images/right/Dockerfile", CHILD + "ARG API_TOKEN\nRUN echo hello\n")
    bench.commit()
    summary = bench.build()

    assert summary.is_good
    files = [path for path in (bench.root / ".stackyard").rglob("*") if path.is_file()]
    assert files
    assert not any(b"hunter2" in path.read_bytes() for path in files)
    assert "hunter2" not in str(verbs.plan(bench.yard()))


def test_only_builds_on_the_parents_last_build(bench: Bench) -> None:
    """The parent changed and is not selected: the child stands on what was published of it, fetched where it is not."""
    bench.build(publish=True)
    before = bench.at("base", "2026.3-main")
    bench.write("images/base/note", "changed")
    bench.write("images/left/note", "changed")
    bench.commit()
    for name in list(bench.engine.names()):  # another machine's engine, which has the base and nothing else
        if "lab/" in name:
            bench.engine.untag(Reference.parse(name))

    summary = bench.build("left", publish=True, only=True)

    assert bench.statuses(summary) == {"base": "skipped", "left": "built", "right": "skipped"}
    assert summary.is_good
    assert bench.at("base", "2026.3-main") == before
    assert any(call[0] == "pull" and "lab/base" in call[1] for call in bench.engine.calls)


def test_only_on_a_parent_that_was_never_built_ends_before_anything_is_done(bench: Bench) -> None:
    """A run that could not build what was asked for is no success."""
    with pytest.raises(ConfigError, match="left builds on base, which is not selected"):
        bench.build("left", only=True)
    assert not [call for call in bench.engine.calls if call[0] == "build"]


def test_a_whole_build_after_only_leaves_no_child_on_the_old_parent(bench: Bench) -> None:
    """What --only stood on is no longer what is wanted once the parent is built."""
    bench.build()
    bench.write("images/base/note", "changed")
    bench.write("images/left/note", "changed")
    bench.commit()
    bench.build("left", only=True)

    summary = bench.build()

    assert bench.statuses(summary) == {"base": "built", "left": "built", "right": "built"}
    left, base = (bench.engine.inspect(f"registry.example/lab/{name}:2026.3-main") for name in ("left", "base"))
    assert left is not None
    assert base is not None
    assert left.is_built_on(base)


def test_a_build_is_tried_again_only_where_the_spec_says_so(bench: Bench) -> None:
    """Twice for `left`, which then is good and says so; not at all for `right`. Who watches is told."""
    told: list[Progress] = []
    bench.write("images/spec.yml", SPEC.replace("left: {depend_on: base,", "left: {depend_on: base, retries: 2,"))
    bench.commit()
    bench.engine.flaky = {"registry.example/lab/left": 2, "registry.example/lab/right": 1}
    yard = bench.yard()
    summary = verbs.run(yard, verbs.prepare(yard), watch=told.append)
    again = [step for step in told if isinstance(step, JobStep) and step.state == "again"]

    assert [(step.target, step.job) for step in again] == [("left", "build")] * 2
    assert bench.statuses(summary) == {"base": "built", "left": "built", "right": "failed"}
    assert (outcome(summary, "left").retries, outcome(summary, "right").retries) == (2, 0)


def test_a_build_that_fails_each_time_has_failed(bench: Bench) -> None:
    """One retry more than asked for is not made."""
    bench.write("images/spec.yml", SPEC.replace("left: {depend_on: base,", "left: {depend_on: base, retries: 2,"))
    bench.commit()
    bench.engine.flaky = {"registry.example/lab/left": 3}
    summary = bench.build()

    assert outcome(summary, "left").status == "failed"
    assert outcome(summary, "left").retries == 2


def test_a_build_of_which_the_engine_lost_a_result_is_tried_again(bench: Bench) -> None:
    """Without a word of the spec, since nothing of the Dockerfile failed: once, and then without the engine's cache."""
    bench.engine.losing = {"registry.example/lab/left"}
    summary = bench.build()

    assert bench.statuses(summary) == {"base": "built", "left": "built", "right": "built"}
    assert [outcome(summary, name).retries for name in ("base", "left", "right")] == [0, 1, 0]


def test_a_registry_that_was_busy_is_counted(bench: Bench) -> None:
    """The image is published all the same, and its outcome says how often the registry was asked again."""

    def be_busy(_: object) -> None:
        bench.registry.busy = 2

    bench.engine.before_build = be_busy
    summary = bench.build("base", publish=True)

    assert summary.is_good
    assert outcome(summary, "base").retries == 2


def test_a_build_that_hangs_is_ended(bench: Bench) -> None:
    """After the stack's timeout it has failed, with where it was; an image's own timeout wins."""
    spec = SPEC.replace("images:", "timeout: 30m\nimages:").replace("right: {", "right: {timeout: 90s, ")
    bench.write("images/spec.yml", spec)
    bench.commit()
    bench.engine.hanging = {"registry.example/lab/left", "registry.example/lab/right"}
    summary = bench.build()

    assert outcome(summary, "left").failure == "build was ended, its 30 minutes were up: it was at [2/2] RUN hang"
    assert "its 90 seconds were up" in (outcome(summary, "right").failure or "")
    assert bench.statuses(summary) == {"base": "built", "left": "failed", "right": "failed"}


def test_a_timeout_rebuilds_nothing(bench: Bench) -> None:
    """Neither it nor `retries` goes into an image."""
    bench.build()
    bench.write("images/spec.yml", SPEC.replace("images:", "timeout: 30m\nimages:"))

    assert set(bench.statuses(bench.build()).values()) == {"reused"}


@pytest.mark.processes
def test_tests_that_hang_are_ended(bench: Bench, request: pytest.FixtureRequest) -> None:
    """pytest is ended as by Ctrl-C, in the background too, so fixtures clean up; the suite failed, and says why."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell leaves it for what it starts with `&`
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    test = "import time, pathlib, pytest\n@pytest.fixture\ndef it():\n    yield\n    pathlib.Path('cleaned').touch()\n"
    bench.write("images/left/test/test_it.py", f"{test}def test_hangs(it):\n    time.sleep(600)\n")
    for limit, words in (("5s", "5 seconds"), ("60s", "60 seconds")):  # pytest may take longer to come to the test
        bench.write(
            "images/spec.yml", SPEC.replace("left: {depend_on: base,", f"left: {{depend_on: base, timeout: {limit},")
        )
        bench.commit()
        summary = bench.build()
        assert outcome(summary, "left").status == "failed"
        assert f"pytest was ended, its {words} were up" in outcome(summary, "left").details[-1]
        if (bench.root / "cleaned").exists():
            break
    assert (bench.root / "cleaned").exists()
    assert outcome(summary, "right").status in ("built", "reused", "tagged")


def test_failing_fast_leaves_the_rest_and_says_because_of_what(bench: Bench) -> None:
    """Nothing starts after the first failure; another run without it goes on from there."""
    bench.build()
    for name in ("left", "right"):
        bench.write(f"images/{name}/note", "other")
    bench.commit()
    bench.engine.failing = {"registry.example/lab/left": "no luck"}
    yard = bench.yard()

    summary = verbs.run(yard, verbs.prepare(yard), limits=Limits(builds=1), is_failing_fast=True)

    assert outcome(summary, "left").status == "failed"
    assert (outcome(summary, "right").status, outcome(summary, "right").because) == ("skipped", "left")
    assert bench.statuses(bench.build())["right"] == "built"


def test_a_child_whose_parent_fails_its_tests_meanwhile_is_recorded_and_not_published(bench: Bench) -> None:
    """Its build comes to its end and is a record; nothing of it is tested or published by this run."""
    building, failed = threading.Event(), threading.Event()

    def version(*_: object) -> RunResult:
        assert building.wait(60)
        return RunResult(1, "broken", 0.0)

    def before_build(request: BuildRequest) -> None:
        if request.tag.repository.endswith("left"):
            building.set()
            assert failed.wait(60)

    def watch(progress: Progress) -> None:
        if isinstance(progress, TargetEnded) and progress.outcome.target == "base":
            failed.set()

    bench.engine.answers["version"] = version
    bench.engine.before_build = before_build
    yard = bench.yard()

    summary = verbs.run(yard, verbs.prepare(yard, publish=True), watch=watch, limits=Limits(builds=2))

    assert bench.statuses(summary) == {"base": "failed", "left": "skipped", "right": "skipped"}
    assert outcome(summary, "left").because == "base"
    (record,) = yard.records.known().records[TargetName("left")]
    assert record.built is not None
    assert not record.was_tested("inventory")
    assert ("push", str(record.built.local)) not in bench.engine.calls


def test_the_longest_way_is_begun_first(bench: Bench) -> None:
    """A build context that is larger counts as longer while nothing is recorded: the later sibling goes first."""
    bench.write("images/spec.yml", SPEC.replace("right: {", "right: {info_cmds: [VERSION], "))
    bench.write("images/right/data", "x" * 100_000)
    bench.commit()
    order: list[str] = []
    bench.engine.before_build = lambda request: order.append(request.tag.repository.path.rpartition("/")[2])
    yard = bench.yard()

    verbs.run(yard, verbs.prepare(yard), limits=Limits(builds=1))

    assert order == ["base", "right", "left"]


MAY_FAIL = SPEC.replace("left: {", "left: {allowed_to_fail: true, ").replace(
    "  right: {depend_on: base}\n", "  right: {depend_on: base}\n  top: {depend_on: left}\n"
)


def test_a_run_is_good_without_what_may_fail(bench: Bench) -> None:
    """It and what builds on it are not published; the rest is, tags included. The plan and the summary say so."""
    bench.write("images/spec.yml", MAY_FAIL)
    bench.write("images/top/Dockerfile", CHILD.replace("base", "left"))
    bench.write("images/top/note", "")
    bench.commit()
    bench.engine.failing = {"registry.example/lab/left": "no luck"}
    yard = bench.yard()
    plan = verbs.prepare(yard, publish=True)
    summary = verbs.run(yard, plan, is_failing_fast=True)

    assert [note.kind for note in plan.notes] == ["allowed-to-fail"]
    assert bench.statuses(summary) == {"base": "built", "left": "failed", "right": "built", "top": "skipped"}
    assert summary.is_good
    assert [o.target for o in summary.outcomes if o.is_excused] == ["left", "top"]
    assert outcome(summary, "top").because == "left"
    assert {move.target for moves in summary.moved for move in moves.moves} == {"base", "right"}
    assert not bench.registry.tags("registry.example/lab/left")


@pytest.mark.processes
def test_tests_that_may_fail_keep_an_image_from_being_published_and_nobody_else(bench: Bench) -> None:
    """A failing suite of such an image is told, and counts for it alone."""
    bench.write("images/spec.yml", SPEC.replace("left: {", "left: {allowed_to_fail: true, "))
    bench.write("images/left/test/test_it.py", "def test_it(): assert False\n")
    bench.commit()
    summary = bench.build(publish=True)

    assert summary.is_good
    assert (outcome(summary, "left").status, outcome(summary, "left").is_excused) == ("failed", True)
    assert outcome(summary, "left").published is None
    assert outcome(summary, "right").status == "built"


def test_a_refused_push_of_what_may_fail_is_a_failure(bench: Bench) -> None:
    """What may fail is the image; a registry that refuses it is the same to all."""
    bench.write("images/spec.yml", SPEC.replace("left: {", "left: {allowed_to_fail: true, "))
    bench.commit()
    bench.engine.refusing["registry.example/lab/left"] = "denied"
    summary = bench.build(publish=True)

    assert not summary.is_good
    assert not outcome(summary, "left").is_excused


def test_an_image_for_another_platform_is_left_alone(bench: Bench) -> None:
    """It and what builds on it are not buildable here, which is a reason and no failure."""
    bench.write("images/spec.yml", SPEC.replace("left: {", "left: {only_on: linux/s390x, "))
    bench.commit()
    summary = bench.build()

    assert summary.is_good
    assert outcome(summary, "left").status == "skipped"
    assert str(outcome(summary, "left").reasons[0]) == "not buildable here: needs linux/s390x"


def test_an_image_that_needs_what_this_environment_has_not_is_left_alone(bench: Bench) -> None:
    """By a variable without a value; with one it is built, and the value is no input."""
    bench.write("images/spec.yml", SPEC.replace("left: {", "left: {only_if: [GPU, LICENCE], "))
    bench.commit()

    def build(**environ: str) -> Outcome:
        options = Options(platform=Platform("linux/amd64"), environ=environ)
        engine, registry = lambda _: bench.engine, lambda _: bench.registry
        yard = verbs.load(bench.root, options, bench.clock, engine, registry)
        return outcome(verbs.run(yard, verbs.prepare(yard)), "left")

    alone = build(GPU="1", LICENCE="")
    assert alone.status == "skipped"
    assert str(alone.reasons[0]) == "not buildable here: needs LICENCE in the environment"
    assert build(GPU="1", LICENCE="2").status == "built"
    assert build(GPU="other", LICENCE="3").status == "reused"


def test_a_published_image_is_pruned_once_its_children_are_done(bench: Bench) -> None:
    """The engine loses the names that this stack gave it, of no other image and by no other; the registry keeps all."""
    bench.write(
        "images/spec.yml", SPEC.replace("base: {", "base: {prune: true, ").replace("left: {", "left: {prune: true, ")
    )
    bench.commit()
    bench.build()  # names in the engine
    (record,) = bench.yard().records.known().records[TargetName("left")]
    assert record.built is not None
    bench.engine.tag(record.built.image, Reference.parse("mine/left:1"))
    summary = bench.build(publish=True)

    assert summary.is_good
    names = set(bench.engine.names())
    assert not any(name.startswith("registry.example/lab/base:") for name in names)
    assert not any(name.startswith("registry.example/lab/left:") for name in names)
    assert any(name.startswith("registry.example/lab/right:") for name in names)
    assert bench.engine.inspect("mine/left:1") is not None
    assert bench.at("base", "2026.3-main")
    assert bench.statuses(bench.build(publish=True)) == {"base": "reused", "left": "reused", "right": "reused"}


def test_nothing_is_pruned_that_is_not_published(bench: Bench) -> None:
    """Without a registry's copy it is the only one; a parent whose child failed stays for the run that tries again."""
    bench.write("images/spec.yml", SPEC.replace("base: {", "base: {prune: true, "))
    bench.commit()
    bench.build()

    assert any(name.startswith("registry.example/lab/base:") for name in bench.engine.names())

    bench.engine.refusing["registry.example/lab/right"] = "denied"
    bench.build(publish=True)

    assert any(name.startswith("registry.example/lab/base:") for name in bench.engine.names())


def test_a_run_that_will_not_fit_does_not_begin(bench: Bench) -> None:
    """By the records, less what is built upon; the error has both sizes, and who knows better goes on."""
    bench.engine.free = 10**9
    first = bench.build()

    assert (first.free_before_bytes, first.free_after_bytes) == (10**9, 10**9)

    bench.engine.free = 1500  # one layer of 1000 each, and base's own
    bench.engine.calls.clear()
    with pytest.raises(NoRoom, match=r"no room: 3 images took 0\.0 GB last time") as caught:
        bench.build(rebuild=("all",))

    assert caught.value.facts == {"needed_bytes": 3000, "free_bytes": 1500}
    assert verbs.usual_limits(bench.yard(), verbs.prepare(bench.yard(), rebuild=("all",))).builds == 1
    assert not any(verb == "build" for verb, _ in bench.engine.calls)
    yard = bench.yard()
    plan = verbs.prepare(yard, rebuild=("all",))
    assert verbs.run(yard, plan, is_ignoring_disk=True).is_good


def test_a_run_that_brings_nothing_asks_for_no_disk(bench: Bench) -> None:
    """Nor does one whose engine knows of none."""
    bench.build()
    bench.engine.free = 0
    bench.engine.calls.clear()
    summary = bench.build()

    assert summary.is_good
    assert summary.free_before_bytes is None
    assert ("free", "") not in bench.engine.calls


ATTESTED = SPEC + "attestations: {provenance: true}\n"


def test_what_is_published_is_attested(bench: Bench) -> None:
    """What was built without is built again before its push; its children are left alone: its content is the same."""
    bench.engine = FakeEngine("containerd", registry=bench.registry)
    bench.engine.add("debian:12")
    bench.engine.answers["version"] = lambda *_: "1.0\n"
    assert bench.build().is_good
    assert bench.build("left", publish=True).is_good  # base and left: without, as nobody asked
    old = bench.at("base", "2026.3-main")
    bench.write("images/spec.yml", ATTESTED)
    bench.commit()
    asked: list[tuple[str, ...]] = []
    bench.engine.before_build = lambda request: asked.append(request.attestations)
    summary = bench.build(publish=True)

    assert bench.statuses(summary) == {"base": "tagged", "left": "tagged", "right": "built"}
    assert asked == [("type=provenance,mode=min",)]
    assert bench.at("base", "2026.3-main") == old
    again = bench.build("base", publish=True, rebuild=frozenset({TargetName("base")}))
    assert bench.statuses(again)["base"] == "built"
    assert bench.at("base", "2026.3-main") not in (None, old)
    records = bench.yard().records.known().records
    built = [record.built for name in ("base", "right") for record in records[TargetName(name)][:1]]
    assert [each.attestations for each in built if each] == [("provenance",)] * 2
    assert bench.statuses(bench.build(publish=True)) == dict.fromkeys(("base", "left", "right"), "reused")


def test_what_cannot_be_attested_is_not_published(bench: Bench) -> None:
    """By an engine that makes none; it builds, and the plan says what is off."""
    bench.write("images/spec.yml", ATTESTED)
    bench.commit()
    plan = verbs.prepare(bench.yard())
    assert [note.kind for note in plan.notes] == ["attestations"]
    assert "builds have no provenance here" in plan.notes[0].sentence
    assert bench.build().is_good
    with pytest.raises(ConfigError, match=r"asks for provenance, and fake 1.0 makes none: nothing is published"):
        bench.build(publish=True)
    assert bench.at("base", "2026.3-main") is None


@pytest.mark.processes
def test_a_suite_that_is_over_is_known_whatever_comes_after_it(bench: Bench) -> None:
    """The engine goes away in the next one: the image failed, and the tests that passed are not run again."""
    bench.write("images/left/test/test_it.py", "def test_it():\n    pass\n")
    bench.commit()
    assert bench.build("base").is_good

    def gone(*_: object) -> str:
        raise EngineUnavailable("no engine answers", hint="", engine="")

    bench.engine.answers["version"] = gone
    failed = outcome(bench.build("left"), "left")
    assert (failed.status, failed.failure) == ("failed", "no engine answers")
    assert [(each.suite, each.passed) for each in failed.tests] == [("basic", True)]
    assert [each.job for each in failed.jobs] == ["build", "test"]

    bench.engine.answers["version"] = lambda *_: "1.0\n"
    again = outcome(bench.build("left"), "left")
    assert again.status == "tested"
    assert [each.suite for each in again.tests] == ["inventory"]
    assert again.jobs[0].job == "test"
