# SPDX-License-Identifier: MIT
"""What is wanted against what is known: the Plan, every step with its reasons.

In:   Stack (wanted), Known (records, accepted digests, where tags are), Presence, Need
Out:  Plan: a step for every target, parents first
Pure: Why: docs/explanation/plan.md
Cost: O(targets + edges + records); stored inputs are read only for targets that are to be built
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from stackyard.model.decide import Decision, Need, Presence, also_tagged, decide, too_old
from stackyard.model.inputs import SourceFingerprints, identity, looks_secret
from stackyard.model.known import Known
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.plan import Action, Note, Plan, PlannedBase, PlannedDownload, PlannedParent, Step
from stackyard.model.reason import (
    BaseGiven,
    BaseUnknown,
    ContentGone,
    DefinitionChanged,
    FileChanged,
    LeftAlone,
    NeverBuilt,
    NotBuildableHere,
    NotSelected,
    OnLastBuild,
    OnPublished,
    ParentMissing,
    Reason,
    TagMissing,
    TooOld,
)
from stackyard.model.record import Record, Tagged, Tested
from stackyard.model.reference import Reference
from stackyard.model.stack import Finding, Stack, TagTemplates, Target
from stackyard.model.tags import STAMP, tags_of
from stackyard.plan.graph import build_order, components, graph_of


def compare(
    stack: Stack,
    known: Known,
    selected: frozenset[TargetName],
    presence: Presence,
    need: Need,
    only: bool = False,
) -> Plan:
    """The plan that brings `selected` and all they build on to what the stack wants.

    Args:
        only: leave what they build on as it is; they stand on its last builds.
    """
    graph = graph_of(stack)
    targets = {target.name: target for target in stack.targets}
    order = build_order(graph)
    needed = set(
        order if len(selected) == len(graph) else build_order(graph, [name for name in graph if name in selected])
    )
    planned = selected if only else needed
    sources = SourceFingerprints(targets)
    decisions: dict[TargetName, Decision] = {}
    outside: dict[TargetName, Decision] = {}
    steps: list[Step] = []
    for name in order:
        target = targets[name]
        if name not in planned:
            decision = Decision("skip", (NotSelected(),))
            if name in needed:
                parents = {parent: (outside.get(parent) or decisions[parent]).content for parent in graph[name]}
                records = known.records.get(name, ())
                if not target.is_left_alone:
                    outside[name] = decide(target, parents, known.accepted, records, presence, need)
                decision = decisions[name] = _standing(target, outside.get(name), records, presence, need)
            steps.append(step_of(stack, target, decision, sources, (), None, known.accepted))
            continue
        records = known.records.get(name, ())
        alone = _left_alone(target, decisions, records)
        if alone is not None:
            decisions[name] = alone
            steps.append(step_of(stack, target, alone, sources, (), None, known.accepted))
            continue
        parents = {parent: decisions[parent].content for parent in target.counted_parents if parent in decisions}
        decision = decide(target, parents, known.accepted, records, presence, need)
        if decision.action in ("build", "join", "decide-later"):
            decision = _explained(decision, target, parents, known, need.now, stack.images_folder)
        if target.given_base is not None:
            reasons = (BaseGiven(str(target.given_base[0]), str(target.given_base[1][0])), *decision.reasons)
            decision = msgspec.structs.replace(decision, reasons=reasons)
        if only:
            decision = _on_parents_as_they_are(decision, target, targets, decisions, outside, need)
        decision, tags = _with_tags(stack, target, decision, known, need)
        decisions[name] = decision
        steps.append(
            step_of(stack, target, decision, sources, tags, _expected(target, decision, records), known.accepted)
        )
    return Plan(
        stack=stack.name,
        revision=stack.revision,
        steps=tuple(_fetching(stack, _stamped(stack, steps, decisions, need), decisions, presence)),
        is_publishing=need.publish,
        is_checked=presence.engine is not None,
        sets=tuple(
            tuple(name for name in order if name in members)
            for members in components(graph, [step.target for step in steps if step.action != "skip"])
        ),
        findings=(
            *stack.findings,
            *_of_bases(stack, known, [name for name in order if name in planned]),
            *_for_tests(stack, steps),
        ),
    )


def _standing(
    target: Target, wanted: Decision | None, records: Sequence[Record], presence: Presence, need: Need
) -> Decision:
    """What a target that was not selected is to its children: the build that is wanted, else the last that passed.

    Of these, if it is asked for, one that is published.
    """
    builds = [*([wanted.record] if wanted and wanted.record else []), *records]
    if need.on_published:
        builds.sort(key=lambda record: record.pushed(target.repository) is None)
    for record in builds:
        if record.built and record.last_passed(target.suites) and _is_there(target, record, presence):
            return Decision("skip", (NotSelected(),), record=record)
    return Decision("skip", (NotSelected(),))


def _is_there(target: Target, record: Record, presence: Presence) -> bool:
    """Whether a record's image was seen, or nobody looked."""
    if presence.engine is None or (record.built and presence.is_here(target.name, record.built.image.id)):
        return True
    pushed = record.pushed(target.repository)
    return pushed is not None and (presence.registry is None or pushed.image in presence.registry)


