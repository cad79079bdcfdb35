# SPDX-License-Identifier: MIT
"""The main job on a real engine and a real registry: planned, built, tested in containers, published, promoted."""

from __future__ import annotations

import secrets

import pytest

from stackyard import verbs
from stackyard.errors import NothingToDo
from stackyard.model.names import TargetName
from stackyard.model.outcome import RunSummary
from stackyard.verbs import promotion
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live

SPEC = """
root: base
images:
  base: {{image_name: {prefix}/base, info_cmds: [RELEASE]}}
  left: {{image_name: {prefix}/left, depend_on: base, integration_tests: true}}
  right: {{image_name: {prefix}/right, depend_on: base}}
tag: {{prefix: "2026.3"}}
all_info_cmds:
  RELEASE: {{description: Release, command: "sh -c 'cat /release | head -1'"}}
"""
CHILD = "ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\nRUN grep -q one /release && echo {name} > /name\n"
CONFTEST = """
import os
import docker
import secrets

import pytest

@pytest.fixture
def run():
    client = docker.from_env()
    yield lambda *words: client.containers.run(os.environ["TEST_IMAGE"], list(words), remove=True).decode()
    client.close()
"""


@pytest.fixture
def stack(live_stack: LiveStack) -> LiveStack:
    """Three images, tests in containers, an inventory; committed."""
    prefix = live_stack.prefix
    live_stack.write("images/spec.yml", SPEC.format(prefix=prefix))
    live_stack.write("images/conftest.py", CONFTEST)
    live_stack.write("images/base/Dockerfile", "FROM busybox:1.36\nCOPY release /release\n")
    live_stack.write("images/base/release", "one\n")
    live_stack.write(
        "images/tests_common/test_release.py", "def test_it(run):\n    assert 'one' in run('cat', '/release')\n"
    )
    for name in ("left", "right"):
        live_stack.write(f"images/{name}/Dockerfile", CHILD.format(prefix=prefix, name=name))
    live_stack.write(
        "images/left/test/test_name.py", "def test_it(run):\n    assert run('cat', '/name') == 'left\\n'\n"
    )
    live_stack.write(
        "images/left/integration_tests/test_sh.py", "def test_it(run):\n    assert run('sh', '-c', 'true') == ''\n"
    )
    live_stack.commit()
    return live_stack


def statuses(summary: RunSummary) -> dict[str, str]:
    """Target -> status, with the failure where there is one."""
    return {str(o.target): o.failure or o.status for o in summary.outcomes}


def test_the_main_job(stack: LiveStack) -> None:
    """From nothing to a promoted and rolled back channel; each step does exactly what it says."""
    first = stack.git("rev-parse", "HEAD")[:7]

    built = stack.build()
    assert statuses(built) == {"base": "built", "left": "built", "right": "built"}
    tests = {str(o.target): [(t.suite, t.total, t.failed) for t in o.tests] for o in built.outcomes}
    assert tests == {
        "base": [("basic", 1, 0), ("inventory", 1, 0)],
        "left": [("basic", 2, 0), ("integration", 1, 0)],
        "right": [("basic", 1, 0)],
    }
    assert built.outcomes[0].inventory[0].output == "one\n"
    for name in ("base", "left", "right"):
        assert stack.at(name, f"2026.3-{first}") == stack.at(name, "2026.3-main") is not None

    assert set(statuses(stack.build()).values()) == {"reused"}

    stack.write(
        "images/left/Dockerfile", stack.root.joinpath("images/left/Dockerfile").read_text() + "RUN touch /more\n"
    )
    stack.commit()
    assert statuses(stack.build()) == {"base": "tagged", "left": "built", "right": "tagged"}

    stack.write("images/base/release", "one more\n")
    third = stack.commit()
    assert statuses(stack.build()) == {"base": "built", "left": "built", "right": "built"}

    def promote(source: str) -> dict[str, str | None]:
        yard = stack.yard()
        promotion.move(yard, promotion.plan_promotion(yard, promotion.AskedPromotion(source, "stable")))
        return {name: stack.at(name, "stable") for name in ("base", "left", "right")}

    at_first, at_third = promote(f"2026.3-{first}"), promote(third)
    assert None not in at_first.values()
    assert not set(at_first.values()) & set(at_third.values())
    yard = stack.yard()
    promotion.move(yard, promotion.plan_rollback(yard, "stable"))
    assert {name: stack.at(name, "stable") for name in ("base", "left", "right")} == at_first


def test_an_equal_base_rebuilds_nothing_downstream(stack: LiveStack) -> None:
    """The base is built again from the engine's cache, equals what is known, and the wave stops there."""
    stack.build(publish=False)
    file = stack.root / "images/base/Dockerfile"
    stack.write("images/base/Dockerfile", f"{file.read_text()}ARG UNREAD=1\n")
    stack.commit()
    summary = stack.build(publish=False)

    assert statuses(summary) == {"base": "built", "left": "reused", "right": "reused"}
    assert summary.outcomes[0].same_as_before


