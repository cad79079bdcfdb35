# SPDX-License-Identifier: MIT
"""What a caller gives beside the files: build arguments and bases, in place of the recipes' own.

In:   recipes as the files make them; GivenArgument, GivenBase
Out:  recipes
Raises: UnknownName for a word that names no target
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stackyard.load.recipe import Recipe
from stackyard.load.spec.values import BASE_IMAGE, Spec
from stackyard.model.selectors import matching
from stackyard.model.stack import GivenArgument, GivenBase


def with_given(
    recipes: Iterable[Recipe], spec: Spec, arguments: Sequence[GivenArgument], bases: Sequence[GivenBase]
) -> Iterator[Recipe]:
    """Recipes with what the caller gave; of several for one the last counts."""
    recipes = list(recipes)
    if not arguments and not bases and not any(name == BASE_IMAGE for each in recipes for name, _ in each.always):
        yield from recipes
        return
    names = [recipe.target for recipe in recipes]
    everything = set(names)
    for_whom = [matching(given.image, names, spec.groups) if given.image else everything for given in arguments]
    standing = [(matching(given.image, names, spec.groups), given.reference) for given in bases]
    for recipe in recipes:
        fitting = [given for given, targets in zip(arguments, for_whom, strict=True) if recipe.target in targets]
        values = {given.name: given.value for given in fitting}
        own = {name: values.get(name, value) for name, value in recipe.args}
        always = {**dict(recipe.always), **{name: value for name, value in values.items() if name not in own}}
        yield msgspec.structs.replace(
            recipe,
            args=tuple(own.items()),
            always=tuple(always.items()),
            base_image=None if BASE_IMAGE in always else recipe.base_image,
            given_base=next((base for targets, base in reversed(standing) if recipe.target in targets), None),
        )
