# SPDX-License-Identifier: MIT
"""One image for several platforms: built and tested for each, joined by an index, or refused."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from stackyard import verbs
from stackyard.edges.engine import BuildRequest
from stackyard.edges.registry import ATTESTED, OCI_MANIFEST, Descriptor, Manifest, index_of
from stackyard.errors import ConfigError, EngineUnavailable, GatesClosed, NoRoom, NothingToDo
from stackyard.model import record
from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Platform, Reference, Repository
from stackyard.report.data import plan_data
from stackyard.testing import FakeEngine
from stackyard.testing.making import Made
from stackyard.verbs import Options, Yard, adopt, promotion, retention, showing
from tests.unit.run.test_run import Bench, outcome

AMD, ARM = Platform("linux/amd64"), Platform("linux/arm64")
SPEC = """
registry: registry.example/lab
platforms: [linux/amd64, linux/arm64]
images:
  base: {info_cmds: [VERSION]}
  left: {depend_on: base}
tag: {prefix: "2026.3"}
all_info_cmds:
  VERSION: {description: Version, command: version --all}
"""
INFO = "depend_on: base, info_cmds: [VERSION]"
MEMBERS = ("base+linux/amd64", "base+linux/arm64", "left+linux/amd64", "left+linux/arm64")


def engine_for(platform: Platform, bench: Bench, shelf: dict[Digest, Made]) -> FakeEngine:
    """An engine of a machine of this platform, which emulates nothing."""
    engine = FakeEngine(registry=bench.registry, shelf=shelf)
    engine.info = msgspec.structs.replace(engine.info, platform=platform)
    engine.runs = (platform,)
    engine.answers["version"] = lambda *_: "1.0\n"
    return engine


class Several(Bench):
    """A parent and its child for two platforms, on a base that is there for both; the engine emulates the other."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        shutil.rmtree(root / "images" / "right")
        self.write("images/spec.yml", SPEC)
        self.commit()
        self.shelf: dict[Digest, Made] = {}
        self.engine = engine_for(AMD, self, self.shelf)
        self.engine.runs = (AMD, ARM)
        self.machine = AMD
        parts = []
        for platform in (AMD, ARM):
            publisher = engine_for(platform, self, self.shelf)
            publisher.add(f"debian:{platform[6:]}")
            publisher.push(Reference.parse(f"debian:{platform[6:]}"), root / ".stackyard" / "log")
            manifest = self.registry.manifest(Repository("debian"), Tag(platform[6:]))
            assert manifest is not None
            parts.append((platform, manifest))
        self.registry.add("debian", "12", index_of(parts))

    def yard(self) -> Yard:
        """The stack as the machine that is meant now has it."""
        options = Options(platform=self.machine)
        return verbs.load(self.root, options, self.clock, lambda _: self.engine, lambda _: self.registry)

    def index(self, image: str, tag: str) -> dict[str, Manifest]:
        """What a tag joins, by platform."""
        repository = Repository(f"registry.example/lab/{image}")
        top = self.registry.manifest(repository, Tag(tag))
        assert top is not None
        found = {}
        for each in top.children:
            manifest = self.registry.manifest(repository, each.digest)
            assert manifest is not None
            found[next(platform for platform in (AMD, ARM) if each.is_for(platform))] = manifest
        return found

    def made(self, target: str) -> Made:
        """The newest image of a target, as the engine that built it has it."""
        built = self.yard().records.known().records[TargetName(target)][0].built
        assert built is not None
        return next(made for made in self.shelf.values() if made.config_digest == built.image.id)


@pytest.fixture
def several(tmp_path: Path) -> Several:
    """Nothing built."""
    return Several(tmp_path)


def test_each_platform_is_built_and_tested_and_a_tag_joins_them(several: Several) -> None:
    """Every image is built, tested and pushed for each platform, on its parent for the same one; tags have indexes."""
    summary = several.build(publish=True)

    assert several.statuses(summary) == {**dict.fromkeys(MEMBERS, "built"), "base": "joined", "left": "joined"}
    assert [t.passed for t in outcome(summary, "base+linux/arm64").tests] == [True]
    for image in ("base", "left"):
        for tag in (f"2026.3-{several.head}", "2026.3-main"):
            joined = several.index(image, tag)
            assert [*joined] == [AMD, ARM]
            assert joined[ARM].config == several.made(f"{image}+linux/arm64").config_digest
    for platform in (AMD, ARM):
        parent, child = several.made(f"base+{platform}"), several.made(f"left+{platform}")
        assert child.platform == parent.platform == platform
        assert child.layers[: len(parent.layers)] == parent.layers
    assert set(several.statuses(several.build(publish=True)).values()) == {"reused"}


