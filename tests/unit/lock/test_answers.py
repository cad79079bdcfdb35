# SPDX-License-Identifier: MIT
"""Answers for several platforms as one list of pins."""

from __future__ import annotations

import pytest

from stackyard.errors import WorldError
from stackyard.lock.answers import merged
from stackyard.model.lockfile import Pin

LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"
WINDOWS = "sys_platform == 'win32' and platform_machine == 'AMD64'"
MAC = "sys_platform == 'darwin' and platform_machine == 'arm64'"


def test_what_differs_by_platform_has_a_marker_that_is_true_there_alone() -> None:
    """What all have is one line; two C libraries of one machine share a marker."""
    same, old, new = Pin("same", "1"), Pin("other", "1"), Pin("other", "2")
    pins = merged(
        {
            "linux/amd64": (same, old),
            "linux/amd64/musl": (same, old),
            "windows/amd64": (same, new, Pin("pywin32", "1")),
            "darwin/arm64": (same, new),
        }
    )

    assert [(pin.name, pin.version, pin.marker) for pin in pins] == [
        ("other", "1", LINUX),
        ("other", "2", f"{WINDOWS} or {MAC}"),
        ("pywin32", "1", WINDOWS),
        ("same", "1", ""),
    ]


@pytest.mark.parametrize("musl", [(Pin("a", "2"),), ()], ids=["another", "none"])
def test_what_no_marker_tells_apart_is_refused(musl: tuple[Pin, ...]) -> None:
    """Otherwise an image on one C library would install what was found for the other."""
    with pytest.raises(WorldError, match="not the same on linux/amd64") as caught:
        merged({"linux/amd64": (Pin("a", "1"),), "linux/amd64/musl": musl})
    assert "a set for each" in str(caught.value.hint)