def _on_parents_as_they_are(
    decision: Decision,
    target: Target,
    targets: Mapping[TargetName, Target],
    decisions: Mapping[TargetName, Decision],
    outside: Mapping[TargetName, Decision],
    need: Need,
) -> Decision:
    """Say which parents would be another build if they were selected, and which are taken as published."""
    reasons: list[Reason] = []
    for parent in target.counted_parents:
        record = decisions[parent].record if parent in outside else None
        pushed = record.pushed(targets[parent].repository) if record and need.on_published else None
        if pushed is not None:
            reasons.append(OnPublished(parent, str(pushed.image)))
        elif record is not None and record.built is not None and outside[parent].record is None:
            reasons.append(OnLastBuild(parent, record.built.at))
    return msgspec.structs.replace(decision, reasons=(*decision.reasons, *reasons))


def _of_bases(stack: Stack, known: Known, planned: Sequence[TargetName]) -> tuple[Finding, ...]:
    """What was seen of external bases and is not what was accepted."""
    if all(seen.digest in (None, known.accepted.get(name)) for name, seen in known.seen.items()):
        return ()
    from stackyard.plan.bases import moved_findings  # only where something moved

    return moved_findings(stack, known, planned)


def _for_tests(stack: Stack, steps: Sequence[Step]) -> tuple[Finding, ...]:
    """What is built for tests that `BuildAll` names."""
    edited = (step for step in steps if any(isinstance(reason, FileChanged) for reason in step.reasons))
    if not any(stack.target(step.target).inputs.everywhere for step in edited):
        return ()
    from stackyard.plan.saved import builds_for_tests  # only for owners who asked for it

    return tuple(builds_for_tests(stack, steps))


def _left_alone(target: Target, decisions: Mapping[TargetName, Decision], records: Sequence[Record]) -> Decision | None:
    """The decision on a target that is left alone, cannot be built here, or builds on one never built.

    Children of the former build on its last build that passed.
    """
    if target.is_left_alone:
        last = next((record for record in records if record.built and record.passed(target.suites)), None)
        why = LeftAlone(target.skip) if target.skip is not None else NotBuildableHere(target.needs or "")
        return Decision("skip", (why,), record=last)
    for parent in target.counted_parents:
        decision = decisions.get(parent)
        if decision is not None and decision.action == "skip" and decision.content is None:
            return Decision("skip", (ParentMissing(parent),))
    return None


