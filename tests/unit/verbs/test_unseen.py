# SPDX-License-Identifier: MIT
"""An ordinary plan tells which files of build contexts no commit has, as `check` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.git import status_of, unseen_in
from stackyard.load.tree.place import find
from stackyard.report.terminal import plan_text
from stackyard.report.text import PLAIN
from stackyard.verbs import Options, Yard
from stackyard.verbs.since import plan_since
from stackyard.verbs.snapshot import snapshot_of
from tests.conftest import GitStack
from tests.repositories import commit, git, init

pytestmark = pytest.mark.processes

FILES = {
    ".gitignore": "*.log\n__pycache__/\n",
    "images/spec.yml": "images:\n  base:\n  lab: {context: shared, dockerfile: images/lab/Dockerfile}\n",
    "images/base/Dockerfile": "FROM debian:12\nCOPY . /base\n",
    "images/lab/Dockerfile": "FROM debian:12\nCOPY . /lab\n",
    "shared/a.txt": "a",
}


@pytest.fixture
def root(git_stack: GitStack) -> Path:
    """Two images, one of them with a build context outside the images folder; all of it committed."""
    return git_stack(FILES)


def write(root: Path, *paths: str) -> None:
    """New files."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")


def load(root: Path) -> Yard:
    """The stack as it is now."""
    return verbs.load(root, Options())


def sentences(root: Path) -> list[str]:
    """What the plan says of such files."""
    found = [each for each in verbs.plan(load(root)).findings if each.code == "untracked-in-context"]
    checked = [each for each in verbs.check(load(root)) if each.code == "untracked-in-context"]
    assert sorted(found, key=str) == sorted(checked, key=str)
    assert {each.level for each in found} <= {"notice"}
    return [each.sentence for each in found]


def test_a_stack_without_such_files_says_nothing(root: Path) -> None:
    """Nor does one where they lie in no build context, or Docker leaves them out."""
    assert sentences(root) == []
    write(root, "notes.log", "new", "images/other/run.log", ".stackyard/runs/1/a.log")
    assert sentences(root) == []
    write(root, "images/base/run.log")
    (root / "images/base/.dockerignore").write_text("*.log\n")
    git(root, "add", "--all")
    assert sentences(root) == []


def test_one_notice_for_each_image_and_kind(root: Path) -> None:
    """With a count and the first names, wherever the build context is."""
    write(root, *(f"images/base/{name}.log" for name in "abcd"), "images/base/new/deep/one")
    write(root, "shared/__pycache__/a.pyc", "shared/b.txt")

    assert sentences(root) == [
        "1 path that git does not track counts in the build context images/base, and no commit has it: new/",
        "1 path that git does not track counts in the build context shared, and no commit has it: b.txt",
        "4 paths that git ignores count in the build context images/base, and no commit has them: "
        "a.log, b.log, c.log, …",
        "1 path that git ignores counts in the build context shared, and no commit has it: __pycache__/",
    ]


def test_a_large_stack_says_the_same(root: Path) -> None:
    """What is read through git's index tells of the same paths, without another look."""
    write(root, "images/base/a.log", "images/base/new/one", "shared/__pycache__/a.pyc", "notes.log")
    small = unseen_in(status_of(root, "."), root)
    found = snapshot_of(find(root), root / ".stackyard")
    assert found is not None

    large = unseen_in(found[1], root)

    assert (set(large.untracked), set(large.ignored)) == (set(small.untracked), set(small.ignored))
    assert set(small.ignored) == {"images/base/a.log", "shared/__pycache__/", "notes.log"}


