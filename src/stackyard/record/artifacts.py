# SPDX-License-Identifier: MIT
"""Records in a registry: small artifacts beside the images, under tags of their own.

In:   a Registry, a repository, Shared records
Out:  what is there
Raises: as the Registry
Why: docs/explanation/records.md

A record is written once and never changed: no writer can lose another's. Pointers are read, joined and written,
again and again until what was joined is there; who loses that race loses time of a later reader, and no fact.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from stackyard.edges.registry import OCI_MANIFEST, Manifest, Registry, digest_of, verify
from stackyard.errors import DigestMismatch, RegistryProblem
from stackyard.model import canonical
from stackyard.model.accepted import Acceptance
from stackyard.model.inputs import Inputs
from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Fact, Record
from stackyard.model.reference import Repository
from stackyard.model.release import RELEASE_TAG, Release
from stackyard.model.shared import (
    ANNOTATION,
    FACTS_KIND,
    INPUTS_KIND,
    INTENT_KIND,
    INTENT_TAG,
    MANIFESTS_KIND,
    MOVES_KIND,
    MOVES_TAG,
    POINTER_KIND,
    POINTER_TAG,
    RECORD_KIND,
    RECORD_TAG,
    RELEASE_KIND,
    UNDONE_TAG,
    Intent,
    Shared,
    for_others,
    for_plans,
    moves_tag,
    newest,
    pointer_tag,
)

_EMPTY, _EMPTY_KIND = b"{}", "application/vnd.oci.empty.v1+json"
_ATTEMPTS = 6

T = TypeVar("T")


def write_record(
    registry: Registry,
    repository: Repository,
    record: Record,
    inputs: Inputs,
    platform: str,
    accepted: Sequence[Acceptance],
) -> Shared:
    """Leave a record with all its facts in a repository, and make the target's pointer know it."""
    body, facts = canonical.encode(inputs), canonical.encode(list(record.facts))
    registry.upload(repository, _EMPTY)
    layers = [
        _described(INPUTS_KIND, registry.upload(repository, body), len(body)),
        _described(FACTS_KIND, registry.upload(repository, facts), len(facts)),
    ]
    made = Shared(for_plans(record), platform, tuple(accepted), digest_of(body), digest_of(facts))
    registry.put(repository, made.tag, _artifact(RECORD_KIND, layers, made))
    point(registry, repository, record.target, platform, (made,))
    return made


def point(
    registry: Registry, repository: Repository, target: TargetName, platform: str, fresh: Iterable[Shared]
) -> bool:
    """Make a target's pointer know these records, too; whether there was anything to write."""
    tag, wanted = pointer_tag(target, platform), tuple(fresh)
    for attempt in range(_ATTEMPTS):
        there = _in(registry.manifest(repository, tag), tuple[Shared, ...]) or ()
        joined = newest((*there, *wanted))
        if joined == there:
            return attempt > 0
        empty = _described(_EMPTY_KIND, registry.upload(repository, _EMPTY), len(_EMPTY))
        try:
            registry.put(repository, tag, _artifact(POINTER_KIND, [empty], joined))
        except DigestMismatch:
            continue  # somebody else wrote at the same time, and knew less
    return True


def forget(registry: Registry, repository: Repository, gone: Gone) -> int:
    """Delete what speaks only of images that are gone; how much of it was in this repository.

    Pointers keep what they know of others. Who writes one at the same time may bring a record back into it: a hint.
    """
    tags = frozenset(registry.list_tags(repository))
    doomed = {tag for tag in tags if tag.startswith(RECORD_TAG) and _record_in(tag) in gone.records}
    doomed |= gone.releases & tags
    for name in gone.moves:
        if _close(registry, repository, Tag(INTENT_TAG + name), tags):
            doomed |= {Tag(MOVES_TAG + name)} & tags
    for tag in doomed:
        digest = registry.resolve(repository, tag)
        if digest is not None:
            registry.delete(repository, digest)
    for tag in tags:
        if tag.startswith(POINTER_TAG):
            _unpoint(registry, repository, tag, gone.records)
    return len(doomed)


