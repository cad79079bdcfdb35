# SPDX-License-Identifier: MIT
"""The images that a Dockerfile names: parents, where the stack makes them, or external bases.

In:   Recipe, Dockerfile, its arguments, Owners
Out:  Found: parents with the references that name them, bases, the frontend; findings

A parent is recognised however it is written: through BASE_TAG or any other argument, pinned to a
tag, by `image_name`, by where it is published, or by its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from stackyard.errors import ConfigError, InvalidValue
from stackyard.load.dockerfile.content import variables_of
from stackyard.load.recipe import Recipe
from stackyard.model.dockerfile import SCRATCH, Dockerfile, Use
from stackyard.model.inputs import masked
from stackyard.model.names import ImageName, TargetName, VersionName, nearest
from stackyard.model.reference import Reference, Repository
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding, ParentUse
from stackyard.model.words import expand_known

if TYPE_CHECKING:
    from stackyard.load.spec.versions import BaseImage


class Owners(msgspec.Struct, frozen=True):
    """Which image of the stack a repository belongs to, and at which versions it is made."""

    repositories: Mapping[ImageName, Repository]
    by_name: Mapping[str, ImageName]
    """Canonical repository -> image, for every name that Dockerfiles may call an image."""
    versions: Mapping[ImageName, tuple[VersionName | None, ...]]

    def at_version(self, image: ImageName, version: VersionName | None) -> TargetName | None:
        """The target of `image` that something at `version` builds on: the same version, or the only one there is."""
        made = self.versions.get(image, ())
        if version in made:
            return TargetName.of(image, version)
        return TargetName.of(image, None) if None in made else None


def owners_of(
    recipes: Iterable[Recipe],
    repositories: Mapping[ImageName, Repository],
    declared: Mapping[ImageName, Iterable[str]],
) -> Owners:
    """Owners of a stack.

    Args:
        declared: what the spec calls each image, beside where it is published now.
    """
    versions: dict[ImageName, tuple[VersionName | None, ...]] = {}
    for recipe in recipes:
        made = () if recipe.is_never_made else (recipe.version,)
        versions[recipe.image] = (*versions.get(recipe.image, ()), *made)
    by_name = {repository.canonical: image for image, repository in repositories.items()}
    for image, repository in repositories.items():  # where it is published wins over what it is called
        for text in (*declared.get(image, ()), str(image)):
            if text != repository:  # which is known by now
                by_name.setdefault(_canonical(text), image)
    return Owners(repositories, by_name, versions)


def _canonical(text: str) -> str:
    try:
        return Repository.parse(text).canonical
    except InvalidValue:
        return text


class Found(msgspec.Struct):
    """The images that a Dockerfile names."""

    parents: dict[TargetName, list[Reference]]
    bases: dict[str, Reference]
    """By canonical reference."""
    frontend: Reference | None = None
    roles: list[str] = msgspec.field(default_factory=list)
    """What each place stands for that does not say so itself, file order: a parent, a base, a stage."""
    given: list[Reference] = msgspec.field(default_factory=list)
    """What the caller's own base takes the place of."""
    naming: frozenset[str] = frozenset()
    """Variables in the texts that name a parent."""


def find_references(
    recipe: Recipe,
    dockerfile: Dockerfile,
    args: tuple[tuple[str, str], ...],
    platform: str,
    owners: Owners,
    findings: list[Finding],
) -> Found:
    """Each image that the Dockerfile names, and the parents that the recipe declares."""
    found = Found({}, {})
    if recipe.base_image is not None and recipe.base_image.name not in owners.repositories:
        findings.append(_unknown_base(recipe, recipe.base_image, owners))
    for name, spot in recipe.declared:
        target = _parent(recipe, ImageName(name), owners, findings, partial(Spot, *spot))
        if target is not None:
            found.parents[target] = []
    replaced = _replaced(recipe, dockerfile, args, platform)
    for use, text, is_outside in dockerfile.places(dict(args), platform):
        if not is_outside:
            if "$" in use.text:
                found.roles.append(f"stage {text.lower()}")
            continue
        try:
            reference = Reference.parse(text)
        except InvalidValue as problem:
            bad = _bad_reference(recipe, dockerfile, use, masked(text, args), dict(args))
            findings.append(bad if bad.hint else msgspec.structs.replace(bad, hint=problem.hint))
            continue
        if use.how == "syntax":
            found.frontend = reference
            continue
        if recipe.given_base is not None and reference.canonical == replaced:
            _give(reference, recipe.given_base, recipe, owners, found)
            found.naming |= variables_of(use.text)
            continue
        parent = _sort(reference, recipe, owners, found, findings, partial(_spot_of, dockerfile, use))
        if parent is not None:
            found.roles.append(f"parent {parent}")
            found.naming |= variables_of(use.text)
        elif "$" in use.text:
            found.roles.append(reference.canonical)
    for target, references in found.parents.items():
        if not references:
            sentence = (
                f"image {recipe.image!r} depends on {target.image!r}, and no instruction of its Dockerfile names it"
            )
            hint = "a FROM of another name ignores the parent that was just built"
            base = dockerfile.stages[-1].base
            place = dockerfile.at(base.line, base.text)
            wanted = str(owners.repositories[target.image])
            findings.append(
                Finding("parent-not-used", "warning", sentence, *place, hint=hint, found=base.text, wanted=wanted)
            )
    return found


