# SPDX-License-Identifier: MIT
"""`plan --since`: what changed between two trees, with a real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stackyard.errors import ConfigError, FindingsProblem, NoHistory, NotAStack
from stackyard.model.plan import Plan
from stackyard.verbs import Options, check, load, plan
from stackyard.verbs.since import plan_since
from tests.repositories import commit, git, init

SPEC = """\
images:
  base: {}
  lab: {depend_on: base}
  geo: {}
"""


def write(root: Path, path: str, text: str | bytes = "x\n") -> Path:
    """A file, with the folders it needs."""
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_bytes(text if isinstance(text, bytes) else text.encode())
    return full


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three images, `lab` on `base`, committed once on `main`."""
    top = tmp_path / "stack"
    write(top, "images/spec.yml", SPEC)
    write(top, "images/base/Dockerfile", "FROM debian:12\nCOPY . /base\n")
    write(top, "images/base/a.txt")
    write(top, "images/lab/Dockerfile", "FROM base\nCOPY . /lab\n")
    write(top, "images/lab/test/test_lab.py", "def test_lab(): pass\n")
    write(top, "images/geo/Dockerfile", "FROM debian:12\nCOPY . /geo\n")
    write(top, "images/geo/b.txt", "b\n")
    commit(init(top), "one")
    return top


def since(root: Path, reference: str = "HEAD", *images: str, options: Options | None = None) -> Plan:
    """The plan against a commit."""
    return plan_since(root, options or Options(), reference, images)


def told(planned: Plan) -> dict[str, str]:
    """Action and reasons of each target."""
    return {str(s.target): f"{s.action}: {'; '.join(map(str, s.reasons))}" for s in planned.steps}


def built(planned: Plan) -> set[str]:
    """Targets that have to be built."""
    assert {step.action for step in planned.steps} <= {"build", "reuse"}
    return {str(step.target) for step in planned.steps if step.action == "build"}


@pytest.mark.processes
def test_what_changed_is_built_with_what_builds_on_it(root: Path) -> None:
    """A changed file builds its image for that reason, its child because of the parent, and nothing else."""
    write(root, "images/base/a.txt", "other\n")
    planned = since(root)
    texts = told(planned)
    assert texts["base"] == "build: images/base/a.txt changed"
    assert texts["lab"] == "build: parent base changed"
    assert texts["geo"] == "reuse: unchanged since HEAD"
    assert planned.since is not None
    assert (planned.since.reference, planned.since.now) == ("HEAD", None)
    assert planned.since.commit == git(root, "rev-parse", "HEAD")


@pytest.mark.processes
def test_a_clean_tree_has_nothing_to_do(root: Path) -> None:
    """The work tree is its commit; an empty folder, which no commit can hold, changes nothing."""
    (root / "images/base/empty").mkdir()
    assert built(since(root)) == set()


@pytest.mark.processes
def test_a_tree_has_the_fingerprints_of_the_disk(root: Path) -> None:
    """A stack read from a commit is the stack that its checkout is."""
    (root / "images/base/link").symlink_to("a.txt")
    os.chmod(write(root, "images/geo/run.sh"), 0o755)
    write(root, "images/geo/.dockerignore", "*.md\n")
    write(root, "images/geo/README.md")
    head = commit(root)
    on_disk = {step.target: step.source for step in plan(load(root)).steps}
    for reference in ("HEAD", f"HEAD..{head}"):
        assert {step.target: step.source for step in since(root, reference).steps} == on_disk


@pytest.mark.processes
def test_both_sides_of_a_rename_count(root: Path) -> None:
    """A file that moves from one image to another changes both."""
    git(root, "mv", "images/base/a.txt", "images/geo/a.txt")
    texts = told(since(root))
    assert texts["base"] == "build: images/base/a.txt removed"
    assert texts["geo"] == "build: images/geo/a.txt added"


