# SPDX-License-Identifier: MIT
"""The library's verbs: where the stages meet. The command line calls these and nothing below them.

In:   a folder and Options, then a Yard and what is asked
Out:  values: Stack, Plan, RunSummary, MoveSet
May touch: what each verb says; `load`, `plan` and `history` need no engine, registry or network
Raises: StackyardError
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stackyard.check.findings import in_order, refuse_errors
from stackyard.check.findings import unreadable as unreadable
from stackyard.edges import git, machine
from stackyard.edges.clock import Clock, SystemClock
from stackyard.errors import NoHistory, StackyardError
from stackyard.load.stack import Settings, load_stack, read_names
from stackyard.load.tree.place import Place, find
from stackyard.model.decide import FORCED, Need, Presence
from stackyard.model.ecr import Stamp
from stackyard.model.known import Known
from stackyard.model.plan import Note, Plan
from stackyard.model.policy import Ruling
from stackyard.model.progress import Watch, unwatched
from stackyard.model.reference import Platform
from stackyard.model.stack import Finding, GivenArgument, GivenBase, Revision, Stack, Target
from stackyard.plan.compare import compare
from stackyard.plan.selection import Selection, choose, refuse_orphans, select, selectable
from stackyard.record.sqlite import SqliteRecords
from stackyard.record.store import Records

if TYPE_CHECKING:
    from stackyard.check.fixes import Fixed
    from stackyard.edges.downloads import Downloads
    from stackyard.edges.engine import Engine
    from stackyard.edges.git_index import Look
    from stackyard.edges.registry import Registry
    from stackyard.model.ci import Ci
    from stackyard.model.known import TagPlace
    from stackyard.model.moves import MoveSet
    from stackyard.model.outcome import RunSummary
    from stackyard.run.events import Limits
    from stackyard.run.tagging import TagStore

STATE_FOLDER = ".stackyard"
RECORDS_FILE = "records.sqlite3"


class Options(msgspec.Struct, frozen=True):
    """What a caller may decide about a stack as a whole."""

    ci: Ci | None = None
    """What CI says of its run; None: this is none."""
    registry: str | None = None
    """Publish below this registry, whatever the spec names."""
    images: str | None = None
    """The images folder, relative to where the stack is looked for; None: it is found."""
    platform: Platform | None = None
    """None: this machine's own."""
    account: str | None = None
    """The AWS account whose private registry images are in, where the spec names none."""
    region: str | None = None
    stamp: str | None = None
    """The stamp in tags of versions; None: now."""
    build_args: tuple[GivenArgument, ...] = ()
    """Build arguments that win over those of the files."""
    bases: tuple[GivenBase, ...] = ()
    """What images are built on in place of what their Dockerfiles say."""
    needs_history: bool = True
    """Whether there has to be a commit; without one the files are still there to be looked at."""
    environ: Mapping[str, str] = {}
    """What engine and registry are found with: DOCKER_HOST, DOCKER_CONFIG, proxies."""


class Yard:
    """A stack with its records and its ways to the world outside; engine and registry are reached when first used."""

    def __init__(
        self,
        place: Place,
        stack: Stack,
        records: Records,
        options: Options,
        clock: Clock,
        make_engine: Callable[[Mapping[str, str]], Engine] | None = None,
        make_registry: Callable[[Mapping[str, str]], Registry] | None = None,
    ) -> None:
        self.place = place
        self.stack = stack
        self.records = records
        self.options = options
        self.clock = clock
        self._make_engine = make_engine
        self._make_registry = make_registry

    @property
    def root(self) -> Path:
        """The folder that holds the images folder."""
        return self.place.root

    @property
    def state(self) -> Path:
        """Where records and logs are."""
        return self.root / STATE_FOLDER

    @cached_property
    def engine(self) -> Engine:
        """The engine; EngineUnavailable when it is first used and nobody answers."""
        if self._make_engine is not None:
            return self._make_engine(self.options.environ)
        from stackyard.edges.docker import DockerEngine

        return DockerEngine(self.options.environ)

    @cached_property
    def registry(self) -> Registry:
        """All registries."""
        if self._make_registry is not None:
            return self._make_registry(self.options.environ)
        from stackyard.edges.oci import OciRegistry

        return OciRegistry(self.options.environ)

    @cached_property
    def downloads(self) -> Downloads:
        """What addresses give."""
        from stackyard.edges.downloads import Downloads

        return Downloads(self.options.environ)

    def tags(self, place: TagPlace) -> TagStore:
        """Where tags of this stack are moved."""
        from stackyard.run.tagging import EngineTags, RegistryTags

        return RegistryTags(self.registry) if place == "registry" else EngineTags(self.engine)


