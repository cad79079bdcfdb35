# SPDX-License-Identifier: MIT
"""Locks: what a stack declares, and lock files as they parse and print themselves.

In:   text
Out:  LockTime, LockSet (what is declared), Pin, LockFile
Pure. Beside: model/locking, what is done about them. Rules: docs/reference/locks.md
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.names import ImageName, Name, VersionName
from stackyard.model.spot import Spot

OLDEST = (3, 6)
"""The oldest Python that the resolver can resolve for."""
PLATFORMS = {
    "linux/amd64": ("x86_64-manylinux_2_28", "platform_machine == 'x86_64'"),
    "linux/arm64": ("aarch64-manylinux_2_28", "platform_machine == 'aarch64'"),
}
"""What the resolver calls a platform, and the marker that is true there alone."""
DEFAULT_OUTPUT = "lock.txt"
DEFAULT_OUTPUTS = "lock-{version}.txt"

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)(\d\d)Z?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_PYTHON = re.compile(r"\d+\.\d+(\.\d+)?")


class LockTime(Name):
    """An exact instant in UTC: `2020-12-11T19:09:36Z`; it sorts as it comes.

    >>> LockTime.parse("2020-12-11T190936")
    '2020-12-11T19:09:36Z'
    """

    __slots__ = ()
    kind = "time of a lock"
    form = _INSTANT
    hint = "write it with its zone: 2020-12-11T19:09:36Z, 2020-12-11T20:09:36+01:00; a stamp 2020-12-11T190936 is UTC"

    @classmethod
    def parse(cls, text: str) -> LockTime:
        """With any offset, or as a stamp; a time without a zone would mean something else on each machine."""
        stamp = _STAMP.fullmatch(text)
        written = f"{stamp[1]}T{stamp[2]}:{stamp[3]}:{stamp[4]}Z" if stamp else text
        try:
            if not _INSTANT.fullmatch(written):
                raise ValueError(text)
            return cls(datetime.fromisoformat(written).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        except (ValueError, OverflowError):
            raise InvalidValue(f"{text!r} is not a valid {cls.kind}", hint=cls.hint, kind=cls.kind, text=text) from None


class Project(msgspec.Struct, frozen=True):
    """A pyproject.toml whose dependencies are locked, with extras and dependency groups."""

    path: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class LocalPackage(msgspec.Struct, frozen=True):
    """A folder that is a package: it is left out of the lock, and what it depends on is in."""

    path: str
    extras: tuple[str, ...] = ()


class LockTarget(msgspec.Struct, frozen=True):
    """One lock file of a set: for a version, or the only one."""

    version: VersionName | None
    python: str
    output: str
    """Relative to the stack's root."""

    @property
    def can_be_resolved(self) -> bool:
        """Whether the resolver knows this Python; else the file is carried unchanged."""
        return tuple(int(part) for part in self.python.split(".")[:2]) >= OLDEST


class LockSet(msgspec.Struct, frozen=True):
    """What is locked together. Paths are relative to the stack's root."""

    name: str
    spot: Spot
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    projects: tuple[Project, ...] = ()
    packages: tuple[LocalPackage, ...] = ()
    platforms: tuple[str, ...] = tuple(PLATFORMS)
    indexes: tuple[str, ...] = ()
    """The first in place of the usual one; none: as the resolver is set up."""
    leave_out: tuple[str, ...] = ()
    allow_build: tuple[str, ...] = ()
    """Packages whose code may run to learn what they depend on."""
    images: tuple[ImageName, ...] = ()
    """Images that use the locks."""
    targets: tuple[LockTarget, ...] = ()

    def output_for(self, version: VersionName | None) -> str | None:
        """The lock file that a version of its images uses; a set without versions has one for all."""
        found = {target.version: target.output for target in self.targets}
        return found.get(version, found.get(None))


def python_in(text: str) -> str | None:
    """`text` if it is the version of a Python."""
    return text if _PYTHON.fullmatch(text) else None


