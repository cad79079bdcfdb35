# SPDX-License-Identifier: MIT
"""The library's verbs: where the stages meet. The command line calls these and nothing below them.

In:   a folder and Options, then a Yard and what is asked
Out:  values: Stack, Plan, RunSummary
May touch: what each verb says; `load`, `plan` and `history` need no engine, registry or network
Raises: StackyardError
Beside: verbs/yard, where a Yard comes from; verbs/promotion, which moves tags
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from stackyard.check.findings import in_order, refuse_errors, unreadable
from stackyard.edges import git, machine
from stackyard.errors import RecordProblem
from stackyard.model.decide import FORCED, Need, Presence
from stackyard.model.known import NOTHING_KNOWN, Known, as_in_engine
from stackyard.model.plan import Note, Plan, excused
from stackyard.model.policy import Ruling
from stackyard.model.progress import Watch, unwatched
from stackyard.model.stack import Finding, Stack
from stackyard.plan.compare import compare, fetched_parents
from stackyard.plan.selection import Selection, choose, refuse_orphans
from stackyard.verbs.yard import Options, Yard, images, is_large, load, path_in_repository, words

if TYPE_CHECKING:
    from stackyard.check.fixes import Fixed
    from stackyard.model.datahub import OldChange
    from stackyard.model.known import TagPlace
    from stackyard.model.outcome import RunSummary
    from stackyard.run.events import Limits
    from stackyard.run.stop import Stop

__all__ = [
    "Options",
    "Yard",
    "check",
    "fix",
    "images",
    "is_large",
    "last_change",
    "leave",
    "load",
    "path_in_repository",
    "plan",
    "prepare",
    "run",
    "strict",
    "unreadable",
    "words",
]


def check(yard: Yard) -> tuple[Finding, ...]:
    """Everything a person should know about the stack's files, errors first."""
    from stackyard.check.advice import advice_of
    from stackyard.load.unread import unread_findings

    unread = unread_findings(yard.place, yard.stack)
    known = NOTHING_KNOWN
    with contextlib.suppress(RecordProblem):  # files are checked without any; whoever needs them says what is wrong
        known = yard.records.known()
    return advice_of(yard.stack, git.branches(yard.root), (*unread, *_unseen(yard)), known)


def _unseen(yard: Yard) -> tuple[Finding, ...]:
    """A notice for each build context with files that no commit has."""
    if yard.unseen == git.NOTHING_UNSEEN:
        return ()
    from stackyard.load.unseen import unseen_findings  # most stacks have none

    unseen = yard.unseen
    return tuple(unseen_findings(yard.place, yard.stack, unseen.untracked, unseen.ignored, unseen.modules))


def fix(yard: Yard, findings: Sequence[Finding]) -> list[Fixed]:
    """Mend what can be mended without a doubt, each file written whole or not at all; what was done.

    The yard knows the files as they were: load it again. No file outside the stack's root is written.
    """
    from stackyard.check.fixes import FIXES, mended
    from stackyard.record.files import write_atomically

    done: list[Fixed] = []
    root = os.path.realpath(yard.root)
    for path in dict.fromkeys(finding.path for finding in findings if finding.code in FIXES):
        full = os.path.realpath(os.path.join(root, path))
        if not full.startswith(root + os.sep) or not os.path.isfile(full):
            continue
        with open(full, "rb") as file:
            text = file.read().decode()
        fresh, fixed = mended(text, [finding for finding in findings if finding.path == path])
        if fixed:
            write_atomically(full, fresh.encode())
            done.extend(fixed)
    if any(finding.code == "stale-stamp" for finding in findings):
        from stackyard.verbs.stamps import prune_stamps

        done.extend(prune_stamps(yard))
    return done


