# SPDX-License-Identifier: MIT
"""Digests of bytes in memory: hashlib's, and of the first few in a process without it.

In:   bytes
Out:  hexadecimal digits
Pure.
Why:  hashlib brings OpenSSL, and loading that takes longer than all that an ordinary plan hashes
      (bench/startup.py). Python has the same functions of its own, which take eight times as long for
      each byte: who hashes more than a little soon has OpenSSL do it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

_LITTLE = 1 << 18
"""Bytes, which Python's own functions hash in less time than OpenSSL takes to load."""


class _Function:
    """A function of hashlib; Python's own at first.

    Args:
        own: the module that has it; some Pythons are made without.
    """

    def __init__(self, name: str, own: str) -> None:
        self._name = name
        self._left = _LITTLE
        try:
            self._function: Any = getattr(import_module(own), name)
        except ImportError:
            self._left = 0

    def __call__(self, data: bytes) -> str:
        return str(self.of(data).hexdigest())

    def of(self, data: bytes) -> Any:
        """The digest in both forms, as hashlib has it."""
        if self._left >= 0:
            self._left -= len(data) + 1
            if self._left < 0:
                import hashlib

                self._function = getattr(hashlib, self._name)
        return self._function(data, usedforsecurity=False)


sha1 = _Function("sha1", "_sha1")
"""git's digest; it protects nothing."""
sha256 = _Function("sha256", "_sha2" if sys.version_info >= (3, 12) else "_sha256")
"""The digest of fingerprints."""
