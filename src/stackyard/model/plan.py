# SPDX-License-Identifier: MIT
"""A plan: what should happen to each target, with all its reasons."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

from stackyard.model.details import Reading, Suite
from stackyard.model.names import Digest, ImageName, Tag, TargetName, VersionName
from stackyard.model.reason import LeftAlone, Reason
from stackyard.model.reference import Platform, Reference, Repository
from stackyard.model.stack import Command, Finding, Revision

Action = Literal["build", "reuse", "tag", "push", "fetch", "retest", "join", "decide-later", "skip"]
"""`build` make it · `reuse` nothing to do · `tag` a name is missing · `push` content is only here ·
`fetch` content is only there and wanted here · `retest` known and not known to pass ·
`join` the images of several platforms become one index ·
`decide-later` a parent is being rebuilt · `skip` not part of this plan."""


class PlannedParent(msgspec.Struct, frozen=True):
    """A parent and what the Dockerfile calls it."""

    target: TargetName
    reference: str


class PlannedBase(msgspec.Struct, frozen=True):
    """An external base, and what it is taken to be; None while nobody has resolved it."""

    reference: Reference
    accepted: Digest | None


class PlannedDownload(msgspec.Struct, frozen=True):
    """An address that ADD fetches, and what it is taken to give; None while nobody could tell."""

    address: str
    accepted: Digest | None


class Step(msgspec.Struct, frozen=True):
    """What should happen to one target."""

    target: TargetName
    image: ImageName
    version: VersionName | None
    action: Action
    repository: Repository
    fixed_tags: tuple[Tag, ...]
    moving_tags: tuple[Tag, ...]
    build_args: tuple[tuple[str, str], ...]
    """In the order they are passed; values that look secret are masked."""
    context: str
    parents: tuple[PlannedParent, ...]
    reasons: tuple[Reason, ...]
    sources: Mapping[TargetName, Digest]
    """Source fingerprints, this target's among them."""
    build: Digest | None
    """None while a parent or base is not known yet."""
    record: str | None = None
    """Id of the record this step goes on from."""
    expected_s: float | None = None
    """What the same took last time: build and tests, tests alone, or a push; None where that is not known."""
    bases: tuple[PlannedBase, ...] = ()
    """As the Dockerfile names them."""
    downloads: tuple[PlannedDownload, ...] = ()
    """Those without a checksum."""
    reading: Reading | None = None
    """What `suites` are asked of."""
    commands: tuple[Command, ...] = ()
    """What the inventory runs."""
    platforms: tuple[Platform, ...] = ()
    """What the spec says it is for; several: it joins them."""

    is_only_tested: bool = False
    """Its image gets no name, wherever it has none yet."""

    @property
    def suites(self) -> tuple[Suite, ...]:
        """What must pass before it is published."""
        return self.reading.details.suites if self.reading is not None else ()

    @property
    def source(self) -> Digest:
        """The source fingerprint."""
        return self.sources[self.target]

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Fixed tags first, then moving ones."""
        return self.fixed_tags + self.moving_tags


class Note(msgspec.Struct, frozen=True):
    """A decision about the whole plan that a person should know of. `kind` never changes."""

    kind: str
    sentence: str


class Since(msgspec.Struct, frozen=True):
    """What a plan compares the files with, in place of the records: a commit."""

    reference: str
    """As it was asked for: `main`, `v1...`, `main...feature`."""
    commit: str
    now: str | None = None
    """The commit that is compared; None for the files as they are."""
    is_all_told: bool = True
    """Whether the commits say all: what is in a submodule follows from what is checked out."""

    @property
    def before(self) -> str:
        """What the older side was called: A of `A..B`; all of `A...B`, whose common commit has no name."""
        return self.reference if "..." in self.reference else self.reference.split("..")[0] or self.reference


class Plan(msgspec.Struct, frozen=True, dict=True):
    """Every target of the stack has a step, parents first, ties in file order."""

    stack: str
    revision: Revision
    steps: tuple[Step, ...]
    is_publishing: bool
    is_checked: bool
    """Whether the engine and the registry were asked for what the records say is there."""
    sets: tuple[tuple[TargetName, ...], ...] = ()
    """Targets whose moving tags go together: the connected parts of what is planned."""
    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    since: Since | None = None
    """None: compared with the records."""
    is_asked: bool = False
    """Whether others were asked for what they built, because nothing was known here."""

    def step(self, name: TargetName) -> Step:
        """The step of `name`; KeyError if it has none."""
        return self._by_name[name]

    @functools.cached_property
    def _by_name(self) -> Mapping[TargetName, Step]:
        """Thousands are asked for one by one."""
        return {step.target: step for step in reversed(self.steps)}

    @property
    def is_idle(self) -> bool:
        """Whether the stack's policy says that nothing is done."""
        return any(note.kind == "skip" for note in self.notes)

    @property
    def accepted(self) -> dict[str, Digest]:
        """What external bases and downloads are in every build of this plan, by canonical reference and address."""
        found = [(base.reference.canonical, base.accepted) for step in self.steps for base in step.bases]
        found += [(download.address, download.accepted) for step in self.steps for download in step.downloads]
        return {name: digest for name, digest in found if digest is not None}

    @property
    def has_work(self) -> bool:
        """Whether carrying this out would change anything."""
        return any(step.action not in ("reuse", "skip") for step in self.steps)


