# SPDX-License-Identifier: MIT
"""A large stack is read through git's index, and comes out as if every file had been read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stackyard.edges.git import revision, status_begun, status_of, unseen_in
from stackyard.edges.git_index import Look
from stackyard.edges.git_tree import compared
from stackyard.load.memory import Memory
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.indexed import IndexedFiles
from stackyard.load.tree.place import find
from stackyard.model.reference import Platform
from stackyard.model.stack import Revision, Stack
from stackyard.record.cache import read_cache, write_cache
from stackyard.verbs.snapshot import keep, memory_for, program, snapshot_of
from stackyard.verbs.yard import STATE_FOLDER
from tests.repositories import commit, git, init

pytestmark = pytest.mark.processes

SETTINGS = Settings(Platform("linux/amd64"))
AT = Revision("a" * 40, "main", is_dirty=False)


def write(root: Path, path: str, text: str = "x\n") -> Path:
    """A file, with the folders it needs."""
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_text(text)
    return full


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images, committed, files of a minute ago."""
    top = tmp_path / "stack"
    write(top, "images/spec.yml", "images:\n  base: {}\n  lab: {depend_on: base}\n")
    write(top, "images/base/Dockerfile", "FROM debian:12\nCOPY . /base\n")
    write(top, "images/base/a.txt")
    write(top, "images/base/deep/er/b.txt")
    write(top, "images/lab/Dockerfile", "FROM base\nCOPY . /lab\n")
    write(top, "images/lab/test/test_lab.py", "def test_lab(): pass\n")
    write(top, "images/tests_common/test_all.py", "def test_all(): pass\n")
    commit(init(top))
    return top


def same(root: Path, kept: dict[bytes, bytes] | None = None) -> Stack:
    """The stack, which is the same from disk, through the index, with what was kept before, and with what is now.

    Args:
        kept: what an earlier reading kept; what this one keeps, in the end.
    """
    found = snapshot_of(find(root), root / STATE_FOLDER)
    assert found is not None
    assert isinstance(found[0].files, IndexedFiles)
    disk = load_stack(find(root), AT, SETTINGS)
    kept = {} if kept is None else kept
    for is_remembered in (False, True, True):
        memory = Memory(dict(kept), reads_later=True) if is_remembered else None
        stack = load_stack(found[0], AT, SETTINGS, memory=memory)
        assert stack.targets == disk.targets
        assert stack.findings == disk.findings
        assert dict(stack.dockerfiles) == dict(disk.dockerfiles)
        if memory is not None:
            kept.clear()
            kept.update(memory.kept)
    return disk


def blobs(stack: Stack) -> dict[str, str]:
    """Ids of all entries of `base`."""
    return {entry.path: f"{entry.kind} {entry.blob}" for entry in stack.targets[0].inputs.context}


def untouched(_: Path) -> None:
    """Nothing."""


def edited(root: Path) -> None:
    """Another length."""
    write(root, "images/base/a.txt", "longer\n")


def edited_in_the_same_moment(root: Path) -> None:
    """The same length, and the time that the index has: only git's rule for racy files finds it."""
    path = root / "images/base/a.txt"
    facts = path.stat()
    os.utime(root / ".git/index", ns=(facts.st_mtime_ns, facts.st_mtime_ns))
    path.write_text("y\n")
    os.utime(path, ns=(facts.st_mtime_ns, facts.st_mtime_ns))


def staged_and_edited_again(root: Path) -> None:
    """Commit, index and disk are three."""
    write(root, "images/base/a.txt", "staged\n")
    git(root, "add", "--all")
    write(root, "images/base/a.txt", "disk\n")


def intended(root: Path) -> None:
    """The index has the id of nothing."""
    write(root, "images/base/new.txt")
    git(root, "add", "--intent-to-add", "--all")


def untracked_ignored_and_empty(root: Path) -> None:
    """What an engine is sent although git does not want it."""
    write(root, ".gitignore", "*.log\ncache/\n")
    commit(root)
    write(root, "images/base/new/one")
    write(root, "images/base/x.log")
    write(root, "images/base/cache/y")
    write(root, "images/base/deep/er/cache/z")
    (root / "images/base/empty/inner").mkdir(parents=True)


