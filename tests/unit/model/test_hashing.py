# SPDX-License-Identifier: MIT
"""Digests are hashlib's, whoever computes them."""

from __future__ import annotations

import hashlib

from stackyard.model.hashing import sha1, sha256


def test_digests_are_those_of_hashlib() -> None:
    """Of the first bytes of a process, which Python's own functions are for, and of all that come later."""
    for size in (0, 1, 200, 1 << 17, 1 << 18, 0, 200, 1 << 17):
        data = b"x" * size

        assert sha1(data) == hashlib.sha1(data, usedforsecurity=False).hexdigest()
        assert sha256(data) == hashlib.sha256(data).hexdigest()
