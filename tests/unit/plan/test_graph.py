# SPDX-License-Identifier: MIT
"""The graph of targets: order, descendants, what is connected."""

from __future__ import annotations

import pytest

from stackyard.errors import GraphProblem
from stackyard.model.names import TargetName
from stackyard.plan.graph import build_order, components, descendants, graph_of
from tests.cases import each_of
from tests.unit.plan.made import stack, target


def graph(text: str) -> dict[TargetName, tuple[TargetName, ...]]:
    """`a b:a c:a,b` as a graph."""
    found = {}
    for word in text.split():
        name, _, parents = word.partition(":")
        found[TargetName(name)] = tuple(map(TargetName, parents.split(","))) if parents else ()
    return found


@each_of(
    ("text", "expected"),
    [
        ("a b:a c:a", "a b c"),
        ("c:a b:a a", "a c b"),
        ("d:b,c b:a c:a a", "a b c d"),
        ("d:c,b b:a c:a a", "a c b d"),
        ("x y a:y", "x y a"),
        ("", ""),
    ],
)
def test_parents_come_first_and_ties_keep_the_files_order(text: str, expected: str) -> None:
    """The same stack always gives the same list."""
    assert build_order(graph(text)) == expected.split()


def test_wanting_one_wants_all_it_builds_on() -> None:
    """Ancestors come along, siblings and children do not."""
    assert build_order(graph("a b:a c:a d:b"), [TargetName("d")]) == ["a", "b", "d"]


@pytest.mark.parametrize(("text", "ring"), [("a:a", "a a"), ("a:b b:c c:a", "a b c a"), ("x a:x,b b:a", "a b a")])
def test_a_ring_is_told_from_end_to_end(text: str, ring: str) -> None:
    """GraphProblem names the whole ring, and nothing that only leads to it."""
    with pytest.raises(GraphProblem, match=" -> ".join(ring.split())) as caught:
        build_order(graph(text))
    assert caught.value.chain == tuple(ring.split())


def test_a_long_chain_costs_no_stack() -> None:
    """Ten thousand images on top of each other are ordered like three."""
    chain = {TargetName(str(n)): (TargetName(str(n - 1)),) if n else () for n in reversed(range(10_000))}

    assert build_order(chain) == [str(n) for n in range(10_000)]


def test_a_parent_that_could_not_be_read_is_left_out() -> None:
    """It is a finding already; the graph is of the targets that are there."""
    assert graph_of(stack(target("lab", "gone"))) == {"lab": ()}


def test_all_that_is_built_on_something() -> None:
    """However far up, and not what it builds on itself."""
    assert descendants(graph("a b:a c:b d:a e"), [TargetName("b")]) == {"c"}
    assert descendants(graph("a b:a c:b d:a e"), [TargetName("a"), TargetName("b")]) == {"b", "c", "d"}


@each_of(
    ("text", "names", "expected"),
    [
        ("a b:a c:a x y:x", "a b c x y", "abc xy"),
        ("a b:a c:a", "b c", "b c"),
        ("a b c:a,b", "a b c", "abc"),
        ("a b c:a,b", "a b", "a b"),
    ],
)
def test_what_is_connected_goes_together(text: str, names: str, expected: str) -> None:
    """Parent and child belong together, siblings through their parent, if it is among them."""
    found = components(graph(text), map(TargetName, names.split()))

    assert ["".join(sorted(members)) for members in found] == expected.split()
