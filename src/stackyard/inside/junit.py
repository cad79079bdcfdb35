# SPDX-License-Identifier: MIT
"""JUnit XML, as pytest writes it -> counts and failures. Pure."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec


class TestCounts(msgspec.Struct, frozen=True):
    """What a JUnit file says."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    total: int
    failed: int
    skipped: int
    failures: tuple[str, ...]
    """`test name: first line of the message`, in file order."""


def read_junit(text: str | bytes) -> TestCounts | None:
    """Counts and failures; None if the text is no JUnit file (the run died before it wrote one)."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    cases = list(root.iter("testcase"))
    failures = [
        f"{_name(case)}: {_message(mark)}" for case in cases for mark in case if mark.tag in ("failure", "error")
    ]
    failed = sum(1 for case in cases if any(mark.tag in ("failure", "error") for mark in case))
    skipped = sum(1 for case in cases if any(mark.tag == "skipped" for mark in case))
    return TestCounts(len(cases), failed, skipped, tuple(failures))


def _name(case: ElementTree.Element) -> str:
    group = case.get("classname", "").rpartition(".")[2]
    return f"{group}::{case.get('name', '?')}" if group else case.get("name", "?")


def _message(mark: ElementTree.Element) -> str:
    text = mark.get("message") or (mark.text or "").strip()
    return text.splitlines()[0][:200] if text else mark.tag
