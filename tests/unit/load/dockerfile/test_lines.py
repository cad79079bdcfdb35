# SPDX-License-Identifier: MIT
"""Lines that are as nearly all are read without a look at each sign: they come out as if every sign had been."""

from __future__ import annotations

import re

from stackyard.errors import FileProblem
from stackyard.load.dockerfile.instructions import read_instructions
from tests.unit.load.made import Maker

ENDS = re.compile(r"^([A-Za-z]+ .*[^\\`\s])$", re.MULTILINE)
"""Ends of lines that nothing continues, and that end no heredoc."""


def said(text: str, escape: str) -> list[tuple[object, ...]] | str:
    """Each instruction, or what is wrong; tabs aside."""
    try:
        found = list(read_instructions(text.split("\n"), "Dockerfile", escape, []))
    except FileProblem as problem:
        return str(problem).replace("\t", "")
    return [(each.word, each.flags, each.rest.replace("\t", ""), each.line, each.bodies) for each in found]


def test_a_tab_at_the_end_of_a_line_changes_nothing_but_how_it_is_read() -> None:
    """It keeps a line from being read at once."""
    maker = Maker(7)
    plain = 0
    for _ in range(100):
        text = maker.dockerfile()
        for escape in "\\`":
            read = said(text, escape)
            assert read == said(ENDS.sub("\\1\t", text), escape), text
            plain += isinstance(read, list) and len(read)
    assert plain > 400


def test_what_looks_plain_and_is_not() -> None:
    """A flag, a heredoc, a continuation, and a word that only begins like one."""
    lines = [
        "FROM a",
        "RUN --network=none x",
        "RUN cat <<E",
        "FROM b",
        "E",
        "RUN x\\",
        "y",
        "USER \\",
        "z",
        "CMD é",
        "",
    ]
    found = list(read_instructions(lines, "Dockerfile", "\\", meant := []))

    assert [(each.word, each.flags, each.rest, each.line) for each in found] == [
        ("FROM", (), "a", 1),
        ("RUN", ("--network=none",), "x", 2),
        ("RUN", (), "cat <<E", 3),
        ("RUN", (), "xy", 6),
        ("USER", (), "z", 8),
        ("CMD", (), "é", 10),
    ]
    assert meant == lines[:-1]
