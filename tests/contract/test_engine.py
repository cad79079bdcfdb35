# SPDX-License-Identifier: MIT
"""What every engine does: the same tests over the fake one, on both kinds of store, over a real Docker and Buildah.

The real Docker is the one that DOCKER_HOST or the docker context names, with the image busybox:1.36
in its store; pushes go to STACKYARD_TEST_REGISTRY. `eval "$(script/dev up)"` starts both.
Buildah, where it is installed, gets a store of its own with the same base image.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stackyard.edges.buildah import BuildahEngine
from stackyard.edges.docker import DockerEngine
from stackyard.edges.docker_api import Api
from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep, Engine, FileFacts, RunResult
from stackyard.edges.image_layers import from_archive
from stackyard.edges.traces import VARIABLE, prefix_of
from stackyard.errors import (
    EngineProblem,
    EngineUnavailable,
    RegistryRefused,
    RegistryUnreachable,
    ToolMissing,
)
from stackyard.model.content import ImageFacts, content_digest
from stackyard.model.names import Digest
from stackyard.model.reference import LocalImage, Platform, Reference
from stackyard.model.stack import Secret
from stackyard.testing.engine import FakeEngine
from tests.engines import BASE, ENVIRON, buildah_store, missing, real_docker
from tests.loopback import Handler, Loopback, served


def fake_shell(facts: ImageFacts, argv: Sequence[str]) -> str:
    """What the tests' commands say in the fake engine's containers."""
    if "sleep 600" in argv[-1]:
        raise TimeoutError
    return "out\nerr\n"


def fake_engine(store: str) -> FakeEngine:
    """A fake that has the base image and a shell."""
    engine = FakeEngine(store)  # type: ignore[arg-type]
    engine.add(BASE)
    engine.answers["sh"] = fake_shell
    return engine


class Bench:
    """An engine, a folder of contexts, and an end to every name a test made."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.prefix = f"stackyard-test/{secrets.token_hex(6)}"
        self.steps: list[BuildStep] = []
        self.log = folder / "logs" / "build.log"
        self.another: Callable[[], Engine] = lambda: engine
        """Makes a further edge to the same engine."""

    @property
    def is_fake(self) -> bool:
        return isinstance(self.engine, FakeEngine)

    def name(self, image: str, tag: str = "1") -> Reference:
        return Reference.parse(f"{self.prefix}/{image}:{tag}")

    def request(
        self,
        dockerfile: str,
        image: str = "image",
        *,
        pins: Mapping[str, LocalImage] | None = None,
        args: tuple[tuple[str, str], ...] = (),
        files: Mapping[str, str] | None = None,
        tag: Reference | None = None,
    ) -> BuildRequest:
        context = self.folder / "images" / image
        context.mkdir(parents=True, exist_ok=True)
        (context / "Dockerfile").write_text(dockerfile)
        for name, text in (files or {}).items():
            (context / name).write_text(text)
        return BuildRequest(
            context=context,
            dockerfile=context / "Dockerfile",
            tag=tag or self.name(image),
            args=args,
            labels=(("org.opencontainers.image.title", image),),
            pins=pins or {},
            epoch=1_700_000_000,
        )

    def build(self, request: BuildRequest) -> BuildResult:
        return self.engine.build(request, self.log, self.steps.append)

    def built(self, request: BuildRequest) -> ImageFacts:
        result = self.build(request)
        assert result.failure is None, (result.failure, result.last_lines)
        assert result.image is not None
        facts = self.engine.inspect(result.image.id)
        assert facts is not None
        return facts

    def clean(self) -> None:
        """Take away the names under this bench's own prefix, and no other."""
        self.engine.unpin()
        if self.is_fake:
            return
        for name in self.names():
            if self.prefix in name:
                self.engine.untag(Reference.parse(name))

    @property
    def api(self) -> Api:
        """What a real Docker engine answers to."""
        assert isinstance(self.engine, DockerEngine)
        return self.engine._api

    def names(self) -> list[str]:
        """All names in a real engine's store."""
        if isinstance(self.engine, BuildahEngine):
            return [name for image in self.engine._listed() for name in image["names"] or ()]
        images = self.api.must("/images/json")
        return [name for image in images for key in ("RepoTags", "RepoDigests") for name in image.get(key) or ()]

    def history(self, image: LocalImage) -> object:
        """All that a real engine tells of how an image was made."""
        if isinstance(self.engine, BuildahEngine):
            return self.engine._processes.output(["buildah", "inspect", "--type", "image", image.id.hex])
        return self.api.get(f"/images/{image.id}/history")

    def containers(self, image: LocalImage) -> list[object]:
        """Containers that stand on an image of a real engine."""
        if isinstance(self.engine, BuildahEngine):
            words = self.engine._processes.output(["buildah", "containers", "--all", "--json"])[1]
            return [each for each in json.loads("".join(words)) or () if each["imageid"] == image.id.hex]
        filters = f'{{"ancestor":["{image.id}"]}}'
        found: list[object] = self.api.must("/containers/json", {"all": "1", "filters": filters})
        return found


