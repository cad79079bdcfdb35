# SPDX-License-Identifier: MIT
"""What conftest promises every test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stackyard.edges.git import revision
from tests.cases import each_of
from tests.repositories import MADE, commit, git, init

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
    first = revision(root, "images")
    assert (first.branch, first.is_dirty) == ("main", False)

    (root / "images/a/Dockerfile").write_text("FROM y\n")
    assert revision(root, "images").is_dirty
    assert revision(git_stack({"images/a/Dockerfile": "FROM z\n"}), "images").commit != first.commit


def test_the_same_files_are_the_same_commit(git_stack: Callable[..., Path], tmp_path: Path) -> None:
    """Names, times and settings of the machine are not in it."""
    one, two = (git_stack({"images/a/Dockerfile": "FROM x\n"}, tmp_path / name) for name in ("one", "two"))

    assert revision(one, "images") == revision(two, "images")


def test_a_repository_is_what_git_makes(tmp_path: Path) -> None:
    """Without a process of git: the same ids, the same index, sound objects; after an edit as well."""
    ours, theirs = init(tmp_path / "ours"), tmp_path / "theirs"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(theirs))
    commits: list[list[str]] = [[], []]
    for edit in ({}, {"images/a/deep/er/file": "2\n", "a": "1\n"}, {}):
        for root, made in zip((ours, theirs), commits, strict=True):
            grown(root, edit)
            made.append(commit(root))

    assert commits[0] == commits[1]
    assert (ours / ".git" / MADE).exists()
    assert not (theirs / ".git" / MADE).exists()
    assert seen(ours) == seen(theirs)
    assert git(ours, "fsck", "--strict", "--full", "--no-dangling") == ""
    assert git(ours, "status", "--porcelain") == ""


def grown(root: Path, edit: Mapping[str, str]) -> None:
    """Files of all kinds and odd names, a folder without any; and an edit."""
    names = ("a", "images/a/Dockerfile", "images/a-b", "images/a.b", "images/a/deep/er/file", "é", '"q"\n')
    for name, text in {**{name: name * len(name) for name in names}, "run.sh": "x" * 5000, **edit}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "run.sh").chmod(0o755)
    (root / "empty").mkdir(exist_ok=True)
    if not (root / "link").is_symlink():
        (root / "link").symlink_to("images/a")


def seen(root: Path) -> list[str]:
    """What the index says of each file, but for its number and times."""
    rows = git(root, "ls-files", "--stage", "--debug").splitlines()
    assert any("mtime: " in row for row in rows)
    assert any("ino: " in row for row in rows)
    return [row.partition("ino: ")[0] for row in rows if "time: " not in row]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / ".gitignore").write_text("x\n"),
        lambda root: (root / "deep").mkdir() or (root / "deep/.gitattributes").write_text("* text\n"),
        lambda root: commit(init(root / "inner")),
        lambda root: git(root, "config", "core.autocrlf", "input"),
        lambda root: git(root, "switch", "--quiet", "--create", "topic"),
        lambda root: git(root, "update-index", "--assume-unchanged", "a"),
        lambda root: git(root, "commit", "--quiet", "--allow-empty", "--message=of git"),
        lambda root: git(root, "pack-refs", "--all"),
    ],
)
def test_what_is_not_plain_is_committed_by_git(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """What it ignores or turns, and a state that it made, is for git to know."""
    root = init(tmp_path / "stack")
    (root / "a").write_text("1\r\n")
    first = commit(root)
    change(root)
    (root / "a").write_text("2\r\n")
    commit(root)

    assert (root / ".git/index").read_bytes()[-20:] != (root / ".git" / MADE).read_bytes()[:20]
    assert first in git(root, "rev-list", "HEAD")


class Reports:
    """A plugin that keeps what became of each test that did not just pass its phase."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name, outcome and why."""
        if not report.passed:
            self.kept.append((report.nodeid.rpartition("::")[2], report.outcome, str(report.longrepr)))


def test_a_live_test_that_skips_has_failed_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI promises an engine; a test that is not live may skip there."""
    (tmp_path / "conftest.py").write_bytes((Path(__file__).parent / "conftest.py").read_bytes())
    (tmp_path / "test_x.py").write_text(LIVE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = live: x\n")
    monkeypatch.setenv("CI", "true")  # the copy of conftest.py reads it as it is imported
    plugins = ("terminal", "cacheprovider", "faulthandler", "hypothesispytest", "xdist")
    words = ["--import-mode=importlib", "--capture=no", f"--basetemp={tmp_path / 'tmp'}"]
    reports = Reports()
    code = pytest.main([*words, *(f"-pno:{name}" for name in plugins), str(tmp_path)], [reports])

    (live, _, said), (other, why, _) = reports.kept
    assert reports.kept[0][:2] == ("test_x", "failed")
    assert "skipped where CI promises what it needs" in said
    assert "no engine" in said
    assert (live, other, why, code) == ("test_x", "test_y", "skipped", 1)


def test_each_case_is_tried_and_those_that_fail_are_told() -> None:
    """In one test: an assertion, an exception and a check of pytest's own that failed, each with its values."""
    tried = []

    @each_of("number,word", [(1, "a"), (2, "b"), (3, "c"), (4, "d")])
    def test_it(number: int, word: str) -> None:
        tried.append(number)
        assert number != 2
        if number == 3:
            with pytest.raises(ValueError, match="x"):
                ""
        if number == 4:
            raise KeyError(word)

    with pytest.raises(BaseExceptionGroup, match="3 of 4 cases") as caught:
        test_it()

    notes = [problem.__notes__ for problem in caught.value.exceptions]
    assert notes == [[f"case {n} of 4: {{'number': {n}, 'word': '{w}'}}"] for n, w in ((2, "b"), (3, "c"), (4, "d"))]
    assert tried == [1, 2, 3, 4]


@each_of("letter", ["a", "b"])
def test_a_case_may_be_one_value(letter: str) -> None:
    """It is given as it is, as `parametrize` gives it."""
    assert letter in ("a", "b")
