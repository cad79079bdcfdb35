# SPDX-License-Identifier: MIT
"""What a person's words choose of a stack: images, versions, patterns, groups.

In:   Stack, the words of a command line
Out:  Selection
Raises: UnknownName, ConfigError
Pure. Rules: docs/reference/selectors.md. After: model/selectors (which targets one word names)
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stackyard.errors import ConfigError
from stackyard.model.names import TargetName
from stackyard.model.plan import Plan
from stackyard.model.reason import ParentMissing
from stackyard.model.stack import Stack
from stackyard.plan.graph import build_order, descendants, graph_of

ALL = "all"
"""The word of `--rebuild` for everything that is planned."""


class Selection(msgspec.Struct, frozen=True):
    """What a command is about."""

    targets: frozenset[TargetName]
    """What was asked for."""
    planned: tuple[TargetName, ...]
    """What the plan is about, parents first: what was asked for and all that builds on, unless `--only`."""
    rebuild: frozenset[TargetName] = frozenset()
    named: frozenset[TargetName] = frozenset()
    """Targets that were called by their own names, or all with `--only`: the command fails without them."""
    is_only: bool = False
    is_on_published: bool = False
    """What the chosen targets build on is taken as it was published last."""


def choose(
    stack: Stack,
    words: Sequence[str] = (),
    rebuild: Sequence[str] = (),
    only: bool = False,
    with_children: bool = False,
    on_published: bool = False,
) -> Selection:
    """The selection of a command line; no words mean everything.

    Args:
        rebuild: what is built whatever is known. It is part of what was asked for.
        only: leave out what the chosen targets build on.
        with_children: take in all that builds on the chosen targets.
        on_published: as `only`, and the rest as it was published last.
    """
    if on_published and not words:
        raise ConfigError("--test needs an IMAGE", hint="`stackyard build` tests all that it builds")
    only = only or on_published
    forced = select(stack, [word for word in rebuild if word != ALL]) if set(rebuild) - {ALL} else frozenset()
    if (only or with_children) and not words and not forced:
        option = "--only" if only else "--with-children"
        raise ConfigError(f"{option} needs an IMAGE", hint=f"without one, all images are planned: `{option} IMAGE`")
    graph = graph_of(stack)
    is_all = not words and not (only or with_children)
    targets = select(stack, ()) if is_all else forced | (select(stack, words) if words else frozenset())
    if with_children:
        targets |= descendants(graph, targets)
    ordered = build_order(graph, [name for name in graph if name in targets])
    planned = tuple(name for name in ordered if name in targets) if only else tuple(ordered)
    exact = {*words, *rebuild}
    named = frozenset(name for name in targets if {str(name), str(name.image)} & exact) if exact else frozenset()
    return Selection(
        targets,
        planned,
        frozenset(planned) if ALL in rebuild else forced,
        targets if only else named,
        only,
        on_published,
    )


def select(stack: Stack, asked: Sequence[str]) -> frozenset[TargetName]:
    """The targets that words name: an image (all its versions), `image/version`, a pattern of either, a group.

    Nothing means all.

    Raises:
        UnknownName: nothing is called so; `.near` is what was most likely meant.
    """
    if not asked:
        return frozenset(target.name for target in stack.targets)
    from stackyard.model.selectors import each_matching

    names = [target.name for target in stack.targets]
    return frozenset().union(*each_matching(asked, names, stack.groups))


def refuse_orphans(plan: Plan, selection: Selection) -> None:
    """ConfigError where a target that was asked for by name builds on a parent that does not exist."""
    missing = [
        (step.target, reason.parent)
        for step in plan.steps
        for reason in step.reasons
        if isinstance(reason, ParentMissing) and step.target in selection.named
    ]
    if not missing:
        return
    child, parent = missing[0]
    more = f" (and {len(missing) - 1} more like it)" if len(missing) > 1 else ""
    is_left_out = parent not in selection.planned
    why = "is not selected" if is_left_out else str(plan.step(parent).reasons[0])
    raise ConfigError(
        f"{child} builds on {parent}, which {why} and has no build to stand on{more}"
        if is_left_out
        else f"{child} builds on {parent}, which has no build to stand on: {why}{more}",
        hint=f"name {parent} too, or leave out --only" if is_left_out else f"build {parent} once where it can be built",
        target=str(child),
        parent=str(parent),
    )
