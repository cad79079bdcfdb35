# SPDX-License-Identifier: MIT
"""The machine: given these events, exactly these instructions."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from stackyard.model.names import TargetName
from stackyard.model.plan import Action
from stackyard.run.machine import (
    Decided,
    End,
    Event,
    Finished,
    Instruction,
    Limits,
    Machine,
    Move,
    Moved,
    Node,
    Skip,
    Start,
    Stopped,
    replay,
)

OS, PY, R, LAB = (TargetName(name) for name in ("os", "py", "r", "lab"))
DIAMOND: dict[TargetName, tuple[TargetName, ...]] = {OS: (), PY: (OS,), R: (OS,), LAB: (PY, R)}
WIDE = Limits(builds=9, tests=9, transfers=9)


def diamond(action: Action = "build", limits: Limits = WIDE, **actions: Action) -> Machine:
    """os <- py, r <- lab, all in one set."""
    nodes = {name: Node(parents, actions.get(name, action)) for name, parents in DIAMOND.items()}
    return Machine(nodes, [frozenset(nodes)], limits)


def good(job: str, *names: TargetName) -> list[Event]:
    """A job of each target ended well."""
    return [Finished(job, name, True) for name in names]  # type: ignore[arg-type]


def feed(machine: Machine, *events: Event) -> list[Instruction]:
    """All instructions for some events."""
    return [instruction for event in events for instruction in machine.handle(event)]


def test_a_child_builds_while_its_parent_is_tested() -> None:
    """Content is enough for children to start; the parent's tests run beside them."""
    machine = diamond()

    assert machine.begin() == [Start("build", OS)]
    assert machine.handle(Finished("build", OS, True)) == [Start("test", OS), Start("build", PY), Start("build", R)]


def test_nothing_is_published_before_all_ancestors_are() -> None:
    """A child whose tests passed is held until its parent is published, tests included."""
    machine = diamond()
    machine.begin()
    feed(machine, *good("build", OS, PY))

    assert machine.handle(Finished("test", PY, True)) == []
    assert machine.handle(Finished("test", OS, True)) == [Start("publish", OS)]
    assert machine.handle(Finished("publish", OS, True)) == [Start("publish", PY)]


def test_a_failed_build_skips_its_descendants_only() -> None:
    """When `py` fails, `lab` is skipped because of it and `r` goes on."""
    machine = diamond()
    machine.begin()
    feed(machine, *good("build", OS))

    assert machine.handle(Finished("build", PY, False)) == [Skip(LAB, PY)]
    assert machine.handle(Finished("build", R, True)) == [Start("test", R)]
    assert machine.state(LAB) == "skipped"


def test_a_failed_test_of_a_parent_stops_what_builds_on_it() -> None:
    """Children that were already building end as skipped, and nothing of them is published."""
    machine = diamond()
    machine.begin()
    feed(machine, *good("build", OS))

    assert machine.handle(Finished("test", OS, False)) == [Skip(PY, OS), Skip(R, OS), Skip(LAB, OS)]
    assert feed(machine, *good("build", PY, R)) == [End()]


def test_moving_tags_move_when_the_whole_set_is_good() -> None:
    """One Move for the set, after the last of it is published; then the end."""
    machine = diamond(action="reuse")
    machine.begin()

    out = feed(machine, *good("publish", OS, PY, R, LAB))

    assert out[-1] == Move((OS, PY, R, LAB))
    assert machine.handle(Moved((OS, PY, R, LAB))) == [End()]


def test_moving_tags_of_a_set_with_a_failure_stay() -> None:
    """All or none: one failure and no tag of its set moves; another set still does."""
    other = TargetName("other")
    nodes = {OS: Node((), "build"), PY: Node((OS,), "build"), other: Node((), "tag")}
    machine = Machine(nodes, [frozenset({OS, PY}), frozenset({other})], WIDE)
    machine.begin()

    out = feed(machine, *good("publish", other), Finished("build", OS, False))

    assert out == [Skip(PY, OS), Move((other,))]


def test_a_decision_that_waited_is_made_when_the_parents_have_content() -> None:
    """`decide-later` asks once all parents have content; a reuse then needs no build."""
    machine = diamond(lab="decide-later")
    machine.begin()
    feed(machine, *good("build", OS, PY))

    assert machine.handle(Finished("build", R, True)) == [Start("test", R), Start("decide", LAB)]
    assert machine.handle(Decided(LAB, "reuse")) == []
    feed(machine, *good("test", OS, PY, R), *good("publish", OS, PY))
    assert machine.handle(Finished("publish", R, True)) == [Start("publish", LAB)]


