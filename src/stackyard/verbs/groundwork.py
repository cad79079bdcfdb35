# SPDX-License-Identifier: MIT
"""What `build`, `push` and `promote` do before they act: finish, resolve, look, assemble.

In:   a Yard
Out:  Known with bases accepted, Presence, Work
May touch: engine (two requests), registry (one HEAD per published target), records
Beside: verbs/__init__.py, which is imported for every command; this is not
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from stackyard.edges.engine import Engine
from stackyard.edges.process import Processes
from stackyard.edges.pytest_process import PytestRunner, turns_of
from stackyard.edges.turn import FOLDER
from stackyard.errors import ConfigError
from stackyard.inside.suites import Suites
from stackyard.load.sources import size_bytes
from stackyard.load.stack import Rereader
from stackyard.model.accepted import Acceptance
from stackyard.model.attesting import WHAT_CAN, attesting_note, told
from stackyard.model.bases import bases_of
from stackyard.model.building import CacheKinds
from stackyard.model.decide import Presence, too_old
from stackyard.model.inputs import identity
from stackyard.model.known import Known, ids_of
from stackyard.model.names import Tag, TargetName
from stackyard.model.plan import Note, Plan
from stackyard.model.reference import PublishedImage, is_content_tag
from stackyard.model.stack import Finding, Stack, Target
from stackyard.plan.graph import build_order, graph_of
from stackyard.plan.releases import digest_in
from stackyard.run.bases import accept_base
from stackyard.run.expect import Times, times_of
from stackyard.run.work import Work
from stackyard.verbs.journaling import journal_of
from stackyard.verbs.logs import RUNS
from stackyard.verbs.yard import Yard, settings_for

CONNECTIONS = 8


def accept_bases(yard: Yard, known: Known, planned: Iterable[TargetName]) -> Known:
    """Resolve each external base of what is built here that has no accepted digest yet, once, and write it down."""
    accepted = dict(known.accepted)
    for target in _built(yard.stack, planned):
        for base in target.external:
            if base.canonical not in accepted:
                is_for_several = target.name.platform is not None
                accepted[base.canonical] = accept_base(yard.engine, yard.registry, base, is_for_several)
                yard.records.accept([Acceptance(base.canonical, accepted[base.canonical], yard.clock.now())])
    return msgspec.structs.replace(known, accepted=accepted)


def _built(stack: Stack, planned: Iterable[TargetName]) -> list[Target]:
    """Those of `planned` that are not left alone: nobody needs the bases of the others."""
    return [target for target in map(stack.target, planned) if not target.is_left_alone]


def renew_bases(
    yard: Yard, known: Known, planned: Iterable[TargetName], refresh: bool, now: str
) -> tuple[Known, tuple[Finding, ...]]:
    """Accept what the registries have now: of each external base with `refresh`, else of those of images too old.

    The former is all or none. Of the latter, what nobody can tell stays as it was, and is told.
    """
    from stackyard.verbs.bases import refresh_for, renew_for

    targets = _built(yard.stack, planned)
    if refresh:
        return refresh_for(yard, known, bases_of(yard.stack, frozenset(target.name for target in targets))), ()
    due = frozenset(t.name for t in targets if too_old(t, known.records.get(t.name, ()), now))
    bases = [base for base in bases_of(yard.stack, due) if base.what == "base"]  # downloads: accept_downloads
    return renew_for(yard, known, bases) if bases else (known, ())


def accept_downloads(
    yard: Yard, known: Known, planned: Plan, compare: Callable[[Known], Plan]
) -> tuple[Plan, tuple[Finding, ...]]:
    """The plan once it is known what the downloads of all that is built give; a notice where nobody can tell.

    A base stays what it was accepted as, wherever its name moves. An address gives what it gives: an image that is
    built, for whatever reason, gets that, and so this is accepted before the engine fetches it.
    """
    from stackyard.verbs.bases import renew_for

    notes: tuple[Finding, ...] = ()
    asked: set[str] = set()
    while True:
        building = [step for step in planned.steps if step.action in ("build", "decide-later")]
        due = {each.address for step in building for each in step.downloads} - asked
        if not due:
            return planned, notes
        asked |= due
        needed = bases_of(yard.stack, frozenset(step.target for step in building))
        known, more = renew_for(yard, known, [base for base in needed if base.canonical in due], "build")
        notes += more
        planned = compare(known)  # an image that fetches the same is now built, too


def seen_in(
    yard: Yard, others: Mapping[str, Engine], planned: Iterable[TargetName], known: Known | None = None
) -> Presence:
    """What the engines have, each for what it keeps: an image in the store of another is of no use to it.

    Args:
        others: engines beside the one, by where they are.
        known: whose images are looked for; None: all that are there are wanted.
    """
    ids = None if known is None else ids_of(known)
    stores = {where: engine.present(ids) for where, engine in others.items()}
    homes = ((name, yard.stack.engine_of(yard.stack.target(name))) for name in planned) if stores else ()
    return Presence(yard.engine.present(ids), apart={name: stores[where] for name, where in homes if where in stores})


def look(
    yard: Yard,
    known: Known,
    seen: Presence,
    planned: Sequence[TargetName],
    publish: bool,
    on_published: bool = False,
) -> Presence:
    """Ask the registry for each published image that a plan may go on from, but for those of which it has told already.

    A content tag in a list of tags that was asked for anyway says as much as a request for its image.

    Args:
        seen: what the engines have.
        on_published: see Need.
    """
    published: dict[PublishedImage, Tag] = {}
    moving = set(planned)
    for name in build_order(graph_of(yard.stack), planned):
        target = yard.stack.target(name)
        repository, inputs = target.repository, identity(target.inputs)
        stands = target.is_left_alone or name not in moving
        for record in known.records.get(name, ()):
            is_wanted = record.pushed(repository) is not None or not on_published
            if stands and is_wanted and record.last_passed(target.suites) and record.built:
                stands = False  # its children are built on this one, whatever it was made from
            elif record.inputs != inputs:
                continue  # made from something else: no plan goes on from it, however old the stack is
            pushed = record.pushed(repository)
            is_needed = publish or (record.built is not None and not seen.is_here(name, record.built.image.id))
            if pushed is not None and is_needed:
                published[pushed.image] = pushed.tag
    listed = journal_of(yard, "registry").tags if publish else {}
    there = {
        image for image, tag in published.items() if is_content_tag(tag) and tag in listed.get(image.repository, ())
    }
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        unsure = published.keys() - there
        answers = pool.map(lambda image: (image, yard.registry.resolve(image.repository, image.digest)), unsure)
        there |= {image for image, digest in answers if digest is not None}
    return msgspec.structs.replace(seen, registry=frozenset(there))


def refuse_without_way(yard: Yard, plan: Plan) -> None:
    """ToolMissing, once, where an engine that is to build something cannot: no buildx, no such builder."""
    for engine in _building(yard, plan):
        engine.caches()  # asked of how client and engine build together, which is asked once


def refuse_unattested(yard: Yard, plan: Plan) -> None:
    """ConfigError, once, where an engine is to build what is published, and cannot attest what the spec says."""
    asked = yard.stack.attesting
    if asked is None or not plan.is_publishing:
        return
    for engine in _building(yard, plan):
        if not engine.attests():
            raise ConfigError(
                f"the spec asks for {told(asked.kinds)}, and {engine.about().name} makes none: nothing is published",
                hint=f"{WHAT_CAN}; or take `attestations` out of the spec",
            )


def notes_of_attesting(yard: Yard, plan: Plan) -> tuple[Note, ...]:
    """What of the spec's attestations is off here."""
    asked = yard.stack.attesting
    if asked is None or plan.is_publishing:
        return ()
    engines = (engine for engine in _building(yard, plan) if not engine.attests())
    return tuple(dict.fromkeys(attesting_note(asked, engine.about().name) for engine in engines))


