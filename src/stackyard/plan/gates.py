# SPDX-License-Identifier: MIT
"""What must be there before a channel moves, and what is: each gate, for each image, from the records.

In:   Stack with what its channels ask for, the images that are promoted, what was promoted before
Out:  GateState, one for all images of which the same is true; those that are missing have a hint
Raises: UnknownName, InvalidValue for an override that names no gate or has no reason
Pure. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from stackyard.errors import GatesClosed, InvalidValue, UnknownName
from stackyard.model.gates import Gate, GateAnswer, GateSort, GateState
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet
from stackyard.model.names import TargetName, nearest
from stackyard.model.record import Approved, Record, Reported, Tested
from stackyard.model.stack import Stack, Target
from stackyard.model.tags import render, values_of
from stackyard.plan.channels import Source
from stackyard.plan.releases import digest_in
from stackyard.plan.selection import select

_SHOWN = 4
"""So many images are named in a sentence; more are counted."""
_LONGEST_REASON = 1000
_ORDER: tuple[GateSort, ...] = ("tests", "report", "approval")
_IMAGES = "IMAGES"
"""Stands in a hint for the images it is for."""


class _One(msgspec.Struct, frozen=True):
    """How one gate stands for one image."""

    gate: Gate
    answer: GateAnswer
    sentence: str
    hint: str = ""


def with_gates(
    stack: Stack,
    known: Known,
    moves: MoveSet,
    sources: Sequence[Source],
    overridden: Collection[str] = (),
    reason: str = "",
    before: Sequence[MoveSet] = (),
) -> MoveSet:
    """The moves of a promotion, with how each gate of its channel stands.

    Args:
        sources: what `moves` puts the channel on, in the same order.
        overridden: gates that need not have passed, by name; `reason` says why.
        before: finished sets of moves, where an image was adopted: it is promoted untested once.
    """
    channels = _Channels(stack)
    spent = {(m.target, m.now) for moves in before if moves.kind == "promote" for m in moves.changes}
    found: dict[tuple[Gate, GateAnswer, str, str], list[TargetName]] = {}
    for move, source in zip(moves.moves, sources, strict=True):
        for gate in channels.gates_of(source, moves.channel, move.tag):
            is_spent = move.was != move.now and (move.target, move.now) in spent
            if gate.sort == "tests":
                one = _of_source(gate, source, is_spent)
            else:
                brought = _brought(known, source, moves.place, gate)
                one = (
                    _reported(gate, brought, moves.source)
                    if gate.sort == "report"
                    else _approved(gate, brought, moves.source)
                )
            bare = gate._replace(images=())
            found.setdefault((bare, one.answer, one.sentence, one.hint), []).append(source.target.name)
    states = tuple(
        GateState(gate.name, gate.sort, answer, tuple(targets), sentence, hint=hint.replace(_IMAGES, " ".join(targets)))
        for (gate, answer, sentence, hint), targets in sorted(found.items(), key=_place)
    )
    return msgspec.structs.replace(moves, gates=tuple(_overridden(stack, states, overridden, reason)))


def _place(item: tuple[tuple[Gate, GateAnswer, str, str], list[TargetName]]) -> int:
    (gate, *_), _ = item
    return _ORDER.index(gate.sort)


def asked_of(stack: Stack, gate: str, sort: GateSort) -> frozenset[TargetName]:
    """The images of which any channel asks for a gate."""
    found = (each for entry in stack.gates for each in entry.gates if (each.name, each.sort) == (gate, sort))
    names = frozenset().union(*(select(stack, each.images) for each in found))
    return frozenset(name for name in names if name.platform is None)  # what joins platforms has the tags


class _Channels:
    """What channels ask for, with the images that each gate is asked of."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._chosen: dict[tuple[str, ...], frozenset[TargetName]] = {(): select(stack, ())}

    def gates_of(self, source: Source, channel: str, tag: str) -> dict[Gate, None]:
        """The tests that an image has, and what its channel asks for, by whatever spelling it was named."""
        target = source.target
        tested = [part for part, _ in source.members] or [target]
        found: dict[Gate, None] = {Gate(suite.kind, "tests"): None for part in tested for suite in part.suites}
        for entry in self._stack.gates:
            values = values_of(self._stack.revision, dict(target.variables))
            if entry.channel != channel and render(entry.channel, values) != tag:
                continue
            for gate in entry.gates:
                if target.name in self._of(gate.images):
                    found[gate._replace(images=())] = None
        return found

    def _of(self, words: tuple[str, ...]) -> frozenset[TargetName]:
        if words not in self._chosen:
            self._chosen[words] = select(self._stack, words)
        return self._chosen[words]


def _of_source(gate: Gate, source: Source, is_spent: bool) -> _One:
    """Of an image for several platforms each has to have passed; what others say of it, they say of the whole."""
    if not source.members:
        return _tests(gate, source.target, source.record, is_spent)
    for target, record in source.members:
        one = _tests(gate, target, record, is_spent)
        if one.answer != "passed":
            return msgspec.structs.replace(one, sentence=f"for {target.name.platform}: {one.sentence}")
    return one


