# SPDX-License-Identifier: MIT
"""End the programs that a run left behind: clients of the engine, test suites, and what those started.

In:   the token of a run that is dead
Out:  nothing of it runs any more
May touch: processes of this user that have the token in their environment, and no others
Where: Linux; elsewhere nobody can ask for another process's environment, and nothing is done

They are asked as Ctrl-C in a terminal does it: fixtures then remove what they started, and buildx stops its build.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator

from stackyard.edges.process import GRACE_S
from stackyard.edges.traces import VARIABLE


def end_orphans(token: str, grace_s: float = GRACE_S) -> None:
    """Ask each process to end, and kill what still runs after `grace_s`; returns when all are gone."""
    asked: set[int] = set()
    killed_from = time.monotonic() + grace_s
    while True:
        with contextlib.ExitStack() as stack:
            found = list(_of(token, stack))
            if not found:
                return
            is_late = time.monotonic() >= killed_from
            for pid, handle in found:
                with contextlib.suppress(OSError):
                    if is_late:
                        signal.pidfd_send_signal(handle, signal.SIGKILL)
                    elif pid not in asked:  # a second time would keep a suite from clearing up
                        signal.pidfd_send_signal(handle, signal.SIGINT)
                asked.add(pid)
            select.select([handle for _, handle in found], [], [], 0.1)


def _of(token: str, stack: contextlib.ExitStack) -> Iterator[tuple[int, int]]:
    """Id and handle of each process that has the token; a handle never means another process."""
    if not hasattr(os, "pidfd_open") or not os.path.isdir("/proc/self"):
        return
    wanted = f"{VARIABLE}={token}".encode()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # gone, or somebody else's
            if not _has(name, wanted):
                continue
            handle = os.pidfd_open(int(name))
            stack.callback(os.close, handle)
            if _has(name, wanted):  # still: from here on the handle is that process
                yield int(name), handle


def _has(pid: str, wanted: bytes) -> bool:
    """Whether a variable is in a process's environment."""
    descriptor = os.open(f"/proc/{pid}/environ", os.O_RDONLY)
    try:
        told = b""
        while part := os.read(descriptor, 1 << 20):
            told += part
        return wanted in told.split(b"\0")
    finally:
        os.close(descriptor)
