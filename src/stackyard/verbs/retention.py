# SPDX-License-Identifier: MIT
"""Deleting old images, in the registry or in the engine: what would go, and letting it go.

In:   a Yard
Out:  Pruning: first what would go, then what went
May touch: the registries of the stack's images, or the engine; records. Planning only asks
Raises: StackyardError of a registry; WorldError where one deletes nothing
Why:  docs/how-to/delete-old-images.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from stackyard.edges.registry import Manifest
from stackyard.errors import WorldError
from stackyard.model.decide import Presence
from stackyard.model.ecr import lacks_account
from stackyard.model.known import Known, TagPlace, as_in_engine
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest
from stackyard.model.record import Pruned, Record
from stackyard.model.reference import PublishedImage, Reference, Repository
from stackyard.model.retention import Going, HeldTag, Kept, Pruning
from stackyard.model.shared import moves_name
from stackyard.plan.adopt import LAST_UPDATED, wanted
from stackyard.plan.retention import Situation, decide_pruning
from stackyard.record.artifacts import Gone, forget
from stackyard.record.journal import in_order
from stackyard.run.tagging import finish
from stackyard.verbs.journaling import finish_moves, journal_of
from stackyard.verbs.releasing import by
from stackyard.verbs.sharing import home_of, sync

if TYPE_CHECKING:
    from stackyard.edges.engine import Engine
    from stackyard.verbs.yard import Yard

CONNECTIONS = 8
_OURS = "sy-"


def plan_pruning(yard: Yard, place: TagPlace) -> Pruning:
    """What would go from the registry or from the engine; nothing is deleted yet."""
    finish_moves(yard, place)
    return _decided(yard, place)


def _decided(yard: Yard, place: TagPlace) -> Pruning:
    if place == "registry" and yard.stack.shares_records:
        sync(yard)  # what others built and promoted counts
    known, present = yard.records.known(), None
    if place == "engine":
        present = frozenset(image for engine in yard.engines for image in engine.present())
        known = as_in_engine(known, Presence(present))
    tags = _tags_in_registry(yard, known) if place == "registry" else _tags_in_engine(known)
    decided = decide_pruning(
        Situation(
            yard.stack,
            known,
            place,
            sorted(yard.records.releases(), key=lambda release: release.at, reverse=True),
            yard.records.move_sets(),
            tags,
            _needed(yard),
            yard.stack.retention,
            yard.clock.now(),
            present,
        )
    )
    return _measured(yard, decided, tags) if place == "registry" else _measured_here(yard, decided)


def _needed(yard: Yard) -> frozenset[str]:
    """Records that a plan goes on from, whether it publishes or not."""
    from stackyard.verbs import plan

    plans = (plan(yard), *([plan(yard, publish=True)] if yard.stack.has_registry else []))
    return frozenset(step.record for each in plans for step in each.steps if step.record)


def _repositories(yard: Yard) -> list[Repository]:
    return list(dict.fromkeys(t.repository for t in yard.stack.targets if not lacks_account(t.repository)))


def _tags_in_registry(yard: Yard, known: Known) -> list[HeldTag]:
    """The tags that keep what they point at: all but our own for good, which every image has.

    The stamps that last_updated.yaml names are read by others, and so they keep theirs.
    """
    ours = {name.canonical for record in _records(known) for name in record.names("registry")}
    stamps = wanted(yard.stack, [target.name for target in yard.stack.targets], LAST_UPDATED)
    ours -= {each.reference.canonical for each in stamps if each.reference is not None}

    def held(repository: Repository) -> list[HeldTag]:
        found: list[HeldTag] = []
        for tag in yard.registry.list_tags(repository):
            if tag.startswith(_OURS) or Reference(repository, tag).canonical in ours:
                continue
            digest = yard.registry.resolve(repository, tag)
            if digest is not None:
                found.append(HeldTag(repository, tag, digest))
        return found

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return [each for some in pool.map(held, _repositories(yard)) for each in some]


def _records(known: Known) -> Iterator[Record]:
    for some in known.records.values():
        yield from some


def _tags_in_engine(known: Known) -> list[HeldTag]:
    """Where we last put tags in the engine that follow."""
    fixed = {name.canonical for record in _records(known) for name in record.names("engine")}
    found = []
    for (place, name), digest in known.tags.items():
        reference = Reference.parse(name)
        if place == "engine" and name not in fixed and reference.tag is not None:
            found.append(HeldTag(reference.repository, reference.tag, digest))
    return found


# In a registry.


def _measured(yard: Yard, decided: Pruning, tags: Iterable[HeldTag]) -> Pruning:
    """With the manifests and bytes that go: what kept images, and indexes of theirs, name stays."""
    places = {each.image.repository.canonical for each in decided.going}
    stays = [each.image.key for each in decided.kept] + [(each.repository.canonical, each.digest) for each in tags]
    needed = {key for key in stays if key[0] in places} | {each.image.key for each in decided.going}
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        trees = dict(pool.map(lambda key: (key, _tree(yard, Repository(key[0]), key[1])), needed))
    sizes: dict[tuple[str, Digest], int] = {}
    held: set[tuple[str, Digest]] = set()
    for key in stays:
        for manifest in trees.get(key, ()):
            held.add((key[0], manifest.digest))
            held.update((key[0], blob.digest) for blob in manifest.blobs)
    going: list[Going] = []
    for each in decided.going:
        place = each.image.repository.canonical
        found = [manifest for manifest in trees[each.image.key] if (place, manifest.digest) not in held]
        size = 0
        for blob in (blob for manifest in found for blob in manifest.blobs):
            if (place, blob.digest) not in held and (place, blob.digest) not in sizes:
                sizes[place, blob.digest] = blob.size
                size += blob.size
        held |= {(place, manifest.digest) for manifest in found}  # what two name is deleted once
        going.append(
            msgspec.structs.replace(each, manifests=tuple(manifest.digest for manifest in found), size_bytes=size)
        )
    return msgspec.structs.replace(decided, going=tuple(going))


def _tree(yard: Yard, repository: Repository, digest: Digest) -> list[Manifest]:
    """A manifest and all it names, itself first; nothing where it is gone."""
    manifest = yard.registry.manifest(repository, digest)
    if manifest is None:
        return []
    return [manifest, *(each for child in manifest.children for each in _tree(yard, repository, child.digest))]


def prune_registry(yard: Yard, shown: Pruning) -> Pruning:
    """Delete what was shown and may still go, children first, then what spoke of it; each image is a fact when it is.

    Raises:
        WorldError: a registry deletes nothing.
    """
    with _alone(yard, "registry"):
        now = {
            each.image.key: each for each in _decided(yard, "registry").going
        }  # somebody may have promoted meanwhile
        gone = [now[each.image.key] for each in shown.going if each.image.key in now]
        known = {record.id: record for record in _records(yard.records.known())}
        deleted: list[Going] = []
        try:
            for each in gone:
                _delete(yard, each)
                deleted.append(each)
                for name in each.records:
                    image = PublishedImage(each.image.repository, each.image.digest)
                    yard.records.append(known[name], Pruned(yard.clock.now(), image))
        finally:
            _tell_others(yard, deleted, known)
        return msgspec.structs.replace(shown, going=tuple(gone), is_done=True, artifacts=_forgotten(yard, gone))


def _delete(yard: Yard, each: Going) -> None:
    for digest in each.manifests:
        if not yard.registry.delete(each.image.repository, digest):
            raise WorldError(
                f"registry {each.image.repository.host} deletes nothing",
                hint="it has to be allowed there; `registry:2` wants REGISTRY_STORAGE_DELETE_ENABLED=true",
                address=each.image.repository.host,
            )


def _tell_others(yard: Yard, deleted: Sequence[Going], known: Mapping[str, Record]) -> None:
    """Write down what is gone as one more set, as others learn of sets: their records still say that it is there."""
    if not deleted:
        return
    gone = tuple(
        TagMove(each.image.target, each.image.repository, pushed.tag, each.image.digest, None)
        for each in deleted
        if (pushed := known[each.records[0]].pushed(each.image.repository)) is not None
    )
    moves = MoveSet("prune", "registry", "", "retention", yard.clock.now(), gone, by=by(yard))
    journal_of(yard, "registry").end(yard.records.intend(in_order(moves, yard.records)), "done")


def _alone(yard: Yard, place: TagPlace) -> AbstractContextManager[bool]:
    """Nobody else moves tags of this stack meanwhile."""
    return journal_of(yard, place).held(partial(finish, yard.tags(place)))


def _forgotten(yard: Yard, gone: Iterable[Going]) -> int:
    """Records, sets of moves and releases that speak only of images that are gone; how many went.

    A promotion that overrode a gate, or believed the registry, for a reason stays: that is shown for ever.
    """
    keys = {each.image.key for each in gone}
    if not keys or not yard.stack.shares_records:
        return 0
    moves = {
        moves_name(moves)
        for moves in yard.records.move_sets(state="done")
        if (images := {(move.repository.canonical, at) for move in moves.moves for at in (move.was, move.now) if at})
        and images <= keys
        and moves.kind != "prune"
        and not moves.accepted_because
        and not any(state.answer == "overridden" for state in moves.gates)
    }
    releases = {
        release.tag
        for release in yard.records.releases()
        if {(member.repository.canonical, member.digest) for member in release.members} <= keys
    }
    what = Gone(frozenset(name for each in gone for name in each.records), frozenset(moves), frozenset(releases))
    home = home_of(yard.stack)
    places = dict.fromkeys([*(each.image.repository for each in gone), *([home] if home else [])])
    return sum(forget(yard.registry, place, what) for place in places)


# In the engine, or in each of them where platforms have engines of their own.


def _ours_in(engine: Engine, going: Going) -> list[tuple[Reference, int]]:
    """The names that one engine has for an image and that are ours, and the image's size there."""
    found = [(name, engine.inspect(str(name))) for name in going.names]
    return [(name, facts.size_bytes) for name, facts in found if facts and facts.image.id == going.image.digest]


def _measured_here(yard: Yard, decided: Pruning) -> Pruning:
    """With what each image takes in the engines, and its names there that are ours; one that has none of them stays."""
    going: list[Going] = []
    kept = list(decided.kept)
    for each in decided.going:
        ours = [found for engine in yard.engines if (found := _ours_in(engine, each))]
        if ours:
            names = tuple(dict.fromkeys(name for found in ours for name, _ in found))
            going.append(msgspec.structs.replace(each, names=names, size_bytes=sum(found[0][1] for found in ours)))
        else:
            kept.append(Kept(each.image, "named by others"))
    return msgspec.structs.replace(decided, going=tuple(going), kept=tuple(kept))


def prune_engine(yard: Yard, shown: Pruning) -> Pruning:
    """Take away the names that this stack gave; an image goes with its last, and what others named or use stays."""
    with _alone(yard, "engine"):
        now = {each.image.key: each for each in _decided(yard, "engine").going}
        gone = [now[each.image.key] for each in shown.going if each.image.key in now]
        for each in gone:
            for engine in yard.engines:
                for name, _ in _ours_in(engine, each):  # the same name may be another platform's image elsewhere
                    engine.untag(name)
        return msgspec.structs.replace(shown, going=tuple(gone), is_done=True)
