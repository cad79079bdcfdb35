# SPDX-License-Identifier: MIT
"""What changes inside: one inventory against another, as far as lines tell.

Pure. An inventory is what some command of the spec printed, mostly a package and its version a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from stackyard.model.names import TargetName
from stackyard.model.record import Inventoried, Record

_ENTRY = re.compile(r"(?:ii\s+)?([^\s=@]+)(?:\s*==\s*|\s*@\s*|\s+|=)(\S.*)")
"""A name and what follows: as pip, conda, dpkg and R print them."""


class ChangedEntry(msgspec.Struct, frozen=True):
    """One name that says something else than before."""

    name: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.name} {self.was} -> {self.now}"


class ContentsChange(msgspec.Struct, frozen=True):
    """How one inventory of an image differs from that of another."""

    target: TargetName
    inventory: str
    """What the spec says that it lists."""
    changed: tuple[ChangedEntry, ...] = ()
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def contents_changes(target: TargetName, old: Record, new: Record) -> tuple[ContentsChange, ...]:
    """What differs between the inventories that both records have."""
    before, after = _inventories(old), _inventories(new)
    found: list[ContentsChange] = []
    for command, entry in after.items():
        if command in before and before[command].output != entry.output:
            change = _difference(target, entry.description or command, before[command].output, entry.output)
            if change is not None:
                found.append(change)
    return tuple(found)


def _inventories(record: Record) -> dict[str, Inventoried]:
    """The newest good output of each command."""
    return {fact.command: fact for fact in record.facts if isinstance(fact, Inventoried) and fact.exit_code == 0}


def _difference(target: TargetName, inventory: str, old: str, new: str) -> ContentsChange | None:
    was, now = _entries(old), _entries(new)
    changed = tuple(
        ChangedEntry(name, *_versions(was[name], text)) for name, text in now.items() if was.get(name, text) != text
    )
    fresh = tuple(_line(name, text) for name, text in now.items() if name not in was)
    gone = tuple(_line(name, text) for name, text in was.items() if name not in now)
    return ContentsChange(target, inventory, changed, fresh, gone) if changed or fresh or gone else None


def _entries(output: str) -> dict[str, str]:
    """Name -> the rest of its line; a line without a rest, or whose name comes twice, is a name itself."""
    found: dict[str, str] = {}
    for line in filter(None, (" ".join(line.split()) for line in output.splitlines())):
        entry = _ENTRY.fullmatch(line)
        name, rest = (entry[1], entry[2]) if entry else (line, "")
        if found.get(name, rest) != rest:
            name, rest = line, ""
        found[name] = rest
    return found


def _versions(was: str, now: str) -> tuple[str, str]:
    """The first columns, where these differ already."""
    first: Sequence[str] = (was.split(" ")[0], now.split(" ")[0])
    return (first[0], first[1]) if first[0] != first[1] else (was, now)


def _line(name: str, rest: str) -> str:
    return f"{name} {rest.split(' ')[0]}" if rest else name
