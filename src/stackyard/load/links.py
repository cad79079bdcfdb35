# SPDX-License-Identifier: MIT
"""Paths that a file names: they stay in the repository, and nothing outside is ever read."""

from __future__ import annotations

import posixpath

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
