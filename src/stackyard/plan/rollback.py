# SPDX-License-Identifier: MIT
"""Where a channel stands, and the way back.

In:   finished sets of moves, where the channel's tags are now
Out:  MoveSet, to be shown and then carried out
Raises: NothingToDo, TagConflict
Pure. Why: docs/explanation/promotion.md. Beside: channels, which goes forward
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

import msgspec

from stackyard.errors import NothingToDo
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Tag
from stackyard.model.reference import Reference
from stackyard.model.stack import Stack
from stackyard.plan.channels import Asked, Resolve, channel_tag, check_unmoved


def asked_of_rollback(history: Sequence[MoveSet], to: str = "") -> list[Asked]:
    """The tags that `plan_rollback` resolves; NothingToDo where the channel never was at the release `to`."""
    standing = _standing(history)
    undone = standing[len(_rest(standing, to)) :]
    return list(dict.fromkeys((move.repository, move.tag, False) for moves in undone for move in moves.moves))


def history_of(stack: Stack, channel: str, sets: Iterable[MoveSet]) -> list[MoveSet]:
    """What was done to a channel, as it is called now: of each set the moves of its tags, whatever it was called then.

    `{prefix}-stable` and `2026.3-stable` are one channel as long as the prefix is 2026.3.
    """
    tags = {channel_tag(stack, target, channel) for target in stack.targets}
    return _about(tags, sets)


def _about(tags: Container[Tag | None], sets: Iterable[MoveSet]) -> list[MoveSet]:
    found: list[MoveSet] = []
    for moves in sets:
        mine = tuple(move for move in moves.moves if move.tag in tags) if moves.channel else ()
        if len(mine) < len(moves.moves):
            moves = msgspec.structs.replace(moves, moves=mine)  # noqa: PLW2901 - the part that counts
            if moves.kind == "rollback" and not moves.changes:
                continue  # it took back what other channels had
        if mine:
            found.append(moves)
    return found


def plan_rollback(channel: str, history: Sequence[MoveSet], resolve: Resolve, at: str, to: str = "") -> MoveSet:
    """The moves that bring `channel` back to what it was before its current set, or when it came to the release `to`.

    A tag that did not exist then is taken away; where the registry cannot do that, who makes the moves says so.

    Args:
        history: finished sets of the channel, newest first: `history_of`.
    """
    standing = _standing(history)
    if not standing:
        raise NothingToDo(
            f"nothing to roll back: the records know no promotion to {channel!r}",
            hint="`stackyard history` lists the channels; `stackyard records sync` learns what others promoted",
            channel=channel,
        )
    if not standing[-1].changes:
        raise NothingToDo(
            f"nothing to roll back to: {channel!r} was where it is before its first promotion",
            hint="promote another release instead",
            channel=channel,
        )
    rest = _rest(standing, to)
    moved: dict[Reference, list[TagMove]] = {}
    for move in (move for undone in standing[len(rest) :] for move in undone.moves):
        moved.setdefault(move.reference, []).append(move)
    if not rest and all(moves[0].was is None for moves in moved.values()):
        raise NothingToDo(
            f"nothing to roll back to: {channel!r} did not exist before its first promotion",
            hint="promote another release instead; a tag that nobody is to use is deleted in the registry",
            channel=channel,
        )
    moves_back: list[TagMove] = []
    for moves in moved.values():
        was, now = moves[0].was, moves[-1].now
        found = resolve(moves[0].repository, moves[0].tag)
        if found not in (now, was):
            check_unmoved(moves[0].reference, now, found)
        if found is not None or was is not None:  # one that is gone already need not be taken away
            moves_back.append(TagMove(moves[0].target, moves[0].repository, moves[0].tag, found, was))
    before = rest[-1] if rest else None
    return MoveSet(
        kind="rollback",
        place=standing[-1].place,
        channel=channel,
        source=before.source if before else "what was there before",
        at=at,
        moves=tuple(moves_back),
        commit=before.commit if before else "",
        release=before.release if before else "",
    )


def _rest(standing: Sequence[MoveSet], release: str) -> Sequence[MoveSet]:
    """The sets that stay: all but the last, or up to the last promotion of a release before the current one."""
    if not release or not standing:
        return standing[:-1]
    channel = standing[-1].channel
    if standing[-1].release == release:
        raise NothingToDo(f"{channel!r} is at {release} already", hint="`stackyard releases` lists others")
    for last in range(len(standing) - 1, 0, -1):
        if standing[last - 1].release == release:
            return standing[:last]
    raise NothingToDo(
        f"{channel!r} never was at a release {release!r}, or was taken back from it",
        hint=f"`stackyard promote {release} --to {channel}` puts it there",
        channel=channel,
        release=release,
    )


def standing_sets(history: Sequence[MoveSet]) -> dict[str, MoveSet]:
    """The set each channel stands at, by channel; a channel whose every promotion was rolled back is left out.

    One that goes by two names is there once, by the name it was called last.

    Args:
        history: finished sets of any kind, newest first.
    """
    newest: dict[str, MoveSet] = {}
    for moves in history:
        if moves.channel:
            newest.setdefault(moves.channel, moves)
    found: dict[str, MoveSet] = {}
    for name, last in newest.items():
        tags = {move.tag for move in last.moves}
        standing = _standing(_about(tags, history))
        now = standing[-1] if standing else None
        if now is not None and now.channel != name:  # somebody called it otherwise since
            if tags <= {move.tag for move in now.moves} and now.channel in newest:
                continue
            now = next((moves for moves in reversed(standing) if moves.channel == name), now)
        if now is not None:
            found[name] = now
    return found


def _standing(history: Sequence[MoveSet]) -> list[MoveSet]:
    """Promotions of one channel that no rollback took back, oldest first.

    One that changed nothing (the same command typed twice) is not a step to go back, unless it is the first:
    then it says what the channel is.
    """
    standing: list[MoveSet] = []
    times: dict[str, int] = {}
    """How often each release stands there: a channel that goes back and forth for years is looked through once."""

    def take_back() -> None:
        times[standing.pop().release] -= 1

    for moves in reversed(history):
        if moves.kind == "rollback":
            if standing:  # of a promotion that nobody here knows, there is nothing to take away
                take_back()
            while times.get(moves.release) and standing[-1].release != moves.release:
                take_back()
        elif moves.changes or not standing:
            standing.append(moves)
            times[moves.release] = times.get(moves.release, 0) + 1
    return standing
