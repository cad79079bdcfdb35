# SPDX-License-Identifier: MIT
"""git: files of one commit, read and laid out elsewhere, whatever is checked out. No work tree is touched or made.

In:   a stack's root; what a person calls a commit
Out:  CommitFiles
Raises: NoHistory where the commit or its bytes are not there

Bytes are those of the commit: no filter, no `export-subst` and no `export-ignore` of an archive has a say.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from pathlib import Path

from stackyard.edges import git
from stackyard.edges.git_tree import Blobs, compared, listing_of
from stackyard.errors import NoHistory


def commit_of(root: Path, name: str) -> str:
    """The commit that `name` means, in full."""
    if ".." in name:
        raise NoHistory(f"{name!r} is more than one commit", hint="name one: HEAD, v1.9.0, 1f0c9a2", path=str(root))
    return compared(root, name).then


class CommitFiles:
    """The files of a commit below a stack's root; use it in a `with`."""

    def __init__(self, root: Path, commit: str) -> None:
        self.commit = commit
        self._prefix = git.path_in_repository(root)
        listing = listing_of(root, commit)
        self._rows = {path: (kind, blob) for path, kind, blob in listing.rows}
        self._blobs = Blobs(root, listing)

    def __enter__(self) -> CommitFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._blobs.__exit__()

    def is_folder(self, path: str) -> bool:
        """Whether the commit has a folder there."""
        full = self._full(path)
        return not full or self._rows.get(full, ("", ""))[0] == "dir"

    def read(self, path: str) -> bytes | None:
        """A file's bytes, through links that stay in the repository; None where there is none."""
        full = self._full(path)
        for _ in range(9):
            kind, blob = self._rows.get(full, ("", ""))
            if kind in ("file", "exec"):
                return self._blobs.read(full, blob)
            if kind != "link":
                return None
            full = posixpath.normpath(
                posixpath.join(posixpath.dirname(full), os.fsdecode(self._blobs.read(full, blob)))
            )
        return None

    def lay_out(self, folders: Iterable[str], to: Path) -> None:
        """Write these folders below `to`, each where it lies below the stack's root; links that leave are left out."""
        wanted = [self._full(folder) for folder in folders]
        for path, (kind, blob) in self._rows.items():
            if kind not in ("file", "exec", "link") or not any(
                not each or path.startswith(f"{each}/") for each in wanted
            ):
                continue
            target = to / posixpath.relpath(path, self._prefix or ".")
            if target.exists() or target.is_symlink():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            data = self._blobs.read(path, blob)
            if kind != "link":
                target.write_bytes(data)
                target.chmod(0o755 if kind == "exec" else 0o644)
                continue
            leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), os.fsdecode(data)))
            if not leads.startswith(("/", "../")):
                target.symlink_to(os.fsdecode(data))

    def _full(self, path: str) -> str:
        full = posixpath.normpath(posixpath.join(self._prefix, path))
        return "" if full == "." else full


def differing(root: Path, paths: Iterable[str]) -> list[str]:
    """Which of these differ in the work tree from what is checked out, new files too; none where git does not say."""
    wanted = sorted(set(paths))
    if not wanted:
        return []
    flags = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--")
    rows = os.fsdecode(git.quietly(root, *flags, *wanted).stdout).split("\0")
    prefix = git.path_in_repository(root)
    return sorted({posixpath.relpath(row[3:], prefix or ".") for row in rows if row})