def removed(root: Path) -> None:
    """One file with its folder, one alone."""
    (root / "images/base/a.txt").unlink()
    (root / "images/base/deep/er/b.txt").unlink()
    (root / "images/base/deep/er").rmdir()


def became_a_link(root: Path) -> None:
    """A file, and a folder whose files are still there behind the link."""
    (root / "images/base/a.txt").unlink()
    (root / "images/base/a.txt").symlink_to("Dockerfile")
    (root / "images/base/deep").rename(root / "elsewhere")
    (root / "images/base/deep").symlink_to("../../elsewhere")


def became_a_link_to_itself(root: Path) -> None:
    """Of what was in such a folder git says nothing."""
    write(root, "images/lab/versions.yaml", "'3.12': {}\n")
    commit(root)
    for folder in (root / "images/base/deep", root / "images/lab"):
        shutil.rmtree(folder)
        folder.symlink_to(folder.name)


def became_a_folder(root: Path) -> None:
    """A file and a folder change places."""
    (root / "images/base/a.txt").unlink()
    write(root, "images/base/a.txt/inner")


def executable(root: Path) -> None:
    """One more x bit."""
    os.chmod(root / "images/base/a.txt", 0o755)


def assumed_unchanged(root: Path) -> None:
    """git does not look, and the file is another one; the other is gone."""
    git(root, "update-index", "--assume-unchanged", "images/base/a.txt", "images/base/deep/er/b.txt")
    write(root, "images/base/a.txt", "secretly\n")
    (root / "images/base/deep/er/b.txt").unlink()


def skipped(root: Path) -> None:
    """git does not look, and one of the files is there."""
    git(root, "update-index", "--skip-worktree", "images/base/a.txt", "images/base/deep/er/b.txt")
    write(root, "images/base/a.txt", "present\n")
    (root / "images/base/deep/er/b.txt").unlink()


def sparse(root: Path) -> None:
    """A folder is left out of the checkout, and a file of it is there all the same."""
    write(root, "other/file")
    commit(root)
    git(root, "sparse-checkout", "set", "images")
    write(root, "other/file", "again\n")


def with_attributes(root: Path) -> None:
    """Line ends, filters and ident make files on disk that no blob is."""
    write(root, ".gitattributes", "*.txt text eol=crlf\n*.big filter=lfs\n*.id ident\n")
    git(root, "config", "filter.lfs.clean", "tr A-Z a-z")
    git(root, "config", "filter.lfs.smudge", "tr a-z A-Z")
    for path, text in (("x.big", "big\n"), ("y.id", "$Id$\n"), ("plain", "plain\n")):
        write(root, f"images/base/{path}", text)
    commit(root)
    for path in ("a.txt", "deep/er/b.txt", "x.big", "y.id"):
        (root / "images/base" / path).unlink()
    git(root, "checkout", "--", ".")
    assert b"\r\n" in (root / "images/base/a.txt").read_bytes()
    assert b"$Id: " in (root / "images/base/y.id").read_bytes()


def with_attributes_of_this_clone(root: Path) -> None:
    """The same, said in a file that is no part of the repository."""
    write(root, ".git/info/attributes", "*.txt text eol=crlf\n")
    (root / "images/base/a.txt").unlink()
    git(root, "checkout", "--", ".")
    assert b"\r\n" in (root / "images/base/a.txt").read_bytes()


def with_attributes_that_are_gone(root: Path) -> None:
    """What they made of the files is still there, and git calls it clean."""
    write(root, ".gitattributes", "*.txt text eol=crlf\n*.id ident\n")
    write(root, "images/base/y.id", "$Id$\n")
    commit(root)
    for path in ("a.txt", "deep/er/b.txt", "y.id"):
        (root / "images/base" / path).unlink()
    git(root, "checkout", "--", ".")
    settle(root)
    git(root, "rm", "--quiet", ".gitattributes")
    git(root, "commit", "--quiet", "--message", "no attributes")
    assert git(root, "status", "--porcelain") == ""
    assert b"\r\n" in (root / "images/base/a.txt").read_bytes()
    assert b"$Id: " in (root / "images/base/y.id").read_bytes()


