# SPDX-License-Identifier: MIT
"""One way to build one image, whichever convention says so: what becomes a target.

In:   Spec (spec.yml), versions.yaml files
Out:  Recipe, a value that knows nothing of conventions
Pure.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import msgspec

from stackyard.load.place import DOCKERFILE, Place
from stackyard.load.spec import Spec, SpecImage, SpecPlan
from stackyard.model.names import ImageName, TargetName, VersionName
from stackyard.model.stack import TagTemplates
from stackyard.model.tags import filled


class Recipe(msgspec.Struct, frozen=True):
    """An image at a version."""

    image: ImageName
    version: VersionName | None
    path: str
    """The file that says so, as messages call it."""
    line: int | None
    args: tuple[tuple[str, str], ...]
    depend_on: tuple[str, ...]
    """Images it is declared to build on, at the same version."""
    commands: tuple[str, ...]
    integration_tests: bool
    templates: TagTemplates
    variables: tuple[tuple[str, str], ...]
    """For templates: image, version, prefix, stable, and the stack's own `vars`."""
    dockerfile: str
    """Relative to the stack's root, like the build context."""
    context: str
    skip: str | None = None
    """Why the image is left alone; None: it is not."""

    @property
    def target(self) -> TargetName:
        """The target this becomes."""
        return TargetName.of(self.image, self.version)


def recipes_of(spec: Spec, place: Place) -> Iterator[Recipe]:
    """Each image in each plan that does not skip it: plans in file order within images in file order."""
    for image in spec.images:
        for plan in spec.plans:
            if plan.name is None or plan.name not in image.skip_plans:
                yield _recipe(spec, image, plan, place)


def _recipe(spec: Spec, image: SpecImage, plan: SpecPlan, place: Place) -> Recipe:
    variables = {**dict(spec.vars), **dict(image.vars), **dict(plan.vars), "image": str(image.name)}
    if plan.name is not None:
        variables["version"] = str(plan.name)
    if plan.prefix:
        variables["prefix"] = plan.prefix
        variables["stable"] = plan.prefix + plan.stable
    dockerfile = image.dockerfile or posixpath.join(image.context or place.path(image.name), DOCKERFILE)
    return Recipe(
        image.name,
        plan.name,
        spec.path,
        image.line,
        tuple((name, filled(value, variables)) for name, value in image.args_for(plan)),
        image.depend_on,
        image.info_cmds,
        image.integration_tests,
        plan.templates,
        tuple(variables.items()),
        posixpath.normpath(dockerfile),
        image.context or posixpath.dirname(posixpath.normpath(dockerfile)) or ".",
        image.skip,
    )
