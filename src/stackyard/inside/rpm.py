# SPDX-License-Identifier: MIT
"""rpm's SQLite database: a header for each package.

In:   the bytes of rpmdb.sqlite
Out:  Contained
Pure: the database is opened in memory
Source: rpm's "Package format", "Header"; rpmtag.h for the numbers
"""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing

from stackyard.inside.contained import Contained
from stackyard.model.inventory import Package

_NAME, _VERSION, _RELEASE, _EPOCH, _LICENSE, _ARCH = 1000, 1001, 1002, 1003, 1014, 1022
_WANTED = {_NAME, _VERSION, _RELEASE, _EPOCH, _LICENSE, _ARCH}
_INT32 = 4
_KEY = "gpg-pubkey"
"""Keys stand among the packages, and are none."""


def read_rpm(path: str, data: bytes) -> Contained:
    """Packages of a database; what its write-ahead log had is not in it."""
    packages, complaint = [], ""
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            # Bytes 18 and 19 ask for a write-ahead log, which one in memory has not (SQLite, "Database header").
            db.deserialize(data[:18] + b"\x01\x01" + data[20:])
            for (blob,) in db.execute("SELECT blob FROM Packages ORDER BY hnum"):
                try:
                    package = _package(path, blob)
                except (struct.error, ValueError, KeyError, IndexError, TypeError):
                    complaint = complaint or "damaged: a package whose header cannot be read"
                    continue
                if package.name != _KEY:
                    packages.append(package)
    except (sqlite3.Error, OverflowError, ValueError) as error:
        complaint = f"damaged: {error}"
    return Contained(tuple(packages), complaint=complaint)


def _package(path: str, blob: bytes) -> Package:
    """A header: how many entries, how much data, the entries (tag, type, offset, count), the data."""
    entries, size = struct.unpack_from(">II", blob)
    start = 8 + 16 * entries
    if len(blob) < start + size:
        raise ValueError("cut off")
    said: dict[int, str] = {}
    for number in range(entries):
        tag, kind, offset, _ = struct.unpack_from(">IIII", blob, 8 + 16 * number)
        if tag in _WANTED:
            at = start + offset
            if kind == _INT32:
                said[tag] = str(struct.unpack_from(">I", blob, at)[0])
            else:
                said[tag] = blob[at : blob.index(b"\0", at)].decode("utf-8", "replace")
    about = {"arch": said.get(_ARCH, ""), "epoch": said.get(_EPOCH, "")}
    told = tuple((key, value) for key, value in about.items() if value)
    version = f"{said[_VERSION]}-{said[_RELEASE]}"
    return Package("rpm", said[_NAME], version, path, about=told, license=said.get(_LICENSE, ""))