@pytest.fixture(scope="session")
def buildah_environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment of a Buildah whose store only tests use."""
    with buildah_store(tmp_path_factory.mktemp("b")) as environ:
        yield environ


def engine_of(kind: str, request: pytest.FixtureRequest) -> Engine:
    """A new edge to one engine."""
    if kind == "docker":
        return real_docker()
    if kind == "buildah":
        return BuildahEngine(request.getfixturevalue("buildah_environ"))
    return fake_engine(kind.partition(" ")[2])


DOCKER, BUILDAH = (pytest.param(kind, marks=pytest.mark.live) for kind in ("docker", "buildah"))


@pytest.fixture(params=["fake classic", "fake containerd", DOCKER, BUILDAH])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A bench over each engine in turn."""
    made = Bench(engine_of(request.param, request), tmp_path)
    yield made
    made.clean()


@pytest.fixture(params=[DOCKER, BUILDAH])
def real_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A bench over each real engine."""
    made = Bench(engine_of(request.param, request), tmp_path)
    made.another = lambda: engine_of(request.param, request)
    yield made
    made.clean()


@pytest.fixture(params=[DOCKER])
def docker_bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench over Docker only."""
    made = Bench(real_docker(), tmp_path)
    yield made
    made.clean()


PARENT = "FROM busybox:1.36\nRUN echo parent > /who\n"


def test_a_build_gives_an_image_the_store_knows(bench: Bench):
    """The id of a result is the id under which the store has the image, and under its tag."""
    result = bench.build(bench.request(PARENT))

    assert result.failure is None
    assert result.image is not None
    assert result.image.id in bench.engine.present()
    assert bench.engine.inspect(str(bench.name("image"))) == bench.engine.inspect(result.image.id)
    assert result.duration_s > 0
    assert bench.log.read_text()


def test_steps_are_told_while_they_run(bench: Bench):
    """Who watches sees the instructions of the Dockerfile, started and done, and nothing of the engine's own."""
    bench.build(bench.request(PARENT))

    names = {step.name for step in bench.steps}
    assert any("RUN echo parent" in name for name in names)
    assert not any("internal" in name for name in names)
    assert {step.state for step in bench.steps} <= {"started", "done", "cached"}


def test_labels_and_nothing_else_are_added(bench: Bench):
    """The labels of a request are the image's labels."""
    facts = bench.built(bench.request(PARENT))

    assert facts.config["Labels"] == {"org.opencontainers.image.title": "image"}


def test_an_image_from_scratch(bench: Bench):
    """An image needs no parent."""
    facts = bench.built(bench.request("FROM scratch\nCOPY hello /hello\n", files={"hello": "hello\n"}))

    assert len(facts.layers) == 1


def test_a_failing_command_is_a_result(bench: Bench):
    """A build that fails says which instruction, how, and the end of its output; it leaves no image."""
    request = bench.request("FROM busybox:1.36\nRUN echo one; echo two; exit 3\n")

    result = bench.build(request)

    assert result.image is None
    assert result.failure is not None
    assert "RUN echo one; echo two; exit 3" in result.failure
    assert "exit code: 3" in result.failure
    assert "\n" not in result.failure
    assert result.last_lines[-2:] == ("one", "two")
    assert bench.engine.inspect(str(request.tag)) is None
    assert bench.steps[-1].state == "failed"
    assert "two" in bench.log.read_text()


def test_a_stage_is_built_and_nothing_behind_it(bench: Bench):
    """By its name, in any case; what comes after it is not even begun; a number is no name."""
    text = f"{PARENT}FROM busybox:1.36 AS Two\nRUN echo two > /two\nFROM busybox:1.36\nRUN exit 3\n"

    assert bench.built(msgspec.structs.replace(bench.request(text), stage="two")).layers
    assert bench.build(bench.request(text)).failure
    refused = bench.build(msgspec.structs.replace(bench.request(text), stage="1"))
    assert refused.failure
    assert "could not be found" in refused.failure
    assert re.search(r'target stage "?1"? ', refused.failure)  # engines of 2020 quote no name


def test_a_network_is_taken(bench: Bench):
    """A build without one works where nothing asks for it."""
    assert bench.built(msgspec.structs.replace(bench.request(PARENT), network="none")).layers


def test_an_image_nobody_planned_fails_the_build(bench: Bench):
    """A FROM that is neither pinned nor in the store fails by its name: nothing is fetched behind our back."""
    result = bench.build(bench.request(f"FROM {bench.prefix}/missing:1\n"))

    assert result.failure is not None
    assert f"{bench.prefix}/missing:1" in result.failure
    assert "not planned" in result.failure


def test_a_fetch_that_is_allowed(real_bench: Bench):
    """The same image, in a registry: without leave the build fails by its name, with leave it is fetched and told."""
    where = Reference.parse(f"{_registry()}/{real_bench.prefix}/parent:1")
    real_bench.built(real_bench.request(PARENT, "parent", tag=where))
    real_bench.engine.push(where, real_bench.log)
    real_bench.engine.untag(where)
    request = real_bench.request(f"FROM {where}\nRUN grep parent /who\n", "child")

    assert "--allow-pull" in (real_bench.build(request).failure or "")
    assert real_bench.built(msgspec.structs.replace(request, may_pull=True)).layers


