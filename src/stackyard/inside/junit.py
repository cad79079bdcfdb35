# SPDX-License-Identifier: MIT
"""JUnit XML -> counts, failures and each test. Pure.

A file may come from anywhere: it is read as a stream, and what would make it grow (a document type with
entities) or reach for other files is refused before it is looked at.
"""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.record import CaseResult, TestCase

LARGEST_BYTES = 64 * 1024 * 1024
_DEEPEST = 64
_MOST_CASES = 5000
_MOST = 4000
"""So much is kept of what a failure says; what is longer is read on, for its end."""
_MOST_OF_ALL = 400_000
"""And of all together."""
_LONGEST_HEAD = 4 * 1024
"""What stands before the first element is read one byte at a time, and is no longer than this."""
_FAILED = ("failure", "error")


class TestCounts(msgspec.Struct, frozen=True):
    """What a JUnit file says."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    total: int
    failed: int
    skipped: int
    failures: tuple[str, ...]
    """`test name: first line of the message`, in file order."""
    cases: tuple[TestCase, ...] = ()
    """Each test, the first thousands of them."""

    @property
    def is_pass(self) -> bool:
        """Whether at least one test ran, and none failed."""
        return self.total > self.skipped and not self.failed


def read_junit(text: bytes) -> TestCounts | None:
    """Counts and failures; None if the text is no JUnit file (the run died before it wrote one)."""
    try:
        return _read(text)
    except InvalidValue:
        return None


def read_foreign(text: bytes) -> TestCounts:
    """The same of a file that somebody else wrote; InvalidValue, with the reason, where it cannot be taken."""
    if len(text) > LARGEST_BYTES:
        raise _no_junit(f"it is larger than {LARGEST_BYTES // 1024**2} MiB")
    return _read(text)


def _read(text: bytes) -> TestCounts:
    reader = _Reader()
    try:
        parser = ElementTree.XMLParser(target=reader)
        rest = 0
        while rest < len(text) and not reader.is_begun:  # what is behind a document type is not even handed over
            if rest == _LONGEST_HEAD:
                raise _no_junit(f"no element begins in its first {_LONGEST_HEAD // 1024} KiB")
            parser.feed(text[rest : rest + 1])
            rest += 1
        parser.feed(text[rest:])
        parser.close()
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise _no_junit(f"it is no XML: {error}") from None
    return reader.counts()


def _no_junit(why: str) -> InvalidValue:
    hint = "it is what `pytest --junitxml FILE` writes, and most other runners can"
    return InvalidValue(f"this is no JUnit file that can be read: {why}", hint=hint, kind="JUnit file", text="")


class _Reader:
    """Counts while the parser goes through the file; of tests that passed the name and the time are kept."""

    def __init__(self) -> None:
        self.is_begun = False
        """Whether the first element was seen."""
        self._depth = 0
        self._case: str | None = None
        """The test that is open."""
        self._mark = ""
        """The failure that is open, and its words."""
        self._words: list[str] | None = None
        self._room = 0
        self._case_failed = self._case_skipped = False
        self._seconds = 0.0
        self._message = self._output = ""
        """What is said of the test that is open."""
        self._cases: list[TestCase] = []
        self._left = _MOST_OF_ALL
        self._total = self._failed = self._skipped = 0
        self._claimed = 0
        """Failures that a suite says it had, at most; they may be of no test."""
        self._failures: list[str] = []

    def doctype(self, *_: object) -> None:
        raise _no_junit("it has a document type, which such files have no need of")

    def start(self, tag: str, values: dict[str, str]) -> None:
        tag = tag.rpartition("}")[2]
        self.is_begun = True
        if not self._depth and tag not in ("testsuites", "testsuite"):
            raise _no_junit(f"it begins with <{tag[:40]}>, not with <testsuites>")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _no_junit("its elements are too deep in each other")
        if tag in ("testsuites", "testsuite"):
            self._claimed = max(self._claimed, sum(_number(values.get(key, "")) for key in ("failures", "errors")))
        elif tag == "testcase":
            group = values.get("classname", "").rpartition(".")[2]
            self._case = f"{group}::{values.get('name', '?')}" if group else values.get("name", "?")
            self._case_failed, self._case_skipped = False, values.get("status") in ("notrun", "disabled")
            self._seconds, self._message, self._output = _seconds(values.get("time", "")), "", ""
        elif tag in _FAILED:
            self._mark, self._words, self._room = values.get("message") or "", [], _MOST
        elif tag == "skipped":
            self._case_skipped = True
            self._message = self._message or values.get("message", "")[:200]

    def data(self, text: str) -> None:
        if self._words is not None and self._room > 0:
            self._words.append(text)
            self._room -= len(text)

    def end(self, tag: str) -> None:
        tag = tag.rpartition("}")[2]
        self._depth -= 1
        if tag in _FAILED:
            said = "".join(self._words or ()).strip()
            text = self._mark or said
            message = text.splitlines()[0][:200] if text else tag
            if not self._case_failed:
                self._message, self._output = message, said[: min(_MOST, self._left)]
                self._left -= len(self._output)
            self._failures.append(f"{'the suite' if self._case is None else self._case}: {message}")
            if self._case is None:
                self._failed += 1
            self._case_failed, self._words = True, None
        elif tag == "testcase":
            self._total += 1
            self._failed += self._case_failed
            self._skipped += self._case_skipped and not self._case_failed
            result: CaseResult = "failed" if self._case_failed else "skipped" if self._case_skipped else "passed"
            if len(self._cases) < _MOST_CASES:
                self._cases.append(TestCase(self._case or "?", result, self._seconds, self._message, self._output))
            self._case = None

    def close(self) -> None:
        """The parser asks for it."""

    def counts(self) -> TestCounts:
        """What was found; failures that a suite tells of and no test has count as well."""
        failed = self._failed or self._claimed
        if failed and not self._failures:
            self._failures.append(f"the suite: says that {failed} failed")
        return TestCounts(self._total, failed, self._skipped, tuple(self._failures), tuple(self._cases))


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if 0 <= found < 1e9 else 0.0


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
