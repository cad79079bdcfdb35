# SPDX-License-Identifier: MIT
"""A whole stack from disk: spec, ignore rules, Dockerfiles and contexts become targets with their inputs.

In:   Place, Settings, Revision
Out:  Stack, with every finding; what is wrong in one image never hides the others
Raises: FileProblem where a file as a whole cannot be read
Cost: every file below the images folder is read once
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.changes import read_change_rules
from stackyard.load.place import DOCKERFILE, Place, discovered, image_folders, templates
from stackyard.load.recipe import Recipe, recipes_of
from stackyard.load.references import owners_of
from stackyard.load.sources import SourceReader
from stackyard.load.spec import Spec, SpecImage, SpecPlan, read_spec, unnamed_plan
from stackyard.load.target import Surroundings, target_of
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.names import ImageName, TargetName, nearest
from stackyard.model.reference import Platform, Repository
from stackyard.model.stack import Finding, Revision, Stack, Target

_GITHUB = re.compile(r"github\.com[:/]([^/]+/[^/]+?)(?:\.git)?/?$")


class Settings(msgspec.Struct, frozen=True):
    """What the caller decides; where each came from is the caller's to remember."""

    platform: Platform
    registry: str | None = None
    """Publish below this registry, whatever the spec names."""
    find_remote: Callable[[], str | None] = lambda: None
    """Tells where the repository was cloned from; asked only where nothing else names a registry."""


def load_stack(place: Place, revision: Revision, settings: Settings, listing: bytes | None = None) -> Stack:
    """Read the stack at `place`.

    Args:
        listing: what the file that lists the images would say; None: what it says.
    """
    spec, findings = _spec(place, listing)
    found: list[Finding] = [*findings, *_unlisted(place, spec)]
    registry = spec.registry or _default_registry(spec, settings)
    recipes = tuple(recipes_of(spec, place))
    sources = SourceReader(place)
    around = _surroundings(place, spec, registry, recipes, revision, settings, sources)
    targets: list[Target] = []
    dockerfiles: dict[str, Dockerfile] = {}
    for recipe in recipes:
        read, problems = sources.read(recipe)
        found.extend(problems)
        if read is not None:
            target, problems = target_of(recipe, read, around)
            targets.append(target)
            dockerfiles[target.dockerfile] = read.dockerfile
            found.extend(problems)
    return Stack(
        name=spec.name or place.root.name,
        images_folder=place.images,
        targets=tuple(targets),
        revision=revision,
        has_registry=bool(settings.registry or registry)
        or any(image.image_name and "/" in image.image_name for image in spec.images),
        stable="{stable}" if any(plan.prefix for plan in spec.plans) else "stable",
        groups=spec.groups,
        findings=tuple(dict.fromkeys(found)),
        dockerfiles=dockerfiles,
    )


def read_target(place: Place, revision: Revision, settings: Settings, name: TargetName) -> Target | None:
    """One target as its files are now; None where it is not there any more."""
    spec, _ = _spec(place)
    recipes = tuple(recipes_of(spec, place))
    recipe = next((recipe for recipe in recipes if recipe.target == name), None)
    sources = SourceReader(place)
    read = sources.read(recipe)[0] if recipe else None
    if recipe is None or read is None:
        return None
    around = _surroundings(place, spec, spec.registry, recipes, revision, settings, sources)
    return target_of(recipe, read, around)[0]


def _spec(place: Place, listing: bytes | None = None) -> tuple[Spec, tuple[Finding, ...]]:
    """The spec; where no file lists the images, every Dockerfile that is found."""
    if place.spec is None:
        return Spec(place.images, None, None, (_native_plan(),), _found_images(place), ()), ()
    data = (place.root / place.spec).read_bytes() if listing is None else listing
    spec, findings = read_spec(data, place.spec, needs_images=not place.is_listed_at_the_root)
    if not spec.images and place.is_listed_at_the_root:
        spec = msgspec.structs.replace(spec, images=_found_images(place))
    return spec, findings


def _native_plan() -> SpecPlan:
    """What a stack without a file gets: `latest` too, on the default branch only."""
    plan = unnamed_plan()
    templates = msgspec.structs.replace(plan.templates, default_branch=("latest",))
    return msgspec.structs.replace(plan, templates=templates)


def _found_images(place: Place) -> tuple[SpecImage, ...]:
    """Images by discovery: the first Dockerfile of a name is taken."""
    first = {found.name: found for found in reversed(list(discovered(place)))}
    return tuple(
        SpecImage(found.name, None, image_name=found.name.lower(), dockerfile=found.dockerfile, context=found.context)
        for found in discovered(place)
        if first[found.name] is found or first[found.name] == found
    )


