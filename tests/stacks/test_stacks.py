# SPDX-License-Identifier: MIT
"""Golden plans: a folder per case, with a stack, a line why, and the plan that is expected.

tests/stacks/CASE/README         why this case is here
tests/stacks/CASE/images/        the stack
tests/stacks/CASE/before/        files below images/ as they were when everything was built and passed (optional)
tests/stacks/CASE/request.json   {"images": [...], "publish": true, "build_args": {...}} (optional)
tests/stacks/CASE/seen/          the same plan and its graph in every form that people see (optional)
tests/stacks/CASE/plan.json      the plan; `pytest tests/stacks --rewrite` writes it anew, the diff is to be read
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.model.decide import Need, Presence
from stackyard.model.known import NOTHING_KNOWN, Known, TagPlace
from stackyard.model.plan import Plan
from stackyard.model.reference import Platform, Reference
from stackyard.model.stack import GivenArgument, Revision, Stack
from stackyard.model.tags import tags_of
from stackyard.plan.compare import compare
from stackyard.plan.explain import explain, made_from
from stackyard.plan.graph import build_order, graph_of
from stackyard.plan.selection import select
from stackyard.report.data import plan_data
from stackyard.report.graph import dot_text, drawing, graph_data, mermaid_text, tree_text
from stackyard.report.markdown import plan_markdown
from stackyard.report.svg import svg_text
from stackyard.report.terminal import plan_text
from stackyard.report.text import PLAIN
from stackyard.report.why import inputs_text, why_text
from tests.unit.plan.made import manifest, pushed, record, sha, tagged

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/README"))
SEEN = [case for case in CASES if (case / "seen").is_dir()]
THEN = Revision("a" * 40, "main", False, stamp="2026-01-01T000000")
NOW = Revision("b" * 40, "main", False, stamp="2026-02-01T120000")


class Golden(NamedTuple):
    """A case as it was planned."""

    stack: Stack
    known: Known
    plan: Plan


def asked_of(case: Path) -> dict[str, Any]:
    """What its request says."""
    path = case / "request.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def load(case: Path, folder: Path, revision: Revision, *overlays: str) -> Stack:
    """The case's stack in a folder of its name, with other files laid over it."""
    root = folder / case.name
    shutil.copytree(case / "images", root / "images")
    for overlay in overlays:
        shutil.copytree(case / overlay, root / "images", dirs_exist_ok=True)
    args = tuple(GivenArgument(None, name, value) for name, value in asked_of(case).get("build_args", {}).items())
    return load_stack(find(root), revision, Settings(Platform("linux/amd64"), build_args=args))


def planned(case: Path, folder: Path) -> Golden:
    """The plan of a case."""
    asked = asked_of(case)
    need = Need(publish=asked.get("publish", False))
    known = NOTHING_KNOWN
    if (case / "before").exists():
        known = all_built(load(case, folder / "then", THEN, "before"), need.publish)
    stack = load(case, folder / "now", NOW)
    return Golden(stack, known, compare(stack, known, select(stack, asked.get("images", ())), Presence(), need))


def compared(golden: Path, text: str, request: pytest.FixtureRequest) -> None:
    """The text is the golden one, or becomes it."""
    if request.config.getoption("--rewrite"):
        golden.write_text(text)
    assert text == golden.read_text(), f"read the diff after: pytest {HERE.name} --rewrite"


def all_built(stack: Stack, is_published: bool = False) -> Known:
    """Every image was built, passed and named at the stack's commit; contents are called like their targets."""
    place: TagPlace = "registry" if is_published else "engine"
    records = {}
    for name in build_order(graph_of(stack)):
        target = stack.target(name)
        made = record(target, str(name), commit=stack.revision.commit)
        fixed, _ = tags_of(target.templates, stack.revision, dict(target.variables))
        facts = [*([pushed(target, str(name))] if is_published else []), *(tagged(target, tag, place) for tag in fixed)]
        records[name] = (msgspec.structs.replace(made, facts=(*made.facts, *facts)),)
    inputs = {records[target.name][0].inputs: target.inputs for target in stack.targets}
    accepted = {base: sha(base) for target in stack.targets for base in target.inputs.bases}
    branch = {
        (place, Reference.parse(f"{target.repository}:{prefix}main").canonical): (
            manifest(str(target.name)) if is_published else sha(["image", str(target.name)])
        )
        for target in stack.targets
        for prefix in ("", "2026.3-")
    }
    return Known(records, inputs, accepted, branch)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_plan_is_the_golden_one(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The whole JSON of the plan: steps, tags, arguments, reasons, fingerprints."""
    compared(case / "plan.json", json.dumps(plan_data(planned(case, tmp_path).plan), indent=2) + "\n", request)


def shown(of: Golden) -> dict[str, str]:
    """The plan and the graph in every form that people see, by file name."""
    names = {target.name for target in of.stack.targets}
    order = build_order(graph_of(of.stack))
    drawn = drawing(of.stack, order, names, True, of.plan)
    return {
        "plan.txt": plan_text(of.plan, PLAIN, 1000),
        "plan.narrow.txt": plan_text(of.plan, PLAIN, 60),
        "explain.txt": plan_text(of.plan, PLAIN, 1000, is_explained=True),
        "plan.md": plan_markdown(of.plan).rstrip("\n"),
        "why.txt": why_text(explain(of.stack, of.known, of.plan, names), PLAIN, 1000),
        "inputs.txt": inputs_text(made_from(of.stack, of.known, of.plan, names), PLAIN, 1000),
        "graph.txt": tree_text(drawing(of.stack, order, names, False), PLAIN, 1000),
        "graph.plan.txt": tree_text(drawn, PLAIN, 1000),
        "graph.dot": dot_text(drawn),
        "graph.mmd": mermaid_text(drawn),
        "graph.svg": svg_text(drawn),
        "graph.json": json.dumps(graph_data(drawn), indent=2),
    }


@pytest.mark.parametrize("case", SEEN, ids=lambda path: path.name)
def test_what_people_see_is_the_golden_one(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Table, explanation, comment, answers, inputs, and the graph in all its forms."""
    for name, text in shown(planned(case, tmp_path)).items():
        compared(case / "seen" / name, text + "\n", request)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_every_case_says_why(case: Path) -> None:
    """One line."""
    assert len((case / "README").read_text().strip().splitlines()) == 1
