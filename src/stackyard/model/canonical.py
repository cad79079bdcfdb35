# SPDX-License-Identifier: MIT
"""One text for one value: the JSON that is hashed, stored and shown.

In: our own frozen values. Out: bytes, digests. Keys are sorted wherever a digest is made.
"""

from __future__ import annotations

import functools
import operator
import threading
from typing import Any, TypeVar

import msgspec

from stackyard.model.hashing import sha256
from stackyard.model.names import Digest

T = TypeVar("T")


_plain = str.__str__
"""Our names are str of their own types, and nothing else is written that msgspec does not know."""


def _ours(kind: type, value: Any) -> Any:
    if isinstance(value, str) and issubclass(kind, str):
        return kind(value)
    raise TypeError(f"cannot read {kind.__name__}")


_SORTED = msgspec.json.Encoder(enc_hook=_plain, order="sorted")


def encode(value: object) -> bytes:
    """JSON with sorted keys, UTF-8, no blanks: equal values give equal bytes."""
    return _SORTED.encode(value)


def line(value: object) -> bytes:
    """JSON in one line, fields in their declared order: what people look through."""
    return msgspec.json.encode(value, enc_hook=_plain)


_BUILDING = threading.Lock()
"""msgspec learns what a type is made of when it is first asked for, and a thread that comes meanwhile reads with what
is not whole yet: that ends the process. Whoever has a decoder has all of it."""


@functools.cache
def _reader(kind: Any) -> msgspec.json.Decoder[Any]:
    with _BUILDING:
        return msgspec.json.Decoder(kind, dec_hook=_ours)


def decode(data: bytes | str, kind: type[T]) -> T:
    """The value of `kind` that `encode` wrote; msgspec.ValidationError if it is none."""
    found: T = _reader(kind).decode(data)  # type: ignore[arg-type]
    return found


def _packed(value: Any) -> str | bytes:
    """A name as text; what packs itself as its bytes."""
    return str.__str__(value) if isinstance(value, str) else bytes(value)


_PACKER = msgspec.msgpack.Encoder(enc_hook=_packed)


@functools.cache
def _unpacker(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    with _BUILDING:
        return msgspec.msgpack.Decoder(kind, dec_hook=operator.call)  # of text its kind: a hundred thousand times


def pack(value: object) -> bytes:
    """The value in few bytes, for ourselves to read again."""
    return _PACKER.encode(value)


def unpack(data: bytes, kind: type[T]) -> T:
    """The value of `kind` that `pack` wrote; msgspec.ValidationError if it is none."""
    found: T = _unpacker(kind).decode(data)  # type: ignore[arg-type]
    return found


def builtins(value: object) -> Any:
    """The value as plain dicts, lists and text, fields in their declared order."""
    return msgspec.to_builtins(value, enc_hook=_plain)


def digest(value: object) -> Digest:
    """sha256 over `encode(value)`."""
    return Digest(f"sha256:{sha256(encode(value))}")
