# SPDX-License-Identifier: MIT
"""What the machine is told and what it answers: values that print as text, and as JSON in a run's events.jsonl.

In:   nothing
Out:  Setup (what a run begins with), Event (in), Instruction (out)
Pure.
Used by: run/machine, run/driver; written down by run/log
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.names import TargetName
from stackyard.model.plan import Action

Job = Literal["decide", "build", "fetch", "test", "publish"]
Pool = Literal["build", "test", "push"]
"""Jobs that share a limit; what is fetched and what is pushed take the same way."""
POOLS: dict[Job, Pool] = {"build": "build", "test": "test", "fetch": "push", "publish": "push"}
"""The pool of each job; deciding has none."""


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """One target as the machine sees it. Times are expectations; they decide the order and nothing else."""

    parents: tuple[TargetName, ...]
    action: Action
    build_s: float = 1.0
    """Or fetching; where nothing is known, a chain counts by its length."""
    test_s: float = 0.0
    push_s: float = 0.0
    may_fail: bool = False
    """A build or test that fails counts for nobody but itself and what builds on it."""
    prune: bool = False
    """To be let go of once it and all its children are good."""
    afar: frozenset[TargetName] = frozenset()
    """Parents that another engine makes: their content is here once they are published."""


class Limits(msgspec.Struct, frozen=True):
    """How many jobs of a kind may run at once; each at least one."""

    builds: int = 2
    tests: int = 1
    """Suites; those that may publish fixed ports of the host wait for each other by themselves."""
    transfers: int = 4
    """Pushes and fetches together."""

    def of(self, pool: Pool) -> int:
        """The limit of a pool."""
        return {"build": self.builds, "test": self.tests, "push": self.transfers}[pool]

    @property
    def total(self) -> int:
        """How many jobs can run at once in all."""
        return self.builds + self.tests + self.transfers


class Setup(msgspec.Struct, frozen=True):
    """All that a machine begins with."""

    nodes: dict[TargetName, Node]
    """File order, which breaks ties."""
    sets: tuple[tuple[TargetName, ...], ...] = ()
    """Targets whose moving tags go together."""
    limits: Limits = Limits()
    fail_fast: bool = False


# Events: what happened.


class Decided(msgspec.Struct, frozen=True, tag_field="kind", tag="decided"):
    """The decision on a target whose parents' content is now known."""

    target: TargetName
    action: Action

    def __str__(self) -> str:
        return f"{self.target}: decided to {self.action}"


class Finished(msgspec.Struct, frozen=True, tag_field="kind", tag="finished"):
    """A job came to its end."""

    job: Job
    target: TargetName
    is_good: bool = msgspec.field(name="good")

    def __str__(self) -> str:
        return f"{self.target}: {self.job} {'is done' if self.is_good else 'failed'}"


class Moved(msgspec.Struct, frozen=True, tag_field="kind", tag="moved"):
    """The moving tags of a set were moved, or were not."""

    targets: tuple[TargetName, ...]

    def __str__(self) -> str:
        return f"tags of {', '.join(self.targets)}: done with"


class Stopped(msgspec.Struct, frozen=True, tag_field="kind", tag="stopped"):
    """Someone wants the run to end: what runs may finish, nothing new starts."""

    def __str__(self) -> str:
        return "stopped"


Event = Decided | Finished | Moved | Stopped


# Instructions: what to do.


class Start(msgspec.Struct, frozen=True, tag_field="kind", tag="start"):
    """Do a job of a target."""

    job: Job
    target: TargetName

    def __str__(self) -> str:
        return f"{self.target}: start {self.job}"


class Skip(msgspec.Struct, frozen=True, tag_field="kind", tag="skip"):
    """A target will not be done, because of another; None: because somebody stopped the run."""

    target: TargetName
    because: TargetName | None

    def __str__(self) -> str:
        return f"{self.target}: skip because of {self.because or 'the stop'}"


class Move(msgspec.Struct, frozen=True, tag_field="kind", tag="move"):
    """Move the moving tags of these targets, all or none."""

    targets: tuple[TargetName, ...]

    def __str__(self) -> str:
        return f"tags of {', '.join(self.targets)}: move"


class Prune(msgspec.Struct, frozen=True, tag_field="kind", tag="prune"):
    """Let the engine go of a target's image."""

    target: TargetName

    def __str__(self) -> str:
        return f"{self.target}: prune"


class End(msgspec.Struct, frozen=True, tag_field="kind", tag="end"):
    """Nothing is left to do."""

    def __str__(self) -> str:
        return "end"


Instruction = Start | Skip | Move | Prune | End