def test_a_child_is_built_on_the_pinned_parent(bench: Bench):
    """The reference in FROM is replaced by the pin: the child's first layers are the pin's, whatever the name says."""
    parent = bench.built(bench.request(PARENT, "parent"))
    pins = {f"{bench.prefix}/parent:2026.3-main": parent.image}

    child = bench.built(
        bench.request(f"FROM {bench.prefix}/parent:2026.3-main\nRUN grep parent /who\n", "child", pins=pins)
    )

    assert child.is_built_on(parent)
    assert len(child.layers) > len(parent.layers)


def test_a_pin_wins_over_the_store(bench: Bench):
    """An image of the name that FROM says may be in the store: the pin is taken all the same."""
    old = bench.built(bench.request(PARENT, "parent"))
    new = bench.built(bench.request("FROM busybox:1.36\nRUN echo new > /who\n", "parent", tag=bench.name("new")))

    child = bench.built(
        bench.request(
            f"FROM {bench.name('parent')}\nRUN grep new /who\n",
            "child",
            pins={str(bench.name("parent")): new.image},
        )
    )

    assert child.is_built_on(new)
    assert not child.is_built_on(old)


def test_a_pin_wins_over_a_registry(real_bench: Bench):
    """What a registry has under a name is not asked for: a containerd store would take it, given the name alone."""
    registry = _registry()
    where = Reference.parse(f"{registry}/{real_bench.prefix}/parent:1")
    real_bench.built(real_bench.request("FROM busybox:1.36\nRUN echo theirs > /who\n", "parent", tag=where))
    real_bench.engine.push(where, real_bench.log)
    ours = real_bench.built(real_bench.request("FROM busybox:1.36\nRUN echo ours > /who\n", "parent", tag=where))

    child = real_bench.built(
        real_bench.request(f"FROM {where}\nRUN grep ours /who\n", "child", pins={str(where): ours.image})
    )

    assert child.is_built_on(ours)


@pytest.mark.parametrize("name", ["stackyard-local", "docker.io/library/stackyard-local", "stackyard-local:latest"])
def test_a_pin_matches_however_the_name_is_written(bench: Bench, name: str):
    """Docker's short and long spellings of a reference are one."""
    parent = bench.built(bench.request(PARENT, "parent"))

    child = bench.built(
        bench.request("FROM stackyard-local\nRUN grep parent /who\n", "child", pins={name: parent.image})
    )

    assert child.layers


@pytest.mark.parametrize(
    "instruction",
    ["COPY --from={name} /who /copied", "RUN --mount=from={name},target=/parent grep parent /parent/who"],
)
def test_copies_and_mounts_are_pinned_too(bench: Bench, instruction: str):
    """Not only FROM names images."""
    parent = bench.built(bench.request(PARENT, "parent"))
    name = f"{bench.prefix}/parent:moving"

    child = bench.built(
        bench.request(
            f"FROM busybox:1.36\n{instruction.format(name=name)}\n",
            "child",
            pins={name: parent.image},
        )
    )

    assert len(child.layers) > 1


def test_a_stage_may_be_named_like_its_image(bench: Bench):
    """`FROM base AS base`: the parent is pinned, and the stage still does what it says."""
    parent = bench.built(bench.request(PARENT, "parent"))
    text = "ARG FROM_HERE=base\nFROM ${FROM_HERE} AS base\nRUN echo more >> /who\nFROM base\nRUN grep more /who\n"

    child = bench.built(bench.request(text, "child", pins={"base": parent.image}))

    assert child.is_built_on(parent)


def test_a_pin_that_is_gone_is_no_build(bench: Bench):
    """A pin whose image is not in the store stops the build before it starts."""
    with pytest.raises(EngineProblem, match="has no such image"):
        bench.build(bench.request("FROM x:1\n", pins={"x:1": LocalImage(_digest("0"))}))


def test_pins_leave_no_names_behind(docker_bench: Bench):
    """A pinned image has one private name, for all builds on it, and none once they are over, failed ones too."""
    parent = docker_bench.built(docker_bench.request(PARENT + f"RUN echo {docker_bench.prefix}\n", "parent"))
    for name in ("child", "other"):
        docker_bench.build(docker_bench.request("FROM x:1\nRUN exit 1\n", name, pins={"x:1": parent.image}))

    def tags() -> list[str]:
        told = docker_bench.api.get(f"/images/{parent.image.id}/json")
        return sorted(told["RepoTags"])

    private, own = tags()
    assert private.startswith("127.0.0.1:0/")
    docker_bench.engine.unpin(LocalImage(_digest("0")))
    assert tags() == [private, own]
    docker_bench.engine.unpin(parent.image)
    assert tags() == [own] == [str(docker_bench.name("parent"))]


