# SPDX-License-Identifier: MIT
"""How far a run ends from the bound max(longest chain, work / workers). The engine is simulated: nothing is built.

In:   --trees N (11), --json, --check
Out:  a table, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder
How:  README.md beside this file

The plan, the driver, the machine and the records are Stackyard's own; the engine makes images in memory and says
how long each would have taken, and the workers let that time pass without waiting. So what is measured is the
order in which things are started, and not how long the starting takes: that is in engine.py, on a real one.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from plan import git

from stackyard import verbs
from stackyard.model.outcome import RunSummary
from stackyard.run.driver import Driver
from stackyard.run.events import Limits
from stackyard.run.moving import Mover
from stackyard.run.workers import Ended, Noted
from stackyard.testing import FakeEngine, FixedClock, MemoryRegistry
from stackyard.verbs import Options
from stackyard.verbs.groundwork import work_of
from stackyard.verbs.journaling import journal_of

Tree = Mapping[str, tuple[str | None, float]]
"""Image -> parent, seconds of its build. Parents first, as a file would list them."""


class Simulated(FakeEngine):
    """An engine whose builds take as long as they are told, by a clock that it moves."""

    def __init__(self, clock: Passing, seconds: Mapping[str, float]) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def build(self, request, log, watch):  # type: ignore[no-untyped-def]
        """As the engine in memory, with a duration."""
        seconds = self._seconds[str(request.tag.repository).rpartition("/")[2]]
        result = super().build(request, log, watch)
        self._clock.spend(seconds)
        return msgspec.structs.replace(result, duration_s=seconds)


class Passing(FixedClock):
    """A clock on which a job spends time of its own, beside that of the others."""

    def __init__(self) -> None:
        super().__init__()
        self._spent = 0.0

    def ticks(self) -> float:
        """Now, and what the job that is asked about has spent."""
        return super().ticks() + self._spent

    def spend(self, seconds: float) -> None:
        """In the job that runs."""
        self._spent += seconds

    def during(self, call: Callable[[], Ended]) -> tuple[float, Ended]:
        """What a call gives, and when it is over; the clock itself stays where it is."""
        ended = call()
        at, self._spent = self.ticks(), 0.0
        return at, ended


class Workers:
    """Does each call at once, and hands its end out when its time has passed."""

    def __init__(self, clock: Passing) -> None:
        self._clock = clock
        self._running: list[tuple[float, int, Ended]] = []
        self._count = 0

    def start(self, call: Callable[[], Ended]) -> None:
        """It is done now, and over later."""
        at, ended = self._clock.during(call)
        self._count += 1
        heapq.heappush(self._running, (at, self._count, ended))

    def note(self, noted: Noted) -> None:
        """Nothing is tested here."""

    def next(self) -> Ended:
        """The next one that is over; the clock goes on to then."""
        at, _, ended = heapq.heappop(self._running)
        self._clock.advance(at - self._clock.ticks())
        return ended

    def wake(self) -> None:
        """Nobody waits."""

    def finish(self) -> list[Ended]:
        """Whatever is left."""
        return [self.next() for _ in range(len(self._running))]


def wide(seed: int) -> dict[str, tuple[str | None, float]]:
    """188 images in the shape of Kolla's, most a few tenths of a second as its dry builds are.

    One root; on it 57 images, and one that 129 more stand on, in families of two levels.
    """
    chance = random.Random(seed)

    def seconds() -> float:
        return chance.lognormvariate(-1.7, 0.4)

    tree: dict[str, tuple[str | None, float]] = {"base": (None, seconds()), "common": ("base", seconds())}
    for number in range(57):
        tree[f"plain-{number:02}"] = ("base", seconds())
    families = [f"family-{number:02}" for number in range(25)]
    for name in families:
        tree[name] = ("common", seconds())
    for number in range(104):
        tree[f"leaf-{number:03}"] = (chance.choice(families), seconds())
    return tree


def skewed() -> dict[str, tuple[str | None, float]]:
    """Many short images, then a chain of three long ones at the end of the file."""
    tree: dict[str, tuple[str | None, float]] = {"base": (None, 10.0)}
    for number in range(96):
        tree[f"short-{number:02}"] = ("base", 10.0)
    for number in range(3):
        tree[f"long-{number}"] = (f"long-{number - 1}" if number else "base", 60.0)
    return tree


def bound(tree: Tree, workers: int) -> float:
    """No run can be shorter: the longest chain, and all work shared without a gap."""
    chain: dict[str, float] = {}
    for name, (parent, seconds) in tree.items():
        chain[name] = seconds + (chain[parent] if parent else 0.0)
    return max(*chain.values(), sum(seconds for _, seconds in tree.values()) / workers)


def least(tree: Tree, workers: int) -> float:
    """The same, less what no order can help: while the one root is built, nobody else has work."""
    root = next(seconds for parent, seconds in tree.values() if parent is None)
    return max(bound(tree, workers), root + (sum(seconds for _, seconds in tree.values()) - root) / workers)


def first_come(tree: Tree, workers: int) -> float:
    """What it takes when each is started as it becomes possible, those of one moment in file order."""
    children: dict[str, list[str]] = {name: [] for name in tree}
    for name, (parent, _) in tree.items():
        if parent:
            children[parent].append(name)
    ready = deque(name for name, (parent, _) in tree.items() if parent is None)
    running: list[tuple[float, int, str]] = []
    now, count = 0.0, 0
    while ready or running:
        while ready and len(running) < workers:
            count += 1
            heapq.heappush(running, (now + tree[ready[0]][1], count, ready.popleft()))
        now, _, name = heapq.heappop(running)
        ready.extend(children[name])
    return now


class Bench:
    """A stack of a tree's shape, and runs of it."""

    def __init__(self, root: Path, tree: Tree) -> None:
        self._root = root
        self._clock = Passing()
        self._engine = Simulated(self._clock, {name: seconds for name, (_, seconds) in tree.items()})
        self._engine.add("debian:12")
        lines = ["registry: registry.example/lab", "images:"]
        for name, (parent, _) in tree.items():
            folder = root / "images" / name
            folder.mkdir(parents=True)
            text = f"FROM registry.example/lab/{parent}\nCOPY note /\n" if parent else "FROM debian:12\nCOPY note /\n"
            (folder / "Dockerfile").write_text(text)
            (folder / "note").write_text(f"{name:<40}")  # of one size: a first run knows nothing else
            lines.append(f"  {name}: {{depend_on: {parent}}}" if parent else f"  {name}: {{}}")
        (root / "images" / "spec.yml").write_text("\n".join([*lines, "tag: {prefix: '1'}", ""]))
        git(root, "init", "--quiet", "--initial-branch=main")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "All")

    def run(self, workers: int, round_: int) -> tuple[RunSummary, float]:
        """Build all of it after a change of the root; the summary, and seconds of a real clock."""
        (self._root / "images" / "base" / "note").write_text(str(round_))
        begun = time.perf_counter()
        yard = verbs.load(self._root, Options(), self._clock, lambda _: self._engine, lambda _: MemoryRegistry())
        plan = verbs.prepare(yard)
        number = yard.records.begin_run("build", self._clock.now())
        work, limits = work_of(yard, plan, number, True), Limits(builds=workers)
        mover = Mover(yard.tags("engine"), journal_of(yard, "engine"))
        driver = Driver(plan, work, yard.records, mover, limits, lambda _: None, number, workers=Workers(self._clock))
        summary = driver.run("build", self._clock.now())
        yard.records.end_run(summary)
        assert all(outcome.status == "built" for outcome in summary.outcomes), summary
        return summary, time.perf_counter() - begun


