# SPDX-License-Identifier: MIT
"""How old an image may become: texts, and times."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.model.age import Age
from tests.cases import each_of

JANUARY = "2026-01-01T00:00:00Z"


@each_of(("text", "hours"), [("1h", 1), ("36h", 36), ("30d", 720), ("4w", 672), ("never", None)])
def test_ages_have_a_length(text: str, hours: int | None) -> None:
    """Hours, days and weeks; or none at all."""
    assert Age.parse(text).seconds == (None if hours is None else hours * 3600)


@each_of("text", ["30", "d", "0d", "-3d", "1.5d", "30 d", "30D", "1m", "2 weeks", "", "999999d"])
def test_other_texts_are_none(text: str) -> None:
    """A number without a unit could be anything; the hint shows how it is written."""
    with pytest.raises(InvalidValue, match="is not a valid age") as caught:
        Age.parse(text)
    assert "30d" in str(caught.value.hint)


@each_of(
    ("text", "now", "is_over"),
    [
        ("24h", "2026-01-02T00:00:00Z", False),
        ("24h", "2026-01-02T00:00:01Z", True),
        ("1d", "2025-12-01T00:00:00Z", False),
        ("1w", "2026-01-09T00:00:00Z", True),
        ("never", "2126-01-01T00:00:00Z", False),
    ],
)
def test_an_age_is_over_once_more_has_passed(text: str, now: str, is_over: bool) -> None:
    """Exactly as much is not yet too much, and a clock that went back makes nothing old."""
    assert Age.parse(text).is_over(JANUARY, now) is is_over
