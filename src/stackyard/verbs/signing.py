# SPDX-License-Identifier: MIT
"""Signatures of published images, by cosign.

In:   a Yard, names as `inventory` takes them, a reference to a key
Out:  Signed, one for each image
May touch: registries; cosign's process
Raises: ToolMissing, WorldError, NothingToDo for what is not published
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard.edges.cosign import Cosign
from stackyard.errors import NothingToDo, UnknownName
from stackyard.model.names import Tag
from stackyard.model.reference import Reference
from stackyard.model.sbom import Signed
from stackyard.verbs.inside import subjects_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackyard.model.inside import Subject
    from stackyard.model.names import Digest
    from stackyard.model.reference import Repository
    from stackyard.verbs.yard import Yard


def sign(yard: Yard, asked: str, key: str, *, is_logging: bool = True) -> tuple[Signed, ...]:
    """Sign each image that a name stands for, by its digest, which is looked up first: cosign would sign any."""
    cosign = Cosign(yard.environ, is_logging=is_logging)
    found = []
    for subject, repository, digest in _published(yard, asked):
        cosign.sign(repository, digest, key)
        found.append(Signed(subject.name, f"{repository}@{digest}", True))
    return tuple(found)


def verify(yard: Yard, asked: str, key: str, *, is_logging: bool = True) -> tuple[Signed, ...]:
    """Whether each image that a name stands for is signed by a key."""
    cosign = Cosign(yard.environ, is_logging=is_logging)
    return tuple(
        Signed(subject.name, f"{repository}@{digest}", cosign.verify(repository, digest, key))
        for subject, repository, digest in _published(yard, asked)
    )


def _published(yard: Yard, asked: str) -> Iterator[tuple[Subject, Repository, Digest]]:
    """Each image with where it is; all are looked up before the first is given."""
    found = []
    for subject in subjects_of(yard, asked):
        if subject.repository is None and subject.target is not None:
            raise NothingToDo(f"{subject.name} is not published", hint="`stackyard push` publishes it")
        reference = Reference.parse(subject.image or subject.name)
        digest = yard.registry.resolve(reference.repository, reference.digest or reference.tag or Tag("latest"))
        if digest is None:
            raise UnknownName(
                f"registry {reference.repository.host} has no {reference}", hint=None, name=asked, near=None
            )
        found.append((subject, reference.repository, digest))
    yield from found