def with_line_ends_of_another_setting(root: Path) -> None:
    """Files were written when git was told to turn them, and it is not any more."""
    git(root, "config", "core.autocrlf", "true")
    (root / "images/base/a.txt").unlink()
    git(root, "checkout", "--", ".")
    settle(root)
    git(root, "config", "core.autocrlf", "false")
    assert git(root, "status", "--porcelain") == ""
    assert b"\r\n" in (root / "images/base/a.txt").read_bytes()


def settle(root: Path) -> None:
    """git knows the files as they are, by their facts alone: it reads those that are as young as its index."""
    for path in (root / "images").rglob("*"):
        os.utime(path, (10**9, 10**9))
    git(root, "update-index", "--refresh")


def with_a_monitor_that_sleeps(root: Path) -> None:
    """A daemon that says of no file that it changed, and whom git believes."""
    hook = write(root, ".git/monitor", "#!/bin/sh\nprintf 'token\\0'\n")
    hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(hook))
    git(root, "config", "core.fsmonitorHookVersion", "2")
    git(root, "update-index", "--fsmonitor")
    git(root, "status")
    write(root, "images/base/a.txt", "longer\n")


def in_a_conflict(root: Path) -> None:
    """A file that the index has three times."""
    git(root, "switch", "--quiet", "--create", "topic")
    write(root, "images/base/a.txt", "topic\n")
    commit(root)
    git(root, "switch", "--quiet", "main")
    write(root, "images/base/a.txt", "main\n")
    commit(root)
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "merge", "topic")


def with_submodules(root: Path) -> None:
    """One that is checked out and edited, one that is not there."""
    for name in ("one", "two"):
        module = root.parent / name
        write(module, "inner.txt")
        init(module)
        commit(module)
        git(root, "submodule", "--quiet", "add", str(module), f"images/base/{name}")
    commit(root)
    write(root, "images/base/one/inner.txt", "edited\n")
    git(root, "submodule", "--quiet", "deinit", "--force", "images/base/two")


def with_a_repository_inside(root: Path) -> None:
    """A clone in an image's folder: git sees a folder and nothing in it."""
    inner = root / "images/base/clone"
    write(inner, "inner.txt")
    init(inner)
    commit(inner)


def with_odd_names(root: Path) -> None:
    """Names that git puts in quotes."""
    for name in ("a\tb", "a\nb", "é", '"q"', " a ", "-n", "a\\b"):
        write(root, f"images/base/{name}")
    commit(root)
    write(root, "images/base/a\nb", "edited\n")
    write(root, "images/base/\tnew\n")


def with_links_that_leave_and_come_back(root: Path) -> None:
    """By way of the folders above the top, and by the whole path."""
    (root / "images/base/deep/back").symlink_to(root / "images/lab")
    (root / "images/far").symlink_to(root / "images/base")
    (root / "images/tests_common").rename(root / "tests")
    (root / "images/tests_common").symlink_to("../../stack/tests")
    (root / "images/lab/Dockerfile").unlink()
    (root / "images/lab/Dockerfile").symlink_to(root / "images/base/Dockerfile")
    write(root, "images/spec.yml", "images:\n  base: {}\n  lab: {}\n  far: {}\n")
    commit(root)


def with_links_that_leave(root: Path) -> None:
    """Nothing is read there, and each is told."""
    outside = root.parent / "outside"
    write(outside, "file", "'3.12': {}\n")
    write(outside, "test_lab.py")
    write(outside, "Dockerfile")
    for name in ("tests_common", "lab", "base/test", "base/workflow_tests", "out"):
        if (root / "images" / name).exists():
            (root / "images" / name).rename(root / name)
        (root / "images" / name).symlink_to(outside)
    write(root, "images/geo/Dockerfile", "FROM debian:12\n")
    if (root / "images/spec.yml").exists():
        write(root, "images/spec.yml", "images:\n  base: {}\n  lab: {depend_on: base}\n  geo: {}\n")
    for name in ("geo/versions.yaml", "base/Dockerfile.j2", "change_ignore.json"):
        (root / "images" / name).symlink_to(outside / "file")
    commit(root)


