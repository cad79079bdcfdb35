# SPDX-License-Identifier: MIT
"""A package that somebody looks for, and the images that have it.

Pure
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.difference import known_as
from stackyard.model.inside import Subject
from stackyard.model.inventory import Package


class Holding(msgspec.Struct, frozen=True):
    """An image, what leads to it, and what of the wanted packages it has."""

    subject: Subject
    places: tuple[str, ...]
    """Channels and releases that hold it; empty for one that is only the newest build."""
    is_newest: bool = False
    packages: tuple[Package, ...] = ()

    def with_packages(self, packages: Iterable[Package]) -> Holding:
        """The same, with what was found in it."""
        return msgspec.structs.replace(self, packages=tuple(packages))


class Wanted(msgspec.Struct, frozen=True):
    """A package by its name, which may be a pattern, and perhaps its version.

    >>> [str(Wanted.parse(text)) for text in ("NumPy", "numpy==2.1", "lib*==1.*")]
    ['NumPy', 'numpy==2.1', 'lib*==1.*']
    """

    name: str
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """`PACKAGE` or `PACKAGE==VERSION`."""
        name, _, version = text.partition("==")
        if not name.strip():
            raise InvalidValue(
                f"{text!r} names no package", hint="write PACKAGE or PACKAGE==VERSION", kind="package", text=text
            )
        return cls(name.strip(), version.strip())

    def __str__(self) -> str:
        return f"{self.name}=={self.version}" if self.version else self.name

    def among(self, packages: Iterable[Package]) -> tuple[Package, ...]:
        """Those that are meant, whatever their case, and with Python's packages however they are spelled."""
        return tuple(each for each in packages if self._is(each))

    def _is(self, package: Package) -> bool:
        name, wanted = (known_as(package.kind, text).lower() for text in (package.name, self.name))
        is_named = fnmatch.fnmatchcase(name, wanted) if set(wanted) & set("*?[") else name == wanted
        return is_named and (not self.version or fnmatch.fnmatchcase(package.version, self.version))
