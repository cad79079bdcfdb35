# SPDX-License-Identifier: MIT
"""What the plugin wrote while tests ran -> values: each test, and the one that was not over when its process was.

Pure, but for reading the file. Beside: testing/plugin, which writes it
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from stackyard.inside.junit import TestCounts
from stackyard.model.record import CaseResult, TestCase

_MOST_BYTES = 8 << 20
_MOST_CASES = 5000
_NOT_PASSED: tuple[CaseResult, ...] = ("failed", "skipped")


class _Line(msgspec.Struct):
    """One line: a test that begins, or one that is over."""

    begun: str = ""
    name: str = ""
    result: str = "passed"
    duration_s: float = 0.0
    message: str = ""
    output: str = ""


class Results(msgspec.Struct, frozen=True):
    """All that was written."""

    cases: tuple[TestCase, ...] = ()
    open: str = ""
    """The test that began and came to no end."""

    @property
    def all_cases(self) -> tuple[TestCase, ...]:
        """With the one that came to no end, which failed."""
        if not self.open:
            return self.cases
        return (*self.cases, TestCase(self.open, "failed", 0.0, "its process ended before it did"))


def read_results(path: Path) -> Results:
    """What a file has; a last line that was not written to its end does not count."""
    if not path.exists():
        return Results()
    with path.open("rb") as file:
        lines = file.read(_MOST_BYTES).split(b"\n")
    cases: dict[str, TestCase] = {}
    begun = ""
    for text in lines[:-1]:
        try:
            line = msgspec.json.decode(text, type=_Line)
        except msgspec.MsgspecError:
            continue
        if line.begun:
            begun = line.begun
            continue
        begun = "" if begun == line.name else begun
        result: CaseResult = next((each for each in _NOT_PASSED if each == line.result), "passed")
        if len(cases) < _MOST_CASES:
            cases[line.name] = TestCase(line.name, result, line.duration_s, line.message, line.output)
    return Results(tuple(cases.values()), begun)


def counts_of(cases: Sequence[TestCase]) -> TestCounts | None:
    """The same as a JUnit file says; None for nothing."""
    if not cases:
        return None
    failed = [case for case in cases if case.result == "failed"]
    skipped = sum(case.result == "skipped" for case in cases)
    return TestCounts(
        len(cases), len(failed), skipped, tuple(f"{case.name.rpartition('/')[2]}: {case.message}" for case in failed)
    )
