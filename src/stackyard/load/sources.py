# SPDX-License-Identifier: MIT
"""What an image is made of: its Dockerfile, read, and the entries of its build context.

In:   Place, the recipe that says where they are
Out:  Sources, or error findings where there is nothing to build from
Cost: a build context that several images share is read once per set of ignore rules
"""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.dockerfile.parse import parse, problems_of
from stackyard.load.links import HINT
from stackyard.load.recipe import Recipe
from stackyard.load.tree.context import read_context
from stackyard.load.tree.ignore import IgnoreRules, read_ignore_rules
from stackyard.load.tree.paths import relative
from stackyard.load.tree.place import Place, image_folders
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.inputs import BlobId, Entry
from stackyard.model.names import nearest
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding, Staging

if TYPE_CHECKING:
    from stackyard.load.tree.staging import FilesEntry, Stager

_MOST_TOLD = 20
"""Errors of one Dockerfile."""


class Sources(msgspec.Struct, frozen=True):
    """What a Dockerfile and its build context hold."""

    dockerfile: Dockerfile
    dockerfile_blob: BlobId
    context: tuple[Entry, ...]
    """All entries after the ignore rules, the Dockerfile itself among them."""
    staging: Staging | None = None
    """Where they come from, if not all of them from the folder."""


class SourceReader:
    """Reads sources, each Dockerfile and each build context once."""

    def __init__(self, place: Place, listed: Collection[str] = ()) -> None:
        """`listed`: names of all images, whether there is a folder of that name or not."""
        self._place = place
        self.listed = listed
        self._unlisted: list[str] | None = None
        self._read: dict[tuple[str, str, tuple[FilesEntry, ...]], tuple[Sources | None, list[Finding]]] = {}
        self._stager: Stager | None = None
        self._dockerfiles: dict[str, Dockerfile] = {}
        self._contexts: dict[tuple[str, IgnoreRules], tuple[Entry, ...]] = {}

    def read(self, recipe: Recipe) -> tuple[Sources | None, list[Finding]]:
        """The sources of a recipe; None and error findings where there is nothing to build from."""
        key = (recipe.dockerfile, recipe.context, recipe.files)
        if key not in self._read:
            self._read[key] = self._sources(recipe)
        return self._read[key]

    def dockerfile(self, path: str) -> Dockerfile:
        """A Dockerfile, read once."""
        if path not in self._dockerfiles:
            self._dockerfiles[path] = parse(self._place.files.read(path), path)
        return self._dockerfiles[path]

    def dockerfile_alone(self, path: str) -> Dockerfile | None:
        """A Dockerfile, whatever else is wrong with its image; None where itself cannot be read."""
        try:
            return None if self._place.files.leads_out(path) else self.dockerfile(path)
        except (FileProblem, OSError):
            return None

    def _sources(self, recipe: Recipe) -> tuple[Sources | None, list[Finding]]:
        files = self._place.files
        if not files.is_folder(recipe.context):
            sentence = f"image {recipe.image!r} has no folder {recipe.context}"
            missing = _missing("missing-folder", sentence, recipe.spot("context"), recipe.context, recipe.dockerfile)
            return None, [self._with_nearest_folder(missing, recipe)]
        if not files.is_file(recipe.dockerfile):
            sentence = f"image {recipe.image!r} has no {recipe.dockerfile}"
            if posixpath.dirname(recipe.dockerfile) == recipe.context:
                sentence = f"folder {recipe.context} has no {posixpath.basename(recipe.dockerfile)}"
            spot = recipe.spot("dockerfile")
            return None, [_missing("missing-dockerfile", sentence, spot, recipe.dockerfile, recipe.dockerfile)]
        is_below = recipe.dockerfile.startswith(f"{recipe.context}/")
        for path in (recipe.dockerfile,) if is_below else (recipe.context, recipe.dockerfile):
            if files.leads_out(path):
                return None, [_outside(path)]
        data = files.read(recipe.dockerfile)
        try:
            dockerfile = self._dockerfiles.get(recipe.dockerfile) or parse(data, recipe.dockerfile)
        except FileProblem:
            return None, _refused(data, recipe.dockerfile)
        self._dockerfiles[recipe.dockerfile] = dockerfile
        try:
            below = relative(recipe.dockerfile, recipe.context)
            rules = read_ignore_rules(recipe.context, below, recipe.context, files)
            context = self._context(rules, recipe.context)
        except FileProblem as problem:
            return None, [Finding.of("dockerfile", problem)]
        staging, findings = None, list[Finding]()
        if recipe.files:
            if self._stager is None:
                from stackyard.load.tree.staging import Stager  # few images have any

                self._stager = Stager(self._place)
            context, staging, findings = self._stager.staged(recipe.context, below, context, rules, recipe.files)
            if any(finding.level == "error" for finding in findings):
                return None, findings
        return Sources(dockerfile, BlobId.of(data), context, staging), findings

    def _with_nearest_folder(self, missing: Finding, recipe: Recipe) -> Finding:
        """The finding with the folder that the entry most likely means, if it is a name without one."""
        if recipe.context != self._place.path(recipe.image):
            return missing
        if self._unlisted is None:
            self._unlisted = image_folders(self._place, self.listed)
        near = nearest(recipe.image, self._unlisted)
        return msgspec.structs.replace(missing, hint=f"did you mean {near!r}?", wanted=near) if near else missing

    def _context(self, rules: IgnoreRules, folder: str) -> tuple[Entry, ...]:
        key = (folder, rules)
        if key not in self._contexts:
            self._contexts[key] = read_context(folder, rules, folder, self._place.files)
        return self._contexts[key]


class LazyDockerfiles(Mapping[str, Dockerfile]):
    """Dockerfiles by path, each read when it is first asked for."""

    def __init__(self, paths: Mapping[str, None], read: Callable[[str], Dockerfile]) -> None:
        self._paths = paths
        self._read = read
        self._known: dict[str, Dockerfile] = {}

    def __getitem__(self, path: str) -> Dockerfile:
        if path not in self._known:
            if path not in self._paths:
                raise KeyError(path)
            self._known[path] = self._read(path)
        return self._known[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def size_bytes(root: Path, paths: Iterable[str]) -> int:
    """What these paths take on disk; what is gone meanwhile takes nothing."""
    size = 0
    for path in paths:
        with contextlib.suppress(OSError):
            size += (root / path).lstat().st_size
    return size


def _refused(data: bytes, path: str) -> list[Finding]:
    """What is wrong with a Dockerfile, one by one as far as a person reads."""
    found = [Finding.of("dockerfile", problem) for problem in problems_of(data, path)]
    if rest := found[_MOST_TOLD:]:
        sentence = f"{len(rest)} more instructions cannot be read"
        found[_MOST_TOLD:] = [msgspec.structs.replace(rest[0], sentence=sentence, hint=None, found=None, wanted=None)]
    return found


def _missing(code: str, sentence: str, spot: Spot, wanted: str, dockerfile: str) -> Finding:
    hint = f"make {dockerfile}, or take the entry out"
    return Finding(code, "error", sentence, *spot, hint=hint, found="nothing", wanted=wanted)


def _outside(path: str) -> Finding:
    return Finding(
        "leads-outside", "error", "is a link that leads out of the repository", path, hint=HINT, found="a link"
    )
