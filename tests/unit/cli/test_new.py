# SPDX-License-Identifier: MIT
"""`new`: what it writes, that nothing else changes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.load.spec.read import read_spec
from stackyard.write.entry import with_entry
from tests.cases import each_of
from tests.conftest import GitStack
from tests.unit.cli.conftest import Shell
from tests.unit.cli.test_start import files_of, repository

ENTRY = ["new:", "  depend_on: base"]


def test_an_image_on_another_is_a_target_at_once(shell: Shell) -> None:
    """Folder, Dockerfile as its siblings have it, test, entry; it builds on the parent that was planned."""
    before = files_of(shell.root)
    said = shell("new", "tools", "--from", "base", "--yes")
    after = files_of(shell.root)

    assert (said.code, said.err) == (0, "")
    assert {*after} - {*before} == {"images/tools/Dockerfile", "images/tools/test/test_tools.py"}
    assert after["images/tools/Dockerfile"].startswith(
        "ARG BASE_TAG=latest\nFROM registry.example/lab/base:${BASE_TAG}\n"
    )
    assert after["images/spec.yml"] == before["images/spec.yml"] + "  tools:\n    depend_on: base\n"
    planned = shell.planned()
    assert [str(parent.target) for step in planned.steps if step.target == "tools" for parent in step.parents] == [
        "base"
    ]
    assert [finding.code for finding in planned.findings if finding.level != "notice"] == []


def test_the_preview_comes_first(shell: Shell) -> None:
    """New files in full, of the spec the lines that come; no without an answer."""
    before = files_of(shell.root)
    said = shell.in_terminal("new", "tools", "--from", "leaf", answers=["n"])
    assert said.code == 1
    assert "+ images/tools/Dockerfile" in said.out
    assert "  +  tools:" in said.out
    assert files_of(shell.root) == before
    assert shell("new", "tools", "--from", "leaf").code == 2
    assert shell("new", "tools", "--from", "leaf", "--dry-run").code == 0
    assert files_of(shell.root) == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("tools", "--from", "bsae"), "there is no image 'bsae' in the stack\n  hint: did you mean 'base'?"),
        (("leaf", "--from", "base"), "image 'leaf' exists already: nothing was written"),
        (("Tools", "--from", "base"), "did you mean 'tools'?"),
        (("a/b", "--from", "base"), "is not a valid image name"),
        (("..", "--from", "base"), "is not a valid image name"),
        (("tools", "--from", "debian:x y"), "is not"),
        (("old", "--from", "base"), "images/old exists already"),
    ],
)
def test_what_is_refused_writes_nothing(words: tuple[str, ...], sentence: str, shell: Shell) -> None:
    """One sentence, exit code 2, every file as it was."""
    (shell.root / "images" / "old").mkdir()
    before = files_of(shell.root)
    said = shell("new", *words, "--yes")
    assert said.code == 2
    assert sentence in said.err
    assert files_of(shell.root) == before


def test_a_parent_from_elsewhere(shell: Shell) -> None:
    """With its tag, as it is written; no parent in the entry."""
    assert shell("new", "tools", "--from", "debian:trixie", "--yes").code == 0
    assert (shell.root / "images/tools/Dockerfile").read_text().startswith("FROM debian:trixie\n")
    assert (shell.root / "images/spec.yml").read_text().endswith("  tools:\n")


def test_what_stands_below_the_images_only_moves(shell: Shell) -> None:
    """Plans, arguments and files of elsewhere are further down afterwards, and say what they said."""
    path = shell.root / "images/spec.yml"
    below = "build_args: {A: 1}\nfiles:\n  base: [{from: images/spec.yml, to: x}]\n"
    path.write_text(path.read_text() + below)

    assert shell("new", "tools", "--from", "debian:trixie", "--yes").code == 0
    assert path.read_text().endswith(f"  tools:\n{below}")


def test_a_stack_without_a_spec_needs_no_entry(bare_shell: Shell, git_stack: GitStack) -> None:
    """Discovery finds the new folder; the parent is named as its other children name it."""
    repository(
        bare_shell, git_stack, {"images/a/Dockerfile": "FROM busybox\n", "images/b/Dockerfile": "FROM acme/a:1\n"}
    )
    assert bare_shell("new", "c", "--from", "a", "--yes").code == 0
    planned = bare_shell.planned()
    assert [str(parent.target) for step in planned.steps if step.target == "c" for parent in step.parents] == ["a"]
    assert not (bare_shell.root / "images/spec.yml").exists()


def test_the_starter_can_grow(bare_shell: Shell, git_stack: GitStack) -> None:
    """`init`, then `new` as the starter says: its comments are all there."""
    repository(bare_shell, git_stack, {"README.md": "x"})
    bare_shell("init", "--yes")
    before = (bare_shell.root / "images/spec.yml").read_text()
    git_stack({}, bare_shell.root)
    assert bare_shell("new", "tools", "--from", "base", "--yes").code == 0
    after = (bare_shell.root / "images/spec.yml").read_text()
    assert [line for line in after.splitlines() if "#" in line] == [line for line in before.splitlines() if "#" in line]
    assert {str(step.target) for step in bare_shell.planned().steps} == {"base", "tools"}


def test_a_spec_that_takes_no_lines_is_left_alone(shell: Shell) -> None:
    """Its images in one line: refused, with what to add by hand."""
    path: Path = shell.root / "images/spec.yml"
    path.write_text("images: {base: , leaf: {depend_on: base}}\n")
    before = files_of(shell.root)
    said = shell("new", "tools", "--from", "base", "--yes")
    assert said.code == 2
    assert "  tools:\n    depend_on: base" in said.err
    assert files_of(shell.root) == before


@each_of(
    ("text", "expected"),
    [
        ("images:\n  a:\n", "images:\n  a:\n  new:\n    depend_on: base\n"),
        ("images:\n  a:", "images:\n  a:\n  new:\n    depend_on: base\n"),
        (
            "images:\n    a:\n    # end\n\n# tag\ntag: {}\n",
            "images:\n    a:\n    new:\n      depend_on: base\n    # end\n\n# tag\ntag: {}\n",
        ),
        ("images:\n  a:\n\n  b:\n\ntag: {}\n", "images:\n  a:\n\n  b:\n\n  new:\n    depend_on: base\n\ntag: {}\n"),
        ("images:  # ours\n  a: |\n", "images:  # ours\n  a: |\n  new:\n    depend_on: base\n"),
        ("images: {}\nname: x\n", "images:\n  new:\n    depend_on: base\nname: x\n"),
        ("images: {} # none\n", "images:  # none\n  new:\n    depend_on: base\n"),
        ("images:\r\n  a:\r\nname: x\r\n", "images:\r\n  a:\r\n  new:\r\n    depend_on: base\r\nname: x\r\n"),
        ("images: {a: }\n", None),
        ("name: x\n", None),
    ],
)
def test_an_entry_comes_after_the_last_one(text: str, expected: str | None) -> None:
    """Comments, blank lines and line ends as they were; the indentation of the others."""
    made = with_entry(text, ENTRY)
    assert made == expected
    if made and "|" not in made:
        assert read_spec(made.encode(), "spec.yml")[0].images[-1].depend_on == ("base",)


VERSIONS = "'3.10': {docker_args: {BASE_IMAGE: 'python:3.10'}}\n'3.12': {docker_args: {BASE_IMAGE: 'python:3.12'}}\n"


@pytest.mark.parametrize(
    "files",
    [
        {"images/a/versions.yaml": VERSIONS},
        {"images/a/versions.yaml": VERSIONS, "images/spec.yml": "images:\n  a:\n"},
        {"images/a/versions.yaml": VERSIONS, "stackyard.yml": "images_dir: images\n"},
        {
            "images/spec.yml": "registry: campus\nimages:\n  a:\n    versions: [3.10, 3.12]\n"
            "    build_args: {BASE_IMAGE: 'python:{version}'}\n"
        },
    ],
    ids=["alone", "listed", "pointed at", "in the spec"],
)
def test_a_child_of_an_image_with_versions_has_the_same_ones(
    files: dict[str, str], bare_shell: Shell, git_stack: GitStack
) -> None:
    """Each on its parent of the same version, wherever those stand."""
    repository(bare_shell, git_stack, {**files, "images/a/Dockerfile": "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n"})
    assert bare_shell("new", "c", "--from", "a", "--yes").code == 0
    planned = bare_shell.planned()
    assert {str(step.target): [str(parent.target) for parent in step.parents] for step in planned.steps} == {
        "a/3.10": [],
        "a/3.12": [],
        "c/3.10": ["a/3.10"],
        "c/3.12": ["a/3.12"],
    }


def test_plans_are_no_versions_of_an_image(bare_shell: Shell, git_stack: GitStack) -> None:
    """A new image is built in all plans of the spec without a word."""
    spec = "plans: {p: {tag_prefix: v1}, q: {tag_prefix: v2}}\nimages:\n  a:\n    image_name: campus/a\n"
    repository(bare_shell, git_stack, {"images/spec.yml": spec, "images/a/Dockerfile": "FROM busybox\n"})
    assert bare_shell("new", "c", "--from", "a", "--yes").code == 0
    planned = bare_shell.planned()
    assert {str(step.target): [str(parent.target) for parent in step.parents] for step in planned.steps} == {
        "a/p": [],
        "a/q": [],
        "c/p": ["a/p"],
        "c/q": ["a/q"],
    }
    assert "versions" not in (bare_shell.root / "images/spec.yml").read_text()
