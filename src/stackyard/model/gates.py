# SPDX-License-Identifier: MIT
"""Gates: what must be there before a channel moves, as the spec lists it, and how each stood when one did.

Pure. What decides: plan/gates.py. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import msgspec

from stackyard.model.names import Name, TargetName

GateSort = Literal["tests", "report", "approval"]
"""Tests that a build runs; a result from outside; a person's word."""
GateAnswer = Literal["passed", "adopted", "overridden", "missing"]
"""`adopted`: nobody can have tested it here, and so it passes once; `overridden`: not passed, and a person said go."""


class GateName(Name):
    """What a report or an approval is called."""

    __slots__ = ()
    kind = "name of a gate"
    form = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
    hint = "a gate is named with small letters, digits, dots, dashes and underscores"


class Gate(NamedTuple):
    """One line of a channel's list. Tests are called by the kind of their suite."""

    name: str
    sort: GateSort
    images: tuple[str, ...] = ()
    """Words that choose the images it is asked of; none: all."""


class ChannelGates(NamedTuple):
    """What one channel asks for, beside the tests that each image has."""

    channel: str
    """As the spec has it: a tag, or a template of one."""
    gates: tuple[Gate, ...]


class GateState(msgspec.Struct, frozen=True):
    """How a gate stands for some images, all for the same reason."""

    gate: str
    sort: GateSort
    answer: GateAnswer
    targets: tuple[TargetName, ...]
    sentence: str
    """`passed`, `never ran`, `approved by Ada: labs 1 to 3 run`."""
    reason: str = ""
    """Why it was overridden, in a person's words."""
    hint: str = ""
    """What to do about one that is missing."""

    @property
    def title(self) -> str:
        """The gate with what it is: `basic tests`, `report gpu`.

        >>> GateState("basic", "tests", "passed", (), "").title
        'basic tests'
        """
        if self.sort != "tests":
            return f"{self.sort} {self.gate}"
        return self.gate if self.gate == "inventory" else f"{self.gate} tests"


class Waiting(NamedTuple):
    """What keeps a channel from the newest run of a branch."""

    branch: str
    commit: str
    """The run's; empty where files differed from it."""
    missing: tuple[GateState, ...]
