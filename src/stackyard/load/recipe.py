# SPDX-License-Identifier: MIT
"""One way to build one image, whichever convention says so: what becomes a target.

In:   Spec (spec.yml), the versions of images that have their own
Out:  Recipe, a value that knows nothing of conventions
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from stackyard.load.matrix import Matrices
from stackyard.load.spec.values import Spec, SpecImage, SpecPlan, SpecTests
from stackyard.load.tree.paths import normal
from stackyard.load.tree.place import DOCKERFILE, Place
from stackyard.model.names import ImageName, TargetName, VersionName
from stackyard.model.reference import Platform, Reference
from stackyard.model.spot import Spot, Spots
from stackyard.model.stack import Secret, TagTemplates
from stackyard.model.tags import filled

if TYPE_CHECKING:
    from stackyard.load.spec.checks import SpecChecks
    from stackyard.load.spec.versions import BaseImage, Version
    from stackyard.load.tree.staging import FilesEntry
    from stackyard.model.age import Age
    from stackyard.model.checks import Check
    from stackyard.model.timeout import Timeout

STAMPED = "py{version}-{stamp}"
"""The tag of a version of its own."""
WINDOWS = "Windows"
_OWN = ("files", "retries", "may_fail", "prune", "only_on", "only_if")
"""What a recipe has from its image's entry alone, where that says it."""
_OWN_OR_COMMON = ("network", "granularity", "max_age", "timeout", "platforms")
"""What it has from there, or else from the top of the file."""


class Recipe(msgspec.Struct, frozen=True):
    """An image at a version."""

    image: ImageName
    version: VersionName | None
    spots: Spots
    """Where files say what: `("entry",)` is what becomes this recipe, `("image",)` the entry of its image."""
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
    base_image: BaseImage | None = None
    """Another image at the same version, which the argument BASE_IMAGE names."""
    always: tuple[tuple[str, str], ...] = ()
    """Arguments that every image gets, behind its own; its own win."""
    is_never_made: bool = False
    """Whether the image does not exist in this plan, so that nothing can build on it there."""
    needs: str | None = None
    """What building it takes, by what its version says: `Windows`."""
    files: tuple[FilesEntry, ...] = ()
    """What the build context gets from elsewhere."""
    stage: str | None = None
    """The stage that is the image; None: the last."""
    network: str = ""
    granularity: str | None = None
    """`folder` or `copied`; None: by where the build context is."""
    max_age: Age | None = None
    timeout: Timeout | None = None
    retries: int = 0
    may_fail: bool = False
    prune: bool = False
    platforms: tuple[Platform, ...] = ()
    """What the spec says it is built for; none: nothing, so for this machine's own."""
    only_on: tuple[Platform, ...] = ()
    only_if: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    ssh: tuple[Secret, ...] = ()
    locks: tuple[str, ...] = ()
    """Lock files that it uses, relative to the stack's root."""
    foreign_locks: tuple[str, ...] = ()
    """Those of other versions, which it does not."""
    platform_locks: tuple[tuple[str, str], ...] = ()
    """Platforms, and lock files that it uses on each alone."""
    checks: tuple[Check, ...] = ()
    """What it has to be like, by its own entry."""
    common_checks: tuple[Check, ...] = ()
    """What all images have to be like."""
    structure_tests: tuple[tuple[str, Spot], ...] = ()
    """Files with more of that, its own and those of all, relative to the stack's root."""
    tests: SpecTests = SpecTests()
    given_base: Reference | None = None
    """What the caller wants it to be built on, whatever its Dockerfile says."""

    def spot(self, *key: str) -> Spot:
        """Where something is said; else where the recipe is listed; else its Dockerfile."""
        return self.spots.get(key) or self.spots.get(("entry",)) or Spot(self.dockerfile)

    def can_be_for(self, platform: str) -> bool:
        """Whether `only_on` leaves this platform in."""
        return not self.only_on or any(f"{platform}/".startswith(f"{each}/") for each in self.only_on)

    def on(self, platform: str) -> Recipe:
        """The recipe with the locks of one platform."""
        if not self.platform_locks:
            return self
        own = tuple(path for each, path in self.platform_locks if f"{platform}/".startswith(f"{each}/"))
        others = tuple(path for _, path in self.platform_locks if path not in own)
        return msgspec.structs.replace(
            self, locks=(*self.locks, *own), foreign_locks=(*self.foreign_locks, *others), platform_locks=()
        )

    @property
    def is_stamped(self) -> bool:
        """Whether it is a version of the image's own, and not of a plan."""
        return STAMPED in self.templates.fixed

    @property
    def declared(self) -> tuple[tuple[str, Spot], ...]:
        """Images that are parents whatever the Dockerfile says, and where they are named."""
        base = self.base_image
        own = ((name, self.spot("depend_on", name)) for name in self.depend_on)
        return (*own, *([(str(base.name), base.spot)] if base else []))

    @property
    def target(self) -> TargetName:
        """The target this becomes."""
        return TargetName.of(self.image, self.version)


