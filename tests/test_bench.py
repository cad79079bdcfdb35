"""What a script of bench/ makes of what it measured; measuring takes minutes, and is a person's to ask for."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """bench/peers.py, which finds the scripts beside it as when it is run."""
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("peers")


def test_kollas_tree_gives_each_edge_once(peers: ModuleType) -> None:
    """An image with children is an object of one key, one without is a text; the root builds on nothing."""
    tree = {"base": ["cron", {"openstack-base": ["horizon", {"nova-base": ["nova-api"]}]}]}
    assert peers.edges_of(tree) == {
        ("base", "cron"),
        ("base", "openstack-base"),
        ("openstack-base", "horizon"),
        ("openstack-base", "nova-base"),
        ("nova-base", "nova-api"),
    }
    assert peers.edges_of({"base": []}) == frozenset()


def test_what_is_not_ten_times_as_fast_is_missed(peers: ModuleType) -> None:
    """By the clock, not by processors; the peer itself has no target."""
    rows = peers.rows_of({"theirs": (20.0, 18.0), "graph": (2.0, 1.0), "plan": (2.5, 0.5)}, "theirs")
    assert (rows["graph"]["ahead"], rows["plan"]["ahead"], rows["plan"]["cpu_ahead"]) == (10.0, 8.0, 36.0)
    assert peers.missed_of(rows) == ["plan"]
    assert rows["theirs"]["target"] is None


def test_the_clock_and_the_processors_keep_their_fastest_run_each(peers: ModuleType) -> None:
    """A run that waited for others is slow by the clock alone."""
    assert peers.fastest((0.0, 9e9), lambda: None)[0] == 0.0
    assert peers.fastest((0.0, 9e9), lambda: None)[1] < 9e9


def test_another_stack_is_not_measured(peers: ModuleType, tmp_path: Path) -> None:
    """Where the peer and Stackyard read other images or other parents, the script ends and says which."""
    graph = {
        "nodes": [{"name": "base"}, {"name": "lab"}],
        "edges": [{"parent": "base", "child": "lab"}],
    }
    names, edges = frozenset(("base", "lab")), frozenset((("base", "lab"),))

    peers.compare(peers.Stack(tmp_path, names, edges, "peer", [], {}), graph)

    with pytest.raises(SystemExit, match=r"other edges: only the former \[\('lab', 'base'\)\]"):
        peers.compare(peers.Stack(tmp_path, names, frozenset((("lab", "base"),)), "peer", [], {}), graph)
    with pytest.raises(SystemExit, match=r"other images: only the former \[\], only the latter \['lab'\], of 1 and 2"):
        peers.compare(peers.Stack(tmp_path, frozenset(("base",)), edges, "peer", [], {}), graph)


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """bench/run.py."""
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("run")


def test_the_bound_is_the_longest_chain_or_the_shared_work(simulated: ModuleType) -> None:
    """First come ends later than it has to: the chain that is listed last begins last."""
    tree = {"base": (None, 2.0), "a": ("base", 3.0), "b": ("base", 3.0), "long": ("base", 6.0)}

    assert simulated.bound(tree, 1) == 14.0
    assert simulated.bound(tree, 2) == 8.0  # base and long
    assert simulated.first_come(tree, 2) == 2.0 + 3.0 + 6.0


@pytest.mark.processes
def test_runs_of_a_simulated_engine_take_no_time_and_say_how_long_they_took(
    simulated: ModuleType, tmp_path: Path
) -> None:
    """With the times of a first run the long one goes first, and the bound is reached."""
    tree = {"base": (None, 2000.0), "a": ("base", 3000.0), "b": ("base", 3000.0), "long": ("base", 6000.0)}
    bench = simulated.Bench(tmp_path, tree)
    first, seconds = bench.run(2, 1)
    second, _ = bench.run(2, 2)

    assert first.duration_s == pytest.approx(11000.0)
    assert second.duration_s == pytest.approx(8000.0)
    assert seconds < 1000
