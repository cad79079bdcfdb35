# SPDX-License-Identifier: MIT
"""A question that was asked before is answered from what was kept only where every fact behind it is the same."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from stackyard.model.ci import Ci, PullRequest
from stackyard.model.plan import Note
from stackyard.model.reference import Reference
from stackyard.model.stack import GivenArgument, GivenBase
from stackyard.verbs import Options, load, plan
from stackyard.verbs.again import Question, question_of
from stackyard.verbs.since import plan_since
from tests.unit.verbs.test_snapshot import commit, git, init, write

pytestmark = pytest.mark.processes

LATER = time.time_ns() + 3600 * 10**9
"""No file of a test is young then."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images, committed, with a file that git ignores and some that it does not know."""
    top = tmp_path / "stack"
    write(top, "images/spec.yml", "images:\n  base: {}\n  lab: {depend_on: base}\n")
    write(top, "images/base/Dockerfile", "FROM debian:12\nCOPY . /base\n")
    write(top, "images/base/a.txt")
    write(top, "images/lab/Dockerfile", "FROM base\nCOPY . /lab\n")
    commit(init(top))
    write(top, ".gitignore", "*.log\n")
    write(top, "images/base/a.log")
    write(top, "images/lab/new/file.txt")
    write(top, "images/lab/Dockerfile", "FROM base\nCOPY . /lab2\n")
    return top


def asked(root: Path, words: tuple[str, ...] = ("plan",), since: str | None = None, **options: object) -> Question:
    """The question, as it is asked an hour from now."""
    found = question_of(root, Options(**options), words, since, (80, False), LATER)  # type: ignore[arg-type]
    assert found is not None
    return found


def answered(root: Path, **options: object) -> None:
    """Ask, and keep what is answered."""
    question = asked(root, **options)
    yard = load(root, Options(**options), look=question.look)  # type: ignore[arg-type]
    question.keep("the answer", plan(yard), yard.stack)


def test_the_same_question_has_the_same_answer(root: Path):
    """Nothing touched: what was answered is answered again, whatever happened to what Stackyard itself keeps."""
    assert asked(root).answer is None

    answered(root)

    assert asked(root).answer == "the answer"
    write(root, ".stackyard/cache", "other")
    assert asked(root).answer == "the answer"


