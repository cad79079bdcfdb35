# SPDX-License-Identifier: MIT
"""How long each target's jobs will take, as far as anybody can tell: what their order goes by.

In:   the planned targets, their records, sizes of build contexts
Out:  Times of each
Pure.
Used by: run/driver, for run/order. What a person is told is the plan's own expectation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from stackyard.model.names import TargetName
from stackyard.model.plan import Action
from stackyard.model.record import Pushed, Record, Tested
from stackyard.model.stack import Target

RECENT = 3
"""Records that count: a build that came out of the engine's cache says little about the next one."""
BYTES_PER_S = 100e6
"""What a build context is sent and copied at, and an image pushed."""
LAYERS_PER_S = 500e6
"""What a parent's layers are unpacked and compared at."""


class Times(NamedTuple):
    """Seconds that a target's build (or fetch), tests and push are expected to take."""

    build_s: float = 1.0
    test_s: float = 0.0
    push_s: float = 0.0


IDLE = Times(0.0)
"""Of a target that has nothing to do but be built on."""


def times_of(
    targets: Sequence[Target],
    actions: Mapping[TargetName, Action],
    records: Mapping[TargetName, Sequence[Record]],
    context_bytes: Mapping[TargetName, int],
    is_publishing: bool,
) -> dict[TargetName, Times]:
    """The longest of the last few where there are any; else as others of this stack, more for what is larger.

    Args:
        targets: parents first.
        actions: what is to happen to each; one without is left alone, and takes no time.
        records: newest first.
        context_bytes: of targets without records; what is missing counts as nothing.

    Cost: O(facts)
    """
    builds = {t.name: _longest(_builds(records.get(t.name, ()))) for t in targets}
    tests = {t.name: _longest(_tests(t, records.get(t.name, ()))) for t in targets}
    pushes = {t.name: _longest(_pushes(records.get(t.name, ()))) for t in targets}
    usual_build, usual_test = _usual(builds.values(), 1.0), _usual(tests.values(), 1.0)
    sizes: dict[TargetName, float] = {}
    times: dict[TargetName, Times] = {}
    for target in targets:
        name, own = target.name, context_bytes.get(target.name, 0)
        below = sum(sizes.get(parent, 0) for parent in target.parent_names)
        known = next((record.built.size_bytes for record in records.get(name, ()) if record.built), None)
        sizes[name] = below + own if known is None else known
        build, test, push = builds[name], tests[name], pushes[name]
        transfer = sizes[name] / BYTES_PER_S
        if (action := actions.get(name, "skip")) in ("skip", "reuse", "tag"):
            continue
        if action == "fetch":
            build = transfer
        if target.is_index:
            build, transfer = 0.0, 0.0
        times[name] = Times(
            usual_build + own / BYTES_PER_S + below / LAYERS_PER_S if build is None else build,
            (usual_test if test is None else test) if target.suites and action != "push" else 0.0,
            (transfer if push is None else push) if is_publishing else 0.0,
        )
    return times


def room_of(
    targets: Sequence[Target],
    actions: Mapping[TargetName, Action],
    records: Mapping[TargetName, Sequence[Record]],
    base_bytes: Mapping[str, int],
) -> int:
    """Bytes that what is built and fetched takes at least: what each image had last beside what it stands on.

    An image that was never built counts as the median of those that were. Engines keep more than this
    (intermediate results), and less where nothing has changed.

    Args:
        base_bytes: sizes of external bases, by canonical reference, as far as the engine has them.
    """
    sizes = {
        name: record.built.size_bytes
        for name, known in records.items()
        if (record := next((each for each in known if each.built), None)) and record.built
    }
    own: dict[TargetName, int] = {}
    for target in targets:
        below = [sizes.get(parent, 0) for parent in target.parent_names]
        below += [base_bytes.get(base.canonical, 0) for base in target.bases]
        if target.name in sizes and not target.is_index:
            own[target.name] = max(sizes[target.name] - max(below, default=0), 0)
    usual = median(own.values()) if own else 0
    return int(sum(own.get(target.name, usual) for target in targets if is_coming(target, actions)))


def is_coming(target: Target, actions: Mapping[TargetName, Action]) -> bool:
    """Whether an engine will get an image of it; what joins platforms is none of its own."""
    return not target.is_index and actions.get(target.name) in ("build", "decide-later", "fetch")


def _longest(durations: Iterable[float]) -> float | None:
    """The longest, None where there is none."""
    return max(durations, default=None)


def _builds(records: Sequence[Record]) -> list[float]:
    return [record.built.duration_s for record in records if record.built and not record.adopted][:RECENT]


def _tests(target: Target, records: Sequence[Record]) -> list[float]:
    """Of each record all suites together that the target has now."""
    kinds = {suite.kind for suite in target.suites}
    sums = []
    for record in records:
        last = {fact.suite: fact.duration_s for fact in record.facts if isinstance(fact, Tested)}
        if known := [seconds for kind, seconds in last.items() if kind in kinds]:
            sums.append(sum(known))
    return sums[:RECENT]


def _pushes(records: Sequence[Record]) -> list[float]:
    ours = (record for record in records if not record.adopted)
    return [fact.duration_s for record in ours for fact in record.facts if isinstance(fact, Pushed)][:RECENT]


def _usual(known: Iterable[float | None], otherwise: float) -> float:
    """The median of what is known."""
    seconds = [each for each in known if each is not None]
    return median(seconds) if seconds else otherwise
