# SPDX-License-Identifier: MIT
"""External bases against what registries say: which moved, what follows from accepting that.

In:   Stack, Known, answers of registries
Out:  Base with its state, findings, who is built because of a change
Raises: UnknownName for a word that is neither an image nor a base
Pure. Why: docs/explanation/fingerprints.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stackyard.errors import InvalidValue, UnknownName
from stackyard.model.accepted import Acceptance, Seen
from stackyard.model.bases import Base, BaseOfStack, BaseState, bases_of, outside_of, places_of
from stackyard.model.downloads import Download
from stackyard.model.known import Known
from stackyard.model.names import Digest, TargetName, nearest
from stackyard.model.plan import Plan
from stackyard.model.reason import BaseMoved, DownloadMoved, Reason
from stackyard.model.reference import Reference
from stackyard.model.stack import Finding, Stack
from stackyard.plan.graph import build_order, graph_of
from stackyard.plan.selection import select

REFRESH = "stackyard bases --refresh"


class Answer(msgspec.Struct, frozen=True):
    """What asking for one came to: a digest; nothing, where there is none of this name; or why not."""

    digest: Digest | None = None
    problem: str | None = None
    mark: str = ""
    """As `Seen.mark`."""


class Change(msgspec.Struct, frozen=True):
    """An external base or a download that is taken to be something else from now on."""

    reference: Reference | Download
    was: Digest | None
    """None where none was accepted yet."""
    now: Digest


class Following(msgspec.Struct, frozen=True):
    """What a change of bases brings about in the next build."""

    builds: tuple[TargetName, ...]
    """They stand on a base that moved, or fetch what did."""
    waits: tuple[TargetName, ...]
    """They follow one of those, if it comes out changed."""


def choose_bases(stack: Stack, words: Sequence[str]) -> tuple[BaseOfStack, ...]:
    """The bases that words name, all by default: a base, with its tag or without, or all that an image stands on."""
    everything = bases_of(stack, frozenset(target.name for target in stack.targets))
    if not words:
        return everything
    chosen: set[str] = set()
    for word in words:
        named = {base.canonical for base in everything if _is_named(base.reference, word)}
        chosen |= named or _below(stack, word, everything)
    return tuple(base for base in everything if base.canonical in chosen)


def _is_named(base: Reference | Download, word: str) -> bool:
    """Whether `word` is this reference in some spelling, or its repository; or this address."""
    if isinstance(base, Download):
        return base == word
    try:
        asked = Reference.parse(word)
    except InvalidValue:
        return False
    if asked.canonical == base.canonical:
        return True
    is_bare = asked.tag is None and asked.digest is None
    return is_bare and asked.repository.canonical == base.repository.canonical


def _below(stack: Stack, word: str, everything: Sequence[BaseOfStack]) -> set[str]:
    """Bases that an image, a target or a group stands on, by itself or through its parents."""
    try:
        names = build_order(graph_of(stack), select(stack, [word]))
    except UnknownName as problem:
        near = nearest(word, [str(base.reference) for base in everything]) or problem.facts.get("near")
        raise UnknownName(
            f"neither an image nor an external base is named {word!r}",
            hint=f"did you mean {near!r}?" if near else "`stackyard bases` lists the bases, `stackyard ls` the images",
            name=word,
            near=near,
        ) from None
    return {base.canonical for name in names for base in outside_of(stack.target(name))}


def states(
    bases: Iterable[BaseOfStack],
    known: Known,
    log: Sequence[Acceptance],
    answers: Mapping[str, Answer],
    now: str,
) -> tuple[Base, ...]:
    """Each base with all that is known of it.

    Args:
        log: every acceptance, newest first.
        answers: by canonical reference; a base without one was not asked for.
    """
    return tuple(_state(base, known, log, answers.get(base.canonical), now) for base in bases)


def _state(base: BaseOfStack, known: Known, log: Sequence[Acceptance], answer: Answer | None, now: str) -> Base:
    history = tuple(each for each in log if each.reference == base.canonical)
    since = history[0].at if history else None
    accepted, last = known.accepted.get(base.canonical), known.seen.get(base.canonical)
    if base.reference.digest is not None:
        return Base(base, "pinned", base.reference.digest, None, None, None)
    if answer is None or answer.problem:
        problem = answer.problem if answer else None
        current, checked = (last.digest, last.at) if last else (None, None)
        return Base(base, "not checked", accepted, since, current, checked, problem, history)
    state: BaseState
    if answer.digest is None:
        state = "gone"
    elif accepted is None:
        state = "new"
    else:
        state = "current" if answer.digest == accepted else "moved"
    return Base(base, state, accepted, since, answer.digest, now, None, history)


def seen(answers: Mapping[str, Answer], now: str) -> list[Seen]:
    """What is to be noted of the answers."""
    return [Seen(name, answer.digest, now, answer.mark) for name, answer in answers.items() if not answer.problem]


def changes(bases: Iterable[BaseOfStack], known: Known, current: Mapping[str, Digest]) -> tuple[Change, ...]:
    """What is not accepted as it is now, by canonical reference."""
    return tuple(
        Change(base.reference, known.accepted.get(base.canonical), current[base.canonical])
        for base in bases
        if base.canonical in current and known.accepted.get(base.canonical) != current[base.canonical]
    )


def following(plan: Plan, made: Iterable[Change]) -> Following:
    """What a plan builds because of changes, and what waits for that."""
    moved = {change.reference.canonical for change in made}
    builds: list[TargetName] = []
    waits: list[TargetName] = []
    for step in plan.steps:  # parents first
        if any(_names(reason) in moved for reason in step.reasons):
            builds.append(step.target)
        elif step.action == "decide-later" and any(p.target in {*builds, *waits} for p in step.parents):
            waits.append(step.target)
    return Following(tuple(builds), tuple(waits))


def _names(reason: Reason) -> str | None:
    """What of elsewhere it is a reason for."""
    return getattr(reason, {BaseMoved: "reference", DownloadMoved: "address"}.get(type(reason), ""), None)


def moved_findings(stack: Stack, known: Known, planned: Iterable[TargetName]) -> tuple[Finding, ...]:
    """A notice for each base that was elsewhere than accepted when its registry was last asked; once per base."""
    found: dict[str, Finding] = {}
    for name in planned:
        target = stack.target(name)
        for base in outside_of(target):
            accepted, last = known.accepted.get(base.canonical), known.seen.get(base.canonical)
            if base.canonical in found or not accepted or last is None or last.digest in (None, accepted):
                continue
            place = next(iter(places_of(stack, target, base)), None)
            what, need = ("download", "fetch") if isinstance(base, Download) else ("base", "stand on")
            found[base.canonical] = Finding(
                "base-moved",
                "notice",
                f"{what} {base} has moved from the accepted {accepted.short} to {last.digest.short}"
                f" (asked at {last.at})",
                target.dockerfile,
                place.line if place else None,
                hint=f"`{REFRESH} {base}` accepts it, and images that {need} it are built again",
                found=str(last.digest),
                wanted=str(accepted),
            )
    return tuple(found.values())


def unchecked_finding(base: BaseOfStack, problem: str | None) -> Finding:
    """A notice: an image is built because of its age, and on a base of which nobody can tell whether it moved."""
    place = next(iter(base.places), None)
    return Finding(
        "base-not-checked",
        "notice",
        f"{base.what} {base.reference} stays as accepted: {problem or base.absence}",
        place.path if place else "",
        place.line if place else None,
        found=str(base.reference),
    )
