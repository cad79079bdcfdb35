# SPDX-License-Identifier: MIT
"""The JSON that others build on: plain, complete, versioned, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.stack import Finding
from stackyard.report.data import findings_data, history_data, moves_data, plan_data, run_data, stack_data
from tests.unit.plan.made import BASE, manifest, plan, stack, suite, target
from tests.unit.report.made import BUILT, FAILED, OTHER, PROMOTED, REUSED, SKIPPED, run

LAB = stack(
    target("up", bases=(BASE,), args={"B": "1", "A": "2", "API_TOKEN": "hush"}),
    target("lab/3.10", "up", suites=(suite(),)),
)


@pytest.mark.parametrize(
    "data",
    [
        plan_data(plan(LAB, NOTHING_KNOWN)),
        run_data(run(FAILED, SKIPPED, BUILT, REUSED, OTHER)),
        stack_data(LAB),
        history_data([run(BUILT)], [PROMOTED]),
    ],
    ids=["plan", "run", "stack", "history"],
)
def test_every_document_is_plain_and_versioned(data: dict[str, Any]) -> None:
    """`"format": 1` first; nothing that JSON does not have, no names of our own types."""
    assert next(iter(data.items())) == ("format", 1)
    assert json.loads(json.dumps(data)) == data
    assert "hush" not in json.dumps(data)


def test_a_plan() -> None:
    """A step for every target: names a person would type, arguments in their order, reasons with their kinds."""
    up, lab = plan_data(plan(LAB, NOTHING_KNOWN))["steps"]

    assert (up["target"], up["action"], up["version"]) == ("up", "build", None)
    assert list(up["build_args"].items()) == [("B", "1"), ("A", "2"), ("API_TOKEN", "(hidden)")]
    assert up["reasons"] == [{"kind": "never-built"}]
    assert up["tags"] == ["0123456", "main"]
    assert (lab["target"], lab["image"], lab["version"]) == ("lab/3.10", "lab", "3.10")
    assert lab["parents"] == [{"target": "up", "reference": "lab/up"}]
    assert lab["source_fingerprint"].startswith("sha256:")
    assert lab["build_fingerprint"] is None


def test_a_run() -> None:
    """An outcome for every target; who is skipped says because of whom; a digest for what is published."""
    data = run_data(run(FAILED, SKIPPED, BUILT))
    failed, skipped, built = data["outcomes"]

    assert (data["run"], data["good"], data["interrupted"]) == (7, False, False)
    assert (failed["failure"], failed["details"]) == ("1 of 3 basic tests failed", ["test_a: assert 1 == 2"])
    assert (skipped["status"], skipped["because"]) == ("skipped", "bad")
    assert built["published"]["digest"] == f"sha256:{'0' * 64}"
    assert built["published"]["tags"] == ["registry.example/lab/x:1"]
    (tests,) = built["tests"]
    assert tests == {
        "suite": "basic",
        "passed": True,
        "total": 3,
        "failed": 0,
        "skipped": 0,
        "attempt": 1,
        "cases": [],
    }
    assert run_data(run(REUSED, number=0))["run"] is None


def test_moves() -> None:
    """Where each tag was and where it is to be; null for one that was not there."""
    data = moves_data(PROMOTED)

    assert data["moves"] == [
        {"target": "x", "reference": "registry.example/lab/x:stable", "was": manifest("1"), "now": manifest("2")}
    ]
    assert (data["channel"], data["state"]) == ("stable", "done")


def test_findings_keep_their_order() -> None:
    """With all their facts, the empty ones too."""
    found = Finding("code", "warning", "odd", "images/spec.yml", 3)

    assert findings_data([found]) == [
        {"code": "code", "level": "warning", "sentence": "odd", "path": "images/spec.yml", "line": 3, "column": None,
         "hint": None, "found": None, "wanted": None}
    ]  # fmt: skip
