# SPDX-License-Identifier: MIT
"""A commit is listed as git lists it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackyard.edges.git_tree import Blobs, folders_of, listing_of
from stackyard.errors import NoHistory
from stackyard.model.trees import in_folders
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


def test_an_id_is_of_what_it_names(tmp_path: Path) -> None:
    """What is kept is found by ids: `git replace`, which shows other files under them in one clone, has no say."""
    for name in ("a", "folder/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    first = commit(init(tmp_path))
    (tmp_path / "a").write_text("second\n")
    second, before = commit(tmp_path), listing_of(tmp_path, first)
    names = ("HEAD:folder/b", "HEAD:folder")
    blob, tree = (git(tmp_path, "rev-parse", name) for name in names)
    others = [git(tmp_path, "rev-parse", name) for name in ("HEAD:a", "HEAD~1:")]

    for replaced, other in zip((blob, tree, first), (*others, second), strict=True):
        git(tmp_path, "replace", "--force", replaced, other)

    assert listing_of(tmp_path, first) == before
    known = in_folders(listing_of(tmp_path, second).rows)
    assert folders_of(tmp_path, first, second, known) == in_folders(before.rows)
    with Blobs(tmp_path, before) as blobs:
        assert blobs.read("folder/b", blob) == b"folder/b\n"


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
