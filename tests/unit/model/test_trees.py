# SPDX-License-Identifier: MIT
"""Folders as values: their ids are git's, and are forgotten where something below changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.model.trees import FOLDER, in_folders, put, take, with_ids
from tests.repositories import commit, git, init

ROWS = [
    ("a.txt", "file", "1" * 40),
    ("deep/er/run", "exec", "2" * 40),
    ("deep/er.txt", "file", "3" * 40),
    ("links/to", "link", "4" * 40),
    ("links/unlinked/file", "file", "5" * 40),
]


@pytest.mark.processes
def test_ids_are_git_s(tmp_path: Path) -> None:
    """Names in git's order, where a folder sorts as if it ended in a slash; x bits count."""
    for path in ("a/b", "a.b", "a-b", "a0", "run"):
        (tmp_path / "top" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "top" / path).write_text(path)
    (tmp_path / "top" / "run").chmod(0o755)
    root = init(tmp_path)
    commit(root)
    listed = [row.partition("\t") for row in git(root, "ls-tree", "-r", "HEAD").splitlines()]
    kinds = {"100644": "file", "100755": "exec"}

    folders = in_folders((path, kinds[facts.split()[0]], facts.split()[2]) for facts, _, path in listed)
    with_ids(folders)

    assert folders[""]["top"] == ("dir", git(root, "rev-parse", "HEAD:top"))
    assert folders["top"]["a"] == ("dir", git(root, "rev-parse", "HEAD:top/a"))


def test_a_folder_with_a_link_below_has_no_id() -> None:
    """More counts than what is in it; nor has one where an id is missing, whatever a listing says."""
    folders = in_folders([("links", "dir", "6" * 40), *ROWS, ("odd/file", "file", "")])
    assert folders[""]["links"] == FOLDER
    with_ids(folders)

    known = {path: folders[path.rpartition("/")[0]][path.rpartition("/")[2]][1] != "" for path in folders if path}

    assert known == {"deep": True, "deep/er": True, "links": False, "links/unlinked": True, "odd": False}


def test_what_changes_below_is_another_folder() -> None:
    """Putting or taking a file forgets the ids above it, and of no other folder."""
    for change in (lambda at: put(at, "deep/er/new", ("file", "")), lambda at: take(at, "deep/er/run")):
        folders = in_folders(ROWS)
        with_ids(folders)
        change(folders)
        assert folders[""]["deep"] == folders["deep"]["er"] == FOLDER
        assert folders["links"]["unlinked"][1]


def test_folders_come_with_what_is_in_them() -> None:
    """What is put brings the folders above it; an empty folder can be taken, and what is not there need not be."""
    folders = in_folders([])
    put(folders, "a/b/c", ("file", "1" * 40))
    take(folders, "a/b/c")
    take(folders, "a/b")
    take(folders, "x/y")
    assert folders == {"": {"a": FOLDER}, "a": {}}
