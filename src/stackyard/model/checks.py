# SPDX-License-Identifier: MIT
"""What an image has to be like, said as data: for images without pytest, and for what nobody wants to write twice.

Pure. Where they are read: load/spec/checks.py, load/structure.py. What runs them: inside/checks.py
"""

from __future__ import annotations

from typing import Literal

import msgspec

VERSION = 1
"""Of what the checks below mean: on a new one, what passed is checked again."""


class Pair(msgspec.Struct, frozen=True):
    """A name with the value that it has to have."""

    name: str
    value: str
    is_pattern: bool = False
    """Whether the value is a regular expression that has to be found."""


class CommandCheck(msgspec.Struct, frozen=True, tag="command"):
    """A command in a container of the image, without its entrypoint."""

    name: str
    argv: tuple[str, ...]
    exit_code: int = 0
    output: tuple[str, ...] = ()
    """Regular expressions that have to be found in what it prints."""
    no_output: tuple[str, ...] = ()
    """Those that must not be."""
    errors: tuple[str, ...] = ()
    """In its standard error alone."""
    no_errors: tuple[str, ...] = ()
    user: str = ""
    env: tuple[tuple[str, str], ...] = ()
    """`$NAME` in a value is what the image has under this name."""
    setup: tuple[tuple[str, ...], ...] = ()
    """Commands before it."""
    teardown: tuple[tuple[str, ...], ...] = ()
    is_stdout_only: bool = False
    """Whether `output` looks at the standard output alone."""


class FileCheck(msgspec.Struct, frozen=True, tag="file"):
    """A path in the image."""

    name: str
    path: str
    exists: bool = True
    mode: str = ""
    """`0644`, or `-rw-r--r--`."""
    owner: str = ""
    """A user, by name or number; empty: anybody."""
    group: str = ""
    executable_by: Literal["", "owner", "group", "other", "any"] = ""
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


class ImageCheck(msgspec.Struct, frozen=True, tag="image"):
    """What the image declares; nothing is started for it. None: whatever it says."""

    name: str
    env: tuple[Pair, ...] = ()
    no_env: tuple[str, ...] = ()
    labels: tuple[Pair, ...] = ()
    user: str | None = None
    workdir: str | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    ports: tuple[str, ...] = ()
    no_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    no_volumes: tuple[str, ...] = ()


class PortCheck(msgspec.Struct, frozen=True, tag="port"):
    """A port that answers once the image is started as it declares."""

    name: str
    port: int
    path: str = ""
    """Asked over HTTP; empty: somebody has to listen."""
    status: int | None = None
    """None: any below 400."""
    output: tuple[str, ...] = ()
    within_s: float = 30.0


class SizeCheck(msgspec.Struct, frozen=True, tag="size"):
    """How large the image may be."""

    name: str
    most_bytes: int | None = None
    growth: float | None = None
    """Percent by which it may be larger than in the last release that has it."""


class WritableCheck(msgspec.Struct, frozen=True, tag="writable"):
    """Paths that somebody can write, or nobody may."""

    name: str
    paths: tuple[str, ...]
    is_writable: bool
    user: str = ""
    """Empty: the image's own, or where a group is given, nobody but of that group."""
    group: str = ""


GenericName = Literal[
    "packages-import",
    "nothing-world-writable",
    "no-package-caches",
    "user-is-not-root",
    "system-is-locked",
    "system-python-is-clean",
    "pip-install-works",
]


class GenericCheck(msgspec.Struct, frozen=True, tag="check"):
    """One that fits any image, by its name."""

    name: GenericName
    leave_out: tuple[str, ...] = ()
    """What it does not look at: packages, or paths with all below them."""


Check = CommandCheck | FileCheck | ImageCheck | PortCheck | SizeCheck | WritableCheck | GenericCheck
