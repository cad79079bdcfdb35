# SPDX-License-Identifier: MIT
"""What one package database says, whoever reads it.

Pure
"""

from __future__ import annotations

import msgspec

from stackyard.model.inventory import GapCode, Package, System


class Contained(msgspec.Struct, frozen=True):
    """What one database says."""

    packages: tuple[Package, ...] = ()
    system: System | None = None
    complaint: str = ""
    """What is wrong with it; packages are those that could be read all the same."""
    code: GapCode = "database-damaged"


NOTHING = Contained()
