# SPDX-License-Identifier: MIT
"""Files of a tree that somebody listed: a commit, or a disk that git looked at.

In:   the rows of a listing, a reader of blobs
Out:  Files
Raises: OSError as a disk does; FileProblem for what can be neither hashed nor sent
Beside: files (those of a folder on disk)
"""

from __future__ import annotations

import errno
import functools
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator

from stackyard.errors import FileProblem
from stackyard.load.tree.files import READABLE, special
from stackyard.model.inputs import BlobId, EntryKind
from stackyard.model.trees import Folders, Node, tree_id

_LINKS = 40
"""Links on the way to one path; a kernel gives up at as many."""
_SENT: tuple[EntryKind, ...] = ("file", "exec", "link")


class TreeFiles:
    """Files as a listing has them, of which only those that are asked for are read.

    Args:
        folders: what there is, by paths below the top of the repository.
        read: gives the bytes of a path (below the top) and id.
        prefix: where the stack's root lies below the top; empty for the top itself.
    """

    def __init__(self, folders: Folders, read: Callable[[str, str], bytes], prefix: str = ""):
        self._read = read
        self._prefix = prefix
        self._folders = folders
        self._ids: dict[str, str | None] = {}

    @functools.cached_property
    def is_all_text(self) -> bool:
        """Whether every name is text: names on disk are bytes."""
        return all(_is_text("/".join(names)) for names in self._folders.values())

    def is_file(self, path: str) -> bool:
        """Whether a regular file is there."""
        node = self._node(path)
        return node is not None and node[0] in ("file", "exec")

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""
        node = self._node(path)
        return node is not None and node[0] == "dir"

    def is_link(self, path: str) -> bool:
        """Whether the path itself is a link."""
        node = self._node(path, follow=False)
        return node is not None and node[0] == "link"

    def is_there(self, path: str) -> bool:
        """Whether anything is there."""
        return self._node(path, follow=False) is not None

    def scan(self, path: str) -> list[tuple[str, bool]]:
        """Names in a folder."""
        return [(name, kind == "dir") for name, (kind, _) in self.nodes(path)]

    def nodes(self, path: str) -> Iterable[tuple[str, Node]]:
        """Names in a folder, each with what is there."""
        names = self._folders.get(path) if not self._prefix else None
        if names is None:
            where = self._where(path)
            if where not in self._folders:
                raise _missing(path, errno.ENOENT if self._node(path) is None else errno.ENOTDIR)
            names = self._folders[where]
        return names.items()

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        where = self._where(path)
        node = self._at(where)
        if node is None or node[0] not in ("file", "exec"):
            raise _missing(path, errno.ENOENT if node is None else errno.EISDIR)
        return self._read(where, node[1])

    def entry(self, path: str, called: str) -> tuple[EntryKind, BlobId]:
        """Kind and id."""
        kind, blob = self._node(path, follow=False) or ("", "")
        for known in _SENT:
            if kind == known:
                return known, BlobId(blob)
        if kind == "module":  # all that is known of what is in it
            return "file", BlobId(blob)
        if not kind:
            raise FileProblem(called, None, f"cannot be read: {os.strerror(errno.ENOENT)}", hint=READABLE)
        raise special(called, "a folder")

    def real(self, path: str) -> str:
        """The path with its links followed."""
        where = self._where(path)
        return posixpath.relpath(f"/{where}", f"/{self._prefix}")

    def leads_out(self, path: str) -> bool:
        """Whether it lies outside the repository."""
        return self._where(path).split("/")[0] == ".."

    def state(self, path: str) -> str | None:
        """The id, where no link is at the path, on the way or below."""
        where = "" if path == "." and not self._prefix else self._where(path, follow=False)
        node = self._at(where)
        if node is None or node[0] in ("link", "module"):
            return None
        return (node[1] or self._tree_id(where)) if node[0] == "dir" else self._id(where, node)

    def _tree_id(self, where: str) -> str | None:
        """git's id of a folder: worked out where the listing has none."""
        if where not in self._ids:
            known = self._at(where)
            self._ids[where] = (known and known[1]) or tree_id(self._rows(where))
        return self._ids[where]

    def _rows(self, where: str) -> Iterator[tuple[str, str, str | None]]:
        """Name, kind and id of everything in a folder."""
        for name, (kind, listed) in list(self._folders[where].items()):
            path = f"{where}/{name}" if where else name
            yield name, kind, self._tree_id(path) if kind == "dir" else self._id(path, (kind, listed))

    def _id(self, where: str, node: Node) -> str | None:  # noqa: ARG002 - one who knows more asks for the path
        """git's id of what is at a path."""
        return node[1]

    def _put(self, where: str, node: Node) -> None:
        """Keep what was found out about a path."""
        folder, _, name = where.rpartition("/")
        self._folders[folder][name] = node

    def _node(self, path: str, follow: bool = True) -> Node | None:
        return self._at(self._where(path, follow))

    def _at(self, where: str) -> Node | None:
        if not where:
            return "dir", ""
        folder, _, name = where.rpartition("/")
        return self._folders.get(folder, {}).get(name)

    def _where(self, path: str, follow: bool = True) -> str:
        """The path below the top with its links followed, but for the last one where `follow` is false."""
        if not self._prefix:  # nearly every path is as it should be, and there is no quicker way to see it
            folder, _, name = path.rpartition("/")
            names = self._folders.get(folder)
            if names is not None and name not in _NO_NAMES:
                node = names.get(name)
                if not follow or node is None or node[0] != "link":
                    return path
        whole = posixpath.normpath(posixpath.join(self._prefix, path))
        if whole == "." or whole.startswith("../"):
            return "" if whole == "." else whole
        folder, _, name = whole.rpartition("/")
        names = self._folders.get(folder)
        if names is not None and (not follow or names.get(name, ("",))[0] != "link"):
            return whole
        return self._followed(whole, follow)

    def _followed(self, whole: str, follow: bool) -> str:
        """As the kernel does it: name by name, each link's text in place of the link."""
        done: list[str] = []
        todo = whole.split("/")[::-1]
        links = 0
        while todo:
            name = todo.pop()
            if name in ("", "."):
                continue
            if name == "..":
                if not done:
                    return "/".join(["..", *reversed(todo)])
                done.pop()
                continue
            node = self._folders.get("/".join(done), {}).get(name)
            if node is None or node[0] != "link" or (not todo and not follow) or links == _LINKS:
                done.append(name)
                continue
            links += 1
            text = os.fsdecode(self._read("/".join([*done, name]), node[1]))
            if text.startswith("/"):
                return f"..{text}"
            todo.extend(reversed(text.split("/")))
        return "/".join(done)


def _is_text(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_NO_NAMES = frozenset(("", ".", ".."))


def _missing(path: str, number: int) -> OSError:
    return OSError(number, os.strerror(number), path)