def _tests(gate: Gate, target: Target, record: Record | None, is_spent: bool) -> _One:
    """Every kind of suite that the image has must have passed last time it ran on it, whatever its code was then.

    Args:
        is_spent: the image was promoted before.
    """
    if record is None:
        return _One(gate, "missing", "no record knows the image", "promote one that was built with a record")
    results = [fact for fact in record.facts if isinstance(fact, Tested) and fact.suite == gate.name]
    if results and results[-1].passed:
        return _One(gate, "passed", "passed")
    if results:
        failed = f"failed, {results[-1].failed} of {results[-1].total}"
        return _One(gate, "missing", failed, _RUN.get(gate.name, _BUILD))
    if not any(suite.kind == gate.name for suite in target.every_suite):
        return _One(gate, "missing", "there are none", _HOW_TO_HAVE[gate.name])
    if record.adopted is not None:
        untested = "untested before adoption"
        again = _One(gate, "missing", f"{untested}, and promoted once already", _ANEW)
        return again if is_spent else _One(gate, "adopted", untested)
    return _One(gate, "missing", "never ran", _RUN.get(gate.name, _BUILD))


_BUILD = f"`stackyard build {_IMAGES}` runs them"
_RUN = {"workflow": f"`stackyard test {_IMAGES} --kind workflow` runs them, where a GPU is"}
_ANEW = f"`stackyard test {_IMAGES}` tests it as it is"
_HOW_TO_HAVE = {
    "basic": "put tests into the folder `test/`, or name the images that need them: `tests: {basic: [IMAGE]}`",
    "integration": "say `integration_tests: true` of the image, or name the images that need them: "
    "`tests: {integration: [IMAGE]}`",
    "checks": "give the image `checks`, or name the images that need them: `tests: {checks: [IMAGE]}`",
    "workflow": "put tests into the folder `workflow_tests/`, or name the images that need them: "
    "`tests: {workflow: [IMAGE]}`",
    "inventory": "give the image `info_cmds`, or name the images that need them: `tests: {inventory: [IMAGE]}`",
}


def _brought(known: Known, source: Source, place: TagPlace, gate: Gate) -> list[Reported | Approved]:
    """What was brought to a gate for an image, oldest first: a build that came to the same image has a record more."""
    repository, records = source.target.repository, known.records.get(source.target.name, ())
    found = [
        fact
        for record in records
        if digest_in(record, repository, place) == source.digest
        for fact in record.facts
        if isinstance(fact, Reported | Approved) and fact.gate == gate.name
    ]
    return sorted(found, key=lambda fact: fact.at)


def _reported(gate: Gate, brought: Sequence[Reported | Approved], asked: str) -> _One:
    """The newest report counts."""
    results = [fact for fact in brought if isinstance(fact, Reported)]
    hint = f"stackyard gate report {gate.name} --for {asked} --junit FILE"
    if not results:
        return _One(gate, "missing", "nobody reported it", hint)
    last = results[-1]
    return _One(gate, "passed" if last.passed else "missing", _line(last), "" if last.passed else hint)


def _line(fact: Reported | Approved) -> str:
    """In one line, whoever wrote it."""
    return " ".join(str(fact).split())


def _approved(gate: Gate, brought: Sequence[Reported | Approved], asked: str) -> _One:
    found = [fact for fact in brought if isinstance(fact, Approved)]
    if found:
        return _One(gate, "passed", _line(found[-1]))
    hint = f"stackyard gate approve {gate.name} --for {asked} --by NAME --reason WHY"
    return _One(gate, "missing", "nobody approved it", hint)


def _overridden(stack: Stack, states: Sequence[GateState], names: Collection[str], reason: str) -> Iterator[GateState]:
    """The states, with those that were missing and are named as overridden."""
    is_line = len(reason) <= _LONGEST_REASON and reason.isprintable()
    if bool(names) != bool(reason.strip()) or not is_line:
        sentence = "to override a gate needs a reason" if names else "a reason needs a gate that it overrides"
        if not is_line:
            sentence = f"a reason is one line of at most {_LONGEST_REASON} characters"
        hint = "--override GATE --reason WHY; it is shown for ever"
        raise InvalidValue(sentence, hint=hint, kind="reason", text="")
    gates = {state.gate for state in states}
    declared = {gate.name for entry in stack.gates for gate in entry.gates}
    for name in names:
        if name not in gates | declared:
            near = nearest(name, gates)
            hint = f"did you mean {near!r}?" if near else f"its gates are: {', '.join(sorted(gates)) or 'none'}"
            raise UnknownName(f"no gate of this promotion is called {name!r}", hint=hint, name=name, near=near)
    for state in states:
        is_let_go = state.answer == "missing" and state.gate in names
        changed = {"answer": "overridden", "reason": reason.strip(), "hint": ""} if is_let_go else {}
        yield msgspec.structs.replace(state, **changed)


def closed(moves: MoveSet) -> GatesClosed:
    """The error for a promotion with gates that have not passed, with a line for each."""
    missing = moves.missing
    lines = [f"not promoting {moves.source} to {moves.channel}: {_counted(missing)} not passed"]
    lines += lines_of(missing)
    return GatesClosed(
        "\n".join(lines),
        hint="--override GATE --reason WHY promotes it all the same, and is shown for ever",
        channel=moves.channel,
        source=moves.source,
        gates=missing,
    )


def lines_of(missing: Sequence[GateState]) -> list[str]:
    """A line for each gate that is missing, with what to do."""
    return [f"  {sentence_of(state)}; {state.hint}" for state in missing]


def _counted(missing: Sequence[GateState]) -> str:
    return "a gate has" if len(missing) == 1 else f"{len(missing)} gates have"


def sentence_of(state: GateState) -> str:
    """A gate in one line: `ml-notebook: basic tests never ran`."""
    names = list(state.targets)
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return f"{shown}: {state.title}: {state.sentence}"