def _explained(
    decision: Decision,
    target: Target,
    parents: Mapping[TargetName, Digest | None],
    known: Known,
    now: str,
    images_folder: str,
) -> Decision:
    """Add why nothing known fits: the differences from the nearest record, and its age."""
    records = known.records.get(target.name, ())
    reasons: tuple[Reason, ...] = decision.reasons
    old = too_old(target, records, now)
    is_sure = bool(old) or not records or identity(target.inputs) not in {record.inputs for record in records}
    if decision.action == "decide-later" and is_sure:
        action: Action = "join" if target.is_index else "build"
        decision = msgspec.structs.replace(decision, action=action)  # whatever the parents come to
        reasons = ()
    if not records:
        reasons = (NeverBuilt(),)
    elif decision.action == "decide-later" or all(isinstance(reason, BaseUnknown | TooOld) for reason in reasons):
        from stackyard.plan.nearest import nearest  # what is as it was needs it not

        found = nearest(target, records, known.inputs, parents, known.accepted, images_folder)
        reasons = (*(found.reasons if found else ()), *reasons)
    if not any(isinstance(reason, TooOld) for reason in reasons):
        reasons += old
    return msgspec.structs.replace(decision, reasons=reasons or (DefinitionChanged("record", "incomplete", "whole"),))


def _with_tags(
    stack: Stack, target: Target, decision: Decision, known: Known, need: Need
) -> tuple[Decision, tuple[tuple[Tag, ...], tuple[Tag, ...]]]:
    """Turn a reuse whose names are not all in place into a `tag` step."""
    fixed, moving = tags_of(target.templates, stack.revision, dict(target.variables))
    record = decision.record
    if record is None or decision.action in ("build", "join", "decide-later", "skip"):
        return decision, (fixed, moving)
    lasting, _ = tags_of(_unstamped(target), stack.revision, dict(target.variables))
    placed = {tag: fact.tag for tag in lasting if (fact := _placed(target, record, tag, need)) is not None}
    missing = [tag for tag in lasting if tag not in placed]
    also = also_tagged(record, missing, stack.revision)
    reasons: tuple[Reason, ...] = (also,) if also is not None else ()
    action = decision.action
    if action == "reuse":
        missing += [tag for tag in moving if not _has_moving(target, record, tag, known, need)]
        reasons += tuple(TagMissing(str(tag)) for tag in missing if also is None or tag != also.tag)
        action = "tag" if missing else "reuse"
    decision = msgspec.structs.replace(decision, action=action, reasons=(*decision.reasons, *reasons))
    return decision, (tuple(placed.get(tag, tag) for tag in fixed), moving)


def _unstamped(target: Target) -> TagTemplates:
    """The templates whose tags are the target's own affair; stamps are decided for all versions together."""
    return TagTemplates(tuple(text for text in target.templates.fixed if STAMP not in text))


def _stamped(stack: Stack, steps: list[Step], decisions: Mapping[TargetName, Decision], need: Need) -> list[Step]:
    """The steps, with tags that hold a stamp as all versions of an image get them."""
    if not any(STAMP in template for target in stack.targets for template in target.templates.fixed):
        return steps
    from stackyard.plan.stamps import stamped  # most stacks have none

    records = {name: decision.record for name, decision in decisions.items() if decision.record is not None}
    return stamped(stack, steps, records, need)


def _placed(target: Target, record: Record, tag: Tag, need: Need) -> Tagged | None:
    """How this very image got `tag`, or the numbered form it takes where `tag` was taken already; None: it did not.

    Who does not publish is content with a name in either place.
    """
    return next(
        (
            fact
            for fact in reversed(record.facts)
            if isinstance(fact, Tagged)
            and (fact.place == "registry" or not need.publish)
            and fact.repository.canonical == target.repository.canonical
            and tag == (fact.tag if need.is_overwriting else fact.wanted)
        ),
        None,
    )


def _has_moving(target: Target, record: Record, tag: Tag, known: Known, need: Need) -> bool:
    """Whether the records have `tag` on this very image where it is wanted; anywhere, for who does not publish."""
    reference, pushed, built = Reference(target.repository, tag), record.pushed(target.repository), record.built
    if pushed is not None and known.tag_at("registry", reference) == pushed.image.digest:
        return True
    return not need.publish and built is not None and known.tag_at("engine", reference) == built.image.id


