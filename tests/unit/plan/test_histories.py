# SPDX-License-Identifier: MIT
"""Random stacks with random pasts: what a plan reuses is what is wanted, and nothing passed is built again.

The oracle reads facts (inputs, contents of parents, digests of bases) and knows nothing of fingerprints.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some

from stackyard.model import canonical
from stackyard.model.decide import Need, Presence, decide
from stackyard.model.inputs import build_fingerprint, identity
from stackyard.model.known import Known
from stackyard.model.names import Digest, TargetName
from stackyard.model.plan import Plan
from stackyard.model.record import Record
from stackyard.model.stack import Stack, Target
from tests.examples import IS_LONG, examples
from tests.unit.plan.made import BARE, BASE, built, known, plan, result, sha, stack, suite, target

BASIC = suite()
OTHER_BASE = "docker.io/library/node:20"


class World:
    """A stack whose files and bases change, and what was built of it so far."""

    def __init__(self, parents: list[set[int]], bases: list[int]) -> None:
        self.parents = parents
        self.bases = bases
        self.texts = [0] * len(parents)
        self.accepted = {BASE: "0", OTHER_BASE: "0"}
        self.records: list[Record] = []
        self.inputs: dict[Digest, Target] = {}

    def stack(self) -> Stack:
        """The stack as its files are now."""
        return stack(*(self._target(number) for number in range(len(self.parents))))

    def _target(self, number: int) -> Target:
        made = target(
            f"i{number}",
            *(f"i{parent}" for parent in sorted(self.parents[number])),
            text=f"FROM {self.texts[number]}",
            bases=[(BASE, OTHER_BASE)[self.bases[number]]] if self.bases[number] < 2 else [],
            suites=(BASIC,),
            templates=BARE,
        )
        self.inputs[identity(made.inputs)] = made
        return made

    def known(self) -> Known:
        """All records, newest first."""
        return known(*reversed(self.records), targets=tuple(self.inputs.values()), accepted=self.accepted)

    def content(self, of: Target, on: dict[TargetName, Digest]) -> str:
        """What an engine makes of it: even texts come in pairs that give the same content."""
        text = self.texts[int(of.name[1:])] // 2
        pins = [self.accepted[base] for base in of.inputs.bases]
        return str(canonical.digest([of.name, text, sorted(on.items()), pins]))

    def carry_out(self, of: Plan, failing: set[int], dying_after: int) -> None:
        """Do what the plan says, parents first, as a run does; some tests fail, and the run may be killed."""
        chosen: dict[TargetName, Record] = {}
        for number, step in enumerate(of.steps):
            if step.action == "skip" or number >= dying_after:
                continue
            each = self._target(int(step.target[1:]))
            if any(parent not in chosen for parent in each.inputs.parents):
                continue  # a parent failed or was not done
            on = {parent: content_of(chosen[parent]) for parent in each.inputs.parents}
            knowing = self.known()
            decision = decide(each, on, knowing.accepted, knowing.records.get(each.name, ()), Presence(), Need())
            record = decision.record or self._built(each, on)
            if not record.passed(each.suites):
                facts = (*record.facts, result(BASIC, number not in failing))
                passed = Record(record.id, record.target, record.source, record.build, record.inputs, record.run, facts)
                self.records[self.records.index(record)] = passed
                record = passed
            if record.passed(each.suites):
                chosen[each.name] = record

    def _built(self, of: Target, on: dict[TargetName, Digest]) -> Record:
        pins = {base: sha(self.accepted[base]) for base in of.inputs.bases}
        fact = built(self.content(of, on), parents=tuple(on.items()), bases=tuple(pins.items()))
        record = Record(
            f"r{len(self.records)}",
            of.name,
            sha("source"),
            build_fingerprint(of.inputs, on, pins),
            identity(of.inputs),
            len(self.records),
            (fact,),
        )
        self.records.append(record)
        return record


def content_of(record: Record) -> Digest:
    """What is in the record's image."""
    assert record.built is not None
    return record.built.content


