# SPDX-License-Identifier: MIT
"""Details of a target are read once, when somebody asks; what was packed needs no reading."""

from __future__ import annotations

import pytest

from stackyard.model.details import Details, Reading
from stackyard.model.inputs import BlobId, Inputs


def details(text: str) -> Details:
    """Those of a target whose Dockerfile is `text`."""
    return Details(Inputs(BlobId.of(text.encode()), ()))


def test_what_is_read_later_is_read_once() -> None:
    """Not before somebody asks, and not twice; until then nothing is there to keep."""
    asked = []

    def read() -> Details:
        asked.append(1)
        return details("FROM a")

    reading = Reading.later(read)
    assert (asked, bytes(reading), reading.is_fresh) == ([], b"", False)
    assert reading.details == reading.details == details("FROM a")
    assert (asked, reading.is_fresh) == ([1], True)


def test_what_was_packed_is_not_read() -> None:
    """Whoever knows how to read is not asked, and what was packed once is no news."""
    packed = bytes(Reading.of(details("FROM a")))
    again = Reading(packed)
    again.unless_known(lambda: pytest.fail("read again"))
    assert again.details == details("FROM a")
    assert (again.is_fresh, bytes(again)) == (False, packed)


def test_two_are_equal_that_tell_the_same() -> None:
    """However each came to know, and in sets as well."""
    known, later, other = Reading.of(details("a")), Reading.later(lambda: details("a")), Reading.of(details("b"))
    assert known == later
    assert known != other
    assert len({known, later, other}) == 2
