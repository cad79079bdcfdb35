# SPDX-License-Identifier: MIT
"""What the files of a run are called: one log per target and kind, and what pytest wrote of its results.

Out:  file names, in `.stackyard/runs/NUMBER/`
Pure.
"""

from __future__ import annotations

import typing
from typing import Literal

import msgspec

from stackyard.model.details import SuiteKind
from stackyard.model.names import TargetName

LogKind = Literal["build", "test", "push"]
KINDS: tuple[LogKind, ...] = typing.get_args(LogKind)


class Log(msgspec.Struct, frozen=True):
    """A log that is there."""

    target: TargetName
    run: int
    kind: LogKind
    path: str
    """Relative to the stack's root."""


def build_log(target: TargetName) -> str:
    """The engine's output, with the time of each instruction."""
    return f"{target.file_safe}.build.log"


def suite_log(target: TargetName, suite: SuiteKind) -> str:
    """pytest's output; of the inventory, what its commands printed."""
    return f"{target.file_safe}.inventory.log" if suite == "inventory" else f"{target.file_safe}.{suite}-tests.log"


def junit_file(target: TargetName, suite: SuiteKind) -> str:
    """pytest's results."""
    return f"{target.file_safe}.{suite}-tests.xml"


def push_log(target: TargetName) -> str:
    """What engine and registry said to each other."""
    return f"{target.file_safe}.push.log"


def logs_of(target: TargetName, kind: LogKind) -> tuple[str, ...]:
    """All files that may be there for a kind."""
    if kind == "build":
        return (build_log(target),)
    if kind == "push":
        return (push_log(target),)
    return tuple(suite_log(target, suite) for suite in typing.get_args(SuiteKind))
