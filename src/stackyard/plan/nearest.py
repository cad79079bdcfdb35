# SPDX-License-Identifier: MIT
"""The record that is most like what is wanted, and what is different from it.

In:   a target, its records, stored inputs, facts about parents and bases
Out:  Nearest: the record and every difference, nearest cause first
Pure. Why: docs/explanation/plan.md
Cost: the inputs of at most DEPTH builds are read: of none where one was made from the same inputs, of one where
      the newest differs in one thing

The newest record is not always the one to compare with: after work on a branch, or a revert, an older build
differs in one file where the newest differs in many. What people ask is the smallest answer that is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stackyard.model.inputs import Inputs, differences, identity
from stackyard.model.names import Digest, TargetName
from stackyard.model.reason import BaseMoved, DownloadMoved, ParentChanged, Reason
from stackyard.model.record import Built, Record
from stackyard.model.stack import Target

DEPTH = 8
"""So many different sets of inputs are compared, newest first."""


class Nearest(msgspec.Struct, frozen=True):
    """A record, and why a target is not what it was made from."""

    record: Record
    reasons: tuple[Reason, ...]


def nearest(
    target: Target,
    records: Sequence[Record],
    stored: Mapping[Digest, Inputs],
    parents: Mapping[TargetName, Digest | None],
    accepted: Mapping[str, Digest],
    images_folder: str,
) -> Nearest | None:
    """The record with the fewest differences, the newest of several; None where there is no record.

    Args:
        records: newest first.
        parents: content digests as they are to be now; None where that is not known yet.
    """
    if not records:
        return None
    wanted = identity(target.inputs)
    built = [record for record in records if record.built]
    candidates: list[Nearest] = []
    for record in [each for each in built if each.inputs == wanted] or list(_different(built)):
        then = target.inputs if record.inputs == wanted else stored.get(record.inputs)
        if then is not None:
            own = differences(target.inputs, then, target.places(images_folder))
            candidates.append(Nearest(record, (*own, *_moved_since(target, record, parents, accepted))))
            if len(candidates[-1].reasons) <= 1:  # nothing is nearer than one difference, but what needs no build
                break
    if not candidates:
        return Nearest(records[0], _moved_since(target, records[0], parents, accepted))
    return min(candidates, key=lambda each: len(each.reasons))


def _different(records: Iterable[Record]) -> Iterable[Record]:
    """The newest record of each set of inputs, as far back as is looked."""
    found: dict[Digest, Record] = {}
    for record in records:
        found.setdefault(record.inputs, record)
        if len(found) == DEPTH:
            break
    return found.values()


def _moved_since(
    target: Target, record: Record, parents: Mapping[TargetName, Digest | None], accepted: Mapping[str, Digest]
) -> tuple[Reason, ...]:
    if record.built is None:
        return ()
    now = {name: digest for name, digest in parents.items() if digest is not None}
    return tuple(
        moved(
            record.built,
            [(name, now[name]) for name in target.inputs.parents if name in now],
            [(reference, accepted[reference]) for reference in target.inputs.bases if reference in accepted],
            [(address, accepted[address]) for address in target.inputs.downloads if address in accepted],
        )
    )


def moved(
    then: Built,
    parents: Iterable[tuple[TargetName, Digest]],
    bases: Iterable[tuple[str, Digest]],
    downloads: Iterable[tuple[str, Digest]],
) -> Iterable[Reason]:
    """Parents, bases and downloads that were something else in the build `then`.

    Parents and bases that it did not have are no move; of a download nobody may have known what it gave.
    """
    then_parents, then_bases = dict(then.parents), dict(then.bases)
    for name, digest in parents:
        if then_parents.get(name, digest) != digest:
            yield ParentChanged(name, then_parents[name], digest)
    for reference, digest in bases:
        if then_bases.get(reference, digest) != digest:
            yield BaseMoved(reference, then_bases[reference], digest)
    then_downloads = dict(then.downloads)
    for address, digest in downloads:
        if then_downloads.get(address) != digest:
            yield DownloadMoved(address, then_downloads.get(address), digest)
