# SPDX-License-Identifier: MIT
"""A stack against the same stack at another moment: what leads to each target, then and now.

In:   two Stacks, the selection of a command line
Out:  Plan; for each target `build` where its source fingerprint is another one, `retest` where only tests are
Pure. Why: docs/explanation/plan.md
Cost: O(targets + edges); entries of build contexts are looked through only where fingerprints differ

What a left-alone target is made of moves nothing: its children stand on its last build, whatever its files are now.
No record is read, so that nothing is said of images: whether one that is the same was ever built, and passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from stackyard.model.decide import FORCED, Decision, as_index
from stackyard.model.inputs import SourceFingerprints, differences, identity
from stackyard.model.names import TargetName
from stackyard.model.plan import Plan, Since
from stackyard.model.reason import (
    DefinitionChanged,
    Forced,
    LeftAlone,
    NewSince,
    NotBuildableHere,
    NotSelected,
    NotTested,
    ParentChanged,
    Reason,
    TestsChanged,
    Unchanged,
    WholeStack,
)
from stackyard.model.stack import Finding, Stack, Target
from stackyard.plan.compare import step_of
from stackyard.plan.graph import build_order, graph_of
from stackyard.plan.saved import builds_for_tests
from stackyard.plan.selection import Selection


def compare_stacks(
    now: Stack,
    then: Stack | None,
    since: Since,
    chosen: Selection,
    forced_by: str = FORCED,
    whole: str | None = None,
) -> Plan:
    """What has to be done about the chosen targets because of what changed since `then`.

    Args:
        then: None where there was no stack at all.
        forced_by: who asks for what is built anew.
        whole: the branch on which every image is planned: one that nothing changed gets the commit's tags.
    """
    targets = {target.name: target for target in now.targets}
    before = {target.name: target for target in then.targets} if then else {}
    absent = NewSince(since.before)
    broken = [finding for finding in then.findings if finding.level == "error"] if then else []
    sources = SourceFingerprints(targets)
    planned = set(chosen.planned)
    others: dict[TargetName, bool] = {}
    """Whether what leads to each is another, as its children see it."""
    steps = []
    for name in build_order(graph_of(now)):
        target, old = targets[name], before.get(name)
        is_other = others[name] = old is None or _is_other(target, old, others)
        if name in planned:
            new = absent if old is not None or not broken else NewSince(since.before, _problem(target, broken))
            decision = _decision(target, before, is_other, others, new, chosen.rebuild, forced_by, now.images_folder)
            decision = as_index(decision) if target.is_index else decision
            if whole is not None and decision.action == "reuse":
                decision = Decision("tag", (*decision.reasons, WholeStack(whole)))
        else:
            decision = Decision("skip", (NotSelected(),))
        if target.is_left_alone:
            others[name] = old is None
        steps.append(step_of(now, target, decision, sources, (), None, {}))
    return Plan(
        stack=now.name,
        revision=now.revision,
        steps=tuple(steps),
        is_publishing=False,
        is_checked=False,
        findings=(*now.findings, *builds_for_tests(now, steps), *_gone(before, targets, since)),
        since=since,
    )


def _is_other(target: Target, old: Target, others: Mapping[TargetName, bool]) -> bool:
    """Whether the source fingerprints differ; of values that are the same none has to be worked out."""
    if any(others[name] for name in target.counted_parents):
        return True
    if target.reading is old.reading:
        return False
    return target.inputs != old.inputs and identity(target.inputs) != identity(old.inputs)


def _decision(
    target: Target,
    before: Mapping[TargetName, Target],
    is_other: bool,
    others: Mapping[TargetName, bool],
    new: NewSince,
    rebuild: frozenset[TargetName],
    forced_by: str,
    images_folder: str,
) -> Decision:
    if target.is_left_alone:
        why = LeftAlone(target.skip) if target.skip is not None else NotBuildableHere(target.needs or "")
        return Decision("skip", (why,))
    if target.name in rebuild:
        return Decision("build", (Forced(forced_by),))
    old = before.get(target.name)
    if old is None:
        return Decision("build", (new,))
    if is_other:
        is_own = target.reading is not old.reading
        own = tuple(differences(target.inputs, old.inputs, target.places(images_folder))) if is_own else ()
        moved = tuple(
            ParentChanged(name, None, None)
            for name in target.counted_parents
            if others[name] and (name in before or not own)
        )
        return Decision("build", (*own, *moved) or (DefinitionChanged("recipe", "another", "this one"),))
    tests = tuple(_tests(target, old))
    if tests:
        return Decision("retest", tests)
    return Decision("reuse", (Unchanged(new.reference),))


def _problem(target: Target, broken: Iterable[Finding]) -> str:
    """Why a target could not be read, by its files; empty where nothing says so."""
    own = f"{target.context}/"
    found = (each for each in broken if each.path == target.dockerfile or each.path.startswith(own))
    return next((f"{each.path}: {each.sentence}" for each in found), "")


def _tests(target: Target, old: Target) -> Iterator[Reason]:
    """Suites that are new, or whose code is another one."""
    if target.reading is old.reading:
        return
    before = {suite.kind: suite.digest for suite in old.suites}
    for suite in target.suites:
        if suite.kind not in before:
            yield NotTested(suite.kind)
        elif before[suite.kind] != suite.digest:
            yield TestsChanged(suite.kind)


def _gone(before: Mapping[TargetName, Target], targets: Mapping[TargetName, Target], since: Since) -> Iterator[Finding]:
    """Targets that are not there any more: nothing is built of them, and what builds on them says so itself."""
    for name, old in before.items():
        if name not in targets:
            sentence = f"{name} was there at {since.before}, and is no image of the stack any more"
            yield Finding("gone-since", "notice", sentence, old.context)
