# SPDX-License-Identifier: MIT
"""Releases as they are made and read: every promotion leaves one behind, and may begin with one.

In:   a Yard, a planned promotion
Out:  Release
May touch: records, the registry (where a release is kept beside the images)
Raises: StackyardError
Why: docs/explanation/promotion.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from stackyard.edges.git import who
from stackyard.errors import NothingToDo
from stackyard.model.names import Digest
from stackyard.model.record import Pruned
from stackyard.model.reference import LocalImage, content_tag
from stackyard.model.release import Release, name_in
from stackyard.plan.releases import draft, find_release, is_of, name_release, record_of, taken_name
from stackyard.record.artifacts import read_manifests
from stackyard.verbs.sharing import home_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackyard.model.known import Known
    from stackyard.model.moves import MoveSet
    from stackyard.model.reference import Repository
    from stackyard.record.shared import SharedRecords
    from stackyard.verbs.yard import Yard


def named(yard: Yard, moves: MoveSet, release: Release | None, wanted: str, notes: str) -> MoveSet:
    """A planned promotion with the name of its release, who asks for it, and what they say.

    Args:
        release: what is promoted, if it was a release; a part of it gets a name of its own.
        wanted: the name a person gave; empty: one is found.
    """
    releases = yard.records.releases()
    is_whole = release is not None and not wanted and is_of(release, moves)
    name = release.name if release is not None and is_whole else name_release(moves, releases, wanted)
    if wanted and moves.place == "registry" and find_release(releases, name) is None:
        home = home_of(yard.stack)
        if home is not None and any(name_in(tag) == name for tag in yard.registry.list_tags(home)):
            raise taken_name(name, f"beside the images in {home}; `stackyard records sync` learns of it")
    return msgspec.structs.replace(moves, release=name, by=by(yard), notes=notes)


def by(yard: Yard) -> str:
    """Who moves tags here."""
    return who(yard.root, yard.options.environ)


def have_bytes(
    yard: Yard, known: Known, images: Iterable[tuple[Repository, Digest]], release: Release | None = None
) -> frozenset[Digest]:
    """Make manifests of images in registries ready to be put, as releases kept them; which those are.

    Args:
        release: what they are of; what is not kept here is then read from beside it.

    Raises:
        NothingToDo: `prune` deleted one of them: its manifest may be kept here, and the image is gone all the same.
    """
    wanted = set(images)
    _refuse_pruned(yard, known, wanted)
    digests = {digest for _, digest in wanted}
    kept = {each.digest: each for each in yard.records.manifests(digests)}
    home = home_of(yard.stack)
    if release is not None and len(kept) < len(digests) and home is not None:
        kept |= {each.digest: each for each in read_manifests(yard.registry, home, release)}
        yard.records.keep_release(release, tuple(kept.values()))
    for repository, digest in wanted:
        if digest in kept:
            yard.tags("registry").keep(repository, kept[digest])
    return frozenset(kept)


def _refuse_pruned(yard: Yard, known: Known, images: Iterable[tuple[Repository, Digest]]) -> None:
    """Only what was deleted is asked for: it may have been published again, by whomever."""
    pruned = {
        (fact.image.repository.canonical, fact.image.digest)
        for records in known.records.values()
        for record in records
        for fact in record.facts
        if isinstance(fact, Pruned)
    }
    for repository, digest in sorted(images) if pruned else ():
        if (repository.canonical, digest) in pruned and yard.registry.resolve(repository, digest) is None:
            raise NothingToDo(
                f"{repository}@{digest} was deleted by `stackyard prune`, so no tag can point at it",
                hint="`stackyard releases` and `stackyard history` list others; `retention` says what is kept",
            )


def keep_what_was(yard: Yard, moves: MoveSet) -> None:
    """Give what others had put under a channel's tags a content tag, or a registry that cleans up leaves no way back.

    What we pushed, or took over, has one already: then nothing is asked.
    """
    known = yard.records.known()
    theirs = {
        (move.repository, move.was)
        for move in moves.changes
        if move.was is not None and record_of(known, move.target, move.repository, move.was, moves.place) is None
    }
    if theirs:
        theirs -= {(m.repository, m.digest) for r in yard.records.releases() for m in r.members if m.content_tag}
    store = yard.tags(moves.place)
    for repository, digest in sorted(theirs):
        if store.read(repository, digest) is not None:  # else it is gone already, and nothing would keep it
            store.put(repository, content_tag(LocalImage(digest)), digest)


def keep(yard: Yard, moves: MoveSet, shared: SharedRecords | None) -> None:
    """Write down the release of a promotion, here and beside the images, if it is not there yet.

    An image that no record knows gets its content tag before that: only a push gave others theirs.
    """
    if moves.kind != "promote" or any(r.name == moves.release and is_of(r, moves) for r in yard.records.releases()):
        return
    store = yard.tags(moves.place)
    manifests = {now: found for move, now in moves.puts if (found := store.bytes_of(move.repository, now))}
    release = draft(moves, yard.records.known(), {each.digest: each.platforms for each in manifests.values()})
    for member in release.members:
        if member.content_tag is not None and not member.record:
            store.put(member.repository, member.content_tag, member.digest)
    yard.records.keep_release(release, tuple(manifests.values()))
    if shared is not None:
        shared.send_releases()
