# SPDX-License-Identifier: MIT
"""Ctrl-C, SIGTERM, a terminal that goes away: a run is asked to end, and its summary says so; all else just ends.

In:   signals of this process
Out:  Stop; a line on stderr; exit code 130 at once where somebody asks a second time
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

from stackyard.cli.session import EXIT_INTERRUPTED
from stackyard.run.stop import Stop

_SAID = b"\nstopping: what runs is being ended, what is finished is kept; once more ends at once\n"
_SHOW_CURSOR = b"\x1b[?25h"


@contextlib.contextmanager
def interruptible() -> Iterator[Stop]:
    """The wish to stop, as long as the block lasts; handlers of signals are as before afterwards."""
    stop = Stop()

    def interrupt(number: int, _: object) -> None:
        if not stop.is_heard:
            raise KeyboardInterrupt
        is_second = stop.is_wished
        if is_second and number == signal.SIGHUP:
            return  # the terminal's end is told by the kernel and by the shell: nobody asked twice
        stop.wish()  # before anything is said: whoever reads it may ask again at once
        with contextlib.suppress(OSError):  # past Python's own streams, which may be in use right now
            if not is_second:
                os.write(2, _SAID)
            elif os.isatty(1):
                os.write(1, _SHOW_CURSOR)
        if is_second:
            os._exit(EXIT_INTERRUPTED)  # as if killed: the next run clears up

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # `nohup`: the run is to outlive its terminal
            before[number] = signal.signal(number, interrupt)
    except ValueError:  # only the main thread may; an embedding program decides itself
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
