# SPDX-License-Identifier: MIT
"""What other tools' files say becomes the proposal of a stackyard.yml.

In:   Survey, the Dockerfiles of the repository
Out:  Proposal
Beside: survey (which reads)

One Dockerfile with one build context is one image, however many files build it, unless a file builds it
under several names or with several sets of arguments. What publishes an image is believed before what
builds it on a laptop. Names are chosen such that the `FROM`s of the Dockerfiles, as they are, find their
parents: an image may be called as its children call it, and a registry is split from the names where
that helps.
"""

from __future__ import annotations

import glob
import itertools
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.begin.survey import lone
from stackyard.load.dockerfile.parse import parse
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.inputs import looks_secret
from stackyard.model.names import ImageName
from stackyard.model.proposal import Build, Listed, Proposal, Survey
from stackyard.model.reference import Platform, Reference, Repository


class _Draft:
    """An image while its sources are put together."""

    def __init__(self, dockerfile: str, context: str, called: str) -> None:
        self.dockerfile = dockerfile
        self.context = context
        self.called = called
        """What a Dockerfile by itself would be called."""
        self.builds: list[Build] = []
        self.name = ""
        self.aliases: set[str] = set()
        self.instead: str | None = None
        """Its own repository, where another image has the one that files give it."""

    @property
    def published(self) -> list[str]:
        return [name for build in self.builds if build.is_published for name in build.repositories]

    @property
    def local(self) -> list[str]:
        return [name for build in self.builds if not build.is_published for name in build.repositories]

    @property
    def names(self) -> list[str]:
        return [build.name for build in self.builds if build.name]

    @property
    def args(self) -> dict[str, str]:
        """Those of what publishes the image; of the others where nothing does."""
        builds = [build for build in self.builds if build.is_published] or self.builds
        return {name: value for build in builds for name, value in build.args}

    @property
    def repository(self) -> str | None:
        return self.instead or next(iter([*self.published, *self.local]), None)

    @property
    def stage(self) -> str | None:
        """That of what publishes the image; of the others where nothing does."""
        builds = [build for build in self.builds if build.is_published] or self.builds
        return next((build.stage for build in builds), None)

    def is_meant(self, build: Build) -> bool:
        """Whether another build of the same Dockerfile and build context is this image."""
        same_file = [own for own in self.builds if own.source == build.source]
        if not same_file:
            theirs = {build.name, *(name.rpartition("/")[2] for name in build.repositories)}
            ours = {*self.names, *(name.rpartition("/")[2] for name in [*self.published, *self.local])}
            return bool(theirs & ours)
        return all(
            own.args == build.args
            and own.stage == build.stage
            and (not own.repositories or not build.repositories or own.repositories == build.repositories)
            for own in same_file
        )


def propose(root: Path, found: Survey, lone_files: Sequence[str], platform: Platform) -> Proposal:
    """The stackyard.yml for a repository.

    Args:
        lone_files: all Dockerfiles of the repository; those that no build uses are listed too.
    """
    notes = list(found.notes)
    parsed: dict[str, Dockerfile] = {}
    drafts = list(_drafts(root, found, lone_files, parsed, notes))
    _say_differences(drafts, parsed, notes)
    needed = list(_needed(drafts, parsed, platform))
    _give_names(drafts, [(text, parent) for _, text, parent in needed])
    _part(drafts, notes)
    registries = _registries(drafts)
    shared = registries[-1]
    registry = max(
        registries,
        key=lambda prefix: (sum(_canonical(t) in _known(d, prefix, shared) for _, t, d in needed), len(prefix or "")),
    )
    for child, text, parent in needed:
        if _canonical(text) not in _known(parent, registry, shared):
            notes.append(
                f"{child.dockerfile} names {text!r}, which is image {parent.name!r}: write it as {parent.name!r}"
            )
    unpublished = [draft.name for draft in drafts if not draft.published]
    if registry and unpublished:
        notes.append(f"pushed by none of these files, so they would go where the others are: {', '.join(unpublished)}")
    return Proposal(
        registry, tuple(_listed(draft, registry, shared, parsed) for draft in drafts), tuple(dict.fromkeys(notes))
    )


