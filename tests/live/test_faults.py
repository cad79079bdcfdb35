# SPDX-License-Identifier: MIT
"""What goes wrong outside: engines that die, disks that are full, commands that hang, registries that fail or lie.

Each time: the run says what it was in one sentence, does what it still can, and the next one ends well.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping

import pytest

from stackyard import verbs
from stackyard.edges.docker import DockerEngine
from stackyard.model.names import Tag
from stackyard.model.outcome import Outcome, RunSummary
from stackyard.model.progress import JobStep, Progress
from stackyard.model.reference import Repository
from stackyard.report.summary import summary_text
from stackyard.report.text import Style
from stackyard.run.events import Limits
from stackyard.verbs import Options
from tests.live.conftest import ENVIRON, LiveStack
from tests.live.faulty import Fault, faulty
from tests.live.own_engine import own_engine

pytestmark = pytest.mark.live


def write(stack: LiveStack, parents: Mapping[str, str], lines: Mapping[str, str], spec: str = "") -> None:
    """A stack of busybox images: what each is built on, and what its Dockerfile says after FROM; committed."""
    said = [f"root: {next(iter(parents))}", "images:"]
    for name, parent in parents.items():
        above = f", depend_on: {parent}" if parent else ""
        said.append(f"  {name}: {{image_name: {stack.prefix}/{name}{above}}}")
        base = f"{stack.prefix}/{parent}" if parent else "busybox:1.36"
        stack.write(f"images/{name}/Dockerfile", f"FROM {base}\n{lines.get(name, f'RUN echo {name} > /{name}')}\n")
    stack.write("images/spec.yml", "\n".join([*said, 'tag: {prefix: "1"}', spec]))
    stack.commit()


def run(
    stack: LiveStack, watch: object = None, publish: bool = False, builds: int = 2, **options: object
) -> RunSummary:
    """One run; options are those of a Yard."""
    yard = verbs.load(stack.root, Options(**{"registry": stack.registry, "environ": ENVIRON, **options}))  # type: ignore[arg-type]
    told = watch if callable(watch) else (lambda _: None)
    return verbs.run(yard, verbs.prepare(yard, publish=publish), watch=told, limits=Limits(builds=builds))


def by_name(summary: RunSummary) -> dict[str, Outcome]:
    """Outcomes of images."""
    return {str(outcome.target): outcome for outcome in summary.outcomes}


def statuses(summary: RunSummary) -> dict[str, str]:
    """How each image ended."""
    return {name: outcome.status for name, outcome in by_name(summary).items()}


def names(engine: DockerEngine) -> list[str]:
    """All that images of an engine are called."""
    return [name for image in engine._api.must("/images/json") for name in image.get("RepoTags") or ()]


def test_an_engine_that_dies_in_the_middle_of_a_build(live_stack: LiveStack, docker: DockerEngine) -> None:
    """What was built is known, the rest says that nobody answers; with the engine back, the next run goes on."""
    write(live_stack, {"base": "", "slow": "base", "top": "slow"}, {"slow": "RUN sleep 15"})
    with own_engine(docker, "512m") as engine:

        def kill(progress: Progress) -> None:
            if isinstance(progress, JobStep) and "sleep 15" in progress.text and progress.state == "started":
                engine.end(signal.SIGKILL)

        begun = time.monotonic()
        summary = run(live_stack, kill, environ=engine.environ)

        assert statuses(summary) == {"base": "built", "slow": "failed", "top": "skipped"}
        assert "no engine answers at unix://" in (by_name(summary)["slow"].failure or "")
        assert time.monotonic() - begun < 60
        live_stack.write("images/slow/Dockerfile", f"FROM {live_stack.prefix}/base\nRUN echo slow > /slow\n")
        live_stack.commit()
        engine.start()
        again = run(live_stack, environ=engine.environ)

        assert statuses(again) == {"base": "tagged", "slow": "built", "top": "built"}
        assert not [name for name in names(DockerEngine(engine.environ)) if ":sy-building-" in name]
        assert os.listdir(live_stack.root / ".stackyard/alive") == []


def test_a_disk_that_is_full(live_stack: LiveStack, docker: DockerEngine) -> None:
    """What does not fit fails in the system's words, what is beside it is built, and no harm lasts."""
    write(
        live_stack,
        {"base": "", "small": "base", "big": "base", "top": "big"},
        {"big": "RUN dd if=/dev/urandom of=/big bs=1M count=200"},
    )
    with own_engine(docker, "100m") as engine:
        summary = run(live_stack, environ=engine.environ, builds=1)  # one fills it alone

        assert statuses(summary) == {"base": "built", "small": "built", "big": "failed", "top": "skipped"}
        big = by_name(summary)["big"]
        assert "No space left on device" in " ".join((big.failure or "", *big.details))
        live_stack.write(
            "images/big/Dockerfile", f"FROM {live_stack.prefix}/base\nRUN head -c 2000 /dev/urandom > /b\n"
        )
        live_stack.commit()
        again = run(live_stack, environ=engine.environ)
        assert statuses(again) == {"base": "tagged", "small": "tagged", "big": "built", "top": "built"}


