# SPDX-License-Identifier: MIT
"""YAML with places: scalars as they are written, and one clear problem for everything that is not clean."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from stackyard.errors import FileProblem
from stackyard.load.yaml import _LOADER, Doc, read
from tests.cases import each_of
from tests.examples import examples


def plain(doc: Doc) -> Any:
    """The document without its places."""
    if isinstance(doc.value, dict):
        return {key: plain(value) for key, value in doc.value.items()}
    if isinstance(doc.value, list):
        return [plain(item) for item in doc.value]
    return doc.value


def problem(data: bytes | str) -> FileProblem:
    """The problem that reading `data` is."""
    with pytest.raises(FileProblem) as caught:
        read(data if isinstance(data, bytes) else data.encode(), "images/spec.yml")
    return caught.value


@each_of("text", ["3.10", "2021.2", "yes", "0x10", "1e3", "1_000", "012", "2026-01-01", "=", "true", "."])
def test_scalars_are_as_they_are_written(text: str) -> None:
    """No number, no date, no boolean, until somebody asks for one."""
    assert plain(read(f"a: {text}\n'{text}': 1\n".encode(), "x")) == {"a": text, text: "1"}


def test_what_a_scalar_is_follows_pyyaml() -> None:
    """Whatever sign it begins with, and however it is written: yes and null are words, and tags win."""
    words = ["yes", "No", "ON", "off", "true", "False", "null", "NULL", "~", "", "<<", "=", ".5", ".inf", "-1", "+0x1F"]
    words += [
        *"0123456789",
        "1_000",
        "2026-01-01",
        "3.10",
        "on-time",
        "nobody",
        "ü",
        "!",
        "! yes",
        "!!str yes",
        "!!int 3",
    ]
    words += [f"{chr(sign)}x" for sign in range(0x21, 0x7F) if chr(sign) not in "!&*>|%@`{}[],#'\"?:-"]
    written = [form for word in words for form in (word, f"'{word}'")]
    text = "".join(f"- {each}\n" for each in written)
    ours = read(text.encode(), "x").value

    assert isinstance(ours, list)
    assert [each.tag for each in ours] == [
        each.tag.rpartition(":")[2] for each in yaml.compose(text, Loader=_LOADER).value
    ]


@pytest.mark.parametrize("text", ["~", "null", ""])
def test_nothing_is_nothing(text: str) -> None:
    """A key without a value; an empty text is something."""
    assert plain(read(f"a: {text}\nb: ''\n".encode(), "x")) == {"a": None, "b": ""}


@pytest.mark.parametrize("data", [b"", b"# only a comment\n", b"---\n"])
def test_an_empty_file_is_null(data: bytes) -> None:
    """It has no entries, and is not an error by itself."""
    assert read(data, "x").mapping("the file") == {}


def test_places_are_those_of_an_editor() -> None:
    """Lines and columns count from one, and in characters; keys have lines of their own."""
    doc = read("ü: 1\nlong:\n\n  - a\n  - {b: 2}\n".encode(), "x")
    entries = doc.mapping("the file")
    items = entries["long"].value

    assert isinstance(items, list)
    assert (entries["ü"].line, entries["ü"].column) == (1, 4)
    assert [(item.line, item.column) for item in items] == [(4, 5), (5, 5)]
    assert [doc.at(key)[1:] for key in ("ü", "long")] == [(1, 1), (2, 1)]


def test_a_byte_order_mark_is_no_text() -> None:
    """Some editors write one."""
    assert plain(read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "x")) == {"a": "1", "b": "2"}


def test_keys_keep_the_files_order() -> None:
    """The order of images is the order of siblings."""
    assert list(read(b"b: 1\na: 2\n10: 3\n9: 4\n", "x").mapping("the file")) == ["b", "a", "10", "9"]


def test_an_alias_may_be_a_key() -> None:
    """It stands for the words of its anchor, also where those are nothing to YAML."""
    text = "a: &x b\n*x : 1\n&y ~: 2\nc: *y\nd: {*y : *x}\n"

    assert plain(read(text.encode(), "x")) == {"a": "b", "b": "1", "~": "2", "c": None, "d": {"~": "b"}}


def test_many_keys_cost_what_they_are_long() -> None:
    """A long file costs no more than a few times what PyYAML's own nodes of it do."""
    text = "images:\n" + "".join(f"  image-{n}: {{build_args: {{A: 3.10, B: [{n}]}}}}\n" for n in range(1_000))

    def seconds(act: Callable[[], object]) -> float:
        begun = time.process_time()
        act()
        return time.process_time() - begun

    ours = min(seconds(lambda: read(text.encode(), "x")) for _ in range(3))
    theirs = min(seconds(lambda: yaml.compose(text, Loader=_LOADER)) for _ in range(3))

    assert ours < 3 * theirs