# Which images there are.


def _drafts(
    root: Path, found: Survey, lone_files: Sequence[str], parsed: dict[str, Dockerfile], notes: list[str]
) -> Iterator[_Draft]:
    drafts: list[_Draft] = []
    for build in found.builds:
        same = [d for d in drafts if (d.dockerfile, d.context) == (build.dockerfile, build.context)]
        meant = next((draft for draft in same if draft.is_meant(build)), None)
        if meant is None and len(same) == 1 and all(own.source != build.source for own in same[0].builds):
            meant = same[0]
        if meant is None:
            meant = _Draft(build.dockerfile, build.context, lone(root, build.dockerfile).name)
            drafts.append(meant)
        meant.builds.append(build)
    for draft in drafts:
        for build in draft.builds:
            for alias, _, other in (text.partition("=") for text in build.aliases):
                for owner in drafts:
                    if any(own.source == build.source and own.name == other for own in owner.builds):
                        owner.aliases.add(alias)
    used = {draft.dockerfile for draft in drafts}
    for path in lone_files:
        if path not in used:
            drafts.append(_Draft(path, posixpath.dirname(path) or ".", lone(root, path).name))
    for draft in drafts:
        try:
            parsed.setdefault(draft.dockerfile, parse((root / draft.dockerfile).read_bytes(), draft.dockerfile))
        except FileProblem as problem:
            notes.append(f"{problem}: left out")
            continue
        if not draft.builds:
            draft.context = _context(root, draft, parsed[draft.dockerfile])
        yield draft


def _context(root: Path, draft: _Draft, dockerfile: Dockerfile) -> str:
    """The nearest folder upwards in which everything is that the Dockerfile copies; its own where none has it."""
    paths = [copied.path for copied in dockerfile.copied_paths({}) if copied.path not in (None, ".")]
    folder = draft.context
    while True:
        if all(_has(os.path.join(root, folder), str(path)) for path in paths):
            return folder
        if folder in (".", ""):
            return draft.context
        folder = posixpath.dirname(folder) or "."


def _has(folder: str, path: str) -> bool:
    return os.path.exists(os.path.join(folder, path)) or bool(glob.glob(path, root_dir=folder))


def _say_differences(drafts: Sequence[_Draft], parsed: dict[str, Dockerfile], notes: list[str]) -> None:
    """What is not taken over although a file says it."""
    for draft in drafts:
        args = draft.args
        for build in draft.builds:
            called = f"{build.source}: {build.name or draft.dockerfile!r}"
            left = [name for name, value in build.args if args.get(name) != value]
            if left:
                notes.append(f"{called} passes other build arguments than what publishes it: {', '.join(left)}")
            if build.stage and parsed[draft.dockerfile].until(build.stage) is None:
                notes.append(f"{called} builds the stage {build.stage!r}, which {draft.dockerfile} does not have")
            elif build.stage != draft.stage:
                notes.append(f"{called} builds another stage than what publishes it: {build.stage or 'the last'}")
            if len(build.platforms) > 1:
                notes.append(
                    f"{build.source} builds for {', '.join(build.platforms)}; Stackyard for this machine's own"
                )
        for name, value in args.items():
            if looks_secret(name, value):
                notes.append(
                    f"image {draft.called!r}: the build argument {name} looks like a secret, and would be in the file"
                )


# What they are called.


def _needed(
    drafts: Sequence[_Draft], parsed: dict[str, Dockerfile], platform: Platform
) -> Iterator[tuple[_Draft, str, _Draft]]:
    """Each child, how it names a parent, and the parent."""
    owners: dict[str, _Draft] = {}
    for rank in range(3):
        for draft in drafts:
            ranks = ([*draft.published, *draft.local], [*draft.names, *draft.aliases], [draft.called])
            for name in ranks[rank]:
                owners.setdefault(_canonical(name), draft)
    for draft in drafts:
        for use, text in parsed[draft.dockerfile].external_uses(draft.args, platform):
            try:
                name = str(Reference.parse(text).repository)
            except InvalidValue:
                continue
            owner = owners.get(_canonical(name))
            if owner is not None and owner is not draft and use.how != "syntax":
                yield draft, name, owner


