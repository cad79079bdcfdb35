# SPDX-License-Identifier: MIT
"""Which images there are: those that a file lists, or the Dockerfiles that are found; and where the two disagree.

In:   Place
Out:  Spec, and findings
Raises: FileProblem where the file as a whole cannot be read
Rules: docs/reference/spec.md
"""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Collection, Iterator

import msgspec

from stackyard.load.links import HINT
from stackyard.load.spec.read import read_spec
from stackyard.load.spec.values import Spec, SpecImage, unnamed_plan
from stackyard.load.tree.place import (
    DOCKERFILE,
    ROOT_NAMES,
    Place,
    discovered,
    image_folders,
    outside,
    printable,
    templates,
    unnameable,
)
from stackyard.model.names import ImageName, nearest
from stackyard.model.reference import nearest_repository
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding

_PLACEHOLDER = re.compile(
    rb"\{\{[- ]*\.?(?:env\.)?([A-Za-z_]\w*)|%%([A-Za-z_]\w*)%%|@([A-Za-z_]\w*)@|<%=? *([A-Za-z_]\w*)"
)
"""What templates are filled in at: `{{ NAME }}`, `%%NAME%%`, `@NAME@`, `<%= name %>`."""


def read_listing(place: Place, listing: bytes | None = None) -> tuple[Spec, tuple[Finding, ...]]:
    """The spec; where no file lists the images, every Dockerfile that is found."""
    if place.spec is None:
        spec = Spec(place.images, None, None, None, (unnamed_plan(),), _found_images(place), ())
        return spec, tuple(_odd_names(place))
    data = place.files.read(place.spec) if listing is None else listing
    spec, findings = read_spec(data, place.spec, needs_images=not place.is_listed_at_the_root)
    if not spec.images and place.is_listed_at_the_root:
        spec = msgspec.structs.replace(spec, images=_found_images(place))
        findings = (*findings, *_odd_names(place))
    return _with_files(spec, findings) if spec.files else (spec, findings)


def _with_files(spec: Spec, findings: tuple[Finding, ...]) -> tuple[Spec, tuple[Finding, ...]]:
    """The spec with the top-level `files` in its images; an error for each that no image has."""
    names = {str(image.name): None for image in spec.images}
    of = {name: files for name, _, files in spec.files}
    images = tuple(
        msgspec.structs.replace(image, files=(*image.files, *of.get(image.name, ()))) for image in spec.images
    )
    found = list(findings)
    for name, spot, _ in spec.files:
        if name not in names:
            near = nearest(name, names)
            hint = f"did you mean {near!r}?" if near else "`files` has one entry for each image that needs it"
            sentence = f"`files` names {name!r}, which is no image"
            found.append(
                Finding("wrong-value", "error", sentence, *spot, hint=hint, found=name, wanted=near or "an image")
            )
    return msgspec.structs.replace(spec, images=images), tuple(found)


def _found_images(place: Place) -> tuple[SpecImage, ...]:
    """Images by discovery: the first Dockerfile of a name is taken; it is published under the nearest name there is."""
    first = {found.name: found for found in reversed(list(discovered(place)))}
    return tuple(
        SpecImage(
            found.name,
            None,
            image_name=nearest_repository(found.name) or found.name,
            dockerfile=found.dockerfile,
            context=found.context,
        )
        for found in discovered(place)
        if first[found.name] is found or first[found.name] == found
    )


def _odd_names(place: Place) -> Iterator[Finding]:
    """What discovery names in another way than the folder, and what it leaves out because it cannot be named."""
    for path, name in unnameable(place):
        sentence = f"{path} is left out: {name!r} can be no image's name"
        hint = f"rename it: {ImageName.hint}"
        yield Finding("left-out", "warning", sentence, path, hint=hint, found=printable(name), wanted="another name")
    for path in outside(place):
        sentence = f"{path} is left out: it is a link that leads out of the repository"
        yield Finding("left-out", "warning", sentence, path, hint=HINT, found="a link", wanted="a folder")
    for image in discovered(place):
        near = nearest_repository(image.name)
        if near is not None and near != image.name.lower():
            sentence = f"image {image.name!r} is published as {near!r}, because its own name can be no repository's"
            hint = f"rename it, or list it in a {ROOT_NAMES[0]} with an `image_name`"
            yield Finding(
                "renamed", "warning", sentence, image.dockerfile, hint=hint, found=image.name, wanted=str(near)
            )


