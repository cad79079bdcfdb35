# SPDX-License-Identifier: MIT
"""What a planned set of moves means for who uses the channel.

In:   Stack, MoveSet, Known
Out:  Preview
Pure. After: plan/channels, plan/rollback
"""

from __future__ import annotations

from collections.abc import Iterator

from stackyard.model.contents import ContentsChange, contents_changes
from stackyard.model.known import Known
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import TargetName
from stackyard.model.preview import Preview
from stackyard.model.record import Inventoried, Record
from stackyard.model.reference import Reference
from stackyard.model.stack import Stack
from stackyard.plan.channels import channel_tag
from stackyard.plan.coherence import Standing, left_behind
from stackyard.plan.releases import record_of


def preview(stack: Stack, moves: MoveSet, known: Known) -> Preview:
    """What changes inside, from the inventories that both images have, and what stays behind."""
    contents: list[ContentsChange] = []
    unknown: list[TargetName] = []
    for move, *both in _replaced(stack, moves, known):
        old, new = (each if each is not None and _has_inventory(each) else None for each in both)
        if old is None or new is None:
            unknown.append(move.target)
        else:
            contents.extend(contents_changes(move.target, old, new))
    return Preview(tuple(contents), tuple(unknown), _left_behind(stack, moves, known))


def without_inventory(stack: Stack, moves: MoveSet, known: Known) -> list[Record]:
    """Records of images that come or go, and whose inventory would tell what changes."""
    replaced = [each for _, *both in _replaced(stack, moves, known) for each in both]
    return [record for record in replaced if record is not None and not _has_inventory(record)]


def _replaced(stack: Stack, moves: MoveSet, known: Known) -> Iterator[tuple[TagMove, Record | None, Record | None]]:
    """Each image that takes another one's place and whose commands tell what is inside, with both records."""
    listing = {target.name for target in stack.targets if target.commands}
    for move in moves.changes:
        if move.was is not None and move.target in listing:
            old = record_of(known, move.target, move.repository, move.was, moves.place)
            yield move, old, record_of(known, move.target, move.repository, move.now, moves.place)


def _has_inventory(record: Record) -> bool:
    return any(isinstance(fact, Inventoried) for fact in record.facts)


def _left_behind(stack: Stack, moves: MoveSet, known: Known) -> tuple[str, ...]:
    """What stays in the channel on another build of what moves."""
    promoted: dict[TargetName, Standing] = {}
    for move in moves.moves:
        record = record_of(known, move.target, move.repository, move.now, moves.place)
        promoted[move.target] = Standing(move.now, record)
    held: dict[TargetName, Standing] = {}
    for target in stack.targets:
        tag = None if target.name in promoted else channel_tag(stack, target, moves.channel)
        digest = known.tag_at(moves.place, Reference(target.repository, tag)) if tag else None
        if digest is not None:
            record = record_of(known, target.name, target.repository, digest, moves.place)
            held[target.name] = Standing(digest, record)
    return left_behind(promoted, held, moves.channel)
