# SPDX-License-Identifier: MIT
"""Tables, times, sizes."""

from __future__ import annotations

from stackyard.report.text import PLAIN, Style, count_text, cut, joined, seen, size_text, table, time_text, wrapped
from tests.cases import each_of

ROWS = [("base", "build", "", "never built"), ("a-longer-name", "reuse", "", "unchanged since yesterday")]
HEADS = ("image", "step", "tags", "why")
RED = Style(True)


def test_columns_stand_under_each_other() -> None:
    """Padded to the widest; a column without a word is left out; nothing ends in blanks."""
    assert table(ROWS, HEADS, PLAIN, 200).split("\n") == [
        "image          step   why",
        "base           build  never built",
        "a-longer-name  reuse  unchanged since yesterday",
    ]


def test_colours_do_not_move_columns() -> None:
    """What is measured is what is seen."""
    coloured = [(RED(row[0], "bold"), RED(row[1], "red", "bold"), *row[2:]) for row in ROWS]

    lines = table(coloured, HEADS, PLAIN, 200).split("\n")

    assert [seen(line) for line in lines] == [len(line) for line in table(ROWS, HEADS, PLAIN, 200).split("\n")]


@each_of("width", range(20, 60, 3))
def test_a_narrow_terminal_loses_no_row(width: int) -> None:
    """Cut at the end, or a line per cell: every image is there, and no line is wider than it must be."""
    text = table(ROWS, HEADS, PLAIN, width)

    assert "base" in text
    assert "a-longer-name" in text
    assert all(len(line) <= max(width, 28) for line in text.split("\n"))


def test_a_table_without_rows() -> None:
    """Its first head, and no crash."""
    assert table([], HEADS, PLAIN, 80) == "image"


@each_of(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.25, "0.2 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (7260, "2 h 1 min"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    """Never 60 seconds, never 60 minutes."""
    assert time_text(seconds) == text


@each_of(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_960, "1.0 MB"), (10**16, "10000.0 TB")],
)
def test_sizes(size: int, text: str) -> None:
    """Never 1000 of one unit where there is a next."""
    assert size_text(size) == text


def test_words() -> None:
    """Counting, joining, cutting and wrapping."""
    assert (count_text(1, "image"), count_text(0, "image")) == ("1 image", "0 images")
    assert [joined("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert (cut("abcdef", 4), cut("abcd", 4)) == ("abc…", "abcd")
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("sha256:0123456789", 5) == ["sha256:0123456789"]


def test_no_colour_is_no_colour() -> None:
    """Nothing is added; nor to an empty text in colour."""
    assert PLAIN("x", "red", "bold") == "x"
    assert RED("", "red") == ""
    assert RED("x", "red", "bold") == "\x1b[31;1mx\x1b[0m"
