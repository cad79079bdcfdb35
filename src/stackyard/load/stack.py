# SPDX-License-Identifier: MIT
"""A whole stack from disk: spec, ignore rules, Dockerfiles and contexts become targets with their inputs.

In:   Place, Settings, Revision
Out:  Stack, with every finding; what is wrong in one image never hides the others
Raises: FileProblem where a file as a whole cannot be read
Cost: every file below the images folder is read once
"""

from __future__ import annotations

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.changes import ChangeRules, read_change_rules
from stackyard.load.place import Place, image_folders
from stackyard.load.spec import Spec, SpecImage, read_spec
from stackyard.load.target import Sources, Surroundings, read_sources, repository_of, target_of
from stackyard.model.inputs import Entry
from stackyard.model.names import ImageName, nearest
from stackyard.model.reference import Platform, Repository
from stackyard.model.stack import Finding, Revision, Stack, TagTemplates, Target


class Settings(msgspec.Struct, frozen=True):
    """What the caller decides; where each came from is the caller's to remember."""

    platform: Platform
    registry: str | None = None
    """Publish below this registry, whatever the spec names."""


def load_stack(place: Place, revision: Revision, settings: Settings) -> Stack:
    """Read the stack at `place`."""
    spec, findings = _spec(place)
    images, more = _images(place, spec)
    rules, everywhere = read_change_rules(place)
    around = _surroundings(place, spec, images, revision, settings, rules, everywhere)
    found: list[Finding] = [*findings, *more]
    targets: list[Target] = []
    sources: dict[ImageName, Sources] = {}
    for image in images:
        read, problems = read_sources(place, image)
        found.extend(problems)
        if read is not None:
            sources[image.name] = read
    for image in images:
        if image.name in sources:
            target, problems = target_of(image, sources[image.name], around)
            targets.append(target)
            found.extend(problems)
    return Stack(
        name=spec.name or place.root.name,
        images_folder=place.images,
        targets=tuple(targets),
        revision=revision,
        has_registry=around.has_registry,
        stable="{prefix}-stable" if spec.prefix else "stable",
        findings=tuple(found),
    )


def _spec(place: Place) -> tuple[Spec, tuple[Finding, ...]]:
    if place.spec is None:
        return Spec("", None, None, None, TagTemplates(("{commit}",), ("{branch}",)), (), ()), ()
    return read_spec((place.root / place.spec).read_bytes(), place.spec)


def _images(place: Place, spec: Spec) -> tuple[tuple[SpecImage, ...], list[Finding]]:
    """Entries of the spec in file order; without a spec, every folder with a Dockerfile."""
    folders = image_folders(place)
    if not (folders if place.spec is None else spec.images):
        hint = f"add a folder {place.images}/NAME with a Dockerfile" + (" and its entry" if place.spec else "")
        return (), [Finding("no-images", "error", "there is no image", place.spec or place.images, hint=hint)]
    if place.spec is None:
        return tuple(SpecImage(ImageName(name), 1, None, (), (), (), False) for name in folders), []
    named = [image.name for image in spec.images]
    findings = [
        Finding(
            "folder-without-entry",
            "warning",
            f"folder {place.images}/{name} has a Dockerfile and no entry under `images:`, so it is not built",
            f"{place.images}/{name}/Dockerfile",
            hint=f"add `{name}:` under `images:` in {place.spec}",
        )
        for name in folders
        if name not in named
    ]
    for image in spec.images:
        findings.extend(_unknown_parents(image, named, place))
    return spec.images, findings


def _unknown_parents(image: SpecImage, named: list[ImageName], place: Place) -> list[Finding]:
    found = []
    for parent in image.depend_on:
        if parent not in named:
            near = nearest(parent, [str(name) for name in named])
            found.append(
                Finding(
                    "unknown-parent",
                    "warning",
                    f"image {image.name!r} depends on {parent!r}, which the file does not define: "
                    "taken as an external base",
                    place.spec or place.images,
                    image.line,
                    hint=f"did you mean {near!r}?" if near else None,
                )
            )
    return found


def _surroundings(
    place: Place,
    spec: Spec,
    images: tuple[SpecImage, ...],
    revision: Revision,
    settings: Settings,
    rules: ChangeRules,
    everywhere: tuple[Entry, ...],
) -> Surroundings:
    if settings.registry:
        Repository.parse(f"{settings.registry.rstrip('/')}/name")  # the caller's mistake is not the file's
    repositories = {image.name: _repository(place, spec, image, settings) for image in images}
    return Surroundings(
        place=place,
        revision=revision,
        platform=settings.platform,
        templates=spec.templates,
        prefix=spec.prefix,
        commands={command.name: command for command in spec.commands},
        repositories=repositories,
        declared={image.name: image.image_name or str(image.name) for image in images},
        rules=rules,
        everywhere=everywhere,
        has_registry=bool(settings.registry or spec.registry)
        or any(image.image_name and "/" in image.image_name for image in images),
    )


def _repository(place: Place, spec: Spec, image: SpecImage, settings: Settings) -> Repository:
    try:
        return repository_of(image, spec.registry, settings.registry)
    except InvalidValue as problem:
        where, line = (place.spec, image.line) if place.spec else (f"{place.images}/{image.name}", None)
        raise FileProblem(where, line, f"image {image.name!r}: {problem}", hint=problem.hint) from None
