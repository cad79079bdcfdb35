# SPDX-License-Identifier: MIT
"""Files of the user, written whole or not at all: what is there before stays until what comes is complete."""

from __future__ import annotations

import contextlib
import os
import tempfile


def write_atomically(path: str, data: bytes) -> None:
    """Replace the file `path`, which keeps its permissions; a killed process leaves the old one. OSError as usual."""
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe is written to, never replaced
        with open(path, "wb") as file:
            file.write(data)
        return
    descriptor, fresh = tempfile.mkstemp(prefix=".stackyard-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(fresh, os.stat(path).st_mode & 0o7777 if os.path.exists(path) else 0o644)
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise
