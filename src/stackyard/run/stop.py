# SPDX-License-Identifier: MIT
"""The wish that a run end: told by whoever handles signals, heard by the driver between two things it does.

In:   wish(), from a signal handler or another thread
Out:  is_wished
Why:  an exception would come anywhere, between an image and the record of it, too
Used by: run/driver, cli/stopping
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stop:
    """Takes no lock: a signal handler may interrupt whoever holds one."""

    def __init__(self) -> None:
        self.is_wished = False
        self.is_heard = False
        """Whether somebody looks at it; where nobody does, the handler has to end things itself."""
        self.wakes: Callable[[], None] = lambda: None
        """Called with each wish: ends the wait of who looks."""

    def wish(self) -> None:
        """End soon."""
        self.is_wished = True
        self.wakes()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """In the block, wishes are heard."""
        self.is_heard = True
        try:
            yield
        finally:
            self.is_heard = False