def load(
    start: Path,
    options: Options | None = None,
    clock: Clock | None = None,
    make_engine: Callable[[Mapping[str, str]], Engine] | None = None,
    make_registry: Callable[[Mapping[str, str]], Registry] | None = None,
    look: Look | None = None,
) -> Yard:
    """Read the stack that `start` lies in. Touches disk and git only.

    Args:
        look: git, if it was asked already what lies on disk.
    """
    options = options or Options()
    place = find(start, options.images)
    there, memory, status = place, None, None
    if git.has_many_files(place.root):
        from stackyard.verbs.snapshot import keep, memory_for, snapshot_of

        there, status = snapshot_of(place, options, look) or (place, None)
        memory = memory_for(place.root, options)
    revision = revision_of(place, options, status)
    clock = clock or SystemClock()
    revision = msgspec.structs.replace(revision, stamp=options.stamp or Stamp.at(datetime.fromisoformat(clock.now())))
    settings = settings_for(place, options)
    stack = load_stack(there, revision, settings, memory=memory)
    if not revision.is_dirty and _is_changed_outside(place, stack):
        stack = load_stack(there, msgspec.structs.replace(revision, is_dirty=True), settings, memory=memory)
    if memory is not None:
        keep(place.root, memory)
    records = SqliteRecords(place.root / STATE_FOLDER / RECORDS_FILE, settings.platform)
    return Yard(place, stack, records, options, clock, make_engine, make_registry)


def is_large(start: Path, options: Options) -> bool:
    """Whether the stack that `start` lies in is in a repository of thousands of files; no process is started."""
    try:
        return git.has_many_files(find(start, options.images).root)
    except StackyardError:
        return False


def settings_for(place: Place, options: Options) -> Settings:
    """What reading a stack needs of what the caller decided."""
    return Settings(
        options.platform or machine.native_platform(),
        options.registry,
        options.account,
        options.region,
        options.build_args,
        options.bases,
        find_remote=lambda: git.remote(place.root),
    )


def words(start: Path, options: Options | None = None) -> tuple[str, ...]:
    """What commands can name in the stack that `start` lies in; reads the files that list images, and no more."""
    return selectable(*read_names(find(start, (options or Options()).images)))


def images(start: Path, options: Options | None = None) -> tuple[str, ...]:
    """Names of the images, read in the same way."""
    names, _ = read_names(find(start, (options or Options()).images))
    return tuple(dict.fromkeys(str(name.image) for name in names))


def revision_of(place: Place, options: Options, status: str | None = None) -> Revision:
    """What git says of the files, and CI of the branch; nothing, for who does not need it.

    Args:
        status: what git said already, if it was asked.
    """
    if options.ci is None:
        branch = None
    else:
        from stackyard.model.ci import as_ci_says

        branch = options.ci.branch
    try:
        revision = git.revision(place.root, place.images, branch, status)
        return revision if options.ci is None else as_ci_says(revision, options.ci)
    except NoHistory:
        if options.needs_history:
            raise
        return Revision("0" * 40, branch, is_dirty=True)


def _is_changed_outside(place: Place, stack: Stack) -> bool:
    """Whether files that images are made from, and that lie outside the images folder, differ from the commit."""
    inside = f"{place.path()}/"
    outside = [
        target
        for target in stack.targets
        if place.images != "." and not all(f"{path}/".startswith(inside) for path in _places(target))
    ]
    if not outside:
        return False
    counts = {path for target in outside for path in (*target.counted_paths, target.dockerfile)}
    return git.is_changed(place.root, sorted({path for target in outside for path in _places(target)}), counts)


def _places(target: Target) -> tuple[str, ...]:
    """Files and folders that a target is made from."""
    return (target.context, target.dockerfile, *(target.staging.roots if target.staging else ()))


def check(yard: Yard) -> tuple[Finding, ...]:
    """Everything a person should know about the stack's files, errors first."""
    from stackyard.check.advice import advice_of
    from stackyard.edges.git_tree import unseen_paths
    from stackyard.load.unread import unread_findings
    from stackyard.load.unseen import unseen_findings

    unread = unread_findings(yard.place, yard.stack)
    unseen = unseen_findings(yard.place, yard.stack, *unseen_paths(yard.root))
    return advice_of(yard.stack, git.branches(yard.root), (*unread, *unseen))


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


