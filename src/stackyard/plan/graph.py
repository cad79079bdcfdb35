# SPDX-License-Identifier: MIT
"""The graph of targets: order, selection, components.

In, out: names. Pure; O(targets + edges).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stackyard.errors import GraphProblem, UnknownName
from stackyard.model.names import TargetName, nearest
from stackyard.model.stack import Stack

Graph = Mapping[TargetName, Sequence[TargetName]]
"""Each target's parents, targets in file order."""


def graph_of(stack: Stack) -> dict[TargetName, tuple[TargetName, ...]]:
    """Parents of each target; a parent whose own folder could not be read is left out (it is a finding)."""
    names = {target.name for target in stack.targets}
    return {target.name: tuple(parent for parent in target.parent_names if parent in names) for target in stack.targets}


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
            path[name] = None
            todo.append((name, True))
            todo.extend((parent, False) for parent in reversed(graph[name]))
    return order


def select(stack: Stack, asked: Sequence[str]) -> frozenset[TargetName]:
    """The targets that a person's words name: an image (all its versions) or `image/version`; nothing means all.

    Raises:
        UnknownName: no such target; `.near` is the one most likely meant.
    """
    if not asked:
        return frozenset(target.name for target in stack.targets)
    found: set[TargetName] = set()
    for word in asked:
        matching = _matching(stack, word)
        if not matching:
            names = sorted({str(target.name) for target in stack.targets})
            near = nearest(word, names)
            raise UnknownName(
                f"no image is named {word!r}",
                hint=f"did you mean {near!r}?" if near else f"the stack has: {', '.join(names)}",
                name=word,
                near=near,
            )
        found |= matching
    return frozenset(found)


def _matching(stack: Stack, word: str) -> set[TargetName]:
    """Targets of one word: a target, an image, or a group of these."""
    words = {word, *dict(stack.groups).get(word, ())}
    return {target.name for target in stack.targets if {str(target.name), str(target.image)} & words}


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
