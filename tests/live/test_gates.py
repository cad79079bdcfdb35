# SPDX-License-Identifier: MIT
"""A guarded channel on a real registry: what a machine without an engine brings, opens it for another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stackyard.errors import GatesClosed
from stackyard.verbs import promotion
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live

SPEC = """\
images: {{lab: {{image_name: {prefix}/lab}}}}
channels: {{stable: {{reports: [gpu], approvals: [teaching]}}}}
"""
JUNIT = "<testsuites><testsuite><testcase name='runs'/></testsuite></testsuites>"


def test_a_channel_opens_by_what_another_machine_brings(live_stack: LiveStack, tmp_path: Path) -> None:
    """Refused; a fresh clone without an engine reports and approves; `@good` is that run; a newer one is not."""
    stack = live_stack
    stack.write("images/spec.yml", SPEC.format(prefix=stack.prefix))
    stack.write("images/lab/Dockerfile", "FROM busybox:1.36\nCOPY note /\n")
    stack.write("images/lab/note", "one")
    stack.commit()
    assert stack.build().is_good
    first = stack.at("lab", "main")
    with pytest.raises(GatesClosed) as caught:
        promotion.plan_promotion(stack.yard(), promotion.AskedPromotion("@good", "stable"))
    gates = caught.value.facts["gates"]
    assert [(state.gate, state.sentence) for state in gates] == [
        ("gpu", "nobody reported it"),
        ("teaching", "nobody approved it"),
    ]

    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(stack.root), str(clone)], check=True)
    (clone / "results.xml").write_text(JUNIT)
    environ = {
        "PATH": ENVIRON["PATH"],
        "HOME": str(tmp_path),
        "DOCKER_HOST": "unix:///nowhere/docker.sock",
        "STACKYARD_REGISTRY": stack.registry,
        "PYTHONPATH": ENVIRON.get("PYTHONPATH", ""),
    }

    def gate(*words: str) -> str:
        command = [sys.executable, "-m", "stackyard", "-C", str(clone), "gate", *words, "--for", "main"]
        return subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout

    assert str(first) in gate("report", "gpu", "--junit", str(clone / "results.xml"))
    assert "teaching: approved by Ada" in gate("approve", "teaching", "--by", "Ada", "--reason", "labs run")

    stack.write("images/lab/note", "two")
    stack.commit()
    assert stack.build().is_good
    yard = stack.yard()
    moves = promotion.plan_promotion(yard, promotion.AskedPromotion("@good", "stable"))
    assert promotion.move(yard, moves).state == "done"
    assert stack.at("lab", "main") != stack.at("lab", "stable") == first
    with pytest.raises(GatesClosed):
        promotion.move(stack.yard(), promotion.plan_promotion(stack.yard(), promotion.AskedPromotion("main", "stable")))
    assert stack.at("lab", "stable") == first
