# SPDX-License-Identifier: MIT
"""What git lists between two commits, as the DataHub scripts ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.edges.git_changes import last_change
from stackyard.errors import ConfigError
from tests.conftest import GitStack
from tests.repositories import git

pytestmark = pytest.mark.processes

FILES = {"images/a/Dockerfile": "FROM a\n", "images/a/long.txt": "one\ntwo\nthree\n", "README.md": "x\n"}


@pytest.fixture
def root(git_stack: GitStack) -> Path:
    """A repository of one commit."""
    return git_stack(FILES)


def test_every_name_comes_whole(root: Path, git_stack: GitStack) -> None:
    """Blanks, line feeds, other scripts; what was deleted is listed, too."""
    (root / "README.md").unlink()
    git_stack({"images/a/two words": "", "images/a/é": "", "images/a/x\ny": ""}, root)

    found = last_change(root, None, "images")

    assert sorted(found.paths) == ["README.md", "images/a/two words", "images/a/x\ny", "images/a/é"]
    assert (found.since, found.message.strip(), found.hidden) == ("HEAD^", "a change", ())


def test_of_a_rename_the_old_name_is_known_apart(root: Path) -> None:
    """Whatever the user's own settings say of renames."""
    git(root, "config", "diff.renames", "false")
    git(root, "mv", "images/a/long.txt", "images/a/other.txt")
    git(root, "commit", "-q", "-m", "moved")

    found = last_change(root, None, "images")

    assert (found.paths, found.hidden) == (("images/a/other.txt",), ("images/a/long.txt",))


def test_a_first_commit_has_none_before_it(root: Path) -> None:
    """No error: what the scripts make of it is for them to say. A name that a person gave is one."""
    assert last_change(root, None, "images").base is None
    for wrong in ("HEAD^", "nothing", "--help", "HEAD..HEAD"):
        with pytest.raises(ConfigError):
            last_change(root, wrong, "images")


def test_three_dots_are_where_two_lines_parted(root: Path, git_stack: GitStack) -> None:
    """Changes of the other line are no changes of this one."""
    git(root, "checkout", "-q", "-b", "side")
    git_stack({"images/a/side": "x"}, root)
    git(root, "checkout", "-q", "main")
    git_stack({"images/a/main": "another line\n"}, root)
    git(root, "checkout", "-q", "side")

    assert last_change(root, "main...", "images").paths == ("images/a/side",)
    assert sorted(last_change(root, "main", "images").paths) == ["images/a/main", "images/a/side"]


def test_a_stack_below_the_top_of_its_repository(git_stack: GitStack) -> None:
    """Paths are relative to the stack, and its images folder is called as the scripts call it."""
    top = git_stack({"sub/pictures/a/Dockerfile": "FROM a\n", "other/x": "1"})
    git_stack({"sub/pictures/a/Dockerfile": "FROM b\n", "other/x": "2"}, top)

    assert last_change(top / "sub", None, "pictures").paths == ("images/a/Dockerfile",)
