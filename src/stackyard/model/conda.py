# SPDX-License-Identifier: MIT
"""Conda environments as a stack declares them, and explicit locks of them as they are written.

In:   text
Out:  CondaInputs; Explicit, a form of lock file
Pure. Rules: docs/reference/locks.md

conda, mamba and micromamba read the file as it is. Old ones take each line below `@EXPLICIT` for an address, comments
too, so the times stand above it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

SUBDIRS = {"linux/amd64": "linux-64", "linux/arm64": "linux-aarch64", "linux/ppc64le": "linux-ppc64le"}
"""What conda calls a platform."""
_SYSTEM = {"__unix": "0=0", "__linux": "5.10=0", "__glibc": "2.28=0"}
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64", "linux/ppc64le": "ppc64le"}
SYSTEM_PACKAGE = re.compile(r"(?:__)?([a-z0-9_]+)\s*=\s*([A-Za-z0-9_.]+)(?:\s*=\s*([A-Za-z0-9_.]+))?")
"""`__cuda=12.4`, `glibc=2.31`, `__archspec=1=zen3`."""


class CondaInputs(msgspec.Struct, frozen=True):
    """What a set of this kind locks. Paths are relative to the stack's root."""

    environments: tuple[str, ...]
    """Files environment.yml."""
    channels: tuple[str, ...] = ()
    """In place of those that the files name."""
    system: tuple[str, ...] = ()
    """Virtual packages that are otherwise than usual: `__cuda=12.4=0`."""

    def system_of(self, platform: str) -> tuple[str, ...]:
        """The virtual packages of a platform, `NAME=VERSION=BUILD`: what the solver takes the machine to have."""
        usual = {**_SYSTEM, "__archspec": f"1={_MACHINES[platform]}"}
        own = dict(text.split("=", 1) for text in self.system)
        return tuple(f"{name}={facts}" for name, facts in sorted({**usual, **own}.items()))


def system_package(text: str) -> str | None:
    """A virtual package as `NAME=VERSION=BUILD`; None for what is none."""
    match = SYSTEM_PACKAGE.fullmatch(text.strip())
    return f"__{match[1].removeprefix('__')}={match[2]}={match[3] or '0'}" if match else None


EXPLICIT = "@EXPLICIT"
_UPLOADED = re.compile(r"# uploaded (\S+) (\S+)")
_ENDS = (".conda", ".tar.bz2")


class PinnedFile(msgspec.Struct, frozen=True):
    """One line of an explicit lock: `ADDRESS#HASH`, and the parts of the file's name."""

    name: str
    version: str
    """With its build, as conda writes the two: `1.26.4=py312_0`."""
    where: str
    hash: str
    uploaded: str = ""


def explicit_lines(files: Sequence[PinnedFile]) -> str:
    """The lines, in the order that is given: packages come after those that they need."""
    times = "".join(f"# uploaded {file.uploaded} {_base(file.where)}\n" for file in files if file.uploaded)
    lines = "".join(f"{file.where}#{file.hash.removeprefix('md5:')}\n" for file in files)
    return f"{times}{EXPLICIT}\n{lines}"


def explicit_files(text: str) -> list[PinnedFile]:
    """The files of an explicit lock, whoever wrote it."""
    times: dict[str, str] = {}
    found = []
    for line in map(str.strip, text.splitlines()):
        if match := _UPLOADED.fullmatch(line):
            times[match[2]] = match[1]
        where, _, value = line.partition("#")
        parts = parts_of(where)
        if "://" in where and parts is not None:
            known = value if ":" in value else f"{'sha256' if len(value) == 64 else 'md5'}:{value}" if value else ""
            found.append(PinnedFile(*parts, where, known, times.get(_base(where), "")))
    return found


_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")


def bounds_of(text: str) -> str:
    """What an explicit lock has as bounds for pip; what pip has no name or version for is no bound."""
    found = ((file.name, file.version.partition("=")[0]) for file in explicit_files(text))
    return "".join(
        f"{name}=={version}\n" for name, version in found if _NAME.fullmatch(name) and _VERSION.fullmatch(version)
    )


def parts_of(where: str) -> tuple[str, str] | None:
    """Name, and version with build, by the name of a package's file."""
    base = _base(where)
    end = next((end for end in _ENDS if base.endswith(end)), None)
    parts = base.removesuffix(end).rsplit("-", 2) if end else []
    return (parts[0], f"{parts[1]}={parts[2]}") if len(parts) == 3 else None


def _base(where: str) -> str:
    return where.rpartition("/")[2]