LIMITS_S = (5, 50, 200)
"""Times that are up: on a busy machine it may take longer than the first to come to where it hangs."""


def test_a_command_that_hangs(live_stack: LiveStack) -> None:
    """Its image's time is up: it failed, what builds on it is skipped because of it, and nothing of it runs on."""
    write(
        live_stack, {"base": "", "hang": "base", "top": "hang", "good": "base"}, {"hang": "RUN echo begun; sleep 1000"}
    )
    spec = (live_stack.root / "images/spec.yml").read_text()
    for limit_s in LIMITS_S:
        live_stack.write("images/spec.yml", spec.replace("/hang, ", f"/hang, timeout: {limit_s}s, "))
        live_stack.commit()
        begun = time.monotonic()
        summary = run(live_stack)
        hang = by_name(summary)["hang"]

        good = "built" if limit_s == LIMITS_S[0] else "tagged"
        assert statuses(summary) == {"base": good, "hang": "failed", "top": "skipped", "good": good}
        assert by_name(summary)["top"].because == "hang"
        assert (hang.failure or "").startswith(f"build was ended, its {limit_s} seconds were up")
        assert time.monotonic() - begun < 500
        if hang.details:
            break
    assert hang.details == ("begun",)
    assert not [name for name in names(live_stack.engine) if live_stack.prefix in name and ":sy-building-" in name]


HANGS = """
import os
import time
import docker
def test_hangs():
    client = docker.from_env()
    mine = {"stackyard.run": os.environ["STACKYARD_RUN"]}
    client.containers.run(os.environ["TEST_IMAGE"], ["sleep", "1000"], detach=True, labels=mine)
    open("BEGUN", "w").close()
    time.sleep(1000)
"""


