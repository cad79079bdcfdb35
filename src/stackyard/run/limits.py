# SPDX-License-Identifier: MIT
"""How many jobs run at once: what the machine carries, and what a person said instead.

In:   a machine's Size; the text of `--jobs`
Out:  Limits
Pure. Why: docs/explanation/how-a-run-works.md
Raises: InvalidValue for a text that is none
"""

from __future__ import annotations

import msgspec

from stackyard.edges.machine import Size
from stackyard.errors import InvalidValue
from stackyard.model.names import nearest
from stackyard.run.events import Limits

BUILD_MEMORY = 2 << 30
"""Bytes that a build is granted: a compiler and its linker, a solver with its index."""
BUILD_DISK = 5_000_000_000
"""Bytes that a build is granted: layers of a large image before it is there, and the cache beside them."""
MOST_TESTS = 4
MOST = 64
"""A number beyond this is a slip of the keyboard."""
_FIELDS = {"build": "builds", "test": "tests", "push": "transfers"}
_HINT = "--jobs 4 for builds, or by kind: --jobs build=2,test=1,push=4"


def usual(size: Size) -> Limits:
    """One build per core, fewer where memory or disk are short; as many suites of tests, up to a few; pushes as ever.

    Suites that may use fixed ports of the host wait for each other by themselves.

    >>> usual(Size(cores=8, memory_bytes=7 << 30)).builds
    3
    """
    builds = size.cores
    if size.memory_bytes is not None:
        builds = min(builds, size.memory_bytes // BUILD_MEMORY)
    if size.free_bytes is not None:
        builds = min(builds, size.free_bytes // BUILD_DISK)
    return Limits(builds=max(1, min(builds, MOST)), tests=max(1, min(size.cores, MOST_TESTS)))


def told(size: Size, limits: Limits) -> str:
    """A sentence on limits, with what they come from.

    >>> told(Size(cores=2), Limits(builds=2))
    'At once run 2 builds, 1 suite of tests and 4 pushes or fetches: there are 2 cores.'
    """
    facts = [_count(size.cores, "core")]
    facts += [f"{size.memory_bytes / 2**30:.1f} GiB of free memory"] if size.memory_bytes is not None else []
    facts += [f"{size.free_bytes / 1e9:.1f} GB of free disk"] if size.free_bytes is not None else []
    what = f"{_count(limits.builds, 'build')}, {limits.tests} suite{'s' if limits.tests > 1 else ''} of tests"
    return f"At once run {what} and {limits.transfers} pushes or fetches: there are {', '.join(facts)}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def limits_of(text: str, usual: Limits) -> Limits:
    """What `--jobs` says; kinds that it does not name stay as usual.

    >>> limits_of("build=2,push=1", Limits())
    Limits(builds=2, tests=1, transfers=1)
    """
    if "=" not in text and "," not in text:
        return msgspec.structs.replace(usual, builds=_number(text, text))
    found: dict[str, int] = {}
    for part in text.split(","):
        kind, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals or kind not in _FIELDS:
            near = nearest(kind, list(_FIELDS))
            hint = f"did you mean {near!r}?" if near else _HINT
            raise _invalid(f"--jobs: {part.strip()!r} is not a kind of job and a number", text, hint)
        if _FIELDS[kind] in found:
            raise _invalid(f"--jobs names {kind!r} twice", text)
        found[_FIELDS[kind]] = _number(number, text)
    return msgspec.structs.replace(usual, **found)


def _number(digits: str, text: str) -> int:
    """At least one: a kind without a place would never come to an end."""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 3 and 1 <= int(digits) <= MOST):
        raise _invalid(f"--jobs: {digits!r} is not a number from 1 to {MOST}", text)
    return int(digits)


def _invalid(sentence: str, text: str, hint: str = _HINT) -> InvalidValue:
    return InvalidValue(sentence, hint=hint, kind="number of jobs", text=text)
