# SPDX-License-Identifier: MIT
"""Which images go to another registry, and under which tags.

In:   Stack, Known, what a person asked for, what the other registry has
Out:  Copying, to be shown and then carried out
Raises: ConfigError, WorldError, TagConflict
Pure. Why: docs/how-to/copy-to-another-registry.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stackyard.errors import ConfigError, InvalidValue, WorldError
from stackyard.model.elsewhere import LATEST, Copying, CopyOf, Destination, Version, newest_version
from stackyard.model.known import Known
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Tag, TargetName
from stackyard.model.places import OtherRegistry
from stackyard.model.reference import LocalImage, PublishedImage, Reference, Repository, content_tag
from stackyard.model.stack import Stack, Target
from stackyard.model.tags import fixed_conflict, render, values_of
from stackyard.plan.channels import Source, check_unmoved, is_fixed
from stackyard.plan.selection import select


def place_called(stack: Stack, text: str) -> OtherRegistry:
    """The registry of the spec that is called so, else the one whose address it is."""
    for place in stack.registries:
        if place.name == text:
            return place
    if "." in text or ":" in text or "/" in text:
        return OtherRegistry(text, text)
    known = ", ".join(place.name for place in stack.registries)
    raise ConfigError(
        f"no registry is called {text!r}",
        hint=f"`registries` of the spec has {known or 'none'}; an address has a dot or a port: ghcr.io/OWNER",
    )


def chosen_for(stack: Stack, place: OtherRegistry, images: Sequence[str]) -> frozenset[TargetName]:
    """The targets that are copied: of those the place takes, those that were named."""
    taken = select(stack, place.images) if place.images else frozenset(target.name for target in stack.targets)
    if place.version:
        versioned = {name.image for name in taken if name.version is not None}
        lacking = versioned - {name.image for name in taken if name.version == place.version}
        if lacking:
            raise ConfigError(
                f"{', '.join(sorted(lacking))}: there is no version {place.version!r}",
                hint=f"`registries.{place.name}` names it; `images` there can leave an image out",
            )
        taken = frozenset(name for name in taken if name.version in (None, place.version))
    return taken & select(stack, images) if images else taken


def tags_for(stack: Stack, sources: Iterable[Source], wanted: Sequence[str]) -> dict[TargetName, tuple[Tag, ...]]:
    """The tags that each image gets: those that were asked for, else the one it was named by."""
    found: dict[TargetName, tuple[Tag, ...]] = {}
    for source in sources:
        texts = wanted or ([str(source.reference.tag)] if source.reference is not None else [])
        if not texts:
            raise ConfigError(
                "a commit or a release is no tag", hint="say under which tag it goes there: --tag 1.2.3, --tag stable"
            )
        found[source.target.name] = tuple(dict.fromkeys(_tag(stack, source.target, text) for text in texts))
    return found


def _tag(stack: Stack, target: Target, text: str) -> Tag:
    if "{" not in text:
        return Tag.parse(text)
    tag = render(text, values_of(stack.revision, dict(target.variables)))
    if tag is None:
        raise InvalidValue(f"{text!r} has no value for {target.name}", hint="take another tag", kind="tag", text=text)
    return tag


def copies_of(sources: Iterable[Source], repositories: Mapping[TargetName, Repository]) -> tuple[CopyOf, ...]:
    """Where each image goes, with the content tag that it has."""
    found: list[CopyOf] = []
    for source in sources:
        target, to = source.target, repositories[source.target.name]
        if to.canonical == target.repository.canonical:
            raise ConfigError(
                f"{target.name} is published in {to} already", hint="`stackyard promote` gives it other tags there"
            )
        pushed = source.record.pushed(target.repository) if source.record else None
        tag = pushed.tag if pushed is not None else content_tag(LocalImage(source.digest))
        found.append(CopyOf(target.name, PublishedImage(target.repository, source.digest), to, tag))
    return tuple(found)


def plan_copy(
    stack: Stack,
    known: Known,
    asked: str,
    place: OtherRegistry,
    sources: Sequence[Source],
    copies: Sequence[CopyOf],
    tags: Mapping[TargetName, Sequence[Tag]],
    there: Mapping[Repository, Destination],
    is_latest: bool,
    at: str,
) -> Copying:
    """The moves of tags in the other registry.

    Refused: a version, or another fixed tag, that holds another image there; `latest` that would go back; a tag
    there that somebody else moved since we put it; two images under one name.
    """
    moves: dict[Reference, TagMove] = {}
    for source, copy in zip(sources, copies, strict=True):
        wanted = [*tags[copy.target], *([LATEST] if is_latest else [])]
        if LATEST in tags[copy.target] and not is_latest:
            raise ConfigError(
                f"{copy.to}:latest moves only with --latest, and with a version",
                hint="name the version that it is: --tag 1.2.3 --latest",
            )
        if is_latest:
            _check_latest(copy, tags[copy.target], there[copy.to].listed)
        for tag in dict.fromkeys(wanted):
            reference, digest = Reference(copy.to, tag), copy.source.digest
            was = there[copy.to].tags[tag]
            fixed = Version.of(tag) is not None or is_fixed(source, stack.revision, tag, known, "registry")
            if fixed and was not in (None, digest):
                raise fixed_conflict(
                    str(reference), was, digest, "what is published under a version stays: take another"
                )
            recorded = known.tag_at("registry", reference)
            if not fixed and recorded is not None and was not in (recorded, digest):
                check_unmoved(reference, recorded, was)
            before = moves.get(reference)
            if before is not None and before.now != digest:
                raise ConfigError(
                    f"{before.target} and {copy.target} would both be {reference}",
                    hint=f"name the version that is copied (`registries.{place.name}.version`), or use {{version}}",
                )
            moves[reference] = TagMove(copy.target, copy.to, tag, was, digest)
    commits = {source.record.built.commit for source in sources if source.record and source.record.built}
    commit = commits.pop() if len(commits) == 1 else ""
    done = MoveSet("copy", "registry", "", asked, at, tuple(moves.values()), commit)
    return Copying(asked, place, tuple(copies), done)


def _check_latest(copy: CopyOf, tags: Sequence[Tag], listed: tuple[Tag, ...]) -> None:
    """`latest` is the highest version: it goes with one, and never back."""
    ours = newest_version(tuple(tags))
    if ours is None:
        raise ConfigError("--latest goes with a version that is released", hint="name it: --tag 1.2.3 --latest")
    theirs = newest_version(listed)
    if theirs is not None and theirs[0] > ours[0]:
        raise WorldError(
            f"{copy.to}:latest does not go back to {ours[1]}: {theirs[1]} is there",
            hint="leave out --latest: an older version can be published beside it",
            reference=str(Reference(copy.to, LATEST)),
        )
