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
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from stackyard.errors import FileProblem, NotAStack
from stackyard.load.links import HINT
from stackyard.load.tree.files import DISK, DiskFiles, Files
from stackyard.load.tree.paths import joined
from stackyard.load.yaml import read
from stackyard.model.names import ImageName

IMAGES = "images"
SPEC_NAMES = ("spec.yml", "spec.yaml", "specs.yml")
ROOT_NAMES = ("stackyard.yml", "stackyard.yaml")
DOCKERFILE = "Dockerfile"
_TEMPLATES = (".template", ".tmpl", ".tpl", ".j2", ".jinja", ".jinja2", ".in", ".erb")
_NO_VARIANT = (".dockerignore", *_TEMPLATES, ".orig", ".bak", ".rej", ".swp", "~", ".md", ".txt", ".rst")
_LOCATION = ("images_dir",)
"""What a stackyard.yml may say and leave the rest to the file in the images folder."""


class Place(msgspec.Struct, frozen=True):
    """Where to read: `root` is absolute, the others are relative to it; `spec` is None for a folder of Dockerfiles."""

    root: Path
    images: str
    """The images folder; `.` where the images lie in the root itself."""
    spec: str | None
    files: Files = DISK
    """What lies at `root`; the disk, where nothing else is given."""
    unread: tuple[str, ...] = ()
    """Files that could say what `spec` says, and are not read because it is there."""

    def __post_init__(self) -> None:
        if self.files is DISK:
            msgspec.structs.force_setattr(self, "files", DiskFiles(self.root))

    def path(self, *parts: str) -> str:
        """A path below the images folder, relative to the root, as people write it."""
        return joined(self.images, *parts)

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
        place = _place_at(folder, DiskFiles(folder))
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
    return _at(root, posixpath.normpath(os.path.relpath(full, root)), DiskFiles(root))


def place_in(files: Files, like: Place, is_named: bool) -> Place | None:
    """The same stack among other files: those of a commit. None where there was none yet.

    Args:
        is_named: whether the caller named the images folder, so that nothing is looked for.
    """
    if is_named:
        return _at(like.root, like.images, files) if files.is_folder(like.images) else None
    place = _place_at(like.root, files)
    if place is None:
        place = Place(like.root, ".", None, files)
        return place if any(True for _ in discovered(place)) else None
    return place


def _place_at(folder: Path, files: Files) -> Place | None:
    """The stack whose root is `folder`, if it is one."""
    names = _listings(files, ROOT_NAMES)
    if names:
        return _at_root_file(folder, names, files)
    if files.is_folder(IMAGES):
        stay(files, IMAGES)
        return _at(folder, IMAGES, files)
    if files.is_there(IMAGES) and not files.is_link(IMAGES):
        images = folder / IMAGES
        raise NotAStack(
            f"{images} is a file, not a folder of images", hint="one sub-folder per image", path=str(images)
        )
    return None


def _at(root: Path, images: str, files: Files) -> Place:
    place = Place(root, images, None, files)
    specs = _listings(files, [place.path(name) for name in SPEC_NAMES])
    return Place(root, images, specs[0] if specs else None, files, tuple(specs[1:]))


def _listings(files: Files, paths: Iterable[str]) -> list[str]:
    """Those of the paths where there is a file; FileProblem for what is there and cannot be read as one."""
    found = []
    for path in paths:
        if not files.is_there(path):
            continue
        if not files.is_file(path) and not (files.is_folder(path) and path in ROOT_NAMES):
            why = "a link that leads to no file" if files.is_link(path) else "no file"
            raise FileProblem(path, None, f"is {why}", hint="it says which images there are: mend it, or remove it")
        stay(files, path)
        found.append(path)
    return found


def stay(files: Files, path: str) -> None:
    """FileProblem for what leads out of the repository."""
    if files.leads_out(path):
        raise FileProblem(path, None, "is a link that leads out of the repository", hint=HINT)


