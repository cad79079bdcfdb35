# SPDX-License-Identifier: MIT
"""How many made-up examples a property is tried with: a few in the fast suite, others each time; many with --long."""

from __future__ import annotations

import os

IS_LONG = bool(os.environ.get("STACKYARD_LONG"))
FEW, MANY = 15, 1000


def examples(few: int = FEW, many: int = MANY) -> int:
    """What a property's `max_examples` is, in the suite that runs."""
    return many if IS_LONG else few
