# SPDX-License-Identifier: MIT
"""What happened: the outcome of each target, and of a whole run."""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.moves import MoveSet
from stackyard.model.names import TargetName
from stackyard.model.progress import JobName
from stackyard.model.reason import Reason
from stackyard.model.record import Inventoried, Tested
from stackyard.model.reference import Reference

Status = Literal["built", "reused", "tagged", "pushed", "fetched", "tested", "joined", "failed", "untested", "skipped"]
"""`untested`: what has to pass before it is published cannot be run here."""


BAD = ("failed", "untested")
"""How a target ends that keeps others from being published."""


class Published(msgspec.Struct, frozen=True):
    """Where an image can be had: in a registry by digest, or in the engine's own store by id."""

    reference: Reference
    """The content tag, with the digest where there is one."""
    tags: tuple[Reference, ...] = ()


class JobTime(msgspec.Struct, frozen=True):
    """When a job of a target ran."""

    job: JobName
    begun_s: float
    """Since the run began."""
    duration_s: float
    waited_s: float = 0.0
    """For a place, after all that it needs was there."""


class PathJob(msgspec.Struct, frozen=True):
    """A job of the critical path."""

    target: TargetName
    job: JobName
    duration_s: float


class Pace(msgspec.Struct, frozen=True):
    """What a run's jobs would at least have taken, in whatever order."""

    path: tuple[PathJob, ...]
    """The critical path: the longest chain of jobs of which each needs the one before."""
    path_s: float
    work_s: float
    """All jobs, one after another."""
    bound_s: float
    """The longer of the critical path and the work of one kind over how many of it may run at once."""
    bound_by: Literal["path", "build", "test", "push"]
    at_once: int = 1
    """How many of the kind that bounds it could run at once."""


class Outcome(msgspec.Struct, frozen=True):
    """What happened to one target."""

    target: TargetName
    status: Status
    reasons: tuple[Reason, ...] = ()
    duration_s: float = 0.0
    size_bytes: int | None = None
    same_as_before: bool = False
    """Built again, and equal in content to what was known: children are left alone."""
    tests: tuple[Tested, ...] = ()
    inventory: tuple[Inventoried, ...] = ()
    published: Published | None = None
    failure: str | None = None
    """One sentence, for a failed target."""
    details: tuple[str, ...] = ()
    """The lines a person wants to see first: the end of a failing step, names of failing tests."""
    because: TargetName | None = None
    """The target whose failure made this one be skipped."""
    is_cause_untested: bool = False
    """That one has not failed: nothing here can test it."""
    is_excused: bool = False
    """It failed and may, or was skipped because of one that may."""
    is_interrupted: bool = False
    """Nothing became of it, because the run was ended: in the middle of it, or before it was begun."""
    logs: tuple[str, ...] = ()
    """Paths of full logs, relative to the stack's root."""
    retries: int = 0
    """How often something was asked or tried again: a registry that was busy, a build where the spec says so."""
    path: str | None = None
    """Where the cause of a failure lies, relative to the stack's root: the Dockerfile."""
    line: int | None = None
    size_before_bytes: int | None = None
    """Of the image's last build before this one."""
    jobs: tuple[JobTime, ...] = ()

    @property
    def cause(self) -> str:
        """Why it was skipped, as a person says it; empty where neither another target nor the end of the run is why."""
        if self.is_interrupted:
            return "the run was ended while it was made" if self.jobs else "the run was ended before it was begun"
        if self.because is None:
            return ""
        return f"{self.because} {'is untested' if self.is_cause_untested else 'failed'}"


class RunSummary(msgspec.Struct, frozen=True):
    """One execution of a plan."""

    number: int
    command: str
    started: str
    commit: str
    branch: str | None
    duration_s: float
    outcomes: tuple[Outcome, ...]
    moved: tuple[MoveSet, ...] = ()
    is_interrupted: bool = False
    notes: tuple[str, ...] = ()
    """What went wrong beside the outcomes."""
    remarks: tuple[str, ...] = ()
    """What a person should know, and is in order."""
    free_before_bytes: int | None = None
    """On the engine's disk; None where nothing was built or fetched, or nobody knows. `free_after_bytes` likewise."""
    free_after_bytes: int | None = None
    pace: Pace | None = None
    """None where nothing ran, or not to its end."""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The targets that failed, or cannot be tested here; those skipped because of them are not among them."""
        return tuple(outcome for outcome in self.outcomes if outcome.status in BAD)

    @property
    def is_good(self) -> bool:
        """Whether everything that was asked for happened, but for what may fail."""
        counted = [outcome for outcome in self.outcomes if not outcome.is_excused]
        return not self.is_interrupted and all(o.status not in BAD and o.because is None for o in counted)
