# SPDX-License-Identifier: MIT
"""Where a stack lies, and which Dockerfiles it has where no file lists them.

In:   any path inside a repository; the images folder, if the caller names one
Out:  Place; what discovery found
Raises: NotAStack, with what was looked for and where
Rules: docs/reference/spec.md
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

import msgspec

from stackyard.errors import FileProblem, NotAStack
from stackyard.load.links import HINT, leads_out
from stackyard.load.yaml import read
from stackyard.model.names import ImageName

IMAGES = "images"
SPEC_NAMES = ("spec.yml", "spec.yaml", "specs.yml")
ROOT_NAMES = ("stackyard.yml", "stackyard.yaml")
DOCKERFILE = "Dockerfile"
TEMPLATE = "Dockerfile.template"
_NO_VARIANT = (".dockerignore", ".template", ".orig", ".bak", ".rej", ".swp", "~")


class Place(msgspec.Struct, frozen=True):
    """Where to read: `root` is absolute, the others are relative to it; `spec` is None for a folder of Dockerfiles."""

    root: Path
    images: str
    """The images folder; `.` where the images lie in the root itself."""
    spec: str | None

    def path(self, *parts: str) -> str:
        """A path below the images folder, relative to the root, as people write it."""
        return posixpath.normpath(posixpath.join(self.images, *parts))

    @property
    def is_listed_at_the_root(self) -> bool:
        """Whether the file that lists the images is stackyard.yml, which may leave them to discovery."""
        return self.spec in ROOT_NAMES


class FoundImage(msgspec.Struct, frozen=True):
    """A Dockerfile that no file lists; paths relative to the root."""

    name: ImageName
    dockerfile: str
    context: str


def find(start: Path, images: str | None = None) -> Place:
    """The stack that `start` lies in: the nearest folder upwards with a stackyard.yml or an images folder.

    Where there is neither up to the top of the git repository, Dockerfiles at that top or one folder
    below it are a stack too. A stranger's folder above the repository is never taken.

    Args:
        images: the images folder, relative to `start`; then nothing is looked for.
    """
    if not start.is_dir():
        raise NotAStack(f"there is no folder {start}", hint="name a folder with -C DIR", path=str(start))
    folder = Path(os.path.abspath(start))
    if images is not None:
        return _named(folder, images)
    while True:
        place = _place_at(folder)
        if place is not None:
            return place
        if (folder / ".git").exists() or folder.parent == folder:
            break
        folder = folder.parent
    place = Place(folder, ".", None)
    if (folder / ".git").exists() and any(True for _ in discovered(place)):
        return place
    raise NotAStack(
        f"no {IMAGES}/ folder in {os.path.abspath(start)} or above it",
        hint=f"a stack has one folder per image: {IMAGES}/NAME/Dockerfile; `stackyard init` makes a beginning",
        path=str(start),
    )


def _named(folder: Path, images: str) -> Place:
    """The place of an images folder that the caller names: its root is the top of the repository it is in."""
    full = Path(os.path.abspath(folder / images))
    if not full.is_dir():
        raise NotAStack(f"there is no folder {full}", hint="name the images folder with --images DIR", path=str(full))
    root = next((above for above in (full, *full.parents) if (above / ".git").exists()), full.parent)
    return _at(root, posixpath.normpath(os.path.relpath(full, root)))


def _place_at(folder: Path) -> Place | None:
    """The stack whose root is `folder`, if it is one."""
    for name in ROOT_NAMES:
        if (folder / name).is_file():
            _stay(folder, name)
            return _at_root_file(folder, name)
    images = folder / IMAGES
    if images.is_dir():
        _stay(folder, IMAGES)
        return _at(folder, IMAGES)
    if images.exists():
        raise NotAStack(
            f"{images} is a file, not a folder of images", hint="one sub-folder per image", path=str(images)
        )
    return None


def _at(root: Path, images: str) -> Place:
    place = Place(root, images, None)
    spec = next((name for name in SPEC_NAMES if (root / place.path(name)).is_file()), None)
    if spec is not None:
        _stay(root, place.path(spec))
    return Place(root, images, place.path(spec) if spec else None)


def _stay(root: Path, path: str) -> None:
    """FileProblem for what leads out of the repository."""
    if leads_out(root, path):
        raise FileProblem(path, None, "is a link that leads out of the repository", hint=HINT)


def _at_root_file(root: Path, name: str) -> Place:
    """A stack with a stackyard.yml: `images_dir` says where the images are."""
    doc = read((root / name).read_bytes(), name)
    value = doc.mapping("the file").get("images_dir")
    images = posixpath.normpath(value.text("`images_dir`")) if value is not None else None
    if value is not None and images is not None:
        if images.startswith(("..", "/")) or not (root / images).is_dir():
            raise value.problem(f"`images_dir`: there is no folder {images!r} in this repository")
        return Place(root, images, name)
    return Place(root, IMAGES if (root / IMAGES).is_dir() else ".", name)


def image_folders(place: Place) -> list[str]:
    """Names of the sub-folders that hold a Dockerfile, sorted; nested ones belong to the image above them.

    Hidden ones are no images: notebook editors keep copies of files in `.ipynb_checkpoints`.
    """
    return [name for name in _folders(place) if os.path.isfile(_full(place, name, DOCKERFILE))]


def discovered(place: Place) -> Iterator[FoundImage]:
    """Every Dockerfile in the images folder and one folder below it, by name: a folder's own first.

    `NAME/Dockerfile` is NAME, `Dockerfile.NAME` and `NAME.Dockerfile` are NAME, and in a folder
    FOLDER-NAME; a bare Dockerfile is named like the folder it lies in.
    """
    for folder in ["", *_folders(place)]:
        for file in sorted(os.listdir(_full(place, folder))):
            name = _name_of(place, folder, file)
            if name and ImageName.form.fullmatch(name) and os.path.isfile(_full(place, folder, file)):
                yield FoundImage(ImageName(name), place.path(folder, file), place.path(folder))


def templates(place: Place) -> list[str]:
    """Paths of Dockerfile templates, which nothing builds."""
    places = [(folder, TEMPLATE) for folder in ["", *_folders(place)]]
    return [place.path(*parts) for parts in places if os.path.isfile(_full(place, *parts))]


def has_folder(place: Place, *parts: str) -> bool:
    """Whether a folder below the images folder exists."""
    return os.path.isdir(_full(place, *parts))


def _name_of(place: Place, folder: str, file: str) -> str | None:
    """The image that a file of this name is the Dockerfile of."""
    variant = variant_of(file)
    if variant is None:
        return None
    if not variant:
        return folder or (place.root.name if place.images == "." else None)
    return f"{folder}-{variant}" if folder else variant


def variant_of(file: str) -> str | None:
    """What the name of a Dockerfile says of its image, empty for a bare one; None for another file."""
    if file == DOCKERFILE:
        return ""
    if file.endswith(_NO_VARIANT):
        return None
    if file.startswith(f"{DOCKERFILE}."):
        return file[len(DOCKERFILE) + 1 :] or None
    return file[: -len(DOCKERFILE) - 1] or None if file.endswith(f".{DOCKERFILE}") else None


def _folders(place: Place) -> list[str]:
    with os.scandir(_full(place)) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".")
            and (entry.is_dir(follow_symlinks=False) or _is_linked_folder(place, entry))
        )


def _is_linked_folder(place: Place, entry: os.DirEntry[str]) -> bool:
    """Whether it is a link to a folder of the repository; one that leads in a circle is none."""
    return entry.is_symlink() and os.path.isdir(entry.path) and not leads_out(place.root, place.images, entry.name)


def _full(place: Place, *parts: str) -> str:
    return os.path.join(place.root, place.images, *parts)
