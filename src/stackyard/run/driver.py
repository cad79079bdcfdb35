# SPDX-License-Identifier: MIT
"""Carry out a plan: what the machine decides, threads do, and the records are told.

In:   Plan, Work, Records, Limits
Out:  RunSummary; each fact is recorded when its job ends
May touch: everything the jobs touch. Only this thread writes records.
Before: plan/compare   Beside: run/machine (decides), run/tracks (what is known), run/jobs, run/publish (what is done)
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from stackyard.edges.patience import counted
from stackyard.edges.turn import Turn
from stackyard.errors import StackyardError
from stackyard.model.inputs import build_fingerprint
from stackyard.model.logs import LogKind, logs_of
from stackyard.model.moves import MoveSet
from stackyard.model.names import TargetName
from stackyard.model.outcome import JobTime, Outcome, RunSummary, Status
from stackyard.model.plan import Plan, Step
from stackyard.model.progress import (
    JobEnded,
    JobName,
    JobStarted,
    JobStep,
    StepState,
    TagsMoved,
    TargetEnded,
    Tell,
    Watch,
)
from stackyard.model.reason import TooOld
from stackyard.model.record import Fact, Inventoried, Record, Tested
from stackyard.record.store import Records
from stackyard.run import jobs
from stackyard.run.events import (
    End,
    Event,
    Finished,
    Instruction,
    Limits,
    Move,
    Moved,
    Prune,
    Skip,
    Start,
    Stopped,
)
from stackyard.run.log import FILE, RunLog
from stackyard.run.machine import Machine
from stackyard.run.moving import Mover
from stackyard.run.once import once
from stackyard.run.publish import join, prune, publish
from stackyard.run.stop import Stop
from stackyard.run.tracks import STATUS, Track, Tracks
from stackyard.run.work import Done, Work
from stackyard.run.workers import Ended, Noted, Threads, Workers


class Driver:
    """One execution of one plan."""

    def __init__(
        self,
        plan: Plan,
        work: Work,
        records: Records,
        mover: Mover,
        limits: Limits,
        watch: Watch,
        number: int,
        is_failing_fast: bool = False,
        workers: Workers | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._plan = plan
        self._work = work
        self._records = records
        self._mover = mover
        self._watch = watch
        self._number = number
        self._tracks = Tracks(plan, work)
        self._machine = Machine(self._tracks.nodes(), plan.sets, limits, is_failing_fast)
        self._workers = workers or Threads(limits.total)
        self._log = RunLog(work.folder / FILE, number, self._machine.setup) if number else None
        self._stop = stop or Stop()
        self._stop.wakes = self._workers.wake
        self._is_stopping = threading.Event()
        """Ends pauses: nothing is asked again while the run is being stopped."""
        self._now = ""
        self._begun = 0.0
        self._notes: list[str] = []
        self._remarks: list[str] = []
        self._moved: list[MoveSet] = []

    def run(self, command: str, started: str) -> RunSummary:
        """Carry the plan out; every exception of a job is the failure of its target."""
        clock = self._work.clock
        self._now, self._begun = started, clock.ticks()
        try:
            self._carry_on(self._answered(None, self._machine.begin()))
        except KeyboardInterrupt:  # of a program that handles signals itself, or not at all
            self._wind_up()
        finally:
            self._workers.finish()
            for work in (self._work, *self._work.elsewhere.values()):
                work.engine.unpin()
            if self._log is not None:
                self._log.close()
        if not self._is_stopping.is_set():
            self._remarks += self._tracks.unmoved(self._plan.sets)
        return RunSummary(
            number=self._number,
            command=command,
            started=started,
            commit=self._plan.revision.commit,
            branch=self._plan.revision.branch,
            duration_s=clock.ticks() - self._begun,
            outcomes=tuple(map(self._final, self._plan.steps)),
            moved=tuple(self._moved),
            is_interrupted=self._is_stopping.is_set(),
            notes=tuple(self._notes),
            remarks=(*self._remarks, *([self._log.problem] if self._log and self._log.problem else [])),
        )

    def _carry_on(self, instructions: list[Instruction]) -> None:
        """Do what the machine says, and tell it what happened, to the end."""
        todo = deque(instructions)
        while not self._stop.is_wished:
            if todo:
                instruction = todo.popleft()
                if isinstance(instruction, End):
                    return
                todo.extend(self._obey(instruction))
            elif (came := self._workers.next()) is not None:
                todo.extend(self._came(came))
        self._wind_up(todo)

    def _wind_up(self, left: Iterable[Instruction] = ()) -> None:
        """End what runs; facts of jobs that came to their end meanwhile are kept, and nothing else begins."""
        self._is_stopping.set()
        todo = [*left, *self._tell(Stopped())]
        works = (self._work, *self._work.elsewhere.values())
        closing = [threading.Thread(target=work.engine.close) for work in works]
        for each in closing:
            each.start()  # all ask nicely first, and wait
        for work in works:
            work.run_suite.close()
        for each in closing:
            each.join()
        for came in self._workers.finish():
            todo += self._came(came)
        for instruction in todo:
            if isinstance(instruction, Skip):
                self._obey(instruction)

    def _came(self, came: Ended | Noted) -> list[Instruction]:
        """Record what came of a job, or comes of it meanwhile; of an end the machine is told."""
        if isinstance(came, Noted):
            self._keep(self._tracks[came.target], came.facts)
            return []
        ended = came
        self._take(ended)
        instructions = self._tell(Finished(ended.job, ended.target, ended.done.is_good))
        self._report_ended(ended)
        return instructions

    def _tell(self, event: Event) -> list[Instruction]:
        return self._answered(event, self._machine.handle(event))

    def _answered(self, event: Event | None, instructions: list[Instruction]) -> list[Instruction]:
        """What the machine answered, written down before it is done."""
        if self._log is not None:
            self._log.answer(self._work.clock.ticks() - self._begun, event, instructions)
        return instructions

    def _obey(self, instruction: Instruction) -> list[Instruction]:
        match instruction:
            case Start(job="decide", target=name):
                return self._decide(self._tracks[name])
            case Start(job=job, target=name) if job != "decide":
                self._start(job, self._tracks[name])
            case Skip(target=name, because=cause):
                self._end(self._tracks[name], "skipped", because=cause)
            case Prune(target=name):
                track = self._tracks[name]
                self._remarks += prune(self._work.on(track.target), track.target, track.record)
            case Move(targets=targets):
                self._move(targets)
                return self._tell(Moved(targets))
        return []

    def _decide(self, track: Track) -> list[Instruction]:
        """The decision that waited for parents; an engine that does not answer fails this target and no other."""
        name = track.target.name
        try:
            decided = self._tracks.decide(track, self._now)
        except StackyardError as error:
            instructions = self._tell(Finished("decide", name, False))
            self._end(track, "failed", failure=str(error), details=_hint_of(error))
            return instructions
        return self._tell(decided)

    # Jobs.

    def _start(self, job: JobName, track: Track) -> None:
        name = track.target.name
        if self._tracks.is_told(job, track):
            track.told.add(job)
            self._watch(JobStarted(name, job, track.step.expected_s if job == "build" else None))

        def tell(text: str, state: StepState = "started", duration_s: float | None = None) -> None:
            self._watch(JobStep(name, job, text, state, duration_s))

        track.retries.tell, track.retries.is_stopping = lambda text: tell(text, "again"), self._is_stopping
        do = self._job(job, track, tell)

        def counting() -> Done:
            with counted(track.retries):
                return do()

        self._workers.start(lambda: self._guarded(job, name, counting))

    def _job(self, job: JobName, track: Track, tell: Tell) -> Callable[[], Done]:
        """The job as something a thread can call; values are read here, in the driver's thread."""
        work, target, record = self._work.on(track.target), track.target, track.record
        if job == "build":
            parents = {
                name: known for name in target.inputs.parents if (known := self._tracks.record_of(name)) is not None
            }
            is_afresh = any(isinstance(reason, TooOld) for reason in track.step.reasons)

            def build() -> Done:
                return jobs.build(work, target, parents, tell, is_afresh)

            track.turn = turn = Turn(work.turns / f"{target.name.file_safe}.build")
            at = self._now if is_afresh else ""
            return lambda: once(work, target, parents, turn, build, self._is_stopping.is_set, tell, at)
        fixed, store = track.step.fixed_tags, self._mover.store
        members = self._tracks.members(target) if target.is_index else {}
        if track.action == "join":
            return lambda: join(work, target, members, fixed, store, tell)
        assert record is not None
        if job == "fetch":
            return lambda: jobs.fetch(work, target, record)
        if job == "test":
            workers, name = self._workers, target.name
            return lambda: jobs.test(work, target, record, tell, lambda facts: workers.note(Noted(name, facts)))
        if track.in_place:
            return lambda: Done(True)
        is_seen = track.step.action == "tag" and self._plan.is_checked
        return lambda: publish(work, target, record, fixed, store, is_seen, tell, members)

    def _guarded(self, job: JobName, name: TargetName, do: Callable[[], Done]) -> Ended:
        """In a worker thread: whatever happens, an end comes back."""
        begun = self._work.clock.ticks()
        try:
            done = do()
        except StackyardError as error:
            done = Done(False, failure=str(error), details=_hint_of(error))
        except OSError as error:  # a full disk, a file that may not be written: the system's own words
            place = f"{error.filename}: " if error.filename else ""
            done = Done(False, failure=f"{place}{error.strerror or error}")
        except BaseException as error:  # a defect of ours must not hang the run
            done = Done(False, failure=f"internal error in {job}: {type(error).__name__}: {error}")
        if not done.is_good and not done.log:
            done = msgspec.structs.replace(done, log=self._log_of(job, name))
        return Ended(job, name, done, begun - self._begun, self._work.clock.ticks() - begun)

    def _log_of(self, job: JobName, name: TargetName) -> str:
        """The log that a job has begun; empty if it came to none."""
        kind: LogKind = "build" if job == "build" else "test" if job == "test" else "push"
        there = (log for file in logs_of(name, kind) if (log := self._work.folder / file).exists())
        return next((self._work.shown(log) for log in there), "")

    # Results, in the driver's thread.

    def _take(self, ended: Ended) -> None:
        """Record what a job found, and keep it for the outcome."""
        track, done = self._tracks[ended.target], ended.done
        track.spent_s += ended.duration_s
        if ended.job in track.told:
            track.jobs += (JobTime(ended.job, ended.begun_s, ended.duration_s),)
        if done.built is not None:
            track.record = self._opened(track, done)
            track.same = done.equal is not None
        if done.found is not None:
            track.record, track.action = done.found, "reuse"
        if done.here is not None:
            track.record = done.here
        self._keep(track, done.facts, is_told=done.built is None)
        if track.turn is not None:
            track.turn.give_back()
        for place, reference, digest in done.tags:
            self._records.put_tag(place, reference, digest)
            track.tags += (reference,)
        if done.log:
            track.logs += (done.log,)
        self._remarks += done.remarks
        track.cause = (done.path, done.line)
        self._watch_ended(track, ended)

    def _keep(self, track: Track, facts: Iterable[Fact], is_told: bool = True) -> None:
        """Record facts, and keep them for the outcome.

        Args:
            is_told: False for those of an earlier build that are taken over.
        """
        for fact in facts:
            if track.record is not None:
                track.record = self._noted(track.record, fact)
            if is_told and isinstance(fact, Tested):
                track.tests += (fact,)
            if is_told and isinstance(fact, Inventoried):
                track.inventory += (fact,)

    def _noted(self, record: Record, fact: Fact) -> Record:
        """The record with a fact, kept where there is one to keep it with: an image may be tested that none knows."""
        if record.id:
            return self._records.append(record, fact)
        return msgspec.structs.replace(record, facts=(*record.facts, fact))

    def _watch_ended(self, track: Track, ended: Ended) -> None:
        text = ended.done.failure
        if ended.done.is_good and ended.job == "build":
            text = (
                "another run built it meanwhile" if ended.done.found else "same content as before" if track.same else ""
            )
        self._watch(
            JobEnded(
                ended.target,
                ended.job,
                ended.done.is_good,
                ended.duration_s,
                text,
                ended.done.details,
                ended.done.log,
                *track.cause,
            )
        )

    def _opened(self, track: Track, done: Done) -> Record:
        assert done.built is not None
        target = track.target
        build = build_fingerprint(target.inputs, dict(done.built.parents), dict(done.built.outside))
        return self._records.open_record(target.name, track.step.source, build, target.inputs, self._number, done.built)

    def _report_ended(self, ended: Ended) -> None:
        """The outcome of a target that is over now; by then the machine knows whether it is excused."""
        track, done = self._tracks[ended.target], ended.done
        if not done.is_good and not self._is_stopping.is_set():  # a job that was stopped has not failed
            status: Status = "untested" if done.is_untestable else "failed"
            self._end(track, status, failure=done.failure, details=done.details)
        elif self._machine.state(ended.target) == "good":
            self._end(track, STATUS[track.action])

    def _end(
        self,
        track: Track,
        status: Status,
        failure: str | None = None,
        details: tuple[str, ...] = (),
        because: TargetName | None = None,
    ) -> None:
        if track.outcome is None:
            track.outcome = self._tracks.outcome(track, status, self._is_excused(track), failure, details, because)
            self._watch(TargetEnded(track.outcome))

    def _final(self, step: Step) -> Outcome:
        """The outcome of a step; one that the run did not come to is skipped."""
        track = self._tracks.get(step.target)
        if track is None:
            return Outcome(step.target, "skipped", step.reasons)
        return track.outcome or self._tracks.outcome(track, "skipped", self._is_excused(track))

    def _is_excused(self, track: Track) -> bool:
        return self._machine.is_excused(track.target.name)

    # Moving tags.

    def _move(self, targets: tuple[TargetName, ...]) -> None:
        """Move the branch tags of a connected set."""
        wanted = [each for name in targets if (each := self._tracks.wanted(self._tracks[name])) is not None]
        try:
            done = self._mover.move(self._plan, self._number, self._work.clock.now(), wanted, self._records)
        except StackyardError as error:
            self._notes.append(f"moving tags were not moved: {error}")
            for name in targets:
                track = self._tracks[name]
                failure = f"its tags could not be moved: {error}"
                track.outcome = self._tracks.outcome(track, "failed", self._is_excused(track), failure)
            return
        if done is None:
            return
        for move in done.moves:
            track = self._tracks[move.target]
            track.tags += (move.reference,)
            if track.outcome is not None:
                track.outcome = msgspec.structs.replace(track.outcome, published=self._tracks.published(track))
        if done.changes:
            self._moved.append(done)
            self._watch(TagsMoved(done))


def _hint_of(error: StackyardError) -> tuple[str, ...]:
    return (f"hint: {error.hint}",) if error.hint else ()
