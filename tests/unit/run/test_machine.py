# SPDX-License-Identifier: MIT
"""The machine: given these events, exactly these instructions."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from stackyard.model.names import TargetName
from stackyard.model.plan import Action
from stackyard.run.events import (
    POOLS,
    Decided,
    End,
    Event,
    Finished,
    Instruction,
    Limits,
    Move,
    Moved,
    Node,
    Prune,
    Setup,
    Skip,
    Start,
    Stopped,
)
from stackyard.run.machine import Machine, replay
from tests.examples import examples

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


def test_a_child_on_another_engine_waits_until_its_parent_is_published() -> None:
    """Content that another engine makes comes through the registry; a push that fails leaves the child undone."""
    nodes = {OS: Node((), "build"), PY: Node((OS,), "build", afar=frozenset({OS})), R: Node((OS,), "build")}
    for is_good in (True, False):
        machine = Machine(nodes, [], WIDE)
        assert machine.begin() == [Start("build", OS)]
        assert feed(machine, *good("build", OS)) == [Start("test", OS), Start("build", R)]
        assert feed(machine, *good("test", OS)) == [Start("publish", OS)]
        after = feed(machine, Finished("publish", OS, is_good))
        assert after == [Start("build", PY)] if is_good else Skip(PY, OS) in after
    reused = Machine({**nodes, OS: Node((), "reuse")}, [], WIDE)
    assert reused.begin() == [Start("publish", OS), Start("build", R)]
    assert feed(reused, *good("publish", OS)) == [Start("build", PY)]


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
    """After the first failure only what runs may finish; what is left is skipped because of it."""
    nodes = {OS: Node((), "build"), PY: Node((), "build"), R: Node((), "build")}
    machine = Machine(nodes, [], Limits(builds=2), is_failing_fast=True)
    assert machine.begin() == [Start("build", OS), Start("build", PY)]

    assert machine.handle(Finished("build", OS, False)) == []
    assert machine.handle(Finished("build", PY, True)) == [Skip(PY, OS), Skip(R, OS), End()]


def test_a_stop_starts_nothing_and_moves_nothing() -> None:
    """Interrupted: running jobs may end, no tag moves; what is left is skipped because of nobody."""
    machine = diamond(action="reuse")
    machine.begin()

    assert machine.handle(Stopped()) == []
    assert machine.handle(Finished("publish", OS, True)) == [*(Skip(name, None) for name in (PY, R, LAB)), End()]


def test_what_a_stop_ends_has_not_failed() -> None:
    """A job that ends badly after the stop was ended by it: nothing is skipped because of that target."""
    machine = diamond()
    machine.begin()
    machine.handle(Stopped())

    assert machine.handle(Finished("build", OS, False)) == [*(Skip(name, None) for name in DIAMOND), End()]


def test_the_log_replays_the_run() -> None:
    """The events of a log give the same instructions again."""
    machine = diamond()
    machine.begin()
    feed(machine, *good("build", OS), Finished("test", OS, False), *good("build", PY, R))
    events = [entry for entry in machine.log if isinstance(entry, Event)]

    assert replay(diamond(), events) == [entry for entry in machine.log if not isinstance(entry, Event)]


def test_a_target_that_may_fail_holds_up_nobody_else() -> None:
    """Its descendants are skipped because of it, fail-fast goes on, and the tags of the others move."""
    nodes = {OS: Node((), "build"), PY: Node((OS,), "build", may_fail=True), R: Node((OS,), "build")}
    nodes[LAB] = Node((PY,), "build")
    machine = Machine(nodes, [frozenset(nodes)], WIDE, is_failing_fast=True)
    machine.begin()
    feed(machine, *good("build", OS))

    assert machine.handle(Finished("build", PY, False)) == [Skip(LAB, PY)]
    assert machine.is_excused(PY)
    assert machine.is_excused(LAB)
    out = feed(machine, *good("build", R), *good("test", OS, R), *good("publish", OS, R))
    assert out[-1] == Move((OS, R))


def test_what_is_decided_later_begins_with_the_longest_way_too() -> None:
    """Each decision is carried out at once, so the one that leads furthest comes first."""
    nodes = {OS: Node((), "build"), PY: Node((OS,), "decide-later"), R: Node((OS,), "decide-later", build_s=30.0)}
    machine = Machine(nodes, [], Limits(builds=1))
    machine.begin()

    out = machine.handle(Finished("build", OS, True))
    assert out == [Start("test", OS), Start("decide", R), Start("decide", PY)]
    assert machine.handle(Decided(R, "build")) == [Start("build", R)]
    assert machine.handle(Decided(PY, "build")) == []


def test_an_image_is_pruned_once_its_last_child_is_published() -> None:
    """Itself first where it has none; one with a child that failed stays."""
    nodes = {OS: Node((), "push", prune=True), PY: Node((OS,), "push", prune=True), R: Node((OS,), "push")}
    machine = Machine(nodes, [], WIDE)
    machine.begin()

    assert feed(machine, *good("publish", OS)) == [Start("publish", PY), Start("publish", R)]
    assert feed(machine, *good("publish", PY)) == [Prune(PY)]
    assert feed(machine, *good("publish", R)) == [Prune(OS), End()]

    other = Machine(nodes, [], WIDE)
    other.begin()
    feed(other, *good("publish", OS, PY))
    assert other.handle(Finished("publish", R, False)) == [End()]


def test_a_push_that_is_refused_is_never_excused() -> None:
    """What may fail is the image: its build and its tests. A registry's refusal counts."""
    machine = Machine({OS: Node((), "push", may_fail=True)}, [frozenset({OS})], WIDE)
    machine.begin()

    assert machine.handle(Finished("publish", OS, False)) == [End()]
    assert not machine.is_excused(OS)