def disagreements(place: Place, spec: Spec) -> list[Finding]:
    """What the spec and the folders do not agree on, and what nothing builds."""
    findings = [*_unread(place), *(_template(place, path) for path in templates(place))]
    if not spec.images:
        spot = spec.spots.get(("images",))
        if spot or place.spec is None or place.is_listed_at_the_root:  # else its reader said what is wrong
            hint = f"add a folder {place.path('NAME')} with a Dockerfile" + (" and its entry" if place.spec else "")
            spot, wanted = spot or Spot(place.spec or place.images), place.path("NAME", DOCKERFILE)
            findings.append(Finding("no-images", "error", "there is no image", *spot, hint=hint, wanted=wanted))
        return findings
    named = {image.name: None for image in spec.images}
    listed = {image.dockerfile for image in spec.images}
    findings += [
        Finding(
            "folder-without-entry",
            "warning",
            f"folder {place.path(name)} has a Dockerfile and no entry under `images:`, so it is not built",
            printable(place.path(name, DOCKERFILE)),
            hint=f"add `{name}:` under `images:` in {place.spec}",
            found=printable(name),
            wanted=f"`{name}:` in {place.spec}",
        )
        for name in (image_folders(place, named) if any(image.spots for image in spec.images) else ())
        if place.path(name, DOCKERFILE) not in listed
    ]
    findings += [
        _unknown_parent(image, parent, named, spec.path)
        for image in spec.images
        for parent in image.depend_on
        if parent not in named
    ]
    return findings


def _unread(place: Place) -> Iterator[Finding]:
    """Files that describe the stack beside the one that does."""
    hint = "keep one of them" + (", or leave only `images_dir` in the other" if place.is_listed_at_the_root else "")
    for path in place.unread:
        sentence = f"describes the stack, and so does {place.spec}: only that one is read"
        yield Finding("two-specs", "error", sentence, path, 1, 1, hint=hint, found=path, wanted="one of them")


def _template(place: Place, path: str) -> Finding:
    """A template, with the form that needs none, for a name that it fills in."""
    text = b""
    with contextlib.suppress(OSError):  # a link that leads nowhere
        text = b"" if place.files.leads_out(path) else place.files.read(path)
    found = _PLACEHOLDER.search(text)
    name = next((part.decode() for part in found.groups() if part), "NAME") if found else "NAME"
    hint = (
        f"write `ARG {name.upper()}=default` and `${{{name.upper()}}}` in a Dockerfile, "
        f"and give it a value with `build_args: {{{name.upper()}: value}}`"
    )
    sentence = "a template of a Dockerfile is not built"
    spot = Spot(path)
    if found:
        before = text[: found.start()].decode("utf-8", "replace")
        spot = Spot(path, before.count("\n") + 1, len(before) - before.rfind("\n"))
    shown = found[0].decode("utf-8", "replace") if found else posixpath.basename(path)
    return Finding("template", "notice", sentence, *spot, hint=hint, found=shown, wanted=f"${{{name.upper()}}}")


def _unknown_parent(image: SpecImage, parent: str, named: Collection[ImageName], path: str) -> Finding:
    near = nearest(parent, named)
    sentence = f"image {image.name!r} depends on {parent!r}, which the file does not define: taken as an external base"
    hint = f"did you mean {near!r}?" if near else "a base is read from the Dockerfile: take it out here"
    spot = image.spots.get(("depend_on", parent), Spot(path, image.line))
    return Finding("unknown-parent", "warning", sentence, *spot, hint=hint, found=parent, wanted=near or "an image")
