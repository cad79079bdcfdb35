# SPDX-License-Identifier: MIT
"""What a Debian archive says of itself: its Release files, its lists of packages, and which version apt would take.

In:   texts of an archive at a time, names of packages
Out:  Release, Offer; Pins
Raises: WorldError for what no lock can be made of
Pure. Source: the formats of Debian's repository, and apt_preferences(5) for what is taken.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from stackyard.errors import WorldError
from stackyard.model.debian import DebianSource, stamp_of, version_order
from stackyard.model.lock import LockTime
from stackyard.model.lockfile import Pin

LARGEST_RELEASE = 16 * 1024**2
LARGEST_LIST = 512 * 1024**2
_ENDINGS = (".xz", ".gz", "")
_GZIP = 16 + zlib.MAX_WBITS
_ENTRY = re.compile(r" ([0-9a-f]{64})\s+(\d+)\s+(\S+)")


class Index(msgspec.Struct, frozen=True):
    """A file of an archive, as its Release file names it."""

    path: str
    sha256: str
    size_bytes: int


class Release(msgspec.Struct, frozen=True):
    """One suite at a time."""

    source: DebianSource
    at: str
    """When it was made."""
    sha256: str
    """Of the Release file."""
    priority: int
    """What apt gives its packages where nobody says otherwise."""
    files: Mapping[str, Index]

    def packages(self, component: str, architecture: str) -> Index:
        """The smallest form of a list of packages that can be read."""
        path = f"{component}/binary-{architecture}/Packages"
        for ending in _ENDINGS:
            if found := self.files.get(path + ending):
                return found
        sentence = f"{self.source.suite} of {self.source.address} has no {component} for {architecture}"
        raise WorldError(sentence, hint="compare `archive` and `platforms` of the set with what the archive has")


class Offer(msgspec.Struct, frozen=True):
    """A package that a suite has."""

    name: str
    version: str
    sha256: str
    path: str
    release: Release

    @property
    def rank(self) -> tuple[object, ...]:
        """What apt takes is the one with the highest."""
        return (self.release.priority, version_order(self.version))


def read_release(data: bytes, source: DebianSource, time: LockTime) -> Release:
    """A Release file; one that was made at T or later is refused: its archive is not dated, or not as it says."""
    where = f"{source.suite} of {source.at(stamp_of(time))}"
    fields, files = _fields(data.decode("utf-8", "replace")), {}
    for line in fields.get("sha256", "").splitlines():
        if entry := _ENTRY.fullmatch(line):
            files[entry[3]] = Index(entry[3], entry[1], int(entry[2]))
    try:
        at = LockTime.parse(parsedate_to_datetime(fields.get("date", "")).astimezone(UTC).isoformat())
    except (ValueError, TypeError, OverflowError):
        raise WorldError(
            f"{where} does not say when it was made", hint="is it an archive of Debian packages?"
        ) from None
    if not files:
        raise WorldError(f"{where} names no files with their SHA-256", hint="a lock needs an archive that does")
    if at >= time:
        sentence = f"{where} was made at {at}, which is not before {time}"
        raise WorldError(sentence, hint="`{time}` in `archive` must make the address one of a dated archive")
    is_automatic = fields.get("notautomatic", "").strip().lower() != "yes"
    upgrades = fields.get("butautomaticupgrades", "").strip().lower() == "yes"
    priority = 500 if is_automatic else 100 if upgrades else 1
    return Release(source, at, hashlib.sha256(data).hexdigest(), priority, files)


def read_list(data: bytes, index: Index, source: DebianSource) -> bytes:
    """The text of a list of packages, whose bytes are those that the Release file names."""
    if len(data) != index.size_bytes or hashlib.sha256(data).hexdigest() != index.sha256:
        sentence = f"{index.path} of {source.suite} is not what the archive's Release file says"
        raise WorldError(sentence, hint="the archive is being changed, or what is between here and there changes it")
    if not index.path.endswith((".xz", ".gz")):
        return data
    unpacking = lzma.LZMADecompressor() if index.path.endswith(".xz") else zlib.decompressobj(_GZIP)
    try:
        text = unpacking.decompress(data, LARGEST_LIST)
        if unpacking.eof:
            return text
    except (lzma.LZMAError, zlib.error):
        pass
    raise WorldError(f"{index.path} of {source.suite} cannot be unpacked", hint="the archive is damaged")


def offers(text: bytes, names: Iterable[str], release: Release) -> Iterator[Offer]:
    """What a list has of these packages."""
    wanted = {name.encode() for name in names}
    for paragraph in text.split(b"\n\n"):
        first, _, rest = paragraph.lstrip(b"\n").partition(b"\n")
        if not first.startswith(b"Package:") or first[8:].strip() not in wanted:
            continue
        fields = _fields(rest.decode("utf-8", "replace"))
        if {"version", "sha256", "filename"} <= fields.keys():
            name = first[8:].strip().decode()
            yield Offer(name, fields["version"], fields["sha256"], fields["filename"], release)


def pins_of(found: Iterable[Offer], names: Iterable[str], time: LockTime) -> tuple[Pin, ...]:
    """For each name what apt would take, by name.

    Raises:
        WorldError: the archive has not all of them.
    """
    best: dict[str, Offer] = {}
    for offer in found:
        if offer.name not in best or offer.rank > best[offer.name].rank:
            best[offer.name] = offer
    if missing := [name for name in names if name not in best]:
        some = ", ".join(missing[:20]) + (f" and {len(missing) - 20} more" if len(missing) > 20 else "")
        hint = f"`archive` may lack a suite or component; what is from elsewhere: leave_out: [{', '.join(missing)}]"
        raise WorldError(f"the archive had no package {some} at {time}", hint=hint)
    stamp = stamp_of(time)
    return tuple(
        Pin(
            name,
            offer.version,
            hashes=(f"sha256:{offer.sha256}",),
            uploaded=offer.release.at,
            where=f"{offer.release.source.at(stamp)}/{offer.path}",
        )
        for name, offer in sorted(best.items())
    )


def suite_pins(releases: Iterable[Release], time: LockTime) -> tuple[Pin, ...]:
    """The suites themselves: what a sources.list has, in its order."""
    stamp = stamp_of(time)
    return tuple(
        Pin(
            release.source.suite,
            release.at,
            release.source.address,
            (f"sha256:{release.sha256}",),
            release.at,
            release.source.line(stamp),
        )
        for release in releases
    )


def _fields(text: str) -> dict[str, str]:
    """The fields of one paragraph, lower case; what goes on in further lines keeps these with their first space."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            if name:
                fields[name] += f"\n{line}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.lower()
            fields[name] = value.strip()
    return fields