def test_a_change_for_one_platform_joins_anew_and_a_plan_says_so_before(several: Several) -> None:
    """`join` waits for what may change; what is left as it was is joined with what is new."""
    several.build(publish=True)
    before = several.index("base", "2026.3-main")
    several.write("images/left/note", "another")
    several.commit()

    plan = plan_data(verbs.plan(several.yard(), publish=True))
    actions = {step["target"]: (step["action"], step.get("platforms")) for step in plan["steps"]}
    assert actions["base"] == ("tag", [AMD, ARM])
    assert actions["left+linux/arm64"] == ("build", [ARM])
    assert actions["left"] == ("decide-later", [AMD, ARM])
    assert several.statuses(several.build(publish=True))["left"] == "joined"
    assert several.index("base", "2026.3-main") == before


def test_what_nothing_here_can_test_is_not_published(several: Several) -> None:
    """Where the engine runs one platform only, the other is untested: no index, no tag, and a run that is not good."""
    several.engine.runs = (AMD,)
    summary = several.build(publish=True)

    assert several.statuses(summary) == {
        "base+linux/amd64": "built",
        "base+linux/arm64": "untested",
        "base": "skipped",
        "left+linux/amd64": "built",
        "left+linux/arm64": "skipped",
        "left": "skipped",
    }
    assert outcome(summary, "base+linux/arm64").failure == (
        "not testable here: fake 1.0 runs linux/amd64, and no linux/arm64"
    )
    assert [outcome(summary, name).cause for name in ("base", "left")] == [
        "base+linux/arm64 is untested",
        "base+linux/arm64 is untested",
    ]
    assert not summary.is_good
    assert several.at("base", "2026.3-main") is None
    repositories = {str(request.tag) for request in several.registry.requests if request.verb == "put"}
    assert not any(tag.startswith("2026.3") for tag in repositories)


def test_each_machine_builds_its_own_and_the_last_one_joins(several: Several) -> None:
    """What another machine published for its platform is neither built nor tested again: only joined."""
    several.engine, several.machine = engine_for(ARM, several, several.shelf), ARM
    first = several.build("*+linux/arm64", publish=True)
    assert first.is_good
    assert several.at("left", "2026.3-main") is None

    shutil.rmtree(several.root / ".stackyard")
    several.engine, several.machine = engine_for(AMD, several, several.shelf), AMD
    summary = several.build(publish=True)
    assert several.statuses(summary) == {
        "base+linux/amd64": "built",
        "base+linux/arm64": "reused",
        "base": "joined",
        "left+linux/amd64": "built",
        "left+linux/arm64": "reused",
        "left": "joined",
    }
    assert [*several.index("left", "2026.3-main")] == [AMD, ARM]

    shutil.rmtree(several.root / ".stackyard")
    several.engine, several.machine = engine_for(ARM, several, several.shelf), ARM
    again = several.statuses(several.build(publish=True))
    assert again == {**dict.fromkeys(MEMBERS, "reused"), "base": "tagged", "left": "tagged"}


def test_an_image_that_is_for_another_platform_than_it_should_be_is_not_joined(several: Several) -> None:
    """An engine that built for its own platform whatever it was asked for: that one fails, and no tag is put."""
    several.write("images/spec.yml", SPEC.replace("{info_cmds: [VERSION]}", ""))
    several.engine.ignoring_platforms = True
    summary = several.build("base", publish=True)

    assert several.statuses(summary)["base"] == "skipped"
    assert outcome(summary, "base+linux/arm64").failure == "the image is for linux/amd64, and was to be for linux/arm64"
    assert not [call for call in several.engine.calls if call[0] == "push" and "arm64" in call[1]]
    assert several.at("base", "2026.3-main") is None


