# SPDX-License-Identifier: MIT
"""`stackyard plan` and what may be told to it: forms, stamps, arguments; the same to `push`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackyard.model.names import Tag
from stackyard.model.reference import Repository
from stackyard.report.schema import plan_schema
from tests import schemas
from tests.conftest import GitStack
from tests.unit.cli.conftest import Shell

VERSIONS = {
    "images/spec.yml": "registry: registry.example/lab\nbuild_args: {WHO: all}\nimages:\n  lab:\n  other:\n",
    "images/lab/Dockerfile": "FROM busybox:1.36\nARG WHO\nARG PY\nRUN echo $WHO $PY\n",
    "images/lab/versions.yaml": '"3.12":\n  docker_args: {PY: "3.12"}\n"3.13":\n  docker_args: {PY: "3.13"}\n',
    "images/other/Dockerfile": "FROM busybox:1.36\nARG WHO\nRUN echo $WHO\n",
}


@pytest.fixture
def lab(
    git_stack: GitStack, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """A shell in a stack of an image with two versions, and one without."""
    return Shell(git_stack(VERSIONS), capsys, monkeypatch)


def steps(shell: Shell, *words: str) -> dict[str, dict[str, object]]:
    """Steps of a plan by target."""
    said = shell("plan", "--json", *words)
    assert said.code == 0
    return {step["target"]: step for step in said.json["steps"]}


def test_forms(shell: Shell) -> None:
    """A table by default; `--json` is short for one of the others."""
    shell("plan")  # the first in a clone asks what others built, and says so
    table, data, comment = shell("plan"), shell("plan", "--json"), shell("plan", "--format", "markdown")

    assert shell("plan", "--format", "table") == table
    assert shell("plan", "--format", "json") == data
    assert shell("--json", "plan") == shell("plan", "--format", "markdown", "--json") == data
    assert table.out.startswith("stack at ")
    assert comment.out.startswith("<!-- stackyard plan: stack -->\n")
    assert comment.out.endswith("asked.\n")


@pytest.mark.processes
def test_what_is_printed_is_as_the_schema_says(lab: Shell) -> None:
    """Before a build and after it, for part of the stack, to be published, forced, and since a commit."""
    schema = json.loads(lab("schema", "plan").out)
    assert schema == plan_schema()
    validator = schemas.validator(schema)

    validator.validate(lab("plan", "--json").json)
    assert lab("build").code == 0
    (lab.root / "images/other/Dockerfile").write_text("FROM busybox:1.36\n")
    for words in ([], ["lab/3.12"], ["--push"], ["--rebuild", "all"], ["--since", "HEAD"]):
        said = lab("plan", "--json", *words)
        assert said.code == 0, said.err
        validator.validate(said.json)
    kinds = {reason["kind"] for step in lab("plan", "--json").json["steps"] for reason in step["reasons"]}
    assert kinds >= {"unchanged", "file-changed"}


def test_an_error_comes_in_the_form_that_was_asked_for(shell: Shell) -> None:
    """`--format json` is an object then, too."""
    said = shell("plan", "--format", "json", "nobody")

    assert said.code == 2
    assert said.json["error"]["kind"] == "unknown-name"


def test_a_form_that_there_is_none_of(shell: Shell) -> None:
    """A usage error that names those there are."""
    said = shell("plan", "--format", "yaml")

    assert said.code == 2
    assert "'table', 'json', 'markdown'" in said.err


def test_one_stamp_for_all_versions(lab: Shell) -> None:
    """`--stamp` is in the tags of every version, and in no other's."""
    found = steps(lab, "--stamp", "2026-01-02T030405")

    assert "py3.12-2026-01-02T030405" in found["lab/3.12"]["tags"]  # type: ignore[operator]
    assert "py3.13-2026-01-02T030405" in found["lab/3.13"]["tags"]  # type: ignore[operator]
    assert "2026-01-02" not in str(found["other"])


@pytest.mark.parametrize("verb", ["plan", "build", "push"])
def test_a_stamp_that_can_be_in_no_tag(lab: Shell, verb: str) -> None:
    """Refused before anything is looked at, with what it may be."""
    said = lab(verb, "--stamp", "2026-01-02T03:04:05")

    assert said.code == 2
    assert "the stamp '2026-01-02T03:04:05' can be part of no tag" in said.err


