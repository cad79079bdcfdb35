# SPDX-License-Identifier: MIT
"""Moving tags: a set of moves carried out all or none, written down before the first.

In:   a MoveSet (a plan that was shown), a TagStore, the records
Out:  the set as it ended
Raises: what the store raised, after putting back what was there before
Used by: the end of a run, promote, rollback. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec

from stackyard.edges.engine import Engine
from stackyard.edges.registry import Manifest, Registry
from stackyard.errors import EngineUnavailable, RegistryUnreachable, StackyardError, TagConflict, WorldError
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import LocalImage, Reference, Repository
from stackyard.record.store import Records

CONNECTIONS = 8
"""So many tags are looked at or moved at a time."""


class TagStore(Protocol):
    """Where tags are: an engine's own store, or the registries."""

    def resolve(self, repository: Repository, tag: Tag) -> Digest | None:
        """What the tag points at now."""

    def read(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """As `resolve`, also for what is there without a tag; it is then ready for `put`."""

    def bytes_of(self, repository: Repository, digest: Digest) -> Manifest | None:
        """The manifest itself, where the place has such: an engine has none."""

    def keep(self, repository: Repository, manifest: Manifest) -> None:
        """Have a manifest ready that is known from elsewhere."""

    def put(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        """Point the tag at content that is there."""

    def remove(self, repository: Repository, tag: Tag) -> bool:
        """Take the tag away; False where that cannot be done."""


class EngineTags:
    """Tags in an engine's own store: they point at local ids."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def resolve(self, repository: Repository, tag: Tag) -> Digest | None:
        """One inspect."""
        facts = self._engine.inspect(str(Reference(repository, tag)))
        return facts.image.id if facts else None

    def read(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """One inspect: an engine needs nothing more."""
        facts = self._engine.inspect(tag if isinstance(tag, Digest) else str(Reference(repository, tag)))
        return facts.image.id if facts else None

    def bytes_of(self, repository: Repository, digest: Digest) -> None:
        """None: in an engine an image is known by its id."""

    def keep(self, repository: Repository, manifest: Manifest) -> None:
        """Nothing."""

    def put(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        """One request."""
        self._engine.tag(LocalImage(digest), Reference(repository, tag))

    def remove(self, repository: Repository, tag: Tag) -> bool:
        """One request."""
        self._engine.untag(Reference(repository, tag))
        return True


class RegistryTags:
    """Tags in registries: they point at manifest digests. No blob travels."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._kept: dict[tuple[Repository, Digest], Manifest] = {}

    def resolve(self, repository: Repository, tag: Tag) -> Digest | None:
        """One HEAD."""
        return self._registry.resolve(repository, tag)

    def read(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """One GET; the bytes are kept, so that putting them under another tag needs none."""
        manifest = self._registry.manifest(repository, tag)
        if manifest is None:
            return None
        self.keep(repository, manifest)
        return manifest.digest

    def keep(self, repository: Repository, manifest: Manifest) -> None:
        """Bytes in memory."""
        self._kept[repository, manifest.digest] = manifest

    def bytes_of(self, repository: Repository, digest: Digest) -> Manifest | None:
        """What was read before, else one GET."""
        if (repository, digest) not in self._kept:
            self.read(repository, digest)
        return self._kept.get((repository, digest))

    def put(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        """GET the manifest, unless it was read; PUT the same bytes under the tag, read back."""
        manifest = self.bytes_of(repository, digest)
        if manifest is None:
            raise WorldError(
                f"{repository}@{digest} is not in the registry, so {tag!r} cannot point at it",
                hint="stackyard push publishes what is built and tested",
            )
        self._registry.put(repository, tag, manifest)

    def remove(self, repository: Repository, tag: Tag) -> bool:
        """One DELETE of the tag; registries may refuse."""
        return self._registry.untag(repository, tag)


def carry_out(moves: MoveSet, store: TagStore, records: Records, *, is_fresh: bool = False) -> MoveSet:
    """Move all tags of the set, or none; several at a time.

    Every tag is looked at before the first is moved: one that is not where the plan
    saw it stops everything. If a move fails, those already made are put back, but for
    tags that somebody else has moved since: theirs stand, and the error names them. A
    tag that did not exist before and cannot be removed leaves the set `intended`, and
    the next command finishes it forward.

    Args:
        is_fresh: the plan looked just now: nobody was asked meanwhile.
    """
    if not is_fresh:
        for move, found in zip(moves.moves, looked(store, moves.moves), strict=True):
            if found not in (move.was, move.now):
                raise conflict(move.reference, move.was, found)
    written = records.intend(moves)
    made, error = _made(written.changes, store)
    if error is not None:
        is_undone, theirs = _put_back(made, store)
        if is_undone:
            records.settle(written, "undone")
        if theirs:
            names = ", ".join(map(str, theirs))
            raise WorldError(
                f"{error}; not put back is what somebody else moved meanwhile: {names}",
                hint=error.hint or "`stackyard history` shows who",
                left_alone=tuple(theirs),
            ) from error
        raise error
    records.settle(written, "done")
    return msgspec.structs.replace(written, state="done")


def looked(store: TagStore, moves: Sequence[TagMove]) -> list[Digest | None]:
    """Where each tag is now."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(lambda move: store.resolve(move.repository, move.tag), moves))


def asked(
    store: TagStore, wanted: Sequence[tuple[Repository, Tag | Digest, bool]]
) -> dict[tuple[Repository, Tag | Digest], Digest | None]:
    """Where tags are; what comes with True is made ready to be put elsewhere."""

    def ask(each: tuple[Repository, Tag | Digest, bool]) -> Digest | None:
        repository, tag, is_source = each
        return store.read(repository, tag) if is_source or isinstance(tag, Digest) else store.resolve(repository, tag)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = list(pool.map(ask, wanted))
    return {(repository, tag): answer for (repository, tag, _), answer in zip(wanted, answers, strict=True)}


def _made(moves: Sequence[TagMove], store: TagStore) -> tuple[list[TagMove], StackyardError | None]:
    """Make the moves; once one failed no more are begun. Those that were begun, and the first failure."""
    begun: list[TagMove] = []
    failed: list[StackyardError] = []

    def make(move: TagMove) -> None:
        if failed:
            return
        begun.append(move)
        try:
            store.put(move.repository, move.tag, move.now)
        except StackyardError as error:
            failed.append(error)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(make, moves))
    return begun, failed[0] if failed else None


def finish_interrupted(store_of: dict[str, TagStore], records: Records) -> list[MoveSet]:
    """Finish every set that a killed command left half made; forward, since its content was checked before."""
    finished = []
    for moves in reversed(records.move_sets(state="intended")):
        store = store_of.get(moves.place)
        if store is None:
            continue
        _finish(moves, store, records)
        finished.append(moves)
    return finished


def _finish(moves: MoveSet, store: TagStore, records: Records) -> None:
    """Make the moves that are not made yet; a set that cannot be finished is settled, and told of once."""
    try:
        found = dict(zip(moves.changes, looked(store, moves.changes), strict=True))
        for move in moves.changes:
            if found[move] not in (move.was, move.now):  # someone else promoted since: theirs stands
                raise conflict(move.reference, move.was, found[move])
        for move in moves.changes:
            if found[move] != move.now:
                store.put(move.repository, move.tag, move.now)
    except (EngineUnavailable, RegistryUnreachable):
        raise  # nothing is known yet: the next command tries again
    except StackyardError as error:
        records.settle(moves, "undone")
        what = f"{moves.kind} of {moves.source} to {moves.channel}" if moves.channel else f"run {moves.source}"
        raise WorldError(
            f"the {what} was interrupted, and its tags cannot be finished: {error}",
            hint="some of its tags may have moved; promote or roll back again",
        ) from error
    records.settle(moves, "done")


def conflict(reference: Reference, expected: Digest | None, found: Digest | None) -> TagConflict:
    """The error for a tag that someone else moved: both digests, and where to look."""
    return TagConflict(
        f"not moving {reference}: it is at {found or 'nothing'}, and the plan saw {expected or 'nothing'}",
        hint="someone else moved it; look at `stackyard history`, then plan again",
        reference=str(reference),
        expected=expected,
        found=found,
    )


def _put_back(made: Iterable[TagMove], store: TagStore) -> tuple[bool, list[Reference]]:
    """Put back what was there before, newest first: whether no tag is where we put it, and those that are another's."""
    is_undone = True
    theirs: list[Reference] = []
    for move in reversed(list(made)):
        try:
            found = store.resolve(move.repository, move.tag)
            if found not in (move.was, move.now):
                theirs.append(move.reference)
            elif found == move.now and move.was is not None:
                store.put(move.repository, move.tag, move.was)
            elif found == move.now:
                is_undone = store.remove(move.repository, move.tag) and is_undone
        except StackyardError:
            is_undone = False
    return is_undone, theirs
