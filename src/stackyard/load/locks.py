# SPDX-License-Identifier: MIT
"""Who uses which lock: sets of a spec with the versions of its images, and recipes with their lock files.

In:   Recipes, Spec
Out:  the same with their locks; LockSets; findings
Pure.
"""

from __future__ import annotations

import msgspec

from stackyard.load.recipe import Recipe
from stackyard.load.spec.locks import settled
from stackyard.load.spec.values import Spec
from stackyard.model.lock import LockSet
from stackyard.model.names import ImageName, VersionName
from stackyard.model.stack import Finding


def locked(
    recipes: tuple[Recipe, ...], spec: Spec, found: list[Finding]
) -> tuple[tuple[Recipe, ...], tuple[LockSet, ...]]:
    """The recipes, each with the locks that it uses, and all sets."""
    versions: dict[ImageName, list[VersionName | None]] = {}
    folders: dict[ImageName, str] = {}
    platforms: dict[ImageName, tuple[str, ...]] = {}
    for recipe in recipes:
        versions.setdefault(recipe.image, []).append(recipe.version)
        folders[recipe.image] = recipe.context
        platforms[recipe.image] = recipe.platforms
    declared = (*spec.locks, *(image.lock for image in spec.images if image.lock is not None))
    sets = settled(declared, versions, folders, platforms, found)
    return tuple(_with_locks(recipe, sets) for recipe in recipes), sets


def _with_locks(recipe: Recipe, sets: tuple[LockSet, ...]) -> Recipe:
    own = [lock for lock in sets if recipe.image in lock.images]
    if not own:
        return recipe
    used = [target for lock in own for target in lock.targets_for(recipe.version)]
    foreign = tuple(target.output for lock in own for target in lock.targets if target not in used)
    return msgspec.structs.replace(
        recipe,
        locks=tuple(target.output for target in used if not target.platform),
        platform_locks=tuple((target.platform, target.output) for target in used if target.platform),
        foreign_locks=foreign,
    )
