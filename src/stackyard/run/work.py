# SPDX-License-Identifier: MIT
"""What all jobs of a run share, and what one did.

In:   from the verbs: a stack, the edges, what was known when the run began
Out:  Work, Done
Used by: run/jobs, run/bases, run/publish, run/index, run/once, run/driver
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from stackyard.edges.clock import Clock
from stackyard.edges.engine import Engine, EngineInfo
from stackyard.edges.registry import Registry
from stackyard.model.building import CacheKinds
from stackyard.model.content import ImageFacts
from stackyard.model.details import Suite
from stackyard.model.known import TagPlace
from stackyard.model.names import Digest, TargetName
from stackyard.model.progress import Tell
from stackyard.model.record import Built, Fact, Record, SuiteResult
from stackyard.model.reference import LocalImage, Reference
from stackyard.model.stack import Stack, Target
from stackyard.run.expect import Times


class RunSuite(Protocol):
    """Runs one suite on one image (inside/suites.py)."""

    def __call__(self, target: Target, suite: Suite, image: Built, folder: Path, tell: Tell) -> SuiteResult:
        """Run to the end; a failing test is a result."""

    def close(self) -> None:
        """End what still runs; who waits for it gets EngineProblem."""


class Done(msgspec.Struct, frozen=True):
    """What a job did."""

    is_good: bool
    built: Built | None = None
    equal: Record | None = None
    """A known record whose content the new build equals: its image stays the target's image."""
    found: Record | None = None
    """What another run built meanwhile, so that this one did not."""
    here: Record | None = None
    """The record, with its image by the id that this engine has it under."""
    facts: tuple[Fact, ...] = ()
    failure: str = ""
    is_untestable: bool = False
    """It failed at that only: nothing here can run a suite."""
    details: tuple[str, ...] = ()
    log: str = ""
    path: str | None = None
    """Where the cause of a failure lies, relative to the stack's root: the Dockerfile."""
    line: int | None = None
    tags: tuple[tuple[TagPlace, Reference, Digest], ...] = ()
    """Tags that were put."""
    remarks: tuple[str, ...] = ()
    """What a person should know, and is in order."""


class Work(msgspec.Struct):
    """What all jobs of one run share."""

    root: Path
    folder: Path
    """Of this run: logs and results."""
    token: str
    """The run's own: see edges/traces."""
    stack: Stack
    engine: Engine
    about: EngineInfo
    registry: Registry
    clock: Clock
    run_suite: RunSuite
    reread: Callable[[TargetName], Target | None]
    """A target as its files are now; None where it is gone."""
    find: Callable[[TargetName, Digest], Sequence[Record]]
    """Records of a target with this build fingerprint, as they are now, newest first; from any thread."""
    turns: Path
    """The folder in which runs of this stack take turns."""
    is_publishing: bool
    accepted: dict[str, Digest]
    records_of: Mapping[TargetName, tuple[Record, ...]]
    """Known when the run began, newest first."""
    use_cache: bool = True
    times: Mapping[TargetName, Times] = {}
    """How long jobs are expected to take; they decide the order and nothing else."""
    cache_kinds: CacheKinds = CacheKinds()
    """What caches of the stack's can be used here."""
    is_attesting: bool = False
    """Whether the spec asks for attestations, and the engine makes them."""
    may_pull: bool = False
    """Whether builds may fetch images that nobody planned."""
    bases: dict[str, LocalImage] = {}
    """External bases that this engine has, by canonical reference: each is looked for once."""
    layers: dict[Digest, ImageFacts] = {}
    """Facts of what was built, by id: what stands on it is compared with it."""
    elsewhere: Mapping[str, Work] = {}
    """On the engines that platforms have for themselves, by where these are."""
    is_stamp_typed: bool = False
    """Whether a person typed the stamp, and so means the tags that have it and no others."""
    overwrite: str = ""
    """Why fixed tags are taken away from other images; empty: they are not."""
    now: str = ""
    """When the run began, for results that become old; empty: none does."""
    is_retesting: bool = False
    """Every suite is run, whatever passed before."""

    def on(self, target: Target) -> Work:
        """The same on the engine that builds this target."""
        return self.elsewhere.get(self.stack.engine_of(target), self) if self.elsewhere else self

    def to_run(self, target: Target, record: Record) -> tuple[Suite, ...]:
        """Suites that have to run on a record's image."""
        return tuple(s for s in target.suites if self.is_retesting or not record.passed((s,), self.now))

    def shown(self, path: Path) -> str:
        """A path as people see it: relative to the stack's root."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)
