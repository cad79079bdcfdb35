# SPDX-License-Identifier: MIT
"""Golden comparisons with the DataHub scripts: a folder per case, with a stack, a change, and both plans.

tests/stacks/like_datahub/CASE/README        the fact about the scripts that the case holds
tests/stacks/like_datahub/CASE/images/       the stack as it was when everything was built and passed
tests/stacks/like_datahub/CASE/request.json  what git lists, the branch, what is known outside, and the edit itself
tests/stacks/like_datahub/CASE/like.json     both plans; `pytest tests/stacks --rewrite` writes it anew
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from stackyard.load.spec.datahub import read_datahub
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.model.datahub import OldChange, OldWorld
from stackyard.model.decide import Need, Presence
from stackyard.model.reference import Platform
from stackyard.model.stack import Revision
from stackyard.plan.beside import beside
from stackyard.plan.compare import compare
from stackyard.plan.like_datahub import like_datahub
from stackyard.plan.selection import select
from stackyard.report.like_datahub import like_data
from tests.stacks.test_stacks import NOW, THEN, all_built

HERE = Path(__file__).parent / "like_datahub"
CASES = sorted(path.parent for path in HERE.glob("*/README"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_both_plans_are_the_golden_ones(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The whole JSON: what the scripts would do, what Stackyard would, and where they differ."""
    asked = json.loads((case / "request.json").read_text())
    root = shutil.copytree(case / "images", tmp_path / case.name / "images")
    place, settings = find(root.parent), Settings(Platform("linux/amd64"))
    known = all_built(load_stack(place, THEN, settings))
    for path, text in asked.get("edit", {}).items():
        (root / path).write_text(text)
    stack = load_stack(place, Revision(NOW.commit, asked["ref_name"], False), settings)
    change = OldChange(
        "HEAD^",
        THEN.commit,
        NOW.commit,
        asked.get("message", ""),
        tuple(asked["paths"]),
        tuple(asked.get("hidden", ())),
    )
    published = asked.get("published")
    world = msgspec.convert(
        {"ref_name": asked["ref_name"], "published": published, "last_bases": asked.get("last_bases", ())}, OldWorld
    )

    ours = compare(stack, known, select(stack, ()), Presence(), Need())
    text = json.dumps(like_data(beside(like_datahub(read_datahub(place), change, world), ours)), indent=2) + "\n"

    golden = case / "like.json"
    if request.config.getoption("--rewrite"):
        golden.write_text(text)
    assert text == golden.read_text(), "read the diff after: pytest tests/stacks --rewrite"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_every_case_says_which_fact_it_holds(case: Path) -> None:
    """One line."""
    assert len((case / "README").read_text().strip().splitlines()) == 1
