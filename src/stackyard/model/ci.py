# SPDX-License-Identifier: MIT
"""What CI says of the run it started: branch, tag, pull request, message.

In:   the environment; on GitHub also the event, which it keeps in a file
Out:  Ci, or None where no CI is known
Pure. The variables: docs/reference/environment.md

A build of a git tag is on no branch. A pull request is built on its own branch, whatever CI checked out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from stackyard.model.stack import Revision

EVENT_FILE = "GITHUB_EVENT_PATH"
GITHUB = ("GITHUB_ACTIONS", "GITHUB_REF_NAME", "GITHUB_REF", "GITHUB_HEAD_REF")
BUILDKITE = ("BUILDKITE", "BUILDKITE_BRANCH", "BUILDKITE_TAG")
GITLAB = ("GITLAB_CI", "CI_COMMIT_REF_NAME", "CI_COMMIT_BRANCH", "CI_COMMIT_TAG", "CI_MERGE_REQUEST_IID")
"""By which each is known; one is enough, since a container of a job has those that somebody handed on."""
_MERGE_QUEUE = re.compile(r"gh-readonly-queue/(.+)/pr-(\d+)-[0-9a-f]+")
_PULL_REF = re.compile(r"(?:refs/pull/)?(\d+)/(?:merge|head)")


class PullRequest(msgspec.Struct, frozen=True):
    """A pull or merge request: work that somebody proposes."""

    number: str
    head: str | None = None
    """Its own branch."""
    base: str | None = None
    """The branch it wants to go to."""
    is_fork: bool = False
    """Whether it comes from a copy of the repository: people who may not write to this one."""
    title: str = ""


class Ci(msgspec.Struct, frozen=True):
    """What CI says; what it does not say is None."""

    branch: str | None = None
    tag: str | None = None
    """The git tag that the run is for; it is then on no branch."""
    pull_request: PullRequest | None = None
    default_branch: str | None = None
    message: str | None = None
    """Of the commit; None: git knows it."""
    commit: str | None = None
    """Whose message counts, where it is not that of the commit checked out."""


def ci_of(environ: Mapping[str, str], event: Mapping[str, Any] | None = None) -> Ci | None:
    """What the variables of GitHub Actions, Buildkite or GitLab say.

    Args:
        event: what the file that `GITHUB_EVENT_PATH` names says.
    """
    if any(map(environ.get, GITHUB)):
        return _github(environ, event or {})
    if any(map(environ.get, BUILDKITE)):
        return _buildkite(environ)
    return _gitlab(environ) if any(map(environ.get, GITLAB)) else None


def as_ci_says(revision: Revision, ci: Ci | None) -> Revision:
    """The revision on the branch that CI names; on none for a tag; on the default one only if that itself is built."""
    if ci is None:
        return revision
    branch = ci.branch if ci.branch or ci.tag else revision.branch
    if branch is None or ci.pull_request is not None:
        is_default = False
    elif ci.default_branch:
        is_default = branch == ci.default_branch
    else:
        is_default = revision.is_default
    request = ci.pull_request
    number, base = (request.number, request.base) if request else (None, None)
    return msgspec.structs.replace(revision, branch=branch, is_default=is_default, pull_request=number, base=base)


def _github(environ: Mapping[str, str], event: Mapping[str, Any]) -> Ci:
    ref = environ.get("GITHUB_REF", "")
    name = environ.get("GITHUB_REF_NAME") or ref.removeprefix("refs/heads/").removeprefix("refs/tags/") or None
    default = _text(event, "repository", "default_branch")
    if environ.get("GITHUB_REF_TYPE") == "tag" or ref.startswith("refs/tags/"):
        return Ci(tag=name, default_branch=default, message=_text(event, "head_commit", "message"))
    head = environ.get("GITHUB_HEAD_REF") or None
    if head or ref.startswith("refs/pull/") or environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        merged = _PULL_REF.match(ref) or _PULL_REF.match(name or "")
        number = merged[1] if merged else _text(event, "pull_request", "number")
        request = PullRequest(
            number or "0",
            head,
            environ.get("GITHUB_BASE_REF") or None,
            _is_github_fork(event),
            _text(event, "pull_request", "title") or "",
        )
        return Ci(head, None, request, default, commit=_text(event, "pull_request", "head", "sha"))
    if queued := _MERGE_QUEUE.fullmatch(name or ""):
        return Ci(name, None, PullRequest(queued[2], None, queued[1]), default)
    return Ci(name, None, None, default, _text(event, "head_commit", "message"))


def _is_github_fork(event: Mapping[str, Any]) -> bool:
    """Whether head and base are in two repositories; a fork that was removed has none."""
    if not isinstance(_at(event, "pull_request", "head"), Mapping):
        return False
    return _text(event, "pull_request", "head", "repo", "full_name") != _text(
        event, "pull_request", "base", "repo", "full_name"
    )


def _buildkite(environ: Mapping[str, str]) -> Ci:
    branch, default = environ.get("BUILDKITE_BRANCH") or None, environ.get("BUILDKITE_PIPELINE_DEFAULT_BRANCH") or None
    message = environ.get("BUILDKITE_MESSAGE")
    if tag := environ.get("BUILDKITE_TAG"):
        return Ci(None, tag, None, default, message)
    number = environ.get("BUILDKITE_PULL_REQUEST", "false")
    if number in ("", "false"):
        return Ci(branch, None, None, default, message)
    theirs, ours = environ.get("BUILDKITE_PULL_REQUEST_REPO", ""), environ.get("BUILDKITE_REPO", "")
    base = environ.get("BUILDKITE_PULL_REQUEST_BASE_BRANCH") or None
    is_fork = bool(theirs) and _repository(theirs) != _repository(ours)
    return Ci(branch, None, PullRequest(number, branch, base, is_fork), default, message)


def _repository(address: str) -> list[str]:
    """Owner and name, however the address is written."""
    return re.split(r"[/:]+", address.lower().removesuffix("/").removesuffix(".git"))[-2:]


def _gitlab(environ: Mapping[str, str]) -> Ci:
    default, message = environ.get("CI_DEFAULT_BRANCH") or None, environ.get("CI_COMMIT_MESSAGE")
    if tag := environ.get("CI_COMMIT_TAG"):
        return Ci(None, tag, None, default, message)
    for lead, number, ours, theirs in (
        ("CI_MERGE_REQUEST", "IID", "PROJECT_PATH", "SOURCE_PROJECT_PATH"),
        ("CI_EXTERNAL_PULL_REQUEST", "IID", "TARGET_REPOSITORY", "SOURCE_REPOSITORY"),
    ):
        given = {key: environ.get(f"{lead}_{key}", "") for key in (number, ours, theirs, "TITLE")}
        if given[number]:
            head = environ.get(f"{lead}_SOURCE_BRANCH_NAME") or environ.get("CI_COMMIT_REF_NAME") or None
            base = environ.get(f"{lead}_TARGET_BRANCH_NAME") or None
            is_fork = bool(given[theirs]) and given[theirs] != given[ours]
            request = PullRequest(given[number], head, base, is_fork, given["TITLE"])
            return Ci(head, None, request, default, message)
    branch = environ.get("CI_COMMIT_BRANCH") or environ.get("CI_COMMIT_REF_NAME") or None
    return Ci(branch, None, None, default, message)


def _at(event: Any, *path: str) -> Any:
    for name in path:
        event = event.get(name) if isinstance(event, Mapping) else None
    return event


def _text(event: Mapping[str, Any], *path: str) -> str | None:
    """A text or a number of the event; None where there is none."""
    found = _at(event, *path)
    return str(found) if isinstance(found, str | int) and found != "" else None
