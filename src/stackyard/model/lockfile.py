# SPDX-License-Identifier: MIT
"""Lock files as they parse and print themselves: one header, and pins in the form of their kind.

In:   text
Out:  Pin, LockFile
Pure. Beside: model/lock, what is declared. Rules: docs/reference/locks.md
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from stackyard.model.conda import EXPLICIT, PinnedFile, explicit_files, explicit_lines
from stackyard.model.lock import LockKind, normal_name


class Pin(msgspec.Struct, frozen=True, order=True):
    """One line of a lock."""

    name: str
    version: str
    marker: str = ""
    """Where it counts, if not everywhere."""
    hashes: tuple[str, ...] = ()
    uploaded: str = ""
    """When the newest of its files came to the index; empty: not recorded."""
    where: str = ""
    """The address of its one file, in kinds whose locks name it."""


_HEADER = re.compile(r"# (\w+): (.*)")
_ELSE: LockKind = "pip"
_STAMP, _TIME = re.compile(r"\d{8}T\d{6}Z"), "{time}"
_FIRST = "# Locked by `stackyard lock`: do not edit, the command below makes it again."


class Form(Protocol):
    """How the pins of one kind of lock are written below the header, and read back."""

    def printed(self, pins: Sequence[Pin]) -> str:
        """The lines; equal pins give equal lines."""

    def read(self, text: str) -> tuple[Pin, ...]:
        """The pins of a whole file, which others may have written."""


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
    platform: str = ""
    """As conda calls it: its programs look for it here."""
    kind: LockKind = "pip"

    @classmethod
    def of(cls, text: str) -> LockFile:
        """Read a lock file: one of ours, or any list of `name==version` or explicit one of conda's."""
        header: dict[str, str] = {}
        lines = text.splitlines()
        for line in lines:
            if match := _HEADER.fullmatch(line):
                header.setdefault(match[1], match[2])
        fields = {"set", "at", "time", "resolver", "again", "kept", "platform"}
        known = {name: text for name, text in header.items() if name in fields} if "again" in header else {}
        extra = {"target": header.get("for", ""), "digest": header.get("pins", "")} if known else {}
        kind = next((each for each in FORMS if each == header.get("kind")), "conda" if EXPLICIT in lines else _ELSE)
        return cls(FORMS[kind].read(text), **known, **extra, kind=kind)

    @property
    def is_ours(self) -> bool:
        """Whether it says how it was made."""
        return bool(self.at and self.time)

    @property
    def body(self) -> str:
        """The pins as they are written."""
        return FORMS[self.kind].printed(self.pins)

    @property
    def substance(self) -> tuple[tuple[object, ...], ...]:
        """What the pins install: an archive at another time may have the same."""
        parts = ((pin.name, pin.version, pin.marker, pin.hashes, _STAMP.sub(_TIME, pin.where)) for pin in self.pins)
        return tuple(sorted(parts))

    @property
    def body_digest(self) -> str:
        """Over the pins, as they are now."""
        return f"sha256:{hashlib.sha256(self.body.encode()).hexdigest()}"

    def __str__(self) -> str:
        facts = (
            ("set", self.set),
            ("kind", self.kind if self.kind != "pip" else ""),
            ("at", self.at),
            ("time", self.time),
            ("for", self.target),
            ("platform", self.platform),
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
        named = normal_name if self.kind == "pip" else str  # of conda, `a-b` and `a_b` are two
        return {(named(pin.name), pin.marker): pin.version for pin in self.pins}


_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;]+)(?:\s*;\s*(.+))?")
_BEHIND = re.compile(r"\s+(?=--hash=|#|\\$)")
_HASH = re.compile(r"--hash=([^\s\\]+)")
_UPLOADED = re.compile(r"\s*# uploaded (\S+)")


