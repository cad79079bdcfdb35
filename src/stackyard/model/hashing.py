# SPDX-License-Identifier: MIT
"""Digests of bytes in memory: hashlib's, and of few bytes without it.

In:   bytes
Out:  hexadecimal digits
Pure.
Why:  hashlib brings OpenSSL, and loading that takes longer than all that an ordinary plan hashes
      (bench/startup.py). Python has the same functions of its own; of many bytes OpenSSL's are quicker.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

_MANY = 1 << 17
"""Bytes, for which OpenSSL is worth its loading."""


def sha1(data: bytes) -> str:
    """git's digest; it protects nothing."""
    if _SHA1 is None or len(data) >= _MANY:
        import hashlib

        return hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return str(_SHA1(data).hexdigest())


def sha256(data: bytes) -> str:
    """The digest of fingerprints."""
    if _SHA256 is None or len(data) >= _MANY:
        import hashlib

        return hashlib.sha256(data).hexdigest()
    return str(_SHA256(data).hexdigest())


def _own(name: str, module: str) -> Callable[[bytes], Any] | None:
    """Python's own function; None where it was made without."""
    try:
        found: Callable[[bytes], Any] = getattr(import_module(module), name)
    except ImportError:
        return None
    return found


_SHA1 = _own("sha1", "_sha1")
_SHA256 = _own("sha256", "_sha2" if sys.version_info >= (3, 12) else "_sha256")