def _fetching(
    stack: Stack, steps: list[Step], decisions: Mapping[TargetName, Decision], presence: Presence
) -> list[Step]:
    """A reused parent that a child may be built on must be in the engine; a build in another fetches it itself."""
    if presence.engine is None:
        return steps
    building = (step for step in steps if step.action in ("build", "decide-later") and len(step.platforms) < 2)
    wanted = {
        parent.target
        for step in building
        for parent in step.parents
        if parent.target not in stack.parents_afar(stack.target(step.target))
    }
    fetched = []
    for step in steps:
        decision = decisions.get(step.target)
        built = decision.record.built if decision and decision.record else None
        if (
            step.target in wanted
            and step.action in ("reuse", "tag")
            and built
            and not presence.is_here(step.target, built.image.id)
        ):
            reasons = (*step.reasons, ContentGone("engine"))
            step = msgspec.structs.replace(step, action="fetch", reasons=reasons)  # noqa: PLW2901 - as it is after all
        fetched.append(step)
    return fetched


def fetched_parents(plan: Plan, known: Known, presence: Presence) -> tuple[Note, ...]:
    """Parents that this plan leaves alone, and that a build will fetch because the engine has them not."""
    if presence.engine is None:
        return ()
    building = (step for step in plan.steps if step.action in ("build", "decide-later"))
    wanted = {parent.target for step in building for parent in step.parents}
    notes = []
    for step in plan.steps:
        if step.action == "skip" and step.record and step.target in wanted:
            record = next(each for each in known.records[step.target] if each.id == step.record)
            pushed = record.pushed(step.repository)
            if record.built and not presence.is_here(step.target, record.built.image.id) and pushed:
                sentence = f"{step.target} is fetched, as {pushed.image.repository}@{pushed.image.digest.short}"
                notes.append(Note("fetch", f"{sentence}: what is built stands on it"))
    return tuple(notes)


def _expected(target: Target, decision: Decision, records: Sequence[Record]) -> float | None:
    """What the same took last time: build and tests, tests alone, a push."""
    if decision.action in ("build", "decide-later"):
        built = next((record for record in records if record.built and not record.adopted), None)
        return built.built.duration_s + _testing(target, [built]) if built and built.built else None
    if decision.action in ("retest", "fetch"):
        return _testing(target, records) or None
    if decision.action == "push" and decision.record:
        return next((pushed.duration_s for each in records if (pushed := each.pushed(target.repository))), None)
    return None


def _testing(target: Target, records: Sequence[Record]) -> float:
    """How long the suites that the target has now took last."""
    last: dict[str, float] = {}
    for record in records:
        for fact in reversed(record.facts):
            if isinstance(fact, Tested):
                last.setdefault(fact.suite, fact.duration_s)
    return sum(last.get(suite.kind, 0.0) for suite in target.suites)


def step_of(
    stack: Stack,
    target: Target,
    decision: Decision,
    sources: Mapping[TargetName, Digest],
    tags: tuple[tuple[Tag, ...], tuple[Tag, ...]] | tuple[()],
    expected_s: float | None,
    accepted: Mapping[str, Digest],
) -> Step:
    """The step of one target; its tags are worked out where `tags` has none."""
    fixed, moving = tags or tags_of(target.templates, stack.revision, dict(target.variables))
    return Step(
        target=target.name,
        image=target.image,
        version=target.version,
        action=decision.action,
        repository=target.repository,
        fixed_tags=fixed,
        moving_tags=moving,
        build_args=tuple((name, "(hidden)" if looks_secret(name, value) else value) for name, value in target.args),
        context=target.context,
        parents=tuple(PlannedParent(use.target, str(next(iter(use.references), use.target))) for use in target.parents),
        reasons=decision.reasons,
        sources=sources,
        build=decision.build,
        record=decision.record.id if decision.record else None,
        expected_s=expected_s,
        bases=tuple(PlannedBase(base, base.digest or accepted.get(base.canonical)) for base in target.external),
        downloads=tuple(PlannedDownload(address, accepted.get(address)) for address in target.downloads),
        reading=target.reading,
        commands=target.commands,
        platforms=target.platforms,
    )
