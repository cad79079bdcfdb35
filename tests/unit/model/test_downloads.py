# SPDX-License-Identifier: MIT
"""Addresses that ADD fetches."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.model.downloads import Download, GitRef, digest_named, digest_of_commit
from tests.cases import each_of

COMMIT = "1f" * 20


@each_of(
    ("address", "git"),
    [
        ("https://example.org/a.tgz", None),
        ("https://example.org/a.git.tgz", None),
        ("https://example.org/a?file=b.git", None),
        ("https://example.org/a.git", GitRef("https://example.org/a.git", "HEAD")),
        ("https://example.org/a.git#main:docs", GitRef("https://example.org/a.git", "main")),
        ("https://example.org/a.git#:docs", GitRef("https://example.org/a.git", "HEAD")),
        ("https://example.org/a.git?branch=x/y&subdir=docs", GitRef("https://example.org/a.git", "x/y")),
        ("git://example.org/a#v1", GitRef("git://example.org/a", "v1")),
        ("ssh://git@example.org/a.git", GitRef("ssh://git@example.org/a.git", "HEAD")),
        ("git@example.org:lab/a.git#main", GitRef("git@example.org:lab/a.git", "main")),
    ],
)
def test_what_is_a_repository(address: str, git: GitRef | None) -> None:
    """As BuildKit has it: over HTTP what ends in .git, and every address of git and ssh."""
    assert Download.parse(address).git == git


def test_what_is_no_address() -> None:
    """A path and an image are none."""
    for text in ("a.tgz", "debian:12", "docker.io/library/debian@sha256:" + "0" * 64, "file:///a"):
        with pytest.raises(InvalidValue):
            Download.parse(text)


def test_a_digest_that_is_named() -> None:
    """As it is shown, or a bare commit id; a part of one is refused."""
    assert digest_named(COMMIT) == digest_named(f"sha1:{COMMIT}") == digest_of_commit(COMMIT)
    assert digest_named("sha256:" + "0" * 64) == "sha256:" + "0" * 64
    with pytest.raises(InvalidValue):
        digest_named(COMMIT[:12])
