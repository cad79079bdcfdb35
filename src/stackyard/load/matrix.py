# SPDX-License-Identifier: MIT
"""The versions of each image that has its own: in its entry of the spec, or in a file in its folder.

In:   Place, Spec
Out:  Matrices, and findings; a file that cannot be read is an error for its image, and hides no other
Rules: docs/reference/versions.md
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.spec.values import Spec, SpecImage
from stackyard.load.tree.place import Place, stay
from stackyard.model.names import ImageName, TargetName
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding, StampFile

if TYPE_CHECKING:
    from stackyard.load.spec.versions import VersionsFile

VERSIONS_FILES = ("versions.yaml", "info.yaml")
"""The second is the older form, which holds the stamps too."""


class Matrices(msgspec.Struct, frozen=True):
    """Images that have versions of their own."""

    versions: dict[ImageName, VersionsFile]
    broken: frozenset[ImageName] = frozenset()
    """Images whose file cannot be read: nothing is known of their versions."""
    conventional: frozenset[ImageName] = frozenset()
    """Those with a file in their folder: they are published and named as that convention does it."""
    stamps: tuple[StampFile, ...] = ()


def read_matrices(place: Place, spec: Spec) -> tuple[Matrices, list[Finding]]:
    """All versions of all images, and what was found."""
    versions: dict[ImageName, VersionsFile] = {}
    broken: set[ImageName] = set()
    conventional: set[ImageName] = set()
    stamps: list[StampFile] = []
    findings: list[Finding] = []
    for image in spec.images:
        path = _versions_path(place, image.name)
        try:
            file = _versions(place, image, path, findings)
        except FileProblem as problem:
            findings.append(Finding.of("versions", problem))
            broken.add(image.name)
            continue
        if file is None:
            continue
        versions[image.name] = file
        if path is not None:
            conventional.add(image.name)
        if any(plan.name is not None for plan in spec.plans):
            sentence = f"image {image.name!r} has versions of its own, so the plans of {spec.path} do not apply to it"
            hint = "take the versions out, or leave the image out of the plans with `skip_plans`"
            spot = file.versions[0].spots["version",] if file.versions else Spot(file.path)
            findings.append(Finding("versions-and-plans", "warning", sentence, *spot, hint=hint))
        kept = _stamps(place, image.name, file, findings)
        if kept is not None:
            stamps.append(kept)
    return Matrices(versions, frozenset(broken), frozenset(conventional), tuple(stamps)), findings


def _versions_path(place: Place, image: ImageName) -> str | None:
    try:
        there: Collection[str] = [name for name, _ in place.files.nodes(place.path(image))]
    except OSError:  # what is in a folder can be asked for where the folder cannot be listed
        there = VERSIONS_FILES
    for name in VERSIONS_FILES:
        if name in there and place.files.is_file(path := place.path(image, name)):
            return path
    return None


def _versions(place: Place, image: SpecImage, path: str | None, findings: list[Finding]) -> VersionsFile | None:
    """The versions of an image, wherever they stand; None for an image without any."""
    if path is None:
        return image.versions
    stay(place.files, path)
    if image.versions is not None:
        sentence = (
            f"image {image.name!r} has versions in {image.versions.path} and in {path}: it is not said which ones count"
        )
        hint = "keep them in one of the two"
        spot = image.spots.get(("versions",), Spot(path))
        findings.append(
            Finding("versions-twice", "error", sentence, *spot, hint=hint, found=path, wanted="versions in one file")
        )
    from stackyard.load.spec.versions import read_versions  # most stacks have none

    file, found = read_versions(place.files.read(path), path)
    findings.extend(found)
    return file


def _stamps(place: Place, image: ImageName, file: VersionsFile, findings: list[Finding]) -> StampFile | None:
    """What is known of the image's stamps; None where no file holds them, and none would be made."""
    from stackyard.load.spec.stamps import STAMPS_FILE, Stamps, read_stamps, stamp_findings

    path = place.path(image, STAMPS_FILE)
    is_there = place.files.is_file(path)
    if file.is_ancestor or not (is_there or place.files.is_file(place.path(image, VERSIONS_FILES[0]))):
        return None
    stamps = Stamps(path)
    try:
        stay(place.files, path)
        stamps, found = read_stamps(place.files.read(path) if is_there else None, path)
        findings.extend((*found, *stamp_findings(stamps, file.names)))
    except FileProblem as problem:
        findings.append(Finding.of("versions", problem))
    targets = tuple(TargetName.of(image, name) for name in file.names)
    return StampFile(image, path, targets, tuple(stamps.values.items()))
