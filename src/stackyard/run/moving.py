# SPDX-License-Identifier: MIT
"""The moving tags of a run: where they are now, and the set that brings them to what was built.

In:   the targets of a set, with what their tags are to point at
Out:  the set as it was made; None where no tag is to be moved
May touch: the tags, the journal, the records
Raises: as run/tagging
Used by: run/driver, once for each set, when all of it is there
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from stackyard.model.known import TagPlace
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.plan import Plan
from stackyard.model.reference import Repository
from stackyard.record.journal import Journal
from stackyard.record.store import Records
from stackyard.run.tagging import finish, make
from stackyard.run.tags import TagStore, each


class Wanted(msgspec.Struct, frozen=True):
    """What the tags of one target are to point at."""

    target: TargetName
    repository: Repository
    tags: tuple[Tag, ...]
    digest: Digest


class Mover(msgspec.Struct, frozen=True):
    """Where a run's tags are, and who may move them."""

    store: TagStore
    journal: Journal

    def move(self, plan: Plan, number: int, at: str, wanted: Sequence[Wanted], records: Records) -> MoveSet | None:
        """Move the tags of a set, all or none, from wherever they are once nobody else moves any."""
        if not any(each.tags for each in wanted):
            return None
        revision = plan.revision
        place: TagPlace = "registry" if plan.is_publishing else "engine"
        commit = "" if revision.is_dirty else revision.commit
        todo = [(one, tag) for one in wanted for tag in one.tags]

        def moves() -> MoveSet:
            found = each(self.store, lambda pair: self.store.resolve(pair[0].repository, pair[1]), todo)
            made = tuple(
                TagMove(one.target, one.repository, tag, was, one.digest)
                for (one, tag), was in zip(todo, found, strict=True)
            )
            return MoveSet("run", place, "", str(number), at, made, commit, branch=revision.branch)

        done = moves()
        if done.changes:
            with self.journal.held(partial(finish, self.store)) as is_quiet:
                done = done if is_quiet else moves()
                done = make(done, self.store, self.journal) if done.changes else done
        for move, now in done.puts:  # also those that were there before these records knew of them
            records.put_tag(place, move.reference, now, revision.branch)
        return done