def test_an_argument_reaches_the_build(bench: Bench):
    """Values with blanks and empty values arrive as they are."""
    text = 'FROM busybox:1.36\nARG WORDS\nARG NONE=default\nRUN test "$WORDS" = "a b" && test -z "$NONE"\n'

    bench.built(bench.request(text, args=(("WORDS", "a b"), ("NONE", ""))))


def test_an_argument_can_choose_the_parent(bench: Bench):
    """The pin belongs to the reference as it is once variables are replaced."""
    parent = bench.built(bench.request(PARENT, "parent"))

    child = bench.built(
        bench.request(
            "ARG OF=nothing\nFROM base:${OF}\nRUN cat /who\n",
            "child",
            args=(("OF", "2026"),),
            pins={"base:2026": parent.image},
        )
    )

    assert child.is_built_on(parent)


def test_an_arguments_value_is_on_no_command_line(real_bench: Bench):
    """While a build runs, no process of this machine shows the value of an argument."""
    value = f"s3cret-{secrets.token_hex(8)}"
    request = real_bench.request(
        "FROM busybox:1.36\nARG NPM_TOKEN\nRUN test -n $NPM_TOKEN; sleep 1; exit 4\n", args=(("NPM_TOKEN", value),)
    )
    seen: list[str] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(place.read_bytes().decode("utf-8", "replace"))
                except OSError:
                    continue
            time.sleep(0.02)

    watcher = threading.Thread(target=look)
    watcher.start()
    result = real_bench.build(request)
    ended.set()
    watcher.join()

    ours = [line for line in seen if "build" in line and str(request.tag) in line]
    assert ours
    assert not any(value in line for line in ours)
    assert value not in real_bench.log.read_text()
    assert value not in str(result)
    assert not any(value in step.name for step in real_bench.steps)


def test_secrets_reach_their_mounts_and_nothing_else(real_bench: Bench, tmp_path: Path):
    """From the environment and from a file, whole; in no log, no step, no failure, no history; an argument of the
    same name is another thing, and what is not mounted need not be there."""
    value = secrets.token_hex(12)
    (tmp_path / "netrc").write_text(f"machine lab\npassword {value}-2\n")
    real_bench.engine._processes.environ["LAB_TOKEN"] = value  # type: ignore[attr-defined]
    mounts = "--mount=type=secret,id=token --mount=type=secret,id=netrc,target=/netrc"
    digest = hashlib.sha256(value.encode()).hexdigest()
    text = (
        f"FROM busybox:1.36\nARG LAB_TOKEN\nRUN {mounts} test $LAB_TOKEN = other && cat /run/secrets/token /netrc"
        f" && sha256sum /run/secrets/token | grep {digest} && grep $(cat /run/secrets/token)-2 /netrc"
    )
    request = msgspec.structs.replace(
        real_bench.request(text, args=(("LAB_TOKEN", "other"),)),
        secrets=(
            Secret("token", env="LAB_TOKEN"),
            Secret("netrc", file=str(tmp_path / "netrc")),
            Secret("unused", env="NOT_THERE"),
        ),
    )
    facts = real_bench.built(request)
    request.dockerfile.write_text(f"{text}; exit 3\n")
    failed = real_bench.build(request)

    assert failed.failure
    assert any("***" in line for line in failed.last_lines)
    said = f"{real_bench.log.read_text()} {failed} {real_bench.steps} {facts} {real_bench.history(facts.image)}"
    assert value not in said


def test_a_mount_without_its_secret_fails(real_bench: Bench, tmp_path: Path):
    """Before anything is built, with where it should come from: a RUN may cope, and build another image."""
    for secret, words in (
        (Secret("token", env="NOT_THERE"), "the environment has no NOT_THERE"),
        (Secret("token", file=str(tmp_path / "none")), "its file"),
    ):
        request = real_bench.request("FROM busybox:1.36\nRUN --mount=type=secret,id=token true\n")
        assert words in (real_bench.build(msgspec.structs.replace(request, secrets=(secret,))).failure or "")


def test_an_agents_socket_is_there(real_bench: Bench, tmp_path_factory: pytest.TempPathFactory):
    """For the RUN that mounts it, and no other."""
    if shutil.which("ssh-agent") is None:
        missing("there is no ssh-agent; `apt install openssh-client` adds it")
    place = str(tmp_path_factory.mktemp("a") / "s")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", place], stdout=subprocess.DEVNULL)
    try:
        while not Path(place).exists():
            time.sleep(0.05)
        text = 'FROM busybox:1.36\nRUN --mount=type=ssh test -S $SSH_AUTH_SOCK\nRUN test -z "$SSH_AUTH_SOCK"\n'
        request = msgspec.structs.replace(real_bench.request(text), ssh=(Secret("default", file=place),))
        real_bench.built(request)
    finally:
        agent.terminate()
        agent.wait()