def as_links_that_leave_without_a_list(root: Path) -> None:
    """Where images are found, too."""
    (root / "images/spec.yml").unlink()
    with_links_that_leave(root)


SCENES: list[Callable[[Path], None]] = [
    untouched,
    edited,
    edited_in_the_same_moment,
    staged_and_edited_again,
    intended,
    untracked_ignored_and_empty,
    removed,
    became_a_link,
    became_a_link_to_itself,
    became_a_folder,
    executable,
    assumed_unchanged,
    skipped,
    sparse,
    with_attributes,
    with_attributes_of_this_clone,
    with_attributes_that_are_gone,
    with_line_ends_of_another_setting,
    with_a_monitor_that_sleeps,
    in_a_conflict,
    with_submodules,
    with_a_repository_inside,
    with_odd_names,
    with_links_that_leave_and_come_back,
    with_links_that_leave,
    as_links_that_leave_without_a_list,
]


@pytest.mark.parametrize("happens", SCENES, ids=lambda scene: scene.__name__)
def test_the_index_says_what_the_disk_says(root: Path, happens: Callable[[Path], None]) -> None:
    """Whatever happened to the files: the same entries, the same suites, the same findings.

    A memory of the stack before gives the stack after; one of the stack after gives it again.
    """
    kept: dict[bytes, bytes] = {}
    before = blobs(same(root, kept))
    happens(root)
    after = blobs(same(root, kept))
    assert (after == before) == (happens in (untouched, sparse)), "the scene does what it says"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("core.fileMode", "false"),
        ("core.symlinks", "false"),
        ("core.autocrlf", "true"),
        ("core.autocrlf", "input"),
        ("core.checkStat", "minimal"),
        ("core.trustctime", "false"),
        ("core.ignoreStat", "true"),
        ("core.worktree", "../../elsewhere"),
        ("filter.own.process", "a program that may keep a file's size"),
    ],
)
def test_settings_under_which_git_is_not_believed(root: Path, name: str, value: str) -> None:
    """Where git's idea of a file is not the file, all files are read."""
    shutil.copytree(root / "images", root.parent / "elsewhere/images")
    git(root, "config", name, value)
    assert snapshot_of(find(root), root / STATE_FOLDER) is None


def test_what_a_sparse_checkout_leaves_out_may_come_and_go(root: Path) -> None:
    """git looks after such a file while it is there, and says nothing of it once it is not: its index is the same."""
    git(root, "sparse-checkout", "set", "--no-cone", "/images/*", "!b.txt")
    for _ in range(2):
        write(root, "images/base/deep/er/b.txt")
        assert "deep/er/b.txt" in blobs(same(root))
        (root / "images/base/deep/er/b.txt").unlink()
        assert "deep/er/b.txt" not in blobs(same(root))


def test_where_bytes_stand_in_for_others_git_is_not_believed(root: Path) -> None:
    """`git replace`: a checkout writes other bytes than the index has the id of. Once it is taken back, what the index
    said meanwhile is not kept."""
    blob, other = (git(root, "rev-parse", f"HEAD:images/{path}") for path in ("base/a.txt", "base/Dockerfile"))
    git(root, "replace", blob, other)
    assert snapshot_of(find(root), root / STATE_FOLDER) is None
    git(root, "replace", "--delete", blob)
    same(root)


def test_the_status_is_of_the_stack_alone(root: Path) -> None:
    """What git says of the whole repository is as good as what it says of the images folder."""
    for path in ("NOTES", "images/base/new.txt"):
        write(root, path)
        found = snapshot_of(find(root), root / STATE_FOLDER)
        assert found is not None
        assert revision(root, "images", None, found[1]) == revision(root, "images")
    assert revision(root, "images").is_dirty


def with_new_files_of_all_kinds(root: Path) -> None:
    """New beside ignored in one folder, ignored by the repository or by this clone alone, and more than one command
    names."""
    untracked_ignored_and_empty(root)
    write(root, ".git/info/exclude", "*.own\n")
    write(root, "images/base/new/two.log")
    write(root, "images/lab/three.own")
    write(root, "images/lab/[a]*")


