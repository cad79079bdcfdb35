# SPDX-License-Identifier: MIT
"""`stackyard check`: its forms, its exit codes, and what it mends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import GitStack
from tests.repositories import git
from tests.unit.cli.conftest import Shell

LOST = "ARG BASE_TAG=latest\nARG TOOL=1\nFROM base:${BASE_TAG}\nRUN install $TOOL\n"


def test_warnings_are_errors_when_strict(shell: Shell) -> None:
    """In the exit code, in the words and in the reports."""
    shell.root.joinpath("images/leaf/Dockerfile").write_text(LOST)

    assert shell("check").code == 0
    assert shell("check").out.endswith("0 errors, 1 warning.\n")
    assert shell("check", "--strict").code == 1
    assert shell("check", "--strict").out.endswith("1 error, 0 warnings.\n")
    (run,) = json.loads(shell("check", "--strict", "--format", "sarif").out)["runs"]
    assert [result["level"] for result in run["results"]] == ["error", "note", "note"]


def test_warnings_never_stop_a_plan(shell: Shell) -> None:
    """A plan needs what is right, not what is tidy."""
    shell.root.joinpath("images/leaf/Dockerfile").write_text(LOST)
    assert shell("plan").code == 0


def test_formats_say_the_same(shell: Shell) -> None:
    """One finding each; --json is --format json."""
    shell.root.joinpath("images/leaf/Dockerfile").write_text(LOST)
    said = shell("check", "--json").json
    assert shell("check", "--format", "json").json == said
    assert said["fixed"] == []
    assert said["findings"][0]["code"] == "arg-before-from"
    (first, *_) = json.loads(shell("check", "--format", "gitlab").out)
    assert first["location"] == {"path": "images/leaf/Dockerfile", "lines": {"begin": 4}}


def test_a_file_that_cannot_be_read_is_a_finding(shell: Shell) -> None:
    """In every format, with its code, place and hint; the exit code is that of the error it is elsewhere."""
    shell.root.joinpath("images/spec.yml").write_text("images: {leaf: [}\n")
    text, report = shell("check"), shell("check", "--format", "gitlab")
    (told,) = json.loads(report.out)
    (found,) = shell("check", "--json").json["findings"]

    assert text.out.startswith("error: images/spec.yml:1:17: not valid YAML: ")
    assert "[unreadable]\n  hint: " in text.out
    assert (text.code, report.code, shell("plan").code) == (2, 2, 2)
    assert (found["code"], found["path"], found["line"], found["column"]) == ("unreadable", "images/spec.yml", 1, 17)
    assert (told["check_name"], told["location"]) == (
        "unreadable",
        {"path": "images/spec.yml", "lines": {"begin": 1}},
    )


def test_paths_are_those_of_the_repository(shell: Shell) -> None:
    """A stack may lie below the top; GitHub and GitLab count from there."""
    below = shell.root / "deep" / "images" / "lab"
    below.mkdir(parents=True)
    below.joinpath("Dockerfile").write_text("FROM x\nARG OLD=1\n")
    said = shell("check", "--format", "gitlab", at=shell.root / "deep")
    assert json.loads(said.out)[0]["location"] == {"path": "deep/images/lab/Dockerfile", "lines": {"begin": 2}}


def test_fix_mends_and_says_so(shell: Shell) -> None:
    """The file is whole and keeps its permissions; the second time there is nothing to do."""
    file = shell.root / "images/leaf/Dockerfile"
    file.write_text(LOST)
    file.chmod(0o640)

    said = shell("check", "--fix")
    assert said.out.splitlines()[0] == (
        "fixed: images/leaf/Dockerfile:4: added `ARG TOOL` below FROM [arg-before-from]"
    )
    assert said.out.endswith("No errors, no warnings.\n")
    assert file.read_text() == LOST.replace("RUN", "ARG TOOL\nRUN")
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in file.parent.iterdir()) == ["Dockerfile"]
    assert shell("check", "--fix", "--json").json["fixed"] == []


def test_fix_never_writes_outside_the_stack(shell: Shell, tmp_path: Path) -> None:
    """A Dockerfile that is a link to elsewhere is left as it is."""
    outside = tmp_path / "Dockerfile"
    outside.write_text(LOST)
    file = shell.root / "images/leaf/Dockerfile"
    file.unlink()
    os.symlink(outside, file)

    shell("check", "--fix")
    assert outside.read_text() == LOST


@pytest.mark.processes
def test_files_are_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack without a commit can be looked at; a plan needs one, because tags are made of it."""
    image = tmp_path / "stack" / "images" / "lab"
    image.mkdir(parents=True)
    (image / "Dockerfile").write_text("FROM debian:12\n")
    git(tmp_path / "stack", "init", "-q")
    new = Shell(tmp_path / "stack", capsys, monkeypatch)

    assert [new(verb).code for verb in ("check", "ls", "plan")] == [0, 0, 2]


