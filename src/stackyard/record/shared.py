# SPDX-License-Identifier: MIT
"""Records that others see, too: kept here, and given to the registry beside the images as they happen.

In, out: as record/store.py
May touch: the file that the local store touches; the registry
Raises: what the local store raises; of the registry nothing: what could not be given is told by `flush`, and later

A record travels once its image is published: before that, nobody else could do anything with it. Threads of
its own bring it, so that no build waits; they are given values, and the file is written by the caller's thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from stackyard.edges.registry import Registry
from stackyard.errors import StackyardError
from stackyard.model.inputs import Inputs
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet, MoveState
from stackyard.model.names import Digest, TargetName
from stackyard.model.outcome import RunSummary
from stackyard.model.record import Built, Fact, Record
from stackyard.model.reference import Reference, Repository
from stackyard.model.shared import Shared
from stackyard.record.artifacts import read_pointer, write_moves, write_record, write_release
from stackyard.record.sqlite import SqliteRecords

if TYPE_CHECKING:
    from stackyard.edges.registry import Manifest
    from stackyard.model.accepted import Acceptance, Seen
    from stackyard.model.release import Release

_CONNECTIONS = 8

Place = Callable[[Record], Repository | None]
"""The repository whose registry is given a record; None: none is."""


class _Parcel(msgspec.Struct, frozen=True):
    """What one record's journey needs, as values."""

    repository: Repository
    record: Record
    inputs: Inputs
    accepted: tuple[Acceptance, ...]


