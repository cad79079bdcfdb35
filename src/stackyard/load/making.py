# SPDX-License-Identifier: MIT
"""Each recipe becomes a target: as memory has it where all is as it was, else as its files are read.

In:   a recipe with its arguments and what surrounds it; SourceReader, Memory
Out:  its target, and findings in the order in which they are found
Beside: target (what a target is made of), memory
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping

from stackyard.load.counted import BASE_TAG
from stackyard.load.memory import Memory, Remembered, key_of
from stackyard.load.recipe import Recipe
from stackyard.load.renamed import is_only_a_name, tag_of, with_tag
from stackyard.load.sources import SourceReader
from stackyard.load.target import Surroundings, stage_of, target_of
from stackyard.model.dockerfile import Body, Copied
from stackyard.model.inputs import looks_secret
from stackyard.model.names import TargetName
from stackyard.model.stack import Finding, Target


class Maker:
    """Makes targets.

    Args:
        memory: targets that were made before; gets those that are made now.
        common: a key over all that is not one image's alone; None where that is not known.
    """

    def __init__(self, sources: SourceReader, memory: Memory | None, common: bytes | None) -> None:
        self._sources = sources
        self._memory = memory
        self._common = common

    def target(
        self, recipe: Recipe, args: tuple[tuple[str, str], ...], around: Surroundings, found: list[Finding]
    ) -> Target | None:
        """The target of a recipe, from memory where all is as it was; None where there is nothing to build from."""
        memory, common, state_of = self._memory, self._common, around.place.files.state
        tag = tag_of(recipe, args)
        free = _key(recipe, args if tag is None else ((BASE_TAG, ""), *args[1:]), around, common) if common else None
        key = free if free is None or tag is None else key_of(free, tag)
        for each in dict.fromkeys((free, key)):
            known = memory.recall(each, state_of) if memory and each else None
            target = known and (known.target if tag is None else with_tag(known.target, tag))
            if known and target:
                found.extend(known.findings)
                return target
        read, problems = self._sources.read(recipe)
        found.extend(problems)
        if read is None:
            return None
        target, findings = target_of(recipe, read, around, args)
        found.extend(findings)
        if memory and key:
            parents = [around.recipes[name].dockerfile for name in target.parent_names]
            guards = [(path, state) for path in parents if (state := state_of(path))]
            if len(guards) == len(parents):
                told = (*problems, *findings)
                dockerfile = stage_of(recipe, read.dockerfile) or read.dockerfile
                is_free = tag is not None and is_only_a_name(dockerfile, target, told)
                memory.remember(free if is_free and free else key, Remembered(target, told, tuple(guards)))
        return target


def places_of(recipe: Recipe, around: Surroundings) -> Iterable[str]:
    """Files and folders that a target is made from, each once."""
    own, context, above = around.place.path(recipe.image), recipe.context, recipe.dockerfile.rpartition("/")[0] or "."
    named = (*recipe.locks, *(path for path, _ in recipe.structure_tests))
    if own == context == above and not named:  # nearly every image is one folder
        return (own,)
    return dict.fromkeys((own, context, above, *named))


def is_told_by_places(recipe: Recipe, args: Iterable[tuple[str, str]]) -> bool:
    """Whether a target follows from these, what images share, and what its parents do on build; and may be kept."""
    return not (recipe.files or recipe.only_if or any(looks_secret(name, value) for name, value in args))


def triggers_from(recipes: Mapping[TargetName, Recipe], sources: SourceReader) -> Callable[[TargetName], Body]:
    """Tells what `ONBUILD` of an image of the stack says: it acts in its children."""

    @functools.cache
    def triggers_of(name: TargetName) -> Body:
        recipe = recipes[name]
        read, _ = sources.read(recipe)
        dockerfile = stage_of(recipe, read.dockerfile) if read is not None else None
        triggers = dockerfile.stages[-1].triggers if dockerfile is not None else Body()
        if dockerfile is not None and dockerfile.escape != "\\" and triggers.copies:
            return Body(
                args=triggers.args, copies=(Copied("copy", (".",), 0),)
            )  # written in other words than a child's
        return triggers

    return triggers_of


def _key(recipe: Recipe, args: tuple[tuple[str, str], ...], around: Surroundings, common: bytes) -> bytes | None:
    """A key over all that a target is made of beside its parents' triggers; None where that is not known.

    Args:
        args: those that count; a tag that is only a name is left out.
    """
    states = [around.place.files.state(path) for path in places_of(recipe, around)]
    if None in states or not is_told_by_places(recipe, args):
        return None
    name = str.__str__(recipe.target)
    if recipe.platforms:
        name = str.__str__(recipe.target.on(around.platform))
    return key_of(common, name, [list(map(str.__str__, pair)) for pair in args], states)
