# SPDX-License-Identifier: MIT
"""A stack on Buildah: built, inventoried and published without a daemon; what cannot be tested is not published."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.buildah import BuildahEngine
from stackyard.model.names import Tag
from stackyard.model.outcome import Outcome, RunSummary
from stackyard.model.reference import Platform, Reference
from stackyard.verbs import Options
from stackyard.verbs.doctor import doctor
from tests.engines import BASE, ENVIRON, buildah_store, missing
from tests.live.conftest import LiveStack, write_platforms
from tests.live.test_main_job import CONFTEST

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment of a Buildah whose store only these tests use, and that no podman serves."""
    with buildah_store(tmp_path_factory.mktemp("b")) as environ:
        yield {**environ, "XDG_RUNTIME_DIR": "/nowhere", "CONTAINER_HOST": "unix:///nowhere.sock"}


@pytest.fixture
def podman(environ: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The same, with podman's socket over the same store."""
    if shutil.which("podman") is None:
        missing("podman is not installed, and tests over its socket are not tried here; `apt install podman` adds it")
    folder = tmp_path_factory.mktemp("p")
    # What a machine without systemd needs; elsewhere podman's own settings are right.
    conf = folder / "containers.conf"
    limits = '["nofile=1024:1024", "nproc=1024:1024"]'
    conf.write_text(
        f'[containers]\ndefault_ulimits = {limits}\nnetns = "host"\n[engine]\ncgroup_manager = "cgroupfs"\n'
    )
    address = f"unix://{folder / 's'}"
    served = {**environ, "CONTAINERS_CONF": str(conf), "CONTAINER_HOST": address}
    with (folder / "log").open("w") as log:
        service = subprocess.Popen(
            ["podman", "--runtime", "runc", "system", "service", "--time=0", address],
            env={key: value for key, value in served.items() if key != "CONTAINER_HOST"},
            stdout=log,
            stderr=log,
        )
        try:
            until = time.monotonic() + 120
            while not (folder / "s").exists():
                said = (folder / "log").read_text()
                assert service.poll() is None, f"podman's service ended: {said}"
                assert time.monotonic() < until, f"podman's service does not answer: {said}"
                time.sleep(0.1)
            yield served
        finally:
            service.terminate()
            service.wait()


@pytest.fixture
def stack(live_stack: LiveStack) -> LiveStack:
    """A parent with an inventory and a child; neither has tests."""
    live_stack.write(
        "images/spec.yml",
        f"root: base\nimages:\n  base: {{image_name: {live_stack.prefix}/base, info_cmds: [WHO]}}\n"
        f"  top: {{image_name: {live_stack.prefix}/top, depend_on: base, info_cmds: [WHO]}}\n"
        "all_info_cmds: {WHO: {description: who, command: cat /who}}\n",
    )
    live_stack.write("images/base/Dockerfile", f"FROM {BASE}\nRUN echo base > /who\n")
    live_stack.write(
        "images/top/Dockerfile",
        f"ARG BASE_TAG=latest\nFROM {live_stack.prefix}/base:${{BASE_TAG}}\nRUN echo top >> /who\n",
    )
    live_stack.commit()
    return live_stack


def built(stack: LiveStack, environ: Mapping[str, str]) -> RunSummary:
    """One run with `--engine buildah --push`."""
    yard = verbs.load(stack.root, Options(registry=stack.registry, environ=environ, engine="buildah"))
    return verbs.run(yard, verbs.prepare(yard, (), True))


def outcomes(summary: RunSummary) -> dict[str, Outcome]:
    """By image."""
    return {str(each.target): each for each in summary.outcomes}


def test_a_stack_without_a_daemon(stack: LiveStack, environ: Mapping[str, str]) -> None:
    """Parents first, on exactly those; published by the id that was built; a second run does nothing."""
    first = built(stack, environ)
    assert {name: each.status for name, each in outcomes(first).items()} == {"base": "built", "top": "built"}
    assert all(each.published for each in first.outcomes)

    engine = BuildahEngine(environ)
    places = [outcomes(first)[name].published for name in ("base", "top")]
    parent, child = (engine.inspect(str(Reference(p.reference.repository, p.reference.tag))) for p in places if p)
    assert parent
    assert child
    assert child.is_built_on(parent)
    assert engine.run(child.image, ["cat", "/who"], 30).output == "base\ntop\n"

    assert {each.status for each in built(stack, environ).outcomes} == {"reused"}


def test_tests_reach_the_images_through_podman(stack: LiveStack, podman: Mapping[str, str]) -> None:
    """Its socket is given to tests as docker's: they run in the image that was built; it is published."""
    stack.write("images/conftest.py", CONFTEST)
    stack.write("images/base/test/test_who.py", "def test_it(run):\n    assert run('cat', '/who').strip() == 'base'\n")
    stack.commit()
    found = outcomes(built(stack, podman))

    assert (found["base"].status, found["base"].failure) == ("built", None)
    assert [(each.total, each.passed) for each in found["base"].tests][:1] == [(1, True)]
    assert found["base"].published
    assert doctor(stack.root, Options(environ=podman, engine="buildah")).found.engines[0].named_by == "podman"


def test_what_cannot_be_tested_is_not_published(stack: LiveStack, environ: Mapping[str, str]) -> None:
    """Tests talk to docker's API: without podman's socket the target is untested and says why; nothing is green."""
    stack.write("images/base/test/test_it.py", "def test_it():\n    assert True\n")
    stack.commit()
    found = outcomes(built(stack, environ))

    assert found["base"].status == "untested"
    assert "not testable here: the tests in images/base/test reach images" in str(found["base"].failure)
    assert found["top"].status == "skipped"
    assert found["top"].cause == "base is untested"
    assert not any(each.published for each in found.values())


def test_several_platforms_are_joined(stack: LiveStack, environ: Mapping[str, str]) -> None:
    """Each on its parent for the same one, published for itself, joined by an index; a second run does nothing."""
    platforms = (Platform("linux/amd64"), Platform("linux/s390x"))
    write_platforms(stack, platforms)
    first = outcomes(built(stack, environ))

    assert {name: each.failure or each.status for name, each in first.items()} == {
        **{f"{name}+{each}": "built" for name in ("base", "top") for each in platforms},
        **dict.fromkeys(("base", "top"), "joined"),
    }
    index = stack.yard().registry.manifest(stack.repository("top"), Tag("2026.3-main"))
    assert index is not None
    assert [each.is_for(platform) for each, platform in zip(index.children, platforms, strict=True)] == [True, True]
    for platform, entry in zip(platforms, index.children, strict=True):
        image = BuildahEngine(environ).pull(Reference(stack.repository("top"), None, entry.digest), platform)
        facts = BuildahEngine(environ).inspect(str(image.id))
        assert facts is not None
        assert facts.platform == platform
    assert {each.status for each in built(stack, environ).outcomes} == {"reused"}


def test_doctor_says_what_is_off(environ: Mapping[str, str], tmp_path: Path) -> None:
    """It builds; tests cannot run, and the hint says what to start."""
    diagnosis = doctor(tmp_path, Options(environ=environ, engine="buildah"))
    on = {each.code: each for each in diagnosis.capabilities}

    assert diagnosis.can_build
    assert diagnosis.found.engines[0].name == BuildahEngine(environ).about().name
    assert diagnosis.found.engines[0].folder
    assert not on["test"].is_on
    assert "podman.socket" in on["test"].hint
    assert on["inventory"].is_on


def test_docker_stays_what_is_used() -> None:
    """Where docker is named, buildah is not taken by itself."""
    assert doctor(Path("/"), Options(environ=ENVIRON)).found.engines[0].kind == "docker"
