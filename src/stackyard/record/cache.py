# SPDX-License-Identifier: MIT
"""What is kept only to be quick: keys and bytes in one file, which anybody may delete at any time.

In:   a path, what the file has to be of (the program that wrote it)
Out:  what was kept; nothing where the file is another program's, damaged, or not there
May touch: one file in the folder of the records

The file is written whole and then put in place, so that two processes never mix; the later one stays.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from stackyard.record.files import write_atomically

_FIRST = b"stackyard cache 1\n"


def read_cache(path: Path, of: bytes) -> dict[bytes, bytes]:
    """What `write_cache` kept for the same program."""
    try:
        with open(path, "rb") as file:
            data = memoryview(file.read())
    except OSError:
        return {}
    head = _head(of, data[len(_FIRST) + len(of) + 4 :])
    if bytes(data[: len(head)]) != head:
        return {}
    try:
        return msgspec.msgpack.decode(data[len(head) :], type=dict[bytes, bytes])
    except msgspec.MsgspecError:
        return {}


def write_cache(path: Path, of: bytes, kept: Mapping[bytes, bytes]) -> None:
    """Keep it, if that can be done; being slow again is no error."""
    body = msgspec.msgpack.encode(kept)
    with contextlib.suppress(OSError):
        if not path.parent.exists():
            path.parent.mkdir()
            (path.parent / ".gitignore").write_text("*\n")
        write_atomically(os.fspath(path), _head(of, memoryview(body)) + body)


def _head(of: bytes, body: memoryview) -> bytes:
    return _FIRST + of + zlib.crc32(body).to_bytes(4, "big")
