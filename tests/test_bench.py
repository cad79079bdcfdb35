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
