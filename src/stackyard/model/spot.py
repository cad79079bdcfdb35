# SPDX-License-Identifier: MIT
"""Places in files of the stack. Pure; knows nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Spot(NamedTuple):
    """A place in a file of the stack; line and column from 1, None where there is none."""

    path: str
    line: int | None = None
    column: int | None = None


Spots = Mapping[tuple[str, ...], Spot]
"""Where things are said, by what they are: `("args", NAME)`."""