def test_a_failing_test_keeps_the_image_private(stack: LiveStack) -> None:
    """The failing image and what builds on it are in no registry; the failing test is named."""
    stack.write("images/base/release", "one, but not the one\n")
    stack.write(
        "images/tests_common/test_release.py", "def test_it(run):\n    assert run('cat', '/release') == 'one\\n'\n"
    )
    stack.commit()
    summary = stack.build()

    assert summary.outcomes[0].status == "failed"
    assert "test_release::test_it" in summary.outcomes[0].details[0]
    assert {str(o.target): o.because for o in summary.outcomes[1:]} == {"left": "base", "right": "base"}
    for name in ("base", "left", "right"):
        assert stack.at(name, "2026.3-main") is None
    with pytest.raises(NothingToDo):
        promotion.plan_promotion(stack.yard(), promotion.AskedPromotion("2026.3-main", "stable"))


def test_a_failing_build_shows_the_end_of_its_output(stack: LiveStack) -> None:
    """The instruction, the exit code and the last lines are in the outcome, the rest in its log."""
    stack.write(
        "images/left/Dockerfile", CHILD.format(prefix=stack.prefix, name="left") + "RUN echo whoops && exit 7\n"
    )
    stack.commit()
    summary = stack.build()
    left = next(o for o in summary.outcomes if o.target == TargetName("left"))

    assert statuses(summary)["right"] == "built"
    assert "exit code: 7" in (left.failure or "")
    assert "whoops" in left.details[-1]
    assert "whoops" in (stack.root / left.logs[-1]).read_text()


def test_a_second_engineless_look(stack: LiveStack) -> None:
    """After a run, a plan needs neither the engine nor the registry."""
    stack.build()
    yard = stack.yard({"DOCKER_HOST": "unix:///nowhere.sock"})

    assert not verbs.plan(yard, publish=True).has_work


def test_files_from_elsewhere_are_in_the_image(stack: LiveStack) -> None:
    """The engine gets them where the spec says, less what ignore rules leave out; the image's folder stays as it is."""
    files = "files: [{from: lib, to: cache/lib, ignore: ['*.class']}], depend_on: base, integration"
    spec = stack.root / "images/spec.yml"
    stack.write("images/spec.yml", spec.read_text().replace("depend_on: base, integration", files))
    for name in ("run.sh", "A.class", "noise"):
        stack.write(f"lib/{name}", name)
    stack.write("images/left/.dockerignore", "**/noise\n")
    dockerfile = CHILD.format(prefix=stack.prefix, name="left") + "COPY cache /cache\n"
    stack.write("images/left/Dockerfile", dockerfile + 'RUN test "$(ls /cache/lib)" = run.sh\n')
    stack.commit()

    assert statuses(stack.build("left", publish=False))["left"] == "built"
    assert not (stack.root / "images/left/cache").exists()
    assert statuses(stack.build("left", publish=False))["left"] == "reused"


def test_a_secret_is_nowhere_but_in_its_mount(stack: LiveStack) -> None:
    """Built with it, failing with it: no log, event, record or page below the state folder has its value."""
    value = secrets.token_hex(16)
    stack.write("images/spec.yml", SPEC.format(prefix=stack.prefix) + "secrets: {token: {env: LAB_TOKEN}}\n")
    mount = "RUN --mount=type=secret,id=token cat /run/secrets/token"
    stack.write("images/base/Dockerfile", f"FROM busybox:1.36\nCOPY release /release\n{mount}\n")
    stack.write(
        "images/right/Dockerfile",
        CHILD.format(prefix=stack.prefix, name="right") + f"{mount}; cat /run/secrets/token >&2; exit 3\n",
    )
    stack.commit()
    yard = stack.yard({**ENVIRON, "LAB_TOKEN": value})
    summary = verbs.run(yard, verbs.prepare(yard, (), True))

    found = {str(each.target): each.status for each in summary.outcomes}
    why = [(each.failure, *each.details) for each in summary.outcomes]
    assert found == {"base": "built", "left": "built", "right": "failed"}, why
    assert value not in repr(summary)
    files = [path for path in yard.state.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in files)
    for path in files:
        assert value.encode() not in path.read_bytes(), path
    assert any(b"***" in path.read_bytes() for path in files)

    del yard.options.environ["LAB_TOKEN"]  # type: ignore[attr-defined]
    again = verbs.load(stack.root, yard.options)
    failure = verbs.run(again, verbs.prepare(again, ("right",))).outcomes[-1].failure
    assert "the environment has no LAB_TOKEN" in str(failure)
