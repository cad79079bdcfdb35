# SPDX-License-Identifier: MIT
"""Tags that move together: at the end of a run, in a promotion, in a rollback.

What was there before is part of the value, so undoing is always possible.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from stackyard.model.gates import GateState
from stackyard.model.known import TagPlace
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Reference, Repository


class TagMove(msgspec.Struct, frozen=True):
    """One tag: what it points at before and after; a local id in an engine, a manifest digest in a registry.

    A tag is taken away only by what takes back a set that brought it.
    """

    target: TargetName
    repository: Repository
    tag: Tag
    was: Digest | None
    """None: there was no such tag."""
    now: Digest | None
    """None: it is taken away, where that can be done."""

    @property
    def reference(self) -> Reference:
        """The tag in full."""
        return Reference(self.repository, self.tag)


class AskedPromotion(msgspec.Struct, frozen=True):
    """What somebody who promotes says."""

    source: str
    """A tag, a commit, a release, or `@good`: the newest run in which every image passed the channel's gates."""
    channel: str
    images: tuple[str, ...] = ()
    """Only these; none: all."""
    release: str = ""
    """What the set is called from now on; one is found where none is given."""
    notes: str = ""
    """What is to be said of it."""
    overridden: tuple[str, ...] = ()
    """Gates that need not have passed; `reason` says why."""
    reason: str = ""
    accept_because: str = ""
    """Believe the registry where it differs from the records, for this reason."""
    is_trusting: bool = False
    """Believe the records for where tags are; what somebody moved is then not noticed."""


class Difference(msgspec.Struct, frozen=True):
    """A tag that a registry had elsewhere than the records, and that a person took as it was."""

    reference: Reference
    recorded: Digest | None
    found: Digest | None


MoveState = Literal["intended", "done", "undone"]

Exclusion = Literal["machine", "exact", "best effort"]
"""Who was kept from moving tags meanwhile: who else is on this machine; everybody; everybody, as well as could be."""


class MoveSet(msgspec.Struct, frozen=True):
    """Moves that happen all or none; written down before the first one is made."""

    kind: Literal["run", "promote", "rollback", "adopt", "copy", "prune"]
    """`adopt` moves nothing: it says where tags were found. `copy` moves tags of another registry than the stack's.
    `prune` says which images were deleted: their content tags went with them."""
    place: TagPlace
    channel: str
    """The channel's template or name; empty for the branch tags of a run."""
    source: str
    """What a person asked to promote or go back to; the run's number for a run."""
    at: str
    moves: tuple[TagMove, ...]
    commit: str = ""
    """The commit whose images these are, where known."""
    state: MoveState = "intended"
    branch: str | None = None
    """The branch whose tags these are, for those of a run."""
    release: str = ""
    """The release whose images these are; for a rollback the one that the channel goes back to. Empty for a run."""
    by: str = ""
    """Who asked for it, where known."""
    notes: str = ""
    """What they said of it."""
    gates: tuple[GateState, ...] = ()
    """How the gates of a promotion stood; what was overridden stays here for ever."""
    accepted: tuple[Difference, ...] = ()
    """Where the registry was believed and not the records; `accepted_because` is the reason that was given."""
    accepted_because: str = ""
    staying: tuple[Reference, ...] = ()
    """Of a rollback that was made: tags that did not exist before, and that could not be taken away."""
    token: str = ""
    """What names this one attempt for other machines; empty where none can know of it."""
    exclusion: Exclusion | None = None
    """None where other machines need not be kept from anything."""
    id: int = 0
    """Given when it is written down; 0 before."""

    @property
    def changes(self) -> tuple[TagMove, ...]:
        """The moves that change something."""
        return tuple(move for move in self.moves if move.was != move.now)

    @property
    def puts(self) -> tuple[tuple[TagMove, Digest], ...]:
        """The moves that put a tag somewhere, and where: all but those that take one away."""
        return tuple((move, move.now) for move in self.moves if move.now is not None)

    def without(self, staying: Iterable[Reference]) -> MoveSet:
        """The set as it was made, where these tags could not be taken away."""
        left = frozenset(staying)
        made = tuple(move for move in self.moves if move.now is not None or move.reference not in left)
        return msgspec.structs.replace(self, moves=made, staying=tuple(sorted(left))) if left else self

    @property
    def missing(self) -> tuple[GateState, ...]:
        """Gates that have not passed, and keep it from being made."""
        return tuple(state for state in self.gates if state.answer == "missing")
