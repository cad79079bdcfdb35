# SPDX-License-Identifier: MIT
"""What git says of the files: whether they are those of the commit, whatever the user's settings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackyard.edges.git import revision


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one committed image below `stacks/images`, and `images` as a link to it."""
    folder = tmp_path / "stacks" / "images" / "lab"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "images").symlink_to("stacks/images")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


def git(root: Path, *words: str) -> None:
    """Run git."""
    subprocess.run(["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org", *words], check=True)


@pytest.mark.parametrize("images", ["images", "stacks/images"])
def test_files_behind_a_link_are_looked_at(root: Path, images: str) -> None:
    """git itself looks at the link, whose text is as committed."""
    assert not revision(root, images).is_dirty
    (root / "stacks" / "images" / "lab" / "Dockerfile").write_text("FROM busybox\n")
    assert revision(root, images).is_dirty


def test_new_files_count_whatever_the_user_wants_to_see(root: Path) -> None:
    """`status.showUntrackedFiles no` hides them from people, not from an engine."""
    git(root, "config", "status.showUntrackedFiles", "no")
    (root / "stacks" / "images" / "lab" / "new").write_text("new\n")
    assert revision(root, "stacks/images").is_dirty


def test_files_beside_the_images_do_not_count(root: Path) -> None:
    """A note beside them leaves the commit's tag in place."""
    (root / "NOTES").write_text("a note\n")
    assert not revision(root, "images").is_dirty
