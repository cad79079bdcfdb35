# SPDX-License-Identifier: MIT
"""A stack's policy from the outside: pull requests, branches, words in commit messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.repositories import commit as commit_all
from tests.repositories import git
from tests.unit.cli.conftest import Shell

BRANCH = {"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}
PULL = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_REF": "refs/pull/12/merge",
    "GITHUB_REF_NAME": "12/merge",
    "GITHUB_HEAD_REF": "main",
    "GITHUB_BASE_REF": "main",
}


def spec(shell: Shell, text: str) -> None:
    """More lines for the spec, committed."""
    path = shell.root / "images/spec.yml"
    path.write_text(path.read_text() + text)
    commit_all(shell.root, "policy")


def said(shell: Shell, message: str) -> None:
    """A commit of nothing with this message, in CI on main."""
    commit_all(shell.root, message)
    shell.environ |= BRANCH


def commit(shell: Shell) -> str:
    """Seven digits of the commit."""
    return str(shell("plan", "--json").json["stack"]["commit"][:7])


def test_a_pull_request_publishes_nothing_by_default(shell: Shell) -> None:
    """Everything else is done, the plan says it, and the exit code is 0; no moving tag of `main` is put anywhere."""
    shell.environ |= PULL
    planned, built = shell("plan", "--push"), shell("build", "--push")
    tag = f"pr-12-{commit(shell)}"

    sentence = (
        "note: --push publishes nothing: this is the run of pull request 12; "
        f"with `publish: {{pull_requests: true}}` it would publish {tag}"
    )
    assert sentence in planned.out
    assert sentence in built.out
    assert built.code == 0
    assert f"Tags: {tag}\n" in planned.out
    assert "on branch main into main, pull request 12\n" in planned.out
    assert "2 built" in built.out
    assert shell.registry.tags("registry.example/lab/base") == {}
    assert shell("push").out == f"{sentence}\n"


def test_a_pull_request_publishes_one_fixed_tag_where_the_spec_says_so(shell: Shell) -> None:
    """And no moving one; the base branch's tags stay where they are."""
    spec(shell, "publish: {pull_requests: true}\n")
    shell.environ |= PULL
    assert shell("build", "--push").code == 0

    tags = shell.registry.tags("registry.example/lab/base")
    assert [tag for tag in tags if not tag.startswith("sy-")] == [f"pr-12-{commit(shell)}"]
    assert "Nothing to do" in shell("build", "--push").out


