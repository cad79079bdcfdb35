# SPDX-License-Identifier: MIT
"""Each recipe becomes a target: as memory has it, as another process read it, or read here and now.

In:   recipes with what surrounds them; SourceReader, Memory
Out:  targets with their findings, the same whoever read them
Beside: target (what a target is made of), memory

Another process tells what it read as memory keeps it, under the same keys; whatever it does not tell (what is wrong
in a file, what memory has no key for) is read here. So there is one order of findings, and one who says them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from stackyard.load.counted import BASE_TAG
from stackyard.load.memory import Memory, Remembered, key_of
from stackyard.load.recipe import Recipe
from stackyard.load.renamed import is_only_a_name, tag_of, with_tag
from stackyard.load.sources import SourceReader
from stackyard.load.target import Surroundings, arguments_of, stage_of, target_of
from stackyard.model.inputs import looks_secret
from stackyard.model.stack import Finding, Target


class Share(Protocol):
    """Has `count` parts worked on, each once at most, by this process (`own`) or others, and gives what these told."""

    def __call__(self, count: int, own: Callable[[slice], object], afar: Callable[[slice], bytes]) -> Iterable[bytes]:
        """edges/helpers.py does."""
        ...


class Due(msgspec.Struct, frozen=True):
    """A recipe that is to become a target."""

    recipe: Recipe
    around: Surroundings
    args: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    """Of its arguments."""
    tag: str | None
    """Its parents' tag, if it did not say one itself."""
    free: bytes | None
    """A key over all that it is made of but that tag; None where that is not known."""
    key: bytes | None
    """The same with the tag."""


class Maker:
    """Makes targets.

    Args:
        common: a key over all that is not one image's alone; None where that is not known.
    """

    def __init__(self, sources: SourceReader, memory: Memory | None, common: bytes | None) -> None:
        self._sources = sources
        self._memory = memory
        self._common = common

    def due(self, recipe: Recipe, around: Surroundings) -> Due:
        """What has to be known of a recipe before it is read."""
        findings: list[Finding] = []
        args = arguments_of(recipe, around, findings)
        tag = tag_of(recipe, args)
        counted = args if tag is None else ((BASE_TAG, ""), *args[1:])
        free = _key(recipe, counted, around, self._common) if self._common else None
        key = free if free is None or tag is None else key_of(free, tag)
        return Due(recipe, around, args, tuple(findings), tag, free, key)

    def shared(self, due: Iterable[list[Due]], share: Share | None) -> Iterable[list[Due]]:
        """The same, after others have read what memory has not, where that is much."""
        memory = self._memory
        if share is None or memory is None or self._common is None:
            return due
        due = list(due)
        every = (each for members in due for each in members if each.key is not None)
        unread = [each for each in every if not (memory.has(each.free) or memory.has(each.key))]
        for told in share(
            len(unread), lambda part: self._read(unread[part], memory), lambda part: self._told(unread[part])
        ):
            memory.take(told)
        return due

    def _read(self, due: Iterable[Due], memory: Memory) -> None:
        for each in due:
            self._made(each, memory, [])

    def _told(self, due: Iterable[Due]) -> bytes:
        memory = Memory()
        self._read(due, memory)
        return memory.told

    def target(self, due: Due, found: list[Finding]) -> Target | None:
        """The target of a recipe, from memory where all is as it was; None where there is nothing to build from."""
        found.extend(due.findings)
        files = due.around.place.files
        for each in dict.fromkeys((due.free, due.key)):
            known = self._memory.recall(each, files.state) if self._memory and each else None
            target = known and (known.target if due.tag is None else with_tag(known.target, due.tag))
            if known and target:
                found.extend(known.findings)
                return target
        return self._made(due, self._memory, found)

    def _made(self, due: Due, memory: Memory | None, found: list[Finding]) -> Target | None:
        """The target as its files are, which memory gets."""
        recipe, around = due.recipe, due.around
        read, problems = self._sources.read(recipe)
        found.extend(problems)
        if read is None:
            return None
        target, findings = target_of(recipe, read, around, due.args)
        found.extend(findings)
        if memory is not None and due.key:
            state_of = around.place.files.state
            parents = [around.recipes[name].dockerfile for name in target.parent_names]
            guards = [(path, state) for path in parents if (state := state_of(path))]
            if len(guards) == len(parents):
                told = (*problems, *findings)
                dockerfile = stage_of(recipe, read.dockerfile) or read.dockerfile
                is_free = due.tag is not None and is_only_a_name(dockerfile, target, told)
                key = due.free if is_free and due.free else due.key
                memory.remember(key, Remembered(target, told, tuple(guards)))
        return target


def _key(recipe: Recipe, args: tuple[tuple[str, str], ...], around: Surroundings, common: bytes) -> bytes | None:
    """A key over all that a target is made of beside its parents' triggers; None where that is not known.

    Args:
        args: those that count; a tag that is only a name is left out.
    """
    place = around.place
    own = place.path(recipe.image)
    places = dict.fromkeys((own, recipe.context, posixpath.dirname(recipe.dockerfile) or ".", *recipe.locks))
    states = [place.files.state(path) for path in places]
    if recipe.files or recipe.only_if or None in states or any(looks_secret(name, value) for name, value in args):
        return None
    name = str.__str__(recipe.target)
    if recipe.platforms:
        name = str.__str__(recipe.target.on(around.platform))
    return key_of(common, name, [list(map(str.__str__, pair)) for pair in args], states)