@pytest.mark.processes
@pytest.mark.parametrize("is_added", [False, True])
def test_any_file_name(root: Path, is_added: bool) -> None:
    """Names are taken as they are: those that git puts in quotes, and those that look like options."""
    names = ["a\tb", "a\nb", "é", '"q"', " a ", "a\r", "-n", "a\\b", "ü\n\"'", "\U0001f4a9"]

    def all_are(changed: str) -> bool:
        (step,) = (step for step in since(root).steps if str(step.target) == "geo")
        return {str(reason) for reason in step.reasons} == {f"images/geo/{name} {changed}" for name in names}

    for name in names:
        write(root, f"images/geo/{name}", f"{name}\n")
    if is_added:
        git(root, "add", "--all")
    assert all_are("added")
    commit(root)
    assert built(since(root)) == set()
    for name in names:
        write(root, f"images/geo/{name}", "y\n")
    assert all_are("changed")
    for name in names:
        (root / "images/geo" / name).unlink()
    assert all_are("removed")


@pytest.mark.processes
def test_from_the_merge_base_on(root: Path) -> None:
    """With three dots, what the other branch did since is not this branch's change."""
    git(root, "switch", "--quiet", "--create", "topic")
    write(root, "images/geo/b.txt", "topic\n")
    topic = commit(root)
    git(root, "switch", "--quiet", "main")
    write(root, "images/base/a.txt", "main\n")
    commit(root)
    git(root, "switch", "--quiet", "topic")
    assert built(since(root, "main...")) == {"geo"}
    assert built(since(root, f"main...{topic}")) == {"geo"}
    assert built(since(root, "main")) == {"base", "lab", "geo"}
    assert built(since(root, "main..topic")) == {"base", "lab", "geo"}
    assert built(since(root, "topic...main")) == {"base", "lab"}
    git(root, "merge", "--quiet", "--no-edit", "main")
    assert built(since(root, "main")) == {"geo"}
    assert built(since(root, "HEAD^1..HEAD")) == {"base", "lab"}


@pytest.mark.processes
def test_two_commits_are_compared_without_the_work_tree(root: Path) -> None:
    """`A..B` says nothing of files that lie around now, and its tags are B's."""
    write(root, "images/geo/b.txt", "two\n")
    two = commit(root)
    write(root, "images/base/a.txt", "dirty\n")
    planned = since(root, "HEAD~1..HEAD")
    assert built(planned) == {"geo"}
    assert planned.revision.commit == two
    assert not planned.revision.is_dirty
    assert planned.since is not None
    assert planned.since.now == two
    assert told(planned)["base"] == "reuse: unchanged since HEAD~1"


@pytest.mark.processes
def test_tags_have_the_stamp_of_the_run(root: Path) -> None:
    """As in every other plan: the one that was given, for all targets, or the time."""
    write(root, "images/spec.yml", f"tag: {{fixed: 'r-{{stamp}}'}}\n{SPEC}")
    commit(root)
    assert {step.fixed_tags for step in since(root, options=Options(stamp="T1")).steps} == {("r-T1",)}
    assert all(step.fixed_tags for step in since(root).steps)


@pytest.mark.processes
def test_several_commits_and_a_revert(root: Path) -> None:
    """Only the two ends count: what was taken back on the way is no difference."""
    write(root, "images/geo/b.txt", "two\n")
    commit(root)
    write(root, "images/base/a.txt", "three\n")
    commit(root)
    assert built(since(root, "HEAD~2")) == {"base", "lab", "geo"}
    write(root, "images/geo/b.txt", "b\n")
    commit(root)
    assert built(since(root, "HEAD~3")) == {"base", "lab"}


