# SPDX-License-Identifier: MIT
"""Which job first: the one with the longest way to the end of the run.

In:   nodes with their expected times
Out:  for each target the seconds that are left from the start of its build, its tests and its push
Pure.
Cost: O(targets + edges)
Used by: run/machine. Where the times come from: run/expect
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stackyard.model.names import TargetName
from stackyard.run.events import Job, Node


class Rest(NamedTuple):
    """Seconds to the end of the longest chain that cannot end before a job begins."""

    build: float
    test: float
    push: float

    def after(self, job: Job) -> float:
        """What is left when `job` begins."""
        return self.test if job == "test" else self.push if job == "publish" else self.build


def rests(
    nodes: Mapping[TargetName, Node], children: Mapping[TargetName, Sequence[TargetName]]
) -> dict[TargetName, Rest]:
    """What is left of the run for each target.

    A child's build waits for this one's build, or for its push where another engine makes it; a child's push
    waits for this one's push, and so for its tests: a test that takes long where much is to be published after
    it goes before one that holds up nobody.
    """
    rest: dict[TargetName, Rest] = {}
    for name in reversed(parents_first(nodes)):
        node, after = nodes[name], children[name]
        afar = {child for child in after if name in nodes[child].afar}
        push = node.push_s + max((rest[each].build if each in afar else rest[each].push for each in after), default=0.0)
        test = node.test_s + push
        near = (rest[each].build for each in after if each not in afar)
        rest[name] = Rest(node.build_s + max([test, *near]), test, push)
    return rest


def parents_first(nodes: Mapping[TargetName, Node]) -> list[TargetName]:
    """The names, each after its parents, else in their order."""
    order: list[TargetName] = []
    seen: set[TargetName] = set()
    todo: list[tuple[TargetName, bool]] = [(name, False) for name in reversed(list(nodes))]
    while todo:
        name, leaving = todo.pop()
        if leaving:
            order.append(name)
        elif name not in seen:
            seen.add(name)
            todo.append((name, True))
            todo.extend((parent, False) for parent in nodes[name].parents)
    return order
