# SPDX-License-Identifier: MIT
"""The graph of targets: order, descendants, components.

In, out: names. Pure; O(targets + edges).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stackyard.errors import GraphProblem
from stackyard.model.names import TargetName
from stackyard.model.stack import Stack

Graph = Mapping[TargetName, Sequence[TargetName]]
"""Each target's parents, targets in file order."""


def graph_of(stack: Stack) -> dict[TargetName, tuple[TargetName, ...]]:
    """Parents of each target; a parent whose own folder could not be read is left out (it is a finding)."""
    parents = {target.name: target.parent_names for target in stack.targets}
    return {
        name: above if parents.keys() >= {*above} else tuple(parent for parent in above if parent in parents)
        for name, above in parents.items()
    }


def build_order(graph: Graph, wanted: Iterable[TargetName] | None = None) -> list[TargetName]:
    """`wanted` (all by default) and everything they build on: parents first, ties in file order.

    Raises:
        GraphProblem: a cycle; `.chain` is the ring.
    """
    order: list[TargetName] = []
    done: set[TargetName] = set()
    chosen = list(graph) if wanted is None else list(wanted)
    todo: list[tuple[TargetName, bool]] = [(name, False) for name in reversed(chosen)]
    path: dict[TargetName, None] = {}  # the way down to where we are, in order
    while todo:
        name, leaving = todo.pop()
        if leaving:
            del path[name]
            done.add(name)
            order.append(name)
        elif name in path:
            walk = list(path)
            ring = (*walk[walk.index(name) :], name)
            raise GraphProblem(
                f"images build on each other in a ring: {' -> '.join(ring)}",
                hint="one of them has to build on something else",
                chain=ring,
            )
        elif name not in done:
            missing = [parent for parent in graph[name] if parent not in done]
            if not missing:  # nearly always: files list parents first
                done.add(name)
                order.append(name)
                continue
            path[name] = None
            todo.append((name, True))
            todo.extend((parent, False) for parent in reversed(missing))
    return order


def descendants(graph: Graph, names: Iterable[TargetName]) -> set[TargetName]:
    """Everything that is built on one of `names`, however far up; not the names themselves."""
    children: dict[TargetName, list[TargetName]] = {}
    for name, parents in graph.items():
        for parent in parents:
            children.setdefault(parent, []).append(name)
    found: set[TargetName] = set()
    todo = list(names)
    while todo:
        fresh = [child for child in children.get(todo.pop(), ()) if child not in found]
        found.update(fresh)
        todo += fresh
    return found


def components(graph: Graph, names: Iterable[TargetName]) -> list[frozenset[TargetName]]:
    """`names` split into connected sets, ignoring the direction of edges: what moves its tags together."""
    group: dict[TargetName, TargetName] = {name: name for name in names}

    def root(name: TargetName) -> TargetName:
        while group[name] != name:
            group[name] = group[group[name]]
            name = group[name]
        return name

    for name in group:
        for parent in graph[name]:
            if parent in group:
                group[root(name)] = root(parent)
    sets: dict[TargetName, set[TargetName]] = {}
    for name in group:
        sets.setdefault(root(name), set()).add(name)
    return [frozenset(members) for members in sets.values()]