def strict(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The same findings, with warnings as errors."""
    changed = (msgspec.structs.replace(each, level="error") if each.level == "warning" else each for each in findings)
    return in_order(changed)


def plan(
    yard: Yard,
    images: Sequence[str] = (),
    publish: bool = False,
    rebuild: Sequence[str] = (),
    only: bool = False,
    with_children: bool = False,
) -> Plan:
    """What would happen to `images` (all by default) and all they build on. The records are believed.

    Offline, but for a clone that knows of no build yet: it asks once what others built, if a registry is named.

    Args:
        only: leave what they build on as it is.
        with_children: and to all that builds on them.
    """
    refuse_errors(yard.stack)
    ruling = _ruling(yard, publish)
    if ruling.left_alone:
        return _idle_plan(yard, ruling)
    chosen = choose(yard.stack, images, ruling.rebuilt(rebuild), only, with_children)
    if ruling.is_publishing:
        from stackyard.verbs.publishing import refuse_without_registry

        refuse_without_registry(yard)
    known, now = yard.records.known(), yard.clock.now()
    notes: tuple[Note, ...] = ()
    is_asking = known is NOTHING_KNOWN and yard.stack.asks_others  # a fresh clone: others may have built all of it
    if is_asking:
        known, notes = _learned(yard, known, chosen, ruling, now)
    planned = _compare(yard, known, chosen, Presence(), ruling, now)
    return msgspec.structs.replace(planned, notes=(*planned.notes, *notes), is_asked=is_asking and not notes)


def _ruling(yard: Yard, publish: bool) -> Ruling:
    """What the stack's policy says; without CI and without publishing it says nothing."""
    if yard.options.ci is None and not publish:
        return Ruling(publish)
    from stackyard.verbs.policy import ruling_of

    return ruling_of(yard.stack, yard.root, yard.options.ci, publish)


def _idle_plan(yard: Yard, ruling: Ruling) -> Plan:
    from stackyard.verbs.policy import idle_plan

    return idle_plan(yard.stack, ruling)


def _compare(yard: Yard, known: Known, chosen: Selection, presence: Presence, ruling: Ruling, now: str) -> Plan:
    planned = _compared(yard, known, chosen, presence, ruling, now)
    refuse_orphans(planned, chosen)
    if yard.stack.engines and not ruling.is_publishing:
        from stackyard.plan.afar import refuse_unpublished  # few stacks have several

        refuse_unpublished(yard.stack, known, planned)
    return planned


def _compared(yard: Yard, known: Known, chosen: Selection, presence: Presence, ruling: Ruling, now: str) -> Plan:
    forced_by, on_published = ruling.forced_by or FORCED, chosen.is_on_published
    stamp = yard.options.stamp or ""
    need = Need(
        ruling.is_publishing, chosen.rebuild, forced_by, now, bool(yard.options.overwrite), on_published, stamp=stamp
    )
    if yard.stack.attesting is not None:
        need = msgspec.structs.replace(need, attested=yard.stack.attesting.kinds)
    stack, notes = _taggable(yard, known, ruling)
    planned = compare(stack, known, chosen.targets, presence, need, chosen.is_only)
    if yard.options.build_args:
        from stackyard.check.variables import given_for_nothing

        notes = (*notes, *given_for_nothing(stack, yard.options.build_args))
    notes = (*notes, *excused(planned, {target.name for target in stack.targets if target.may_fail}))
    findings = (*planned.findings, *_unseen(yard))
    notes = (*notes, *fetched_parents(planned, known, presence))
    return msgspec.structs.replace(planned, notes=(*ruling.notes, *notes), findings=findings)


def _taggable(yard: Yard, known: Known, ruling: Ruling) -> tuple[Stack, tuple[Note, ...]]:
    """The stack with the tags that this run may give."""
    stack = ruling.stack_for(yard.stack)
    if ruling.pull_request is not None or not (known.channels or known.branches or stack.gates):
        return stack, ()
    from stackyard.model.held import without_held

    place: TagPlace = "registry" if ruling.is_publishing else "engine"
    return without_held(stack, known, place, lambda: git.branches(yard.root))


def prepare(
    yard: Yard,
    images: Sequence[str] = (),
    publish: bool = False,
    rebuild: Sequence[str] = (),
    only: bool = False,
    with_children: bool = False,
    refresh: bool = False,
    renew: bool = True,
    on_published: bool = False,
) -> Plan:
    """As `plan`, with engine and registry asked for what the records say is there, and bases resolved.

    First finishes what a killed command left half moved.

    Args:
        refresh: accept what external bases are now, and not only where none was accepted.
        renew: build what has become too old, and accept what its bases are now.
        on_published: as `only`, on what is published of them.
    """
    from stackyard.verbs.groundwork import (
        accept_bases,
        accept_downloads,
        look,
        notes_of_attesting,
        notes_of_cache,
        renew_bases,
        seen_in,
    )
    from stackyard.verbs.journaling import finish_moves
    from stackyard.verbs.publishing import refuse_publishing

    refuse_errors(yard.stack)
    ruling = _ruling(yard, publish)
    if ruling.left_alone:
        return _idle_plan(yard, ruling)
    chosen = choose(yard.stack, images, ruling.rebuilt(rebuild), only, with_children, on_published)
    if ruling.is_publishing:
        refuse_publishing(yard, chosen.planned)
    others = yard.engines_for(chosen.planned)
    for engine in (yard.engine, *others.values()):
        engine.about()
    finish_moves(yard, "registry" if ruling.is_publishing else "engine")
    now = yard.clock.now() if renew else ""
    known, unread = _learned(yard, yard.records.known(), chosen, ruling, now)
    known, notes = renew_bases(yard, known, chosen.planned, refresh, now)
    seen = seen_in(yard, others, chosen.planned, known)
    yard.planned_from = known = as_in_engine(accept_bases(yard, known, chosen.planned), seen)
    presence = look(yard, known, seen, chosen.planned, ruling.is_publishing, on_published)
    planned = _compare(yard, known, chosen, presence, ruling, now)
    if not refresh and any(step.downloads for step in planned.steps):
        planned, more = accept_downloads(
            yard, known, planned, lambda fresh: _compare(yard, fresh, chosen, presence, ruling, now)
        )
        notes += more
    off = (*notes_of_cache(yard), *notes_of_attesting(yard, planned)) if planned.has_work else ()
    notes_of_plan = (*planned.notes, *unread, *off)
    return msgspec.structs.replace(planned, notes=notes_of_plan, findings=(*planned.findings, *notes))


def _learned(yard: Yard, known: Known, chosen: Selection, ruling: Ruling, now: str) -> tuple[Known, tuple[Note, ...]]:
    """What is known once others were asked for what would be built; a note if they cannot be."""
    if not (yard.stack.asks_others or (ruling.is_publishing and yard.stack.shares_records)):
        return known, ()
    from stackyard.verbs.sharing import learn

    fresh, notes = learn(yard, _compared(yard, known, chosen, Presence(), ruling, now), chosen.is_on_published)
    return (yard.records.known() if fresh else known), notes


def run(
    yard: Yard,
    plan: Plan,
    command: str = "build",
    watch: Watch = unwatched,
    limits: Limits | None = None,
    use_cache: bool = True,
    is_failing_fast: bool = False,
    stop: Stop | None = None,
    is_ignoring_disk: bool = False,
) -> RunSummary:
    """Carry a prepared plan out; facts are recorded as they happen.

    Args:
        limits: how many jobs run at once; None: what this machine carries.
        is_failing_fast: start nothing more once something failed.
        stop: what a handler of signals tells that the run is to end; its summary says so.
        is_ignoring_disk: begin although the disk is too small, by the records.
    """
    if plan.is_idle:
        return leave(yard, plan, command)
    from stackyard.run.driver import Driver
    from stackyard.run.moving import Mover
    from stackyard.run.pace import paced
    from stackyard.run.stop import Stop
    from stackyard.verbs.groundwork import refuse_unattested, refuse_without_way, work_of
    from stackyard.verbs.journaling import journal_of
    from stackyard.verbs.leftovers import living
    from stackyard.verbs.room import free_bytes, free_now, refuse_without_room
    from stackyard.verbs.sharing import shared_store

    stop = stop or Stop()
    with stop.heard(), living(yard) as clear_up:
        free = free_bytes(yard, plan)
        if not is_ignoring_disk:
            refuse_without_room(yard, plan)
        refuse_without_way(yard, plan)
        refuse_unattested(yard, plan)
        started = yard.clock.now()
        number = yard.records.begin_run(command, started) if plan.has_work else 0
        work = work_of(yard, plan, number, use_cache)
        place: TagPlace = "registry" if plan.is_publishing else "engine"
        mover = Mover(yard.tags(place), journal_of(yard, place))
        limits = limits or usual_limits(yard, plan)
        shared = shared_store(yard) if plan.is_publishing else None
        driver = Driver(plan, work, shared or yard.records, mover, limits, watch, number, is_failing_fast, stop=stop)
        summary = paced(driver.run(command, started), plan, limits)
        if summary.is_interrupted or summary.failed:
            clear_up()
        remarks = (*(n.sentence for n in plan.notes), *summary.remarks, *(shared.flush() if shared else ()))
        if yard.stack.inventories and plan.is_publishing and not summary.is_interrupted:
            from stackyard.verbs.documents import look_into

            published = [outcome.target for outcome in summary.outcomes if outcome.published]
            remarks = (*remarks, *look_into(yard, published))
        summary = msgspec.structs.replace(summary, remarks=remarks)
        if free is not None:
            summary = msgspec.structs.replace(summary, free_before_bytes=free, free_after_bytes=free_now(yard.engine))
        if yard.stack.stamp_files:
            from stackyard.verbs.stamps import write_stamps

            summary = write_stamps(yard, plan, summary)
        if plan.has_work:
            yard.records.end_run(summary)
        return summary


def usual_limits(yard: Yard, plan: Plan | None = None) -> Limits:
    """How many jobs this machine carries at once, as it is now; with a plan that builds the engine's disk counts."""
    from stackyard.run.limits import usual
    from stackyard.verbs.room import free_bytes

    return usual(machine.size(free_bytes(yard, plan) if plan is not None else None))


def leave(yard: Yard, plan: Plan, command: str) -> RunSummary:
    """The summary of a run that the stack's policy keeps from doing anything; nothing is touched."""
    from stackyard.verbs.policy import idle_run

    return idle_run(yard, plan, command)


def last_change(yard: Yard) -> OldChange:
    """The commit that is checked out against the one before it."""
    from stackyard.edges.git_changes import last_change

    return last_change(yard.root, None, yard.place.images)
