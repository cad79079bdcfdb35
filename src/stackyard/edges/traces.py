# SPDX-License-Identifier: MIT
"""How everything is named that a run makes outside of the records and that must not outlast it.

In:   a run's token: the id of its stack, and what no other run has
Out:  a variable, a label, and names of tags, folders and containers
Why:  a run that was killed clears nothing up; the next one may remove its things, and only those
Used by: whatever makes something; edges/orphans, edges/docker, verbs/leftovers, which remove it
"""

from __future__ import annotations

VARIABLE = "STACKYARD_RUN"
"""In the environment of every program that a run starts, and of what that starts."""
LABEL = "stackyard.run"
"""Of containers; of networks, where a user's tests make some and put it there."""


def prefix_of(token: str) -> str:
    """How every temporary name of a run begins.

    >>> prefix_of("0b1e5f2c9a3d4e6f")
    'sy-building-0b1e5f2c9a3d4e6f-'
    """
    return f"sy-building-{token}-"
