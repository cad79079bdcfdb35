# SPDX-License-Identifier: MIT
"""What CI's variables say, by service and kind of run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stackyard.cli.session import CI_VARIABLES
from stackyard.model import ci
from stackyard.model.ci import Ci, PullRequest, as_ci_says, ci_of
from stackyard.model.stack import Revision
from tests.cases import each_of

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/lab"}
PULL = {
    **GITHUB,
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_REF": "refs/pull/12/merge",
    "GITHUB_REF_NAME": "12/merge",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_HEAD_REF": "feature/x",
    "GITHUB_BASE_REF": "main",
}
KITE = {
    "BUILDKITE": "true",
    "BUILDKITE_REPO": "git@github.com:acme/lab.git",
    "BUILDKITE_PIPELINE_DEFAULT_BRANCH": "main",
}
LAB = {"GITLAB_CI": "true", "CI_DEFAULT_BRANCH": "main"}


def event(theirs: str | None = "acme/lab", **more: Any) -> dict[str, Any]:
    """The event of a pull request from the repository `theirs`."""
    repo = {"full_name": theirs} if theirs else None
    head = {"repo": repo, "sha": "c" * 40}
    return {
        "repository": {"default_branch": "main"},
        "pull_request": {
            "number": 12,
            "title": "Faster",
            "head": head,
            "base": {"repo": {"full_name": "acme/lab"}},
            **more,
        },
    }


def pushed(message: str = "a change") -> dict[str, Any]:
    """The event of a push."""
    return {"repository": {"default_branch": "main"}, "head_commit": {"message": message}}


REQUEST = PullRequest("12", "feature/x", "main", title="Faster")


@pytest.mark.parametrize(
    ("environ", "event", "expected"),
    [
        pytest.param({}, None, None, id="nobody"),
        pytest.param({"GITHUB_REF_NAME": "", "CI": "true"}, None, None, id="none of the three"),
        pytest.param({"GITHUB_REF_NAME": "feature/x"}, None, Ci("feature/x"), id="GitHub, in a container"),
        pytest.param({"GITHUB_REF": "refs/heads/feature/x"}, None, Ci("feature/x"), id="GitHub, by its ref"),
        pytest.param({**GITHUB, "GITHUB_REF": "refs/tags/v1"}, None, Ci(None, "v1"), id="a tag, by its ref"),
        pytest.param(
            {"GITHUB_REF_NAME": "12/merge", "GITHUB_HEAD_REF": "feature/x"},
            None,
            Ci("feature/x", None, PullRequest("12", "feature/x")),
            id="a pull request in a container",
        ),
        pytest.param(
            {**GITHUB, "GITHUB_REF": "refs/pull/12/merge"}, None, Ci(None, None, PullRequest("12")), id="its ref alone"
        ),
        pytest.param(
            {**GITHUB, "GITHUB_REF_NAME": "emergency-fix", "GITHUB_REF_TYPE": "branch", "GITHUB_HEAD_REF": ""},
            pushed(),
            Ci("emergency-fix", default_branch="main", message="a change"),
            id="a push to a branch with merge in its name",
        ),
        pytest.param({**GITHUB, "GITHUB_REF_NAME": "main"}, None, Ci("main"), id="no event file"),
        pytest.param(
            {**GITHUB, "GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"},
            pushed("release"),
            Ci(None, "v1", default_branch="main", message="release"),
            id="a tag",
        ),
        pytest.param(PULL, event(), Ci("feature/x", None, REQUEST, "main", commit="c" * 40), id="a pull request"),
        pytest.param(
            PULL,
            event("someone/lab"),
            Ci("feature/x", None, PullRequest("12", "feature/x", "main", True, "Faster"), "main", commit="c" * 40),
            id="a pull request of a fork",
        ),
        pytest.param(
            PULL,
            event(None),
            Ci("feature/x", None, PullRequest("12", "feature/x", "main", True, "Faster"), "main", commit="c" * 40),
            id="a pull request of a fork that is gone",
        ),
        pytest.param(
            PULL,
            None,
            Ci("feature/x", None, PullRequest("12", "feature/x", "main")),
            id="a pull request without a file",
        ),
        pytest.param(
            {
                **PULL,
                "GITHUB_EVENT_NAME": "pull_request_target",
                "GITHUB_REF": "refs/heads/main",
                "GITHUB_REF_NAME": "main",
            },
            event(),
            Ci("feature/x", None, REQUEST, "main", commit="c" * 40),
            id="a pull request that runs on its base",
        ),
        pytest.param(
            {
                **GITHUB,
                "GITHUB_REF_NAME": "gh-readonly-queue/release/1/pr-7-0a1b2c",
                "GITHUB_EVENT_NAME": "merge_group",
            },
            {},
            Ci("gh-readonly-queue/release/1/pr-7-0a1b2c", None, PullRequest("7", None, "release/1")),
            id="a merge queue",
        ),
        pytest.param(
            {**GITHUB, "GITHUB_REF_NAME": "main"},
            {"head_commit": None, "repository": "odd", "pull_request": ["odd"]},
            Ci("main"),
            id="an event of another shape",
        ),
        pytest.param(
            {**KITE, "BUILDKITE_BRANCH": "main", "BUILDKITE_PULL_REQUEST": "false", "BUILDKITE_MESSAGE": "m"},
            None,
            Ci("main", default_branch="main", message="m"),
            id="Buildkite, a branch",
        ),
        pytest.param(
            {**KITE, "BUILDKITE_BRANCH": "v1", "BUILDKITE_TAG": "v1"},
            None,
            Ci(None, "v1", default_branch="main"),
            id="Buildkite, a tag",
        ),
        pytest.param(
            {
                **KITE,
                "BUILDKITE_BRANCH": "x",
                "BUILDKITE_PULL_REQUEST": "7",
                "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main",
                "BUILDKITE_PULL_REQUEST_REPO": "https://github.com/Acme/lab.git",
            },
            None,
            Ci("x", None, PullRequest("7", "x", "main"), "main"),
            id="Buildkite, a pull request",
        ),
        pytest.param(
            {
                **KITE,
                "BUILDKITE_BRANCH": "someone:main",
                "BUILDKITE_PULL_REQUEST": "7",
                "BUILDKITE_PULL_REQUEST_REPO": "git://github.com/someone/lab.git",
            },
            None,
            Ci("someone:main", None, PullRequest("7", "someone:main", None, True), "main"),
            id="Buildkite, a pull request of a fork",
        ),
        pytest.param({"BUILDKITE_BRANCH": "main"}, None, Ci("main"), id="Buildkite, in a container"),
        pytest.param({"CI_COMMIT_BRANCH": "x"}, None, Ci("x"), id="GitLab, in a container"),
        pytest.param(
            {**LAB, "CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main", "CI_COMMIT_MESSAGE": "m\n"},
            None,
            Ci("main", default_branch="main", message="m\n"),
            id="GitLab, a branch",
        ),
        pytest.param(
            {**LAB, "CI_COMMIT_TAG": "v1", "CI_COMMIT_REF_NAME": "v1"},
            None,
            Ci(None, "v1", default_branch="main"),
            id="GitLab, a tag",
        ),
        pytest.param(
            {
                **LAB,
                "CI_COMMIT_REF_NAME": "refs/merge-requests/3/head",
                "CI_MERGE_REQUEST_IID": "3",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "x",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_PROJECT_PATH": "acme/lab",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "acme/lab",
                "CI_MERGE_REQUEST_TITLE": "Faster",
            },
            None,
            Ci("x", None, PullRequest("3", "x", "main", False, "Faster"), "main"),
            id="GitLab, a merge request",
        ),
        pytest.param(
            {
                **LAB,
                "CI_MERGE_REQUEST_IID": "3",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_PROJECT_PATH": "acme/lab",
                "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "someone/lab",
            },
            None,
            Ci("main", None, PullRequest("3", "main", None, True), "main"),
            id="GitLab, a merge request of a fork",
        ),
        pytest.param(
            {
                **LAB,
                "CI_COMMIT_REF_NAME": "x",
                "CI_EXTERNAL_PULL_REQUEST_IID": "3",
                "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME": "x",
                "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY": "someone/lab",
                "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY": "acme/lab",
            },
            None,
            Ci("x", None, PullRequest("3", "x", "main", True), "main"),
            id="GitLab, a pull request elsewhere",
        ),
    ],
)
def test_what_ci_says(environ: Mapping[str, str], event: Mapping[str, Any] | None, expected: Ci | None) -> None:
    """Branch, tag, pull request and message, each from where its service says it."""
    assert ci_of(environ, event) == expected


HERE = Revision("a" * 40, "main", is_dirty=False, is_default=True)
DETACHED = Revision("a" * 40, None, is_dirty=False)


@each_of(
    ("revision", "ci", "branch", "is_default"),
    [
        (HERE, None, "main", True),
        (HERE, Ci("main"), "main", True),
        (DETACHED, Ci("trunk", default_branch="trunk"), "trunk", True),
        (HERE, Ci("main", default_branch="trunk"), "main", False),
        (HERE, Ci(None, "v1"), None, False),
        (HERE, Ci("main", None, PullRequest("1", "main", is_fork=True), "main"), "main", False),
        (HERE, Ci(), "main", True),
        (DETACHED, Ci(), None, False),
    ],
)
def test_the_branch_is_the_one_that_ci_names(
    revision: Revision, ci: Ci | None, branch: str | None, is_default: bool
) -> None:
    """A tag is on none, and a fork's `main` is not ours; where CI says nothing, git does."""
    told = as_ci_says(revision, ci)

    assert (told.branch, told.is_default) == (branch, is_default)


def test_a_revision_knows_its_pull_request() -> None:
    """Number and base, for who reads the plan."""
    told = as_ci_says(DETACHED, Ci("x", None, PullRequest("12", "x", "main")))

    assert (told.pull_request, told.base) == ("12", "main")


def test_the_command_line_looks_for_all_of_them() -> None:
    """It has their names itself, so as not to load this module on a laptop."""
    assert set(ci.GITHUB + ci.BUILDKITE + ci.GITLAB) == CI_VARIABLES