@pytest.mark.processes
def test_what_is_left_alone_changes_nothing_for_its_children(root: Path) -> None:
    """They stand on its last build, whatever its files or its own parents are; their fingerprints are of the files."""
    write(root, "images/spec.yml", SPEC.replace("base: {}", "base: {}\n  mid: {depend_on: base, skip: broken}"))
    write(root, "images/mid/Dockerfile", "FROM base\nCOPY . /mid\n")
    write(root, "images/lab/Dockerfile", "FROM base\nCOPY --from=mid /mid /mid\nCOPY . /lab\n")
    commit(root)
    write(root, "images/mid/new.txt")
    planned = since(root)
    assert told(planned)["lab"] == "reuse: unchanged since HEAD"
    assert [step.action for step in planned.steps if str(step.target) == "mid"] == ["skip"]
    wanted = {step.target: step.source for step in plan(load(root)).steps}
    assert {step.target: step.source for step in planned.steps} == wanted
    write(root, "images/base/a.txt", "other\n")
    assert told(since(root))["lab"] == "build: parent base changed"


@pytest.mark.processes
def test_what_build_all_costs_where_it_names_tests(root: Path) -> None:
    """The notice of a plan from the records, children of what is built counted with it."""
    write(root, "images/change_ignore.json", '{"BuildAll": ["tests_common"]}')
    write(root, "images/tests_common/test_all.py", "def test_all(): pass\n")
    commit(root)
    write(root, "images/tests_common/test_all.py", "def test_all(): assert True\n")
    planned = since(root)
    assert built(planned) == {"base", "lab", "geo"}
    (found,) = [each for each in planned.findings if each.code == "tests-in-build-all"]
    assert found.sentence.startswith("3 images are built only because `BuildAll` names tests_common")
    write(root, "images/base/a.txt", "other\n")
    (found,) = [each for each in since(root).findings if each.code == "tests-in-build-all"]
    assert found.sentence.startswith("1 image is built only because")


@pytest.mark.processes
def test_a_change_of_tests_only_tests(root: Path) -> None:
    """A test folder that no instruction reads is no part of the image."""
    write(root, "images/geo/Dockerfile", "FROM debian:12\nCOPY b.txt /geo\n")
    write(root, "images/geo/test/test_geo.py", "def test_geo(): pass\n")
    commit(root)
    write(root, "images/geo/test/test_geo.py", "def test_geo(): assert True\n")
    assert told(since(root))["geo"] == "retest: basic tests changed"
    assert told(since(root, "HEAD~1"))["geo"].startswith("build: images/geo/Dockerfile changed")


@pytest.mark.processes
def test_arguments_and_parents_of_the_spec(root: Path) -> None:
    """A declared argument counts, one that no instruction can see does not."""
    write(root, "images/geo/Dockerfile", "FROM debian:12\nARG TOOL=1\nRUN echo $TOOL\n")
    commit(root)
    write(root, "images/spec.yml", SPEC.replace("geo: {}", "geo: {build_args: {TOOL: '2', OTHER: '3'}}"))
    assert told(since(root))["geo"] == "build: build argument TOOL set to 2"


@pytest.mark.processes
def test_an_image_that_is_new_and_one_that_is_gone(root: Path) -> None:
    """The new one is built; the other is told, for nothing is built of it."""
    write(root, "images/new/Dockerfile", "FROM debian:12\n")
    write(root, "images/spec.yml", SPEC.replace("geo: {}", "new: {}"))
    planned = since(root)
    assert told(planned)["new"] == "build: not there at HEAD"
    assert [f.sentence for f in planned.findings if f.code == "gone-since"] == [
        "geo was there at HEAD, and is no image of the stack any more"
    ]


@pytest.mark.processes
def test_no_stack_at_the_other_commit(root: Path) -> None:
    """Before there was a stack nothing was there, and everything is new; a stack that is not there now is no plan."""
    git(root, "switch", "--quiet", "--orphan", "empty")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    git(root, "switch", "--quiet", "main")
    assert built(since(root, "empty")) == {"base", "lab", "geo"}
    with pytest.raises(NotAStack, match="there is no stack at empty"):
        since(root, "main..empty")


@pytest.mark.processes
def test_selecting(root: Path) -> None:
    """Naming images plans them and what they build on."""
    write(root, "images/base/a.txt", "other\n")
    planned = since(root, "HEAD", "lab")
    assert {str(step.target): step.action for step in planned.steps} == {
        "base": "build",
        "lab": "build",
        "geo": "skip",
    }


