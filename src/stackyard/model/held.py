# SPDX-License-Identifier: MIT
"""Branch tags that a build leaves where they are: a channel's, and those of another branch.

In:   Stack, names of channels, finished sets of moves, branches that there are
Out:  the stack without the templates that would give such tags, and a note for each tag
Pure. Why: docs/explanation/policies.md

Two branches can give one tag: `feature/x` and `feature-x`. The one that has it keeps it while it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.moves import MoveSet
from stackyard.model.names import Tag
from stackyard.model.plan import Note
from stackyard.model.reference import Reference
from stackyard.model.stack import Stack, Target
from stackyard.model.tags import BRANCH, render, sanitise, values_of


def may_clash(stack: Stack) -> bool:
    """Whether another branch's name could give this branch's tags: one that would have a dash for something else."""
    branch = stack.revision.branch
    return branch is not None and "-" in sanitise(branch) and any(_following(target) for target in stack.targets)


def without_held(
    stack: Stack, channels: Iterable[str], sets: Sequence[MoveSet], branches: Callable[[], Iterable[str]]
) -> tuple[Stack, tuple[Note, ...]]:
    """The stack as a build may tag it.

    Args:
        channels: names or templates of channels that were promoted to.
        sets: finished sets of branch tags, newest first.
        branches: tells which branches there are; asked only where two clash.
    """
    notes: dict[Note, None] = {}
    rivals = _rivals(stack, sets)
    existing = frozenset(branches()) if rivals else frozenset()
    targets = []
    tags_of = _Tags(stack, channels)
    for target in stack.targets:
        following, own = tags_of(target)
        dropped = set()
        for template, tag in following:
            rival = rivals.get(Reference(target.repository, tag).canonical)
            if tag in own:
                dropped.add(template)
                notes[Note("channel", f"{tag} is a channel's tag, and stays where it was promoted to")] = None
            elif rival is not None and rival in existing:
                dropped.add(template)
                notes[Note("branch-clash", f"{tag} is branch {rival}'s tag, and stays: rename one of the two")] = None
            elif rival is not None:
                sentence = f"{tag} was branch {rival}'s tag, which is gone: it is {stack.revision.branch}'s now"
                notes[Note("branch-clash", sentence)] = None
        targets.append(_without(target, dropped) if dropped else target)
    return (msgspec.structs.replace(stack, targets=tuple(targets)) if notes else stack), tuple(notes)


class _Tags:
    """Branch tags of a target with their templates, and tags of channels; worked out once for targets that share them.

    Many targets differ in nothing but their image, and a stack may have thousands.
    """

    def __init__(self, stack: Stack, channels: Iterable[str]) -> None:
        self._stack = stack
        self._channels = tuple(channels)
        self._found: dict[object, tuple[list[tuple[str, Tag]], set[Tag]]] = {}

    def __call__(self, target: Target) -> tuple[list[tuple[str, Tag]], set[Tag]]:
        templates = _following(target)
        is_own = any("{image}" in text for text in (*templates, *self._channels))
        shared = tuple(item for item in target.variables if is_own or item[0] != "image")
        key = (tuple(templates), shared)
        if key not in self._found:
            following = list(_following_tags(self._stack, target))
            self._found[key] = following, set(_tags_of_channels(self._stack, target, self._channels))
        return self._found[key]


def _following(target: Target) -> list[str]:
    """Templates that give a branch's tag."""
    return [text for text in (*target.templates.moving, *target.templates.default_branch) if BRANCH in text]


def _following_tags(stack: Stack, target: Target) -> Iterator[tuple[str, Tag]]:
    values = values_of(stack.revision, dict(target.variables))
    for template in _following(target):
        tag = render(template, values)
        if tag is not None:
            yield template, tag


def _tags_of_channels(stack: Stack, target: Target, channels: Iterable[str]) -> Iterator[Tag]:
    values = values_of(stack.revision, dict(target.variables))
    for channel in channels:
        try:
            tag = render(channel, values)
        except InvalidValue:  # of a spec that had other names
            continue
        if tag is not None:
            yield tag


def _rivals(stack: Stack, sets: Sequence[MoveSet]) -> dict[str, str]:
    """The branch that last had a tag, by canonical reference, where its name gives the same tag as this branch's."""
    own = stack.revision.branch
    last: dict[str, str | None] = {}
    for moves in sets:
        for move in moves.moves:
            last.setdefault(move.reference.canonical, moves.branch)
    return {
        reference: branch
        for reference, branch in last.items()
        if branch and own and branch != own and sanitise(branch) == sanitise(own)
    }


def _without(target: Target, dropped: set[str]) -> Target:
    templates = target.templates
    kept = msgspec.structs.replace(
        templates,
        moving=tuple(text for text in templates.moving if text not in dropped),
        default_branch=tuple(text for text in templates.default_branch if text not in dropped),
    )
    return msgspec.structs.replace(target, templates=kept)
