# SPDX-License-Identifier: MIT
"""Whether a path stays in the repository once links are followed: nothing outside is ever read."""

from __future__ import annotations

import os
import posixpath
from functools import lru_cache

from stackyard.load.yaml import Doc

HINT = "put the file itself there, or take the link away"


def inside(doc: Doc, what: str, of: str = "the repository", root: str = "the root of the stack") -> str:
    """A path relative to the stack's root (or to another), which it may not leave. FileProblem where it does."""
    path = posixpath.normpath(doc.text(what))
    if path.startswith("/") or path.split("/")[0] == "..":
        raise doc.problem(f"{what} leaves {of}: {path!r}", f"paths are relative to {root}")
    if "\0" in path:
        raise doc.problem(f"{what} is no path: {path!r}")
    return path


def leads_out(root: str | os.PathLike[str], *parts: str) -> bool:
    """Whether `parts` below `root`, links followed, lie outside the git repository that `root` is in."""
    top = _top(os.fspath(root))
    full = os.path.realpath(os.path.join(root, *parts))
    return full != top and not full.startswith(top.rstrip(os.sep) + os.sep)


@lru_cache(maxsize=16)
def _top(root: str) -> str:
    root = os.path.realpath(root)
    folder = root
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return root
        folder = above
    return folder
