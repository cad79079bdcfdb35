# SPDX-License-Identifier: MIT
"""Two processes build and publish at the same moment, on one engine and one registry: neither breaks the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import BASE, ENVIRON, LiveStack

pytestmark = pytest.mark.live

IMAGES = ("base", "left", "right", "top")
MEETS = """#!/bin/sh
case "$1 $2" in "buildx build")
  for try in $(seq 600); do
    [ -e {met} ] && break
    [ "$(ls {alive} | wc -l)" -ge 2 ] && touch {met} && break
    sleep 0.1
  done;;
esac
exec {docker} "$@"
"""
"""A docker that builds nothing before two runs of a clone have planned: from then on each has its sign there."""


@pytest.fixture
def stack(live_stack: LiveStack) -> LiveStack:
    """Four images, each with a second of work whose result no second build would give."""
    place = f"{live_stack.registry}/{live_stack.prefix}"
    lines = [f"registry: {live_stack.registry}", "images:"]
    for name, parent in zip(IMAGES, (None, "base", "base", "left"), strict=True):
        base = f"{place}/{parent}" if parent else BASE
        live_stack.write(f"images/{name}/Dockerfile", f"FROM {base}\nRUN sleep 1; head -c 20 /dev/urandom > /{name}\n")
        lines.append(f"  {name}: {{image_name: {live_stack.prefix}/{name}}}")
    live_stack.write("images/spec.yml", "\n".join([*lines, "tag: {prefix: '1'}", ""]))
    live_stack.commit()
    return live_stack


def at_once(*folders: Path, programs: str = "") -> list[dict[str, Any]]:
    """`stackyard build --push` in each folder at the same moment; what each says, and that it is content."""
    argv = [sys.executable, "-m", "stackyard", "build", "--push", "--json", "--jobs", "build=2"]
    environ = {**ENVIRON, "PYTHONPATH": os.pathsep.join(sys.path), "PATH": f"{programs}{ENVIRON['PATH']}"}
    runs = [
        subprocess.Popen(argv, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for folder in folders
    ]
    said = [(*run.communicate(timeout=300), run.returncode) for run in runs]
    assert [code for *_, code in said] == [0, 0], "\n".join(str(text) for each in said for text in each)
    return [json.loads(out) for out, *_ in said]


def statuses(run: dict[str, Any]) -> list[str]:
    """Of the targets, in order."""
    return [outcome["status"] for outcome in run["outcomes"]]


def test_one_clone_builds_each_target_once(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What one builds the other waits for and reuses; the registry has one image of each, under all its tags."""
    programs = tmp_path_factory.mktemp("programs")
    alive, docker = stack.root / ".stackyard/alive", shutil.which("docker")
    (programs / "docker").write_text(MEETS.format(alive=alive, docker=docker, met=programs / "met"))
    (programs / "docker").chmod(0o755)
    one, other = at_once(stack.root, stack.root, programs=f"{programs}:")

    for pair in zip(statuses(one), statuses(other), strict=True):
        assert sorted(pair) == ["built", "reused"], (statuses(one), statuses(other))
    records = stack.yard().records.known().records
    for name in IMAGES:
        (record,) = next(found for target, found in records.items() if target == name)
        pushed = record.pushed(stack.repository(name))
        assert pushed is not None
        assert stack.at(name, "1-main") == pushed.image.digest


def test_two_clones_publish_to_one_registry(stack: LiveStack, tmp_path: Path) -> None:
    """They do not see each other: both are content, and every moving tag is at an image that one of them has."""
    other_root = stack.root / "other"
    shutil.copytree(stack.root / "images", other_root / "images")
    other = LiveStack(other_root, stack.engine, stack.registry)
    other.prefix = stack.prefix
    other.commit()
    at_once(stack.root, other_root)

    for name in IMAGES:
        digests = set()
        for each in (stack, other):
            found = next(found for target, found in each.yard().records.known().records.items() if target == name)
            pushed = found[0].pushed(stack.repository(name))
            assert pushed is not None
            digests.add(pushed.image.digest)
        assert stack.at(name, "1-main") in digests