def _record_in(tag: Tag) -> str:
    return tag.removeprefix(RECORD_TAG).rpartition("-")[0]


def _close(registry: Registry, home: Repository, tag: Tag, tags: Collection[Tag]) -> bool:
    """Whether no intent of a set is left, so that its end need not be told any more.

    An intent that names no set has the same bytes as others', and is not deleted by them.
    """
    if tag not in tags:
        return True
    manifest = registry.manifest(home, tag)
    if manifest is None or registry.untag(home, tag):
        return True
    intent = _in(manifest, Intent)
    return intent is not None and intent.moves is not None and registry.delete(home, manifest.digest)


def _unpoint(registry: Registry, repository: Repository, tag: Tag, gone: Collection[str]) -> None:
    manifest = registry.manifest(repository, tag)
    there = _in(manifest, tuple[Shared, ...]) or ()
    rest = tuple(each for each in there if each.record.id not in gone)
    if manifest is None or rest == there:
        return
    if rest:
        empty = _described(_EMPTY_KIND, registry.upload(repository, _EMPTY), len(_EMPTY))
        with contextlib.suppress(DigestMismatch):  # somebody else wrote at the same time
            registry.put(repository, tag, _artifact(POINTER_KIND, [empty], rest))
    registry.delete(repository, manifest.digest)


def read_pointer(registry: Registry, repository: Repository, target: TargetName, platform: str) -> tuple[Shared, ...]:
    """The newest records of a target: one GET; none where there is no pointer, or one that cannot be read."""
    return _in(registry.manifest(repository, pointer_tag(target, platform)), tuple[Shared, ...]) or ()


class Gone(NamedTuple):
    """What speaks of images that are gone."""

    records: frozenset[str]
    """Ids of records."""
    moves: frozenset[str]
    """Names of sets of moves."""
    releases: frozenset[Tag]
    """Tags of releases."""


class Held(NamedTuple):
    """What one repository holds for others to know."""

    records: tuple[Shared, ...]
    moves: tuple[MoveSet, ...]
    releases: tuple[Release, ...] = ()


def read_all(registry: Registry, repository: Repository) -> Held:
    """Every record, set of moves and release: a GET for each (two for a release), after the list of tags."""
    tags = registry.list_tags(repository)
    records = (_in(registry.manifest(repository, tag), Shared) for tag in tags if tag.startswith(RECORD_TAG))
    ends = (tag for tag in tags if tag.startswith((MOVES_TAG, UNDONE_TAG)))
    moves = (read_moves(registry, repository, tag) for tag in ends)
    releases = (_release(registry, repository, tag) for tag in tags if tag.startswith(RELEASE_TAG))
    return Held(
        tuple(filter(None, records)),
        tuple(filter(None, moves)),
        tuple(filter(None, releases)),
    )


def read_moves(registry: Registry, home: Repository, tag: Tag) -> MoveSet | None:
    """A set of moves that came to an end; None where none stands there, or one in which nothing was to be moved."""
    found = _in(registry.manifest(home, tag), MoveSet)
    return found if found is not None and found.moves else None


def write_moves(registry: Registry, home: Repository, moves: MoveSet) -> None:
    """Leave a set of moves that came to an end, under a tag that says which."""
    empty = _described(_EMPTY_KIND, registry.upload(home, _EMPTY), len(_EMPTY))
    registry.put(home, moves_tag(moves, moves.state), _artifact(MOVES_KIND, [empty], for_others(moves)))


def write_intent(registry: Registry, home: Repository, tag: Tag, intent: Intent) -> None:
    """Leave an intent, or leave it anew."""
    empty = _described(_EMPTY_KIND, registry.upload(home, _EMPTY), len(_EMPTY))
    registry.put(home, tag, _artifact(INTENT_KIND, [empty], intent))


