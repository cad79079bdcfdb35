# SPDX-License-Identifier: MIT
"""Posix paths put together and taken apart: `posixpath`, at a fraction of its price for paths that are as they should.

In:   parts of paths
Out:  paths in normal form
Pure. Why: a stack of thousands of images asks for hundreds of thousands of paths.
"""

from __future__ import annotations

import posixpath


def joined(*parts: str) -> str:
    """`posixpath.normpath` of what `posixpath.join` makes of the parts."""
    path = "/".join(parts)
    return path if is_normal(path) else posixpath.normpath(posixpath.join(*parts))


def normal(path: str) -> str:
    """`posixpath.normpath`."""
    return path if is_normal(path) else posixpath.normpath(path)


def relative(path: str, folder: str) -> str:
    """`posixpath.relpath`."""
    if path.startswith(f"{folder}/") and is_normal(path):
        return path[len(folder) + 1 :]
    return posixpath.relpath(path, folder)


def is_normal(path: str) -> bool:
    """Whether a path is in normal form for certain: relative, its first part not hidden, none empty, `.` or `..`."""
    if not path or path[0] in "./" or path[-1] == "/" or "//" in path:
        return False
    return "/." not in path or not ("/./" in path or "/../" in path or path.endswith(("/.", "/..")))
