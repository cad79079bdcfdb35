# SPDX-License-Identifier: MIT
"""The stack at another moment, from what was read of it at one: only images of which something differs are read.

In:   a place over several listings, one after the other
Out:  Stack; all of it is read where what images share may be another
Beside: stack, which reads a whole one; making

What is the same is told by git's ids of folders, as in memory. Nothing is taken for the same where an id is not
known, or a link could lead to what is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from stackyard.load.making import Maker, is_told_by_places, places_of
from stackyard.load.matrix import VERSIONS_FILES
from stackyard.load.memory import Memory
from stackyard.load.recipe import Recipe
from stackyard.load.sources import LazyDockerfiles, SourceReader
from stackyard.load.spec.stamps import STAMPS_FILE
from stackyard.load.stack import Loaded, Settings, load_whole
from stackyard.load.suites import COMMON_TESTS, SuiteReader
from stackyard.load.target import Surroundings, arguments_of, triggers_from
from stackyard.load.tree.changes import read_change_rules
from stackyard.load.tree.files import Files
from stackyard.load.tree.place import DOCKERFILE, Place, variant_of
from stackyard.model.stack import Revision, Stack, Target
from stackyard.model.trees import Node

_OWN_FILES = frozenset((*VERSIONS_FILES, STAMPS_FILE))
"""What a folder holds beside Dockerfiles that says which images there are."""


class Loader:
    """Reads a stack, and then the same one at another moment: of that only what differs.

    Args:
        settings, memory: as for `load_stack`.
    """

    def __init__(self, settings: Settings, memory: Memory) -> None:
        self._settings = settings
        self._memory = memory
        self._loaded: Loaded | None = None

    def stack(self, place: Place, revision: Revision) -> Stack:
        """The stack at `place`."""
        loaded = self._loaded
        if loaded is not None and loaded.revision == revision and loaded.made:
            found = _read_again(place, loaded, self._memory)
            if found is not None:
                return found
        self._loaded = load_whole(place, revision, self._settings, None, self._memory)
        return self._loaded.stack


def _read_again(place: Place, loaded: Loaded, memory: Memory) -> Stack | None:
    """The stack as it is at `place`; None where all of it has to be read."""
    is_same = _sameness(place, loaded.place)
    if is_same is None:
        return None
    rules, everywhere, _ = read_change_rules(place)
    suites, above = SuiteReader(place), place.path("_")
    before = loaded.around
    if (rules, everywhere) != (before.rules, before.everywhere) or suites.above(above) != before.suites.above(above):
        return None
    sources = SourceReader(place, loaded.listed)
    triggers = triggers_from(before.recipes, sources)
    around = msgspec.structs.replace(before, place=place, suites=suites, triggers_of=triggers)
    maker = Maker(sources, memory, loaded.common)
    targets: list[Target] = []
    findings = list(loaded.shared)
    for recipe, target, told in loaded.made:
        if target is not None and _is_as_it_was(recipe, target, around, is_same):
            targets.append(target)
            findings.extend(told)
            continue
        args = arguments_of(recipe, around, findings)
        if (made := maker.target(recipe.on(around.platform), args, around, findings)) is not None:
            targets.append(made)
    return msgspec.structs.replace(
        loaded.stack,
        targets=tuple(targets),
        findings=tuple(dict.fromkeys(findings)),
        dockerfiles=LazyDockerfiles(dict.fromkeys(target.dockerfile for target in targets), sources.dockerfile),
    )


def _is_as_it_was(recipe: Recipe, target: Target, around: Surroundings, is_same: Callable[[str], bool]) -> bool:
    """Whether all is the same that a target is made from, and what its parents do on build."""
    return (
        is_told_by_places(recipe, target.args)
        and all(map(is_same, places_of(recipe, around)))
        and all(is_same(around.recipes[use.target].dockerfile) for use in target.parents)
    )


def _sameness(place: Place, before: Place) -> Callable[[str], bool] | None:
    """A function that tells whether a path is as it was; None where more than images may be another.

    That is where other images may be listed or found, or what is said of them is.
    """
    files, old = place.files, before.files
    if (place.root, place.images, place.spec, place.unread) != (before.root, before.images, before.spec, before.unread):
        return None
    if place.spec is not None and not _is_known_as(files, old, place.spec):
        return None
    common = place.path(COMMON_TESTS)
    if (files.is_there(common) or old.is_there(common)) and not _is_known_as(files, old, common):
        return None
    changed = _changed_folders(place, before)
    if changed is None:
        return None
    start = "" if place.images == "." else f"{place.images}/"

    def is_same(path: str) -> bool:
        name = path[len(start) :].partition("/")[0] if path.startswith(start) else ""
        return changed.get(name) is False or _is_known_as(files, old, path)

    return is_same


def _is_known_as(files: Files, old: Files, path: str) -> bool:
    state = files.state(path)
    return state is not None and state == old.state(path)


def _changed_folders(place: Place, before: Place) -> Mapping[str, bool] | None:
    """Folders in the images folder, each with whether something in it may differ; None where other images may be there.

    They may be where something came or went, where what is no folder is another, and where a folder has something else
    that says which images there are.
    """
    now, was = dict(place.files.nodes(place.path())), dict(before.files.nodes(place.path()))
    if now.keys() != was.keys():
        return None
    changed: dict[str, bool] = {}
    for name, node in now.items():
        is_same = node == was[name] and node[1] != ""
        if node[0] == "dir" and was[name][0] == "dir":
            changed[name] = not is_same
            telling = () if is_same else (_telling(place, name), _telling(before, name))
            if telling and (None in telling or telling[0] != telling[1]):
                return None
        elif not is_same or node[0] == "link":
            return None
    return changed


def _telling(place: Place, folder: str) -> dict[str, Node] | None:
    """What a folder holds that says which images there are; None where that is a link.

    Of a Dockerfile it counts that it is one.
    """
    found = {}
    for name, node in place.files.nodes(place.path(folder)):
        if DOCKERFILE in name or name in _OWN_FILES:
            if node[0] == "link":
                return None
            found[name] = node if variant_of(name) is None else (node[0], "")
    return found
