# SPDX-License-Identifier: MIT
"""What is known of each target while a run goes on: its step, its record, what its jobs found, how it ended.

In:   Plan, Work
Out:  Tracks: nodes for the machine, the decision that waited for parents, outcomes, tags to move
May touch: the engine, which is asked what it has when a decision waited
Used by: run/driver, in its own thread only
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from stackyard.edges.patience import Retries
from stackyard.edges.turn import Turn
from stackyard.model.decide import Need, Presence, also_tagged, decide, settled
from stackyard.model.inputs import build_fingerprint
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.outcome import BAD, JobTime, Outcome, Published, Status
from stackyard.model.plan import Action, Plan, Step
from stackyard.model.progress import JobName
from stackyard.model.record import Inventoried, Record, Tested
from stackyard.model.reference import Reference
from stackyard.model.stack import Target
from stackyard.run.events import Decided, Node
from stackyard.run.expect import IDLE
from stackyard.run.moving import Wanted
from stackyard.run.work import Work

STATUS: dict[Action, Status] = {
    "build": "built",
    "reuse": "reused",
    "tag": "tagged",
    "push": "pushed",
    "fetch": "fetched",
    "retest": "tested",
    "join": "joined",
}


class Track(msgspec.Struct):
    """What is known of one target while it runs."""

    target: Target
    step: Step
    action: Action
    record: Record | None = None
    in_place: bool = False
    """The plan saw nothing to do, names included."""
    same: bool = False
    spent_s: float = 0.0
    retries: Retries = msgspec.field(default_factory=Retries)
    tests: tuple[Tested, ...] = ()
    inventory: tuple[Inventoried, ...] = ()
    tags: tuple[Reference, ...] = ()
    logs: tuple[str, ...] = ()
    told: set[JobName] = msgspec.field(default_factory=set)
    """Its jobs that had anything to do when they began."""
    jobs: tuple[JobTime, ...] = ()
    cause: tuple[str | None, int | None] = (None, None)
    """Path and line of what made it fail."""
    turn: Turn | None = None
    """At building it, until what came of that is recorded."""
    outcome: Outcome | None = None


class Tracks(Mapping[TargetName, Track]):
    """The targets of a plan that are not skipped."""

    def __init__(self, plan: Plan, work: Work) -> None:
        self._work = work
        self._revision = plan.revision
        targets = {target.name: target for target in work.stack.targets}
        by_id = {record.id: record for known in work.records_of.values() for record in known}
        steps = [step for step in plan.steps if step.action != "skip"]
        self._tracks = {
            step.target: Track(
                targets[step.target],
                step,
                step.action,
                by_id.get(step.record) if step.record is not None else None,
                in_place=step.action == "reuse",
            )
            for step in steps
        }
        # Targets that are left alone, and that others build on as they are.
        self._standing = {
            step.target: by_id[step.record] for step in plan.steps if step.action == "skip" and step.record in by_id
        }

    def __getitem__(self, name: TargetName) -> Track:
        return self._tracks[name]

    def __iter__(self) -> Iterator[TargetName]:
        return iter(self._tracks)

    def __len__(self) -> int:
        return len(self._tracks)

    def nodes(self) -> dict[TargetName, Node]:
        """The graph, as the machine sees it."""
        work = self._work
        return {
            name: Node(
                tuple(parent for parent in track.target.inputs.parents if parent in self._tracks),
                track.action,
                *work.times.get(name, IDLE),
                may_fail=track.target.may_fail,
                prune=track.target.prune and work.is_publishing,
                afar=frozenset(parent for parent in work.stack.parents_afar(track.target) if parent in self._tracks),
            )
            for name, track in self._tracks.items()
        }

    def decide(self, track: Track, now: str) -> Decided:
        """The decision that waited for parents: the same function the plan asked."""
        parents = {
            name: record.built.content if (record := self.record_of(name)) and record.built else None
            for name in track.target.inputs.parents
        }
        known = self._work.records_of.get(track.target.name, ())
        here = self._here(track.target, parents, known)
        asked = self._work.stack.attesting
        need = Need(publish=self._work.is_publishing, now=now, attested=asked.kinds if asked else frozenset())
        decision = decide(track.target, parents, self._work.accepted, known, Presence(engine=here), need)
        track.action = "build" if decision.action == "decide-later" else decision.action
        track.record = decision.record
        also = decision.record and also_tagged(decision.record, track.step.fixed_tags, self._revision)
        reasons = (*(decision.reasons or settled(track.step.reasons, parents, known)), *([also] if also else []))
        track.step = msgspec.structs.replace(track.step, reasons=reasons)
        return Decided(track.target.name, track.action)

    def _here(
        self, target: Target, parents: Mapping[TargetName, Digest | None], known: Sequence[Record]
    ) -> frozenset[Digest]:
        """Which images the engine has of the records that the decision can go on from; it is asked for no other."""
        contents = {name: content for name, content in parents.items() if content is not None}
        if len(contents) < len(parents) or not self._work.accepted.keys() >= set(target.inputs.bases):
            return frozenset()  # then it is built
        build = build_fingerprint(target.inputs, contents, self._work.accepted)
        engine = self._work.on(target).engine
        ids = {record.built.image.id for record in known if record.built and record.build == build}
        return frozenset(id_ for id_ in ids if engine.inspect(id_) is not None)

    def record_of(self, name: TargetName) -> Record | None:
        """What is built on when `name` is a parent."""
        track = self.get(name)
        return track.record if track is not None else self._standing.get(name)

    def members(self, target: Target) -> dict[TargetName, Record]:
        """What a target that joins platforms joins."""
        return {name: record for name in target.parent_names if (record := self.record_of(name)) is not None}

    def is_told(self, job: JobName, track: Track) -> bool:
        """Whether there is anything to do in this job."""
        if job == "test":
            return track.record is None or bool(self._work.to_run(track.target, track.record))
        return job != "publish" or not (track.in_place or track.step.is_only_tested)

    def outcome(
        self,
        track: Track,
        status: Status,
        is_excused: bool,
        failure: str | None = None,
        details: tuple[str, ...] = (),
        because: TargetName | None = None,
    ) -> Outcome:
        """How it ended."""
        built = track.record.built if track.record else None
        return Outcome(
            target=track.target.name,
            status=status,
            reasons=track.step.reasons,
            duration_s=track.spent_s,
            size_bytes=built.size_bytes if built else None,
            same_as_before=track.same,
            tests=track.tests,
            inventory=track.inventory,
            published=self.published(track) if status not in (*BAD, "skipped") else None,
            failure=failure,
            details=details,
            because=because,
            is_cause_untested=self._is_untested(because),
            is_excused=is_excused,
            is_interrupted=status == "skipped" and because is None,
            logs=track.logs,
            retries=track.retries.count,
            path=track.cause[0] if status == "failed" else None,
            line=track.cause[1] if status == "failed" else None,
            size_before_bytes=self._size_before(track.target.name) if status == "built" else None,
            jobs=track.jobs,
        )

    def _is_untested(self, name: TargetName | None) -> bool:
        track = self.get(name) if name is not None else None
        return track is not None and track.outcome is not None and track.outcome.status == "untested"

    def _size_before(self, name: TargetName) -> int | None:
        known = self._work.records_of.get(name, ())
        return next((record.built.size_bytes for record in known if record.built), None)

    def published(self, track: Track) -> Published | None:
        """Where its image is, and by which names."""
        record = track.record
        if record is None or record.built is None:
            return None
        reference = record.built.local
        if self._work.is_publishing and (pushed := record.pushed(track.target.repository)):
            reference = Reference(pushed.image.repository, pushed.tag, pushed.image.digest)
        return Published(reference, track.tags)

    def unmoved(self, sets: Sequence[Sequence[TargetName]]) -> Iterator[str]:
        """A sentence for each set of which something is new, and whose moving tags stay because something failed."""
        failed = [name for name, track in self.items() if _has_failed(track)]
        for members in sets:
            tags: dict[Tag, list[TargetName]] = {}
            for name in members:
                track = self[name]
                is_good = track.outcome is not None and track.outcome.status not in (*BAD, "skipped")
                if is_good and (wanted := self.wanted(track)) is not None:
                    for tag in wanted.tags:
                        tags.setdefault(tag, []).append(name)
            if not tags or not failed:
                continue
            because = _some([name for name in failed if name in members] or failed)  # the run stops at the first
            what = ", ".join(f"{tag} of {_some(names)}" for tag, names in tags.items())
            yield f"not moved, because of {because}: {what}"

    def wanted(self, track: Track) -> Wanted | None:
        """The tags of its branch, and what they are to point at; None where nothing changed."""
        record, repository = track.record, track.target.repository
        if record is None or record.built is None or track.in_place:
            return None
        pushed = record.pushed(repository)
        digest = pushed.image.digest if self._work.is_publishing and pushed else record.built.image.id
        return Wanted(track.target.name, repository, track.step.moving_tags, digest)


def _has_failed(track: Track) -> bool:
    return track.outcome is not None and track.outcome.status in BAD and not track.outcome.is_excused


def _some(names: Sequence[TargetName]) -> str:
    """Some names, and how many more there are."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