@pytest.mark.processes
def test_files_that_no_commit_has_are_named(root: Path) -> None:
    """A new file counts as one that is about to be committed; an ignored one cannot be compared. Both are told."""
    write(root, ".gitignore", "*.log\ncache/\n")
    write(root, "images/lab/.dockerignore", "**/*.log\n")
    commit(root)
    write(root, "images/geo/new.txt")
    write(root, "images/geo/run.log")
    write(root, "images/geo/cache/x")
    write(root, "images/lab/run.log")
    write(root, "images/lab/test/run.log")
    write(root, "elsewhere.log")
    planned = since(root)
    assert built(planned) == {"geo"}
    assert [str(f) for f in planned.findings if f.code == "untracked-in-context"] == [
        "images/geo/Dockerfile: 1 path that git does not track counts in the build context images/geo, "
        "and no commit has it: new.txt",
        "images/geo/Dockerfile: 2 paths that git ignores count in the build context images/geo, "
        "and no commit has them: cache/, run.log",
    ]


# What is not there.


@pytest.mark.processes
@pytest.mark.parametrize("reference", ["nowhere", "HEAD~1", "nowhere...", "HEAD..nowhere", "-h", "^HEAD", "0" * 40])
def test_a_commit_that_is_not_there(root: Path, reference: str) -> None:
    """One sentence names the word that was not understood."""
    with pytest.raises(NoHistory, match="there is no commit '") as caught:
        since(root, reference)
    assert caught.value.hint


@pytest.mark.processes
def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    """The hint makes the first one: there is nothing to look up."""
    git(tmp_path, "init", "--quiet")
    write(tmp_path, "images/base/Dockerfile", "FROM x\n")

    with pytest.raises(NoHistory) as caught:
        since(tmp_path, "HEAD")
    assert "git commit" in str(caught.value.hint)


@pytest.mark.parametrize("reference", ["", "  ", "..", "...", " .. "])
def test_no_commit_at_all(root: Path, reference: str) -> None:
    """A variable that is not set would plan nothing, and that would pass for good news."""
    with pytest.raises(NoHistory, match="was given no commit"):
        since(root, reference)


@pytest.mark.processes
def test_what_stands_on_an_image_that_is_left_alone_stays(root: Path) -> None:
    """It keeps its last build, whatever was edited in it."""
    write(root, "images/spec.yml", "images: {base: {skip: for now}, lab: {depend_on: base}, geo: {}}\n")
    commit(root)
    write(root, "images/base/a.txt", "another\n")

    assert {str(step.target): step.action for step in since(root).steps} == {
        "base": "skip",
        "lab": "reuse",
        "geo": "reuse",
    }


@pytest.mark.processes
def test_one_side_left_out(root: Path) -> None:
    """Before two dots or three it is HEAD, as git has it; behind them it is the work tree."""
    first = git(root, "rev-parse", "HEAD")
    write(root, "images/geo/b.txt", "two\n")
    commit(root)
    write(root, "images/base/a.txt", "three\n")
    assert built(since(root, f"..{first}")) == {"geo"}
    assert built(since(root, f"{first}..")) == built(since(root, f"{first}...")) == {"base", "lab", "geo"}


@pytest.mark.processes
def test_a_shallow_clone(root: Path, tmp_path: Path) -> None:
    """What was fetched is compared; for what was not, the hint says how to fetch it."""
    write(root, "images/geo/b.txt", "two\n")
    commit(root)
    write(root, "images/geo/b.txt", "three\n")
    commit(root)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{root}", str(clone))
    assert built(since(clone, "HEAD~1")) == {"geo"}
    with pytest.raises(NoHistory, match="there is no commit 'HEAD~2' in this clone") as caught:
        since(clone, "HEAD~2")
    assert "git fetch --unshallow" in (caught.value.hint or "")


