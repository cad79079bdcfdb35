# SPDX-License-Identifier: MIT
"""Opening an image: what is built for it, which image it is, what is said where there is none."""

from __future__ import annotations

import pytest

from stackyard.edges.engine import RunResult
from stackyard.model.content import ImageFacts
from stackyard.model.reference import Reference
from tests.repositories import commit
from tests.unit.cli.conftest import Shell

TINY = "images:\n  base: {info_cmds: [V]}\n  leaf: {depend_on: base}\n"
COMMANDS = "registry: registry.example/lab\nall_info_cmds:\n  V: {description: Version, command: version}\n"


@pytest.fixture
def opened(shell: Shell) -> list[tuple[ImageFacts, list[str]]]:
    """Which images were opened, with what."""
    found: list[tuple[ImageFacts, list[str]]] = []

    def answer(facts: ImageFacts, argv: object) -> RunResult:
        found.append((facts, list(argv)))  # type: ignore[call-overload]
        return RunResult(3, "42\n", 0.0)

    shell.engine.answers["/bin/sh"] = shell.engine.answers["python"] = answer
    return found


def test_it_is_built_first_and_the_plan_shown(shell: Shell, opened: list[tuple[ImageFacts, list[str]]]) -> None:
    """With what it builds on, on the standard error; stdout and the exit code are the shell's."""
    said = shell("shell", "leaf")

    assert (said.code, said.out) == (3, "42\n")
    assert "2 to build." in said.err
    assert "Run 1: 2 built" in said.err
    assert opened[0][0] == shell.engine.inspect("registry.example/lab/leaf:main")
    assert "exec bash || exec sh" in opened[0][1][-1]


def test_what_is_there_is_opened_at_once(shell: Shell, opened: list[tuple[ImageFacts, list[str]]]) -> None:
    """Nothing is built, said or counted as a run; a command takes the shell's place, its options are its own."""
    shell("build")
    said = shell("shell", "base", "--", "python", "--version")

    assert (said.code, said.out, said.err) == (3, "42\n", "")
    assert opened[0][0] == shell.engine.inspect("registry.example/lab/base:main")
    assert opened[0][1] == ["python", "--version"]
    assert len(shell("history", "--json").json["runs"]) == 1


def test_what_is_only_published_is_fetched(shell: Shell, opened: list[tuple[ImageFacts, list[str]]]) -> None:
    """By digest, and opened."""
    shell("build", "--push")
    for name in shell.engine.names():
        if "lab/" in name:
            shell.engine.untag(Reference.parse(name))
    said = shell("shell", "base")

    assert said.code == 3
    assert "1 to fetch" in said.err
    assert next(subject for verb, subject in shell.engine.calls if verb == "pull").startswith(
        "registry.example/lab/base@"
    )
    assert len(opened) == 1


def test_an_image_whose_tests_failed_is_opened(shell: Shell, opened: list[tuple[ImageFacts, list[str]]]) -> None:
    """To look why; it is told. So is one that was built beside the tests of its parent."""
    (shell.root / "images" / "spec.yml").write_text(TINY + COMMANDS)
    commit(shell.root)
    shell.engine.answers["version"] = lambda *_: RunResult(1, "broken", 0.0)
    base, leaf = shell("shell", "base"), shell("shell", "leaf")

    assert base.code == 3
    assert "note: opened as it was built, though 1 of 1 inventory commands failed" in base.err
    assert opened[0][1][0] == "/bin/sh"
    assert leaf.code == 3
    assert "note: opened as it was built, though base failed" in leaf.err


def test_what_failed_its_tests_before_is_opened_at_once(
    shell: Shell, opened: list[tuple[ImageFacts, list[str]]]
) -> None:
    """Nobody waits for tests to fail once more: it is the image of that run."""
    (shell.root / "images" / "spec.yml").write_text(TINY + COMMANDS)
    commit(shell.root)
    shell.engine.answers["version"] = lambda *_: RunResult(1, "broken", 0.0)
    assert shell("build", "base").code == 1
    shell.engine.calls.clear()
    said = shell("shell", "base")

    assert said.code == 3
    assert said.err.startswith("note: opened as it was built: inventory failed at ")
    assert opened[0][0].image.id in {id_ for name, id_ in shell.engine.names().items() if "lab/base:sy-" in name}
    assert [subject for verb, subject in shell.engine.calls if verb == "run" and "version" in subject] == []
    assert len(shell("history", "--json").json["runs"]) == 1


def test_a_failed_build_is_not_opened(shell: Shell, opened: list[tuple[ImageFacts, list[str]]]) -> None:
    """Nor is the image of before, which is of other files."""
    shell("build")
    (shell.root / "images" / "leaf" / "new").write_text("x")
    shell.engine.failing["registry.example/lab/leaf"] = "no space left"
    said = shell("shell", "leaf")

    assert said.code == 1
    assert "there is no image of leaf to open: build failed" in said.err
    assert opened == []


def test_nothing_is_opened_where_a_parent_was_not_built(
    shell: Shell, opened: list[tuple[ImageFacts, list[str]]]
) -> None:
    """The cause is the parent."""
    shell.engine.failing["registry.example/lab/base"] = "no space left"
    said = shell("shell", "leaf")

    assert said.code == 1
    assert "there is no image of leaf to open: base failed" in said.err


def test_a_word_for_several_is_refused(shell: Shell, opened: list[tuple[ImageFacts, list[str]]]) -> None:
    """With their names; nothing is built."""
    said = shell("shell", "*")

    assert said.code == 2
    assert "'*' means 2 images" in said.err
    assert "base, leaf" in said.err
    assert shell("shell", "laef").code == 2
    assert not [call for call in shell.engine.calls if call[0] == "build"]
