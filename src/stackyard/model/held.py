# SPDX-License-Identifier: MIT
"""Branch tags that a build leaves where they are: a channel's, and those of another branch.

In:   Stack, Known: channels, and whose each tag was; the branches that there are
Out:  the stack without the templates that would give such tags, and a note for each tag
Pure. Why: docs/explanation/policies.md

Two branches can give one tag: `feature/x` and `feature-x`. The one that has it keeps it while it exists.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.known import Known, TagPlace
from stackyard.model.names import Tag
from stackyard.model.plan import Note
from stackyard.model.reference import Reference
from stackyard.model.stack import Stack, Target
from stackyard.model.tags import BRANCH, render, values_of


def without_held(
    stack: Stack, known: Known, place: TagPlace, branches: Callable[[], Iterable[str]]
) -> tuple[Stack, tuple[Note, ...]]:
    """The stack as a build may tag it.

    Args:
        place: where the tags are to be put.
        branches: tells which branches there are; asked only where two clash.
    """
    notes: dict[Note, None] = {}
    own_branch, existing = stack.revision.branch, functools.cache(lambda: frozenset(branches()))
    targets = []
    tags_of = _Tags(stack, {*known.channels, *(entry.channel for entry in stack.gates)})
    for target in stack.targets:
        following, own = tags_of(target)
        dropped = set()
        for template, tag in following:
            rival = known.branches.get((place, Reference(target.repository, tag).canonical), own_branch)
            if tag in own:
                dropped.add(template)
                notes[Note("channel", f"{tag} is a channel's tag, and stays where it was promoted to")] = None
            elif rival == own_branch:
                continue
            elif rival in existing():
                dropped.add(template)
                notes[Note("branch-clash", f"{tag} is branch {rival}'s tag, and stays: rename one of the two")] = None
            else:
                sentence = f"{tag} was branch {rival}'s tag, which is gone: it is {own_branch}'s now"
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


def _without(target: Target, dropped: set[str]) -> Target:
    templates = target.templates
    kept = msgspec.structs.replace(
        templates,
        moving=tuple(text for text in templates.moving if text not in dropped),
        default_branch=tuple(text for text in templates.default_branch if text not in dropped),
    )
    return msgspec.structs.replace(target, templates=kept)