def test_fetches_and_pushes_share_their_places() -> None:
    """They take the same way, so one limit holds for both together."""
    machine = Machine({OS: Node((), "fetch"), PY: Node((), "push")}, [], Limits(transfers=1))

    assert machine.begin() == [Start("fetch", OS)]
    assert machine.handle(Finished("fetch", OS, True)) == [Start("test", OS), Start("publish", PY)]


def test_the_test_that_holds_up_most_goes_first() -> None:
    """With one place for tests, the one that a long publishing waits for comes before a lone one."""
    alone, parent, child = TargetName("alone"), TargetName("parent"), TargetName("child")
    nodes = {
        alone: Node((), "retest", test_s=10.0),
        parent: Node((), "retest", test_s=5.0, push_s=1.0),
        child: Node((parent,), "push", push_s=60.0),
    }

    assert Machine(nodes, [], Limits(tests=1)).begin() == [Start("test", parent)]


def test_the_end_of_what_does_not_run_changes_nothing() -> None:
    """A driver that tells something twice does no harm."""
    machine = diamond()
    machine.begin()
    feed(machine, *good("build", OS))

    assert feed(machine, *good("build", OS), *good("publish", LAB), Decided(LAB, "reuse"), Moved((OS,))) == []


def test_what_waits_for_a_place_and_is_skipped_meanwhile_never_starts() -> None:
    """Its parent's tests failed while another build had the place."""
    nodes = {OS: Node((), "build"), PY: Node((OS,), "build", 9.0), R: Node((OS,), "build")}
    machine = Machine(nodes, [], Limits(builds=1))
    machine.begin()
    feed(machine, *good("build", OS))

    assert machine.handle(Finished("test", OS, False)) == [Skip(PY, OS), Skip(R, OS)]
    assert machine.handle(Finished("build", PY, True)) == [End()]


def test_thousands_of_targets_are_no_trouble() -> None:
    """A chain and a wide tree of that size: no depth is too deep, and nothing is said twice."""
    count = examples(500, 20_000)
    names = [TargetName(f"t{i}") for i in range(count)]
    for parents in ([(), *((name,) for name in names)], [(), *[(names[0],)] * count]):
        machine = Machine({name: Node(parents[i], "build") for i, name in enumerate(names)}, [names], Limits(builds=8))
        todo, steps = deque(machine.begin()), 0
        while todo:
            steps += 1
            match todo.popleft():
                case Start(job=job, target=name):
                    todo.extend(machine.handle(Finished(job, name, True)))
                case Move(targets=targets):
                    todo.extend(machine.handle(Moved(targets)))
        assert steps == 3 * count + 2


@st.composite
def graphs(draw: st.DrawFn) -> dict[TargetName, Node]:
    """Random graphs of up to twelve targets with random actions, expectations and licences to fail."""
    actions: Sequence[Action] = ("build", "reuse", "tag", "push", "fetch", "retest", "decide-later")
    nodes: dict[TargetName, Node] = {}
    for i in range(draw(st.integers(1, 12))):
        parents = draw(st.lists(st.sampled_from(sorted(nodes)), max_size=3, unique=True)) if nodes else []
        nodes[TargetName(f"t{i}")] = Node(
            tuple(parents),
            draw(st.sampled_from(actions)),
            build_s=draw(st.sampled_from([1.0, 2.0, 30.0])),
            test_s=draw(st.sampled_from([0.0, 7.0])),
            may_fail=draw(st.booleans()),
            prune=draw(st.booleans()),
        )
    return nodes


