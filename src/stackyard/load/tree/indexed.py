# SPDX-License-Identifier: MIT
"""Files on disk that somebody listed, with the ids he is sure of: what has none is read when it is asked for.

In:   a listing of the disk; the top of the repository
Out:  Files
Raises: as DiskFiles
"""

from __future__ import annotations

from pathlib import Path

from stackyard.load.tree.files import DiskFiles
from stackyard.load.tree.listed import TreeFiles
from stackyard.model.inputs import BlobId, EntryKind
from stackyard.model.trees import Folders, Node


class IndexedFiles(TreeFiles):
    """A snapshot of which files there are, and of their ids as far as they are known.

    Args:
        folders: what there is below `top`; `other` is what is neither file, folder nor link.
        top: the top of the repository.
        prefix: where the stack's root lies below it.
    """

    def __init__(self, folders: Folders, top: Path, prefix: str = "") -> None:
        self._disk = DiskFiles(top)
        super().__init__(folders, self._bytes, prefix)

    def _bytes(self, path: str, blob: str) -> bytes:  # noqa: ARG002 - what is on disk now
        node = self._at(path)
        return self._disk.text(path) if node is not None and node[0] == "link" else self._disk.read(path)

    def entry(self, path: str, called: str) -> tuple[EntryKind, BlobId]:
        """Kind and id; from disk where the id is not known."""
        where = self._where(path, follow=False)
        node = self._at(where)
        if node is None or node[0] == "dir" or (node[1] and node[0] != "other"):
            return super().entry(path, called)
        kind, blob = self._disk.entry(where, called)
        self._put(where, (kind, str(blob)))
        return kind, blob

    def _id(self, where: str, node: Node) -> str | None:
        """git's id of what is at a path; None for what has none."""
        if node[1] or node[0] not in ("file", "exec"):
            return node[1] or None
        try:
            kind, blob = self._disk.entry(where, where)
        except OSError:
            return None
        self._put(where, (kind, str(blob)))
        return str(blob)
