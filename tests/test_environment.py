# SPDX-License-Identifier: MIT
"""What conftest promises every test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stackyard.edges.git import IGNORED, STATUS, revision
from tests import plain_git
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


@pytest.mark.processes
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


@pytest.mark.processes
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


@pytest.mark.processes
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


EDITS: tuple[Callable[[Path], object], ...] = (
    lambda root: None,
    lambda root: (root / "images/a/Dockerfile").write_text("edited\n"),
    lambda root: (root / "run.sh").chmod(0o644),
    lambda root: (root / "images/a-b").unlink(),
    lambda root: ((root / "images/a.b").unlink(), (root / "images/a.b").symlink_to("a")),
    lambda root: ((root / "link").unlink(), (root / "link").write_text("a file")),
    lambda root: ((root / "images/new/deep").mkdir(parents=True), (root / "images/new/deep/x y").touch()),
    lambda root: (root / "images/a/deep/new").write_text("1\n"),
    lambda root: ((root / ".stackyard/logs").mkdir(parents=True), (root / ".stackyard/.gitignore").write_text("*\n")),
    lambda root: (root / ".stackyard/logs/1").touch(),
    lambda root: shutil.rmtree(root / "images/a/deep"),
    lambda root: (shutil.rmtree(root / "images/a"), (root / "images/a").symlink_to("new")),
    commit,
)


@pytest.mark.processes
def test_what_is_said_in_gits_place_is_what_git_says(tmp_path: Path) -> None:
    """Byte for byte and with its exit code, as a repository goes through every kind of edit; of no repository, too."""
    root = tmp_path / "stack"
    (root / "images").mkdir(parents=True)
    asked = [
        *(
            (*STATUS, IGNORED, "--", *paths)
            for paths in (["."], ["images"], ["images/a", "run.sh"], ["images/new/deep"])
        ),
        (*STATUS, IGNORED, "--", "nowhere", "images/a/deep"),
        ("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes"),
        ("config", "--get", "user.name"),
        ("log", "-1", "--format=%B", "HEAD", "--"),
    ]
    compared = 0
    for edit in (lambda _: None, init, lambda root: grown(root, {}), commit, *EDITS):
        edit(root)
        for at in (root, root / "images", root / "gone"):
            for words in asked:
                question = ["--no-optional-locks", "-C", str(at), *words]
                theirs = subprocess.run(["git", *question], capture_output=True, check=False)
                try:
                    ours = plain_git.told(question)
                except plain_git.NotPlain:
                    assert "log" in words  # of a commit that is not there yet
                    continue
                compared += 1
                assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout), question
                if ours.returncode > 1:
                    assert ours.stderr.partition(b" (")[0] == theirs.stderr.partition(b" (")[0]
    assert compared > 350


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "images/a/.gitignore").write_text("x\n"),
        lambda root: (root / "images/new/.git").mkdir(parents=True),
        lambda root: (root / ".git/info").mkdir(),
        lambda root: (root / ".git/config").write_text("[user]\n\tname = x\n"),
        lambda root: (root / ".git/HEAD").write_text("ref: refs/heads/other\n"),
    ],
)
def test_what_only_git_knows_is_not_guessed(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """Rules, settings, branches and repositories in others: nobody answers in git's place."""
    root = init(tmp_path)
    grown(root, {})
    commit(root)
    assert not revision(root, "images").is_dirty
    change(root)

    with pytest.raises(plain_git.NotPlain):
        plain_git.told(["-C", str(root), *STATUS, IGNORED, "--", "images"])


class Reports:
    """A plugin that keeps what became of each test that did not just pass its phase."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name, outcome and why."""
        if not report.passed:
            self.kept.append((report.nodeid.rpartition("::")[2], report.outcome, str(report.longrepr)))


STARTS = """
import pathlib, subprocess, sys
import pytest

COMMAND = [sys.executable, "-c", "import pathlib; pathlib.Path('started').touch()"]

def test_x():
    with pytest.raises(BaseException):
        subprocess.run(COMMAND)

@pytest.mark.processes
def test_y(tmp_path):
    assert subprocess.run(COMMAND, cwd=tmp_path).returncode == 0
    assert (tmp_path / "started").exists()
"""


@pytest.mark.processes
def test_a_test_that_is_not_marked_starts_no_program(tmp_path: Path) -> None:
    """Also where the test expects something to fail: it has failed, and is told why."""
    (code, failed) = run_pytest(tmp_path, STARTS)

    assert [(name, outcome) for name, outcome, _ in failed] == [("test_x", "failed")]
    assert "a test that starts a program is marked `processes`" in failed[0][2]
    assert code == 1


def run_pytest(folder: Path, text: str) -> tuple[int, list[tuple[str, str, str]]]:
    """Run one file of tests under our conftest, in this process; what did not pass."""
    inner = folder / folder.name  # modules are called by their folder below pytest.ini, and imported once
    inner.mkdir()
    (inner / "conftest.py").write_bytes((Path(__file__).parent / "conftest.py").read_bytes())
    (inner / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  live: x\n  processes: x\n")
    plugins = ("terminal", "cacheprovider", "faulthandler", "hypothesispytest", "xdist")
    words = ["--import-mode=importlib", "--capture=no", f"--basetemp={folder / 'tmp'}"]
    reports = Reports()
    code = pytest.main([*words, *(f"-pno:{name}" for name in plugins), str(folder)], [reports])
    return int(code), reports.kept


def test_a_live_test_that_skips_has_failed_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI promises an engine; a test that is not live may skip there."""
    monkeypatch.setenv("CI", "true")  # the copy of conftest.py reads it as it is imported
    code, failed = run_pytest(tmp_path, LIVE)

    (live, _, said), (other, why, _) = failed
    assert failed[0][:2] == ("test_x", "failed")
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
