# SPDX-License-Identifier: MIT
"""Digests are hashlib's, whoever computes them."""

from __future__ import annotations

import hashlib

import pytest

from stackyard.model import hashing


@pytest.mark.parametrize("size", [0, 1, 200, (1 << 17) - 1, 1 << 17, (1 << 17) + 1])
def test_digests_are_those_of_hashlib(size: int) -> None:
    """Of few bytes, which Python's own functions are for, and of many."""
    data = b"x" * size

    assert hashing.sha1(data) == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert hashing.sha256(data) == hashlib.sha256(data).hexdigest()
