# SPDX-License-Identifier: MIT
"""Files that git was told to look away from: a tree with other ones than the commit's is not the commit's."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.edges.git import outside_of, revision
from stackyard.edges.git_hidden import hidden_rows, looked_away_from
from stackyard.load.tree.place import find
from stackyard.verbs.snapshot import snapshot_of
from tests.conftest import GitStack
from tests.repositories import git

pytestmark = pytest.mark.processes

LONG = "images/lab/" + "long/" * 60 + "name.txt"
FILES = {"images/lab/Dockerfile": "FROM x\n", "images/lab/a.txt": "a", "images/lab/b.txt": "b", LONG: "c", "d.txt": "d"}


@pytest.fixture
def root(git_stack: GitStack) -> Path:
    """One image, committed."""
    return git_stack(FILES)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
@pytest.mark.parametrize("version", ["2", "4"])
def test_what_differs_is_told(root: Path, flag: str, version: str) -> None:
    """Whatever git says of them: other bytes, another mode, a link, nothing; each form of an index is read."""
    git(root, "update-index", "--index-version", version)
    git(root, "update-index", flag, "images/lab/a.txt", LONG)
    index = root / ".git" / "index"
    found = [(each.path, each.mode) for each in looked_away_from(index.read_bytes())]
    assert found == [("images/lab/a.txt", 0o100644), (LONG, 0o100644)]
    assert hidden_rows(index, root) == ""

    def told() -> list[str]:
        assert revision(root, "images").is_dirty
        return [row.split(" ", 8)[-1] for row in hidden_rows(index, root).split("\0") if row]

    assert not revision(root, "images").is_dirty
    (root / "images/lab/a.txt").write_text("other")
    assert told() == ["images/lab/a.txt"]
    (root / "images/lab/a.txt").write_text("a")
    (root / "images/lab/a.txt").chmod(0o755)
    assert told() == ["images/lab/a.txt"]
    (root / "images/lab/a.txt").unlink()
    (root / LONG).unlink()
    (root / LONG).symlink_to("c")
    assert told() == ["images/lab/a.txt", LONG]


def test_it_is_told_in_large_repositories_and_outside_of_the_images(root: Path) -> None:
    """What is read through the index alone, and what images are made from elsewhere; other files count nowhere."""
    git(root, "update-index", "--assume-unchanged", "images/lab/a.txt", "d.txt")
    (root / "d.txt").write_text("other")
    assert not revision(root, "images").is_dirty
    assert outside_of(root, ["d.txt"], {"d.txt"})[0]
    assert not outside_of(root, ["d.txt"], {"e.txt"})[0]
    (root / "images/lab/a.txt").write_text("other")
    found = snapshot_of(find(root), root / ".stackyard")

    assert found is not None
    assert revision(root, "images", status=found[1]).is_dirty


def test_an_index_that_is_none_tells_nothing(tmp_path: Path) -> None:
    """Neither does one that is cut off, or of a form that nobody knows."""
    index = tmp_path / "index"
    assert hidden_rows(index, tmp_path) == ""
    head = b"DIRC\0\0\0%c\0\0\0\x01"
    for data in (b"", head % 9, head % 2 + b"abc", head % 4 + b"\xff" * 62):
        index.write_bytes(data)
        assert hidden_rows(index, tmp_path) == ""