def with_more_new_files_than_a_command_names(root: Path) -> None:
    """Longer than its longest line."""
    with_new_files_of_all_kinds(root)
    for number in range(300):
        write(root, f"images/base/{number:0200}")


def with_a_new_file_in_a_submodule(root: Path) -> None:
    """Nothing else is another there, and the settings say not to look."""
    with_submodules(root)
    git(root / "images/base/one", "checkout", "--", ".")
    commit(root)
    git(root, "config", "submodule.images/base/one.ignore", "untracked")
    assert not revision(root, "images").is_dirty
    write(root, "images/base/one/new.txt")
    assert revision(root, "images").is_dirty


NEW_FILES = [with_new_files_of_all_kinds, with_more_new_files_than_a_command_names, with_a_new_file_in_a_submodule]


@pytest.mark.parametrize("happens", [*SCENES, *NEW_FILES], ids=lambda scene: scene.__name__)
def test_the_status_is_git_s_own(root: Path, happens: Callable[[Path], None]) -> None:
    """What git would say in one command, misled by no monitor: which files are changed, which new, which ignored."""
    happens(root)
    git(root, "config", "core.fsmonitor", "false")
    plain = status_of(root, ".")
    found = snapshot_of(find(root), root / STATE_FOLDER)
    assert found is not None

    assert revision(root, "images", None, found[1]) == revision(root, "images", None, plain)
    for side in ("untracked", "ignored"):
        said, wanted = (set(getattr(unseen_in(status, root), side)) for status in (found[1], plain))
        assert {path for path in said if not path.startswith(".stackyard/")} == wanted


def test_a_stack_below_the_top(root: Path) -> None:
    """The root of the stack need not be that of the repository."""
    write(root, "below/images/own/Dockerfile", "FROM debian:12\nCOPY . /\n")
    (root / "below/images/base").symlink_to("../../images/base")
    commit(root)
    write(root, "images/base/a.txt", "edited\n")
    assert {str(target.name) for target in same(root / "below").targets} == {"own", "base"}


# Where the index is not in `.git` below the root.


def linked(root: Path) -> Path:
    """A second work tree of the repository, on a branch of its own."""
    git(root, "worktree", "add", "--quiet", "-b", "linked", str(root.parent / "linked"))
    return root.parent / "linked"


def inside(root: Path) -> Path:
    """The same as a submodule of another repository."""
    write(root.parent / "outer", "README")
    outer = init(root.parent / "outer")
    commit(outer)
    git(outer, "submodule", "--quiet", "add", str(root), "stack")
    return outer / "stack"


@pytest.mark.parametrize("elsewhere", [linked, inside])
def test_a_work_tree_whose_index_is_elsewhere(root: Path, elsewhere: Callable[[Path], Path]) -> None:
    """A linked work tree or a submodule is read through its own index, at first and from what was kept."""
    there = elsewhere(root)
    assert (there / ".git").is_file()
    before = blobs(same(there))
    write(there, "images/base/a.txt", "longer\n")
    for _ in range(2):
        assert blobs(same(there)) != before
        assert blobs(same(root)) == before
    commit(there)
    assert blobs(same(there)) != before