class Expectation(msgspec.Struct, frozen=True):
    """How long a plan is expected to take, children counted that follow a parent if it changes."""

    path_s: float
    """The longest way from parent to child: what it takes on a machine with enough of everything."""
    total_s: float
    """All one after another."""
    unknown: int
    """How many builds never were before, and so are not counted."""


def expectation(plan: Plan) -> Expectation:
    """The sum over all steps, and over the longest chain of them."""
    ends: dict[TargetName, float] = {}
    for step in plan.steps:  # parents first
        begin = max((ends.get(parent.target, 0.0) for parent in step.parents), default=0.0)
        ends[step.target] = begin + (step.expected_s or 0.0)
    unknown = sum(1 for step in plan.steps if step.action in ("build", "decide-later") and step.expected_s is None)
    return Expectation(max(ends.values(), default=0.0), sum(step.expected_s or 0.0 for step in plan.steps), unknown)


def excused(plan: Plan, may_fail: Collection[TargetName]) -> tuple[Note, ...]:
    """A word on the targets that a run of this plan is good without."""
    done = [str(step.target) for step in plan.steps if step.target in may_fail and step.action not in ("skip", "reuse")]
    return (Note("allowed-to-fail", f"the run is good without {', '.join(done)}: allowed to fail"),) if done else ()


def without_missing(plan: Plan, missing: Collection[Action], may_fail: Collection[TargetName]) -> Plan:
    """The plan without what is missing and may be: such a target and what builds on it are left alone, and told."""
    left: set[TargetName] = set()
    for step in plan.steps:  # parents first
        is_excused = step.target in may_fail or any(parent.target in left for parent in step.parents)
        if is_excused and step.action in missing:
            left.add(step.target)
    if not left:
        return plan
    why = LeftAlone("it may fail, or builds on one that may, and is not built and tested")
    steps = (
        msgspec.structs.replace(step, action="skip", reasons=(why,)) if step.target in left else step
        for step in plan.steps
    )
    sets = (tuple(name for name in members if name not in left) for members in plan.sets)
    return msgspec.structs.replace(plan, steps=tuple(steps), sets=tuple(members for members in sets if members))


def uncached(plan: Plan) -> Plan:
    """The plan with a word on what it is to be built without: the engine's cache."""
    is_building = any(step.action in ("build", "decide-later") for step in plan.steps)
    nothing = "--no-cache changes nothing where nothing is built: `--rebuild IMAGE` builds what is known"
    sentence = "builds do not use the engine's cache" if is_building else nothing
    return msgspec.structs.replace(plan, notes=(*plan.notes, Note("no-cache", sentence)))
