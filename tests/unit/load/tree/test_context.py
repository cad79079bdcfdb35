# SPDX-License-Identifier: MIT
"""Reading build contexts: what counts, as what, and what is a problem."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from stackyard.errors import FileProblem
from stackyard.load.tree.context import read_context, read_entry, read_tree
from stackyard.load.tree.ignore import compile_rules
from stackyard.model.inputs import BlobId, Entry


def write(root: Path, *paths: str) -> None:
    """Make files, each with its own path as content."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def found(root: Path, *patterns: str) -> list[str]:
    """Entries after the ignore rules, as path:kind."""
    return [f"{entry.path}:{entry.kind}" for entry in read_context(str(root), compile_rules(patterns))]


def test_entries(tmp_path: Path) -> None:
    """Files, executables, links and empty folders, sorted by path, with git's ids."""
    write(tmp_path, "b", "a/z", "a-b", "run.sh")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "empty/inner").mkdir(parents=True)
    os.symlink("../elsewhere", tmp_path / "a/link")
    assert read_tree(str(tmp_path)) == (
        Entry("a-b", "file", BlobId.of(b"a-b")),
        Entry("a/link", "link", BlobId.of(b"../elsewhere")),
        Entry("a/z", "file", BlobId.of(b"a/z")),
        Entry("b", "file", BlobId.of(b"b")),
        Entry("empty/inner", "dir", BlobId.of(b"")),
        Entry("run.sh", "exec", BlobId.of(b"run.sh")),
    )


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git")
def test_ids_are_those_of_git(tmp_path: Path) -> None:
    """A file has the id that git gives its bytes on disk, large ones and empty ones too."""
    for name, data in (("empty", b""), ("small", b"a\r\n\0"), ("large", b"x" * (5 << 20))):
        (tmp_path / name).write_bytes(data)
        told = subprocess.run(
            ["git", "hash-object", "--no-filters", name], cwd=tmp_path, capture_output=True, check=True, text=True
        )
        assert read_entry(str(tmp_path / name), name).blob == told.stdout.strip()


def test_times_and_other_modes_do_not_count(tmp_path: Path) -> None:
    """Only the owner's x bit and the bytes count."""
    write(tmp_path, "a")
    before = read_tree(str(tmp_path))
    (tmp_path / "a").chmod(0o666)
    os.utime(tmp_path / "a", (1, 1))
    assert read_tree(str(tmp_path)) == before


def test_links_are_never_followed(tmp_path: Path) -> None:
    """A link counts as its text, wherever it leads: out, to a folder, in a ring, nowhere."""
    context = tmp_path / "context"
    write(tmp_path, "secret/file", "context/folder/a")
    for name, target in (("out", "../secret"), ("in", "folder"), ("ring", "."), ("none", "gone")):
        os.symlink(target, context / name)
    assert found(context) == ["folder/a:file", "in:link", "none:link", "out:link", "ring:link"]


def test_folders_of_git_and_of_ours_never_count(tmp_path: Path) -> None:
    """`.git`, folder or file, and the folder `.stackyard` are no inputs, at any depth."""
    write(tmp_path, ".git/HEAD", "sub/.git", ".stackyard/records", "deep/.stackyard/x", ".gitignore", "x/.stackyard")
    assert found(tmp_path) == [".gitignore:file", "deep:dir", "sub:dir", "x/.stackyard:file"]


def test_ignore_rules(tmp_path: Path) -> None:
    """What is ignored does not count; a folder of which all is ignored is an empty folder."""
    write(tmp_path, "a.md", "keep", "logs/a.log", "out/x", "out/keep/y")
    assert found(tmp_path, "*.md", "logs/*", "out", "!out/keep") == ["keep:file", "logs:dir", "out/keep/y:file"]


def test_ignored_folders_are_not_entered(tmp_path: Path) -> None:
    """What cannot be read does not matter where it is ignored."""
    write(tmp_path, "a", "pipes/x", "data/keep")
    os.mkfifo(tmp_path / "pipes/fifo")
    os.mkfifo(tmp_path / "data/fifo")
    assert found(tmp_path, "pipes", "data", "!data/keep") == ["a:file", "data/keep:file"]


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_neither_file_nor_folder(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe and a socket are problems with their name, and reading does not hang."""
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    (tmp_path / "sub").mkdir()
    if kind == "pipe":
        os.mkfifo("sub/it")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("sub/it")
    with pytest.raises(FileProblem, match=rf"^images/a/sub/it: is a {kind} ") as caught:
        read_context(str(tmp_path), compile_rules([]), "images/a")
    assert "ignore" in str(caught.value.hint)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
@pytest.mark.parametrize("name", ["folder", "folder/file"])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    """A file or folder without permission is a problem with its name."""
    write(tmp_path, "folder/file")
    (tmp_path / name).chmod(0)
    try:
        with pytest.raises(FileProblem, match=rf"{name}: cannot be read: Permission denied"):
            read_tree(str(tmp_path))
    finally:
        (tmp_path / name).chmod(0o700)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A context that is missing, or a file, is a problem."""
    write(tmp_path, "file")
    with pytest.raises(FileProblem, match="gone: cannot be read: No such file"):
        read_tree(str(tmp_path / "gone"), "gone")
    with pytest.raises(FileProblem, match="Not a directory"):
        read_tree(str(tmp_path / "file"))


def test_any_name_that_is_text(tmp_path: Path) -> None:
    """Blanks, accents, newlines, brackets, a leading dash or backslash: a name is a name."""
    names = sorted(["a b", "é", "new\nline", "[x]", "-x", "\\", "..x", "日本"])
    write(tmp_path, *names)
    assert [entry.path for entry in read_tree(str(tmp_path))] == names


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """A name that is not UTF-8 is a problem whose message can be printed, unless it is ignored."""
    try:
        (Path(os.fsdecode(bytes(tmp_path) + b"/a\xff"))).write_text("")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(FileProblem, match="not UTF-8") as caught:
        read_tree(str(tmp_path))
    str(caught.value).encode()
    assert found(tmp_path, "a*") == []


def test_deep_folders(tmp_path: Path) -> None:
    """Folders deeper than Python's stack are no problem."""
    folders = [f"{tmp_path}{'/d' * depth}" for depth in range(1, 1101)]
    for folder in folders:
        os.mkdir(folder)
    try:
        assert [entry.path for entry in read_tree(str(tmp_path))] == ["/".join("d" * 1100)]
    finally:
        for folder in reversed(folders):  # what clears up after tests goes down the stack
            os.rmdir(folder)


def test_one_entry(tmp_path: Path) -> None:
    """A single file or link, under the name it is given."""
    write(tmp_path, "a")
    os.symlink("a", tmp_path / "l")
    assert read_entry(str(tmp_path / "a"), "x/y") == Entry("x/y", "file", BlobId.of(b"a"))
    assert read_entry(str(tmp_path / "l"), "l") == Entry("l", "link", BlobId.of(b"a"))
    with pytest.raises(FileProblem, match="x: is a folder"):
        read_entry(str(tmp_path), "x")
    with pytest.raises(FileProblem, match="gone: cannot be read"):
        read_entry(str(tmp_path / "gone"), "gone")


def test_each_file_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand images have ninety thousand files: nothing is read twice."""
    write(tmp_path, "a", "b/c", "b/d")
    opened: list[str] = []
    real = os.open

    def counting(path: str, flags: int) -> int:
        opened.append(os.path.relpath(path, tmp_path))
        return real(path, flags)

    monkeypatch.setattr(os, "open", counting)
    read_tree(str(tmp_path))
    assert sorted(opened) == ["a", "b/c", "b/d"]
