# SPDX-License-Identifier: MIT
"""`plan --like datahub`, over fakes and a real repository."""

from __future__ import annotations

import pytest

from tests.repositories import commit as commit_all
from tests.repositories import git
from tests.unit.cli.conftest import Shell

pytestmark = pytest.mark.processes

SPEC = """\
registry: ghcr.io/ucsd-ets
root: base
images:
  base: {prepull: true}
  leaf: {depend_on: base}
tag: {prefix: "2026.3"}
all_info_cmds: {}
"""
TRACKS = """\
registry: registry.example/lab
images:
  base: {image_name: lab/base}
  leaf: {image_name: lab/leaf, depend_on: base}
plans: {P: {tag_prefix: "2021.3"}}
"""


def commit(shell: Shell, **files: str) -> None:
    """Write files below images, `__` for a slash, and commit them."""
    for name, text in files.items():
        (shell.root / "images" / name.replace("__", "/")).write_text(text)
    commit_all(shell.root)


def prepared(shell: Shell, spec: str) -> None:
    """The stack of the shell under another spec, committed on a branch."""
    child = "ARG BASE_TAG=latest\nFROM ghcr.io/ucsd-ets/base:${BASE_TAG}\nRUN echo leaf\n"
    (shell.root / "images/spec.yml").write_text(spec)
    (shell.root / "images/leaf/Dockerfile").write_text(
        child.replace("ghcr.io/ucsd-ets", "lab") if "plans" in spec else child
    )
    git(shell.root, "checkout", "-q", "-b", "fix")
    commit(shell)


def actions(said: object) -> list[tuple[str, str, str | None]]:
    """Target, the scripts' action, Stackyard's."""
    return [
        (step["target"], step["action"], step["stackyard"] and step["stackyard"]["action"])
        for step in said["steps"]  # type: ignore[index]
    ]


def test_both_plans_side_by_side(shell: Shell) -> None:
    """As a table, and as JSON; the commit before is another where it is named."""
    prepared(shell, SPEC)
    shell("build", "--push")
    commit(shell, leaf__note="new")
    commit(shell, base__extra="x")

    said = shell("plan", "--like", "datahub")
    last, both = (shell("plan", "--like", "datahub", *words, "--json").json for words in ((), ("--since", "HEAD^^")))

    assert said.code == 0
    assert "images/base/extra changed" in said.out
    assert said.out.rstrip().endswith("Stackyard 2.")
    assert last["changed"] == ["images/base/extra"]
    assert actions(last) == [("base", "build", "build"), ("leaf", "build", "build")]
    assert len(both["changed"]) == 2
    assert [step["stackyard"]["reasons"][0]["kind"] for step in both["steps"]] == ["file-changed"] * 2
    assert {tag for step in last["steps"] for tag in step["tags"]} == {"2026.3-fix"}


def test_the_records_know_the_registry(shell: Shell) -> None:
    """A branch that never published there builds everything, as it was."""
    prepared(shell, SPEC)
    shell("build", "--push")
    git(shell.root, "checkout", "-q", "-b", "other")
    commit(shell, leaf__note="new")

    found = shell("plan", "--like", "datahub", "--json").json

    assert actions(found) == [("base", "build", "tag"), ("leaf", "build", "build")]
    assert [reason["kind"] for reason in found["steps"][0]["reasons"]] == ["tag-absent"]


def test_the_records_know_what_was_built_on_what(shell: Shell) -> None:
    """So a child in a track gets the tag of its parent's build; their own table wins, where there is one."""
    prepared(shell, TRACKS)
    shell("build")
    built = shell("history", "--json").json["runs"][0]["commit"][:7]
    commit(shell, leaf__note="new")
    commit(shell, leaf__note="newer")

    (leaf, *_) = shell("plan", "--like", "datahub", "--json").json["steps"]
    assert (leaf["target"], leaf["build_args"]) == ("leaf/P", {"BASE_TAG": f"2021.3-{built}"})

    (shell.root / "wiki").mkdir()
    rows = "lab/leaf:2021.3-2222222,lab/base:2021.3-1111111"
    (shell.root / "wiki/Image-Dependency.md").write_text(f"# Dependencies\n```\nimage,dep\n{rows}\n```\n")
    (leaf, *_) = shell("plan", "--like", "datahub", "--json").json["steps"]
    assert leaf["build_args"] == {"BASE_TAG": "2021.3-1111111"}


def test_what_ci_says_of_the_branch_counts(shell: Shell) -> None:
    """Read as the scripts read it."""
    prepared(shell, SPEC)
    commit(shell, leaf__note="new")
    shell.environ["GITHUB_REF_NAME"] = "emergency-fix"

    found = shell("plan", "--like", "datahub", "--json").json

    assert found["branch"] == ""
    assert found["steps"][0]["tags"] == ["2026.3-"]


def test_files_that_are_not_committed_are_told_of(shell: Shell) -> None:
    """The scripts build what was pushed; a name of a file is one line, whatever is in it."""
    prepared(shell, SPEC)
    commit(shell, leaf__note="new")
    assert shell("build").code == 0
    (shell.root / "images/base/a\nnote").write_text("new")
    said = shell("plan", "--like", "datahub").out

    assert "note: files that are not committed are not seen by them" in said
    assert "they do not look for this: images/base/a\\nnote added" in said


def test_files_that_stackyard_refuses(shell: Shell) -> None:
    """The scripts take them: their plan is printed, with why there is no other beside it, and the exit code is 2."""
    prepared(shell, SPEC + "publish: {branches: {}}\n")
    commit(shell, leaf__note="new")

    said = shell("plan", "--like", "datahub", "--json")
    since = shell("plan", "--like", "datahub", "--since", "HEAD^")

    assert (said.code, since.code) == (2, 2)
    assert actions(said.json) == [("base", "reuse", None), ("leaf", "build", None)]
    assert "Stackyard makes no plan of these files: images/spec.yml:8" in said.json["notes"][0]
    assert since.out.rstrip().endswith("build 1 of 2 images, Stackyard makes no plan.")


def test_what_cannot_be_compared(shell: Shell) -> None:
    """A revision that is not there, another form of output: one sentence, exit code 2."""
    assert "there is no commit 'gone'" in shell("plan", "--like", "datahub", "--since", "gone").err
    assert shell("plan", "--like", "datahub", "--format", "markdown").code == 2
    assert "HEAD^" in shell("plan", "--like", "datahub").out