def test_merged_keys_give_way() -> None:
    """Own keys win wherever they stand, then the first that is merged."""
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {c: 3, <<: [*x, *y], d: 3}\n'<<': plain\n"

    assert plain(read(text.encode(), "x"))["z"] == {"a": "1", "b": "1", "c": "3", "d": "3"}
    assert plain(read(text.encode(), "x"))["<<"] == "plain"


@each_of(
    ("text", "line", "column", "said", "hint"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "'a' is here twice, first on line 1", None),
        ("a:\n  b: 1\n  'b': 2\n", 3, 3, "'b' is here twice, first on line 2", None),
        ("1: a\n'1': b\n", 2, 1, "'1' is here twice", None),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", 2, 1, "merge conflict", "resolve"),
        ("a:\n\tb: 1\n", 2, 1, "not valid YAML", "blanks for indentation"),
        ("a: b: c\n", 1, 5, "not valid YAML", None),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "not valid YAML", None),
        ("prefix: '2023.1's\n", 1, 17, "not valid YAML", None),
        ("ü: [1\n", 2, 1, "not valid YAML", None),
        ("a: *nope\n", 1, 4, "undefined alias 'nope'", None),
        ("a: &x 1\nb: &x 2\n", 2, 4, "the anchor 'x' is here twice, first on line 1", None),
        ("a: &x [1]\n*x : b\n", 2, 1, "a key should be text", None),
        ("a: [\n<<<<<<< HEAD\n  b,\n=======\n  c,\n>>>>>>> x\n]\n", 2, 1, "merge conflict", "resolve"),
        ("a:\n=======\nb: 1\n", 2, 1, "merge conflict", "resolve"),
        ("a: 1\n--- \nb: 2\n", 2, 1, "another document", None),
        ("? [a]\n: b\n", 1, 3, "a key should be text", None),
        ("a: &x [*x]\n", 1, 4, "an alias contains itself", None),
        ("a: &x\n  b: {c: *x}\n", 1, 4, "an alias contains itself", None),
        ("a: &x\n  <<: *x\n", 1, 4, "an alias contains itself", None),
        ("<<: [1]\n", 1, 6, "should be a mapping", None),
        ("a: 1\nb: x\0y\n", 2, 5, "U+0000", None),
        ("a: 1\n\nb: \x07\n", 3, 4, "U+0007", None),
    ],
)
def test_what_is_not_clean(text: str, line: int, column: int, said: str, hint: str | None) -> None:
    """The line and column that a person has to go to, what is there, and what to do."""
    found = problem(text)

    assert (found.path, found.line, found.column) == ("images/spec.yml", line, column)
    assert said in str(found)
    assert found.hint is not None
    assert hint is None or hint in found.hint


