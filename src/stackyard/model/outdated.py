# SPDX-License-Identifier: MIT
"""Packages of an image against what an index has now.

Pure
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from stackyard.model.difference import known_as
from stackyard.model.inventory import Inventory, Package, PackageKind

_PYTHON = re.compile(r"(?:^|/)python(\d\.\d+)/")
_PLAIN_VERSION = re.compile(r"\d+(?:\.\d+)*")


class Outdated(msgspec.Struct, frozen=True):
    """A package of which an index has another version than the image."""

    package: Package
    newest: str
    """The newest that fits the image's Python and platform."""


class Freshness(msgspec.Struct, frozen=True):
    """How an image's packages stand to an index."""

    name: str
    image: str
    python: str
    asked: int
    """How many packages the index was asked for."""
    outdated: tuple[Outdated, ...] = ()
    unknown: tuple[str, ...] = ()
    """Packages that the index has not."""
    unasked: tuple[tuple[PackageKind, int], ...] = ()
    """How many packages of other kinds there are, for which no index was asked."""


def askable(inventory: Inventory) -> dict[str, list[Package]]:
    """Packages that an index of Python's may know, by the names it knows them by."""
    found: dict[str, list[Package]] = {}
    for each in inventory.packages:
        if each.kind == "pypi":
            found.setdefault(known_as("pypi", each.name), []).append(each)
    return found


def python_of(inventory: Inventory) -> str:
    """The Python that most packages are installed for, `3.12`; empty where nothing says it."""
    paths = (_PYTHON.search(each.path) for each in inventory.packages if each.kind == "pypi")
    counts = Counter(found[1] for found in paths if found)
    if counts:
        return counts.most_common(1)[0][0]
    said = _PLAIN_VERSION.match(inventory.settings.env.get("PYTHON_VERSION", ""))
    return ".".join(said[0].split(".")[:2]) if said else ""


def outdated_of(installed: Iterable[Package], newest: Mapping[str, str]) -> tuple[Outdated, ...]:
    """Those that are older; a build of its own (`2.1+cu128`) is as new as the version it is of.

    Where a version is no plain number, another one counts as newer.
    """
    found = []
    for each in installed:
        now = newest.get(known_as("pypi", each.name))
        if now is not None and _is_older(each.version.partition("+")[0], now.partition("+")[0]):
            found.append(Outdated(each, now))
    return tuple(found)


def _is_older(version: str, other: str) -> bool:
    if _PLAIN_VERSION.fullmatch(version) and _PLAIN_VERSION.fullmatch(other):
        one, two = ([int(part) for part in text.split(".")] for text in (version, other))
        length = max(len(one), len(two))
        return one + [0] * (length - len(one)) < two + [0] * (length - len(two))
    return version != other
