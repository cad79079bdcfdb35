# SPDX-License-Identifier: MIT
"""Locks as a stack declares them.

In:   text
Out:  LockTime, LockSet, LockTarget
Pure. Beside: model/lockfile, what is written; model/locking, what is done. Rules: docs/reference/locks.md
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.conda import SUBDIRS, CondaInputs
from stackyard.model.debian import DebianInputs
from stackyard.model.names import ImageName, Name, VersionName
from stackyard.model.spot import Spot

LockKind = Literal["pip", "conda", "debian"]
"""What is locked: each kind has its own resolver, and its own form of lock file."""
OLDEST = (3, 6)
"""The oldest Python that the resolver can resolve for."""
PLATFORMS = {
    name: (called, f"sys_platform == '{system}' and platform_machine == '{machine}'")
    for name, called, system, machine in (
        ("linux/amd64", "x86_64-manylinux_2_28", "linux", "x86_64"),
        ("linux/arm64", "aarch64-manylinux_2_28", "linux", "aarch64"),
        ("linux/riscv64", "riscv64-unknown-linux", "linux", "riscv64"),
        ("linux/amd64/musl", "x86_64-unknown-linux-musl", "linux", "x86_64"),
        ("linux/arm64/musl", "aarch64-unknown-linux-musl", "linux", "aarch64"),
        ("windows/amd64", "x86_64-pc-windows-msvc", "win32", "AMD64"),
        ("windows/arm64", "aarch64-pc-windows-msvc", "win32", "ARM64"),
        ("darwin/amd64", "x86_64-apple-darwin", "darwin", "x86_64"),
        ("darwin/arm64", "aarch64-apple-darwin", "darwin", "arm64"),
    )
}
"""What uv calls a platform, and the marker that is true there; none tells one C library of Linux from another."""
DEFAULT_PLATFORMS = ("linux/amd64", "linux/arm64")
"""Of sets whose images are for none in particular."""
DEFAULT_OUTPUTS: Mapping[LockKind, tuple[str, str]] = {
    "pip": ("lock.txt", "lock-{version}.txt"),
    "conda": ("conda-{platform}.lock", "conda-{version}-{platform}.lock"),
    "debian": ("debian-{arch}.txt", "debian-{arch}.txt"),
}
"""For one version that has no name, and for several."""

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
    """Empty where the kind needs none."""
    output: str
    """Relative to the stack's root."""
    kind: LockKind = "pip"
    platform: str = ""
    """The one it is for, of a kind that has a file for each; empty: for all of its set."""

    @property
    def can_be_resolved(self) -> bool:
        """Whether the resolver knows this Python; else the file is carried unchanged."""
        return self.kind != "pip" or tuple(int(part) for part in self.python.split(".")[:2]) >= OLDEST

    def __str__(self) -> str:
        """`Python 3.8.3`, `linux/arm64`, `Python 3.8.3 on linux/arm64`."""
        return " on ".join(filter(None, (f"Python {self.python}" if self.python else "", self.platform)))


class LockSet(msgspec.Struct, frozen=True):
    """What is locked together. Paths are relative to the stack's root."""

    name: str
    spot: Spot
    kind: LockKind = "pip"
    conda: CondaInputs | None = None
    debian: DebianInputs | None = None
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    projects: tuple[Project, ...] = ()
    packages: tuple[LocalPackage, ...] = ()
    platforms: tuple[str, ...] = DEFAULT_PLATFORMS
    indexes: tuple[str, ...] = ()
    """The first in place of the usual one; none: as the resolver is set up."""
    leave_out: tuple[str, ...] = ()
    allow_build: tuple[str, ...] = ()
    """Packages whose code may run to learn what they depend on."""
    images: tuple[ImageName, ...] = ()
    """Images that use the locks."""
    targets: tuple[LockTarget, ...] = ()

    def targets_for(self, version: VersionName | None) -> tuple[LockTarget, ...]:
        """The lock files that a version of its images uses; a set without versions has some for all."""
        wanted = version if any(target.version == version for target in self.targets) else None
        return tuple(target for target in self.targets if target.version == wanted)

    def platforms_of(self, target: LockTarget) -> tuple[str, ...]:
        """The platforms that a lock file is for."""
        return (target.platform,) if target.platform else self.platforms


def python_in(text: str) -> str | None:
    """`text` if it is the version of a Python."""
    return text if _PYTHON.fullmatch(text) else None


def normal_name(name: str) -> str:
    """A package's name as all that mean the same package have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def output_path(template: str, version: VersionName | None, folder: str, kind: LockKind, platform: str) -> str:
    """Where a lock file is: relative to the stack's root."""
    named = SUBDIRS.get(platform, "") if kind == "conda" else platform.replace("/", "-")
    filled = template.replace("{version}", str(version or "")).replace("{platform}", named)
    filled = filled.replace("{arch}", platform.partition("/")[2].replace("/", "-"))
    return posixpath.normpath(posixpath.join(folder, filled))
