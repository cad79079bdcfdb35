# SPDX-License-Identifier: MIT
"""Files on disk that somebody listed, with the ids he is sure of: what has none is read when it is asked for.

In:   a listing of the disk; the top of the repository
Out:  Files
Raises: as DiskFiles
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
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
        self._top = os.path.realpath(top)
        super().__init__(folders, self._bytes, prefix)

    def is_file(self, path: str) -> bool:
        """Whether a regular file is there, be it outside."""
        return super().is_file(path) or (self.leads_out(path) and self._disk.is_file(self._below_top(path)))

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there, be it outside."""
        return super().is_folder(path) or (self.leads_out(path) and self._disk.is_folder(self._below_top(path)))

    def is_link(self, path: str) -> bool:
        """Whether the path itself is a link."""
        return super().is_link(path) or (self.leads_out(path) and self._disk.is_link(self._below_top(path)))

    def is_there(self, path: str) -> bool:
        """Whether anything is there."""
        return super().is_there(path) or (self.leads_out(path) and self._disk.is_there(self._below_top(path)))

    def nodes(self, path: str) -> Iterable[tuple[str, Node]]:
        """Names in a folder, each with what is there as far as it was listed."""
        try:
            return super().nodes(path)
        except OSError:
            if not self.leads_out(path):
                raise
            return self._disk.nodes(self._below_top(path))

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        try:
            return super().read(path)
        except OSError:
            if not self.leads_out(path):
                raise
            return self._disk.read(self._below_top(path))

    def _followed(self, whole: str, follow: bool) -> str:
        """As the kernel has it: what an absolute link, or one by way of the folders above the top, leads to may be
        below the top.
        """
        where = super()._followed(whole, follow)
        if where.partition("/")[0] != "..":
            return where
        full = posixpath.join(self._top, whole)
        above, name = posixpath.split(full)
        real = os.path.realpath(full) if follow else posixpath.join(os.path.realpath(above), name)
        back = os.path.relpath(real, self._top)
        return where if back.partition("/")[0] == ".." else "" if back == "." else back

    def _below_top(self, path: str) -> str:
        return posixpath.join(self._prefix, path)

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
