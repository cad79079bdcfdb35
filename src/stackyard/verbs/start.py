# SPDX-License-Identifier: MIT
"""What begins a stack or an image: the schema for editors, proposals of new files, and their writing.

In:   a folder, names
Out:  values for a preview; files, once someone agreed
Beside: verbs/__init__.py, which is imported for every command; this is not
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from stackyard.check.findings import findings_of
from stackyard.edges import git, machine
from stackyard.errors import ConfigError, NoHistory, NotAStack, UnknownName
from stackyard.load.spec.read import read_spec
from stackyard.load.spec.values import Spec
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import IMAGES, ROOT_NAMES, Place, discovered, find
from stackyard.model.names import ImageName, nearest
from stackyard.model.proposal import NewFile, Survey
from stackyard.model.reference import Reference, Repository
from stackyard.model.spot import Spot
from stackyard.model.stack import Revision, Stack
from stackyard.verbs.yard import Options, Yard
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
    from stackyard.load.spec.schema import json_schema

    return json_schema()


def look(start: Path, options: Options) -> Beginning:
    """What lies in the repository of `start`, and which files would make it a stack. Writes nothing."""
    place = _place(start, options)
    if place is not None and (place.spec or _has_versions(place) or options.images):
        return _existing(place, options)
    root = place.root if place is not None else _root(start)
    from stackyard.load.begin.survey import dockerfiles, images_folders, survey

    files = dockerfiles(root)
    if (place is None or place.images == ".") and (deep := images_folders(root, files)):
        return _pointer(root, deep, files, options)
    found = survey(root, _github(root))
    if place is not None and any(discovered(place)) and not _says_more(found, place):
        return _existing(place, options, found.notes)
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
    from stackyard.load.begin.survey import VERSIONS_NAMES

    return any((place.root / found.context / name).is_file() for found in discovered(place) for name in VERSIONS_NAMES)


def _github(root: Path) -> str | None:
    found = _GITHUB.search(git.remote(root) or "")
    return found[1] if found else None


def _says_more(found: Survey, place: Place) -> bool:
    """Whether other files say of the images what discovery does not know."""
    known = {(image.dockerfile, image.context) for image in discovered(place)}
    return any(
        build.args or build.repositories or (build.dockerfile, build.context) not in known for build in found.builds
    )


def _existing(place: Place, options: Options, notes: tuple[str, ...] = ()) -> Beginning:
    stack = _loaded(place, options, None)
    if place.spec is None:
        how = "versions.yaml files" if _has_versions(place) else "Dockerfiles, and needs no file that lists them"
        where = place.images if place.images != "." else str(place.root)
        found = f"{where} is a stack already: a folder with {how}"
    else:
        found = f"{place.spec} describes a stack already"
    return Beginning("stack", place.root, found, stack=stack, notes=(*notes, *_findings(stack)))


def _pointer(root: Path, folders: Sequence[str], files: Sequence[str], options: Options) -> Beginning:
    """A stackyard.yml that says in which folder, deep in the repository, a stack is; what lies elsewhere is told."""
    from stackyard.write.listing import pointer_text

    folder = folders[0]
    notes = [f"{other} is a folder of images, too, and `images_dir` names one" for other in folders[1:]]
    rest = [path for path in files if not path.startswith(tuple(f"{known}/" for known in folders))]
    if rest:
        shown = ", ".join(rest[:3]) + (", …" if len(rest) > 3 else "")
        number = "1 Dockerfile lies" if len(rest) == 1 else f"{len(rest)} Dockerfiles lie"
        notes.append(f"{number} elsewhere and {'is' if len(rest) == 1 else 'are'} left out: {shown}")
    inside = find(root, folder)
    text = pointer_text(folder)
    place = inside if inside.spec else Place(root, folder, ROOT_NAMES[0])
    stack = _loaded(place, options, None if inside.spec else text.encode())
    found = f"{inside.spec} describes a stack" if inside.spec else f"{folder} is a folder of images with their versions"
    return Beginning("listing", root, found, (NewFile(ROOT_NAMES[0], text),), stack, (*notes, *_findings(stack)))


def _listing(root: Path, found: Survey, files: list[str], options: Options) -> Beginning:
    """A stackyard.yml, and the stack that it gives."""
    from stackyard.load.begin.propose import propose
    from stackyard.write.listing import listing_text

    proposal = propose(root, found, files, options.platform or machine.native_platform())
    text = listing_text(proposal)
    place = Place(root, IMAGES if (root / IMAGES).is_dir() else ".", ROOT_NAMES[0])
    stack = _loaded(place, options, text.encode())
    told = ", ".join(found.sources) if found.sources else f"{len(files)} Dockerfiles"
    file = NewFile(ROOT_NAMES[0], text)
    return Beginning("listing", root, f"Read {told}", (file,), stack, (*proposal.notes, *_findings(stack)))


def _loaded(place: Place, options: Options, listing: bytes | None) -> Stack:
    try:
        revision = git.revision(place.root, place.images, options.ci.branch if options.ci else None)
    except NoHistory:
        revision = _NOWHERE
    platform = options.platform or machine.native_platform()
    settings = Settings(platform, options.registry, find_remote=lambda: git.remote(place.root))
    return load_stack(place, revision, settings, listing)


def _findings(stack: Stack) -> tuple[str, ...]:
    return tuple(str(finding) for finding in findings_of(stack) if finding.level != "notice")


class NewImage(msgspec.Struct, frozen=True):
    """What `new` would write."""

    name: ImageName
    files: tuple[NewFile, ...]
    base: str
    """What its Dockerfile builds on, as it is written there."""


def new_image(yard: Yard, name: str, parent: str) -> NewImage:
    """The files of a new image on `parent`, an image of the stack or a reference to one elsewhere. Writes nothing.

    Raises:
        ConfigError: the image is there already, or its name can be none.
        UnknownName: no image is called `parent`, and it is no full reference either.
    """
    from stackyard.write.starter import child_dockerfile, test_file, versions_file

    image = ImageName.parse(name)
    folder = yard.place.path(image)
    _refuse_existing(yard, image, folder)
    versions = _versions_of(yard, parent)
    has_file = bool(versions) and (yard.root / yard.place.path(parent, "versions.yaml")).is_file()
    if has_file:
        own = [child_dockerfile(folder, "${BASE_IMAGE}", "ARG BASE_IMAGE"), versions_file(folder, parent, versions)]
        base, declared = parent, None
    else:
        base, arg, declared = _base(yard, parent)
        own = [child_dockerfile(folder, base, arg)]
    files = [*own, test_file(folder, image)]
    if yard.place.spec is not None:
        files += _entry(yard, image, declared, () if has_file else versions)
    return NewImage(image, tuple(files), base)


def _versions_of(yard: Yard, parent: str) -> list[str]:
    """The versions of an image, from a file in its folder or from its entry in the spec; not the plans of the spec."""
    plans = {plan.name for plan in _spec(yard).plans} if yard.place.spec is not None else set()
    return [
        str(target.version)
        for target in yard.stack.targets
        if target.image == parent and target.version and target.version not in plans
    ]


def _spec(yard: Yard) -> Spec:
    """The file that lists the images, or leaves them to discovery."""
    path = yard.place.spec or ""
    return read_spec((yard.root / path).read_bytes(), path, needs_images=not yard.place.is_listed_at_the_root)[0]


def write_image(yard: Yard, image: NewImage) -> None:
    """Write the files of a new image, all or none."""
    write_files(yard.root, image.files)


def _refuse_existing(yard: Yard, image: ImageName, folder: str) -> None:
    if image in (".", "..") or image.startswith("."):
        raise ConfigError(f"{image!r} is not a valid image name", hint=ImageName.hint)
    if not Repository.form.fullmatch(image):
        plain = re.sub(r"[^a-z0-9._-]+", "-", image.lower()).strip("-._")
        hint = f"did you mean {plain!r}?" if plain else Repository.hint
        raise ConfigError(
            f"{image!r} cannot be published under its name, which registries take in lower case", hint=hint
        )
    if any(target.image == image for target in yard.stack.targets):
        raise ConfigError(f"image {image!r} exists already: nothing was written", hint=f"edit {folder}")
    if (yard.root / folder).exists():
        raise ConfigError(f"{folder} exists already: nothing was written", hint="take another name, or move it away")


def _base(yard: Yard, parent: str) -> tuple[str, str | None, ImageName | None]:
    """What stands after FROM, the ARG before it, and the parent that the spec has to declare for it."""
    images = list(dict.fromkeys(target.image for target in yard.stack.targets))
    if parent not in images:
        if any(sign in parent for sign in ":/@"):
            return str(Reference.parse(parent)), None, None
        near = nearest(parent, [str(name) for name in images])
        hint = f"did you mean {near!r}?" if near else f"the images are: {', '.join(images)}"
        raise UnknownName(
            f"there is no image {parent!r} in the stack",
            hint=f"{hint}; an image from elsewhere is written with its tag: {parent}:TAG",
            name=parent,
            near=near,
        )
    name = str(next(target.repository for target in yard.stack.targets if target.image == parent))
    for target in yard.stack.targets:  # as its other children call it
        for use in target.parents:
            if use.target.image == parent and use.references:
                name = str(use.references[0].repository)
    if yard.place.spec is not None and _uses_base_tag(yard):
        return f"{name}:${{BASE_TAG}}", "ARG BASE_TAG=latest", ImageName(parent)
    return name, None, None


def _uses_base_tag(yard: Yard) -> bool:
    """Whether Dockerfiles of the stack take the tag of their parent from outside; so do those of a stack of one."""
    children = [target for target in yard.stack.targets if target.parents]
    return any("BASE_TAG" in (yard.root / target.dockerfile).read_text(errors="replace") for target in children) or (
        not children and not yard.place.is_listed_at_the_root
    )


def _entry(yard: Yard, image: ImageName, parent: ImageName | None, versions: Sequence[str]) -> list[NewFile]:
    """The spec with one more entry; none where the file leaves the images to discovery."""
    from stackyard.write.entry import with_entry
    from stackyard.write.listing import scalar

    path = yard.place.spec or ""
    data = (yard.root / path).read_bytes()
    old = _spec(yard)
    if yard.place.is_listed_at_the_root and not old.images:
        return []
    lines = [f"{scalar(image)}:"]
    if parent is not None:
        lines.append(f"  depend_on: {scalar(parent)}")
    if versions:
        lines.append(f"  versions: [{', '.join(map(scalar, versions))}]")
    text = with_entry(data.decode("utf-8"), lines)
    new = None if text is None else read_spec(text.encode(), path)[0]
    if text is None or new is None or not _is_one_more(old, new, image, parent):
        wanted = "\n".join(f"  {line}" for line in lines)
        raise ConfigError(
            f"{path} is written in a way that an entry cannot be added to: nothing was written",
            hint=f"write `images:` with one image a line, or add by hand:\n{wanted}",
            path=path,
        )
    return [NewFile(path, text, replaces=data.decode("utf-8"))]


def _is_one_more(old: Spec, new: Spec, image: ImageName, parent: ImageName | None) -> bool:
    """Whether the new file says what the old one said, and the entry."""
    *before, added = new.images or (None,)
    if added is None or (added.name, added.depend_on) != (image, (parent,) if parent else ()):
        return False
    rest_new, rest_old = (
        msgspec.structs.replace(
            spec,
            images=(),
            spots={},
            plans=tuple(msgspec.structs.replace(plan, line=1) for plan in spec.plans),
            files=tuple(
                (name, Spot(spec.path), tuple(msgspec.structs.replace(entry, line=1) for entry in entries))
                for name, _, entries in spec.files
            ),
        )
        for spec in (new, old)
    )
    return (*before,) == old.images and rest_new == rest_old
