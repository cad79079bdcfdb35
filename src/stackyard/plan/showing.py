# SPDX-License-Identifier: MIT
"""What a name or a digest stands for, and what holds it, as the records know it.

In:   Stack, Known, releases, finished sets of moves
Out:  Shown, Whereabouts
Raises: UnknownName, InvalidValue
Pure
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from stackyard.errors import InvalidValue, UnknownName
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, Tag, TargetName, nearest
from stackyard.model.record import Pushed, Record
from stackyard.model.reference import Reference, Repository
from stackyard.model.release import Release
from stackyard.model.shown import Child, Shown, ShownImage, Whereabouts
from stackyard.model.stack import Stack
from stackyard.plan.channels import channel_tag, named_tag
from stackyard.plan.releases import find_release, parts_of, record_of
from stackyard.plan.rollback import standing_sets

_DIGEST = re.compile(r"(?:.*@)?(?:sha256:|sha512:)?([0-9a-f]{7,128})")
_CERTAIN = re.compile(r"(?:.*@)?(?:sha256:|sha512:)[0-9a-f]*")


class Looking:
    """Everything that is looked through, with what is asked of it again and again."""

    def __init__(
        self, stack: Stack, known: Known, releases: Sequence[Release], history: Sequence[MoveSet], place: TagPlace
    ) -> None:
        self.stack = stack
        self.known = known
        self.releases = releases
        self.place = place
        self.standing: Mapping[str, MoveSet] = standing_sets(history)
        self.tags: dict[tuple[TagPlace, str, Digest], list[Reference]] = {}
        for (where, name), digest in known.tags.items():
            reference = Reference.parse(name)
            self.tags.setdefault((where, reference.repository.canonical, digest), []).append(reference)

    def show(self, asked: str) -> Shown:
        """A digest, a release, a channel or a tag: the first of these that it is; UnknownName if it is none."""
        if _CERTAIN.fullmatch(asked):
            return Shown("digest", asked, tuple(self._with(asked)))
        release = find_release(self.releases, asked)
        if release is not None:
            members = [
                self._image(each.target, each.repository, each.digest, release.place) for each in release.members
            ]
            at = tuple(name for name, moves in self.standing.items() if moves.release == release.name)
            return Shown("release", asked, tuple(members), release, channels=at)
        images = tuple(self._tagged(asked))
        promoted = [moves for moves in self.standing.values() if any(move.tag == asked for move in moves.moves)]
        if asked in self.standing or promoted:
            standing = self.standing.get(asked) or promoted[0]
            of = next((each for each in self.releases if each.name == standing.release), None)
            return Shown("channel", asked, images, of, standing)
        if images:
            return Shown("tag", asked, images)
        if _DIGEST.fullmatch(asked):
            return Shown("digest", asked, tuple(self._with(asked)))
        raise self._unknown(asked)

    def where(self, asked: str) -> tuple[Whereabouts, ...]:
        """What holds the images with this digest; UnknownName if there are none."""
        return tuple(map(self._whereabouts, self._with(asked)))

    def _whereabouts(self, image: ShownImage) -> Whereabouts:
        place = self._place_of(image)
        inside = [
            (name, part.built.content) for name, part in parts_of(self.known, image.record) if part and part.built
        ]
        if image.record and image.record.built:
            inside.append((image.target, image.record.built.content))
        children = [
            self._child(record)
            for records in self.known.records.values()
            for record in records
            if record != image.record and record.built and not set(inside).isdisjoint(record.built.parents)
        ]
        held = [
            r for r in self.releases if any((m.target, m.digest) == (image.target, image.digest) for m in r.members)
        ]
        here = self.tags.get((place, image.repository.canonical, image.digest), [])
        target = next((each for each in self.stack.targets if each.name == image.target), None)
        channels = [name for name in self.standing if target and channel_tag(self.stack, target, name) in _names(here)]
        return Whereabouts(
            image, tuple(sorted(here, key=str)), tuple(r.name for r in held), tuple(channels), tuple(children)
        )

    def _place_of(self, image: ShownImage) -> TagPlace:
        is_pushed = image.record is None or any(digest == image.digest for _, digest in _published(image.record))
        return "registry" if is_pushed else "engine"

    def _child(self, record: Record) -> Child:
        (repository, digest), *_ = [*_published(record), *_local(record)]
        place: TagPlace = "registry" if record.is_published else "engine"
        return Child(record.target, digest, self._names(repository, digest, place))

    def _tagged(self, asked: str) -> Iterator[ShownImage]:
        for target in self.stack.targets:
            if target.name.platform is not None:  # what joins it has the names
                continue
            tag = named_tag(asked, target, self.stack.revision)
            digest = self.known.tag_at(self.place, Reference(target.repository, tag)) if tag else None
            if digest is not None:
                yield self._image(target.name, target.repository, digest, self.place)

    def _with(self, asked: str) -> Iterator[ShownImage]:
        """Images with a digest that begins so: a manifest's, an id's in an engine, that of their content."""
        form = _DIGEST.fullmatch(asked)
        if form is None:
            raise InvalidValue(
                f"{asked!r} is no digest",
                hint="sha256: and at least seven of its digits, as `stackyard show TAG` prints them",
                kind="digest",
                text=asked,
            )
        found: dict[tuple[TargetName, Digest], ShownImage] = {}
        for records in self.known.records.values():
            for record in records:
                for repository, digest, place in self._digests(record):
                    is_content = record.built is not None and record.built.content.hex.startswith(form[1])
                    if digest.hex.startswith(form[1]) or is_content:
                        found.setdefault((record.target, digest), self._image(record.target, repository, digest, place))
                        break
        for release in self.releases:
            for member in release.members:
                if member.digest.hex.startswith(form[1]):
                    key = (member.target, member.digest)
                    found.setdefault(key, self._image(member.target, member.repository, member.digest, release.place))
        if not found:
            raise UnknownName(
                f"the records know no image {asked}",
                hint="`stackyard records sync` learns what others published",
                name=asked,
                near=None,
            )
        yield from found.values()

    def _digests(self, record: Record) -> Iterator[tuple[Repository, Digest, TagPlace]]:
        for repository, digest in _published(record):
            yield repository, digest, "registry"
        for repository, digest in _local(record):
            yield repository, digest, "engine"

    def _image(self, target: TargetName, repository: Repository, digest: Digest, place: TagPlace) -> ShownImage:
        record = record_of(self.known, target, repository, digest, place)
        return ShownImage(target, repository, digest, record, self._names(repository, digest, place, record))

    def _names(
        self, repository: Repository, digest: Digest, place: TagPlace, record: Record | None = None
    ) -> tuple[str, ...]:
        kept = [str(fact.tag) for fact in record.facts if isinstance(fact, Pushed)] if record else []
        now = sorted(str(each.tag) for each in self.tags.get((place, repository.canonical, digest), ()))
        return tuple(dict.fromkeys([*kept[-1:], *now]))

    def _unknown(self, asked: str) -> UnknownName:
        tags = {str(each.tag) for references in self.tags.values() for each in references}
        names = [*self.standing, *(release.name for release in self.releases), *sorted(tags)]
        near = nearest(asked, names)
        return UnknownName(
            f"the records know no release, channel, tag or digest {asked!r}",
            hint=(f"did you mean {near}?" if near else "`stackyard releases` and `stackyard status` list names;")
            + " `stackyard records sync` learns what others did",
            name=asked,
            near=near,
        )


def _names(references: Sequence[Reference]) -> set[Tag | None]:
    return {each.tag for each in references}


def _published(record: Record) -> list[tuple[Repository, Digest]]:
    return [(fact.image.repository, fact.image.digest) for fact in reversed(record.facts) if isinstance(fact, Pushed)]


def _local(record: Record) -> list[tuple[Repository, Digest]]:
    return [(record.built.local.repository, record.built.image.id)] if record.built else []