def test_cached_steps_are_left_and_taken(real_bench: Bench):
    """In a registry, by any engine that can: the next build with an empty cache of its own would find them there."""
    place = f"type=registry,ref={_registry()}/{real_bench.prefix}/cache:image,mode=max"
    request = real_bench.request(f"FROM busybox:1.36\nRUN head -c 8 /dev/urandom > /r; echo {real_bench.prefix}\n")
    if "registry" not in real_bench.engine.caches().exports:
        pytest.skip(f"{real_bench.engine.about().name} with its store leaves no cache anywhere")
    real_bench.built(msgspec.structs.replace(request, cache_to=(place,)))

    tags = json.loads(urllib.request.urlopen(f"http://{_registry()}/v2/{real_bench.prefix}/cache/tags/list").read())
    assert tags["tags"]
    assert real_bench.built(msgspec.structs.replace(request, cache_from=(place,))).layers


def test_an_image_for_another_platform(bench: Bench):
    """What was asked for is what comes out, on a parent for the same one, where nothing of it has to run."""
    ours = bench.engine.about().platform
    other = Platform("linux/s390x" if ours != "linux/s390x" else "linux/amd64")

    def built(image: str, text: str, platform: Platform | None, **more: Any) -> ImageFacts:
        request = bench.request(text, image, files={"a": image}, **more)
        return bench.built(msgspec.structs.replace(request, platform=platform))

    parent = built("parent", "FROM scratch\nCOPY a /a\n", other)
    child = built("child", "FROM base\nCOPY a /b\n", other, pins={"base": parent.image})
    own = built("parent", "FROM scratch\nCOPY a /a\n", None)

    assert (parent.platform, child.platform) == (other, other)
    assert child.is_built_on(parent)
    assert own.platform.fits(ours)
    assert own.image != parent.image
    runs = bench.engine.platforms()
    assert not runs or any(each.fits(ours) for each in runs)


def test_the_same_input_twice_is_the_same_content(bench: Bench):
    """Built again, nothing changes: not the layers, not the runtime config, not the id."""
    first = bench.built(bench.request(PARENT))
    second = bench.built(bench.request(PARENT))

    assert content_digest(first) == content_digest(second)
    assert first.image == second.image


def test_another_input_is_another_content(bench: Bench):
    """One byte of a file that is copied makes another image."""
    first = bench.built(bench.request("FROM scratch\nCOPY a /a\n", files={"a": "1"}))
    second = bench.built(bench.request("FROM scratch\nCOPY a /a\n", files={"a": "2"}))

    assert content_digest(first) != content_digest(second)


def test_names_come_and_go(bench: Bench):
    """A tag names an image, moves, and is taken away; an image goes with its last name."""
    first = bench.built(bench.request("FROM scratch\nCOPY a /a\n", files={"a": secrets.token_hex(8)})).image
    second = bench.built(bench.request("FROM scratch\nCOPY a /a\n", "two", files={"a": secrets.token_hex(8)})).image
    moving = bench.name("image", "moving")

    bench.engine.tag(first, moving)
    assert _image(bench, moving) == first
    bench.engine.tag(second, moving)
    assert _image(bench, moving) == second
    bench.engine.untag(moving)
    assert _image(bench, moving) is None
    assert {first.id, second.id} <= bench.engine.present()
    nobody = _digest("7")
    assert {first.id} <= bench.engine.present([first.id, nobody])
    assert nobody not in bench.engine.present([first.id, nobody])
    bench.engine.untag(bench.name("image"))
    assert first.id not in bench.engine.present()
    assert bench.engine.inspect(first.id) is None


def test_taking_a_missing_name_away_is_fine(bench: Bench):
    """So that a run that was killed can be continued."""
    bench.engine.untag(bench.name("never"))


def test_a_missing_image_is_none(bench: Bench):
    """Inspect never pulls, and takes no short name for the start of an id."""
    facts = bench.engine.inspect(BASE)
    assert facts is not None

    assert bench.engine.inspect(str(bench.name("never"))) is None
    assert bench.engine.inspect(f"sha256:{'0' * 64}") is None
    assert bench.engine.inspect(facts.image.id.hex[:12]) is None


def test_a_missing_image_cannot_be_named(bench: Bench):
    """Naming an id that the store does not have is an error, not a quiet nothing."""
    with pytest.raises(EngineProblem, match="no such image"):
        bench.engine.tag(LocalImage(_digest("0")), bench.name("x"))


def test_a_saved_image_has_its_layers_in_order(bench: Bench):
    """As archives that say which is which; what the store has not cannot be saved."""
    facts = bench.engine.inspect(BASE)
    assert facts is not None

    with bench.engine.save(facts.image) as archive:
        stored = from_archive(archive, facts.platform, lambda layer: layer.read(512))

    assert tuple(stored.config["rootfs"]["diff_ids"]) == facts.layers
    assert len(stored.layers) == len(facts.layers)
    assert all(stored.layers)
    with pytest.raises(EngineProblem), bench.engine.save(LocalImage(_digest("0"))):
        pass


