# SPDX-License-Identifier: MIT
"""What a person's words choose of a stack: images, versions, patterns, groups.

In:   Stack, the words of a command line
Out:  Selection
Raises: UnknownName, ConfigError
Pure. Rules: docs/reference/selectors.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from stackyard.errors import ConfigError, UnknownName
from stackyard.model.names import TargetName, nearest
from stackyard.model.plan import Plan
from stackyard.model.reason import ParentMissing
from stackyard.model.stack import Stack
from stackyard.plan.graph import build_order, descendants, graph_of

ALL = "all"
"""The word of `--rebuild` for everything that is planned."""
SHOWN = 30
"""Names that a hint lists at most."""
_SIGNS = frozenset("*?[")


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


def choose(
    stack: Stack,
    words: Sequence[str] = (),
    rebuild: Sequence[str] = (),
    only: bool = False,
    with_children: bool = False,
) -> Selection:
    """The selection of a command line; no words mean everything.

    Args:
        rebuild: what is built whatever is known. It is part of what was asked for.
        only: leave out what the chosen targets build on.
        with_children: take in all that builds on the chosen targets.
    """
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
    planned = tuple(name for name in ordered if name in targets or not only)
    exact = {*words, *rebuild}
    return Selection(
        targets,
        planned,
        frozenset(planned) if ALL in rebuild else forced,
        targets if only else frozenset(name for name in targets if {str(name), str(name.image)} & exact),
        only,
    )


def select(stack: Stack, asked: Sequence[str]) -> frozenset[TargetName]:
    """The targets that words name: an image (all its versions), `image/version`, a pattern of either, a group.

    Nothing means all.

    Raises:
        UnknownName: nothing is called so; `.near` is what was most likely meant.
    """
    if not asked:
        return frozenset(target.name for target in stack.targets)
    groups = dict(stack.groups)
    found: set[TargetName] = set()
    for word in asked:
        matching = _matching(stack, word, groups)
        if not matching:
            raise _unknown(stack, word)
        found |= matching
    return frozenset(found)


def _matching(stack: Stack, word: str, groups: Mapping[str, Sequence[str]]) -> set[TargetName]:
    """Targets of one word; the members of a group are images, targets or patterns."""
    words = {word, *groups.get(word, ())}
    patterns = [text for text in words if not _SIGNS.isdisjoint(text)]
    return {target.name for target in stack.targets if _is_called(target.name, words, patterns)}


def _is_called(name: TargetName, words: set[str], patterns: Iterable[str]) -> bool:
    """Whether a target or its image has one of these names; case counts."""
    names = (str(name), str(name.image))
    return any(text in words for text in names) or any(
        fnmatchcase(text, pattern) for pattern in patterns for text in names
    )


def selectable(names: Sequence[TargetName], groups: Iterable[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """Every word that names something: images, targets, groups, in file order."""
    images, targets = (str(name.image) for name in names), map(str, names)
    return tuple(dict.fromkeys((*images, *targets, *(name for name, _ in groups))))


def _unknown(stack: Stack, word: str) -> UnknownName:
    words = sorted(selectable([target.name for target in stack.targets], stack.groups))
    if word in dict(stack.groups):
        return UnknownName(f"group {word!r} has no image of this stack", name=word, near=None)
    is_pattern = not _SIGNS.isdisjoint(word)
    near = None if is_pattern else nearest(word, words)
    more = ", ..." if len(words) > SHOWN else ""
    return UnknownName(
        f"no image matches {word!r}" if is_pattern else f"no image is named {word!r}",
        hint=f"did you mean {near!r}?" if near else f"the stack has: {', '.join(words[:SHOWN])}{more}",
        name=word,
        near=near,
    )


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
