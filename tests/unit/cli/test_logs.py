# SPDX-License-Identifier: MIT
"""Logs of an image: which run they are of, which kinds, and what is said where there are none."""

from __future__ import annotations

import pytest

from tests.unit.cli.conftest import Shell


def test_the_logs_of_the_last_run_that_left_one(shell: Shell) -> None:
    """For each image the last run that did something with it, whatever other images' last runs are."""
    shell("build", "--push")
    (shell.root / "images" / "leaf" / "new").write_text("x")
    shell.engine.failing["registry.example/lab/leaf"] = "no space left"
    shell("build")

    leaf, base = shell("logs", "leaf"), shell("logs", "base")
    assert leaf.code == 0
    assert leaf.out == "leaf: build in run 2, .stackyard/runs/2/leaf.build.log\nno space left\nno space left\n"
    assert base.out.startswith("base: build in run 1, .stackyard/runs/1/base.build.log\nbuilt\n")
    assert "\n\nbase: push in run 1, .stackyard/runs/1/base.push.log\npushed sha256:" in base.out


def test_of_a_run_and_of_a_kind(shell: Shell) -> None:
    """Both narrow what is shown; JSON has the lines."""
    shell("build", "--push")
    (shell.root / "images" / "base" / "new").write_text("x")
    shell("build")
    data = shell("logs", "base", "leaf", "--run", "1", "--kind", "build", "--json").json["logs"]

    assert [(log["target"], log["run"], log["kind"]) for log in data] == [("base", 1, "build"), ("leaf", 1, "build")]
    assert data[0]["lines"] == ["built"]
    assert shell("logs", "base").out.startswith("base: build in run 2,")


def test_a_run_that_was_killed_has_its_logs(shell: Shell) -> None:
    """Nothing has to be written at the end of a run for them to be found."""
    folder = shell.root / ".stackyard" / "runs" / "4"
    folder.mkdir(parents=True)
    (folder / "leaf.build.log").write_text("\x1b[2J[1/2] FROM\n")

    assert shell("logs", "leaf").out.splitlines()[1] == "[1/2] FROM"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("logs", 2, "missing argument"),
        ("logs laef", 2, "no image is named 'laef'"),
        ("logs leaf", 1, "there is no log of leaf"),
        ("logs leaf --kind test", 1, "there is no test log of leaf"),
        ("logs base --run 9", 2, "there is no run 9"),
        ("logs leaf --run 1", 1, "there is no log of leaf of run 1"),
    ],
)
def test_what_is_not_there_is_an_error(shell: Shell, words: str, code: int, sentence: str) -> None:
    """With its name, never an empty answer."""
    shell("build", "base")
    said = shell(*words.split())

    assert said.code == code
    assert sentence in said.err
    assert said.out == ""