def _at_root_file(root: Path, names: Sequence[str], files: Files) -> Place:
    """A stack with a stackyard.yml: `images_dir` says where the images are.

    One that says nothing else leaves the rest to the file in the images folder.
    """
    name = names[0]
    doc = read(files.read(name), name)
    said = doc.mapping("the file")
    value = said.get("images_dir")
    images = IMAGES if files.is_folder(IMAGES) else "."
    if value is not None:
        images = posixpath.normpath(value.text("`images_dir`"))
        if images.startswith(("..", "/")) or not files.is_folder(images):
            raise value.problem(f"`images_dir`: there is no folder {images!r} in this repository")
    inner = _at(root, images, files) if images != "." else Place(root, images, None, files)
    if inner.spec is not None and all(key in _LOCATION or key.startswith("x-") for key in said):
        return msgspec.structs.replace(inner, unread=(*inner.unread, *names[1:]))
    unread = (*names[1:], *([inner.spec] if inner.spec else []), *inner.unread)
    return Place(root, images, name, files, unread)


def image_folders(place: Place, but: Collection[str] = ()) -> list[str]:
    """Names of the sub-folders that hold a Dockerfile, sorted; nested ones belong to the image above them.

    Hidden ones are no images: notebook editors keep copies of files in `.ipynb_checkpoints`.

    Args:
        but: names that the caller has already.
    """
    others = (name for name in _folders(place) if name not in but)
    return [name for name in others if place.files.is_file(place.path(name, DOCKERFILE))]


def discovered(place: Place) -> Iterator[FoundImage]:
    """Every Dockerfile in the images folder and one folder below it, by name: a folder's own first.

    `NAME/Dockerfile` is NAME, `Dockerfile.NAME` and `NAME.Dockerfile` are NAME, and in a folder
    FOLDER-NAME; a bare Dockerfile is named like the folder it lies in.
    """
    for name, folder, file in _dockerfiles(place):
        if _is_name(name):
            yield FoundImage(ImageName(name), place.path(folder, file), place.path(folder))


def unnameable(place: Place) -> Iterator[tuple[str, str]]:
    """Path and name of each Dockerfile that discovery leaves out, because no image can have the name."""
    for name, folder, file in _dockerfiles(place):
        if not _is_name(name):
            yield printable(place.path(folder, file)), name


def outside(place: Place) -> Iterator[str]:
    """Paths of links in the images folder to folders outside the repository: they could have been images."""
    if place.images == ".":  # there anything may lie, images are the exception
        return
    for name, _ in sorted(place.files.scan(place.path())):
        path = place.path(name)
        is_link = not name.startswith(".") and place.files.is_link(path)
        if is_link and place.files.leads_out(path) and place.files.is_folder(path):
            yield printable(path)


def printable(name: str) -> str:
    """A name as it can be told of: what is no UTF-8 text of it is written as its bytes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _is_name(name: str) -> bool:
    """Whether an image can be called so."""
    return bool(ImageName.form.fullmatch(name)) and printable(name) == name


def _dockerfiles(place: Place) -> Iterator[tuple[str, str, str]]:
    """The name that each Dockerfile gives, its folder and its file name."""
    for folder in ["", *_folders(place)]:
        for file, _ in sorted(place.files.scan(place.path(folder))):
            name = _name_of(place, folder, file)
            if name and place.files.is_file(place.path(folder, file)):
                yield name, folder, file


def templates(place: Place) -> Iterator[str]:
    """Paths of Dockerfile templates, which nothing builds: `Dockerfile.j2`, `web.Dockerfile.template`."""
    for folder in ["", *_folders(place)]:
        nodes = place.files.nodes(place.path(folder))
        found = [file for file, node in nodes if DOCKERFILE in file and file.endswith(_TEMPLATES) and node[0] != "dir"]
        for file in sorted(found):
            yield place.path(folder, file)


def has_folder(place: Place, *parts: str) -> bool:
    """Whether a folder below the images folder exists."""
    return place.files.is_folder(place.path(*parts))


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
    return sorted(
        name
        for name, is_folder in place.files.scan(place.path())
        if not name.startswith(".") and (is_folder or _is_linked_folder(place, place.path(name)))
    )


def _is_linked_folder(place: Place, path: str) -> bool:
    """Whether it is a link to a folder of the repository; one that leads in a circle is none."""
    return place.files.is_link(path) and place.files.is_folder(path) and not place.files.leads_out(path)