def _building(yard: Yard, plan: Plan) -> list[Engine]:
    """The engines that are to build something."""
    steps = (step for step in plan.steps if step.action in ("build", "decide-later"))
    return list(map(yard.engine_for, dict.fromkeys(yard.stack.target(step.target).inputs.platform for step in steps)))


def work_of(yard: Yard, plan: Plan, number: int, use_cache: bool) -> Work:
    """What all jobs of a run share; makes the run's folder."""
    known = yard.planned_from or yard.records.known()
    about = yard.engine.about()
    folder = yard.state / RUNS / str(number)
    if number:
        folder.mkdir(parents=True, exist_ok=True)
    settings = settings_for(yard.place, yard.options)
    pytest = PytestRunner(Processes(yard.environ))
    turns = turns_of(yard.options.environ) or yard.state / FOLDER
    released = _sizes(yard, known) if any(target.checks for target in yard.stack.targets) else _none_released
    work = Work(
        root=yard.root,
        folder=folder,
        token=yard.token,
        stack=yard.stack,
        engine=yard.engine,
        about=about,
        registry=yard.registry,
        clock=yard.clock,
        run_suite=Suites(yard.root, yard.engine, about, pytest, yard.clock, released, turns),
        reread=Rereader(yard.place, yard.stack.revision, settings),
        is_publishing=plan.is_publishing,
        accepted=plan.accepted,
        records_of={name: tuple(records) for name, records in known.records.items()},
        use_cache=use_cache,
        find=yard.records.find,
        turns=yard.state / FOLDER,
        may_pull=yard.options.may_pull,
        cache_kinds=kinds_of_cache(yard),
        is_attesting=yard.stack.attesting is not None and yard.engine.attests(),
        times=_times(yard, plan, known),
        is_stamp_typed=yard.options.stamp is not None,
        overwrite=yard.options.overwrite,
        now=yard.clock.now(),
    )
    others = yard.engines_for(step.target for step in plan.steps if step.action != "skip")
    work.elsewhere = {
        where: msgspec.structs.replace(
            work,
            engine=engine,
            about=engine.about(),
            run_suite=Suites(yard.root, engine, engine.about(), pytest, yard.clock, released, turns),
            cache_kinds=kinds_of_cache(yard, engine),
            is_attesting=yard.stack.attesting is not None and engine.attests(),
            bases={},
        )
        for where, engine in others.items()
    }
    return work


