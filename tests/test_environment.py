# SPDX-License-Identifier: MIT
"""What conftest promises every test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from stackyard.edges import git

LIVE = """
import pytest

@pytest.mark.live
def test_x():
    pytest.skip("no engine")

def test_y():
    pytest.skip("something else")
"""


def test_every_test_is_at_nobodys_home() -> None:
    """HOME is empty, git and Docker have no settings, and no CI says where we are."""
    assert os.listdir(os.environ["HOME"]) == []
    assert not Path(os.environ["DOCKER_CONFIG"]).exists()
    assert subprocess.run(["git", "config", "--global", "--list"], capture_output=True, check=True).stdout == b""
    left = [name for name in os.environ if name.startswith(("GITHUB_", "BUILDKITE", "CI_COMMIT", "NO_COLOR"))]
    assert left == []
    assert "STACKYARD_REGISTRY" not in os.environ


def test_a_stack_in_git(git_stack: Callable[..., Path]) -> None:
    """Files, committed by nobody in particular on `main`: the same files are the same commit everywhere."""
    root = git_stack({"images/a/Dockerfile": "FROM x\n"})
    first = git.revision(root, "images")
    assert (first.branch, first.is_dirty) == ("main", False)

    (root / "images/a/Dockerfile").write_text("FROM y\n")
    assert git.revision(root, "images").is_dirty
    assert git.revision(git_stack({"images/a/Dockerfile": "FROM z\n"}), "images").commit != first.commit


def test_the_same_files_are_the_same_commit(git_stack: Callable[..., Path], tmp_path: Path) -> None:
    """Names, times and settings of the machine are not in it."""
    one, two = (git_stack({"images/a/Dockerfile": "FROM x\n"}, tmp_path / name) for name in ("one", "two"))

    assert git.revision(one, "images") == git.revision(two, "images")


def test_a_live_test_that_skips_has_failed_in_ci(tmp_path: Path) -> None:
    """CI promises an engine; a test that is not live may skip there."""
    (tmp_path / "conftest.py").write_bytes((Path(__file__).parent / "conftest.py").read_bytes())
    (tmp_path / "test_x.py").write_text(LIVE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = live: x\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rfs", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", str(tmp_path)],
        cwd=tmp_path, env={**os.environ, "CI": "true"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "1 failed, 1 skipped" in done.stdout
    assert "no engine" in done.stdout
    assert done.returncode == 1
