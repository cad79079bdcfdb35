# SPDX-License-Identifier: MIT
"""Tests of images that are there: nothing is built, named or published.

In:   a Yard, images, kinds of tests; which images are meant: those built last, those of a tag, any of an engine
Out:  Trial (what would run where), then RunSummary
May touch: the engine (fetches what is only published), records, the run's folder; the registry where it names images
Raises: NothingToDo where there is no image, or no tests of that kind; UnknownName, InvalidValue
Why: docs/explanation/records.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from stackyard.check.findings import refuse_errors
from stackyard.edges.traces import prefix_of
from stackyard.errors import ConfigError, NothingToDo
from stackyard.model import canonical
from stackyard.model.content import content_digest
from stackyard.model.decide import Decision, Need, Presence, open_gates
from stackyard.model.details import Suite
from stackyard.model.known import Known, as_in_engine
from stackyard.model.names import Digest, Tag, TargetName, nearest
from stackyard.model.plan import Note, Plan
from stackyard.model.progress import Watch, unwatched
from stackyard.model.reason import ContentGone, Forced, StillPassed
from stackyard.model.record import Built, Record, Tested
from stackyard.model.reference import LocalImage, Reference
from stackyard.model.stack import Stack, Target
from stackyard.plan.channels import find_sources, place_of
from stackyard.plan.compare import compare, step_of
from stackyard.plan.releases import find_release
from stackyard.plan.selection import select
from stackyard.run.driver import Driver
from stackyard.run.moving import Mover
from stackyard.run.stop import Stop
from stackyard.verbs.gates import bring, refuse_gate
from stackyard.verbs.groundwork import seen_in, work_of
from stackyard.verbs.journaling import journal_of
from stackyard.verbs.leftovers import living
from stackyard.verbs.sharing import catch_up, shared_store, sync_once

if TYPE_CHECKING:
    from stackyard.edges.engine import Engine
    from stackyard.model.content import ImageFacts
    from stackyard.model.outcome import RunSummary
    from stackyard.run.events import Limits
    from stackyard.verbs.yard import Yard

RETEST = "--retest"
MANUAL = "manual"
"""What people call tests that only people run."""


class Trial(msgspec.Struct, frozen=True):
    """Which suites are to run on which images."""

    plan: Plan
    stack: Stack
    """Its targets have the suites that are meant, and nothing builds on anything."""
    known: Known
    is_retesting: bool
    gate: str = ""
    strangers: tuple[Reference, ...] = ()
    """Names that images of no record were given, until they are tested."""


class _Chosen(msgspec.Struct, frozen=True):
    """The image that is meant for a target."""

    target: Target
    record: Record
    is_here: bool


def prepare(
    yard: Yard,
    images: Sequence[str] = (),
    kinds: Sequence[str] = (),
    image: str = "",
    is_retesting: bool = False,
    gate: str = "",
) -> Trial:
    """What would run: suites of `kinds` (by default all that must pass) on images that are there.

    Args:
        image: which: a tag, a commit or a release of the stack; for one image also a reference or a local id. Empty:
            those that were built last.
        is_retesting: also what passed on this very image.
        gate: what the results are to be reported to.
    """
    refuse_errors(yard.stack)
    if gate:
        refuse_gate(yard, gate, images)
    if MANUAL in kinds:
        _refuse_manual(yard, images)
    targets = _targets(yard.stack, images, kinds)
    known = yard.records.known()
    others = yard.engines_for(target.name for target in targets)
    notes: list[Note] = []
    strangers: tuple[Reference, ...] = ()
    if image and _is_reference(image):
        seen = seen_in(yard, others, [target.name for target in targets])
        known = as_in_engine(known, seen)
        found = [_named(yard, targets, image, known)]
        strangers = tuple(each.record.built.local for each in found if not each.record.id and each.record.built)
        known = msgspec.structs.replace(known, records={**known.records, **{c.target.name: [c.record] for c in found}})
    else:
        if image:
            known = _learned(yard, image, targets)
        elif yard.stack.asks_others and not any(known.records.get(target.name) for target in targets):
            catch_up(yard)
            known = yard.records.known()
        seen = seen_in(yard, others, [target.name for target in targets])
        known = as_in_engine(known, seen)
        records = _tagged(yard, known, targets, image) if image else _wanted(yard, known, seen, targets)
        found = [_chosen(target, known, seen, records.get(target.name)) for target in targets]
        notes += () if image else _outdated(found, records)
    yard.planned_from = known
    now = yard.clock.now()
    decisions = {each.target.name: _decision(each, now, is_retesting) for each in found}
    alone = {each.target.name: _alone(each.target) for each in found}
    stack = msgspec.structs.replace(
        yard.stack, targets=tuple(alone.get(each.name, each) for each in yard.stack.targets)
    )
    steps = (
        msgspec.structs.replace(
            step_of(yard.stack, alone[name], decision, {name: _source(decision)}, ((), ()), None, {}),
            is_only_tested=True,
        )
        for name, decision in decisions.items()
    )
    plan = Plan(yard.stack.name, yard.stack.revision, tuple(steps), False, True, notes=tuple(notes))
    return Trial(plan, stack, known, is_retesting, gate, strangers)


def run(
    yard: Yard, trial: Trial, watch: Watch = unwatched, limits: Limits | None = None, stop: Stop | None = None
) -> RunSummary:
    """Run the suites; each result is recorded as it comes, with the record of its image, if any knows it."""
    from stackyard.verbs import usual_limits

    stop, plan = stop or Stop(), trial.plan
    with stop.heard(), living(yard) as clear_up:
        started = yard.clock.now()
        number = yard.records.begin_run("test", started) if plan.has_work else 0
        work = work_of(yard, plan, number, use_cache=True)
        for each in (work, *work.elsewhere.values()):
            each.stack, each.is_retesting = trial.stack, trial.is_retesting
        shared = shared_store(yard) if any(record.is_published for record in _records(trial)) else None
        mover = Mover(yard.tags("engine"), journal_of(yard, "engine"))
        limits = limits or usual_limits(yard)
        driver = Driver(plan, work, shared or yard.records, mover, limits, watch, number, stop=stop)
        try:
            summary = driver.run("test", started)
        finally:
            for name in trial.strangers:
                yard.engine.untag(name)
        if summary.is_interrupted or summary.failed:
            clear_up()
        remarks = (*(note.sentence for note in plan.notes), *summary.remarks, *(shared.flush() if shared else ()))
        if trial.gate and not summary.is_interrupted:
            remarks += tuple(_reported(yard, trial))
        summary = msgspec.structs.replace(summary, remarks=remarks)
        if plan.has_work:
            yard.records.end_run(summary)
        return summary


def _reported(yard: Yard, trial: Trial) -> Iterator[str]:
    """Bring the results to the gate: of each image all that was asked for has to have a result."""
    known = {each.id: each for records in yard.records.known().records.values() for each in records}
    results: list[tuple[Target, Record, list[Tested]]] = []
    for step in trial.plan.steps:
        target, record = trial.stack.target(step.target), known.get(step.record or "")
        tests = [result for suite in target.suites if record and (result := record.tested(suite))]
        if record is None or len(tests) < len(target.suites):
            yield f"gate {trial.gate}: nothing reported of {step.target}, some of whose tests have no result"
        elif not record.is_published:
            yield f"gate {trial.gate}: nothing reported of {step.target}, which is not published"
        else:
            results.append((target, record, tests))
    for noted in bring(yard, trial.gate, results):
        yield f"gate {trial.gate}: {noted.images[0].target}: {noted.fact}, {noted.asked}"
        yield from noted.problems


def _records(trial: Trial) -> Iterator[Record]:
    ids = {step.record for step in trial.plan.steps}
    return (record for records in trial.known.records.values() for record in records if record.id in ids)


# Which targets, with which suites.


def _targets(stack: Stack, images: Sequence[str], kinds: Sequence[str]) -> list[Target]:
    """The chosen targets with the suites of these kinds; of what joins platforms, what it joins."""
    selected = select(stack, images)
    parts = {
        part for target in stack.targets if target.is_index and target.name in selected for part in target.parent_names
    }
    chosen = [each for each in stack.targets if each.name in selected | parts and not each.is_index]
    if not images:
        chosen = [target for target in chosen if not target.is_left_alone]
    found = [target.with_suites(_of_kinds(target, kinds)) for target in chosen]
    found = [target for target in found if target.suites]
    if not found:
        what = f"no tests of the kind {' or '.join(kinds)}" if kinds else "no tests"
        who = ", ".join(images) if images else "the stack"
        there = sorted({suite.kind for target in chosen for suite in target.every_suite})
        hint = f"there are: {', '.join(there)}" if there else "put tests into the folder `test/` of an image"
        raise NothingToDo(f"{who} has {what}", hint=hint, kinds=tuple(kinds))
    return found


def _refuse_manual(yard: Yard, images: Sequence[str]) -> None:
    """NothingToDo, with the folders of tests that wait for a person."""
    chosen = select(yard.stack, images)
    names = dict.fromkeys(each.image for each in yard.stack.targets if each.name in chosen)
    folders = [f"{yard.stack.images_folder}/{name}/manual_tests" for name in names]
    there = [folder for folder in folders if (yard.root / folder).is_dir()]
    if not there:
        raise NothingToDo(f"{', '.join(images) or 'the stack'} has no folder `manual_tests`", kinds=(MANUAL,))
    raise NothingToDo(
        f"manual tests are for people, and nothing was run: {', '.join(there)}",
        hint="`stackyard shell IMAGE` opens an image; `stackyard gate approve` notes that they passed",
        kinds=(MANUAL,),
    )


def _of_kinds(target: Target, kinds: Sequence[str]) -> tuple[Suite, ...]:
    return tuple(suite for suite in target.every_suite if suite.kind in kinds) if kinds else target.suites


def _alone(target: Target) -> Target:
    """The target as if it built on nothing: one image's tests say nothing of another's."""
    return msgspec.structs.replace(target.with_inputs(msgspec.structs.replace(target.inputs, parents=())), prune=False)


# Which image.


def _is_reference(image: str) -> bool:
    return any(sign in image for sign in "/:@")


def _wanted(yard: Yard, known: Known, seen: Presence, targets: Sequence[Target]) -> dict[TargetName, Record]:
    """The images that the files give, of those that are known."""
    names = frozenset(target.name for target in targets)
    planned = compare(yard.stack, known, names, seen, Need())
    found = {(each.id, each.target): each for records in known.records.values() for each in records}
    pairs = ((step.target, found.get((step.record or "", step.target))) for step in planned.steps)
    return {name: record for name, record in pairs if name in names and record is not None}


def _chosen(target: Target, known: Known, seen: Presence, record: Record | None) -> _Chosen:
    """The image of a record, else of the newest build, that is in the engine or in the registry."""
    for each in [record] if record is not None else known.records.get(target.name, ()):
        is_here = each.built is not None and seen.is_here(target.name, each.built.image.id)
        if is_here or (each.built is not None and each.pushed(target.repository) is not None):
            return _Chosen(target, each, is_here)
    raise NothingToDo(
        f"there is no image of {target.name} to test: it was not built here, and nothing published is known",
        hint=f"`stackyard build {target.name}` makes one; --image REF names any other",
        target=str(target.name),
    )


def _outdated(found: Sequence[_Chosen], wanted: Mapping[TargetName, Record]) -> Iterator[Note]:
    """A word where the files would give another image than the one that is tested."""
    changed = [str(each.target.name) for each in found if each.target.name not in wanted]
    if changed:
        what = f"{', '.join(changed)}: tested as built last, and the files are others since"
        yield Note("tested-as-built", f"{what}; `stackyard build` builds and tests them as they are")


def _learned(yard: Yard, asked: str, targets: Sequence[Target]) -> Known:
    """What is known once `asked` is, if others know it."""
    if not yard.stack.shares_records:
        return yard.records.known()
    sync_once(yard)
    known = yard.records.known()
    try:
        _tagged(yard, known, targets, asked)
    except NothingToDo:
        catch_up(yard)
        known = yard.records.known()
    return known


def _tagged(yard: Yard, known: Known, targets: Sequence[Target], asked: str) -> dict[TargetName, Record]:
    """The records of what a tag, a commit or a release is; of an image for several platforms, of what it joins."""
    release = find_release(yard.records.releases(), asked)
    wholes = {part: each for each in yard.stack.targets if each.is_index for part in each.parent_names}
    names = frozenset(wholes.get(target.name, target).name for target in targets)
    sources = find_sources(yard.stack, known, asked, names, place_of(yard.stack, known), release, verb="test")
    found: dict[TargetName, Record] = {}
    for source in sources:
        for target, record in source.members or ((source.target, source.record),):
            if record is not None:
                found[target.name] = record
    for target in targets:
        if target.name not in found:
            raise NothingToDo(f"no record knows {target.name} of {asked}", hint="`stackyard records sync` may learn it")
    return found


def _named(yard: Yard, targets: Sequence[Target], image: str, known: Known) -> _Chosen:
    """Any image, by what docker calls it; with its record, where one knows it."""
    if len(targets) != 1:
        names = ", ".join(str(target.name) for target in targets[:6])
        raise ConfigError(
            f"{image} is one image, and the tests of {len(targets)} are meant",
            hint=f"name the one whose tests it shall pass: {names}",
        )
    target = targets[0]
    engine = yard.engine_for(target.inputs.platform)
    facts = engine.inspect(image)
    if facts is None and not image.startswith("sha256:"):
        reference = Reference.parse(image)
        digest = reference.digest or yard.registry.resolve(reference.repository, reference.tag or Tag("latest"))
        if digest is not None:
            exact = Reference(reference.repository, None, digest)
            facts = engine.inspect(str(exact)) or _fetched(yard, engine, exact)
    if facts is None:
        near = nearest(image, [str(each.built.local) for each in known.records.get(target.name, ()) if each.built])
        raise NothingToDo(
            f"neither the engine nor a registry has {image}",
            hint=f"did you mean {near}?" if near else "docker images lists what the engine has",
            image=image,
        )
    content = content_digest(facts)
    for record in known.records.get(target.name, ()):
        if record.built is not None and (record.built.image == facts.image or record.built.content == content):
            return _Chosen(target, record.with_image(facts.image), True)
    tag = Tag(f"{prefix_of(yard.token)}{canonical.digest(target.name).hex[:8]}")
    local = Reference(target.repository, tag)
    engine.tag(facts.image, local)
    built = Built(yard.clock.now(), LocalImage(facts.image.id), content, local, (), (), 0.0, facts.size_bytes, "", "")
    none = Digest("")
    return _Chosen(target, Record("", target.name, none, none, none, 0, (built,)), True)


def _fetched(yard: Yard, engine: Engine, exact: Reference) -> ImageFacts | None:
    """What is there after a pull; if that is killed, the next run removes what it left: a login that it was lent."""
    with living(yard):
        return engine.inspect(str(engine.pull(exact).id))


# What is to be done.


def _decision(chosen: _Chosen, now: str, is_retesting: bool) -> Decision:
    target, record = chosen.target, chosen.record
    gates = (Forced(RETEST),) if is_retesting else open_gates(target, record, now)
    if not gates:
        vouched = [record.adopted.at] if record.adopted else []
        times = [result.at for suite in target.suites if (result := record.tested(suite)) is not None]
        return Decision("reuse", (StillPassed(max([*times, *vouched])),), record.build, record)
    if not chosen.is_here:
        return Decision("fetch", (ContentGone("engine"), *gates), record.build, record)
    return Decision("retest", gates, record.build, record)


def _source(decision: Decision) -> Digest:
    assert decision.record is not None
    return decision.record.source