@pytest.mark.processes
def test_no_merge_base(root: Path, tmp_path: Path) -> None:
    """In a shallow clone the common commit may be missing; in a whole one there may be none."""
    git(root, "switch", "--quiet", "--create", "topic")
    write(root, "images/geo/b.txt", "two\n")
    commit(root)
    commit(root, "three")
    git(root, "switch", "--quiet", "main")
    write(root, "images/base/a.txt", "main\n")
    commit(root)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{root}", str(clone))
    assert built(since(clone, "origin/topic")) == {"base", "lab", "geo"}
    with pytest.raises(NoHistory, match="'origin/topic' and 'HEAD' have no commit in common") as caught:
        since(clone, "origin/topic...")
    assert "git fetch --unshallow" in (caught.value.hint or "")
    git(root, "switch", "--quiet", "--orphan", "other")
    commit(root, "other")
    git(root, "switch", "--quiet", "main")
    with pytest.raises(NoHistory, match="have no commit in common") as caught:
        since(root, "other...main")
    assert caught.value.hint == "to compare with other itself, write other..main"


@pytest.mark.processes
def test_a_branch_that_only_the_remote_has(root: Path, tmp_path: Path) -> None:
    """The hint has its whole name; where the clone never saw it, what fetches it does, in a shallow clone too."""
    git(root, "branch", "topic")
    clone, shallow = tmp_path / "clone", tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", str(root), str(clone))
    with pytest.raises(NoHistory) as caught:
        since(clone, "topic")
    assert caught.value.hint == "did you mean origin/topic?"
    write(root, "images/geo/b.txt", "two\n")
    commit(root)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", str(shallow))
    with pytest.raises(NoHistory, match="there is no commit 'origin/topic'") as caught:
        since(shallow, "origin/topic...")
    command, _, _ = (caught.value.hint or "").partition(" brings it")
    assert command == "git fetch --unshallow origin topic:refs/remotes/origin/topic"
    git(shallow, *command.split()[1:])
    assert built(since(shallow, "origin/topic...")) == {"geo"}


@pytest.mark.processes
def test_a_name_of_something_else(root: Path) -> None:
    """A file, a folder, the beginning of two ids: each is told as what it is."""
    git(root, "tag", "a-file", git(root, "rev-parse", "HEAD:images/geo/b.txt"))
    git(root, "tag", "--annotate", "a-folder", "HEAD^{tree}", "--message", "x")
    for name, kind in (("a-file", "a file"), ("a-folder", "a folder")):
        with pytest.raises(NoHistory, match=f"'{name}' names {kind}, and no commit"):
            since(root, name)
    stream = "".join(f"commit refs/heads/c{i}\ncommitter A <a@example.org> {i} +0000\ndata 0\n\n" for i in range(600))
    subprocess.run(["git", "-C", str(root), "fast-import", "--quiet"], input=stream.encode(), check=True)
    starts = [each[:4] for each in git(root, "for-each-ref", "--format=%(objectname)", "refs/heads/c*").split()]
    short = next(each for each in starts if starts.count(each) > 1)
    with pytest.raises(NoHistory, match=f"more than one commit of this clone begins with '{short}'"):
        since(root, short)


@pytest.mark.processes
def test_a_stack_that_could_not_be_read_then(root: Path) -> None:
    """Broken YAML at the other commit is told as such; broken now, it is the error it always is."""
    write(root, "images/spec.yml", "images: [\n")
    commit(root)
    with pytest.raises(ConfigError, match="not valid YAML"):
        since(root, "HEAD~1")
    write(root, "images/spec.yml", SPEC)
    commit(root)
    with pytest.raises(ConfigError, match=r"the stack at HEAD~1 \([0-9a-f]{7}\) cannot be read: images/spec.yml:"):
        since(root, "HEAD~1")


