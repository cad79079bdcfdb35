# SPDX-License-Identifier: MIT
"""Golden plans: a folder per case, with a stack, a line why, and the plan that is expected.

tests/stacks/CASE/README         why this case is here
tests/stacks/CASE/images/        the stack
tests/stacks/CASE/before/        files below images/ as they were when everything was built and passed (optional)
tests/stacks/CASE/request.json   {"images": [...], "publish": true} (optional)
tests/stacks/CASE/plan.json      the plan; `pytest tests/stacks --rewrite` writes it anew, the diff is to be read
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.model.decide import Need, Presence
from stackyard.model.known import NOTHING_KNOWN, Known
from stackyard.model.reference import Platform, Reference
from stackyard.model.stack import Revision, Stack
from stackyard.plan.compare import compare
from stackyard.plan.graph import build_order, graph_of
from stackyard.plan.selection import select
from stackyard.report.data import plan_data
from tests.unit.plan.made import record, sha, tagged

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/README"))
THEN, NOW = Revision("a" * 40, "main", False), Revision("b" * 40, "main", False)


def load(case: Path, folder: Path, revision: Revision, *overlays: str) -> Stack:
    """The case's stack in a folder of its name, with other files laid over it."""
    root = folder / case.name
    shutil.copytree(case / "images", root / "images")
    for overlay in overlays:
        shutil.copytree(case / overlay, root / "images", dirs_exist_ok=True)
    return load_stack(find(root), revision, Settings(Platform("linux/amd64")))


def all_built(stack: Stack) -> Known:
    """Every image was built, passed and named at the stack's commit; contents are called like their targets."""
    records = {}
    for name in build_order(graph_of(stack)):
        target = stack.target(name)
        made = record(target, str(name), commit=stack.revision.commit)
        names = [tagged(target, f"{prefix}{stack.revision.commit[:7]}") for prefix in ("", "2026.3-")]
        records[name] = (type(made)(made.id, name, made.source, made.build, made.inputs, 1, (*made.facts, *names)),)
    inputs = {records[target.name][0].inputs: target.inputs for target in stack.targets}
    accepted = {base: sha(base) for target in stack.targets for base in target.inputs.bases}
    branch = {
        ("engine", Reference.parse(f"{target.repository}:{prefix}main").canonical): sha(["image", str(target.name)])
        for target in stack.targets
        for prefix in ("", "2026.3-")
    }
    return Known(records, inputs, accepted, branch)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_plan_is_the_golden_one(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The whole JSON of the plan: steps, tags, arguments, reasons, fingerprints."""
    known = all_built(load(case, tmp_path / "then", THEN, "before")) if (case / "before").exists() else NOTHING_KNOWN
    asked = json.loads((case / "request.json").read_text()) if (case / "request.json").exists() else {}
    stack = load(case, tmp_path / "now", NOW)
    need = Need(publish=asked.get("publish", False))

    plan = compare(stack, known, select(stack, asked.get("images", ())), Presence(), need)

    text = json.dumps(plan_data(plan), indent=2) + "\n"
    golden = case / "plan.json"
    if request.config.getoption("--rewrite"):
        golden.write_text(text)
    assert text == golden.read_text(), f"read the diff after: pytest {HERE.name} --rewrite"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_every_case_says_why(case: Path) -> None:
    """One line."""
    assert len((case / "README").read_text().strip().splitlines()) == 1
