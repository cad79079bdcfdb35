# SPDX-License-Identifier: MIT
"""Two runs of one stack at once: each target is built by one of them, and the other finds it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.engine import BuildRequest
from stackyard.model.outcome import RunSummary
from stackyard.model.progress import JobStep, Progress, Watch, unwatched
from stackyard.run.events import Limits
from tests.unit.run.test_run import Bench, outcome


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Three images, nothing built."""
    return Bench(tmp_path)


def run(bench: Bench, gate: threading.Barrier, watch: Watch = unwatched, **options: object) -> RunSummary:
    """One run, begun when all others have planned, too."""
    yard = bench.yard()
    plan = verbs.prepare(yard, **options)  # type: ignore[arg-type]
    gate.wait(20)
    return verbs.run(yard, plan, watch=watch, limits=Limits(builds=2))


def both(bench: Bench, **options: object) -> tuple[RunSummary, RunSummary]:
    """Two runs that planned the same, at once."""
    gate = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        one, other = [pool.submit(run, bench, gate, **options) for _ in range(2)]
        return one.result(60), other.result(60)


def built(bench: Bench) -> list[str]:
    """What the engine was asked to build."""
    return sorted(
        subject.rpartition("/")[2].partition(":")[0] for verb, subject in bench.engine.calls if verb == "build"
    )


def test_each_target_is_built_once(bench: Bench) -> None:
    """Whoever comes second waits, takes the record that there is then, and says that it is reused."""
    waits = {name: threading.Event() for name in ("base", "left", "right")}
    waited: list[bool] = []

    def watch(progress: Progress) -> None:
        if isinstance(progress, JobStep) and progress.text == "another run builds it: waiting":
            waits[str(progress.target)].set()

    def hold(request: BuildRequest) -> None:
        waited.append(waits[str(request.tag.repository).rpartition("/")[2]].wait(20))

    bench.engine.before_build = hold  # until the other one waits
    one, other = both(bench, watch=watch)

    assert waited == [True] * 3
    assert built(bench) == ["base", "left", "right"]
    assert one.is_good
    assert other.is_good
    statuses = zip(bench.statuses(one).values(), bench.statuses(other).values(), strict=True)
    assert all(sorted(pair) == ["built", "reused"] for pair in statuses)
    records = bench.yard().records.known().records
    assert all(len(found) == 1 for found in records.values())


def test_both_publish_the_same(bench: Bench) -> None:
    """The images and the tags in the registry are those of one build, whoever pushed them."""
    one, other = both(bench, publish=True)

    assert one.is_good
    assert other.is_good
    assert built(bench) == ["base", "left", "right"]
    for image in ("base", "left", "right"):
        (record,) = bench.yard().records.known().records[outcome(one, image).target]
        assert record.built is not None
        assert bench.at(image, "2026.3-main") == bench.at(image, str(record.built.local.tag))


def test_what_was_known_before_is_no_answer(bench: Bench) -> None:
    """Who wants something built anew gets it built, by one of those who want it."""
    bench.build()
    bench.engine.calls.clear()
    both(bench, rebuild=("base",))

    assert built(bench).count("base") == 1


def test_a_failure_is_not_shared(bench: Bench) -> None:
    """There is no record of it: the other run tries for itself, and both tell the failure."""
    bench.engine.failing = {"registry.example/lab/base": "no luck"}
    one, other = both(bench)

    assert built(bench) == ["base", "base"]
    assert not one.is_good
    assert not other.is_good


def test_a_build_without_the_cache_is_each_ones_own(bench: Bench) -> None:
    """What another run built may have come out of a cache."""

    def alone() -> RunSummary:
        yard = bench.yard()
        plan = verbs.prepare(yard)
        verbs.run(bench.yard(), plan)
        return verbs.run(yard, plan, use_cache=False)

    assert bench.statuses(alone()) == {"base": "built", "left": "built", "right": "built"}
    assert len(built(bench)) == 6
