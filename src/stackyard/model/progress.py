# SPDX-License-Identifier: MIT
"""What those who watch a run are told, as it happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from stackyard.model.names import TargetName

if TYPE_CHECKING:
    from stackyard.model.moves import MoveSet
    from stackyard.model.outcome import Outcome

JobName = Literal["build", "fetch", "test", "publish"]
StepState = Literal["started", "cached", "done", "failed", "again"]
"""`again`: what failed will be tried again, after a pause."""


class JobStarted(msgspec.Struct, frozen=True):
    """A job of a target began."""

    target: TargetName
    job: JobName
    expected_s: float | None = None


class JobStep(msgspec.Struct, frozen=True):
    """A running job is at something, an instruction of the Dockerfile or a suite; or an instruction has ended."""

    target: TargetName
    job: JobName
    text: str
    state: StepState = "started"
    duration_s: float | None = None
    """Of an instruction that was done."""


class JobEnded(msgspec.Struct, frozen=True):
    """A job of a target is over; on failure with its sentence and the lines worth seeing first."""

    target: TargetName
    job: JobName
    is_good: bool
    duration_s: float
    text: str = ""
    details: tuple[str, ...] = ()
    log: str = ""
    path: str | None = None
    """Where the cause of a failure lies, relative to the stack's root: the Dockerfile."""
    line: int | None = None


class TargetEnded(msgspec.Struct, frozen=True):
    """A target has its outcome."""

    outcome: Outcome


class TagsMoved(msgspec.Struct, frozen=True):
    """A set of moving tags was moved."""

    moves: MoveSet


Progress = JobStarted | JobStep | JobEnded | TargetEnded | TagsMoved
Watch = Callable[[Progress], None]
"""May be called from several threads."""


class Tell(Protocol):
    """Says what a running job is at."""

    def __call__(self, text: str, state: StepState = "started", duration_s: float | None = None) -> None:
        """`state` is of an instruction of the Dockerfile, or `again`."""


def unwatched(_: Progress) -> None:
    """Watches nothing."""
