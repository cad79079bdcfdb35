# SPDX-License-Identifier: MIT
"""What a person brought to a gate: a report or an approval, and for which images. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Approved, Reported


class NotedImage(NamedTuple):
    """An image that something was brought for."""

    target: TargetName
    reference: str
    """What it was called: its tag in full, or its repository where a commit was named."""
    digest: Digest


class Noted(msgspec.Struct, frozen=True):
    """What was brought to a gate, and for which images."""

    gate: str
    asked: str
    """The tag or commit that was named."""
    fact: Reported | Approved
    images: tuple[NotedImage, ...]
    problems: tuple[str, ...] = ()
    """Why others cannot be told yet."""

    @property
    def is_good(self) -> bool:
        """Whether the gate has passed by it."""
        return isinstance(self.fact, Approved) or self.fact.passed
