# SPDX-License-Identifier: MIT
"""An index is read without git as git reads it; what is not plain in it is left to git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackyard.edges.git_entries import NotPlain, read_plain
from stackyard.edges.git_index import Look, index_said
from stackyard.edges.git_tree import KINDS
from stackyard.model.hashing import sha1
from stackyard.model.trees import Folders
from tests.repositories import commit, git, init

pytestmark = pytest.mark.processes

FILES = {
    "a.b": "sorts before what is in a/",
    "a/b": "x\n",
    "a/c/d": "x\n",
    "a-": "between\n",
    "a0": "after\n",
    "deep/" * 60 + "end": "a path of more than 255 bytes",
    "other/run": "#!/bin/sh\n",
    "other/é": "\n",
    'odd/"q"\n\t\\': "signs\n",
    "odd/ ": "",
    "top.txt": "lines\nof\ntext\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Files of all kinds, committed."""
    for path, text in FILES.items():
        full = tmp_path / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)
    os.chmod(tmp_path / "other/run", 0o755)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd/\xff\xfe")).write_text("no text\n")
    commit(init(tmp_path))
    return tmp_path


def index_of(root: Path) -> bytes:
    """The bytes of the index."""
    return (root / ".git" / "index").read_bytes()


def said(root: Path, *words: str) -> list[str]:
    """The rows that git prints, of names that may be no text."""
    printed = subprocess.run(
        ["git", "-C", str(root), words[0], "-z", *words[1:]], capture_output=True, check=True
    ).stdout
    return os.fsdecode(printed).split("\0")[:-1]


def listed(root: Path, tree: str) -> Iterator[tuple[str, str, str]]:
    """Path, kind and id of everything in a tree, as git lists it."""
    for row in said(root, "ls-tree", "-r", "-t", tree):
        facts, _, path = row.partition("\t")
        mode, _, blob = facts.split(" ")
        yield path, KINDS[mode], blob


def rows(folders: Folders) -> dict[str, tuple[str, str]]:
    """Kind and id of everything, by path."""
    return {
        f"{folder}/{name}" if folder else name: node
        for folder, names in folders.items()
        for name, node in names.items()
    }


def untouched(_: Path) -> None:
    """As the tests write it: no folder's id is in it."""


def committed_by_git(root: Path) -> None:
    """git leaves the ids of all folders."""
    git(root, "read-tree", "HEAD")
    git(root, "update-index", "--refresh", "-q")
    assert b"TREE" in index_of(root)


def added_to(root: Path) -> None:
    """Ids of folders are left out above what changed; a folder went, and one came."""
    committed_by_git(root)
    (root / "a/c/d").write_text("y\n")
    (root / "a/new").mkdir()
    (root / "a/new/file").write_text("new\n")
    git(root, "rm", "--quiet", "--cached", "-r", "other")
    git(root, "add", "a")


def without_ids_of_folders(root: Path) -> None:
    """All of them have to be worked out."""
    (root / ".git/index").unlink()
    git(root, "add", "--all")


def with_short_paths(root: Path) -> None:
    """Each path says only what is other than in the one before it."""
    git(root, "update-index", "--index-version", "4")
    assert index_of(root)[4:8] == b"\0\0\0\4"


def without_a_checksum(root: Path) -> None:
    """As `index.skipHash` leaves it."""
    (root / ".git/index").write_bytes(index_of(root)[:-20] + bytes(20))


def of_nothing(root: Path) -> None:
    """No file at all."""
    git(root, "rm", "--quiet", "--cached", "-r", ".")


PLAIN = [
    untouched,
    committed_by_git,
    added_to,
    without_ids_of_folders,
    with_short_paths,
    without_a_checksum,
    of_nothing,
]


@pytest.mark.parametrize("happens", PLAIN, ids=lambda scene: scene.__name__)
def test_a_plain_index_has_what_git_would_commit(root: Path, happens: Callable[[Path], None]) -> None:
    """Every file and every folder, with git's ids of them, in the order of `git ls-tree`."""
    happens(root)

    folders, sizes = read_plain(index_of(root))

    expected = {path: (kind, blob) for path, kind, blob in listed(root, git(root, "write-tree"))}
    assert rows(folders) == expected
    assert list(folders[""]) == [path for path in expected if "/" not in path]
    for path, (kind, blob) in expected.items():
        assert kind == "dir" or sizes[blob] == (root / path).stat().st_size
    found = index_said(Look(root))
    assert found is not None
    assert (rows(found.folders), found.odd) == (expected, ())


def test_a_folder_with_a_link_has_no_id(root: Path) -> None:
    """Nor has one above it: more counts than what is in it; the others have theirs."""
    (root / "a/c/link").symlink_to("d")
    commit(root)

    folders, _ = read_plain(index_of(root))

    expected = {path: (kind, blob) for path, kind, blob in listed(root, "HEAD")}
    expected |= {"a": ("dir", ""), "a/c": ("dir", "")}
    assert rows(folders) == expected