def _none_released(_: TargetName) -> int | None:
    return None


def _sizes(yard: Yard, known: Known) -> Callable[[TargetName], int | None]:
    """How large the image of a target is in the newest release that has it."""
    found: dict[TargetName, int] = {}
    for release in yard.records.releases():  # newest first
        for member in release.members:
            for record in known.records.get(member.target, ()):
                if record.built and digest_in(record, member.repository, release.place) == member.digest:
                    found.setdefault(member.target, record.built.size_bytes)
    return found.get


def kinds_of_cache(yard: Yard, engine: Engine | None = None) -> CacheKinds:
    """What caches of the stack's can be used here; the engine is only asked where it names some."""
    if yard.stack.caching is None:
        return CacheKinds()
    from stackyard.model.caching import without_unreachable

    return without_unreachable((engine or yard.engine).caches(), frozenset(yard.options.environ))


def notes_of_cache(yard: Yard) -> tuple[Note, ...]:
    """What of the spec's caches is off here."""
    if yard.stack.caching is None:
        return ()
    from stackyard.model.caching import caches_off

    about = yard.engine.about()
    off = caches_off(yard.stack.caching, kinds_of_cache(yard), f"{about.name} with a {about.store} store")
    return tuple(Note("cache", sentence) for sentence in off)


def _times(yard: Yard, plan: Plan, known: Known) -> dict[TargetName, Times]:
    """What the jobs of a plan will take; build contexts are measured where no record tells more."""
    targets = {target.name: target for target in yard.stack.targets}
    planned = [targets[step.target] for step in plan.steps]
    actions = {step.target: step.action for step in plan.steps}
    new = [target for target in planned if actions[target.name] in ("build", "decide-later")]
    unknown = [target for target in new if not known.records.get(target.name)]
    sizes = {target.name: size_bytes(yard.root, target.counted_paths) for target in unknown}
    return times_of(planned, actions, known.records, sizes, plan.is_publishing)
