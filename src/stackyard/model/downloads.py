# SPDX-License-Identifier: MIT
"""What ADD fetches from an address that does not say what must come.

Pure. Beside: bases, with which they are looked at, accepted and refreshed. Why: docs/explanation/fingerprints.md
"""

from __future__ import annotations

import re

import msgspec

from stackyard.model.names import Digest, Name

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GIT = re.compile(r"(?i)(?:git|ssh)://|https?://[^?#]*\.git(?:[?#]|$)|[\w.-]+@[\w.-]+:")
_QUERY = re.compile(r"[?&](?:ref|branch|tag)=([^&#]*)")


class GitRef(msgspec.Struct, frozen=True):
    """A repository, and the branch, tag or `HEAD` of it that is fetched."""

    repository: str
    ref: str


class Download(Name):
    """An address as the Dockerfile has it, variables replaced.

    >>> Download("https://git.example/lab.git#main:docs").git
    GitRef(repository='https://git.example/lab.git', ref='main')
    """

    __slots__ = ()
    kind = "address"
    form = re.compile(r"(?i:https?|git|ssh)://\S+|[\w.-]+@[\w.-]+:\S+")
    hint = "an address begins with https://, http://, git://, ssh:// or user@host:"
    digest = None
    """No address says what it gives; a base may."""

    @property
    def canonical(self) -> str:
        """What it is called in records."""
        return str(self)

    @property
    def git(self) -> GitRef | None:
        """What of git it names; None for a file. As BuildKit has it: over HTTP a repository ends in `.git`."""
        if not _GIT.match(self):
            return None
        address, _, fragment = self.partition("#")
        repository, _, query = address.partition("?")
        named = _QUERY.search(f"?{query}")
        return GitRef(repository, fragment.partition(":")[0] or (named[1] if named else "") or "HEAD")


def digest_of_commit(commit: str) -> Digest:
    """A commit's id as a digest: it is one, by git's own algorithm.

    >>> digest_of_commit("1f" * 20).short
    'sha1:1f1f1f1f1f1f'
    """
    return Digest(f"{'sha1' if len(commit) == 40 else 'sha256'}:{commit}")


def digest_named(text: str) -> Digest:
    """The digest that a person named: as it is shown, or a bare commit id; InvalidValue for what is neither."""
    commit = text.removeprefix("sha1:")
    return digest_of_commit(commit) if _COMMIT.fullmatch(commit) else Digest.parse(text)
