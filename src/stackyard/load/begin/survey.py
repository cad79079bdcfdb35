# SPDX-License-Identifier: MIT
"""What a repository says about building images, wherever it says it: compose and bake files, workflows, Dockerfiles.

In:   the root of a repository
Out:  Survey; the Dockerfiles that are there
Cost: names of files down to a few folders, and the files that are read; nothing outside the repository
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.begin.bake import read_bake
from stackyard.load.begin.compose import read_compose
from stackyard.load.begin.workflows import read_workflow
from stackyard.load.tree.place import SPEC_NAMES, variant_of
from stackyard.model.proposal import Build, Survey

WORKFLOWS = ".github/workflows"
VERSIONS_NAMES = ("versions.yaml", "versions.yml", "info.yaml")
DEEPEST = 6
"""Folders below the root that are looked into."""
NOT_OURS = frozenset(
    ("node_modules", "vendor", "third_party", "venv", "site-packages", "test", "tests", "testdata", "fixtures")
)
"""Folders whose Dockerfiles are somebody else's, or there for tests."""

_COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml")
_BAKE = re.compile(r"docker-bake(?:[.-][\w.-]+)?\.(?:hcl|json)")

Read = tuple[list[Build], list[str]]


def survey(root: Path, repository: str | None = None) -> Survey:
    """Read every file that tells how an image is built.

    Args:
        repository: OWNER/REPOSITORY on GitHub, for workflows that name it so.
    """
    builds: list[Build] = []
    sources: list[str] = []
    notes: list[str] = []
    for path, reader in _readers(root, repository):
        try:
            read, said = reader((root / path).read_bytes())
        except FileProblem as problem:
            notes.append(f"{problem}: left out")
            continue
        known = [build for build in read if _is_there(root, build, notes)]
        if known:
            sources.append(path)
        builds += known
        notes += said
    return Survey(tuple(builds), tuple(sources), tuple(dict.fromkeys(notes)))


def dockerfiles(root: Path) -> list[str]:
    """Every Dockerfile, by the names that discovery knows, in folders that are no tests and nobody else's."""
    return list(_files(root, lambda name: variant_of(name) is not None))


def images_folders(root: Path, paths: Sequence[str]) -> list[str]:
    """Folders of images of either convention, wherever they lie; that with the most images first.

    One that a spec lists, or in which a file of versions stands beside a Dockerfile.

    Args:
        paths: the Dockerfiles of the repository.
    """
    counts = Counter(posixpath.dirname(posixpath.dirname(path)) for path in paths)
    found = {
        posixpath.dirname(folder)
        for folder in map(posixpath.dirname, paths)
        if _is_listed(root, posixpath.dirname(folder))
        or any((root / folder / name).is_file() and is_inside(root, root / folder / name) for name in VERSIONS_NAMES)
    }
    return sorted(found - {""}, key=lambda folder: (-counts[folder], folder))


def _is_listed(root: Path, folder: str) -> bool:
    """Whether a spec lists the images of a folder; many other things are called spec.yml, too."""
    for name in SPEC_NAMES:
        path = root / folder / name
        if path.is_file() and is_inside(root, path):
            return bool(re.search(rb"^images\s*:", path.read_bytes(), re.MULTILINE))
    return False


def _readers(root: Path, repository: str | None) -> Iterator[tuple[str, Callable[[bytes], Read]]]:
    """Files to read and how: what publishes comes last."""
    files = list(_files(root, lambda name: bool(_COMPOSE.fullmatch(name) or _BAKE.fullmatch(name))))
    for path in files:
        if _COMPOSE.fullmatch(posixpath.basename(path)):
            yield path, lambda data, path=path: read_compose(data, path)  # type: ignore[misc]
    for path in files:
        if _BAKE.fullmatch(posixpath.basename(path)):
            yield path, lambda data, path=path: _bake(root, data, path)  # type: ignore[misc]
    folder = root / WORKFLOWS
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        if name.endswith((".yml", ".yaml")) and (folder / name).is_file():
            path = f"{WORKFLOWS}/{name}"
            yield path, lambda data, path=path: read_workflow(data, path, repository)  # type: ignore[misc]


def _bake(root: Path, data: bytes, path: str) -> Read:
    """Bake is run at the root as a rule; where nothing is there then, in the file's own folder."""
    folder = posixpath.dirname(path)
    first = read_bake(data, path, "")
    if not folder or any((root / build.dockerfile).is_file() for build in first[0]):
        return first
    return read_bake(data, path, folder)


def _is_there(root: Path, build: Build, notes: list[str]) -> bool:
    """Whether Dockerfile and build context exist, inside the repository."""
    called = f"{build.source}: {build.name!r}" if build.name else f"{build.source}: an image"
    for path, what in ((build.dockerfile, "Dockerfile"), (build.context, "folder")):
        full = root / path
        if not (full.is_file() if what == "Dockerfile" else full.is_dir()):
            notes.append(f"{called} is built from {path}, and there is no such {what}: left out")
            return False
        if not is_inside(root, full):
            notes.append(f"{called} is built from {path}, which leads out of this repository: left out")
            return False
    return True


def is_inside(root: Path, full: Path) -> bool:
    """Whether a path, with its links followed, is in the repository."""
    return Path(os.path.realpath(full)).is_relative_to(os.path.realpath(root))


def _files(root: Path, is_wanted: Callable[[str], bool]) -> Iterator[str]:
    """Files of the repository by name, sorted, those of a folder before those below it."""
    for folder, folders, names in os.walk(root):
        below = posixpath.relpath(Path(folder).as_posix(), root.as_posix())
        depth = 0 if below == "." else below.count("/") + 1
        folders[:] = sorted(
            name for name in folders if depth < DEEPEST and not name.startswith(".") and name not in NOT_OURS
        )
        for name in sorted(filter(is_wanted, names)):
            path = name if below == "." else f"{below}/{name}"
            if os.path.isfile(os.path.join(folder, name)) and is_inside(root, Path(folder, name)):
                yield path


class Lone(msgspec.Struct, frozen=True):
    """A Dockerfile that no file builds: what it would be called."""

    name: str
    dockerfile: str


def lone(root: Path, path: str) -> Lone:
    """A Dockerfile by itself, named as discovery names it: like its folder, or as its name says."""
    folder, _, file = path.rpartition("/")
    last = posixpath.basename(folder) if folder else ""
    variant = variant_of(file) or ""
    if not variant:
        return Lone(last or root.name, path)
    is_collection = last in ("", "docker", "dockerfiles", "images", "build", "containers")
    return Lone(variant if is_collection else f"{last}-{variant}", path)