class _Requirements:
    """A requirement file, which pip and uv read."""

    def printed(self, pins: Sequence[Pin]) -> str:
        """By name, hashes sorted."""
        return "".join(_lines(sorted(pins, key=lambda pin: (normal_name(pin.name), pin.version, pin.marker))))

    def read(self, text: str) -> tuple[Pin, ...]:
        """One of ours, or any list of `name==version`."""
        pins: list[Pin] = []
        for line in text.splitlines():
            if match := _UPLOADED.fullmatch(line):
                if pins:
                    pins[-1] = msgspec.structs.replace(pins[-1], uploaded=match[1])
            elif line[:1].isspace():
                if pins:
                    hashes = (*pins[-1].hashes, *_HASH.findall(line))
                    pins[-1] = msgspec.structs.replace(pins[-1], hashes=hashes)
            elif match := _PIN.fullmatch(_BEHIND.split(line, maxsplit=1)[0]):
                pins.append(Pin(match[1], match[2], match[3] or "", tuple(_HASH.findall(line))))
        return tuple(pins)


def _lines(pins: Iterable[Pin]) -> Iterator[str]:
    for pin in pins:
        marker = f" ; {pin.marker}" if pin.marker else ""
        hashes = "".join(f" \\\n    --hash={value}" for value in sorted(pin.hashes))
        uploaded = f"\n    # uploaded {pin.uploaded}" if pin.uploaded else ""
        yield f"{pin.name}=={pin.version}{marker}{hashes}{uploaded}\n"


class _Explicit:
    """A list of addresses, which conda, mamba and micromamba read."""

    def printed(self, pins: Sequence[Pin]) -> str:
        """In the order of the pins."""
        return explicit_lines(
            [PinnedFile(pin.name, pin.version, pin.where, "".join(pin.hashes[:1]), pin.uploaded) for pin in pins]
        )

    def read(self, text: str) -> tuple[Pin, ...]:
        """The same order."""
        return tuple(
            Pin(file.name, file.version, "", (file.hash,) if file.hash else (), file.uploaded, file.where)
            for file in explicit_files(text)
        )


_SOURCE = re.compile(r"deb \[[^\]]*\] (\S+) (\S+) .+")
_RELEASE = re.compile(r"# made at (\S+), (sha256:\S+)")
_PACKAGE = re.compile(r"([a-z0-9][a-z0-9.+-]*)=(\S+)")
_DEB = re.compile(r"# (sha256:\S+) (\S+)")


class _Debian:
    """Lines of a sources.list, or packages as apt-get takes them; what else is known, behind `#`."""

    def printed(self, pins: Sequence[Pin]) -> str:
        """In the order of the pins."""
        return "".join(map(self._lines, pins))

    def _lines(self, pin: Pin) -> str:
        (known,) = pin.hashes[:1] or ("",)
        if pin.where.startswith("deb "):
            return f"{pin.where}\n# made at {pin.version}, {known}\n"
        uploaded = f"# uploaded {pin.uploaded}\n" if pin.uploaded else ""
        return f"{pin.name}={pin.version}\n# {known} {pin.where}\n{uploaded}"

    def read(self, text: str) -> tuple[Pin, ...]:
        """The same order."""
        pins: list[Pin] = []
        for line in text.splitlines():
            last = pins[-1] if pins else None
            if match := _SOURCE.fullmatch(line):
                pins.append(Pin(match[2], "", _STAMP.sub(_TIME, match[1]), where=line))
            elif match := _PACKAGE.fullmatch(line):
                pins.append(Pin(match[1], match[2]))
            elif last is not None and (match := _RELEASE.fullmatch(line)):
                pins[-1] = Pin(last.name, match[1], last.marker, (match[2],), match[1], last.where)
            elif last is not None and (match := _DEB.fullmatch(line)):
                pins[-1] = msgspec.structs.replace(last, hashes=(match[1],), where=match[2])
            elif last is not None and (match := _UPLOADED.fullmatch(line)):
                pins[-1] = msgspec.structs.replace(last, uploaded=match[1])
        return tuple(pins)


FORMS: Mapping[LockKind, Form] = {"pip": _Requirements(), "conda": _Explicit(), "debian": _Debian()}