def test_another_platform_is_told(shell: Shell) -> None:
    """Building it takes an emulator, which nobody can see from here."""
    shell.root.joinpath("images/base/Dockerfile").write_text("FROM --platform=linux/s390x busybox:1.36\n")

    found = [each for each in shell("check", "--json").json["findings"] if each["code"] == "other-platform"]
    assert [(each["path"], each["line"]) for each in found] == [("images/base/Dockerfile", 1)]


def test_fix_leaves_what_it_does_not_understand(shell: Shell) -> None:
    """A file with a wrong stamp is told of, and stays as it is, stale lines too."""
    text = '"3.8": 2020\n"3.9": [a]\n'
    shell.root.joinpath("images/leaf/versions.yaml").write_text('"3.9":\n')
    shell.root.joinpath("images/leaf/last_updated.yaml").write_text(text)
    said = shell("check", "--fix")

    assert said.code == 1
    assert "last_updated.yaml:2:8: the stamp of '3.9' should be text, not a list" in said.out
    assert shell.root.joinpath("images/leaf/last_updated.yaml").read_text() == text


def test_the_environment_of_a_base_is_known_once_something_was_built_on_it(
    bare_shell: Shell, git_stack: GitStack
) -> None:
    """Then every other name is told, in images further down, too; until another digest of the base is accepted."""
    shell = bare_shell
    shell.root = git_stack(
        {
            "images/lab/Dockerfile": "ARG LANG=de\nFROM python:3.12\nENV A=$PYTHON_VERSION B=$NOTHING\nRUN $L $LANG\n",
            "images/leaf/Dockerfile": "FROM lab\nLABEL a=$LANG b=$PYTHON_VERSON\n",
            "images/two/Dockerfile": "FROM python:3.12 AS made\nFROM debian:12\nUSER $NB_USER\n",
        },
        shell.root / "stack",
    )
    env = {"Env": ["PATH=/bin", "PYTHON_VERSION=3.12.1", "LANG=C.UTF-8"]}
    shell.engine.add("python:3.12", config=env)
    shell.engine.add("debian:12")

    def told() -> list[tuple[str, str, int | None, str]]:
        found = shell("check", "--json").json["findings"]
        codes = ("undefined-variable", "arg-before-from")
        return [(each["path"], each["found"], each["line"], each["hint"]) for each in found if each["code"] in codes]

    assert [each[:2] for each in told()] == [("images/lab/Dockerfile", "$LANG")]
    assert shell("build").code == 0
    assert told() == [
        ("images/lab/Dockerfile", "$NOTHING", 3, "add `ARG NOTHING` above, or take it out"),
        ("images/leaf/Dockerfile", "$PYTHON_VERSON", 2, "did you mean $PYTHON_VERSION?"),
    ]

    shell.registry.add_image("docker.io/library/python", "3.12", "another")
    assert shell("bases", "--refresh", "python:3.12").code == 0
    assert [each[:2] for each in told()] == [("images/lab/Dockerfile", "$LANG")]


def test_records_that_cannot_be_read_stop_no_check(shell: Shell) -> None:
    """It looks at files; what needs the records says what is wrong with them."""
    (shell.root / ".stackyard").mkdir()
    (shell.root / ".stackyard/records.sqlite3").write_bytes(b"no database " * 100)
    assert (shell("check").code, shell("plan").code) == (0, 1)
