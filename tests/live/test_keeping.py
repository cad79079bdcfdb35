# SPDX-License-Identifier: MIT
"""Files that are kept of a run on a real engine: logs with times, traces, results of real tests."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
import yaml

from stackyard.cli import run
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live

SPEC = """
images:
  base: {{image_name: {prefix}/base, info_cmds: [BUSY]}}
  leaf: {{image_name: {prefix}/leaf, depend_on: base}}
tag: {{prefix: "2026.3"}}
all_info_cmds:
  BUSY: {{description: Version of busybox, command: sh -c 'busybox | head -n 1'}}
"""
TEST = """
import os


def test_the_image_is_named():
    assert "base" in os.environ["TEST_IMAGE"]


def test_that_fails():
    assert 1 == 2
"""


@pytest.fixture
def stack(live_stack: LiveStack) -> LiveStack:
    """A base with an inventory and a child with two instructions; committed."""
    prefix = live_stack.prefix
    live_stack.write("images/spec.yml", SPEC.format(prefix=prefix))
    live_stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN sleep 1 && echo said\n")
    child = f"ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\n"
    live_stack.write("images/leaf/Dockerfile", f"{child}RUN echo {prefix} first && sleep 1\nRUN echo second\n")
    live_stack.commit()
    return live_stack


def typed(stack: LiveStack, *words: str) -> int:
    """Type a command."""
    return run(["-C", str(stack.root), *words], {**ENVIRON, "STACKYARD_REGISTRY": stack.registry})


def test_everything_of_a_run_that_went_well(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Pushed images in the results, the inventory in a page, instructions in the trace, each in its job's time."""
    kept = tmp_path_factory.mktemp("kept")
    where = ("--junit", str(kept / "t.xml"), "--trace", str(kept / "t.json"), "--artifacts", str(kept))
    assert typed(stack, "build", "--push", *where) == 0

    name = f"{stack.registry}-{stack.prefix}".replace("/", "-").replace(":", "-")
    result = yaml.safe_load((kept / "artifacts" / f"{name}-leaf-2026.3-main.yaml").read_text())
    assert result["container_details"]["push_success"] is True
    assert "digest: sha256:" in result["container_details"]["push_log"]
    assert (
        "## Version of busybox\n\n```\nBusyBox v1." in (kept / "manifests" / f"{name}-base-2026.3-main.md").read_text()
    )
    events = json.loads((kept / "t.json").read_text())["traceEvents"]
    slices = {event["name"]: (event["ts"], event["ts"] + event["dur"]) for event in events if event["ph"] == "X"}
    build, step = slices["leaf: build"], next(times for told, times in slices.items() if " first && sleep" in told)
    assert build[0] - 50_000 <= step[0]
    assert step[1] <= build[1] + 50_000
    assert slices["base: build"][1] <= build[0]
    suites = [suite.get("name") for suite in ElementTree.parse(kept / "t.xml").getroot()]
    assert suites == ["base: build", "base: inventory", "leaf: build"]


def test_real_tests_that_fail(
    stack: LiveStack, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """pytest's own cases are in the JUnit file; its log is what `logs` shows; the child is skipped in both."""
    stack.write("images/base/test/test_base.py", TEST)
    stack.commit()
    kept = tmp_path_factory.mktemp("kept")
    assert typed(stack, "build", "--junit", str(kept / "t.xml")) == 1

    cases = {
        (suite.get("name"), case.get("name")): [mark.tag for mark in case if mark.tag in ("failure", "skipped")]
        for suite in ElementTree.parse(kept / "t.xml").getroot()
        for case in suite
    }
    assert cases["base: basic", "test_the_image_is_named"] == []
    assert cases["base: basic", "test_that_fails"] == ["failure"]
    assert cases["leaf: build", "build"] == ["skipped"]
    capsys.readouterr()
    assert typed(stack, "logs", "base", "--kind", "test") == 0
    assert "assert 1 == 2" in capsys.readouterr().out


def test_a_builds_log_has_its_output_and_times(stack: LiveStack, capsys: pytest.CaptureFixture[str]) -> None:
    """What an instruction printed, and at the end how long each took."""
    assert typed(stack, "build", "--no-cache") == 0
    capsys.readouterr()
    assert typed(stack, "logs", "base", "--kind", "build") == 0
    said = capsys.readouterr().out

    assert "said" in said
    assert re.fullmatch(r" +\d+\.\d s  \[\d/\d\] RUN sleep 1 && echo said", said.splitlines()[-1])


def test_a_broken_instruction_is_told_with_its_line(stack: LiveStack, capsys: pytest.CaptureFixture[str]) -> None:
    """The Dockerfile's line and the log are in the summary."""
    stack.write("images/base/Dockerfile", "FROM busybox:1.36\n\nRUN echo almost && false\n")
    stack.commit()
    assert typed(stack, "build", "base") == 1
    said = capsys.readouterr().out

    assert "at images/base/Dockerfile:3" in said
    assert "log: .stackyard/runs/1/base.build.log" in said
