# SPDX-License-Identifier: MIT
"""`.dockerignore`: Docker's rules, not git's."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackyard.errors import FileProblem
from stackyard.load.tree.ignore import compile_rules, parse_ignore_rules, read_ignore_rules
from tests.cases import each_of
from tests.examples import examples


def ignored(patterns: str, path: str) -> bool:
    """Whether the patterns, parted by bars, ignore the path."""
    return compile_rules(patterns.split("|")).ignores(path)


@each_of(
    ("pattern", "matching", "other"),
    [
        ("a", "a|a/b|a/b/c", "b|b/a|ab"),
        ("a/b", "a/b|a/b/c", "a|b|x/a/b"),
        ("/a", "a|a/b", "b/a"),
        ("a/", "a|a/b", "b/a"),
        ("./a//b/../c", "a/c", "a/b|a"),
        ("../a", "", "a"),
        ("/", "", "a|a/b"),
        (".", "", "a|a/b"),
        ("  a  ", "a", "b"),
        ("*", "a|.a|a/b", ""),
        ("*.md", "a.md|.md|x.md/y", "a/b.md|a.mdx"),
        ("*/a", "x/a|x/a/b", "a|x/y/a"),
        ("a*b*c", "abc|axbxc|abbcc", "ab|ac|abcd|a/b/c"),
        ("?", "a|é", "ab|/"),
        ("a?b", "axb", "ab|a/b"),
        ("**", "a|a/b/c|.x", ""),
        ("**/a", "a|x/a|x/y/a|x/a/b", "xa|x/ab"),
        ("**a", "a|xa|x/ya", "ab"),
        ("**/*.pyc", "a.pyc|x/y/a.pyc", "a.py"),
        ("a/**", "a/b|a/b/c", "a|ab"),
        ("a/**/b", "a/b|a/x/b|a/x/y/b", "a|b|a/xb"),
        ("a**/*.t", "a/f.t|a/x/f.t", "b/f.t|x.t"),
        ("**/a/**", "a/b|x/a/b/c", "a|x/a"),
        ("**/**/**/a", "a|x/y/z/a", "b"),
        ("***", "a|a/b", ""),
        ("[ab]c", "ac|bc", "cc|abc"),
        ("[^ab]c", "cc|-c", "ac"),
        ("[a-c]", "a|b|c", "d"),
        ("[\\]]", "]", "a"),
        ("[\\-x]", "-|x", "a"),
        ("[[]", "[", "]"),
        ("[^a]b", "xb", "ab"),
        ("\\*", "*", "a"),
        ("\\_", "_", "b"),
        ("a.b", "a.b", "axb"),
        ("a+(b)$^{}", "a+(b)$^{}", "aa(b)"),
        ("é*", "été", "e"),
        ("#a", "#a", "a"),
    ],
)
def test_one_pattern(pattern: str, matching: str, other: str) -> None:
    """A pattern is anchored at the root, matches whole paths, and takes all that is below with it."""
    rules = compile_rules([pattern])
    assert [path for path in matching.split("|") if path and not rules.ignores(path)] == []
    assert [path for path in other.split("|") if path and rules.ignores(path)] == []


@each_of(
    ("patterns", "path", "expected"),
    [
        ("*|!a", "a", False),
        ("*|!a", "a/b/c", False),
        ("*|!a/b", "a", True),
        ("*|!a/b", "a/b", False),
        ("*|!a/b", "a/c", True),
        ("!a|*", "a", True),
        ("a|!a/b|a/b/c", "a/b/c", True),
        ("a|!a/b|a/b/c", "a/b/d", False),
        ("docs/|! /docs/README.md", "docs/README.md", False),
        ("**/*.md|!README*.md|README-secret.md", "README.md", False),
        ("**/*.md|!README*.md|README-secret.md", "README-secret.md", True),
        ("**|!util/web", "util/web/x", False),
        ("**|!**/*.py", "a/b/c.py", False),
        ("a|!a", "a/b", False),
        ("a|!*/b", "a/b", False),
        ("dir|!dir/x|*", "dir/x", False),
        ("|  |!x", "x", False),
        ("*|./!a", "a", False),
        ("*|/!a", "a", False),
        ("!../../a", "a", True),
        ("*|! !a", "!a", False),
    ],
)
def test_exceptions(patterns: str, path: str, expected: bool) -> None:
    """The last pattern that matches wins, and what it said about a folder holds for what is in it."""
    assert ignored(patterns, path) is expected


@each_of("pattern", ["\\d", "src\\bin", "[*?]", "[^a?]b", "[\\w]", "[[:alpha:]]", "x\\1", "[\\]*]"])
def test_unclear_patterns_leave_nothing_out(pattern: str) -> None:
    """What means something else to Docker than it looks like ignores nothing, and keeps all."""
    assert not any(ignored(pattern, path) for path in ("d", "a", "*", "srcbin", "w", "x1", "ab"))
    assert not ignored(f"*|!{pattern}", "anything")


@each_of("pattern", ["[", "a[", "[]a]", "[^", "[^bc", "[-]", "[x-]", "[-x]", "[a-b-c]", "a\\", "!", " ! ", "./!", "!/"])
def test_refused_patterns(pattern: str) -> None:
    """What Docker refuses is told with its line."""
    with pytest.raises(FileProblem) as caught:
        parse_ignore_rules(f"ok\n\n{pattern}\n".encode(), "x/.dockerignore")
    assert (caught.value.path, caught.value.line) == ("x/.dockerignore", 3)
    assert caught.value.hint


def test_the_text_of_a_file() -> None:
    """Byte order mark, comments at the very start of a line, blanks, CRLF."""
    rules = parse_ignore_rules(b"\xef\xbb\xbf# a\r\na\r\n\r\n # b\r\n  c\t\r\n!a/keep", ".dockerignore")
    assert [path for path in ("a", "a/keep", "# b", "b", "c") if rules.ignores(path)] == ["a", "# b", "c"]


def test_text_that_is_not_utf_8() -> None:
    """Told with its line."""
    with pytest.raises(FileProblem, match="x:2: is not UTF-8"):
        parse_ignore_rules(b"a\n\xff", "x")


@each_of(
    ("patterns", "folder", "expected"),
    [
        ("*", "a", False),
        ("*|!a", "a", False),
        ("*|!a/b", "a", True),
        ("*|!a/b", "b", False),
        ("*|!a/b/c", "a/b", True),
        ("*|!*.md", "a", False),
        ("*|!*/x", "a", True),
        ("*|!*/x", "a/b", False),
        ("*|!a*/x", "ab", True),
        ("*|!a*/x", "b", False),
        ("*|!**/x", "a/b/c", True),
        ("*|!a/**", "a/b/c", True),
        ("*|!a/**", "b", False),
        ("*|![a/]b/c", "a", True),
    ],
)
def test_folders_that_need_not_be_entered(patterns: str, folder: str, expected: bool) -> None:
    """An ignored folder is entered only where an exception could match something in it."""
    assert compile_rules(patterns.split("|")).may_keep_below(folder) is expected


PART = st.sampled_from(["a", "b", "*", "**", "?", "a*", "[ab]", "[^a]"])
PATTERN = st.tuples(st.sampled_from(["", "", "!"]), st.lists(PART, min_size=1, max_size=3)).map(
    lambda drawn: drawn[0] + "/".join(drawn[1])
)
PLACE = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4).map("/".join)


@settings(max_examples=examples(30))
@given(st.lists(PATTERN, max_size=5), PLACE)
def test_leaving_out_a_folder_loses_nothing(patterns: list[str], path: str) -> None:
    """Where a folder above is ignored and need not be entered, the path is ignored."""
    rules = compile_rules(patterns)
    parts = path.split("/")
    for length in range(1, len(parts)):
        folder = "/".join(parts[:length])
        if rules.ignores(folder) and not rules.may_keep_below(folder):
            assert rules.ignores(path)


@settings(max_examples=examples(50))
@given(st.text("ab*?[]^-\\!/ #é\0", max_size=12), st.text("ab/*é\0\n", max_size=12))
def test_any_text_is_a_pattern_or_a_problem(pattern: str, path: str) -> None:
    """No pattern and no path is a crash."""
    try:
        compile_rules([pattern]).ignores(path)
    except FileProblem as problem:
        assert problem.line == 1  # noqa: PT017 (most texts are patterns)


@each_of(
    "pattern",
    ["[" * 2000 + "]", "\\[" * 2000, "*a" * 30 + "b", "**/" * 30 + "b", "*" * 200 + "b", "a*" * 30 + "/b*c"],
)
def test_no_pattern_takes_forever(pattern: str) -> None:
    """A hostile pattern costs milliseconds."""
    began = time.thread_time()
    assert not ignored(pattern, "a" * 200 + "/a" * 20)
    assert time.thread_time() - began < 0.5


def test_the_dockerfiles_own_file_wins(tmp_path: Path) -> None:
    """`NAME.dockerignore` beside the Dockerfile replaces `.dockerignore`, even when it is empty."""
    (tmp_path / "docker").mkdir()
    (tmp_path / ".dockerignore").write_text("a")
    (tmp_path / "docker" / "Prod.dockerignore").write_text("b")
    (tmp_path / "Empty.dockerignore").write_text("")
    folder = str(tmp_path)
    assert read_ignore_rules(folder).ignores("a")
    assert read_ignore_rules(folder, "docker/Prod").ignores("b")
    assert not read_ignore_rules(folder, "docker/Prod").ignores("a")
    assert not read_ignore_rules(folder, "Empty").ignores("a")


def test_no_file_ignores_nothing(tmp_path: Path) -> None:
    """Without a file everything counts."""
    assert not read_ignore_rules(str(tmp_path)).ignores("a")


def test_problems_are_told_with_the_name_people_use(tmp_path: Path) -> None:
    """Messages name the file as the caller calls its folder."""
    (tmp_path / ".dockerignore").write_text("[")
    with pytest.raises(FileProblem, match=r"^images/a/\.dockerignore:1: "):
        read_ignore_rules(str(tmp_path), shown="images/a")


def test_a_link_that_leads_out(tmp_path: Path) -> None:
    """Nothing is read outside the build context; a link within it is followed."""
    folder = tmp_path / "context"
    folder.mkdir()
    (tmp_path / "secret").write_text("a")
    os.symlink("../secret", folder / ".dockerignore")
    with pytest.raises(FileProblem, match="leads out"):
        read_ignore_rules(str(folder))
    (folder / "rules").write_text("a")
    os.unlink(folder / ".dockerignore")
    os.symlink("rules", folder / ".dockerignore")
    assert read_ignore_rules(str(folder)).ignores("a")


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    """A folder called .dockerignore is a problem, not a crash."""
    (tmp_path / ".dockerignore").mkdir()
    with pytest.raises(FileProblem, match="is not a file"):
        read_ignore_rules(str(tmp_path))
