# SPDX-License-Identifier: MIT
"""Where a stack lies: the folder that holds `images/`, looked for upwards.

In:   any path inside a repository
Out:  Place
Raises: NotAStack, with what was looked for and where
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from stackyard.errors import NotAStack

IMAGES = "images"
SPEC_NAMES = ("spec.yml", "spec.yaml")


class Place(msgspec.Struct, frozen=True):
    """Where to read: `root` is absolute, the others relative to it; `spec` is None for a folder of Dockerfiles."""

    root: Path
    images: str
    spec: str | None


def find(start: Path) -> Place:
    """The stack that `start` lies in: the nearest folder upwards that has an images folder.

    Stops at the top of the git repository, so that a stranger's folder above is never taken.
    """
    if not start.is_dir():
        raise NotAStack(f"there is no folder {start}", hint="name a folder with -C DIR", path=str(start))
    folder = Path(os.path.abspath(start))
    while True:
        images = folder / IMAGES
        if images.is_dir():
            spec = next((f"{IMAGES}/{name}" for name in SPEC_NAMES if (images / name).is_file()), None)
            return Place(folder, IMAGES, spec)
        if images.exists():
            raise NotAStack(
                f"{images} is a file, not a folder of images", hint="one sub-folder per image", path=str(images)
            )
        if (folder / ".git").exists() or folder.parent == folder:
            raise NotAStack(
                f"no {IMAGES}/ folder in {start} or above it",
                hint=f"a stack has one folder per image: {IMAGES}/NAME/Dockerfile",
                path=str(start),
            )
        folder = folder.parent


def image_folders(place: Place) -> list[str]:
    """Names of the sub-folders that hold a Dockerfile, sorted; nested ones belong to the image above them.

    Hidden ones are no images: notebook editors keep copies of files in `.ipynb_checkpoints`.
    """
    with os.scandir(place.root / place.images) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".")
            and entry.is_dir()
            and os.path.isfile(os.path.join(entry.path, "Dockerfile"))
        )


def has_folder(place: Place, *parts: str) -> bool:
    """Whether a folder below the images folder exists."""
    return os.path.isdir(os.path.join(place.root, place.images, *parts))