def test_a_run_gives_output_and_exit_code(bench: Bench):
    """Both outputs are there, and the entrypoint is not in the way."""
    image = _base(bench)

    for pause in (0.2, 2, 20):  # the engine reads two pipes: busy, it may come to the first after the second
        result = bench.engine.run(image, ["sh", "-c", f"echo out; sleep {pause}; echo err >&2"], 60)
        if result.output.startswith("out"):
            break

    assert result.exit_code == 0
    assert result.output == "out\nerr\n"


def test_a_command_that_is_not_there_is_127(bench: Bench):
    """As in a shell; an exception would say that the engine failed."""
    result = bench.engine.run(_base(bench), ["no-such-command"], 30)

    assert result.exit_code == 127
    assert "no-such-command" in result.output


def test_a_run_ends_when_its_time_is_up(bench: Bench):
    """124, soon after, and the container is gone."""
    for limit in (1, 10, 100):  # a busy engine may need longer than the first to say anything
        started = time.monotonic()
        result = bench.engine.run(_base(bench), ["sh", "-c", "echo begun; sleep 600"], limit)
        took = time.monotonic() - started

        assert result.exit_code == 124
        assert took < 300
        if result.output:
            break
    if not bench.is_fake:
        assert result.output == "begun\n"


def test_a_container_leaves_nothing(real_bench: Bench):
    """Neither a good run nor one whose time was up leaves a container; exit codes come through; no entrypoint runs."""
    request = real_bench.request('FROM busybox:1.36\nENTRYPOINT ["false"]\nCMD ["x"]\nVOLUME /v\n')
    image = real_bench.built(request).image

    assert real_bench.engine.run(image, ["true"], 30).exit_code == 0
    assert real_bench.engine.run(image, ["sh", "-c", "exit 125"], 30).exit_code == 125
    real_bench.engine.run(image, ["sleep", "60"], 0.5)

    assert real_bench.containers(image) == []


def test_commands_and_files_in_a_container_that_stays(bench: Bench):
    """One container for many commands, each as whom it is asked for; files by a look; nothing is left of it."""
    image = _own(bench)
    if isinstance(bench.engine, FakeEngine):
        bench.engine.answers["sh"] = lambda _, argv: RunResult(3, "out\n65534:100 b\n", 0.0)
        bench.engine.files |= {"/bin": FileFacts("dir", 0o755, 0, 0), "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n"}
    with bench.engine.inside(image) as container:
        script = 'echo out; echo "$(id -u):$(id -g) $A"; exit 3'
        ended = container.run(["sh", "-c", script], 30, "65534:100", [("A", "b")])
        assert (ended.exit_code, ended.output) == (3, "out\n65534:100 b\n")
        assert container.run(["no-such-command"], 30).exit_code == 127
        folder, file = container.look("/bin"), container.look("/etc/passwd")
        assert folder is not None
        assert file is not None
        assert (folder.kind, folder.mode, folder.uid) == ("dir", 0o755, 0)
        assert (file.kind, file.mode) == ("file", 0o644)
        assert container.look("/no/such/path") is None
        assert (container.read("/etc/passwd") or b"").startswith(b"root:x:0:0:")
        assert container.read("/no/such/path") is None
        container.put({"/opt/probe/a.txt": b"put\n"})
        assert container.read("/opt/probe/a.txt") == b"put\n"
    assert bench.is_fake or not bench.containers(image)


def test_what_goes_wrong_in_a_container_that_stays(real_bench: Bench):
    """A command that never ends is ended, and the next one runs; of much output the beginning is kept, and told."""
    image = _own(real_bench)
    with real_bench.engine.inside(image) as container:
        assert container.run(["sleep", "60"], 0.5).exit_code == 124
        much = container.run(["sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x; printf '\\377'; exit 4"], 60)
        assert much.exit_code == 4
        assert len(much.output) < 2_000_000
        assert "more bytes were left out]" in much.output
    assert not real_bench.containers(image)


def test_commands_at_once_in_a_container_that_stays(real_bench: Bench):
    """Each has its own output; two whose time is up together leave one container, in which the next one runs."""
    image = _own(real_bench)
    with real_bench.engine.inside(image) as container, ThreadPoolExecutor(4) as pool:
        script = "echo {0}; sleep 0.3; echo {0} >&2; exit {0}"
        done = list(pool.map(lambda number: container.run(["sh", "-c", script.format(number)], 30), range(4)))
        assert [(each.exit_code, each.output) for each in done] == [(each, f"{each}\n{each}\n") for each in range(4)]
        late = [pool.submit(container.run, ["sleep", "60"], 0.5) for _ in range(2)]
        ended = [each.exception() or each.result().exit_code for each in late]
        assert 124 in ended
        assert container.run(["echo", "next"], 30).output == "next\n"
    assert not real_bench.containers(image)


def test_a_command_on_our_own_streams(bench: Bench, capfd: pytest.CaptureFixture[str]):
    """What it says goes where ours does, and its exit code comes through."""
    code = bench.engine.open(_base(bench), ["sh", "-c", "echo out; echo err"])

    assert code == 0
    assert capfd.readouterr().out.splitlines() == ["out", "err"]


