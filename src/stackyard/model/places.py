# SPDX-License-Identifier: MIT
"""Registries that a stack's images are copied to, beside the one that they are published in.

Pure. Why: docs/how-to/copy-to-another-registry.md
"""

from __future__ import annotations

import msgspec


class OtherRegistry(msgspec.Struct, frozen=True):
    """One registry, by the name that people call it."""

    name: str
    registry: str
    """What goes before the name of each image."""
    images: tuple[str, ...] = ()
    """What is copied there: images, versions, patterns, groups; none: all."""
    version: str = ""
    """Of images with versions, the one that is copied; empty: all."""