def test_a_fork_never_publishes(shell: Shell, tmp_path: Path) -> None:
    """Whatever the spec says: it is read from what the fork proposes."""
    spec(shell, "publish: {pull_requests: true}\n")
    event = {"pull_request": {"head": {"repo": {"full_name": "a/x"}}, "base": {"repo": {"full_name": "b/x"}}}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    shell.environ |= {**PULL, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}

    plan = shell("plan", "--push", "--json").json
    assert plan["stack"]["publishing"] is False
    assert plan["notes"] == [
        {"kind": "not-publishing", "sentence": "--push publishes nothing: pull request 12 comes from a fork"}
    ]


@pytest.mark.processes
def test_only_listed_branches_publish(shell: Shell) -> None:
    """On a laptop too; the list may have patterns."""
    spec(shell, "publish: {branches: [main, 'release/*']}\n")
    git(shell.root, "switch", "-qc", "topic")
    ended = shell("build", "--push")

    assert ended.code == 0
    assert "--push publishes nothing: branch topic is not among `publish.branches` (main, release/*)" in ended.out
    assert shell.registry.tags("registry.example/lab/base") == {}
    git(shell.root, "switch", "-qc", "release/1")
    assert shell("build", "--push").code == 0
    assert "release-1" in shell.registry.tags("registry.example/lab/base")


@pytest.mark.parametrize("verb", ["plan", "build", "push"])
def test_skip_ci_does_nothing(shell: Shell, verb: str) -> None:
    """One sentence, no failure, and no engine: it need not be there."""
    said(shell, "Typo [skip ci]")
    ended = shell(verb)

    assert ended.code == 0
    assert 'note: nothing is planned, built or published: the commit message says "skip ci"' in ended.out
    assert ended.err == ""
    assert not (shell.root / ".stackyard").exists()


def test_skip_ci_for_programs(shell: Shell) -> None:
    """Every step is there, and says why it is left alone; a build has an outcome for each."""
    said(shell, "skip ci")

    plan, run = shell("plan", "--json").json, shell("build", "--json").json
    assert {step["action"] for step in plan["steps"]} == {"skip"}
    assert plan["steps"][0]["reasons"] == [{"kind": "left-alone", "why": 'the commit message says "skip ci"'}]
    assert {outcome["status"] for outcome in run["outcomes"]} == {"skipped"}
    assert (run["run"], run["good"]) == (None, True)


def test_full_rebuild_builds_everything_anew(shell: Shell) -> None:
    """In CI, with its reason; who types a command is not surprised by the last message."""
    assert shell("build").code == 0
    commit_all(shell.root, "Bump R (full rebuild)")

    assert {step["action"] for step in shell("plan", "--json").json["steps"]} == {"tag"}
    shell.environ |= BRANCH
    steps = shell("plan", "--json").json["steps"]
    assert {step["action"] for step in steps} == {"build"}
    assert steps[0]["reasons"] == [{"kind": "forced", "by": '"full rebuild" in the commit message'}]


def test_words_are_those_of_the_spec(shell: Shell) -> None:
    """An action's own words replace the usual ones; false turns all off."""
    spec(shell, "words: {skip: [hands off]}\n")
    said(shell, "skip ci, skip push")
    assert "left alone" not in shell("plan").out
    assert 'says "skip push"' in shell("plan", "--push").out
    said(shell, "hands off")
    assert 'says "hands off"' in shell("plan").out


def test_words_can_be_turned_off(shell: Shell) -> None:
    """Then a message is a message."""
    spec(shell, "words: off\n")
    said(shell, "skip ci, skip push, full rebuild")

    assert shell("plan", "--push").out.count("note:") == 0


@pytest.mark.processes
def test_the_message_is_that_of_the_pull_requests_own_commit(shell: Shell, tmp_path: Path) -> None:
    """CI checks out a merge that nobody wrote; the title of the pull request counts as well."""
    commit_all(shell.root, "skip ci")
    head = commit(shell)
    commit_all(shell.root, "Merge 1 into 2")
    repo = {"repo": {"full_name": "a/x"}}
    event = {"pull_request": {"head": {**repo, "sha": head}, "base": repo, "title": "Faster"}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    shell.environ |= {**PULL, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    assert "note: nothing is planned" in shell("plan").out

    event["pull_request"]["head"]["sha"] = "0" * 40  # a shallow clone has it not
    (tmp_path / "event.json").write_text(json.dumps(event))
    assert "note:" not in shell("plan").out
    event["pull_request"]["title"] = "Typo (skip ci)"
    (tmp_path / "event.json").write_text(json.dumps(event))
    assert "note: nothing is planned" in shell("plan").out


def test_a_git_tag_is_no_branch(shell: Shell) -> None:
    """A build of a tag puts no branch's tag, whatever the checkout is at."""
    shell.environ |= {**BRANCH, "GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}

    plan = shell("plan", "--json").json
    assert plan["stack"]["branch"] is None
    assert plan["steps"][0]["tags"] == [plan["stack"]["commit"][:7]]


@pytest.mark.processes
def test_two_branches_of_one_tag(shell: Shell) -> None:
    """The second to come leaves the first one's tag, and says so; once the first is gone, it has it."""
    git(shell.root, "switch", "-qc", "feature/x")
    assert shell("build", "--push").code == 0
    git(shell.root, "switch", "-qc", "feature-x")
    (shell.root / "images/leaf/Dockerfile").write_text("FROM base\nRUN echo other\n")
    git(shell.root, "commit", "-qam", "other")
    first = shell.registry.tags("registry.example/lab/leaf")["feature-x"]
    ended = shell("build", "--push")

    assert ended.code == 0
    assert "note: feature-x is branch feature/x's tag, and stays: rename one of the two" in ended.out
    assert shell.registry.tags("registry.example/lab/leaf")["feature-x"] == first
    git(shell.root, "branch", "-D", "feature/x")
    assert "which is gone: it is feature-x's now" in shell("plan", "--push").out
    assert shell("build", "--push").code == 0
    assert shell.registry.tags("registry.example/lab/leaf")["feature-x"] != first


@pytest.mark.processes
def test_a_branch_called_like_a_channel(shell: Shell) -> None:
    """A build of branch `prod` leaves the channel `prod` where people put it."""
    assert shell("build", "--push").code == 0
    assert shell("promote", "main", "--to", "prod", "--yes").code == 0
    before = shell.registry.tags("registry.example/lab/leaf")["prod"]
    git(shell.root, "switch", "-qc", "prod")
    (shell.root / "images/leaf/Dockerfile").write_text("FROM base\nRUN echo other\n")
    git(shell.root, "commit", "-qam", "other")
    ended = shell("build", "--push")

    assert (ended.code, shell.registry.tags("registry.example/lab/leaf")["prod"]) == (0, before)
    assert "note: prod is a channel's tag, and stays where it was promoted to" in ended.out


def since(shell: Shell) -> list[tuple[str, str]]:
    """Action and last reason of each step, against the commit before."""
    steps = shell("plan", "--since", "HEAD~1", "--json").json["steps"]
    return [(step["action"], step["reasons"][-1]["kind"]) for step in steps]


@pytest.mark.processes
def test_main_plans_every_image_whatever_changed(shell: Shell) -> None:
    """A matrix made of `--since` has all of them there, and each gets the commit's tag; elsewhere what changed."""
    (shell.root / "images/leaf/Dockerfile").write_text("FROM busybox:1.36\n")
    commit_all(shell.root, "leaf alone")
    assert since(shell)[0] == ("reuse", "unchanged")

    shell.environ |= BRANCH
    assert since(shell)[0] == ("tag", "whole-stack")
    assert since(shell)[1][0] == "build"
    shell.environ |= {"GITHUB_REF_NAME": "topic"}
    assert since(shell)[0] == ("reuse", "unchanged")


@pytest.mark.processes
def test_words_count_for_what_changed_since(shell: Shell) -> None:
    """Everything anew, or nothing at all."""
    said(shell, "full rebuild")
    assert since(shell) == [("build", "forced"), ("build", "forced")]
    said(shell, "skip ci")
    assert since(shell) == [("skip", "left-alone"), ("skip", "left-alone")]
