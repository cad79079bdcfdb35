# SPDX-License-Identifier: MIT
"""What a planned set of moves means for who uses the channel.

In:   Stack, MoveSet, Known
Out:  Preview
Pure. After: plan/channels, plan/rollback
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stackyard.model.contents import ContentsChange, contents_changes
from stackyard.model.difference import as_contents, beside, package_changes
from stackyard.model.inventory import Inventory
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, TargetName
from stackyard.model.preview import Preview
from stackyard.model.record import Inventoried, Record
from stackyard.model.reference import Reference, Repository
from stackyard.model.stack import Stack
from stackyard.plan.channels import channel_tag
from stackyard.plan.coherence import Standing, left_behind
from stackyard.plan.releases import parts_of, record_of


def preview(stack: Stack, moves: MoveSet, known: Known, kept: Mapping[Digest, Inventory]) -> Preview:
    """What changes inside, from the inventories that both images have, and what stays behind.

    Args:
        kept: inventories that were read from images, by content; what commands printed is told beside them.
    """
    contents: list[ContentsChange] = []
    unknown: dict[TargetName, None] = {}
    for name, *both in _replaced(moves, known):
        packages = _package_changes(name, both, kept)
        contents.extend(packages or ())
        old, new = (each if each is not None and _has_inventory(each) else None for each in both)
        if old is not None and new is not None:
            contents.extend(beside(packages or (), contents_changes(name, old, new)))
        elif packages is None and _has_commands(stack, name):
            unknown[name.whole] = None
    return Preview(tuple(contents), tuple(unknown), _left_behind(stack, moves, known))


def _package_changes(
    name: TargetName, both: Sequence[Record | None], kept: Mapping[Digest, Inventory]
) -> tuple[ContentsChange, ...] | None:
    """None where one of the inventories is not kept."""
    old, new = (kept.get(each.built.content) if each is not None and each.built else None for each in both)
    return None if old is None or new is None else as_contents(name, package_changes(old.packages, new.packages))


def without_inventory(stack: Stack, moves: MoveSet, known: Known) -> list[Record]:
    """Records of images that come or go, and of which what their commands printed would tell what changes."""
    replaced = [each for name, *both in _replaced(moves, known) for each in both if _has_commands(stack, name)]
    return [record for record in replaced if record is not None and not _has_inventory(record)]


def replaced(moves: MoveSet, known: Known) -> list[Record]:
    """Records of images that come or go."""
    return [record for _, *both in _replaced(moves, known) for record in both if record is not None]


_Both = tuple[TargetName, Record | None, Record | None]


def _has_commands(stack: Stack, name: TargetName) -> bool:
    return any(target.commands for target in stack.targets if target.name.whole == name.whole)


def _replaced(moves: MoveSet, known: Known) -> Iterator[_Both]:
    """Each image that takes another one's place, with both records; of one for several platforms each of these."""
    for move in moves.changes:
        if move.was is None or move.now is None:
            continue
        old, new = (record_of(known, move.target, move.repository, at, moves.place) for at in (move.was, move.now))
        parts, before = parts_of(known, new), dict(parts_of(known, old))
        yield from [(name, before.get(name), part) for name, part in parts] or [(move.target, old, new)]


def _has_inventory(record: Record) -> bool:
    return any(isinstance(fact, Inventoried) for fact in record.facts)


def _left_behind(stack: Stack, moves: MoveSet, known: Known) -> tuple[str, ...]:
    """What stays in the channel on another build of what moves."""
    promoted: dict[TargetName, Standing] = {}
    for move, now in moves.puts:
        promoted |= _standing(known, move.target, move.repository, now, moves.place)
    held: dict[TargetName, Standing] = {}
    for target in stack.targets:
        is_other = target.name not in promoted and target.name.platform is None
        tag = channel_tag(stack, target, moves.channel) if is_other else None
        digest = known.tag_at(moves.place, Reference(target.repository, tag)) if tag else None
        if digest is not None:
            held |= _standing(known, target.name, target.repository, digest, moves.place)
    return left_behind(promoted, held, moves.channel)


def _standing(
    known: Known, name: TargetName, repository: Repository, digest: Digest, place: TagPlace
) -> dict[TargetName, Standing]:
    """An image, and what it joins."""
    record = record_of(known, name, repository, digest, place)
    parts = {part: Standing(digest, of) for part, of in parts_of(known, record)}
    return {name: Standing(digest, record), **parts}
