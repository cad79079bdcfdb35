# SPDX-License-Identifier: MIT
"""Moving tags: a set of moves carried out all or none, written down before the first.

In:   a MoveSet (a plan that was shown), a TagStore, the journal
Out:  the set as it ended
Raises: what the store raised, after putting back what was there before
Beside: run/tags (where they are)
Used by: run/moving (the end of a run), promote, rollback. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from stackyard.errors import (
    DigestMismatch,
    EngineUnavailable,
    NothingToDo,
    RegistryRefused,
    RegistryUnreachable,
    StackyardError,
    TagConflict,
    TakenOver,
    WorldError,
)
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest
from stackyard.model.reference import Reference, Repository
from stackyard.record.journal import Beat, Ending, Journal
from stackyard.run.tags import TagStore, each, looked


def carry_out(moves: MoveSet, store: TagStore, journal: Journal, *, is_fresh: bool = False) -> MoveSet:
    """Move all tags of the set, or none; several at a time.

    Whether we may write, every source, and every tag is looked at before the first is moved: one that is not where the
    plan saw it stops everything.

    Args:
        is_fresh: the plan looked just now: nobody was asked meanwhile.
    """
    for repository in _one_of_each(moves.changes):
        store.refuse_reader(repository)
    # Of what is taken away the content is made ready, too: it is put back where the rest of the set fails.
    each(store, lambda move: store.ready(move.repository, _content(move)), moves.changes)
    with journal.held(partial(finish, store)) as is_quiet:
        if not (is_fresh and is_quiet):
            refuse_moved(store, moves.moves)
        return make(moves, store, journal)


def _content(move: TagMove) -> Digest:
    content = move.now or move.was
    assert content is not None  # a move that is from nowhere to nowhere changes nothing
    return content


def _one_of_each(moves: Sequence[TagMove]) -> list[Repository]:
    """One repository of each namespace: rights are given by those, and a look at each repository would cost more."""
    found: dict[str, Repository] = {}
    for move in moves:
        found.setdefault(move.repository.canonical.rpartition("/")[0], move.repository)
    return list(found.values())


def refuse_moved(store: TagStore, moves: Sequence[TagMove]) -> None:
    """TagConflict for a tag that is not where the plan saw it."""
    for move, found in zip(moves, looked(store, moves), strict=True):
        if found not in (move.was, move.now):
            raise conflict(move.reference, move.was, found)


def make(moves: MoveSet, store: TagStore, journal: Journal) -> MoveSet:
    """Make the moves of a set that was looked at; the journal is held.

    If a move fails, those already made are put back, but for tags that somebody else has moved since: theirs stand,
    and the error names them. What cannot be put back now leaves the set `intended`, and the next command finishes it.
    """
    written = journal.intend(moves)
    error, staying = _made(written.changes, store, journal.beat)
    made = written.without(staying)
    if error is None and (made.changes or not staying):
        return journal.end(made, "done")
    if error is None:
        journal.end(written, "undone")
        raise NothingToDo(
            f"nothing was taken back: {named(staying)} did not exist before, and the registry takes no tag away",
            hint="delete it where the registry's own pages or tools can, or promote another release",
            channel=moves.channel,
        )
    if isinstance(error, TakenOver):
        raise error
    back = _put_back(written.changes, store, journal.beat)
    if back.is_whole:
        journal.end(written, "undone")
    raise back.told(error)


def finish(store: TagStore, moves: MoveSet, beat: Beat) -> Ending:
    """Make a set whole that a killed command left half made: forward, since its content was checked before; else back.

    Raises what passes by itself: nothing is known yet, and the next command tries again.
    """
    found = dict(zip(moves.changes, looked(store, moves.changes), strict=True))
    staying: Sequence[Reference] = ()
    strange = [move for move in moves.changes if found[move] not in (move.was, move.now)]
    if strange:  # someone else promoted since: theirs stands
        error: StackyardError | None = conflict(strange[0].reference, strange[0].was, found[strange[0]])
    else:
        error, staying = _made([move for move in moves.changes if found[move] != move.now], store, beat)
    if error is None:
        made = moves.without(staying)
        return Ending("done" if made.changes or not staying else "undone", staying=tuple(staying))
    if _passes(error):
        raise error
    back = _put_back(moves.changes, store, beat)
    if back.failed:
        raise back.told(error)
    what = f"{moves.kind} of {moves.source} to {moves.channel}" if moves.channel else f"run {moves.source}"
    stays = f"; {named(back.stuck)} did not exist before, and cannot be removed" if back.stuck else ""
    problem = WorldError(
        f"the {what} was interrupted, and its tags cannot be finished: {error}{stays}",
        hint="it was put back; promote or roll back again",
    )
    return Ending("undone", problem)


def _passes(error: StackyardError) -> bool:
    """Whether the same request may go well a little later."""
    if isinstance(error, RegistryRefused):
        return error.status == 429 or int(str(error.status)) >= 500
    return isinstance(error, (EngineUnavailable, RegistryUnreachable, TakenOver))


class _Made(NamedTuple):
    """What came of making moves."""

    error: StackyardError | None
    """The first failure; of several, that another machine took over, since then nothing may be put back."""
    staying: list[Reference]
    """What was to be taken away, and cannot be."""


def _made(moves: Sequence[TagMove], store: TagStore, beat: Beat) -> _Made:
    """Make the moves, and look at each when all are made; once one failed no more are begun.

    Tags are taken away last: what is put is then known to be there. One that the registry does not delete, or not for
    us, stays, which is no failure: it is told.
    """
    failed: list[StackyardError] = []
    staying: list[Reference] = []

    def each_move(do: Callable[[TagMove], object], some: Sequence[TagMove]) -> None:
        def guarded(move: TagMove) -> None:
            if failed:
                return
            try:
                beat()
                do(move)
            except StackyardError as error:
                failed.append(error)

        each(store, guarded, some)

    def put(move: TagMove) -> None:
        assert move.now is not None
        store.put(move.repository, move.tag, move.now, is_read_back=False)

    def look(move: TagMove) -> None:
        found = store.resolve(move.repository, move.tag)
        if found != move.now:
            raise _strayed(move, found)

    def take_away(move: TagMove) -> None:
        if not _taken_away(store, move):
            staying.append(move.reference)

    putting = [move for move in moves if move.now is not None]
    each_move(put, putting)
    if store.is_shared:
        each_move(look, putting)
    each_move(take_away, [move for move in moves if move.now is None])
    taken_over = next((error for error in failed if isinstance(error, TakenOver)), None)
    return _Made(taken_over or (failed[0] if failed else None), sorted(staying))


def _taken_away(store: TagStore, move: TagMove) -> bool:
    """Whether the tag is gone, unless somebody moved it meanwhile: that is an error."""
    found = store.resolve(move.repository, move.tag)
    if found not in (move.was, None):
        raise conflict(move.reference, move.was, found)
    try:
        return found is None or (
            store.remove(move.repository, move.tag) and store.resolve(move.repository, move.tag) is None
        )
    except RegistryRefused as error:
        if error.status in (401, 403):  # who may move tags need not be allowed to delete them
            return False
        raise


def _strayed(move: TagMove, found: Digest | None) -> DigestMismatch:
    lost = "the registry took it and lost it" if found == move.was else "somebody else moved it at the same time"
    return DigestMismatch(
        f"{move.reference} was put at {move.now} and is at {found or 'nothing'}: {lost}",
        hint=f"look at `stackyard show {move.tag}`, then plan again",
        expected=move.now,
        found=found,
    )


class _Back(NamedTuple):
    """What is not where it was before."""

    failed: list[Reference]
    """Nobody knows, or it could not be put back."""
    stuck: list[Reference]
    """It did not exist before, and the registry takes no tag away."""
    theirs: list[Reference]
    """Somebody else moved it meanwhile."""

    @property
    def is_whole(self) -> bool:
        """Whether no tag is where we put it."""
        return not self.failed and not self.stuck

    def told(self, error: StackyardError) -> StackyardError:
        """The error, with what came of putting back; the error alone where all is as it was."""
        parts = [str(error)]
        if self.theirs:
            parts.append(f"not put back is what somebody else moved meanwhile: {named(self.theirs)}")
        if not self.is_whole:
            left = named([*self.failed, *self.stuck])
            parts.append(f"the next command finishes the set, since not all could be put back: {left}")
        if len(parts) == 1:
            return error
        told = WorldError(
            "; ".join(parts), hint=error.hint or "`stackyard history` shows who", left_alone=tuple(self.theirs)
        )
        told.__cause__ = error
        return told


def named(references: Sequence[Reference]) -> str:
    """A few of them, and how many more."""
    more = f" and {len(references) - 5} more" if len(references) > 5 else ""
    return ", ".join(map(str, references[:5])) + more


def _put_back(moves: Sequence[TagMove], store: TagStore, beat: Beat) -> _Back:
    """Put back what was there before, newest first."""
    back = _Back([], [], [])

    def put(move: TagMove) -> None:
        try:
            beat()
            found = store.resolve(move.repository, move.tag)
            if found not in (move.was, move.now):
                back.theirs.append(move.reference)
            elif found == move.now and move.was is not None:
                store.put(move.repository, move.tag, move.was)
            elif found == move.now and not store.remove(move.repository, move.tag):
                back.stuck.append(move.reference)
        except StackyardError:
            back.failed.append(move.reference)

    each(store, put, moves[::-1])
    for some in back:
        some.sort()
    return back


def conflict(reference: Reference, expected: Digest | None, found: Digest | None) -> TagConflict:
    """The error for a tag that someone else moved: both digests, and where to look."""
    return TagConflict(
        f"not moving {reference}: it is at {found or 'nothing'}, and the plan saw {expected or 'nothing'}",
        hint=f"someone else moved it; look at `stackyard show {reference.tag}`, then plan again",
        reference=str(reference),
        expected=expected,
        found=found,
    )
