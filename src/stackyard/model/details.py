# SPDX-License-Identifier: MIT
"""What only all files of a target tell: what it is made of, what looks at it. Known, or read when somebody asks.

In, out: values. Reading: asks who made it, once
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

from stackyard.model import canonical
from stackyard.model.inputs import Inputs
from stackyard.model.names import Digest

if TYPE_CHECKING:
    from stackyard.model.age import Age
    from stackyard.model.checks import Check

SuiteKind = Literal["basic", "integration", "checks", "inventory", "workflow"]
"""`checks`: declared in the spec; `workflow`: pytest in the image itself, where a GPU is."""


class Suite(msgspec.Struct, frozen=True):
    """Something that must pass before an image is published.

    `folders` are relative to the repository's root; `digest` is over all test code
    that can change the result, so a result is known by image content, suite and kind.
    """

    kind: SuiteKind
    folders: tuple[str, ...]
    digest: Digest
    max_age: Age | None = None
    """How old a pass may become before it counts no more."""
    is_parallel: bool = False
    """Whether it may run beside others on one engine, though it does not use our fixtures."""


class Details(msgspec.Struct, frozen=True):
    """What only all files of a target tell: what it is made of, and what looks at it."""

    inputs: Inputs
    suites: tuple[Suite, ...] = ()
    checks: tuple[Check, ...] = ()
    """What its suite `checks` looks at."""
    more_suites: tuple[Suite, ...] = ()
    """What nobody runs unasked: `stackyard test --kind` does, where what they need is there."""


class Reading:
    """The details of a target: as they are known, or read when somebody first asks.

    In a repository of thousands of images hardly any is looked at so closely. Two are equal that tell the same.
    """

    __slots__ = ("_details", "_packed", "_read")

    def __init__(self, packed: bytes = b"") -> None:
        """`packed`: the bytes of an earlier one."""
        self._packed = packed
        self._details: Details | None = None
        self._read: Callable[[], Details] | None = None

    @classmethod
    def of(cls, details: Details) -> Reading:
        """What is known."""
        made = cls()
        made._details = details
        return made

    @classmethod
    def later(cls, read: Callable[[], Details]) -> Reading:
        """What `read` gives, once it is asked for."""
        made = cls()
        made._read = read
        return made

    @property
    def details(self) -> Details:
        """Them. Raises what reading files does."""
        if self._details is None:
            if self._packed:
                _name_types()
                self._details = canonical.unpack(self._packed, Details)
            else:
                assert self._read is not None, "nobody said how to read it"
                self._details = self._read()
        return self._details

    @property
    def is_fresh(self) -> bool:
        """Whether they are known, and were never packed."""
        return not self._packed and self._details is not None

    def unless_known(self, read: Callable[[], Details]) -> None:
        """Say how to read them: of what was kept unread, nobody knows any more."""
        self._read = read

    def __bytes__(self) -> bytes:
        """Them in few bytes; none where they are not known."""
        if not self._packed and self._details is not None:
            self._packed = canonical.pack(self._details)
        return self._packed

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Reading) and self.details == other.details)

    def __hash__(self) -> int:
        return hash(self.details.inputs)


@functools.cache
def _name_types() -> None:
    """Give values their types' names that are imported for type checkers alone: few stacks need them."""
    from stackyard.model.age import Age
    from stackyard.model.checks import Check

    globals().update(Age=Age, Check=Check)