def read_intent(registry: Registry, home: Repository, tag: Tag) -> Intent | None:
    """An intent; None where there is none. RegistryProblem for one that cannot be read: it says what is half done."""
    manifest = registry.manifest(home, tag)
    found = _in(manifest, Intent)
    if manifest is not None and found is None:
        raise RegistryProblem(
            f"{home}:{tag} says which tags are being moved, and cannot be read",
            hint="a newer Stackyard wrote it, and can finish it",
            address=home.host,
        )
    return found


def write_release(registry: Registry, home: Repository, release: Release, manifests: Sequence[Manifest]) -> None:
    """Leave a release in the repository that has the journal, with the bytes of the manifests it names.

    It may name thousands of images, and so it is a blob and no annotation: registries take manifests of some size only.
    """
    said, kept = canonical.encode(release), canonical.encode(sorted(manifests, key=lambda each: each.digest))
    registry.upload(home, _EMPTY)
    layers = [
        _described(RELEASE_KIND, registry.upload(home, said), len(said)),
        _described(MANIFESTS_KIND, registry.upload(home, kept), len(kept)),
    ]
    head = {"name": release.name, "at": release.at, "members": len(release.members)}
    registry.put(home, release.tag, _artifact(RELEASE_KIND, layers, head))


def read_manifests(registry: Registry, home: Repository, release: Release) -> tuple[Manifest, ...]:
    """The bytes that are kept with a release: two requests; none where they are gone."""
    data = _layer(registry, home, release.tag, MANIFESTS_KIND)
    if data is None:
        return ()
    found = canonical.decode(data, tuple[Manifest, ...])
    for each in found:
        verify(f"a manifest that {release.name} keeps", each.digest, each.body)
    return found


def _release(registry: Registry, repository: Repository, tag: Tag) -> Release | None:
    data = _layer(registry, repository, tag, RELEASE_KIND)
    try:
        found = None if data is None else canonical.decode(data, Release)
    except msgspec.MsgspecError:
        return None
    return found if found is not None and found.tag == tag else None


def _layer(registry: Registry, repository: Repository, tag: Tag, kind: str) -> bytes | None:
    """A blob of an artifact of ours, by its kind."""
    manifest = registry.manifest(repository, tag)
    blobs = () if manifest is None else manifest.blobs
    digest = next((each.digest for each in blobs if each.media_type == kind), None)
    return None if digest is None else registry.blob(repository, digest)


def read_facts(registry: Registry, repository: Repository, digest: Digest) -> tuple[Fact, ...]:
    """All facts of a record, inventories, too; none where they are gone."""
    data = registry.blob(repository, digest)
    return () if data is None else canonical.decode(data, tuple[Fact, ...])


def read_inputs(registry: Registry, repository: Repository, digest: Digest) -> Inputs | None:
    """What a record's image was made from."""
    data = registry.blob(repository, digest)
    return None if data is None else canonical.decode(data, Inputs)


def _described(kind: str, digest: Digest, size: int) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest, "size": size}


def _artifact(kind: str, layers: list[dict[str, object]], known: object) -> Manifest:
    body = canonical.encode(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": kind,
            "config": _described(_EMPTY_KIND, digest_of(_EMPTY), len(_EMPTY)),
            "layers": layers,
            "annotations": {ANNOTATION: canonical.encode(known).decode()},
        }
    )
    return Manifest(digest_of(body), OCI_MANIFEST, body)


def _in(manifest: Manifest | None, kind: type[T]) -> T | None:
    """What stands in an artifact of ours; None in anything else: it is a hint, and what is newer is none to us."""
    if manifest is None:
        return None
    try:
        return canonical.decode(manifest.annotations[ANNOTATION], kind)
    except (KeyError, RegistryProblem, msgspec.MsgspecError):
        return None