def same_size(root: Path, path: str) -> None:
    """Another text of the same length, with the modification time that the old one had."""
    before = (root / path).stat()
    text = (root / path).read_text()
    (root / path).write_text(text[:-2] + "?\n")
    os.utime(root / path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: Mapping[str, Callable[[Path], object]] = {
    "a tracked file": lambda root: write(root, "images/base/a.txt", "y\n"),
    "a file that was changed already": lambda root: same_size(root, "images/lab/Dockerfile"),
    "a new file": lambda root: write(root, "images/lab/more.txt"),
    "a file in a new folder": lambda root: same_size(root, "images/lab/new/file.txt"),
    "an ignored file": lambda root: same_size(root, "images/base/a.log"),
    "a file that goes": lambda root: (root / "images/base/a.txt").unlink(),
    "a new empty folder": lambda root: (root / "images/lab/new/empty").mkdir(),
    "the x bit of a new file": lambda root: (root / "images/lab/new/file.txt").chmod(0o755),
    "the index": lambda root: git(root, "add", "images/lab"),
    "a commit": lambda root: git(root, "commit", "--quiet", "--allow-empty", "--message", "next"),
    "the branch": lambda root: git(root, "checkout", "--quiet", "-b", "other"),
    "a setting of git": lambda root: git(root, "config", "remote.origin.url", "https://github.com/a/b"),
    "an object that another stands in for": lambda root: git(root, "replace", "HEAD:images/base", "HEAD:images/lab"),
    "the records": lambda root: write(root, ".stackyard/records.sqlite3", "x"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_change_makes_it_another_question(root: Path, name: str):
    """Whatever an answer may follow from: once it is another, the old answer is not given."""
    answered(root)
    assert asked(root).answer

    CHANGES[name](root)

    assert asked(root).answer is None


def test_other_words_are_another_question(root: Path):
    """Words, the form of the answer, and the environment belong to the question; what each terminal has does not."""
    answered(root, environ={"CI": "", "SHLVL": "1"})

    assert asked(root, environ={"CI": "", "SHLVL": "2"}).answer
    assert asked(root, environ={"CI": "true"}).answer is None
    assert asked(root, ("plan", "lab"), environ={"CI": ""}).answer is None


@pytest.mark.parametrize(
    "decided",
    [{"bases": (GivenBase("base", Reference.parse("debian:13")),)}, {"stamp": "rel7"}],
    ids=lambda decided: next(iter(decided)),
)
def test_what_is_decided_beside_the_words_is_another_question(root: Path, decided: Mapping[str, object]) -> None:
    """`--base` and `--stamp` change a plan as words do: before and after, each has its own answer."""
    answered(root)

    assert asked(root, **decided).answer is None
    answered(root, **decided)

    assert asked(root, **decided).answer
    assert asked(root).answer
    assert len(list((root / ".stackyard/answers").iterdir())) == 2


def test_another_file_that_lists_images_is_another_question(root: Path) -> None:
    """A folder that is named with `--images` is a stack without the stackyard.yml at the root."""
    (root / "images/spec.yml").rename(root / "stackyard.yml")
    answered(root)

    assert asked(root).answer
    assert asked(root, images=str(root / "images")).answer is None


def test_what_is_checked_out_of_a_submodule_is_in_no_commit(root: Path) -> None:
    """Two commits with a submodule are compared by its files only where these are there: that is not kept."""
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{git(root, 'rev-parse', 'HEAD')},images/base/module")
    git(root, "commit", "--quiet", "--message", "a submodule")
    for reference, is_kept in (("HEAD~1..HEAD~1", True), ("HEAD..HEAD", False), ("HEAD..HEAD~1", False)):
        question = asked(root, since=reference)
        question.keep("the answer", plan_since(root, Options(), reference), None)
        assert (asked(root, since=reference).answer is not None) == is_kept, reference


def test_a_commit_is_compared_by_what_it_is(root: Path):
    """`--since main` of two commits does not look at the disk; when main moves on, it is another question."""
    commit(root)
    question = asked(root, since="main~1..main")
    question.keep("the answer", plan(load(root, Options())), None)
    write(root, "images/base/a.txt", "y\n")
    assert asked(root, since="main~1..main").answer == "the answer"

    commit(root)

    assert asked(root, since="main~1..main").answer is None


def test_a_young_file_may_change_unseen(root: Path):
    """A file that was written just now can be written again with the same facts: then nothing is kept or given."""
    question = question_of(root, Options(), ("plan",), None, ())

    assert question is not None
    assert question.key is None
    assert question.answer is None


def test_what_the_next_minute_changes_is_not_kept(root: Path):
    """An age makes an image due at some hour; a stamp is the hour itself."""
    write(root, "images/spec.yml", "max_age: 30d\nimages:\n  base: {}\n  lab: {depend_on: base}\n")
    answered(root)
    assert asked(root).answer is None

    write(root, "images/spec.yml", "tag: {fixed: 'x-{stamp}'}\nimages:\n  base: {}\n  lab: {depend_on: base}\n")
    commit(root)
    answered(root)
    assert asked(root).answer is None


def test_what_others_may_change_is_not_kept(root: Path):
    """Other branches, and what a registry says or does not, are in no key."""
    question, yard = asked(root), load(root, Options())
    planned = plan(yard)
    told = [msgspec.structs.replace(planned, notes=(Note(k, ""),)) for k in ("branch-clash", "records-not-read")]
    for each in (msgspec.structs.replace(planned, is_asked=True), *told):
        question.keep("the answer", each, yard.stack)

    assert asked(root).answer is None


def test_what_ci_says_is_part_of_the_question(root: Path):
    """Also where it stands in a file that a variable only names: the title of a pull request."""
    titles = [Ci("topic", pull_request=PullRequest("1", title=title)) for title in ("a", "full rebuild")]
    answered(root, ci=titles[0])

    assert [asked(root, ci=ci).answer for ci in titles] == ["the answer", None]


@pytest.mark.parametrize("ci", [None, Ci("main")])
def test_words_of_the_commit_that_is_checked_out_count_in_ci(root: Path, ci: Ci | None) -> None:
    """Also where two others are compared: with `skip ci` in its message nothing is done."""
    commit(root)
    asked(root, since="main~1..main", ci=ci).keep("the answer", plan(load(root, Options())), None)
    assert asked(root, since="main~1..main", ci=ci).answer

    git(root, "checkout", "--quiet", "--detach")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "skip ci")

    assert (asked(root, since="main~1..main", ci=ci).answer is None) == (ci is not None)


UNTOLD: Mapping[str, tuple[str, ...]] = {
    "a file that it looks away from": ("update-index", "--assume-unchanged", "images/base/a.txt"),
    "a file that may be left out": ("sparse-checkout", "set", "--no-cone", "/*", "!a.txt"),
    "an x bit": ("config", "core.fileMode", "false"),
    "a filter": ("config", "filter.own.clean", "tr a-z A-Z"),
}


@pytest.mark.parametrize("words", UNTOLD.values(), ids=UNTOLD)
def test_where_the_index_does_not_tell_nothing_is_kept(root: Path, words: tuple[str, ...]):
    """What git calls clean may be another file without a word."""
    git(root, *words)
    write(root, "images/base/a.txt")
    answered(root)
    assert asked(root).answer is None


def test_a_value_from_the_command_line_is_kept_nowhere(root: Path):
    """It may be a secret: such a question is answered anew each time."""
    options = Options(build_args=(GivenArgument(None, "TOKEN", "x"),))

    assert question_of(root, options, ("plan",), None, (), LATER) is None


def test_only_a_few_answers_are_kept(root: Path):
    """The oldest make way."""
    yard = load(root, Options())
    planned = plan(yard)
    for number in range(9):
        asked(root, ("plan", str(number))).keep("the answer", planned, yard.stack)

    assert asked(root, ("plan", "8")).answer
    assert asked(root, ("plan", "0")).answer is None
    assert len(list((root / ".stackyard" / "answers").iterdir())) <= 8