def test_a_container_of_a_missing_image_is_an_error(bench: Bench):
    """Nothing is pulled for it."""
    with pytest.raises(EngineProblem, match="cannot be run"):
        bench.engine.open(LocalImage(_digest("0")), ["true"])
    with pytest.raises(EngineProblem, match="cannot be run"):
        bench.engine.run(LocalImage(_digest("0")), ["true"], 10)


def test_temporary_names_of_a_dead_run_are_taken_away(bench: Bench):
    """Those of its token and no other; what else an image is called stays."""
    image = bench.built(bench.request(PARENT)).image
    dead, other = secrets.token_hex(8), secrets.token_hex(8)
    gone, stays = (bench.name("image", f"{prefix_of(token)}1") for token in (dead, other))
    bench.engine.tag(image, gone)
    bench.engine.tag(image, stays)

    bench.engine.clear(dead)
    bench.engine.clear(dead)

    assert _image(bench, gone) is None
    assert _image(bench, stays) == image == _image(bench, bench.name("image"))


def test_containers_of_a_dead_run_are_removed(real_bench: Bench):
    """Those of its token and no other, however long they would have run."""
    image = real_bench.built(real_bench.request(f"FROM busybox:1.36\nLABEL a={real_bench.prefix}\n")).image
    environ = real_bench.engine._processes.environ  # type: ignore[attr-defined]
    tokens = [secrets.token_hex(8) for _ in range(2)]
    engines = [type(real_bench.engine)({**environ, VARIABLE: token}) for token in tokens]  # type: ignore[call-arg]
    runs = [threading.Thread(target=_run, args=(engine, image)) for engine in engines]
    for thread in runs:
        thread.start()
    until(lambda: len(real_bench.containers(image)) == 2)

    real_bench.engine.clear(tokens[0])
    left = real_bench.containers(image)
    for engine in engines:
        engine.close()
    for thread in runs:
        thread.join(30)

    assert len(left) == 1
    assert real_bench.containers(image) == []


def until(is_so: Callable[[], bool]) -> None:
    """Wait for a fact."""
    late = time.monotonic() + 200
    while not is_so():
        assert time.monotonic() < late
        time.sleep(0.1)


def _run(engine: Engine, image: LocalImage) -> None:
    """A command that somebody ends."""
    with contextlib.suppress(EngineProblem):
        engine.run(image, ["sleep", "600"], 600)