def _default_registry(spec: Spec, settings: Settings) -> str | None:
    """On GitHub: its own registry, below the repository's name; elsewhere none."""
    if settings.registry or any(image.image_name and "/" in image.image_name for image in spec.images):
        return None
    found = _GITHUB.search(settings.find_remote() or "")
    return f"ghcr.io/{found[1]}".lower() if found else None


def _unlisted(place: Place, spec: Spec) -> list[Finding]:
    """What the spec and the folders do not agree on, and what nothing builds."""
    findings = [
        Finding(
            "template",
            "notice",
            "a template of a Dockerfile is not built",
            path,
            hint="a Dockerfile with `ARG NAME=default` before FROM, and `build_args`, do the same",
        )
        for path in templates(place)
    ]
    if not spec.images:
        hint = f"add a folder {place.path('NAME')} with a Dockerfile" + (" and its entry" if place.spec else "")
        return [*findings, Finding("no-images", "error", "there is no image", place.spec or place.images, hint=hint)]
    named = [image.name for image in spec.images]
    listed = {image.dockerfile for image in spec.images}
    findings += [
        Finding(
            "folder-without-entry",
            "warning",
            f"folder {place.path(name)} has a Dockerfile and no entry under `images:`, so it is not built",
            place.path(name, DOCKERFILE),
            hint=f"add `{name}:` under `images:` in {place.spec}",
        )
        for name in image_folders(place)
        if name not in named and place.path(name, DOCKERFILE) not in listed
    ]
    for image in spec.images:
        findings.extend(_unknown_parents(image, named, spec.path))
    return findings


def _unknown_parents(image: SpecImage, named: list[ImageName], path: str) -> list[Finding]:
    found = []
    for parent in image.depend_on:
        if parent not in named:
            near = nearest(parent, [str(name) for name in named])
            sentence = (
                f"image {image.name!r} depends on {parent!r}, which the file does not define: taken as an external base"
            )
            hint = f"did you mean {near!r}?" if near else None
            found.append(Finding("unknown-parent", "warning", sentence, path, image.line, hint=hint))
    return found


def _surroundings(
    place: Place,
    spec: Spec,
    registry: str | None,
    recipes: tuple[Recipe, ...],
    revision: Revision,
    settings: Settings,
    sources: SourceReader,
) -> Surroundings:
    if settings.registry:
        Repository.parse(f"{settings.registry.rstrip('/')}/name")  # the caller's mistake is not the file's
    repositories = {image.name: _repository(place, registry, image, settings) for image in spec.images}
    declared = {image.name: _names(image, registry) for image in spec.images}
    rules, everywhere = read_change_rules(place)
    recipe_of = {recipe.target: recipe for recipe in recipes}

    @functools.cache
    def copies_on_build(name: TargetName) -> bool:
        read, _ = sources.read(recipe_of[name])
        return read is not None and bool(read.dockerfile.stages[-1].triggers.copies)

    return Surroundings(
        place=place,
        revision=revision,
        platform=settings.platform,
        commands={command.name: command for command in spec.commands},
        owners=owners_of(recipes, repositories, declared),
        recipes=recipe_of,
        rules=rules,
        everywhere=everywhere,
        copies_on_build=copies_on_build,
    )


def _names(image: SpecImage, registry: str | None) -> list[str]:
    """What Dockerfiles may call an image: `image_name`, and in full, also when the caller publishes elsewhere."""
    names = [image.image_name] if image.image_name else []
    if registry:
        names.append(f"{registry.rstrip('/')}/{image.image_name or image.name}")
    return names


def _repository(place: Place, registry: str | None, image: SpecImage, settings: Settings) -> Repository:
    try:
        return repository_of(image, registry, settings.registry)
    except InvalidValue as problem:
        where, line = (place.spec, image.line) if place.spec else (place.path(image.name), None)
        raise FileProblem(where, line, f"image {image.name!r}: {problem}", hint=problem.hint) from None


def repository_of(image: SpecImage, registry: str | None, override: str | None) -> Repository:
    """Where an image is published.

    `image_name` where it names a registry; else `registry` of the spec and the name. `override`
    (the caller's registry) replaces the registry of every image and keeps the rest of the name.
    """
    name = Repository.parse(image.image_name or image.name)
    if override:
        host = name.declared_host
        return Repository.parse(f"{override.rstrip('/')}/{name[len(host) + 1 :] if host else name}")
    if registry and not name.declared_host:
        return Repository.parse(f"{registry.rstrip('/')}/{name}")
    return name
