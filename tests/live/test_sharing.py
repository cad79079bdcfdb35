# SPDX-License-Identifier: MIT
"""What one machine published, another knows: with a real engine and a real registry."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.model.names import Tag
from stackyard.model.reference import Repository
from stackyard.model.shared import POINTER_TAG, RECORD_TAG
from stackyard.verbs import Options, sharing
from stackyard.verbs.yard import Yard
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live

SPEC = """\
images:
  base: {{image_name: {prefix}/base, info_cmds: ["uname"]}}
  leaf: {{image_name: {prefix}/leaf, depend_on: base}}
all_info_cmds: {{uname: {{description: the system, command: uname -s}}}}
"""


@pytest.fixture
def stack(live_stack: LiveStack) -> LiveStack:
    """Two images, built, looked into and published."""
    prefix = live_stack.prefix
    live_stack.write("images/spec.yml", SPEC.format(prefix=prefix))
    live_stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN echo one > /what\n")
    live_stack.write("images/leaf/Dockerfile", f"ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\nCOPY note /\n")
    live_stack.write("images/leaf/note", "one")
    live_stack.commit()
    assert live_stack.build(publish=True).is_good
    return live_stack


def repository(stack: LiveStack, image: str) -> Repository:
    """Where an image of the stack is published."""
    return Repository(f"{stack.registry}/{stack.prefix}/{image}")


def yard(root: Path, stack: LiveStack) -> Yard:
    """The stack in another folder."""
    return verbs.load(root, Options(registry=stack.registry, environ=ENVIRON))


def test_a_second_machine_plans_no_build(stack: LiveStack, tmp_path: Path) -> None:
    """A fresh clone, an empty home, no engine: what was published is known; a change there has its reason."""
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(stack.root), str(clone)], check=True)
    environ = {
        "PATH": ENVIRON["PATH"],
        "HOME": str(home),
        "DOCKER_HOST": "unix:///nowhere/docker.sock",
        "STACKYARD_REGISTRY": stack.registry,
        "PYTHONPATH": ENVIRON.get("PYTHONPATH", ""),
    }

    def plan() -> dict[str, dict[str, object]]:
        words = [sys.executable, "-m", "stackyard", "-C", str(clone), "plan", "--json"]
        done = subprocess.run(words, env=environ, check=True, capture_output=True, text=True)
        return {step["target"]: step for step in json.loads(done.stdout)["steps"]}

    assert {name: step["action"] for name, step in plan().items()} == {"base": "tag", "leaf": "tag"}
    (clone / "images/leaf/note").write_text("two")
    leaf = plan()["leaf"]
    assert leaf["action"] == "build"
    assert "images/leaf/note" in json.dumps(leaf["reasons"])


def test_pointers_are_made_again(stack: LiveStack, tmp_path: Path) -> None:
    """Each record has its tag; without pointers, `verify` finds them all by the list of tags."""
    there = yard(stack.root, stack)
    for image in ("base", "leaf"):
        tags = there.registry.list_tags(repository(stack, image))
        pointers = [tag for tag in tags if tag.startswith(POINTER_TAG)]
        assert len(pointers) == 1
        assert [tag for tag in tags if tag.startswith(RECORD_TAG)]
        manifest = there.registry.manifest(repository(stack, image), pointers[0])
        assert manifest is not None
        assert there.registry.delete(repository(stack, image), manifest.digest)
        assert there.registry.resolve(repository(stack, image), Tag(pointers[0])) is None

    found = sharing.verify(there)

    assert (found.repositories, found.pointers, found.problems) == (2, 2, ())
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(stack.root), str(clone)], check=True)
    steps = verbs.plan(yard(clone, stack)).steps
    assert {str(step.target): step.action for step in steps} == {"base": "tag", "leaf": "tag"}