def path_in_repository(yard: Yard) -> str:
    """Where the stack lies below the top of its repository; empty for the top."""
    return git.path_in_repository(yard.root)


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
    """What would happen to `images` (all by default) and all they build on. Offline: the records are believed.

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
    return _compare(yard, yard.records.known(), chosen, Presence(), ruling, yard.clock.now())


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
    need = Need(publish=ruling.is_publishing, rebuild=chosen.rebuild, forced_by=ruling.forced_by or FORCED, now=now)
    stack, notes = _taggable(yard, known, ruling)
    planned = compare(stack, known, chosen.targets, presence, need, chosen.is_only)
    refuse_orphans(planned, chosen)
    if yard.options.build_args:
        from stackyard.check.variables import given_for_nothing

        notes = (*notes, *given_for_nothing(stack, yard.options.build_args))
    return msgspec.structs.replace(planned, notes=(*ruling.notes, *notes))


def _taggable(yard: Yard, known: Known, ruling: Ruling) -> tuple[Stack, tuple[Note, ...]]:
    """The stack with the tags that this run may give."""
    stack = ruling.stack_for(yard.stack)
    if ruling.pull_request is not None or not (known.channels or known.branches):
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
) -> Plan:
    """As `plan`, with engine and registry asked for what the records say is there, and bases resolved.

    First finishes what a killed command left half moved.

    Args:
        refresh: accept what external bases are now, and not only where none was accepted.
        renew: build what has become too old, and accept what its bases are now.
    """
    from stackyard.verbs.groundwork import accept_bases, accept_downloads, finish_moves, look, renew_bases
    from stackyard.verbs.publishing import refuse_publishing

    refuse_errors(yard.stack)
    ruling = _ruling(yard, publish)
    if ruling.left_alone:
        return _idle_plan(yard, ruling)
    chosen = choose(yard.stack, images, ruling.rebuilt(rebuild), only, with_children)
    if ruling.is_publishing:
        refuse_publishing(yard, chosen.planned)
    finish_moves(yard)
    yard.engine.about()
    now = yard.clock.now() if renew else ""
    known, notes = renew_bases(yard, yard.records.known(), chosen.planned, refresh, now)
    known = accept_bases(yard, known, chosen.planned)
    presence = look(yard, known, chosen.planned, ruling.is_publishing)
    planned = _compare(yard, known, chosen, presence, ruling, now)
    if not refresh and any(step.downloads for step in planned.steps):
        planned, more = accept_downloads(
            yard, known, planned, lambda fresh: _compare(yard, fresh, chosen, presence, ruling, now)
        )
        notes += more
    return msgspec.structs.replace(planned, findings=(*planned.findings, *notes)) if notes else planned


def run(
    yard: Yard,
    plan: Plan,
    command: str = "build",
    watch: Watch = unwatched,
    limits: Limits | None = None,
    use_cache: bool = True,
) -> RunSummary:
    """Carry a prepared plan out; facts are recorded as they happen."""
    if plan.is_idle:
        return leave(yard, plan, command)
    from stackyard.run.driver import Driver
    from stackyard.run.events import Limits
    from stackyard.verbs.groundwork import work_of

    started = yard.clock.now()
    number = yard.records.begin_run(command, started) if plan.has_work else 0
    work = work_of(yard, plan, number, use_cache)
    store = yard.tags("registry" if plan.is_publishing else "engine")
    driver = Driver(plan, work, yard.records, store, limits or Limits(builds=machine.cores()), watch, number)
    summary = driver.run(command, started)
    summary = msgspec.structs.replace(summary, remarks=(*(n.sentence for n in plan.notes), *summary.remarks))
    if yard.stack.stamp_files:
        from stackyard.verbs.stamps import write_stamps

        summary = write_stamps(yard, plan, summary)
    if plan.has_work:
        yard.records.end_run(summary)
    return summary


def leave(yard: Yard, plan: Plan, command: str) -> RunSummary:
    """The summary of a run that the stack's policy keeps from doing anything; nothing is touched."""
    from stackyard.verbs.policy import idle_run

    return idle_run(yard, plan, command)


def plan_promotion(yard: Yard, source: str, channel: str, images: Sequence[str] = ()) -> MoveSet:
    """The moves that would put `channel` on what `source` (a tag, a commit) is; nothing is moved yet."""
    from stackyard.plan.channels import find_sources, place_of, plan_promotion
    from stackyard.verbs.groundwork import finish_moves

    refuse_errors(yard.stack)
    finish_moves(yard)
    known = yard.records.known()
    place = place_of(yard.stack, known)
    sources = find_sources(yard.stack, known, source, select(yard.stack, images), place)
    runs = [moves for moves in yard.records.move_sets("", "done") if moves.kind == "run"]
    resolve, now = yard.tags(place).resolve, yard.clock.now()
    return plan_promotion(yard.stack, known, source, sources, channel, place, resolve, now, runs)


def plan_rollback(yard: Yard, channel: str) -> MoveSet:
    """The moves that would bring `channel` back to what it was before its current set."""
    from stackyard.plan.channels import plan_rollback
    from stackyard.verbs.groundwork import finish_moves

    finish_moves(yard)
    history = yard.records.move_sets(channel, "done")
    place = history[0].place if history else "engine"
    return plan_rollback(channel, history, yard.tags(place).resolve, yard.clock.now())


def move(yard: Yard, moves: MoveSet) -> MoveSet:
    """Carry a planned promotion or rollback out: all tags or none."""
    from stackyard.run.tagging import carry_out

    return carry_out(moves, yard.tags(moves.place), yard.records)


def channels(yard: Yard) -> dict[str, MoveSet]:
    """What each channel points at: its last promotion that was not rolled back."""
    from stackyard.plan.channels import standing_sets

    return standing_sets(yard.records.move_sets(state="done"))
