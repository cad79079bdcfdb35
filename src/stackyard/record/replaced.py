# SPDX-License-Identifier: MIT
"""Files of the user's own that a run writes: replaced as a whole, or as they were.

In:   a path, the new bytes
May touch: the file, and a file of another name beside it while it is written
Raises: OSError
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Make `data` the content of `path`: whoever reads it sees the old bytes or the new ones, whole.

    A link stays a link, and what it points at is replaced; the file keeps its mode.
    """
    real = Path(os.path.realpath(path))
    try:
        mode = real.stat().st_mode & 0o7777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    handle, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, real)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
