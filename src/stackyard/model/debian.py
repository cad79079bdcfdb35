# SPDX-License-Identifier: MIT
"""Debian packages as a stack declares them: a dated archive, and what is installed from it.

In:   lines as apt has them
Out:  DebianSource, DebianInputs; versions in their order
Pure. Beside: model/lock. Rules: docs/reference/locks.md
Source: sources.list(5) for the lines, deb-version(7) for the order.
"""

from __future__ import annotations

import re

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.names import ImageName

TIME = "{time}"
"""Stands in an archive's address for the time of the lock."""
ARCHITECTURES = {
    "linux/amd64": "amd64",
    "linux/arm64": "arm64",
    "linux/arm/v7": "armhf",
    "linux/arm/v5": "armel",
    "linux/386": "i386",
    "linux/ppc64le": "ppc64el",
    "linux/s390x": "s390x",
    "linux/riscv64": "riscv64",
}
"""What Debian calls the machines of platforms."""

_SOURCE = re.compile(r"(?:deb\s+)?(?:\[([^\]]*)\]\s*)?(https?://\S+?)/*\s+(\S+)\s+(\S.*)")
_NO_LIMIT = "check-valid-until=no"


class DebianSource(msgspec.Struct, frozen=True):
    """One suite of a dated archive: a line of a sources.list with `{time}` in its address."""

    address: str
    suite: str
    components: tuple[str, ...]
    options: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> DebianSource:
        """`deb [signed-by=FILE] http://HOST/archive/debian/{time} bookworm main`; `deb` may be left out."""
        match = _SOURCE.fullmatch(text.strip())
        hint = f"deb http://HOST/archive/debian/{TIME} bookworm main"
        if match is None or match[3].endswith("/"):
            raise InvalidValue(f"{text!r} is no line of an archive", hint=hint, kind="archive", text=text)
        if TIME not in match[2]:
            sentence = f"the address {match[2]} has no time in it, so it gives something else each day"
            raise InvalidValue(sentence, hint=f"name a dated archive: {hint}", kind="archive", text=text)
        return cls(match[2], match[3], tuple(match[4].split()), tuple((match[1] or "").split()))

    def at(self, stamp: str) -> str:
        """The address at a time."""
        return self.address.replace(TIME, stamp)

    def line(self, stamp: str) -> str:
        """The line for apt. What the archive was at a time stays good, though it says for how long it was meant."""
        own = [option for option in self.options if not option.startswith("check-valid-until=")]
        options = " ".join((_NO_LIMIT, *own))
        return f"deb [{options}] {self.at(stamp)} {self.suite} {' '.join(self.components)}"


class DebianInputs(msgspec.Struct, frozen=True):
    """What a set locks of an archive."""

    archive: tuple[DebianSource, ...]
    packages: tuple[str, ...] = ()
    installed: ImageName | None = None
    """An image whose packages are locked, as far as is known what it has."""
    leave_out: tuple[str, ...] = ()
    keyring: str = ""
    """Keys that must have signed the archive, relative to the stack's root; empty: apt checks it when it installs."""
    sources: str = ""
    """Where the lines for apt are written, relative to the stack's root."""


_PARTS = re.compile(r"(\D*)(\d*)")


def version_order(version: str) -> tuple[object, ...]:
    """What a version sorts by.

    >>> sorted(["1.0", "1.0~rc1", "1:0.1", "1.0-1", "1.0+b1", "1.10"], key=version_order)
    ['1.0~rc1', '1.0', '1.0-1', '1.0+b1', '1.10', '1:0.1']
    """
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    return (int(epoch) if epoch.isdigit() else 0, _order(upstream), _order(revision or "0"))


def _order(text: str) -> tuple[object, ...]:
    """Signs and numbers in turn: a tilde is before the end of a text, letters before all other signs."""
    parts: list[object] = []
    for signs, number in _PARTS.findall(text):
        parts.append((*(-1 if sign == "~" else ord(sign) + (0 if sign.isalpha() else 256) for sign in signs), 0))
        parts.append(int(number or 0))
    return tuple(parts)


def stamp_of(time: str) -> str:
    """A time as addresses have it: `20201211T190936Z`.

    >>> stamp_of("2020-12-11T19:09:36Z")
    '20201211T190936Z'
    """
    return re.sub(r"[-:]", "", time)
