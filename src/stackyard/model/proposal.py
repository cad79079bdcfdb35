# SPDX-License-Identifier: MIT
"""What other tools' files say about building images, and the stackyard.yml that could come of it."""

from __future__ import annotations

import msgspec

from stackyard.model.names import ImageName


class Build(msgspec.Struct, frozen=True):
    """One image as a compose file, a bake file or a workflow builds it; paths are relative to the repository's root."""

    source: str
    """The file that says so."""
    name: str | None
    """What that file calls it."""
    dockerfile: str
    context: str
    args: tuple[tuple[str, str], ...] = ()
    repositories: tuple[str, ...] = ()
    """Names that the image gets, without tags."""
    is_published: bool = False
    """Whether these are where it is pushed to; a compose file's are names in the engine as a rule."""
    aliases: tuple[str, ...] = ()
    """Other names by which Dockerfiles may mean it."""
    stage: str | None = None
    """The stage that is built, where that is said."""
    platforms: tuple[str, ...] = ()


class Survey(msgspec.Struct, frozen=True):
    """All that a repository says about building images."""

    builds: tuple[Build, ...] = ()
    sources: tuple[str, ...] = ()
    """Files that were read, and say how to build something."""
    notes: tuple[str, ...] = ()
    """What could not be taken over, each with its place."""


class Listed(msgspec.Struct, frozen=True):
    """An image of a proposed stackyard.yml."""

    name: ImageName
    dockerfile: str
    context: str
    image_name: str | None
    args: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    """Files that told of it; none for a Dockerfile that no file builds."""
    stage: str | None = None
    """The stage that is the image; None: the last."""


class Proposal(msgspec.Struct, frozen=True):
    """A stackyard.yml that could be."""

    registry: str | None
    images: tuple[Listed, ...]
    notes: tuple[str, ...] = ()


class NewFile(msgspec.Struct, frozen=True):
    """A file that would be written: relative to the root, with its text."""

    path: str
    text: str
    replaces: str | None = None
    """The text it has so far; None: there is no such file."""