@pytest.mark.parametrize("data", [b"a: 1\nb: \xff\n", b"a: 1\nb: \xed\xa0\x80\n", b"\xef\xbb\xbfa: 1\nb: \xc3\n"])
def test_what_is_not_utf_8(data: bytes) -> None:
    """The line of the first byte that is not, and what to do."""
    found = problem(data)

    assert (found.line, found.column) == (2, 4)
    assert found.hint == "save the file as UTF-8"


def test_another_encoding() -> None:
    """UTF-16, as some editors save: the same problem."""
    assert "UTF-8" in str(problem("a: 1\n".encode("utf-16")))


@each_of("text", ["[" * 102 + "]" * 102, "[" * 200_000, "{a: " * 50_000, "- " * 50_000, "? " * 50_000])
def test_what_is_nested_without_end(text: str) -> None:
    """A problem; never an exhausted stack, which would end the process."""
    assert "nested" in str(problem(text)) or "a key should be text" in str(problem(text))


def test_a_hundred_levels_are_taken() -> None:
    """More than any person writes, in a short file and in a long one."""
    for padding in ("", "#" * 10_000):
        assert read(("[" * 100 + "a" + "]" * 100 + f" {padding}").encode(), "x").value


@pytest.mark.parametrize("link", ["[{}]", "{{<<: [{}]}}"], ids=["lists", "merges"])
def test_aliases_that_multiply_cost_what_they_are_long(link: str) -> None:
    """A billion laughs, and then some: sixty levels of nine aliases each."""
    rows = ["a0: &a0 {x: y}"]
    rows += [f"a{n}: &a{n} {link.format(','.join([f'*a{n - 1}'] * 9))}" for n in range(1, 60)]
    begun = time.thread_time()

    doc = read("\n".join(rows).encode(), "x")

    assert time.thread_time() - begun < 1
    assert len(doc.mapping("the file")) == 60


@each_of(("text", "expected"), [("true", True), ("Yes", True), ("on", True), ("FALSE", False), ("no", False)])
def test_a_flag_is_what_yaml_takes(text: str, expected: bool) -> None:
    """The booleans of YAML 1.1."""
    assert read(f"a: {text}".encode(), "x").mapping("x")["a"].flag("`a`") is expected


@each_of("text", ["TORCH_AUD_VER", "'true'", "1", "", "[true]", "y"])
def test_another_type_is_no_flag(text: str) -> None:
    """An error with its line, never a guess: real files had names there, which counted as true."""
    doc = read(f"\na: {text}".encode(), "x").mapping("x")["a"]

    with pytest.raises(FileProblem, match="`a` should be true or false") as caught:
        doc.flag("`a`")
    assert caught.value.line == 2


def test_a_forgotten_comment_sign() -> None:
    """As in a real file of 2023: the words after `false` were meant to be a comment."""
    doc = read(b"a: false -- uncomment to disable", "x").mapping("x")["a"]

    with pytest.raises(FileProblem) as caught:
        doc.flag("`a`")
    assert "'#' after a blank" in (caught.value.hint or "")


def test_texts_are_a_list_or_one() -> None:
    """One text stands for a list of one, nothing for none; a mapping, or a list in the list, is an error."""
    entries = read(b"a: [1.10, x]\nb: y\nc:\nd: {e: f}\ng: [[h]]\n", "x").mapping("x")

    assert entries["a"].texts("`a`") == ["1.10", "x"]
    assert entries["b"].texts("`b`") == ["y"]
    assert entries["c"].texts("`c`") == []
    for key in ("d", "g"):
        with pytest.raises(FileProblem):
            entries[key].texts(f"`{key}`")


@settings(max_examples=examples(50), deadline=None, derandomize=True, database=None)
@given(text=some.text(some.sampled_from("ab:-[]{},&*!?|>'\"#% \n\t<=~0é\0"), max_size=40))
def test_any_text_is_read_or_a_problem(text: str) -> None:
    """Whatever is in a file, there is a document or a FileProblem, and no other exception."""
    with contextlib.suppress(FileProblem):
        read(text.encode(), "x")
