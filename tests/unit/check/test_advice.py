# SPDX-License-Identifier: MIT
"""Advice about a whole stack."""

from __future__ import annotations

import pytest

from stackyard import verbs
from stackyard.verbs import Options
from tests.conftest import GitStack


@pytest.mark.parametrize(
    ("add", "said"),
    [
        ("ADD https://example.org/a.tgz /", "https://example.org/a.tgz"),
        ("ARG V=2\nADD https://example.org/a-$V.tgz /", "https://example.org/a-2.tgz"),
        ("ADD https://me:pass@example.org/a.tgz /", "https://example.org/a.tgz"),
        ("ADD https://github.com/a/b.git#main /", "https://github.com/a/b.git#main"),
        ("ADD a.tgz /", None),
        ("ADD --checksum=sha256:0 https://example.org/a.tgz /", None),
        ("ARG S=sha256:0\nADD --checksum=$S https://example.org/a.tgz /", None),
        ("ADD --checksum=$S https://example.org/a.tgz /", "https://example.org/a.tgz"),
        (f"ADD https://github.com/a/b.git#{'0' * 40} /", None),
        ("COPY https://example.org/a.tgz /", None),
    ],
)
def test_a_download_without_a_checksum(git_stack: GitStack, add: str, said: str | None) -> None:
    """Its address, evaluated and without credentials; nothing where a checksum or a commit id stands."""
    yard = verbs.load(git_stack({"images/lab/Dockerfile": f"FROM a\n{add}\n", "images/lab/a.tgz": ""}), Options())
    found = [each for each in verbs.check(yard) if each.code == "unpinned-download"]

    assert [(each.level, each.line) for each in found] == ([("notice", 2 + add.count("\n"))] if said else [])
    assert [each.sentence.split()[2].rstrip(",") for each in found] == ([said] if said else [])
