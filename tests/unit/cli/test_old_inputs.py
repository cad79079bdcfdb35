# SPDX-License-Identifier: MIT
"""`originalTag`, `stablePrefix` and the dry run of the DataHub workflows, typed as options."""

from __future__ import annotations

import pytest

from stackyard.model.names import Tag
from stackyard.model.reference import Repository
from tests.repositories import commit
from tests.unit.cli.conftest import TINY, Shell

PLANS = "plans: {A: {tag_prefix: '2021.2'}, B: {tag_prefix: '2021.3', tag_stable_postfix: -good}}\n"


@pytest.fixture
def quarters(shell: Shell) -> Shell:
    """Both images in two plans, of which the second leaves one image out; published."""
    spec = TINY["images/spec.yml"].replace("leaf: {depend_on: base}", "leaf: {depend_on: base, skip_plans: [B]}")
    (shell.root / "images/spec.yml").write_text(spec + PLANS)
    commit(shell.root)
    assert shell("build", "--push").code == 0
    return shell


def tags(shell: Shell, image: str) -> set[str]:
    """What people see of an image in the registry."""
    return {tag for tag in shell.registry.tags(f"registry.example/lab/{image}") if not tag.startswith("sy-")}


def test_one_promotion_moves_the_stable_tags_of_all_plans(quarters: Shell) -> None:
    """By a template, all or none; what a plan leaves out is no reason to refuse."""
    head = next(tag for tag in tags(quarters, "base") if tag.startswith("2021.2-") and "main" not in tag)[7:]
    said = quarters("promote", head, "--to", "{stable}", "--yes", "--json")

    assert said.code == 0
    assert {move["reference"].rpartition(":")[2] for move in said.json["moves"]} == {"2021.2-stable", "2021.3-good"}
    assert len(said.json["moves"]) == 3
    release = quarters("releases", "--json").json["releases"][0]
    assert [member["target"] for member in release["members"]] == ["base/A", "base/B", "leaf/A"]
    assert all(member["content_tag"].startswith("sy-") for member in release["members"])


def test_the_old_inputs(quarters: Shell) -> None:
    """A dry run moves nothing; then a quarter's stable, then the global one: of the plan that was meant, alone."""
    dry = quarters("promote", "--original-tag", "2021.3-main", "--dry-run")
    assert (dry.code, "2021.3-good" in dry.out) == (0, True)
    assert "2021.3-good" not in tags(quarters, "base")
    assert quarters("promote", "--original-tag", "2021.3-main", "--yes").code == 0
    assert "2021.3-good" in tags(quarters, "base")
    assert not {"2021.2-stable", "2021.3-good"} & tags(quarters, "leaf")

    assert quarters("promote", "--stable-prefix", "2021.3", "--yes").code == 0
    base = Repository("registry.example/lab/base")
    stable, good = (quarters.registry.resolve(base, Tag(tag)) for tag in ("stable", "2021.3-good"))
    assert stable == good is not None
    refused = quarters("promote", "--stable-prefix", "2021.2", "--yes")
    assert (refused.code, "nothing to promote" in refused.err) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--original-tag", "2021.3-main", "--to", "stable"),
        ("main", "--stable-prefix", "2021.3"),
        ("--original-tag", "2021.3-main", "--stable-prefix", "2021.3"),
        ("main",),
        ("--to", "stable"),
        (),
    ],
)
def test_a_promotion_says_what_and_where_to_once(shell: Shell, words: tuple[str, ...]) -> None:
    """Half of it, or two of it, is a usage error with an example."""
    said = shell("promote", *words)

    assert said.code == 2
    assert "stackyard promote" in said.err