def test_an_index_that_somebody_names(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook of `git commit FILE` another index counts: what was kept of the usual one is not taken for it."""
    before = blobs(same(root))
    git(root, "rm", "--quiet", "--cached", "images/base/a.txt")
    (root / ".git" / "index").rename(root / ".git" / "named")
    git(root, "read-tree", "HEAD")
    usual = Look(root).checksum()

    monkeypatch.setenv("GIT_INDEX_FILE", ".git/named")

    assert Look(root).checksum() not in (None, usual)
    assert blobs(same(root)) == before


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_folder_of_git_that_somebody_names(root: Path, monkeypatch: pytest.MonkeyPatch, is_whole: bool) -> None:
    """Where GIT_DIR is set, as in some hooks, git takes the folder in which it is asked for the top of the work tree:
    of a stack below the top it is asked at the top all the same."""
    write(root, "below/images/own/Dockerfile", "FROM debian:12\n")
    first = commit(root)
    monkeypatch.setenv("GIT_DIR", str(root / ".git") if is_whole else ".git")
    below = root / "below"
    assert not revision(below, "images").is_dirty

    write(root, "below/images/own/Dockerfile", "FROM debian:13\n")
    write(root, "below/images/own/new")

    assert revision(below, "images").is_dirty
    with status_begun(below, "images") as asked:
        assert unseen_in(asked(), below).untracked == ("images/own/new",)
    assert compared(below, "HEAD").then == first


# What is kept.


def test_the_index_is_read_once(root: Path) -> None:
    """As long as it is the same file, git is not asked for what is in it; a damaged copy is as good as none."""
    asked: list[bool] = []

    def read() -> None:
        look = Look(root)
        assert snapshot_of(find(root), root / STATE_FOLDER, look) is not None
        asked.append("index" in look.asked)

    read()
    read()
    write(root, "images/base/a.txt", "longer\n")
    read()
    git(root, "add", "--all")
    read()
    read()
    (root / ".stackyard" / "index").write_bytes(b"cut")
    read()
    assert asked == [True, False, False, True, False, True]


def test_an_index_without_a_checksum_is_not_kept(root: Path) -> None:
    """Two of them cannot be told apart."""
    index = root / ".git" / "index"
    index.write_bytes(index.read_bytes()[:-20] + bytes(20))  # as `index.skipHash` leaves it
    same(root)
    assert Look(root).checksum() is None
    assert not (root / ".stackyard" / "index").exists()


def remembered(root: Path, *, is_given: bool = False) -> Memory | None:
    """A command's memory, after it read the stack."""
    state = root / STATE_FOLDER
    memory = memory_for(state, is_given=is_given)
    found = snapshot_of(find(root), state)
    assert found is not None
    load_stack(found[0], AT, SETTINGS, memory=memory)
    keep(state, memory)
    return memory


def test_a_second_command_has_no_news(root: Path) -> None:
    """What one wrote the next one finds, and git never sees it; an edit is news."""
    first, second = remembered(root), remembered(root)
    assert first is not None
    assert second is not None
    assert first.has_news
    assert not second.has_news
    assert git(root, "status", "--porcelain") == ""
    write(root, "images/base/a.txt", "edited\n")
    third = remembered(root)
    assert third is not None
    assert third.has_news


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, b"cut", b"flipped"])
def test_a_damaged_file_is_as_good_as_none(root: Path, damage: bytes) -> None:
    """It is read anew, and written anew."""
    remembered(root)
    path = root / ".stackyard" / "cache"
    whole = path.read_bytes()
    half = len(whole) // 2
    flipped = whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :]
    path.write_bytes({b"cut": whole[:-7], b"flipped": flipped}.get(damage, damage))
    memory = remembered(root)
    assert memory is not None
    assert memory.has_news
    again = remembered(root)
    assert again is not None
    assert not again.has_news


def test_another_program_s_file(tmp_path: Path) -> None:
    """What another version kept is nothing to this one."""
    write_cache(tmp_path / "cache", b"a" * 32, {b"key": b"value"})
    assert read_cache(tmp_path / "cache", b"a" * 32) == {b"key": b"value"}
    assert read_cache(tmp_path / "cache", b"b" * 32) == {}


def test_nowhere_to_keep_it(root: Path) -> None:
    """A file where the folder should be is no error: the next command is as slow as this one."""
    write(root, ".stackyard", "not a folder\n")
    assert remembered(root) is not None


def test_given_values_are_not_kept(root: Path) -> None:
    """Values of a command line may be secrets; so may arguments that look like one."""
    assert remembered(root, is_given=True) is None
    write(root, "images/spec.yml", "images:\n  base: {build_args: {API_TOKEN: hunter2}}\n  lab: {depend_on: base}\n")
    remembered(root)
    kept = list(read_cache(root / ".stackyard" / "cache", program("load", "model")).values())
    assert len([data for data in kept if b"FROM base" not in data and b"hunter2" in data]) == 1, "the list itself"
    assert len(kept) == 2
