# SPDX-License-Identifier: MIT
"""How a run is shown, by what the environment says: a terminal, a CI system, a program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.repositories import commit
from tests.unit.cli.conftest import Shell

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}


def test_github_gets_folds_annotations_and_a_summary(shell: Shell, tmp_path: Path) -> None:
    """The failure stands beside the Dockerfile, and the page is added to what other commands wrote."""
    page = tmp_path / "page.md"
    page.write_text("before\n")
    shell.environ |= {**GITHUB, "GITHUB_STEP_SUMMARY": str(page)}
    shell.engine.failing["registry.example/lab/leaf"] = "::add-mask::x"
    said = shell("build")

    assert said.code == 1
    assert "::group::base: built in" in said.out
    assert "::error file=images/leaf/Dockerfile,title=leaf failed::build failed" in said.out
    assert not [line for line in said.out.splitlines() if line.lstrip().startswith("::add-mask")]
    assert page.read_text().startswith("before\n### Run 1")


def test_a_stack_below_the_top_of_its_repository(shell: Shell, tmp_path: Path) -> None:
    """GitHub counts paths from the top."""
    stack = shell.root
    inner = stack / "stacks" / "lab"
    inner.mkdir(parents=True)
    (stack / "images").rename(inner / "images")
    commit(stack)
    shell.environ |= GITHUB
    shell.engine.failing["registry.example/lab/base"] = "no"

    assert "::error file=stacks/lab/images/base/Dockerfile," in shell("build", at=inner).out


def test_buildkite_and_gitlab(shell: Shell) -> None:
    """Each has its own folds; Buildkite's summary is open."""
    shell.environ |= {"BUILDKITE": "true", "BUILDKITE_BRANCH": "main"}
    buildkite = shell("build")
    shell.environ = {"HOME": shell.environ["HOME"], "PATH": "/usr/bin:/bin", "GITLAB_CI": "true"}
    gitlab = shell("build", "--rebuild", "all")

    assert "--- base: built in" in buildkite.out
    assert "+++ Summary\n" in buildkite.out
    assert "\x1b[0Ksection_start:" in gitlab.out
    assert "+++" not in gitlab.out


def test_no_command_in_any_text_on_github(shell: Shell) -> None:
    """Plans, summaries and errors alike; JSON keeps its meaning."""
    shell.environ |= GITHUB
    shell.engine.failing["registry.example/lab/base"] = "##[add-mask]x"
    text, data = shell("build"), shell("build", "--json")

    assert "##[" not in text.out
    assert "##[" not in data.out + data.err
    assert "##[add-mask]x" in data.json["outcomes"][0]["failure"]


def test_plain_lines_in_ci_are_not_folded(shell: Shell) -> None:
    """Who asks for plain lines gets them, and still no command of others."""
    shell.environ |= GITHUB
    shell.engine.failing["registry.example/lab/leaf"] = "::add-mask::x"
    said = shell("build", "--progress", "plain")

    assert "::group::" not in said.out
    assert "  \\::add-mask::x" in said.out


def test_json_lines_are_all_that_stdout_has(shell: Shell) -> None:
    """From the plan to the run; with --json beside it they go to stderr."""
    said = shell("build", "--progress", "json")
    events = [json.loads(line) for line in said.out.splitlines()]
    both = shell("build", "--progress", "json", "--json", "--rebuild", "all")

    assert (events[0]["event"], events[-1]["event"]) == ("plan", "run")
    assert {"job-started", "job-step", "job-ended", "target-ended"} <= {event["event"] for event in events}
    assert both.json["good"] is True
    assert [json.loads(line)["event"] for line in both.err.splitlines()][-1] == "run"


def test_jobs_have_their_times(shell: Shell) -> None:
    """A run's JSON has when each job of an image began and how long it took; a size has the one before."""
    first = shell("build", "--json").json["outcomes"]
    (shell.root / "images" / "base" / "new").write_text("x")
    second = shell("build", "--json").json["outcomes"]

    assert [job["job"] for job in first[0]["jobs"]] == ["build", "publish"]
    assert first[0]["size_before_bytes"] is None
    assert second[0]["size_before_bytes"] == first[0]["size_bytes"]


@pytest.mark.parametrize("how", ["auto", "live"])
def test_a_terminal_gets_live_lines(shell: Shell, how: str) -> None:
    """Counts are drawn; the run ends as elsewhere."""
    said = shell.in_terminal("build", "--progress", how)

    assert said.code == 0
    assert "Run 1: 2 built" in said.out
