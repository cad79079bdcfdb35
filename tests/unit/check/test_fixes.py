# SPDX-License-Identifier: MIT
"""What `check --fix` changes in a file: the one place, and nothing where it is not sure."""

from __future__ import annotations

from stackyard.check.fixes import mended
from stackyard.model.stack import Finding
from tests.cases import each_of


def lost(line: int, column: int = 6) -> Finding:
    """An argument from before FROM, read at this place."""
    return Finding("arg-before-from", "warning", "lost", "Dockerfile", line, column)


def bare(line: int, column: int = 1) -> Finding:
    """A version without quotes."""
    return Finding("unquoted-version", "warning", "bare", "versions.yaml", line, column)


@each_of(
    ("text", "findings", "fresh", "did"),
    [
        ("ARG V=1\nFROM x\nUSER $V\n", [lost(3)], "ARG V=1\nFROM x\nARG V\nUSER $V\n", ["2:added `ARG V` below FROM"]),
        ("FROM x\r\nUSER ${V}\r\n", [lost(2)], "FROM x\r\nARG V\r\nUSER ${V}\r\n", ["1:added `ARG V` below FROM"]),
        ("FROM x\nUSER $A\nUSER $B", [lost(2), lost(3)], "FROM x\nARG A\nARG B\nUSER $A\nUSER $B", None),
        (
            "FROM x\nUSER $A\nFROM y\nUSER $A",
            [lost(2), lost(4)],
            "FROM x\nARG A\nUSER $A\nFROM y\nARG A\nUSER $A",
            None,
        ),
        ("FROM \\\n x\nUSER $A\n", [lost(3)], "FROM \\\n x\nUSER $A\n", []),
        ("FROM x\nUSER nobody\n", [lost(2)], "FROM x\nUSER nobody\n", []),
        ("FROM x\n", [lost(9)], "FROM x\n", []),
        ("3.10: {}\n3.9:\n", [bare(1), bare(2)], '"3.10": {}\n"3.9":\n', None),
        ("? 3.10\n: {}\n", [bare(1, 3)], "? 3.10\n: {}\n", []),
        ("a\n", [Finding("ring", "error", "round", "a", 1, 1)], "a\n", []),
    ],
)
def test_mended(text: str, findings: list[Finding], fresh: str, did: list[str] | None) -> None:
    """The new text; line endings are those of the file, several edits do not shift each other."""
    found, fixed = mended(text, findings)
    assert found == fresh
    assert did is None or [f"{each.line - 1}:{each.did}" for each in fixed] == did