def recipes_of(spec: Spec, place: Place, matrices: Matrices) -> Iterator[Recipe]:
    """Each image at each version of its own; else in each plan, those that it skips too. All in file order."""
    for image in spec.images:
        if image.name in matrices.broken:
            continue
        if image.name in matrices.versions:
            file = matrices.versions[image.name]
            for version in file.versions:
                yield _at_version(spec, image, version, place)
            continue
        for plan in spec.plans:
            recipe = _in_plan(spec, image, plan, place)
            if plan.name is not None and plan.name in image.skip_plans:
                why = f"`skip_plans` names {plan.name}"
                recipe = msgspec.structs.replace(recipe, skip=why, is_never_made=True)
            yield recipe


def _in_plan(spec: Spec, image: SpecImage, plan: SpecPlan, place: Place) -> Recipe:
    variables = {**dict((*spec.vars, *image.vars, *plan.vars)), "image": str(image.name)}
    if plan.name is not None:
        variables["version"] = str(plan.name)
    if plan.prefix:
        variables["prefix"] = plan.prefix
        variables["stable"] = plan.prefix + plan.stable
    return _recipe(spec, image, plan.name, image.args_for(plan), variables, plan.templates, place)


def _at_version(spec: Spec, image: SpecImage, version: Version, place: Place) -> Recipe:
    """A version of versions.yaml, whose tag is its name and the run's stamp; beside it those that name the version."""
    variables = {**dict(spec.vars), **dict(image.vars), "image": str(image.name), "version": str(version.name)}
    plan = spec.plans[0]
    if plan.prefix:
        variables["prefix"] = plan.prefix
        variables["stable"] = plan.prefix + plan.stable
    own = TagTemplates(
        (STAMPED, *(text for text in plan.templates.fixed if "{version}" in text and text != STAMPED)),
        tuple(text for text in plan.templates.moving if "{version}" in text),
    )
    args = tuple({**dict(image.args), **dict(version.docker_args)}.items())
    recipe = _recipe(spec, image, version.name, args, variables, own, place)
    spots = {**recipe.spots, **version.spots}
    if ("version",) in spots:
        spots["entry",] = spots["version",]
    return msgspec.structs.replace(
        recipe,
        spots=spots,
        base_image=version.base_image,
        needs=WINDOWS if version.is_windows else None,
    )


def _recipe(
    spec: Spec,
    image: SpecImage,
    version: VersionName | None,
    args: tuple[tuple[str, str], ...],
    variables: dict[str, str],
    templates: TagTemplates,
    place: Place,
) -> Recipe:
    folder = image.context or place.path(image.name)
    dockerfile = normal(image.dockerfile or f"{folder}/{DOCKERFILE}")
    return Recipe(
        image.name,
        version,
        _spots(spec, image, version),
        tuple([(name, filled(value, variables)) for name, value in args]),
        image.depend_on,
        image.info_cmds,
        image.integration_tests,
        templates,
        tuple(variables.items()),
        dockerfile,
        image.context or dockerfile.rpartition("/")[0] or ".",
        image.skip,
        always=tuple([(name, filled(value, variables)) for name, value in spec.build_args]),
        stage=image.stage,
        secrets=_merged(spec.secrets, image.secrets),
        ssh=_merged(spec.ssh, image.ssh),
        tests=image.tests.below(spec.tests),
        **{name: value for name in _OWN if (value := getattr(image, name))},
        **{name: value for name in _OWN_OR_COMMON if (value := getattr(image, name) or getattr(spec, name))},
        **(_checks(spec.checks, image.checks) if spec.checks or image.checks else {}),
    )


def _checks(common: SpecChecks | None, own: SpecChecks | None) -> dict[str, Any]:
    """What images have to be like, by the field of the recipe that says so."""
    return {
        "checks": own.checks if own else (),
        "common_checks": common.checks if common else (),
        "structure_tests": tuple(file for each in (common, own) if each for file in each.files),
    }


def _spots(spec: Spec, image: SpecImage, version: VersionName | None) -> Spots:
    """Where the image's entry says what, as one plan has it; an image that no file lists has its Dockerfile alone."""
    spots = {**spec.spots, **image.spots}
    if version is not None and image.plan_args:
        spots |= {key[:2]: spot for key, spot in image.spots.items() if key[0] == "args" and key[2:] == (version,)}
    if ("image",) in spots:
        spots["entry",] = spots["image",]
    return spots


def _merged(common: tuple[Secret, ...], own: tuple[Secret, ...]) -> tuple[Secret, ...]:
    """The stack's and the image's, whose own wins."""
    return tuple({secret.id: secret for secret in (*common, *own)}.values()) if common or own else ()
