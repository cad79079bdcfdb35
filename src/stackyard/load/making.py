# SPDX-License-Identifier: MIT
"""What lists images, and each recipe's target: as memory has them where all is as it was, else as files are read.

In:   a place; a recipe with its arguments and what surrounds it; SourceReader, Memory
Out:  the spec; the target, and findings in the order in which they are found
Beside: target (what a target is made of), memory; load/stack imports this where anything is remembered
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from stackyard.errors import FileProblem
from stackyard.load.counted import BASE_TAG
from stackyard.load.dockerfile.glance import Glance
from stackyard.load.glanced import Glancer
from stackyard.load.listing import read_listing
from stackyard.load.matrix import VERSIONS_FILES, Matrices
from stackyard.load.memory import Memory, Remembered, key_of
from stackyard.load.recipe import Recipe
from stackyard.load.renamed import is_only_a_name, tag_of, with_tag
from stackyard.load.sources import SourceReader
from stackyard.load.spec.stamps import STAMPS_FILE
from stackyard.load.spec.values import Spec
from stackyard.load.suites import COMMON_TESTS
from stackyard.load.target import Surroundings, stage_of, target_of
from stackyard.load.tree.place import Place
from stackyard.model import canonical
from stackyard.model.details import Details
from stackyard.model.inputs import looks_secret
from stackyard.model.reference import Platform
from stackyard.model.stack import Finding, Target

if TYPE_CHECKING:
    from stackyard.load.stack import Settings


def listed(place: Place, memory: Memory) -> tuple[Spec, tuple[Finding, ...]]:
    """The spec; where the same file was read before, as it was."""
    state = None if place.spec is None or place.is_listed_at_the_root else place.files.state(place.spec)
    if state is None:
        return read_listing(place)
    found = memory.listed(key_of("listing", place.spec, state), lambda: read_listing(place))
    return found.spec, found.findings


def common_key(
    place: Place, matrices: Matrices, around: Surroundings, settings: Settings, named: tuple[str | None, ...]
) -> bytes | None:
    """A key over all that is not one image's alone: what is listed and how, rules, tests that all share.

    Args:
        named: what repositories are made of: account, region, registry.
    """
    files = place.files
    shared = [place.path(COMMON_TESTS), *([place.spec] if place.spec else [])]
    states = {path: files.state(path) for path in shared if files.is_there(path)}
    own = (*VERSIONS_FILES, STAMPS_FILE)
    for image in (*matrices.conventional, *matrices.broken):
        for name in own:
            if files.is_there(path := place.path(image, name)):
                states[path] = files.state(path)
    if None in states.values():
        return None
    parts = {
        "place": [place.images, place.spec],
        "states": states,
        "images": [(name, recipe.dockerfile, recipe.context) for name, recipe in around.recipes.items()],
        "settings": [
            getattr(settings, name) for name in settings.__struct_fields__ if name not in ("find_remote", "environ")
        ],
        "names": [*named, around.owners.repositories],
        "rules": [around.rules, around.everywhere, sorted(around.stamp_files)],
        "tests": around.suites.above(place.path("_")),
    }
    return key_of(canonical.encode(parts))


class Maker:
    """Makes targets, with no more work than tells them.

    Args:
        memory: targets that were made before; gets those that are made now.
        common: a key over all that is not one image's alone; None where that is not known.
    """

    def __init__(self, sources: SourceReader, memory: Memory, common: bytes | None) -> None:
        self._sources = sources
        self._memory = memory
        self._common = common
        self._glancers: dict[Platform, Glancer] = {}

    def target(
        self, recipe: Recipe, args: tuple[tuple[str, str], ...], around: Surroundings, found: list[Finding]
    ) -> Target | None:
        """The target of a recipe, from memory where all is as it was; None where there is nothing to build from."""
        memory, common, state_of = self._memory, self._common, around.place.files.state
        tag = tag_of(recipe, args)
        free = _key(recipe, args if tag is None else ((BASE_TAG, ""), *args[1:]), around, common) if common else None
        key = free if free is None or tag is None else key_of(free, tag)
        read_details = functools.partial(self._details, recipe, args, around)
        for each in dict.fromkeys((free, key)):
            known = memory.recall(each, state_of) if each else None
            target = known and (known.target if tag is None else with_tag(known.target, tag))
            if known and target:
                found.extend(known.findings)
                target.reading.unless_known(read_details)
                return target
        seen = self._glanced(recipe, args, around, read_details) if key else None
        if key and seen is not None:
            target, (dockerfile, declared) = seen
            is_free = tag is not None and is_only_a_name(dockerfile, target, around.platform, declared, ())
            self._remember(free if is_free and free else key, target, (), around)
            return target
        read, problems = self._sources.read(recipe)
        found.extend(problems)
        if read is None:
            return None
        target, findings = target_of(recipe, read, around, args)
        found.extend(findings)
        if key:
            told = (*problems, *findings)
            dockerfile = stage_of(recipe, read.dockerfile) or read.dockerfile
            counted = {name for name, _ in target.inputs.args}
            is_free = tag is not None and is_only_a_name(dockerfile, target, around.platform, counted, told)
            self._remember(free if is_free and free else key, target, told, around)
        return target

    def _glanced(
        self, recipe: Recipe, args: tuple[tuple[str, str], ...], around: Surroundings, read: Callable[[], Details]
    ) -> tuple[Target, Glance] | None:
        """The target by a look, of an image whose folder has no link, and whose names are text."""
        if not (self._memory.reads_later and around.place.files.is_all_text):
            return None
        if (glancer := self._glancers.get(around.platform)) is None:
            glancer = self._glancers[around.platform] = Glancer(around)
        return glancer.target(recipe, args, read)

    def _details(self, recipe: Recipe, args: tuple[tuple[str, str], ...], around: Surroundings) -> Details:
        """What reading all files of an image tells that was only looked at."""
        read, problems = self._sources.read(recipe)
        if read is None:
            raise FileProblem(recipe.dockerfile, None, f"changed while it was read: {problems[0]}", hint="try again")
        return target_of(recipe, read, around, args)[0].reading.details

    def _remember(self, key: bytes, target: Target, told: tuple[Finding, ...], around: Surroundings) -> None:
        """Keep a target, where it is known what its parents do on build."""
        parents = [around.recipes[name].dockerfile for name in target.parent_names]
        guards = [(path, state) for path in parents if (state := around.place.files.state(path))]
        if len(guards) == len(parents):
            self._memory.remember(key, Remembered(target, told, tuple(guards)))


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


def _key(recipe: Recipe, args: tuple[tuple[str, str], ...], around: Surroundings, common: bytes) -> bytes | None:
    """A key over all that a target is made of beside its parents' triggers; None where that is not known.

    Args:
        args: those that count; a tag that is only a name is left out.
    """
    states = [around.place.files.state(path) for path in places_of(recipe, around)]
    if None in states or not is_told_by_places(recipe, args):
        return None
    name = recipe.target.on(around.platform) if recipe.platforms else recipe.target
    return key_of(common, name, args, states)
