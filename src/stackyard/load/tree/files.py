# SPDX-License-Identifier: MIT
"""Where files come from: a folder on disk, or (listed) a tree that somebody listed.

In:   a folder
Out:  Files: what is at a path, what a folder holds, bytes, git's ids of bytes
Raises: OSError as a disk does; FileProblem for what can be neither hashed nor sent: sockets, pipes, devices
Beside: listed

Everything else in `load` asks these two and never the disk. Paths are posix, relative to the stack's root;
one that leads above it (a link to elsewhere in the repository) begins with `..`. No process is started
here: who has a git tree hands in its listing.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from stackyard.errors import FileProblem
from stackyard.model.inputs import BlobId, EntryKind

if TYPE_CHECKING:
    from stackyard.model.trees import Node

_WHOLE = 1 << 22
"""Files up to this size are read in one piece."""
_LITTLE = 1 << 14
"""Larger than nearly every file that is read as text."""
_FOLDER: Node = ("dir", "")
_UNKNOWN: Node = ("", "")


class Files(Protocol):
    """Files of one repository at one moment. Links are followed unless a method says otherwise."""

    @property
    def is_all_text(self) -> bool:
        """Whether every name is known to be text: names on disk are bytes."""
        ...

    def is_file(self, path: str) -> bool:
        """Whether a regular file is there."""
        ...

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""
        ...

    def is_link(self, path: str) -> bool:
        """Whether the path itself is a link."""
        ...

    def is_there(self, path: str) -> bool:
        """Whether anything is at the path, be it a link that leads nowhere."""
        ...

    def scan(self, path: str) -> list[tuple[str, bool]]:
        """Names in a folder, in no order, each with whether it is itself a folder. OSError where it is none."""
        ...

    def nodes(self, path: str) -> Iterable[tuple[str, Node]]:
        """As `scan`, each with its kind and id as far as they are known: all is, or no more than which are folders."""
        ...

    def read(self, path: str) -> bytes:
        """OSError where that is not possible."""
        ...

    def entry(self, path: str, called: str) -> tuple[EntryKind, BlobId]:
        """Kind and id of a file or link; a link is itself. FileProblem about `called` for anything else."""
        ...

    def real(self, path: str) -> str:
        """The path with its links followed, whether or not anything is there."""
        ...

    def leads_out(self, path: str) -> bool:
        """Whether the path, links followed, lies outside the git repository."""
        ...

    def state(self, path: str) -> str | None:
        """git's id of a folder, or of a file: equal only where all that is in it is.

        None where nobody knows without reading, where a link makes more count than what is there, and for nothing.
        """
        ...


class DiskFiles:
    """Files of a folder on disk, as they are when they are asked for."""

    def __init__(self, root: str | os.PathLike[str] = "") -> None:
        self._root = os.fspath(root)

    @property
    def is_all_text(self) -> bool:
        """Nobody looked."""
        return False

    def _full(self, path: str) -> str:
        return os.path.join(self._root, path)

    def is_file(self, path: str) -> bool:
        """Whether a regular file is there."""
        return os.path.isfile(self._full(path))

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(self._full(path))

    def is_link(self, path: str) -> bool:
        """Whether the path itself is a link."""
        return os.path.islink(self._full(path))

    def is_there(self, path: str) -> bool:
        """Whether anything is there."""
        return os.path.lexists(self._full(path))

    def scan(self, path: str) -> list[tuple[str, bool]]:
        """Names in a folder."""
        with os.scandir(self._full(path)) as entries:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]

    def nodes(self, path: str) -> Iterable[tuple[str, Node]]:
        """Names in a folder."""
        return [(name, _FOLDER if is_folder else _UNKNOWN) for name, is_folder in self.scan(path)]

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        descriptor = os.open(self._full(path), os.O_RDONLY | os.O_CLOEXEC)  # twice as quick as `open`
        try:
            parts = [os.read(descriptor, _LITTLE)]
            while parts[-1]:
                parts.append(os.read(descriptor, _LITTLE if len(parts) == 1 else _WHOLE))
            return b"".join(parts)
        finally:
            os.close(descriptor)

    def text(self, path: str) -> bytes:
        """What a link says."""
        return os.fsencode(os.readlink(self._full(path)))

    def entry(self, path: str, called: str) -> tuple[EntryKind, BlobId]:
        """Kind and id."""
        full = self._full(path)
        try:
            mode = os.lstat(full).st_mode
            if stat.S_ISLNK(mode):
                return "link", BlobId.of(os.fsencode(os.readlink(full)))
            if stat.S_ISREG(mode):
                return _read_file(full, called)
        except OSError as error:
            raise FileProblem(called, None, f"cannot be read: {error.strerror}", hint=READABLE) from None
        raise special(called, _SPECIAL.get(stat.S_IFMT(mode), "something"))

    def real(self, path: str) -> str:
        """The path with its links followed."""
        return posixpath.normpath(os.path.relpath(os.path.realpath(self._full(path)), self._real_root))

    def leads_out(self, path: str) -> bool:
        """Whether it lies outside the repository."""
        if not os.path.isabs(path) and ".." not in path and not any(map(os.path.islink, self._on_the_way(path))):
            return False
        full = os.path.realpath(self._full(path))
        return full != self._top and not full.startswith(self._top.rstrip(os.sep) + os.sep)

    def state(self, path: str) -> str | None:  # noqa: ARG002 - nobody knows what a disk holds
        """Not known."""
        return None

    def _on_the_way(self, path: str) -> Iterator[str]:
        while path:
            yield self._full(path)
            path = path.rpartition("/")[0]

    @cached_property
    def _real_root(self) -> str:
        return os.path.realpath(self._root)

    @cached_property
    def _top(self) -> str:
        """The top of the git repository that the folder is in; the folder itself where it is in none."""
        folder = self._real_root
        while not os.path.exists(os.path.join(folder, ".git")):
            above = os.path.dirname(folder)
            if above == folder:
                return self._real_root
            folder = above
        return folder


DISK = DiskFiles()
"""The whole disk: paths are absolute, or relative to where the process works."""

READABLE = "make it readable, or add it to .dockerignore"

_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
    stat.S_IFDIR: "a folder",
}


def special(called: str, what: str) -> FileProblem:
    """The error about something that is neither file nor link."""
    sentence = f"is {what} and cannot be part of a build context"
    return FileProblem(called, None, sentence, hint="remove it, or add it to .dockerignore")


def _read_file(full: str, called: str) -> tuple[EntryKind, BlobId]:
    # Between listing and opening, anybody may put something else there: no link is followed, no pipe waited for.
    descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(descriptor)
        kind: EntryKind = "exec" if facts.st_mode & stat.S_IXUSR else "file"
        if facts.st_size > _WHOLE:
            return kind, _blob_of_stream(descriptor, facts.st_size, called)
        parts = [os.read(descriptor, facts.st_size + 1)]
        # A file that is being written to, or one whose size the kernel does not know: to its end.
        while len(parts[-1]) and (len(parts) > 1 or len(parts[0]) != facts.st_size):
            parts.append(os.read(descriptor, _WHOLE))
        return kind, BlobId.of(parts[0] if len(parts) == 1 else b"".join(parts))
    finally:
        os.close(descriptor)


def _blob_of_stream(descriptor: int, size: int, called: str) -> BlobId:
    """git's id of a large file; it begins with the size, so that the size must hold."""
    import hashlib  # loads OpenSSL: few files are so large

    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    done = 0
    while data := os.read(descriptor, _WHOLE):
        done += len(data)
        digest.update(data)
    if done != size:
        raise FileProblem(called, None, "changed while it was read", hint="wait until it is written, and try again")
    return BlobId(digest.hexdigest())