def test_very_many_are_counted(git_stack: GitStack) -> None:
    """The table shows ten lines and a number; all are in the plan itself, and in --explain."""
    names = [f"i{number:02d}" for number in range(13)]
    files = {f"images/{name}/Dockerfile": "FROM debian:12\nCOPY . /x\n" for name in names}
    root = git_stack({".gitignore": "*.log\n", **files})
    write(root, *(f"images/{name}/run.log" for name in names))
    planned = verbs.plan(load(root))

    def lines(is_explained: bool) -> list[str]:
        return [line for line in plan_text(planned, PLAIN, 100, is_explained).splitlines() if line.startswith("note: ")]

    assert len(planned.findings) == 13
    assert len(lines(is_explained=False)) == 11
    assert lines(is_explained=False)[-1] == "note: 3 more of these; --explain has all"
    assert len(lines(is_explained=True)) == 13


def test_the_notice_stands_at_a_dockerfile_that_reads_the_file(git_stack: GitStack) -> None:
    """Of several images with one build context, the first that copies it."""
    spec = "images:\n" + "".join(f"  {name}: {{context: ., dockerfile: {name}/Dockerfile}}\n" for name in "ab")
    root = git_stack({"stackyard.yml": spec, **{f"{name}/Dockerfile": f"FROM x\nCOPY {name} /\n" for name in "ab"}})
    write(root, "b/new.txt")

    (found,) = [each for each in verbs.check(load(root)) if each.code == "untracked-in-context"]

    assert found.path == "b/Dockerfile"


def test_only_what_counts_is_named(git_stack: GitStack) -> None:
    """By each image's granularity: what nothing copies counts in none, in its own folder, or all over the context."""
    spec = (
        "images:\n  copied: {granularity: copied}\n  own: {context: ., dockerfile: images/own/Dockerfile}\n"
        "  all: {context: ., dockerfile: images/all/Dockerfile, granularity: folder}\n"
    )
    files = {f"images/{name}/Dockerfile": "FROM x\nCOPY images/*/src /\n" for name in ("copied", "own", "all")}
    root = git_stack({"images/spec.yml": spec, **files, ".dockerignore": "images/all/test\n"})
    write(root, "images/copied/new", "images/own/new", "images/own/test/new", "images/all/test/new", "new")

    assert sentences(root) == [
        "4 paths that git does not track count in the build context ., and no commit has them: "
        "images/copied/new, images/own/new, images/own/test/, …"
    ]
    (found,) = [each for each in verbs.plan(load(root)).findings if each.code == "untracked-in-context"]
    counted = {target.name: {each.path for each in target.inputs.context} for target in load(root).stack.targets}
    assert found.path == "images/own/Dockerfile"
    assert [{path for path in paths if path.endswith("/new")} for paths in counted.values()] == [
        set(), {"images/own/new"}, {"images/copied/new", "images/own/new", "images/own/test/new"},
    ]  # fmt: skip


def test_a_submodule_that_is_not_checked_out(root: Path, tmp_path: Path) -> None:
    """Its folder is empty, and so would the image's be; where no image gets it, nobody minds."""
    other, clone = tmp_path / "other", tmp_path / "clone"
    write(other, "a.txt")
    commit(init(other))
    for path in ("images/base/vendor", "images/base/docs", "elsewhere"):
        git(root, "submodule", "add", "--quiet", str(other), path)
    (root / "images/base/.dockerignore").write_text("docs\n")
    commit(root)
    git(tmp_path, "clone", "--quiet", str(root), str(clone))

    def told() -> list[tuple[str, str]]:
        found = [(each.level, each.sentence) for each in verbs.check(load(clone)) if each.code == "empty-submodule"]
        for plan in (verbs.plan(load(clone)), plan_since(clone, Options(), "HEAD")):
            shown = plan_text(plan, PLAIN, 200)
            assert shown.count("note: images/base/Dockerfile: a submodule is not") == len(found)
        between = plan_text(plan_since(clone, Options(), "HEAD~1..HEAD"), PLAIN, 200)
        assert "not checked out" not in between  # nobody asks what is on disk
        return found

    assert told() == [
        ("warning", "a submodule is not checked out, and empty in the build context images/base: vendor/")
    ]
    git(clone, "submodule", "update", "--init", "--quiet", "images/base/vendor")
    assert told() == []