def ancestors(nodes: dict[TargetName, Node], name: TargetName) -> set[TargetName]:
    """All that a target is built on."""
    return {above for parent in nodes[name].parents for above in ({parent} | ancestors(nodes, parent))}


@given(
    graphs(),
    st.builds(Limits, builds=st.integers(1, 3), tests=st.integers(1, 2), transfers=st.integers(1, 3)),
    st.booleans(),
    st.randoms(use_true_random=False),
    st.sampled_from([0.0, 0.1, 0.4]),
    st.sampled_from([0.0, 0.0, 0.05]),
)
def test_every_run_ends_and_keeps_the_rules(
    nodes: dict[TargetName, Node], limits: Limits, fails_fast: bool, random: Random, risk: float, stop: float
) -> None:
    """Whatever fails in whatever order, and whenever somebody stops it: the rules of the module's first lines hold."""
    setup = Setup(nodes, (tuple(nodes),), limits, fails_fast)
    machine = Machine.of(setup)
    actions = {name: node.action for name, node in nodes.items()}
    running: list[Start | Move] = []
    passed, published, with_content = set[TargetName](), set[TargetName](), set[TargetName]()
    failed: dict[TargetName, str] = {}
    skipped: dict[TargetName, TargetName | None] = {}
    pruned = set[TargetName]()
    ended = set[TargetName]()
    is_stopped = is_interrupted = has_moved = False
    todo = machine.begin()
    while True:
        for instruction in todo:
            match instruction:
                case Skip(target=name, because=cause):
                    assert name not in skipped
                    skipped[name] = cause
                case Move(targets=targets):
                    assert not is_stopped
                    assert set(targets) <= published
                    assert all(machine.is_excused(name) for name in nodes if name not in targets)
                    has_moved = True
                    running.append(instruction)
                case Prune(target=name):
                    children = {each for each, node in nodes.items() if name in node.parents}
                    assert nodes[name].prune
                    assert {name} | children <= published
                    assert name not in pruned
                    pruned.add(name)
                case Start(job=job, target=name):
                    assert not is_stopped
                    assert name not in failed
                    assert name not in skipped
                    if job in ("build", "fetch", "decide"):
                        above = nodes[name].parents
                        assert all(p in with_content or actions[p] in ("reuse", "tag", "push", "retest") for p in above)
                    if job == "publish":
                        assert set(nodes[name].parents) <= published
                        for each in {name} | ancestors(nodes, name):
                            assert each in passed or actions[each] in ("reuse", "tag", "push")
                    running.append(instruction)
        busy = Counter(POOLS.get(each.job) for each in running if isinstance(each, Start))
        assert all(busy[pool] <= limits.of(pool) for pool in set(POOLS.values()))
        if End() in todo:
            break
        assert running, "nothing runs, and it is not the end"
        if not has_moved and random.random() < stop:
            is_stopped = is_interrupted = True
            todo = machine.handle(Stopped())
            continue
        now = running.pop(random.randrange(len(running)))
        if isinstance(now, Move):
            todo = machine.handle(Moved(now.targets))
        elif now.job == "decide" and random.random() >= risk:
            choice: Action = random.choice(["build", "reuse", "retest"])
            actions[now.target] = choice
            todo = machine.handle(Decided(now.target, choice))
        else:
            is_good = now.job != "decide" and random.random() >= risk
            if now.target not in skipped:
                if not is_good and is_interrupted:
                    ended.add(now.target)
                elif not is_good:
                    failed[now.target] = now.job
                    is_excused = nodes[now.target].may_fail and now.job in ("build", "test")
                    is_stopped = is_stopped or (fails_fast and not is_excused)
                elif now.job in ("build", "fetch"):
                    with_content.add(now.target)
                elif now.job == "test":
                    passed.add(now.target)
                else:
                    published.add(now.target)
            todo = machine.handle(Finished(now.job, now.target, is_good))

    assert not running
    assert {*failed} | {*skipped} | published == {*nodes}
    assert not {*failed} & {*skipped}
    assert not [name for name in ended if skipped[name] is not None]
    assert not published & ({*failed} | {*skipped})
    for name in nodes:
        broken = ancestors(nodes, name) & {*failed}
        assert not broken or name in skipped or name in failed  # it may have failed before they did
        assert name not in skipped or is_stopped or skipped[name] in broken
    events = [entry for entry in machine.log if isinstance(entry, Event)]
    assert replay(Machine.of(setup), events) == [entry for entry in machine.log if not isinstance(entry, Event)]