def fits(record: Record, of: Target, contents: dict[TargetName, Digest | None], accepted: dict[str, str]) -> bool:
    """By the facts alone: whether the record was made of what the target is made of now."""
    assert record.built is not None
    return (
        record.inputs == identity(of.inputs)
        and dict(record.built.parents) == {parent: contents[parent] for parent in of.inputs.parents}
        and dict(record.built.bases) == {base: sha(accepted[base]) for base in of.inputs.bases}
    )


def check(world: World) -> None:
    """The promises of a plan, for the world as it is."""
    of, knowing = world.stack(), world.known()
    made = plan(of, knowing)
    assert plan(of, knowing) == made
    by_id = {record.id: record for record in world.records}
    contents: dict[TargetName, Digest | None] = {}
    for step in made.steps:
        each = of.target(step.target)
        record = by_id[step.record] if step.record else None
        known_parents = all(contents[parent] is not None for parent in each.inputs.parents)
        fitting = [r for r in knowing.records.get(each.name, ()) if fits(r, each, contents, world.accepted)]
        if record is not None:
            assert fits(record, each, contents, world.accepted), f"{each.name} goes on from another build"
            assert step.action == ("reuse" if record.passed(each.suites) else "retest")
        if known_parents and any(r.passed(each.suites) for r in fitting):
            assert step.action == "reuse", f"{each.name} passed, and is to be made again"
        if not known_parents:
            assert step.action in ("build", "decide-later")
            never = identity(each.inputs) not in {r.inputs for r in knowing.records.get(each.name, ())}
            assert (step.action == "build") == never
        assert step.reasons
        contents[each.name] = content_of(record) if record else None


MOMENTS = some.tuples(
    some.sampled_from(("edit", "edit", "base", "run", "run")),
    some.integers(0, 4),
    some.integers(0, 3),
    some.sets(some.integers(0, 4), max_size=2),
    some.sampled_from((99, 99, 2, 1)),
)


@settings(max_examples=examples(25, 5000), deadline=None, derandomize=not IS_LONG, database=None)
@given(
    parents=some.lists(some.sets(some.integers(0, 4), max_size=2), min_size=1, max_size=5),
    bases=some.lists(some.integers(0, 2), min_size=5, max_size=5),
    moments=some.lists(MOMENTS, min_size=1, max_size=8),
)
def test_a_plan_keeps_its_promises(
    parents: list[set[int]], bases: list[int], moments: list[tuple[str, int, int, set[int], int]]
) -> None:
    """Edits and reverts, moved bases, partial runs, failing tests, kills: after each, the plan is right.

    It goes on only from a build of exactly what is wanted, it never builds what passed as it is wanted,
    and planned twice it is the same.
    """
    world = World([{up for up in of if up < number} for number, of in enumerate(parents)], bases)
    for what, which, value, names, dying_after in moments:
        if what == "edit":
            world.texts[which % len(parents)] = value
        elif what == "base":
            world.accepted[(BASE, OTHER_BASE)[which % 2]] = str(value)
        else:
            selected = [f"i{number}" for number in names if number < len(parents) and value]
            world.carry_out(plan(world.stack(), world.known(), *selected), names if value < 2 else set(), dying_after)
        check(world)


@settings(max_examples=examples(20), deadline=None, derandomize=not IS_LONG, database=None)
@given(
    parents=some.lists(some.sets(some.integers(0, 4), max_size=2), min_size=1, max_size=5),
    bases=some.lists(some.integers(0, 2), min_size=5, max_size=5),
    edits=some.lists(some.tuples(some.integers(0, 4), some.integers(0, 3)), max_size=4),
)
def test_a_whole_run_leaves_nothing_to_do_and_a_revert_finds_it_again(
    parents: list[set[int]], bases: list[int], edits: list[tuple[int, int]]
) -> None:
    """After a run in which everything passes the plan is empty; whatever is built later, going back is free."""
    world = World([{up for up in of if up < number} for number, of in enumerate(parents)], bases)
    world.carry_out(plan(world.stack(), world.known()), set(), 99)
    assert not plan(world.stack(), world.known()).has_work
    for which, text in edits:
        world.texts[which % len(parents)] = text
        world.carry_out(plan(world.stack(), world.known()), set(), 99)
        assert not plan(world.stack(), world.known()).has_work

    world.texts = [0] * len(parents)

    assert not plan(world.stack(), world.known()).has_work
