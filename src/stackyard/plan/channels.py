# SPDX-License-Identifier: MIT
"""Promotion and rollback are plans too: which tags would move, from where to where.

In:   Stack, Known, what a person asked for, where the channel's tags are now
Out:  MoveSet, to be shown and then carried out
Raises: NothingToDo, TagConflict, UnknownName
Pure. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from stackyard.errors import InvalidValue, NothingToDo, TagConflict
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Record, Tagged
from stackyard.model.reference import Reference, Repository
from stackyard.model.stack import Revision, Stack, Target
from stackyard.model.tags import COMMIT_DIGITS, filled, fixed_conflict, render, tags_of, values_of

Resolve = Callable[[Repository, Tag], Digest | None]
"""Where a tag is now, in the place the moves are for."""


_ANY = "\0"
"""Stands for a digit of some commit."""
CONTENT = "sy-"


class Source(msgspec.Struct, frozen=True):
    """What is promoted for one target."""

    target: Target
    record: Record
    digest: Digest
    reference: Reference | None
    """The tag that was named; None where a commit was."""


def place_of(stack: Stack, known: Known) -> TagPlace:
    """Where promotions of this stack happen: the registry once anything was published, else the engine."""
    for target in stack.targets:
        if any(record.pushed(target.repository) for record in known.records.get(target.name, ())):
            return "registry"
    return "engine"


def find_sources(
    stack: Stack, known: Known, asked: str, selected: frozenset[TargetName], place: TagPlace
) -> list[Source]:
    """What `asked` (a tag, a template such as `{prefix}-main`, or a commit) is for each selected target.

    All or none: a target without it is named in the error.
    """
    found: list[Source] = []
    missing: list[str] = []
    for target in stack.targets:
        if target.name not in selected:
            continue
        source = _source(target, known, _for_target(asked, target, stack.revision), place)
        if source is None:
            missing.append(str(target.name))
        else:
            found.append(source)
    if not found:
        raise NothingToDo(
            f"nothing to promote: the records know no image tagged {asked!r}, nor one built at that commit",
            hint="`stackyard history` lists what is known; `stackyard build --push` makes it",
            source=asked,
        )
    if missing:
        have = "has" if len(missing) == 1 else "have"
        raise NothingToDo(
            f"not promoting {asked!r}: {', '.join(missing)} {have} no image of that name",
            hint="build them at that commit, or name the images to promote with --image",
            source=asked,
            missing=tuple(missing),
        )
    return found


def _for_target(asked: str, target: Target, revision: Revision) -> str:
    """A template as this target has it; anything else as it is."""
    tag = render(asked, values_of(revision, dict(target.variables))) if "{" in asked else None
    return asked if tag is None else str(tag)


def _source(target: Target, known: Known, asked: str, place: TagPlace) -> Source | None:
    records = [record for record in known.records.get(target.name, ()) if _digest(target, record, place)]
    if Tag.form.fullmatch(asked):
        reference = Reference(target.repository, Tag(asked))
        digest = known.tag_at(place, reference)
        for record in records:
            if digest is not None and _digest(target, record, place) == digest:
                return Source(target, record, digest, reference)
    if len(asked) >= COMMIT_DIGITS:
        fixed, _ = tags_of(target.templates, Revision(asked, None, is_dirty=False), dict(target.variables))
        for record in records:
            digest = _digest(target, record, place)
            at_commit = record.built is not None and record.built.commit.startswith(asked)
            if digest and (at_commit or any(_got(record, tag, place) for tag in fixed)):
                return Source(target, record, digest, None)
    return None


def _got(record: Record, tag: Tag, place: TagPlace) -> bool:
    """Whether the record's image got a fixed tag: a build of an earlier commit that a later one left as it is."""
    return any(isinstance(fact, Tagged) and fact.tag == tag and fact.place == place for fact in record.facts)


def _digest(target: Target, record: Record, place: TagPlace) -> Digest | None:
    if place == "engine":
        return record.built.image.id if record.built else None
    pushed = record.pushed(target.repository)
    return pushed.image.digest if pushed else None


def asked_of(stack: Stack, sources: Sequence[Source], channel: str) -> list[tuple[Repository, Tag, bool]]:
    """The tags that `plan_promotion` resolves, and whether each is one whose content is going to be put elsewhere."""
    found: list[tuple[Repository, Tag, bool]] = []
    for source in sources:
        target = source.target
        if source.reference is not None and source.reference.tag is not None:
            found.append((target.repository, source.reference.tag, True))
        tag = render(channel, values_of(stack.revision, dict(target.variables)))
        if tag is not None:
            found.append((target.repository, tag, False))
    return found


def plan_promotion(
    stack: Stack,
    known: Known,
    asked: str,
    sources: Sequence[Source],
    channel: str,
    place: TagPlace,
    resolve: Resolve,
    at: str,
    runs: Sequence[MoveSet] = (),
) -> MoveSet:
    """The moves that put `channel` on `sources`, which is what `asked` was found to be.

    Args:
        runs: finished sets of branch tags, newest first: they know the commit of a moving tag.

    Refused: a source whose tests did not pass; a source or channel tag that someone moved behind the records' back.
    """
    moves: list[TagMove] = []
    for source in sources:
        target = source.target
        _check_tested(source)
        if source.reference is not None and source.reference.tag is not None:
            _check_unmoved(source.reference, source.digest, resolve(target.repository, source.reference.tag))
        tag = render(channel, values_of(stack.revision, dict(target.variables)))
        if tag is None:
            raise InvalidValue(
                f"channel {channel!r} has no value for {target.name}",
                hint="a {prefix} needs `tag.prefix` in spec.yml",
                kind="channel",
                text=channel,
            )
        was = resolve(target.repository, tag)
        is_gone = was is None and _got(source.record, tag, place)
        if was != source.digest and not is_gone and _is_fixed(source, stack.revision, tag, known, place):
            reference = str(Reference(target.repository, tag))
            raise fixed_conflict(reference, was, source.digest, "promote to a channel, such as `stable`")
        recorded = known.tag_at(place, Reference(target.repository, tag))
        if recorded is not None and was not in (recorded, source.digest):
            _check_unmoved(Reference(target.repository, tag), recorded, was)
        moves.append(TagMove(target.name, target.repository, tag, was, source.digest))
    return MoveSet(
        kind="promote",
        place=place,
        channel=channel,
        source=asked,
        at=at,
        moves=tuple(moves),
        commit=_commit_of(asked, sources, runs),
    )


