# SPDX-License-Identifier: MIT
"""Gates as people read them: in the preview of a promotion, and in the history for ever."""

from __future__ import annotations

import msgspec

from stackyard.model.gates import GateState
from stackyard.model.names import TargetName
from stackyard.report.gates import gates_text, let_go_text
from stackyard.report.summary import history_text
from stackyard.report.text import PLAIN
from tests.unit.report.made import PROMOTED

X, Y = TargetName("x"), TargetName("y")
STATES = (
    GateState("basic", "tests", "passed", (X,), "passed"),
    GateState("basic", "tests", "adopted", (Y,), "untested before adoption"),
    GateState("inventory", "tests", "adopted", (Y,), "untested before adoption"),
    GateState("gpu", "report", "overridden", (X, Y), "nobody reported it", "exam\x1b[2J week"),
    GateState("teaching", "approval", "missing", (X,), "nobody approved it", hint="ask"),
)


def test_each_gate_has_a_line() -> None:
    """What it is, for which images, what is true of them; what a person typed moves no cursor."""
    lines = [line.split() for line in gates_text(STATES, PLAIN, 200).split("\n")[1:]]

    assert [" ".join(line) for line in lines] == [
        "basic tests x passed",
        "basic tests y adopted: untested before adoption",
        "inventory y adopted: untested before adoption",
        "report gpu x and y overridden (exam\\x1b[2J week): nobody reported it",
        "approval teaching x missing: nobody approved it",
    ]


def test_the_history_says_what_was_let_go() -> None:
    """Overrides with their reasons, and how many images nobody had tested; nothing where all had passed."""
    moves = msgspec.structs.replace(PROMOTED, gates=STATES)

    assert let_go_text(moves) == ", gpu overridden (exam\\x1b[2J week) and 1 image untested before adoption"
    assert let_go_text(moves) in history_text([], [moves], PLAIN, 500)
    assert let_go_text(msgspec.structs.replace(PROMOTED, gates=STATES[:1])) == ""
