# SPDX-License-Identifier: MIT
"""A commit is listed as git lists it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackyard.edges.git_tree import listing_of
from stackyard.errors import NoHistory
from tests.repositories import commit, git, init

pytestmark = pytest.mark.processes

NAMES = ["a.b", "a/b", "a/160000 commit ", "odd/\t\n", "odd/é", os.fsdecode(b"odd/\xff")]


@pytest.mark.parametrize("module", [False, True])
def test_every_row_is_there(tmp_path: Path, module: bool) -> None:
    """Kinds, ids and paths, whatever the names are, with and without a submodule of which only the commit is known."""
    for name in NAMES:
        full = tmp_path / name
        full.parent.mkdir(exist_ok=True)
        full.write_text("x\n")
    os.chmod(tmp_path / "a.b", 0o755)
    (tmp_path / "odd/link").symlink_to("é")
    made = commit(init(tmp_path))
    if module:
        git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{made},a/module")
        git(tmp_path, "commit", "--quiet", "--message", "a submodule")

    rows = {path: (kind, blob) for path, kind, blob in listing_of(tmp_path, "HEAD").rows}

    blob = git(tmp_path, "rev-parse", "HEAD:a/b")
    expected = {
        **dict.fromkeys(NAMES, ("file", blob)),
        "a.b": ("exec", blob),
        "odd/link": ("link", git(tmp_path, "rev-parse", "HEAD:odd/link")),
        "a": ("dir", git(tmp_path, "rev-parse", "HEAD:a")),
        "odd": ("dir", git(tmp_path, "rev-parse", "HEAD:odd")),
    }
    assert rows == expected | ({"a/module": ("module", made)} if module else {})


def test_a_commit_of_nothing(tmp_path: Path) -> None:
    """It has no row."""
    assert listing_of(tmp_path, commit(init(tmp_path))).rows == ()


def test_ids_of_another_form_are_refused(tmp_path: Path) -> None:
    """A repository that names files by sha256: no fingerprint is made of those."""
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    (tmp_path / "file").write_text("x\n")
    commit(tmp_path)
    with pytest.raises(NoHistory, match="sha256"):
        listing_of(tmp_path, "HEAD")
