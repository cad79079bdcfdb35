# SPDX-License-Identifier: MIT
"""`stackyard lock` as it is typed; what is resolved is in tests/unit/verbs/test_locking.py."""

from __future__ import annotations

import pytest

from tests.conftest import GitStack
from tests.unit.cli.conftest import Shell

SPEC = """images: {base: }
locks:
  old: {requirements: r.in, versions: [2.7.18], output: 'old-{version}.txt'}
  new: {requirements: r.in, python: 3.12, platforms: linux/amd64}
"""
FILES = {"images/spec.yml": SPEC, "images/base/Dockerfile": "FROM busybox:1.36\n", "r.in": "six\n"}
CARRIED = "old-2.7.18.txt: nothing can be resolved for Python 2.7.18: the file stays as it is"


@pytest.fixture
def shell(git_stack: GitStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in a stack with two locks, none made."""
    return Shell(git_stack(FILES), capsys, monkeypatch)


@pytest.mark.processes
def test_a_dry_run_shows_all_that_would_be_asked(shell: Shell) -> None:
    """Requirements, files, command lines; as JSON, too. Nobody is asked and nothing is written."""
    said = shell("lock", "--dry-run", "--time", "2020-12-11T190936")

    assert said.code == 0
    assert "  asked for: six\n" in said.out
    assert "  old-2.7.18.txt: carried as it is: nothing can be resolved for Python 2.7.18\n" in said.out
    assert "  lock.txt: Python 3.12 at 2020-12-11T19:09:36Z\n    uv pip compile requirements.in " in said.out
    (old, new) = shell("lock", "--dry-run", "--json").json["sets"]
    assert (old["locks"][0]["carried"], len(new["locks"][0]["commands"])) == (True, 1)
    assert not (shell.root / "lock.txt").exists()


@pytest.mark.processes
def test_what_came_of_each_lock_is_a_line(shell: Shell) -> None:
    """What is carried is good where it is there, and a failure where it is not; the exit code says which."""
    assert shell("lock", "old").code == 1
    (shell.root / "old-2.7.18.txt").write_text("six==1.0\n")

    said = shell("lock", "old")
    assert (said.code, said.out) == (0, f"carried {CARRIED}\n")
    (lock,) = shell("lock", "old", "--json").json["locks"]
    assert (lock["state"], lock["pins"]) == ("carried", 1)


def test_wishes_that_exclude_each_other_are_refused(shell: Shell) -> None:
    """A check that would change something."""
    said = shell("lock", "--check", "--refresh")

    assert said.code == 2
    assert "--check changes nothing" in said.err


@pytest.mark.processes
def test_locks_that_are_there_are_told_about(shell: Shell) -> None:
    """`--verify` ends with 1 where something is doubtful, `diff` has three forms, `snapshot` is another name."""
    (shell.root / "old-2.7.18.txt").write_text("six==1.0\n")
    said = shell("snapshot", "--verify")
    assert said.code == 1
    assert said.out == (
        "carried old-2.7.18.txt: it proves nothing, and need not\ndoubtful lock.txt\n  there is no such file\n"
    )
    assert shell("lock", "--verify", "old", "--json").json["good"]

    assert shell("lock", "diff").out == (
        "HEAD -> the work tree: 1 change in 2 locks\n  six (new) -> 1.0 in 1 of 2 locks\n"
    )
    assert "| six | - | 1.0 | 1 of 2 |\n" in shell("lock", "diff", "--format", "markdown").out
    assert shell("lock", "diff", "HEAD", "--json").json["changes"] == [
        {"package": "six", "was": None, "now": "1.0", "in": ["old-2.7.18.txt"]}
    ]
    assert "no image checks a commit out by its hash" in shell("lock", "import").err
    assert "makes no lock" in shell("lock", "diff", "--refresh").err