def test_known_content_is_tested_without_a_build() -> None:
    """`retest` starts with the tests, and its children need not wait for them to build."""
    machine = diamond(os="retest")

    assert set(machine.begin()) == {Start("test", OS), Start("build", PY), Start("build", R)}


def test_limits_hold_jobs_back_longest_path_first() -> None:
    """With one build slot, the target with the longest path to the end goes first, ties in file order."""
    short, long, child = TargetName("short"), TargetName("long"), TargetName("child")
    nodes = {short: Node((), "build", 10.0), long: Node((), "build", 1.0), child: Node((long,), "build", 60.0)}
    machine = Machine(nodes, [], Limits(builds=1))

    assert machine.begin() == [Start("build", long)]
    assert Start("build", child) in machine.handle(Finished("build", long, True))


def test_failing_fast_starts_nothing_more() -> None:
    """After the first failure only what runs may finish."""
    nodes = {OS: Node((), "build"), PY: Node((), "build"), R: Node((), "build")}
    machine = Machine(nodes, [], Limits(builds=2), is_failing_fast=True)
    assert machine.begin() == [Start("build", OS), Start("build", PY)]

    assert machine.handle(Finished("build", OS, False)) == []
    assert machine.handle(Finished("build", PY, True)) == [End()]


def test_a_stop_starts_nothing_and_moves_nothing() -> None:
    """Interrupted: running jobs may end, no tag moves."""
    machine = diamond(action="reuse")
    machine.begin()

    assert machine.handle(Stopped()) == []
    assert machine.handle(Finished("publish", OS, True)) == [End()]


def test_the_log_replays_the_run() -> None:
    """The events of a log give the same instructions again."""
    machine = diamond()
    machine.begin()
    feed(machine, *good("build", OS), Finished("test", OS, False), *good("build", PY, R))
    events = [entry for entry in machine.log if isinstance(entry, Event)]

    assert replay(diamond(), events) == [entry for entry in machine.log if not isinstance(entry, Event)]


@st.composite
def graphs(draw: st.DrawFn) -> dict[TargetName, Node]:
    """Random graphs of up to nine targets with random actions."""
    actions: Sequence[Action] = ("build", "reuse", "tag", "push", "fetch", "retest", "decide-later")
    nodes: dict[TargetName, Node] = {}
    for i in range(draw(st.integers(1, 9))):
        parents = draw(st.lists(st.sampled_from(sorted(nodes)), max_size=3, unique=True)) if nodes else []
        nodes[TargetName(f"t{i}")] = Node(tuple(parents), draw(st.sampled_from(actions)))
    return nodes


@given(graphs(), st.randoms(use_true_random=False), st.floats(0, 0.4))
def test_every_run_ends_and_keeps_the_rules(nodes: dict[TargetName, Node], random: object, risk: float) -> None:
    """Whatever fails in whatever order: the run ends, limits hold, and nothing is published on a failed ancestor."""
    limits = Limits(builds=2, tests=1, transfers=2)
    machine = Machine(nodes, [frozenset(nodes)], limits)
    running: list[Instruction] = []
    published: set[TargetName] = set()
    bad: set[TargetName] = set()
    todo = machine.begin()
    for _ in range(1000):
        for instruction in todo:
            assert not (isinstance(instruction, Start) and instruction.target in bad)
            if isinstance(instruction, Skip):
                bad.add(instruction.target)
            elif isinstance(instruction, Move):
                assert not bad
                running.append(instruction)
            elif isinstance(instruction, Start):
                if instruction.job == "publish":
                    assert set(nodes[instruction.target].parents) <= published
                running.append(instruction)
        if End() in todo:
            break
        for job in ("build", "test"):
            assert sum(1 for i in running if isinstance(i, Start) and i.job == job) <= (limits.of(job) or 0)  # type: ignore[arg-type]
        now = running.pop(random.randrange(len(running)))  # type: ignore[attr-defined]
        if isinstance(now, Move):
            todo = machine.handle(Moved(now.targets))
        elif isinstance(now, Start) and now.job == "decide":
            todo = machine.handle(Decided(now.target, random.choice(["build", "reuse", "retest"])))  # type: ignore[attr-defined]
        elif isinstance(now, Start):
            is_good = random.random() >= risk  # type: ignore[attr-defined]
            if now.job == "publish" and is_good and now.target not in bad:
                published.add(now.target)
            if not is_good:
                bad.add(now.target)
            todo = machine.handle(Finished(now.job, now.target, is_good))
    else:
        raise AssertionError("the run did not end")

    assert {name for name in nodes if machine.state(name) == "good"} == published