def test_an_image_for_one_other_platform_is_held_to_it(several: Several) -> None:
    """It needs no index to be found out; without `platforms`, an image may be for what its base is for."""
    several.write(
        "images/spec.yml",
        SPEC.replace("[linux/amd64, linux/arm64]", "linux/arm64").replace("{info_cmds: [VERSION]}", ""),
    )
    several.commit()
    several.engine.ignoring_platforms = True
    (base, *_) = several.build(publish=True).outcomes
    assert (base.status, base.failure) == ("failed", "the image is for linux/amd64, and was to be for linux/arm64")
    assert several.at("base", "2026.3-main") is None

    several.write(
        "images/spec.yml",
        SPEC.replace("platforms: [linux/amd64, linux/arm64]", "").replace("{info_cmds: [VERSION]}", ""),
    )
    several.commit()
    several.machine = ARM
    assert several.build("base").is_good


def test_without_a_registry_the_tags_name_the_image_of_the_engines_own_platform(several: Several) -> None:
    """An engine's store has one image by a name: the one that it runs itself."""
    several.build()

    own = several.yard().records.known().records[TargetName("left+linux/amd64")][0].built
    assert own is not None
    assert several.engine.names()["registry.example/lab/left:2026.3-main"] == own.image.id
    assert set(several.statuses(several.build()).values()) == {"reused"}


def promote(several: Several, *images: str) -> MoveSet:
    """Put `stable` on what is on the branch's tag."""
    moves = promotion.plan_promotion(several.yard(), promotion.AskedPromotion("2026.3-main", "stable", images))
    return promotion.move(several.yard(), moves)


def test_a_channel_points_at_indexes_and_back(several: Several) -> None:
    """Promotion and rollback move the digest of the index; images of single platforms are no part of it."""
    several.build(publish=True)
    first = several.at("left", "2026.3-main")
    promote(several)
    several.write("images/left/note", "another")
    several.commit()
    several.build(publish=True)
    moves = promote(several, "left")

    assert [str(move.target) for move in moves.moves] == ["left"]
    assert [(state.gate, state.answer) for state in moves.gates] == []
    assert several.at("left", "stable") == several.at("left", "2026.3-main") != first
    promotion.move(several.yard(), promotion.plan_rollback(several.yard(), "stable"))
    assert several.at("left", "stable") == first


def test_a_set_is_held_to_what_each_platform_was_built_on_and_passed(several: Several) -> None:
    """A child whose platforms stand on another parent than the channel's is refused; each platform's tests count."""
    several.build(publish=True)
    first = promote(several)
    assert {(state.gate, state.answer, state.targets) for state in first.gates} == {("inventory", "passed", ("base",))}
    several.write("images/base/note", "another")
    several.commit()
    several.build(publish=True)

    with pytest.raises(NothingToDo, match=r"not promoting left\+linux/amd64 .* built on another base\+linux/amd64"):
        promote(several, "left")
    records = several.yard().records
    untested = records.known().records[TargetName("base+linux/arm64")][0]
    suite = several.yard().stack.target(untested.target).suites[0]
    records.append(untested, record.Tested("2026-01-02T00:00:00Z", suite.kind, suite.digest, False, 1, 1, 0, 0.1))
    with pytest.raises(GatesClosed, match=r"base: inventory: for linux/arm64: failed, 1 of 1"):
        promote(several)


@pytest.mark.processes
def test_what_is_published_for_several_platforms_is_adopted(several: Several) -> None:
    """In a clone that knows nothing, the index and its images are recorded; an index that lacks a platform is not."""
    several.build(publish=True)
    several.write("images/spec.yml", SPEC.replace("registry:", "records: local\nregistry:"))
    several.commit()
    shutil.rmtree(several.root / ".stackyard")
    yard = several.yard()
    found = adopt.adopting(yard, tag="2026.3-main")
    adopt.adopt(yard, found)

    records = yard.records.known().records
    repository = Repository("registry.example/lab/left")
    digests = {str(name): pushed.image.digest for name in records if (pushed := records[name][0].pushed(repository))}
    assert digests == {
        "left": several.at("left", "2026.3-main"),
        **{f"left+{on}": manifest.digest for on, manifest in several.index("left", "2026.3-main").items()},
    }

    only = several.index("base", "2026.3-main")[AMD]
    several.registry.put(Repository("registry.example/lab/base"), Tag("lame"), index_of([(AMD, only)]))
    states = {
        str(each.target): each.state for each in adopt.adopting(several.yard(), ["base"], "lame").adoption.targets
    }
    assert states == {"base+linux/amd64": "known", "base+linux/arm64": "other platform", "base": "other platform"}


