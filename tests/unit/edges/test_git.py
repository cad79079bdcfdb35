# SPDX-License-Identifier: MIT
"""What git says of the files: whether they are those of the commit, whatever the user's settings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackyard.edges.git import (
    Unseen,
    default_branch,
    index_of,
    outside_of,
    remote,
    revision,
    status_begun,
    status_of,
    unseen_in,
    unseen_of,
)
from stackyard.errors import NoHistory

pytestmark = pytest.mark.processes


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


def test_what_no_commit_has(root: Path) -> None:
    """Ignored files are told, and make nothing dirty; new ones are, and do; paths are those of the stack's root."""
    (root / ".git" / "info" / "exclude").write_text("*.log\ncache/\n")
    for name in ("run.log", "cache/deep/one", "cache/two"):
        file = root / "stacks" / "images" / "lab" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    assert not revision(root / "stacks", "images").is_dirty
    (root / "stacks" / "images" / "lab" / "new").mkdir()
    (root / "stacks" / "images" / "lab" / "new" / "one").write_text("")
    (root / "elsewhere").write_text("")

    found = unseen_in(status_of(root / "stacks", "images"), root / "stacks")

    assert revision(root / "stacks", "images").is_dirty
    assert found == Unseen(("images/lab/new/",), ("images/lab/cache/", "images/lab/run.log"))
    assert unseen_of(["stacks/a", "elsewhere"], ["stacks/b/"], root / "stacks") == Unseen(("a",), ("b/",))


def test_what_differs_outside_the_images_folder(root: Path) -> None:
    """Paths that count, in a folder that git knows nothing of too; one that is gone; nothing that lies beside them."""
    shared = root / "stacks" / "shared"
    (shared / "new").mkdir(parents=True)
    (shared / "old").write_text("1")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "two")
    (shared / "new" / "one").write_text("")
    counted = {"shared/old", "shared/new/one"}

    def changed(*counts: str) -> bool:
        return outside_of(root / "stacks", ["shared"], set(counts))[0]

    assert changed(*counted)
    assert not changed("shared/old")
    assert outside_of(root / "stacks", ["shared"], counted)[1] == Unseen(("shared/new/",))
    (shared / "old").write_text("2")
    assert changed("shared/old")
    assert not changed("shared/other")
    (shared / "old").unlink()
    assert changed()


def test_a_linked_work_tree_knows_the_default_branch(root: Path) -> None:
    """It is the repository's, whose folder is elsewhere; the index is the work tree's own."""
    git(root, "branch", "trunk")
    git(root, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    linked = root.parent / f"{root.name}-linked"
    git(root, "worktree", "add", "--quiet", str(linked), "trunk")

    assert default_branch(linked) == default_branch(root) == "trunk"
    assert revision(linked, "images").is_default
    assert index_of(root) == root / ".git" / "index"
    assert index_of(linked).is_file()
    assert index_of(linked).parent.parent.name == "worktrees"


def test_where_a_repository_was_cloned_from(root: Path) -> None:
    """As git has it: nowhere, by its own settings, by a file that they include; from a folder and a worktree of it."""
    assert remote(root / "stacks") is None
    (root / ".git" / "shared").write_text('[remote "origin"]\n\turl = https://example.org/shared.git\n')
    git(root, "config", "include.path", "shared")
    assert remote(root / "stacks") == "https://example.org/shared.git"
    git(root, "config", "remote.origin.url", "https://example.org/own.git")
    git(root, "worktree", "add", "--quiet", "--detach", str(root / "tree"))
    assert {remote(each) for each in (root, root / "stacks", root / "tree")} == {"https://example.org/own.git"}


def test_git_may_be_asked_before_its_word_is_needed(root: Path, tmp_path: Path) -> None:
    """It says the same, or that there is no repository; whoever goes away meanwhile leaves no process behind."""
    (root / "stacks" / "images" / "lab" / "new").write_text("new\n")
    with status_begun(root, "images") as said:
        assert said() == status_of(root, "images")
    with status_begun(root, "images", "known") as said:
        assert said() == "known"
    with status_begun(Path("/"), "images") as said, pytest.raises(NoHistory):
        said()
    with pytest.raises(KeyError), status_begun(root, "images"):
        raise KeyError