def _is_fixed(source: Source, revision: Revision, tag: Tag, known: Known, place: TagPlace) -> bool:
    """Whether a tag is one that builds put for good: known as such, a content tag, or of the form of a commit's."""
    target, records = source.target, known.records.get(source.target.name, ())
    if tag.startswith(CONTENT) or any(_got(record, tag, place) for record in records):
        return True
    values = values_of(msgspec.structs.replace(revision, commit=_ANY * 40), dict(target.variables))
    forms = [re.escape(filled(text, values)) for text in target.templates.fixed if "{commit" in text]
    return any(re.fullmatch(re.sub(f"{_ANY}+", _hexadecimal, form), tag) for form in forms)


def _hexadecimal(found: re.Match[str]) -> str:
    return f"[0-9a-f]{{{len(found[0])}}}"


def _commit_of(asked: str, sources: Sequence[Source], runs: Sequence[MoveSet]) -> str:
    """The commit whose set this is: of the run that put the tag there, or the one that was named; empty if unclear."""
    named = {source.reference for source in sources if source.reference is not None}
    put: dict[Reference, str] = {}
    for run in runs:  # newest first: the run that put a tag where it is
        put |= {move.reference: run.commit for move in run.moves if move.reference in named - put.keys()}
    if put:  # a run of some images leaves the tags of the others at an older commit
        return next(iter(put.values())) if len(set(put.values())) == 1 else ""
    commits = {source.record.built.commit for source in sources if source.record.built}
    if len(commits) == 1:
        return commits.pop()
    return "" if named else next((commit for commit in commits if commit.startswith(asked)), asked)


def _check_tested(source: Source) -> None:
    """Every kind of suite that the target has must have passed last time it ran on this image."""
    for kind in {suite.kind: None for suite in source.target.suites}:
        results = [fact for fact in source.record.facts if getattr(fact, "suite", None) == kind]
        if not results or not getattr(results[-1], "passed", False):
            state = "failed" if results else "never ran"
            raise NothingToDo(
                f"not promoting {source.target.name}: its {kind} tests {state} on {source.digest.short}",
                hint=f"stackyard build {source.target.name} runs them",
                target=source.target.name,
            )


def _check_unmoved(reference: Reference, expected: Digest, found: Digest | None) -> None:
    if found != expected:
        raise TagConflict(
            f"{reference} is at {found or 'nothing'}, and the records put it at {expected}",
            hint="someone else moved it; `stackyard history` shows when we last did",
            reference=str(reference),
            expected=expected,
            found=found,
        )


def plan_rollback(channel: str, history: Sequence[MoveSet], resolve: Resolve, at: str) -> MoveSet:
    """The moves that bring `channel` back to what it was before its current set.

    Args:
        history: finished sets of the channel, newest first.
    """
    standing = _standing(history)
    if not standing:
        raise NothingToDo(
            f"nothing to roll back: the records know no promotion to {channel!r}",
            hint="`stackyard history` lists the channels",
            channel=channel,
        )
    current = standing[-1]
    if not current.changes:
        raise NothingToDo(
            f"nothing to roll back to: {channel!r} was where it is before its first promotion",
            hint="promote another release instead",
            channel=channel,
        )
    firsts = [move for move in current.moves if move.was is None]
    if firsts:
        raise NothingToDo(
            f"nothing to roll back to: {firsts[0].reference} did not exist before the last promotion",
            hint="promote another release instead",
            channel=channel,
        )
    moves_back: list[TagMove] = []
    for move in current.moves:
        found = resolve(move.repository, move.tag)
        if found not in (move.now, move.was):
            _check_unmoved(move.reference, move.now, found)
        assert move.was is not None
        moves_back.append(TagMove(move.target, move.repository, move.tag, found, move.was))
    before = standing[-2] if len(standing) > 1 else None
    return MoveSet(
        kind="rollback",
        place=current.place,
        channel=channel,
        source=before.source if before else "what was there before",
        at=at,
        moves=tuple(moves_back),
        commit=before.commit if before else "",
    )


def standing_sets(history: Sequence[MoveSet]) -> dict[str, MoveSet]:
    """The set each channel stands at, by channel; a channel whose every promotion was rolled back is left out.

    Args:
        history: finished sets of any kind, newest first.
    """
    names = dict.fromkeys(moves.channel for moves in history if moves.channel)
    found = {name: _standing([moves for moves in history if moves.channel == name]) for name in names}
    return {name: sets[-1] for name, sets in found.items() if sets}


def _standing(history: Sequence[MoveSet]) -> list[MoveSet]:
    """Promotions of one channel that no rollback took back, oldest first.

    One that changed nothing (the same command typed twice) is not a step to go back, unless it is the first:
    then it says what the channel is.
    """
    standing: list[MoveSet] = []
    for moves in reversed(history):
        if moves.kind == "rollback":
            standing.pop()
        elif moves.changes or not standing:
            standing.append(moves)
    return standing