def test_build_arguments(lab: Shell) -> None:
    """For all images, or for one; the caller's wins over the spec's; an argument that is read is an input."""
    bare, for_all, for_one = (
        steps(lab),
        steps(lab, "--build-arg", "WHO=you"),
        steps(lab, "--build-arg", "WHO=you", "--build-arg", "lab:WHO=me"),
    )

    assert {step["build_args"]["WHO"] for step in bare.values()} == {"all"}  # type: ignore[index]
    assert {step["build_args"]["WHO"] for step in for_all.values()} == {"you"}  # type: ignore[index]
    assert [for_one[name]["build_args"]["WHO"] for name in ("lab/3.12", "lab/3.13", "other")] == ["me", "me", "you"]  # type: ignore[index]
    assert all(bare[name]["source_fingerprint"] != for_all[name]["source_fingerprint"] for name in bare)


def test_an_argument_that_nothing_declares_is_told(lab: Shell) -> None:
    """It changes no step: a slip of the hand would pass for an argument. One that an image declares is none."""
    said = lab("plan", "--build-arg", "TYPO=1", "--build-arg", "other:PY=1", "--build-arg", "PY=1")

    notes = [line for line in said.out.splitlines() if line.startswith("note: no ARG")]
    assert [line.partition(" argument ")[2].partition(",")[0] for line in notes] == ["TYPO", "PY"]


def test_a_build_argument_from_the_environment(lab: Shell) -> None:
    """A name alone takes its value there, and counts only if it has one."""
    assert steps(lab, "--build-arg", "WHO")["other"]["build_args"] == {"WHO": "all"}
    lab.environ["WHO"] = "env"
    assert steps(lab, "--build-arg", "WHO")["other"]["build_args"] == {"WHO": "env"}


@pytest.mark.parametrize("text", ["1WHO=x", "=x", ":WHO=x", "a b=x"])
def test_what_is_no_build_argument(lab: Shell, text: str) -> None:
    """One sentence, and how it is written."""
    said = lab("plan", "--build-arg", text)

    assert said.code == 2
    assert "is no build argument" in said.err
    assert "IMAGE:NAME=VALUE" in said.err


def test_an_argument_is_a_reason(lab: Shell) -> None:
    """What was built with another value is built again, and why is told."""
    assert lab("build").code == 0

    assert steps(lab, "--build-arg", "other:WHO=you")["other"]["reasons"] == [
        {"kind": "argument-changed", "name": "WHO", "was": "all", "now": "you"}
    ]


def test_a_stamp_and_an_argument_for_a_push(lab: Shell) -> None:
    """What was built with them is published with them: `push` takes what `build` takes."""
    asked = ("--stamp", "2026-01-02T030405", "--build-arg", "WHO=you")
    assert lab("build", *asked).code == 0

    assert lab("push").code == 1
    said = lab("push", *asked)

    assert said.code == 0, said.err
    published = lab.registry.resolve(Repository("registry.example/lab/lab"), Tag("py3.13-2026-01-02T030405"))
    assert published is not None


def test_a_plan_to_publish_says_what_is_missing_for_it(
    git_stack: GitStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line to add, and the file that it belongs in: one that is read."""
    bare = Shell(git_stack({"images/lab/Dockerfile": "FROM debian:12\n"}), capsys, monkeypatch)
    said = bare("plan", "--push")
    assert said.code == 2
    assert "a line to stackyard.yml: `registry: ghcr.io/OWNER`" in said.err

    (bare.root / "stackyard.yml").write_text("registry: ghcr.io/owner\n")
    assert bare("plan", "--push").code == 0


def test_an_error_moves_no_cursor(shell: Shell) -> None:
    """What was typed, or found in a file, is shown; it does not act on the terminal that shows it."""
    said = shell("plan", "-C", "/nowhere\x1b[2J\u202eb")

    assert "there is no folder /nowhere\\x1b[2J\\u202eb" in said.err
    assert all(line.isprintable() for line in said.err.split("\n"))


def test_a_file_of_any_name_in_a_real_plan(shell: Shell) -> None:
    """From the folder to the table, the comment and the JSON."""
    assert shell("build").code == 0
    (shell.root / "images/leaf" / "a|`b`\n<c>").write_text("")

    assert "a|`b`\\n<c> added" in shell("plan").out
    assert "&#124;&#96;b&#96;&#92;n&#60;c&#62;</code> added" in shell("plan", "--format", "markdown").out
    assert shell("plan", "--json").json["steps"][1]["reasons"][0]["path"] == "images/leaf/a|`b`\n<c>"
