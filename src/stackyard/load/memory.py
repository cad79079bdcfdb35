# SPDX-License-Identifier: MIT
"""What was read once, and need not be read again: each target by all that it was made of.

In:   a key over everything that can change a target; guards, which name files that could too
Out:  the target and its findings as they were, or nothing
Pure: who wants to keep them beyond one process takes `kept` and hands it in again (record/cache.py)

A key is made of what a tree says of itself (git's ids of folders), so that nothing is read to find out. Where
such an id is not known nothing is remembered, and everything is read: a wrong answer is no way to be quick.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from stackyard.load.spec import values
from stackyard.load.spec.values import Spec
from stackyard.model import canonical, stack
from stackyard.model.stack import Finding, Target

_T = TypeVar("_T")
_PLAIN = msgspec.msgpack.Encoder(enc_hook=str.__str__)
_TIMES = 4
"""So many trees and settings are remembered, roughly, before what was not asked for is forgotten."""
_LITTLE = 100
"""One target in so many is read again rather than all written down anew."""


class Remembered(msgspec.Struct, frozen=True, array_like=True):
    """A target as it was made."""

    target: Target
    findings: tuple[Finding, ...]
    guards: tuple[tuple[str, str], ...]
    """Files that count beside what the key is over, and their states."""


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """What a file that lists images says."""

    spec: Spec
    findings: tuple[Finding, ...]


class Memory:
    """Targets by key. The same memory serves several trees of one repository, one after the other.

    Args:
        kept: what `kept` of an earlier memory was.
        reads_later: whether of an image of which a look tells enough the rest is read when somebody asks.
    """

    def __init__(self, kept: Mapping[bytes, bytes] | None = None, *, reads_later: bool = False) -> None:
        self._kept = kept or {}
        self.reads_later = reads_later
        self._known: dict[bytes, Remembered] = {}
        self._listed: dict[bytes, Listed] = {}
        self._used: set[bytes] = set()

    def listed(self, key: bytes, read: Callable[[], tuple[Spec, tuple[Finding, ...]]]) -> Listed:
        """What a file that lists images says: as it was, or as it is read now."""
        if key not in self._listed:
            found = self._unpacked(key, Listed)
            self._listed[key] = found if found is not None else Listed(*read())
        self._used.add(key)
        return self._listed[key]

    def recall(self, key: bytes, state_of: Callable[[str], str | None]) -> Remembered | None:
        """What is known under `key`, if its guards are as they were."""
        found = self._known.get(key) or self._unpacked(key, Remembered)
        if found is None or any(state_of(path) != state for path, state in found.guards):
            return None
        self._known[key] = found
        self._used.add(key)
        return found

    def _unpacked(self, key: bytes, kind: type[_T]) -> _T | None:
        """What was kept; nothing where it is not of this form."""
        if (data := self._kept.get(key)) is None:
            return None
        _name_all_types()
        try:
            return canonical.unpack(data, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def remember(self, key: bytes, made: Remembered) -> None:
        """Keep it for the next tree."""
        self._known[key] = made
        self._used.add(key)

    @property
    def has_news(self) -> bool:
        """Whether enough is known now that was not kept: a little is read again as quickly as all is written."""
        return sum(map(self._is_new, self._used)) * _LITTLE > len(self._used)

    @property
    def kept(self) -> dict[bytes, bytes]:
        """All that was of use in this process, and what was of use before, unless that has become much more."""
        before = self._kept if len(self._kept) <= _TIMES * len(self._used) else {}
        made: Mapping[bytes, Remembered | Listed] = {**self._known, **self._listed}
        return {
            **before,
            **{key: canonical.pack(made[key]) if self._is_new(key) else self._kept[key] for key in self._used},
        }

    def _is_new(self, key: bytes) -> bool:
        """Whether something was not kept, or was kept before somebody asked for more of it."""
        return key not in self._kept or (key in self._known and self._known[key].target.reading.is_fresh)


@functools.cache
def _name_all_types() -> None:
    """Give values their types' names that few stacks need, and that were imported for type checkers alone."""
    from stackyard.load.spec.checks import SpecChecks
    from stackyard.load.spec.locks import SpecLock
    from stackyard.load.spec.versions import VersionsFile
    from stackyard.load.tree.staging import FilesEntry
    from stackyard.model.age import Age
    from stackyard.model.attesting import Attesting
    from stackyard.model.caching import Caching
    from stackyard.model.gates import ChannelGates
    from stackyard.model.places import OtherRegistry
    from stackyard.model.timeout import Timeout

    for module in (stack, values):
        vars(module).setdefault("Age", Age)
        vars(module).setdefault("Attesting", Attesting)
        vars(module).setdefault("Caching", Caching)
        vars(module).setdefault("ChannelGates", ChannelGates)
        vars(module).setdefault("OtherRegistry", OtherRegistry)
        vars(module).setdefault("Timeout", Timeout)
    vars(values).setdefault("SpecLock", SpecLock)
    vars(values).setdefault("SpecChecks", SpecChecks)
    vars(values).setdefault("FilesEntry", FilesEntry)
    vars(values).setdefault("VersionsFile", VersionsFile)


def key_of(*parts: object) -> bytes:
    """One key over plain values: texts, names, numbers, and lists of them."""
    return hashlib.blake2b(_PLAIN.encode(parts), digest_size=16).digest()