class SharedRecords:
    """The local store, and what of it travels.

    Args:
        place: see Place.
        home: the repository that has the journal.
    """

    def __init__(self, local: SqliteRecords, registry: Registry, place: Place, home: Repository | None = None) -> None:
        self.local = local
        self._home = home
        self._registry = registry
        self._place = place
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._waiting: dict[str, _Parcel] = {}
        self._under_way: set[str] = set()
        self._journeys: list[Future[None]] = []
        self._brought: dict[str, Record] = {}
        self._failed: dict[str, str] = {}
        self._inputs: dict[str, Inputs] = {}

    # What travels

    def open_record(
        self, target: TargetName, source: Digest, build: Digest, inputs: Inputs, run: int, built: Built
    ) -> Record:
        """As the local store."""
        record = self.local.open_record(target, source, build, inputs, run, built)
        self._inputs[record.id] = inputs
        return record

    def append(self, record: Record, fact: Fact) -> Record:
        """As the local store; a published record is then brought to the registry, meanwhile."""
        record = self.local.append(record, fact)
        if record.is_published:
            self._send(record)
        return record

    def send_unshared(self) -> int:
        """Bring what an earlier run could not; how many records, releases and sets of moves."""
        left = self.local.unshared()
        return sum(map(self._send, left)) + len(self.local.unshared_releases()) + len(self.local.unshared_moves())

    def settle(self, moves: MoveSet, state: MoveState) -> None:
        """As the local store; `flush` brings what was done and the journal could not bring."""
        self.local.settle(moves, state)

    def _send_moves(self) -> None:
        for moves in self.local.unshared_moves():
            try:
                write_moves(self._registry, self._home or moves.moves[0].repository, moves)
            except StackyardError as error:
                self._failed[f"moves {moves.id}"] = str(error)
            else:
                self.local.note_moves_shared(moves)

    def send_releases(self) -> None:
        """Bring releases that no registry has; `flush` tells what could not be brought."""
        for release in self.local.unshared_releases():
            try:
                kept = self.local.manifests({member.digest for member in release.members})
                write_release(self._registry, self._home or release.members[0].repository, release, kept)
            except StackyardError as error:
                self._failed[f"release {release.mark}"] = str(error)
            else:
                self.local.note_release_shared(release)
                self._failed.pop(f"release {release.mark}", None)

    def flush(self) -> tuple[str, ...]:
        """Wait for all journeys and write down what arrived; a sentence for each kind of failure."""
        while self._journeys:
            self._journeys.pop().result()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        self.send_releases()
        self._send_moves()
        if self._brought:
            self.local.note_shared(tuple(self._brought.values()))
            self._brought.clear()
        failed, self._failed = self._failed, {}
        kinds = dict.fromkeys(failed.values())
        counts = {kind: sum(1 for words in failed.values() if words == kind) for kind in kinds}
        return tuple(
            f"{count} record{'s' if count > 1 else ''} could not be written beside the images, "
            f"and will be by the next run: {words}"
            for words, count in counts.items()
        )

    def learn(self, wanted: Sequence[tuple[Repository, TargetName]]) -> int:
        """Take over what others know of some targets, one request for each; how much was new.

        From then on there are records here, be it none of any build: who asked once need not ask again.

        Raises:
            StackyardError: a registry cannot be asked, and was not asked for the rest; what others
                answered was taken over.
        """
        failed: list[StackyardError] = []

        def read(each: tuple[Repository, TargetName]) -> list[tuple[Repository, Shared]]:
            if failed:
                return []
            try:
                return [(each[0], one) for one in read_pointer(self._registry, *each, self.local.platform)]
            except StackyardError as error:
                failed.append(error)
                return []

        found: list[tuple[Repository | None, Shared]] = []
        found += read(wanted[0])  # where nobody answers, it is waited for once
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            found += [one for some in pool.map(read, wanted[1:]) for one in some]
        if failed and not found:
            raise failed[0]
        fresh = self.local.merge(found)
        if failed:
            raise failed[0]
        return fresh

    def _send(self, record: Record) -> bool:
        repository = self._place(record)
        inputs = self._inputs.get(record.id) or self.local.inputs.get(record.inputs)
        if repository is None or inputs is None:
            return False
        parcel = _Parcel(repository, record, inputs, self._accepted_for(record))
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="records")
        with self._lock:
            self._waiting[record.id] = parcel  # what waits with fewer facts need not travel
            if record.id not in self._under_way:
                self._under_way.add(record.id)
                self._journeys.append(self._pool.submit(self._bring, record.id))
        return True

    def _accepted_for(self, record: Record) -> tuple[Acceptance, ...]:
        outside = dict(record.built.outside) if record.built else {}
        found: dict[str, Acceptance] = {}
        for each in self.local.acceptances() if outside else ():  # newest first
            if outside.get(each.reference) == each.digest:
                found.setdefault(each.reference, each)
        return tuple(found.values())

    def _bring(self, name: str) -> None:
        while True:
            with self._lock:
                parcel = self._waiting.pop(name, None)
                if parcel is None:
                    self._under_way.discard(name)
                    return
            try:
                write_record(
                    self._registry,
                    parcel.repository,
                    parcel.record,
                    parcel.inputs,
                    self.local.platform,
                    parcel.accepted,
                )
            except StackyardError as error:
                self._failed[name] = str(error)
                self._brought.pop(name, None)
            else:
                self._brought[name] = parcel.record
                self._failed.pop(name, None)

    # What stays here

    def known(self) -> Known:
        """As the local store."""
        return self.local.known()

    def find(self, target: TargetName, build: Digest) -> Sequence[Record]:
        """As the local store."""
        return self.local.find(target, build)

    def accept(self, acceptances: Sequence[Acceptance]) -> None:
        """As the local store."""
        self.local.accept(acceptances)

    def acceptances(self) -> Sequence[Acceptance]:
        """As the local store."""
        return self.local.acceptances()

    def note_seen(self, seen: Sequence[Seen]) -> None:
        """As the local store."""
        self.local.note_seen(seen)

    def put_tag(self, place: TagPlace, reference: Reference, digest: Digest, branch: str | None = None) -> None:
        """As the local store."""
        self.local.put_tag(place, reference, digest, branch)

    def begin_run(self, command: str, at: str) -> int:
        """As the local store."""
        return self.local.begin_run(command, at)

    def end_run(self, summary: RunSummary) -> None:
        """As the local store."""
        self.local.end_run(summary)

    def runs(self, limit: int) -> Sequence[RunSummary]:
        """As the local store."""
        return self.local.runs(limit)

    def intend(self, moves: MoveSet) -> MoveSet:
        """As the local store."""
        return self.local.intend(moves)

    def keep_release(self, release: Release, manifests: Sequence[Manifest] = ()) -> None:
        """As the local store; `send_releases` brings it."""
        self.local.keep_release(release, manifests)

    def releases(self) -> Sequence[Release]:
        """As the local store."""
        return self.local.releases()

    def manifests(self, digests: Collection[Digest]) -> Sequence[Manifest]:
        """As the local store."""
        return self.local.manifests(digests)

    def move_sets(self, channel: str | None = None, state: MoveState | None = None) -> Sequence[MoveSet]:
        """As the local store."""
        return self.local.move_sets(channel, state)

    def close(self) -> None:
        """End the threads, and let go of the file."""
        if self._pool is not None:
            self._pool.shutdown()
        self.local.close()
