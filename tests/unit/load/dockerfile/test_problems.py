# SPDX-License-Identifier: MIT
"""All that is wrong with a Dockerfile: true errors behind the first one, and none that only follows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stackyard.errors import FileProblem
from stackyard.load.dockerfile.parse import parse, problems_of
from tests.cases import each_of
from tests.examples import examples

HEAD = "FROM debian\n"


def told(text: str) -> list[tuple[int, str]]:
    """Line and sentence of every problem; the first is the one that `parse` raises."""
    problems = problems_of(text.encode(), "Dockerfile")
    with pytest.raises(FileProblem) as caught:
        parse(text.encode(), "Dockerfile")
    assert (str(caught.value), caught.value.column) == (str(problems[0]), problems[0].column)
    return [(int(str(problem.line)), str(problem.problem)) for problem in problems]


@each_of(
    ("text", "lines"),
    [
        ("FROM a b\nCOPPY x /\nRUN y\nCOPY x\nARG\nENV A\n", [1, 2, 4, 5, 6]),
        (HEAD + "COPPY x /\nRUNN y\nUSER z\nEXPOZE 1\n", [2, 3, 5]),
        (HEAD + "RUN --mount='type=bind,\"x' a\nONBUILD FROM x\nLABEL a\n", [3, 4]),
        ("FROM a AS 1\nRUN x\nFROM b AS 2\nRUN y\n", [1, 3]),
        ("COPY a b\nCOPY c\nFROM a\nCOPY d\n", [1, 2, 4]),
        (HEAD + "ADD x\n<<<<<<< HEAD\nCOPY y\n=======\nCOPY z\n>>>>>>> main\nENV A\n", [2, 3, 8]),
        (HEAD + "<<<<<<< a\nRUN x\n>>>>>>> b\nRUN y\n<<<<<<< a\nRUN x\n=======\n>>>>>>> b\n", [2, 6]),
        (HEAD + "COPY x\nRUN <<EOF\nCOPY y\n", [2, 3]),
    ],
)
def test_every_true_error_is_told(text: str, lines: list[int]) -> None:
    """An instruction that is wrong keeps no other from being read."""
    assert [line for line, _ in told(text)] == lines


@each_of(
    ("text", "lines"),
    [
        (HEAD + "RUN apt-get update\n && apt-get install -y \\\n  curl\n && rm -rf /x\nRUN y\nCOPY z\n", [3, 7]),
        (HEAD + "import os\nfrom os import path\nuser = 1\nprint(x)\nif x:\nRUN ok\n", [2]),
        (HEAD + "RUN <<EOF\nuser x\ncopy y\nEOFF\nCOPPY\nFROM\n", [2]),
        (HEAD + "COPY <<A <<B /\nx\nA\nCOPPY\n", [2]),
        ("FORM debian\nRUN x\nCOPY a b\nUSER c\n", [1]),
        ("RUN x\nRUN y\nCOPY a b\n", [1]),
        ("FROM\nRUN x\nCOPY a b\n", [1]),
        ("ARG A\n", [1]),
        ("", [1]),
        ("<<<<<<< HEAD\nFROM a\n=======\nFROM b\n>>>>>>> x\nRUN x\nCOPY a b\n", [1]),
        ("<<<<<<< HEAD\nARG A\n=======\nFROM b\n>>>>>>> x\n", [1]),
        (HEAD + "COPY \\\n<<<<<<< HEAD\n a\n=======\n b\n>>>>>>> x\n\nRUN y\n", [3]),
        (HEAD + "RUN a && \\\n<<<<<<< HEAD\n  b \\\n=======\n  c \\\n>>>>>>> x\n  && d\nRUN y\n", [3]),
        (HEAD + "RUN a\n>>>>>>> x\nRUN b\n", [3]),
        ("FROM a\n<<<<<<< HEAD\nRUN a \\\n=======\nRUN b \\\n>>>>>>> x\n  && c\nRUN d\n", [2]),
        ("# escape=x\nFROM\nCOPY\n", [1]),
        ("FROM a\0\nFROM\n", [1]),
    ],
)
def test_no_error_only_follows_from_another(text: str, lines: list[int]) -> None:
    """The lines below a forgotten backslash, an open heredoc, the sides of a conflict, a FROM with a slip."""
    assert [line for line, _ in told(text)] == lines


_ROWS = ["FROM a", "FROM", "COPY a b", "COPY a", "RUN x \\", "  && y", "<<<<<<< a", "=======", ">>>>>>> b", "RUN <<E",
         "E", "COPPY", "# x", "", "ENV A", "ARG =", "ONBUILD", "\\", "\0", "# escape=`", "# escape=x"]  # fmt: skip


@settings(max_examples=examples(30), deadline=None, derandomize=True, database=None)
@given(rows=some.lists(some.sampled_from(_ROWS), max_size=9))
def test_what_parse_refuses_has_problems_and_what_it_takes_has_none(rows: list[str]) -> None:
    """Whatever stands in a file, the two agree, also on the first one."""
    text = "\n".join(rows).encode()
    found = [str(problem) for problem in problems_of(text, "Dockerfile")]
    if not found:
        parse(text, "Dockerfile")
        return
    with pytest.raises(FileProblem) as caught:
        parse(text, "Dockerfile")
    assert found[0] == str(caught.value)