@pytest.mark.processes
def test_an_image_that_could_not_be_read_then(root: Path) -> None:
    """One Dockerfile that was broken hides no other image; one that is broken now ends the command."""
    write(root, "images/base/Dockerfile", "FRM debian\n")
    commit(root)
    with pytest.raises(FindingsProblem):
        since(root, "HEAD~1")
    write(root, "images/base/Dockerfile", "FROM debian:12\n")
    found = told(since(root))
    assert found["base"].startswith("build: could not be read at HEAD: ")
    assert "FRM" in found["base"]
    assert (found["lab"], found["geo"]) == ("build: parent base changed", "reuse: unchanged since HEAD")


# What git does to files on their way to disk.


@pytest.mark.processes
def test_line_ends_and_filters_are_git_s(root: Path) -> None:
    """Files that are other bytes on disk than in the repository have not changed; an edit of one is a change."""
    write(root, ".gitattributes", "*.txt text eol=crlf\n*.big filter=up\n")
    git(root, "config", "filter.up.clean", "tr A-Z a-z")
    git(root, "config", "filter.up.smudge", "tr a-z A-Z")
    write(root, "images/geo/x.big", "big\n")
    commit(root)
    for path in ("images/geo/b.txt", "images/geo/x.big"):
        (root / path).unlink()
    git(root, "checkout", "--", ".")
    assert (root / "images/geo/x.big").read_bytes() == b"BIG\n"
    assert (root / "images/geo/b.txt").read_bytes() == b"b\r\n"
    assert built(since(root)) == set()
    write(root, "images/geo/x.big", "BIG\n")
    assert built(since(root)) == set()
    write(root, "images/geo/x.big", "BIGGER\n")
    assert told(since(root))["geo"] == "build: images/geo/x.big changed"


@pytest.mark.processes
def test_the_x_bit_is_git_s(root: Path) -> None:
    """A changed bit counts; where git is told that the disk has none, the commit's is taken."""
    os.chmod(root / "images/geo/b.txt", 0o755)
    assert told(since(root))["geo"] == "build: images/geo/b.txt has another mode"
    git(root, "config", "core.fileMode", "false")
    assert built(since(root)) == set()


@pytest.mark.processes
def test_what_git_was_told_not_to_look_at(root: Path) -> None:
    """Files that are assumed to be unchanged are looked at; what a sparse checkout leaves out is there."""
    git(root, "update-index", "--assume-unchanged", "images/geo/b.txt")
    assert built(since(root)) == set()
    write(root, "images/geo/b.txt", "secretly\n")
    assert told(since(root))["geo"] == "build: images/geo/b.txt changed"
    assert since(root).revision.is_dirty
    git(root, "update-index", "--no-assume-unchanged", "images/geo/b.txt")
    git(root, "checkout", "--", ".")
    git(root, "sparse-checkout", "set", "images/base")
    assert not (root / "images/geo").exists()
    assert built(since(root)) == set()
    write(root, "images/geo/b.txt", "present despite\n")
    assert told(since(root))["geo"] == "build: images/geo/b.txt changed"


@pytest.mark.processes
def test_intended_and_staged_and_taken_away(root: Path) -> None:
    """The index is on the way between a commit and the disk, and the disk decides."""
    write(root, "images/geo/new.txt")
    git(root, "add", "--intent-to-add", "images/geo/new.txt")
    assert told(since(root))["geo"] == "build: images/geo/new.txt added"
    (root / "images/geo/new.txt").unlink()
    assert built(since(root)) == set()
    write(root, "images/geo/b.txt", "staged\n")
    git(root, "add", "images/geo/b.txt")
    assert built(since(root)) == {"geo"}
    write(root, "images/geo/b.txt", "b\n")
    assert built(since(root)) == set()


@pytest.mark.processes
def test_a_file_that_becomes_a_link_or_a_folder(root: Path) -> None:
    """The kind of a path counts, and nothing is read through a link."""
    (root / "images/geo/b.txt").unlink()
    (root / "images/geo/b.txt").symlink_to("b\n")
    assert told(since(root))["geo"] == "build: images/geo/b.txt is a link now"
    (root / "images/geo/b.txt").unlink()
    write(root, "images/geo/b.txt/inner")
    assert told(since(root))["geo"] == "build: images/geo/b.txt/inner added; images/geo/b.txt removed"