def test_a_test_that_hangs(live_stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its time is up: the image failed, its container is gone; later it is tested again, and not built."""
    write(live_stack, {"base": "", "top": "base"}, {})
    begun = tmp_path_factory.mktemp("begun") / "begun"
    live_stack.write("images/base/test/test_hangs.py", HANGS.replace("BEGUN", str(begun)))
    spec = (live_stack.root / "images/spec.yml").read_text()
    for limit_s in (12, 120):  # as above
        live_stack.write("images/spec.yml", f"{spec}timeout: {limit_s}s\n")
        live_stack.commit()
        summary = run(live_stack, publish=True)

        assert statuses(summary) == {"base": "failed", "top": "skipped"}
        if begun.exists():
            break
    assert begun.exists()
    assert f"its {limit_s} seconds were up" in " ".join(by_name(summary)["base"].details)
    assert live_stack.at("base", "1-main") is live_stack.at("top", "1-main") is None
    image = next(name for name in names(live_stack.engine) if f"{live_stack.prefix}/base:" in name)
    filters = f'{{"ancestor":["{image}"]}}'
    assert live_stack.engine._api.must("/containers/json", {"all": "1", "filters": filters}) == []
    live_stack.write("images/base/test/test_hangs.py", "def test_it():\n    pass\n")
    live_stack.write("images/spec.yml", spec)
    live_stack.commit()
    assert statuses(run(live_stack, publish=True))["base"] == "tested"


def tagged(stack: LiveStack, tag: str = "1-main") -> dict[str, str | None]:
    """Where the moving tags are, as the registry itself says."""
    registry = stack.yard().registry
    return {
        name: registry.resolve(Repository(f"{stack.registry}/{stack.prefix}/{name}"), Tag(tag))
        for name in ("base", "left", "right")
    }


@pytest.fixture
def three(live_stack: LiveStack) -> LiveStack:
    """Three images, nothing built."""
    write(live_stack, {"base": "", "left": "base", "right": "base"}, {})
    return live_stack


def ours(method: str, path: str) -> bool:
    """What Stackyard itself asks for: manifests by GET and HEAD."""
    return method in ("GET", "HEAD") and "/manifests/" in path


def engines(method: str, path: str) -> bool:
    """What an engine asks for when it pushes."""
    return method in ("POST", "PUT", "PATCH") and "/blobs/" in path


@pytest.mark.parametrize("fault", ["500", "503", "429", "reset"])
def test_a_registry_that_fails_now_and_then(three: LiveStack, fault: Fault) -> None:
    """Whoever is met by it, Stackyard or the engine, asks again: everything is published."""
    with faulty(three.registry) as front:
        front.plan(fault, times=2, pick=ours)
        front.plan(fault, times=1, pick=engines)
        summary = run(three, publish=True, registry=front.host)

        assert {method in ("GET", "HEAD") for _, method, _ in front.happened} == {True, False}
    assert statuses(summary) == {"base": "built", "left": "built", "right": "built"}
    assert None not in tagged(three).values()


def test_a_registry_that_fails_for_good(three: LiveStack) -> None:
    """The outcome has its words and nothing moves; later the same images are pushed, and none built."""
    with faulty(three.registry) as front:
        front.plan("500", times=10**6, pick=lambda method, _: method == "POST")
        summary = run(three, publish=True, registry=front.host)

        assert statuses(summary) == {"base": "failed", "left": "skipped", "right": "skipped"}
        assert "500" in (by_name(summary)["base"].failure or "")
        assert not summary.is_good
        assert set(tagged(three).values()) == {None}
        front.plan_nothing()
        again = run(three, publish=True, registry=front.host)

    assert not {"failed", "skipped"} & set(statuses(again).values())
    assert statuses(again)["base"] != "built"
    assert None not in tagged(three).values()


def test_a_registry_that_lies_about_a_digest(three: LiveStack) -> None:
    """It is believed by nobody: the image failed, no tag moves, and what is true later is published without a build."""
    with faulty(three.registry) as front:
        front.plan("lie", times=10**6, pick=lambda method, path: ours(method, path) and "/left/manifests" in path)
        summary = run(three, publish=True, registry=front.host)

        assert statuses(summary)["left"] == "failed", by_name(summary)["left"]
        assert statuses(summary)["base"] == "built"
        assert set(tagged(three).values()) == {None}
        front.plan_nothing()
        again = run(three, publish=True, registry=front.host)
        assert "built" not in statuses(again).values()
    assert None not in tagged(three).values()


def test_one_of_forty_fails(live_stack: LiveStack) -> None:
    """The report names one failure, and exactly its descendants as skipped because of it."""
    parents = {f"n{at:02}": f"n{(at - 1) // 3:02}" if at else "" for at in range(40)}
    write(live_stack, parents, {name: f"COPY Dockerfile /{name}" for name in parents} | {"n01": "COPY nothing /"})
    below = {"n01"}
    for name, parent in parents.items():
        below |= {name} if parent in below else set()
    summary = run(live_stack)

    assert len(below) == 1 + 3 + 9
    assert {name for name, status in statuses(summary).items() if status == "failed"} == {"n01"}
    assert {name for name, outcome in by_name(summary).items() if outcome.because == "n01"} == below - {"n01"}
    assert {name for name, status in statuses(summary).items() if status == "built"} == parents.keys() - below
    text = summary_text(summary, Style(False), 200)
    assert "1 failed and 12 skipped because of a failure" in text