def test_a_stage_on_the_building_machine_gets_its_base_for_that_one(several: Several) -> None:
    """`FROM --platform=$BUILDPLATFORM` is pinned to the base for the engine's own platform."""
    cross = "FROM --platform=$BUILDPLATFORM debian:12 AS tools\nFROM scratch\nCOPY --from=tools /bin /bin\n"
    several.write("images/base/Dockerfile", cross)
    several.commit()
    pins: dict[str | None, list[Platform]] = {}

    def look(request: BuildRequest) -> None:
        found = [several.engine.inspect(str(image.id)) for image in request.pins.values()]
        pins[request.platform] = [facts.platform for facts in found if facts]

    several.engine.before_build = look
    several.build("base")

    assert pins == {None: [AMD], ARM: [AMD]}


def test_one_platform_that_is_said_is_the_one_for_every_machine(several: Several) -> None:
    """A stack for one platform has plain names, and builds for it wherever it is built."""
    several.write("images/spec.yml", SPEC.replace("[linux/amd64, linux/arm64]", "linux/arm64"))
    several.commit()
    asked: list[Platform | None] = []
    several.engine.before_build = lambda request: asked.append(request.platform)
    summary = several.build(publish=True)

    assert several.statuses(summary) == {"base": "built", "left": "built"}
    assert asked == [ARM, ARM]


def test_an_image_whose_tests_reach_no_engine_is_untested_and_what_passed_is_kept(several: Several) -> None:
    """Without docker's API a test folder cannot run: the inventory's pass is recorded, and the image not published."""
    several.write("images/spec.yml", SPEC.replace("platforms: [linux/amd64, linux/arm64]", "platforms: linux/amd64"))
    several.write("images/left/test/test_it.py", "def test_it():\n    assert True\n")
    several.write("images/spec.yml", (several.root / "images/spec.yml").read_text().replace("depend_on: base", INFO))
    several.commit()
    several.engine.info = msgspec.structs.replace(several.engine.info, address="")
    summary = several.build(publish=True)
    left = outcome(summary, "left")

    assert several.statuses(summary) == {"base": "built", "left": "untested"}
    assert (left.failure or "").startswith("not testable here: the tests in images/left/test reach images")
    assert [(each.suite, each.passed) for each in left.tests] == [("inventory", True)]
    assert several.at("left", "2026.3-main") is None
    assert not summary.is_good


def test_the_preview_and_where_know_each_platform(several: Several) -> None:
    """What changes inside of each, what stays behind of each; one index has the names, and its parts the children."""
    several.build(publish=True)
    promote(several)
    several.write("images/base/note", "other")
    several.engine.answers["version"] = lambda *_: "2.0\n"
    several.commit()
    several.build(publish=True)
    yard = several.yard()
    seen = promotion.preview(
        yard, promotion.plan_promotion(yard, promotion.AskedPromotion("2026.3-main", "stable", ("base",)))
    )

    assert [(str(each.target), each.new, each.gone) for each in seen.contents] == [
        ("base+linux/amd64", ("2.0",), ("1.0",)),
        ("base+linux/arm64", ("2.0",), ("1.0",)),
    ]
    assert [sentence.partition(" stays")[0] for sentence in seen.left_behind] == [
        "left+linux/amd64",
        "left+linux/arm64",
    ]
    images = showing.show(yard, "2026.3-main").images
    assert [str(image.target) for image in images] == ["base", "left"]
    (found,) = showing.where(yard, images[0].digest)
    assert {str(child.target) for child in found.children} == {"left+linux/amd64", "left+linux/arm64"}


