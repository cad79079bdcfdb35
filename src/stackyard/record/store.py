# SPDX-License-Identifier: MIT
"""What any store of records can do. One contract test runs over each: tests/contract/test_records.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from stackyard.model.inputs import Inputs
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet, MoveState
from stackyard.model.names import Digest, TargetName
from stackyard.model.outcome import RunSummary
from stackyard.model.record import Built, Fact, Record
from stackyard.model.reference import Reference

if TYPE_CHECKING:
    from stackyard.edges.registry import Manifest
    from stackyard.model.accepted import Acceptance, Seen
    from stackyard.model.release import Release


class Records(Protocol):
    """Facts go in as they happen and are never changed; everything read back is a value."""

    def known(self) -> Known:
        """All that is known now."""

    def find(self, target: TargetName, build: Digest) -> Sequence[Record]:
        """Records of one target with this build fingerprint, newest first. May be called from any thread."""

    def open_record(
        self, target: TargetName, source: Digest, build: Digest, inputs: Inputs, run: int, built: Built
    ) -> Record:
        """A new record, beginning with the fact of its build."""

    def append(self, record: Record, fact: Fact) -> Record:
        """Add a fact; the record as it is then."""

    def accept(self, acceptances: Sequence[Acceptance]) -> None:
        """Set accepted digests of external bases, all or none; those of before are kept as history."""

    def acceptances(self) -> Sequence[Acceptance]:
        """Every accepted digest there ever was, newest first."""

    def note_seen(self, seen: Sequence[Seen]) -> None:
        """Note where registries have external bases now."""

    def put_tag(self, place: TagPlace, reference: Reference, digest: Digest, branch: str | None = None) -> None:
        """Note where a tag was put, and for a branch's tag which branch that is."""

    def begin_run(self, command: str, at: str) -> int:
        """Number of a new run, counted from 1."""

    def end_run(self, summary: RunSummary) -> None:
        """What happened in a run."""

    def runs(self, limit: int) -> Sequence[RunSummary]:
        """The newest finished runs, newest first."""

    def intend(self, moves: MoveSet) -> MoveSet:
        """Write a set of moves down before the first is made; it comes back with its id."""

    def settle(self, moves: MoveSet, state: MoveState) -> None:
        """How a set of moves ended; `done` also notes where its tags are now."""

    def keep_release(self, release: Release, manifests: Sequence[Manifest] = ()) -> None:
        """Keep a release for good, with the bytes of its members' manifests."""

    def releases(self) -> Sequence[Release]:
        """All of them, newest first."""

    def manifests(self, digests: Collection[Digest]) -> Sequence[Manifest]:
        """The bytes that releases keep, of those digests of which there are any."""

    def move_sets(self, channel: str | None = None, state: MoveState | None = None) -> Sequence[MoveSet]:
        """Sets of moves, newest first."""