def test_stopping_ends_what_runs(real_bench: Bench):
    """`close` ends a build and a container of other threads, and nothing is left of either."""
    engine = real_bench.another()
    request = real_bench.request(f"FROM busybox:1.36\nRUN sleep 600; echo {real_bench.prefix}\n")
    image = _own(real_bench)
    problems: list[BaseException] = []

    def catch(action: Callable[[], object]) -> None:
        try:
            action()
        except EngineProblem as problem:
            problems.append(problem)

    actions: list[Callable[[], object]] = [
        lambda: engine.build(request, real_bench.log, real_bench.steps.append),
        lambda: engine.run(image, ["sleep", "600"], 600),
    ]
    threads = [threading.Thread(target=catch, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    until(lambda: any("sleep 600" in step.name for step in real_bench.steps) and bool(real_bench.containers(image)))
    engine.close()
    for thread in threads:
        thread.join(200)

    assert len(problems) == 2
    assert real_bench.containers(image) == []


def test_a_build_that_hangs_is_ended(real_bench: Bench):
    """Its time is up: a result that says at which step, with what it had said; nothing of it goes on."""
    request = real_bench.request(f"FROM busybox:1.36\nRUN echo {real_bench.prefix}; sleep 600\n")
    for limit in (4, 40, 200):  # a busy engine may not have come so far by the first
        result = real_bench.build(msgspec.structs.replace(request, timeout_s=limit))
        assert result.image is None
        assert result.is_late
        assert result.duration_s < 400
        if result.last_lines:
            break

    assert re.search(r"it was at \[\d/\d\] RUN echo", result.failure or "")
    assert result.last_lines == (real_bench.prefix,)


def test_an_exception_in_a_watcher_ends_the_build(real_bench: Bench):
    """As Ctrl-C does: the program is ended before the exception goes on its way."""

    def stop(step: BuildStep) -> None:
        if "sleep" in step.name:
            raise KeyboardInterrupt

    request = real_bench.request(f"FROM busybox:1.36\nRUN sleep 601; echo {real_bench.prefix}\n")
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        real_bench.engine.build(request, real_bench.log, stop)
    assert time.monotonic() - started < 300


def test_nobody_at_the_address():
    """One sentence with the address, and what to do."""
    with pytest.raises(EngineUnavailable, match=r"unix:///nowhere/docker\.sock") as caught:
        DockerEngine({"DOCKER_HOST": "unix:///nowhere/docker.sock"}).about()
    assert caught.value.hint
    engine = FakeEngine()
    engine.is_down = True
    with pytest.raises(EngineUnavailable):
        engine.about()


@pytest.mark.live
def test_a_build_without_an_engine(tmp_path: Path):
    """An engine that is gone is an exception, not a failed build."""
    real_docker()  # where one answers there is a client with buildx, too: a machine with docker alone has not
    engine = DockerEngine({**ENVIRON, "DOCKER_HOST": "tcp://127.0.0.1:1"})
    made = Bench(engine, tmp_path)

    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:1"):
        made.build(made.request("FROM scratch\nCOPY Dockerfile /\n"))


def test_a_missing_client_is_named(docker_bench: Bench, tmp_path: Path):
    """Without the docker program, a build says so; without its build plugin, it says that."""
    made = Bench(DockerEngine({**ENVIRON, "PATH": str(tmp_path)}), docker_bench.folder)
    with pytest.raises(ToolMissing, match="docker"):
        made.build(made.request(PARENT))

    without_plugin = tmp_path / "docker"
    without_plugin.write_text("#!/bin/sh\necho \"docker: 'buildx' is not a docker command.\" >&2\nexit 1\n")
    without_plugin.chmod(0o755)
    with pytest.raises(ToolMissing, match="buildx"):
        made.build(made.request(PARENT))


def test_pushed_to_a_registry_and_pulled_back(real_bench: Bench):
    """What was pushed is, pulled back by its digest, the same content under the id the store gives it."""
    registry = _registry()
    facts = real_bench.built(real_bench.request(PARENT))
    where = Reference.parse(f"{registry}/{real_bench.prefix}/image:sy-1")
    real_bench.engine.tag(facts.image, where)

    real_bench.engine.push(where, real_bench.log)
    pushed = real_bench.engine.inspect(str(where))
    assert pushed is not None
    digest = next(d for d in pushed.repository_digests if d.startswith(str(where.repository)))
    real_bench.engine.untag(where)
    real_bench.engine.untag(real_bench.name("image"))
    pulled = real_bench.engine.pull(Reference.parse(digest))

    assert pulled == facts.image
    back = real_bench.engine.inspect(pulled.id)
    assert back is not None
    assert content_digest(back) == content_digest(facts)
    real_bench.engine.untag(Reference.parse(digest))


@pytest.fixture
def refusing_registry() -> Iterator[str]:
    """A registry that lets nobody write, in the words of the distribution spec."""

    class Refuse(Handler):
        # Engines try TLS first, and need an HTTP answer to their hello to go on without.
        protocol_version = default_request_version = "HTTP/1.1"

        def answer(self) -> None:
            body = b'{"errors":[{"code":"DENIED","message":"this project takes no pushes"}]}'
            status = 200 if self.path == "/v2/" else 403 if self.command == "POST" else 404
            self.send(status, {"Content-Type": "application/json"}, body)

    with served(Loopback(Refuse)) as server:
        yield server.host


def test_a_refused_push_says_what_the_registry_said(real_bench: Bench, refusing_registry: str):
    """The registry's words, or on a containerd store its status, and a hint; the log has them too."""
    image = real_bench.built(real_bench.request(PARENT)).image
    where = Reference.parse(f"{refusing_registry}/{real_bench.prefix}/image:1")
    real_bench.engine.tag(image, where)

    with pytest.raises(RegistryRefused, match=r"denied: this project takes no pushes|403 Forbidden") as caught:
        real_bench.engine.push(where, real_bench.log)

    assert f" login {refusing_registry}" in str(caught.value.hint)
    assert str(caught.value.words) in real_bench.log.read_text()


def test_no_registry_at_the_address(real_bench: Bench):
    """A registry nobody reaches is another failure than a refusal: it may go away by itself."""
    image = real_bench.built(real_bench.request(PARENT)).image
    where = Reference.parse(f"127.0.0.1:1/{real_bench.prefix}/image:1")
    real_bench.engine.tag(image, where)

    with pytest.raises(RegistryUnreachable):
        real_bench.engine.push(where, real_bench.log)
    with pytest.raises(RegistryUnreachable):
        real_bench.engine.pull(Reference.parse(f"127.0.0.1:1/{real_bench.prefix}/other:1"))


def test_a_push_of_nothing(bench: Bench):
    """Pushing a name that the store does not have names it."""
    with pytest.raises(EngineProblem, match="no image of this name"):
        bench.engine.push(bench.name("never"), bench.log)


def _registry() -> str:
    """Where tests may push; without it the test is skipped, and fails where CI promises it."""
    registry = ENVIRON.get("STACKYARD_TEST_REGISTRY")
    if not registry:
        missing('STACKYARD_TEST_REGISTRY names no registry; start one with: eval "$(script/dev up)"')
    return str(registry)


def _image(bench: Bench, reference: Reference) -> LocalImage | None:
    facts = bench.engine.inspect(str(reference))
    return facts.image if facts else None


def _own(bench: Bench) -> LocalImage:
    """As the base, and no other test has a container of it."""
    return bench.built(bench.request(f"FROM {BASE}\nLABEL a={bench.prefix}\n", "own")).image


def _base(bench: Bench) -> LocalImage:
    facts = bench.engine.inspect(BASE)
    assert facts is not None
    return facts.image


def _digest(digit: str) -> Digest:
    return Digest(f"sha256:{digit * 64}")