TARGETS = {"wide": 5.0, "skewed": 10.0}
"""Percent over the bound, when the times of a run before are known."""
WORKERS = {"wide": (2, 4, 8, 16), "skewed": (4,)}


def measured(seeds: int) -> list[dict]:
    """Each tree with each number of workers: a first run that knows nothing but sizes, then one that knows.

    Args:
        seeds: how many wide trees; how long the one root takes decides most of what they differ by.
    """
    kinds = {"wide": [wide(seed) for seed in range(1, seeds + 1)], "skewed": [skewed()]}
    return [row_of(name, trees, workers) for name, trees in kinds.items() for workers in WORKERS[name]]


def row_of(name: str, trees: list[dict[str, tuple[str | None, float]]], workers: int) -> dict:
    """Medians over trees of one shape, each in percent of its own bound, and the worst."""
    found: list[dict[str, float]] = []
    for tree in trees:
        with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
            bench = Bench(Path(folder).resolve(), tree)
            first, _ = bench.run(workers, 1)
            second, real_s = bench.run(workers, 2)
        seconds = {
            "first_come_over": first_come(tree, workers),
            "first_run_over": first.duration_s,
            "known_over": second.duration_s,
            "root_alone": least(tree, workers),
        }
        shortest = bound(tree, workers)
        over = {f"{key}_percent": 100 * (value / shortest - 1) for key, value in seconds.items()}
        found.append({"bound_s": shortest, **over, "own_ms_per_image": 1000 * real_s / len(tree)})
    row = {
        "tree": name,
        "images": len(trees[0]),
        "workers": workers,
        **{key: round(statistics.median(each[key] for each in found), 1) for key in found[0]},
        "worst_percent": round(max(each["known_over_percent"] for each in found), 1),
        "target_percent": TARGETS[name],
    }
    # No order of starts helps where the root alone is over the target: that much is let through there.
    extra = row["root_alone_percent"] if row["root_alone_percent"] > TARGETS[name] else 0.0
    return {**row, "missed": row["known_over_percent"] - extra > TARGETS[name]}


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    parser.add_argument("--trees", type=int, default=11, help="wide trees to measure; the median counts")
    asked = parser.parse_args()
    rows = measured(asked.trees)
    missed = [f"{row['tree']} {row['workers']}" for row in rows if row["missed"]]
    if asked.json:
        print(json.dumps({"format": 1, "engine": "simulated", "rows": rows, "missed": missed}, indent=2))
    else:
        print("A simulated engine; percent over the bound max(longest chain, work / workers).\n")
        heads = (
            "tree",
            "images",
            "workers",
            "bound s",
            "first come",
            "first run",
            "known",
            "worst",
            "root alone",
            "target",
        )
        print("".join(f"{head:>12}" for head in heads))
        for row in rows:
            cells = [row["tree"], row["images"], row["workers"], row["bound_s"]]
            kinds = ("first_come_over", "first_run_over", "known_over", "worst", "root_alone", "target")
            cells += [f"{row[f'{kind}_percent']}%" for kind in kinds]
            print("".join(f"{cell:>12}" for cell in cells) + (" missed" if row["missed"] else ""))
    return 1 if asked.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