def test_a_file_of_another_size_than_its_blob_has_no_id(root: Path) -> None:
    """What a checkout made of it is another file; nor has any folder above it."""
    (root / "other/lines").write_text("1\n2\n")
    git(root, "add", "--all")
    git(root, "config", "core.autocrlf", "true")
    (root / "other/lines").unlink()
    git(root, "checkout", "--", "other/lines")
    assert (root / "other/lines").stat().st_size == 6
    read_plain(index_of(root))  # it is plain

    found = index_said(Look(root))

    expected = {path: (kind, blob) for path, kind, blob in listed(root, git(root, "write-tree"))}
    assert found is not None
    assert rows(found.folders) == expected | {"other/lines": ("file", ""), "other": ("dir", "")}


def test_ids_are_those_of_the_files_that_are_there(root: Path) -> None:
    """An index says of a folder which object was read, in whose place another one may have been: `git replace`."""
    before = git(root, "rev-parse", "HEAD:a")
    after = git(root, "rev-parse", "HEAD:a/c")
    git(root, "replace", before, after)
    git(root, "read-tree", "HEAD")
    git(root, "replace", "--delete", before)
    assert git(root, "ls-files", "a") == "a/d"
    assert bytes.fromhex(before) in index_of(root)

    folders, _ = read_plain(index_of(root))

    assert folders[""]["a"] == ("dir", after)


# What is not plain.


def look_away(root: Path) -> None:
    """A file that is assumed to be as it was."""
    git(root, "update-index", "--assume-unchanged", "a/b")


def skip(root: Path) -> None:
    """A file that is not to be on disk."""
    git(root, "update-index", "--skip-worktree", "a/b")


def intend(root: Path) -> None:
    """A file that will be added."""
    (root / "a/new").write_text("new\n")
    git(root, "add", "--intent-to-add", "a/new")


def conflict(root: Path) -> None:
    """Three files in one place."""
    blob = git(root, "rev-parse", "HEAD:a/b")
    named = "".join(f"100644 {blob} {stage}\ta/b\n" for stage in (1, 2, 3))
    told = f"0 {'0' * 40}\ta/b\n{named}"
    subprocess.run(["git", "-C", str(root), "update-index", "--index-info"], input=told.encode(), check=True)


def module(root: Path) -> None:
    """Another repository's commit."""
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{git(root, 'rev-parse', 'HEAD')},a/module")


def split(root: Path) -> None:
    """Two files, of which one has nearly everything."""
    git(root, "update-index", "--split-index")


def folders_in_place_of_files(root: Path) -> None:
    """Whole folders are one entry."""
    git(root, "sparse-checkout", "set", "--cone", "--sparse-index", "a")
    assert b"sdir" in index_of(root)


def two_sizes(root: Path) -> None:
    """One blob, of which line ends were turned in one place."""
    (root / "a/lines").write_text("1\n2\n")
    (root / "other/lines").write_text("1\n2\n")
    git(root, "add", "--all")
    git(root, "config", "core.autocrlf", "true")
    (root / "other/lines").unlink()
    git(root, "checkout", "--", "other/lines")


ODD = {
    look_away: ("a/b",),
    skip: ("a/b",),
    intend: (),
    conflict: ("a/b",),
    module: ("a/module",),
    split: (),
    folders_in_place_of_files: None,
    two_sizes: (),
}


@pytest.mark.parametrize("happens", ODD, ids=lambda scene: scene.__name__)
def test_git_is_asked_where_an_index_is_not_plain(root: Path, happens: Callable[[Path], None]) -> None:
    """Whatever is unusual: nothing of it is believed, and git tells which paths are odd."""
    happens(root)
    with pytest.raises(NotPlain):
        read_plain(index_of(root))
    found = index_said(Look(root))
    assert found is not None
    tracked = set(said(root, "ls-files"))
    files = {path for path, (kind, _) in rows(found.folders).items() if kind != "dir"}
    assert files.isdisjoint(found.odd)
    assert files | set(found.odd) == tracked
    assert ODD[happens] in (found.odd, None)


def test_ids_of_another_form_are_nobody_s(tmp_path: Path) -> None:
    """A repository that names files by sha256."""
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    (tmp_path / "file").write_text("x\n")
    git(tmp_path, "add", "--all")
    with pytest.raises(NotPlain):
        read_plain(index_of(tmp_path))
    assert index_said(Look(tmp_path)) is None


def test_what_is_damaged_is_not_plain(root: Path) -> None:
    """A bit that flipped, an end that is missing, an extension that nobody may leave out."""
    whole = index_of(root)
    body = whole[:-20]
    endings = [b"", b"abcd\0\0\0\0", b"ABCD\0\0\0\1", b"ABCD"]
    signed = [data + bytes.fromhex(sha1(data)) for data in (body + end for end in endings)]
    assert read_plain(signed[0]) == read_plain(whole)
    cut = [whole[:length] for length in (0, 11, 12, 60, len(body) // 2)]
    flipped = body[:80] + bytes([body[80] ^ 1]) + whole[81:]
    for data in (flipped, *signed[1:], *cut, *(data[:-20] + bytes(20) for data in cut)):
        with pytest.raises(NotPlain):
            read_plain(data)


def test_a_work_tree_elsewhere_is_git_s_to_tell(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its index has files that are not below the top, or not by these paths."""
    (root / "inner").mkdir()
    inner = root / "inner"
    (root / ".git").rename(inner / ".git")
    git(inner, "config", "core.worktree", "../..")
    look = Look(inner)
    found = index_said(look)
    assert found is not None
    assert rows(found.folders) == {}
