# SPDX-License-Identifier: MIT
"""Layers as tests need them: tar archives of a few files, and databases with packages in them."""

from __future__ import annotations

import io
import sqlite3
import struct
import tarfile
from collections.abc import Mapping

Files = Mapping[str, str | bytes | tuple[str, str] | None]
"""Path -> what is in it; None: a folder; ("hard" or "soft", target): a link."""


def layer(files: Files) -> bytes:
    """A layer's archive, members in the given order."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            data = b""
            if content is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(content, tuple):
                member.type = tarfile.LNKTYPE if content[0] == "hard" else tarfile.SYMTYPE
                member.linkname = content[1]
            else:
                data = content.encode() if isinstance(content, str) else content
                member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return archive.getvalue()


def dpkg(**packages: str) -> str:
    """dpkg's status with these packages."""
    stanza = "Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\nDescription: x\n more\n\n"
    return "".join(stanza.format(name.replace("_", "-"), version) for name, version in packages.items())


def wheel(name: str, version: str, folder: str = "usr/lib/python3/site-packages") -> dict[str, str]:
    """What pip leaves of a package."""
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n\nWords: none\n"
    return {f"{folder}/{name}-{version}.dist-info/METADATA": text}


def rpmdb(*packages: tuple[str, str, str]) -> bytes:
    """rpm's SQLite database with packages (name, version, release), written ahead as rpm does."""
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)")
        for package in packages:
            entries, data = b"", b""
            for tag, text in zip((1000, 1001, 1002, 1022), (*package, "x86_64"), strict=True):
                entries += struct.pack(">IIII", tag, 6, len(data), 1)
                data += text.encode() + b"\0"
            entries += struct.pack(">IIII", 1003, 4, len(data), 1)
            data += struct.pack(">I", 2)
            db.execute("INSERT INTO Packages (blob) VALUES (?)", (struct.pack(">II", 5, len(data)) + entries + data,))
        db.commit()
        image = db.serialize()
    db.close()
    return image[:18] + b"\x02\x02" + image[20:]
