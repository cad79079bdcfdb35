# SPDX-License-Identifier: MIT
"""What begins a stack or an image: the schema for editors, proposals of new files, and their writing.

In:   a folder, names
Out:  values for a preview; files, once someone agreed
Beside: verbs/__init__.py, which is imported for every command; this is not
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from stackyard.check.findings import findings_of
from stackyard.edges import git, machine
from stackyard.errors import NoHistory, NotAStack
from stackyard.load.place import IMAGES, ROOT_NAMES, Place, discovered, find
from stackyard.load.stack import Settings, load_stack
from stackyard.model.proposal import NewFile, Survey
from stackyard.model.stack import Revision, Stack
from stackyard.verbs import Options
from stackyard.write.files import write_files

Kind = Literal["stack", "listing", "starter"]

_GITHUB = re.compile(r"github\.com[:/]([^/]+/[^/]+?)(?:\.git)?/?$")
_NOWHERE = Revision("0" * 40, "main", True, True)
"""Stands for the commit of a repository that has none."""


class Beginning(msgspec.Struct, frozen=True):
    """What `init` found, and what it would write."""

    kind: Kind
    """There is a stack; other files tell what one would be; there is nothing yet."""
    root: Path
    found: str
    """What was found, as a sentence."""
    files: tuple[NewFile, ...] = ()
    stack: Stack | None = None
    """As the files would make it."""
    notes: tuple[str, ...] = ()


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of spec.yml."""
    from stackyard.load.schema import json_schema

    return json_schema()


def look(start: Path, options: Options) -> Beginning:
    """What lies in the repository of `start`, and which files would make it a stack. Writes nothing."""
    place = _place(start, options)
    if place is not None and (place.spec or _has_versions(place) or options.images):
        return _existing(place, options)
    root = place.root if place is not None else _root(start)
    from stackyard.load.survey import dockerfiles, survey

    found = survey(root, _github(root))
    if place is not None and any(discovered(place)) and not _says_more(found, place):
        return _existing(place, options)
    files = dockerfiles(root)
    if not found.builds and not files:
        from stackyard.write.starter import starter

        return Beginning("starter", root, f"{root} has no Dockerfile yet", tuple(starter(IMAGES)), notes=found.notes)
    return _listing(root, found, files, options)


def write(beginning: Beginning) -> None:
    """Write the files of a beginning, all or none."""
    write_files(beginning.root, beginning.files)


def _place(start: Path, options: Options) -> Place | None:
    try:
        return find(start, options.images)
    except NotAStack:
        if options.images is not None or not start.is_dir() or (_root(start) / IMAGES).is_file():
            raise
        return None


def _root(start: Path) -> Path:
    """The top of the git repository, or the folder itself where there is none."""
    folder = Path(os.path.abspath(start))
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)


def _has_versions(place: Place) -> bool:
    names = ("versions.yaml", "versions.yml", "info.yaml")
    return any((place.root / found.context / name).is_file() for found in discovered(place) for name in names)


def _github(root: Path) -> str | None:
    found = _GITHUB.search(git.remote(root) or "")
    return found[1] if found else None


def _says_more(found: Survey, place: Place) -> bool:
    """Whether other files say of the images what discovery does not know."""
    known = {(image.dockerfile, image.context) for image in discovered(place)}
    return any(
        build.args or build.repositories or (build.dockerfile, build.context) not in known for build in found.builds
    )


def _existing(place: Place, options: Options) -> Beginning:
    stack = _loaded(place, options, None)
    if place.spec is None:
        how = "versions.yaml files" if _has_versions(place) else "Dockerfiles, and needs no file that lists them"
        where = place.images if place.images != "." else str(place.root)
        found = f"{where} is a stack already: a folder with {how}"
    else:
        found = f"{place.spec} describes a stack already"
    return Beginning("stack", place.root, found, stack=stack, notes=_findings(stack))


def _listing(root: Path, found: Survey, files: list[str], options: Options) -> Beginning:
    """A stackyard.yml, and the stack that it gives."""
    from stackyard.load.propose import propose
    from stackyard.write.listing import listing_text

    proposal = propose(root, found, files, options.platform or machine.native_platform())
    text = listing_text(proposal)
    place = Place(root, IMAGES if (root / IMAGES).is_dir() else ".", ROOT_NAMES[0])
    stack = _loaded(place, options, text.encode())
    told = ", ".join(found.sources) if found.sources else f"{len(files)} Dockerfiles"
    file = NewFile(ROOT_NAMES[0], text)
    return Beginning("listing", root, f"read {told}", (file,), stack, (*proposal.notes, *_findings(stack)))


def _loaded(place: Place, options: Options, listing: bytes | None) -> Stack:
    try:
        revision = git.revision(place.root, place.images, options.branch)
    except NoHistory:
        revision = _NOWHERE
    platform = options.platform or machine.native_platform()
    settings = Settings(platform, options.registry, find_remote=lambda: git.remote(place.root))
    return load_stack(place, revision, settings, listing)


def _findings(stack: Stack) -> tuple[str, ...]:
    return tuple(str(finding) for finding in findings_of(stack) if finding.level != "notice")