def _give_names(drafts: Sequence[_Draft], needed: Sequence[tuple[str, _Draft]]) -> None:
    """As children call it, as a file does, as it is published, as its Dockerfile is called: the first that is free."""
    taken: set[str] = set()
    for draft in drafts:
        by_children = [text for text, parent in needed if parent is draft and "/" not in text]
        published = [name.rpartition("/")[2] for name in [*draft.published, *draft.local]]
        folder = posixpath.basename(draft.context if draft.context != "." else posixpath.dirname(draft.dockerfile))
        wanted = [*by_children, *draft.names, *published, draft.called, f"{folder}-{draft.called}"]
        wanted += [f"{draft.called}-{number}" for number in range(2, len(drafts) + 2)]
        draft.name = next(name for name in wanted if name not in taken and ImageName.form.fullmatch(name))
        taken.add(draft.name)


def _part(drafts: Sequence[_Draft], notes: list[str]) -> None:
    """Images that one repository tells apart by tags get a repository each: tags are for commits and channels."""
    owners: dict[str, _Draft] = {}
    for draft in drafts:
        name = draft.repository
        owner = owners.setdefault(name, draft) if name else draft
        if name and owner is not draft:
            draft.instead = f"{name}-{draft.name}"
            notes.append(
                f"images {owner.name!r} and {draft.name!r} both go to {name}: the second would be {draft.instead}"
            )


def _registries(drafts: Sequence[_Draft]) -> list[str | None]:
    """Beginnings that all published names share: nothing, or from the registry to all but the last part."""
    names = [draft.published[0].split("/")[:-1] for draft in drafts if draft.published]
    if not names or not all(len(parts) and Repository(f"{parts[0]}/x").declared_host for parts in names):
        return [None]
    shared = [parts[0] for parts in itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*names, strict=False))]
    return ["/".join(shared[: end + 1]) for end in range(len(shared))] or [None]


def _image_name(draft: _Draft, registry: str | None, shared: str | None) -> str | None:
    """What follows the registry; None where that is the image's name.

    Args:
        shared: all that the published names share; what is not published yet goes there, too.
    """
    name = draft.repository
    if name is None:
        name = re.sub(r"[^a-z0-9._-]+", "-", draft.name.lower()).strip("-._")
    if registry and shared:
        if name.startswith(f"{registry}/"):
            name = name[len(registry) + 1 :]
        elif not draft.published:
            owner, below = registry.partition("/")[2], shared[len(registry) + 1 :]
            name = name[len(owner) + 1 :] if owner and name.startswith(f"{owner}/") else name
            name = f"{below}/{name}" if below and "/" not in name else name
    return None if name == draft.name else name


def _known(draft: _Draft, registry: str | None, shared: str | None) -> set[str]:
    """The names by which the stack would know the image."""
    name = _image_name(draft, registry, shared) or draft.name
    full = f"{registry}/{name}" if registry else name
    return {_canonical(text) for text in (name, full, draft.name)}


def _canonical(text: str) -> str:
    try:
        return Repository.parse(text).canonical
    except InvalidValue:
        return text


def _listed(draft: _Draft, registry: str | None, shared: str | None, parsed: Mapping[str, Dockerfile]) -> Listed:
    return Listed(
        name=ImageName(draft.name),
        dockerfile=draft.dockerfile,
        context=draft.context,
        image_name=_image_name(draft, registry, shared),
        args=tuple(draft.args.items()),
        sources=tuple(dict.fromkeys(build.source for build in draft.builds)),
        stage=_target(draft, parsed[draft.dockerfile]),
    )


def _target(draft: _Draft, dockerfile: Dockerfile) -> str | None:
    """The stage that has to be said: not the last, and there."""
    cut = dockerfile.until(draft.stage) if draft.stage else None
    return draft.stage if cut is not None and len(cut.stages) < len(dockerfile.stages) else None