def normal_name(name: str) -> str:
    """A package's name as all that mean the same package have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Pin(msgspec.Struct, frozen=True, order=True):
    """One line of a lock."""

    name: str
    version: str
    marker: str = ""
    """Where it counts, if not everywhere."""
    hashes: tuple[str, ...] = ()
    uploaded: str = ""
    """When the newest of its files came to the index; empty: not recorded."""


_HEADER = re.compile(r"# (\w+): (.*)")
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;]+)(?:\s*;\s*(.+))?")
_BEHIND = re.compile(r"\s+(?=--hash=|#|\\$)")
_HASH = re.compile(r"--hash=([^\s\\]+)")
_UPLOADED = re.compile(r"\s*# uploaded (\S+)")
_FIRST = "# Locked by `stackyard lock`: do not edit, the command below makes it again."


class LockFile(msgspec.Struct, frozen=True):
    """A lock file; one that was not made here has no header."""

    pins: tuple[Pin, ...]
    set: str = ""
    at: str = ""
    """The commit that its inputs are of, in full."""
    time: str = ""
    target: str = ""
    """Python and platforms."""
    resolver: str = ""
    again: str = ""
    """The command that makes it again."""
    kept: str = ""
    """What was taken from the lock before, where not all was looked for anew."""
    digest: str = ""
    """Over the pins as the header says it."""

    @classmethod
    def of(cls, text: str) -> LockFile:
        """Read a lock file: one of ours, or any list of `name==version`."""
        header: dict[str, str] = {}
        pins: list[Pin] = []
        for line in text.splitlines():
            if match := _UPLOADED.fullmatch(line):
                if pins:
                    pins[-1] = msgspec.structs.replace(pins[-1], uploaded=match[1])
            elif match := _HEADER.fullmatch(line):
                header.setdefault(match[1], match[2])
            elif line[:1].isspace():
                if pins:
                    hashes = (*pins[-1].hashes, *_HASH.findall(line))
                    pins[-1] = msgspec.structs.replace(pins[-1], hashes=hashes)
            elif match := _PIN.fullmatch(_BEHIND.split(line, maxsplit=1)[0]):
                pins.append(Pin(match[1], match[2], match[3] or "", tuple(_HASH.findall(line))))
        fields = {"set", "at", "time", "resolver", "again", "kept"}
        known = {name: text for name, text in header.items() if name in fields} if "again" in header else {}
        extra = {"target": header.get("for", ""), "digest": header.get("pins", "")} if known else {}
        return cls(tuple(pins), **known, **extra)

    @property
    def is_ours(self) -> bool:
        """Whether it says how it was made."""
        return bool(self.at and self.time)

    @property
    def body(self) -> str:
        """The pins as they are written: by name, hashes sorted."""
        return "".join(_lines(sorted(self.pins, key=lambda pin: (normal_name(pin.name), pin.version, pin.marker))))

    @property
    def body_digest(self) -> str:
        """Over the pins, as they are now."""
        return f"sha256:{hashlib.sha256(self.body.encode()).hexdigest()}"

    def __str__(self) -> str:
        facts = (
            ("set", self.set),
            ("at", self.at),
            ("time", self.time),
            ("for", self.target),
            ("resolver", self.resolver),
            ("kept", self.kept),
            ("again", self.again),
            ("pins", self.body_digest),
        )
        head = "".join(f"# {name}: {value}\n" for name, value in facts if value)
        return f"{_FIRST}\n{head}{self.body}"

    @property
    def versions(self) -> dict[tuple[str, str], str]:
        """The version of each package, by name and marker."""
        return {(normal_name(pin.name), pin.marker): pin.version for pin in self.pins}


def _lines(pins: Iterable[Pin]) -> Iterator[str]:
    for pin in pins:
        marker = f" ; {pin.marker}" if pin.marker else ""
        hashes = "".join(f" \\\n    --hash={value}" for value in sorted(pin.hashes))
        uploaded = f"\n    # uploaded {pin.uploaded}" if pin.uploaded else ""
        yield f"{pin.name}=={pin.version}{marker}{hashes}{uploaded}\n"


def output_path(template: str, version: VersionName | None, folder: str) -> str:
    """Where a lock file is: relative to the stack's root."""
    return posixpath.normpath(posixpath.join(folder, template.replace("{version}", str(version or ""))))