class Two(Several):
    """The same with an engine of its own for arm64; the one for all others runs what it is itself."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.engine.runs = (AMD,)
        self.far = engine_for(ARM, self, self.shelf)
        self.far.info = msgspec.structs.replace(self.far.info, address="tcp://far:2376", name="far 2.0")
        self.write("images/spec.yml", TWO)
        self.commit()

    def yard(self) -> Yard:
        """With both engines."""

        def make(environ: Mapping[str, str]) -> FakeEngine:
            return self.far if environ.get("DOCKER_HOST") == "tcp://far:2376" else self.engine

        return verbs.load(self.root, Options(platform=AMD), self.clock, make, lambda _: self.registry)


TWO = SPEC.replace("images:", "engines: {linux/arm64: 'tcp://far:2376'}\nimages:", 1)


@pytest.fixture
def two(tmp_path: Path) -> Two:
    """Nothing built."""
    return Two(tmp_path)


def test_a_platform_may_have_an_engine_of_its_own(two: Two) -> None:
    """What is for it is built, tested, kept and pushed there, and nothing else; what both made is joined."""

    def build(*images: str) -> dict[str, str]:
        return two.statuses(two.build(*images, publish=True))

    assert build() == {**dict.fromkeys(MEMBERS, "built"), "base": "joined", "left": "joined"}
    assert {made.platform for made in two.far._images.values()} == {ARM}
    assert {made.platform for made in two.engine._images.values()} == {AMD}
    built = two.yard().records.known().records[TargetName("left+linux/arm64")][0].built
    assert built is not None
    assert built.engine == "far 2.0"
    assert [*two.index("left", "2026.3-main")] == [AMD, ARM]
    assert set(build().values()) == {"reused"}

    two.far.is_down = True
    two.write("images/left/note", "another")
    two.commit()
    assert build("left+linux/amd64")["left+linux/amd64"] == "built"
    with pytest.raises(EngineUnavailable):
        build()


def test_without_a_registry_tags_are_in_the_engine_that_has_the_image(two: Two) -> None:
    """One platform with an engine of its own, and several that all have one: the one engine has none of it."""
    several = TWO.replace("linux/amd64, linux/arm64", "linux/s390x, linux/arm64")
    several = several.replace("linux/arm64: 'tcp", "linux/s390x: 'tcp://far:2376', linux/arm64: 'tcp")
    s390x = Platform("linux/s390x")
    two.write("images/base/Dockerfile", "FROM scratch\nCOPY note /note\n")
    two.write("images/base/note", "one")
    two.far.runs = (ARM, s390x)
    for spec, own in (
        (TWO.replace("[linux/amd64, linux/arm64]", "linux/arm64"), "left"),
        (several, "left+linux/arm64"),
    ):
        two.write("images/spec.yml", spec)
        two.commit()
        summary = two.build()
        assert summary.is_good, [each.failure for each in summary.outcomes]
        built = two.yard().records.known().records[TargetName(own)][0].built
        assert built is not None
        for tag in ("2026.3-main", f"2026.3-{two.head}"):
            assert two.far.names()[f"registry.example/lab/left:{tag}"] == built.image.id
        assert set(two.statuses(two.build()).values()) == {"reused"}
    assert not two.engine.names()


def test_what_the_other_engine_has_is_not_here(two: Two) -> None:
    """A platform that gets an engine of its own is built there, and not taken for built where it was before."""
    two.write("images/spec.yml", SPEC)
    two.commit()
    two.engine.runs = (AMD, ARM)
    assert two.build().is_good
    two.write("images/spec.yml", TWO)
    two.commit()

    plan = verbs.prepare(two.yard())
    assert {str(step.target): step.action for step in plan.steps if step.target.platform == ARM} == {
        "base+linux/arm64": "build",
        "left+linux/arm64": "decide-later",
    }
    assert two.build(publish=True).is_good
    assert {made.platform for made in two.far._images.values()} == {ARM}


def test_old_images_go_from_each_engine(two: Two) -> None:
    """Each engine lets go of what was built in it, and of nothing that has the same name elsewhere."""
    two.write("images/spec.yml", TWO + "retention: {channels: 1, days: 0, releases: 0}\n")
    for text in ("one", "two", "three"):
        two.write("images/left/note", text)
        two.commit()
        assert two.build(publish=True).is_good
    before = [engine.names() for engine in (two.engine, two.far)]
    yard = two.yard()
    gone = retention.prune_engine(yard, retention.plan_pruning(yard, "engine")).going

    assert {str(each.image.target) for each in gone} == {"left", "left+linux/arm64"}  # what joins is one of them here
    for engine, names in zip((two.engine, two.far), before, strict=True):
        away = set(names.items()) - set(engine.names().items())
        ids = {each.image.digest for each in gone if each.image.digest in names.values()}
        assert away == {(name, id_) for name, id_ in names.items() if id_ in ids}
        assert ids


def test_each_engine_needs_room_for_what_it_builds(two: Two) -> None:
    """The sizes of images count where they are kept: a full disk keeps nobody from building on another."""
    assert two.build(publish=True).is_good
    two.write("images/left/note", "another")
    two.commit()
    two.engine.free = 10
    assert two.build("left+linux/arm64", publish=True).is_good

    two.write("images/left/note", "a third")
    two.commit()
    two.engine.free, two.far.free = None, 10
    assert two.build("left+linux/amd64", publish=True).is_good
    with pytest.raises(NoRoom, match=r"2 images took .* where far 2.0 keeps them"):
        two.build("base", "left", publish=True, rebuild=("base",))


def test_a_parent_of_another_engine_is_there_once_it_is_published(two: Two) -> None:
    """A child on a parent for another platform waits for its push, and gets it from the registry; so it needs one."""
    file = two.root / "images/left/Dockerfile"
    two.write("images/left/Dockerfile", file.read_text().replace("FROM ", "FROM --platform=linux/amd64 ", 1))
    two.commit()
    alone = "left\\+linux/arm64 builds on base\\+linux/amd64, which another engine has and no registry"
    with pytest.raises(ConfigError, match=alone):
        verbs.plan(two.yard())
    with pytest.raises(ConfigError, match=alone) as caught:
        two.build("left+linux/arm64")
    assert "--push" in (caught.value.hint or "")

    summary = two.build(publish=True)
    assert two.statuses(summary)["left+linux/arm64"] == "built", outcome(summary, "left+linux/arm64").failure
    calls = [call for call in two.far.calls if call[0] in ("pull", "build")]
    assert [verb for verb, of in calls if "lab/base@" in of or "lab/left" in of] == ["pull", "build"]

    two.write("images/left/note", "another")
    two.commit()
    again = two.build("left+linux/arm64")  # what it stands on is published by now
    assert again.is_good
    assert outcome(again, "left+linux/arm64").status == "built"


def test_an_index_has_what_is_attested_of_its_images() -> None:
    """As their own indexes name it; it is for no platform."""
    manifest = Manifest(Digest(f"sha256:{'1' * 64}"), OCI_MANIFEST, b"{}")
    beside = Descriptor(
        OCI_MANIFEST, Digest(f"sha256:{'2' * 64}"), 7, "", {ATTESTED: manifest.digest}, {"os": "unknown"}
    )
    index = index_of([(AMD, manifest)], [beside])

    assert index.platforms == (AMD,)
    assert index.children[1] == beside


@pytest.mark.parametrize(
    ("said", "line", "sentence", "hint"),
    [
        ("platforms:", 3, "`platforms` of the file: it names no platform", "name one or several"),
        ("platforms: []", 3, "`platforms` of the file: it names no platform", "name one or several"),
        ("platforms: windows/amd64", 3, "nobody builds for windows/amd64 here", "only images for linux"),
        ("platforms: [linux/arm64/v8, linux/arm64]", 3, "linux/arm64/v8 and linux/arm64 are one", "keep linux/arm64"),
        ("platforms: [linux/arm64, linux/arm64]", 3, "linux/arm64 is here twice", "keep linux/arm64"),
        ("platforms: linux/x86_64", 3, "engines do not know linux/x86_64 by this name", "say linux/amd64"),
        ("engines: {linux/aarch64: far}", 3, "engines do not know linux/aarch64 by this name", "say linux/arm64"),
        ("engines:\n  linux/arm64: far", 4, "`engines` has one for linux/arm64, and nothing", "are for linux/amd64"),
    ],
)
def test_platforms_that_make_no_sense_are_told(
    several: Several, said: str, line: int, sentence: str, hint: str
) -> None:
    """What is nobody's platform, or one's under another name, is an error at its place; an engine for none a notice."""
    several.write("images/spec.yml", SPEC.replace("platforms: [linux/amd64, linux/arm64]", said))
    several.commit()
    (finding,) = [each for each in verbs.check(several.yard()) if "platform" in each.sentence or "eng" in each.sentence]

    assert sentence in finding.sentence
    assert hint in (finding.hint or "")
    assert (finding.path, finding.line) == ("images/spec.yml", line)
    assert (finding.code, finding.level) == (
        ("idle-engine", "notice") if "nothing" in sentence else ("wrong-value", "error")
    )