def _bad_reference(recipe: Recipe, dockerfile: Dockerfile, use: Use, text: str, args: Mapping[str, str]) -> Finding:
    """An image that cannot be named so: which version and which argument it is, and what helps."""
    try:
        names = sorted(expand_known(use.text, {}, dockerfile.escape)[1])
    except InvalidValue:
        names = []
    is_unreplaced = use.how in ("copy", "mount") and bool(names)
    values = {**dockerfile.global_values(args), **args}
    empty = [name for name in names if not values.get(name)]
    at = f" at version {str(recipe.version)!r}" if recipe.version is not None else ""
    why = f": {', '.join(empty)} {'has' if len(empty) == 1 else 'have'} no value" if empty and not is_unreplaced else ""
    hint = None
    if is_unreplaced:
        hint = f"Docker replaces no variables in {use.flag}: write `FROM {use.text} AS name` above, and name that stage"
    elif empty:
        hint = f"give {empty[0]} a default in its ARG, or a value in the build arguments"
    elif names and _is_good_with(use.text, names, dockerfile.escape):
        hint = f"look at {', '.join(names)}: the name it gives is no repository's"
    return Finding(
        "bad-reference",
        "error",
        f"{use.text!r} names the image {text!r}{at}, which is not a valid reference{why}",
        *dockerfile.at(use.line, use.text),
        hint=hint,
        found=text,
        wanted="REPOSITORY:TAG",
    )


def _is_good_with(text: str, names: Iterable[str], escape: str) -> bool:
    """Whether a text would name an image, were it not for the values of its variables."""
    try:
        Reference.parse(expand_known(text, dict.fromkeys(names, "1"), escape)[0])
    except InvalidValue:
        return False
    return True


def _replaced(recipe: Recipe, dockerfile: Dockerfile, args: tuple[tuple[str, str], ...], platform: str) -> str | None:
    """What the caller's own base takes the place of: all that names the base of the last stage, canonical."""
    if recipe.given_base is None:
        return None
    text = dockerfile.foundation(dict(args), platform)
    if text == SCRATCH:
        raise ConfigError(
            f"{recipe.target} is built from scratch: there is no base that {recipe.given_base} could take the place of",
            hint=f"leave out --base {recipe.target}={recipe.given_base}",
        )
    try:
        return Reference.parse(text).canonical
    except InvalidValue:
        return None  # which is a finding already


def _give(reference: Reference, given: Reference, recipe: Recipe, owners: Owners, found: Found) -> None:
    """The caller's base in the place of a reference; a parent that only this named is none any more."""
    found.bases.setdefault(given.canonical, given)
    found.roles.append(given.canonical)
    if reference not in found.given:
        found.given.append(reference)
    owner = owners.by_name.get(reference.repository.canonical)
    parent = owners.at_version(owner, recipe.version) if owner is not None else None
    if parent is not None and not found.parents.get(parent, [reference]):
        del found.parents[parent]


def _sort(
    reference: Reference,
    recipe: Recipe,
    owners: Owners,
    found: Found,
    findings: list[Finding],
    spot: Callable[[], Spot],
) -> TargetName | None:
    """One reference, to the parents or to the bases; the parent that it is."""
    owner = owners.by_name.get(reference.repository.canonical)
    target = None
    if owner is not None and owner != recipe.image:
        target = _parent(recipe, owner, owners, findings, spot)
    if target is None:
        found.bases.setdefault(reference.canonical, reference)
    elif reference not in found.parents.setdefault(target, []):
        found.parents[target].append(reference)
    return target


def _spot_of(dockerfile: Dockerfile, use: Use) -> Spot:
    return Spot(*dockerfile.at(use.line, use.text))


def _parent(
    recipe: Recipe, image: ImageName, owners: Owners, findings: list[Finding], spot: Callable[[], Spot]
) -> TargetName | None:
    """The target of `image` that the recipe builds on; None for an image the stack does not make."""
    target = owners.at_version(image, recipe.version)
    if target is None and image in owners.versions:
        made = [str(version) for version in owners.versions[image]]
        at = f"at version {recipe.version!r}" if recipe.version is not None else "(without a version)"
        sentence = (
            f"image {recipe.image!r} {at} builds on {image!r}, "
            f"which is not made at that version (it is at {', '.join(made)})"
        )
        near = nearest(str(recipe.version), made)
        hint = f"the nearest that {image!r} has is {near!r}" if near else f"make {image!r} at that version too"
        if not any(one.code == "missing-version" and one.sentence == sentence for one in findings):
            found = str(recipe.version) if recipe.version is not None else "no version"
            wanted = f"one of {', '.join(made)}"
            findings.append(
                Finding("missing-version", "error", sentence, *spot(), hint=hint, found=found, wanted=wanted)
            )
    return target


def _unknown_base(recipe: Recipe, base: BaseImage, owners: Owners) -> Finding:
    near = nearest(base.name, [str(name) for name in owners.repositories])
    return Finding(
        "unknown-base",
        "error",
        f"version {recipe.version!r} of image {recipe.image!r} has the base image {base.name!r}, "
        "which is no image of this stack",
        *base.spot,
        hint=f"did you mean {near!r}?" if near else "`base_image` names the folder of another image",
        found=base.name,
        wanted=near or "an image",
    )


def foundation_of(
    dockerfile: Dockerfile, args: tuple[tuple[str, str], ...], platform: str, parents: tuple[ParentUse, ...]
) -> TargetName | None:
    """The parent whose layers the image's own stand on; None where that is an external base."""
    text = dockerfile.foundation(dict(args), platform)
    return next((use.target for use in parents if any(text == str(name) for name in use.references)), None)
