# SPDX-License-Identifier: MIT
"""What a caller gives beside the files: build arguments and bases, in place of the recipes' own.

In:   recipes as the files make them; GivenArgument, GivenBase
Out:  recipes
Raises: ConfigError for an image that there is not
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stackyard.errors import ConfigError
from stackyard.load.recipe import Recipe
from stackyard.load.spec.values import Spec
from stackyard.load.spec.versions import BASE_IMAGE
from stackyard.model.names import nearest
from stackyard.model.stack import GivenArgument, GivenBase


def with_given(
    recipes: Iterable[Recipe], spec: Spec, arguments: Sequence[GivenArgument], bases: Sequence[GivenBase]
) -> Iterator[Recipe]:
    """Recipes with what the caller gave; of several for one the last counts."""
    recipes = list(recipes)
    _check_names(recipes, {str(image.name) for image in spec.images}, arguments, bases)
    for recipe in recipes:
        fitting = [given for given in arguments if given.image in (None, recipe.image, recipe.target)]
        values = {given.name: given.value for given in fitting}
        own = {name: values.get(name, value) for name, value in recipe.args}
        always = {**dict(recipe.always), **{name: value for name, value in values.items() if name not in own}}
        base = next((given for given in reversed(bases) if given.image in (recipe.image, recipe.target)), None)
        yield msgspec.structs.replace(
            recipe,
            args=tuple(own.items()),
            always=tuple(always.items()),
            base_image=None if BASE_IMAGE in always else recipe.base_image,
            given_base=base.reference if base is not None else None,
        )


def _check_names(
    recipes: Sequence[Recipe], images: set[str], arguments: Sequence[GivenArgument], bases: Sequence[GivenBase]
) -> None:
    names = sorted(images | {str(recipe.target) for recipe in recipes})
    for given in arguments:
        if given.image is not None and given.image.partition("/")[0] not in images:
            near = nearest(given.image, names)
            raise ConfigError(
                f"there is no image {given.image!r} for the build argument {given.name}",
                hint=f"did you mean {near!r}?" if near else "IMAGE:NAME=VALUE is for one image, NAME=VALUE for all",
            )
    for base in bases:
        if base.image not in names:
            near = nearest(base.image, names)
            raise ConfigError(
                f"there is no image {base.image!r} to build on {base.reference}",
                hint=f"did you mean {near!r}?" if near else "--base IMAGE=REF takes an image of the stack",
            )