@pytest.mark.processes
def test_a_conflict_is_taken_from_disk(root: Path) -> None:
    """Half way through a merge the files are what they are now."""
    git(root, "switch", "--quiet", "--create", "topic")
    write(root, "images/geo/b.txt", "topic\n")
    commit(root)
    git(root, "switch", "--quiet", "main")
    write(root, "images/geo/b.txt", "main\n")
    commit(root)
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "merge", "topic")
    assert built(since(root)) == {"geo"}
    write(root, "images/geo/b.txt", "main\n")
    assert built(since(root)) == set()


@pytest.mark.processes
def test_links_within_the_repository(root: Path) -> None:
    """An image's folder that is a link, and a stack below the top of its repository, are followed in a commit too."""
    below = root / "below"
    write(below, "images/linked/keep", "")
    (below / "images/geo").symlink_to("../../images/geo")
    (below / "images/linked/keep").unlink()
    (below / "images/linked").rmdir()
    write(below, "images/own/Dockerfile", "FROM debian:12\n")
    commit(root)
    assert {str(step.target) for step in since(below).steps} == {"geo", "own"}
    assert built(since(below)) == set()
    write(root, "images/geo/b.txt", "two\n")
    assert built(since(below)) == {"geo"}
    (below / "images/out").symlink_to("../../../elsewhere")
    commit(root)
    assert {str(step.target) for step in since(below).steps} == {"geo", "own"}


@pytest.mark.processes
def test_submodules(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A submodule that is checked out is a folder of files; of another only the commit is known, and it counts."""
    module = tmp_path / "module"
    write(module, "inner.txt")
    init(module)
    commit(module)
    git(root, "submodule", "--quiet", "add", str(module), "images/geo/sub")
    commit(root)
    assert built(since(root)) == set()
    assert built(since(root, "HEAD~1")) == {"geo"}
    write(root, "images/geo/sub/inner.txt", "two\n")
    assert told(since(root))["geo"] == "build: images/geo/sub/inner.txt changed"
    with monkeypatch.context() as hook:  # what git tells one is about the repository above
        hook.setenv("GIT_DIR", str(root / ".git"))
        hook.setenv("GIT_INDEX_FILE", ".git/index")
        assert told(since(root))["geo"] == "build: images/geo/sub/inner.txt changed"
    commit(root / "images/geo/sub")
    assert told(since(root))["geo"] == "build: images/geo/sub/inner.txt changed"
    commit(root)
    assert built(since(root)) == set()
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(root), str(clone))
    assert built(since(clone)) == set()
    assert told(since(clone, "HEAD~1"))["geo"] == "build: images/geo/sub changed"


@pytest.mark.processes
def test_a_repository_within_that_is_no_submodule_yet(root: Path) -> None:
    """Its files count as if it were added: an engine gets them."""
    inner = init(root / "images/geo/vendor")
    write(inner, "a.txt")
    commit(inner)
    write(inner, "b.txt")
    assert told(since(root))["geo"] == "build: images/geo/vendor/a.txt added; images/geo/vendor/b.txt added"
    (inner / ".git/index").write_bytes(b"damaged")
    assert built(since(root)) == set()


@pytest.mark.processes
def test_check_names_what_no_commit_has(root: Path) -> None:
    """Such files count in an ordinary plan, and another clone has them not; an ignore file of Docker's ends that."""
    write(root, ".gitignore", "*.log\n")
    commit(root)
    assert not [f for f in check(load(root)) if f.code == "untracked-in-context"]
    write(root, "images/geo/run.log")
    write(root, "images/geo/new/one")
    assert [f.sentence.rpartition(": ")[2] for f in check(load(root)) if f.code == "untracked-in-context"] == [
        "new/",
        "run.log",
    ]
    write(root, "images/geo/.dockerignore", "*.log\nnew\n.dockerignore\n")
    assert not [f for f in check(load(root)) if f.code == "untracked-in-context"]
