# SPDX-License-Identifier: MIT
"""What is done about locks, and what came of it: plans, outcomes, changes, what is known of locks that are there.

In:   values of model/lock
Out:  LockPlan, LockSummary, LockChange, LockDiff, Verified, Imported
Pure.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.lock import LockTarget, LockTime
from stackyard.model.lockfile import Pin
from stackyard.model.spot import Spot


class LockStep(msgspec.Struct, frozen=True):
    """One lock file: what is asked for it, or why nothing is."""

    set: str
    target: LockTarget
    time: LockTime
    asks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For each platform what the resolver is asked, as words; none: the file is carried as it is."""
    upgrades: tuple[str, ...] = ()
    """All but these stay what they are."""

    @property
    def is_carried(self) -> bool:
        """Whether the file stays as it is, since the resolver knows nothing of its Python."""
        return not self.asks


class SetPlan(msgspec.Struct, frozen=True):
    """What is asked for all versions of a set."""

    name: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    packages: tuple[str, ...]
    """Folders of the repository whose packages are left out."""
    runs_code: tuple[str, ...]
    """Packages whose code runs: those of the repository that must, and those that the set allows."""
    steps: tuple[LockStep, ...]
    changed: tuple[str, ...] = ()
    """Inputs that differ in the work tree: what is locked is what the commit has."""


class LockPlan(msgspec.Struct, frozen=True):
    """Everything that would be asked, and where the answers go."""

    at: str
    sets: tuple[SetPlan, ...]


class Answer(msgspec.Struct, frozen=True):
    """What a resolver of any kind says for one platform."""

    pins: tuple[Pin, ...] = ()
    words: str = ""
    """Why there are none; empty: there is an answer."""
    hint: str | None = None
    unbuilt: tuple[str, ...] = ()
    """Packages whose code would have to run, and may not."""


LockState = Literal["written", "outdated", "unchanged", "same", "differs", "carried", "failed", "held-back"]


class LockChange(msgspec.Struct, frozen=True, order=True):
    """A package that two locks have otherwise."""

    name: str
    was: str | None
    now: str | None
    where: tuple[str, ...] = ()
    """Locks in which it is so."""

    def __str__(self) -> str:
        return f"{self.name} {self.was or '(new)'} -> {self.now or '(gone)'}"

    def told(self, locks: int, of_one_set: bool = False) -> str:
        """`boto3 1.16.34 -> 1.16.35 in 3 of 4 versions`; without the numbers where there is one lock only."""
        if locks < 2 or not self.where:
            return str(self)
        many = f"all {locks}" if len(self.where) == locks else f"{len(self.where)} of {locks}"
        return f"{self} in {many} {'versions' if of_one_set else 'locks'}"


class LockOutcome(msgspec.Struct, frozen=True):
    """What came of one lock file."""

    set: str
    target: LockTarget
    state: LockState
    pins: int = 0
    changes: tuple[LockChange, ...] = ()
    """What is otherwise than in the file as it was."""
    words: str = ""
    """Why there is no lock: the resolver's own words."""
    hint: str | None = None


class LockSummary(msgspec.Struct, frozen=True):
    """What came of all of them."""

    plan: LockPlan
    outcomes: tuple[LockOutcome, ...]

    @property
    def is_good(self) -> bool:
        """Whether each lock is there as it should be."""
        return not any(each.state in ("failed", "held-back", "differs") for each in self.outcomes)

    @property
    def has_changes(self) -> bool:
        """Whether a pin changed."""
        return any(each.changes for each in self.outcomes)

    @property
    def time(self) -> str:
        """The latest T of all locks; empty where there are none."""
        return max((step.time for each in self.plan.sets for step in each.steps), default="")


class LockDiff(msgspec.Struct, frozen=True):
    """Two states of locks beside each other."""

    was: str
    """What the first is: a commit, a file."""
    now: str
    locks: int
    """How many were compared."""
    of_one_set: bool
    changes: tuple[LockChange, ...]


class Verified(msgspec.Struct, frozen=True):
    """What a lock file proves by itself."""

    set: str
    target: LockTarget
    time: str = ""
    pins: int = 0
    is_carried: bool = False
    """Whether nothing can be resolved for its Python, so that nothing is asked of it."""
    doubts: tuple[str, ...] = ()
    """Why it is not proven that nothing in it is newer than its T."""


class Stamped(msgspec.Struct, frozen=True):
    """A stamp, and where it stands."""

    name: str
    stamp: str
    spot: Spot


class Imported(msgspec.Struct, frozen=True):
    """H and T of a repository that froze its requirements in a builder image."""

    builder: str
    at: str
    spot: Spot
    """Where the builder checks H out."""
    time: LockTime | None
    """T: the builder's stamp; None where it has none."""
    stamps: tuple[Stamped, ...]
    """The builder's, by version."""
    constants: tuple[Stamped, ...]
    """Those of Python files."""

    @property
    def disagreeing(self) -> tuple[Stamped, ...]:
        """Stamps that are another time than T."""
        return tuple(
            each for each in (*self.stamps, *self.constants) if self.time and LockTime.parse(each.stamp) != self.time
        )
