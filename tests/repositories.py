# SPDX-License-Identifier: MIT
"""Git repositories for tests: what `git init`, `git add --all` and `git commit` leave, made without git where possible.

In:      a folder of files
Out:     a repository on `main`, committed by nobody in particular at a time that stands still
Touches: the folder; git is started for what is not plain (`is_ours`, `_Special`)

A process of git takes longer than most tests, and a repository needs three of them. What is written here is what git
writes: the same ids, an index with the facts of the files on disk. The real git reads it everywhere, and
tests/test_environment.py compares.
"""

from __future__ import annotations

import bisect
import hashlib
import os
import stat
import struct
import subprocess
import zlib
from pathlib import Path
from typing import NamedTuple

WHO = {"NAME": "A Person", "EMAIL": "person@example.org", "DATE": "2026-01-01T00:00:00Z"}
_SECONDS = 1767225600  # WHO's date
_SETTINGS = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
_HEAD = "ref: refs/heads/main\n"
_BRANCH = "refs/heads/main"
MADE = "made-by-the-tests"
"""A file in `.git`: the index's checksum and the commit as they were left here. Whatever else is there is git's."""
_PLAIN = frozenset(("HEAD", "config", "objects", "refs"))
_GITS = frozenset(("packed-refs", "info", "MERGE_HEAD"))
"""In `.git`: what is always there, and what only git leaves there."""
_IGNORES_ITSELF = b".stackyard"
_SPECIAL = frozenset((b".git", b".gitignore", b".gitattributes", b".gitmodules"))
_TYPES = {"commit": 1, "tree": 2, "blob": 3}
_LAST = [bytes((first,)) + b"\xff" * 20 for first in range(256)]
"""Behind all ids that begin with a byte, for each byte."""


class _Special(Exception):
    """A file that decides what git takes, or how."""


class _File(NamedTuple):
    path: bytes
    mode: int
    facts: os.stat_result
    blob: bytes


def git(root: Path, *words: str) -> str:
    """Run git in `root`, as nobody in particular; what it printed."""
    facts = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in WHO.items()}
    facts |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    settings = ("-c", "maintenance.auto=false", "-c", "protocol.file.allow=always")
    command = ["git", "-C", str(root), *settings, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **facts})
    return done.stdout.strip()


def init(root: Path) -> Path:
    """An empty repository on `main`."""
    inside = root / ".git"
    for folder in ("refs/heads", "objects/pack"):
        (inside / folder).mkdir(parents=True)
    (inside / "HEAD").write_text(_HEAD)
    (inside / "config").write_text(_SETTINGS)
    return root


def commit(root: Path, message: str = "a change") -> str:
    """Commit everything that is there, also where nothing changed; the commit's id."""
    inside, pack, files = root / ".git", _Pack(), list[_File]()
    try:
        if not is_ours(inside):
            raise _Special
        tree = _add(os.fsencode(root), b"", pack, files) or pack.add("tree", b"")
    except _Special:
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(root, "rev-parse", "HEAD")
    branch = inside / _BRANCH
    parent = f"parent {branch.read_text()}" if branch.exists() else ""
    who = f"{WHO['NAME']} <{WHO['EMAIL']}> {_SECONDS} +0000"
    text = f"tree {tree.hex()}\n{parent}author {who}\ncommitter {who}\n\n{message}\n"
    made = pack.add("commit", text.encode()).hex()
    pack.write(inside / "objects" / "pack")
    index = _index(files)
    (inside / "index").write_bytes(index)
    branch.write_text(f"{made}\n")
    (inside / MADE).write_bytes(index[-20:] + made.encode())
    return made


def is_ours(inside: Path) -> bool:
    """Whether a repository is as `init` or `commit` left it: no setting, branch or index that git made."""
    if _PLAIN - (names := set(os.listdir(inside)) if inside.is_dir() else set[str]()) or names & _GITS:
        return False
    if (inside / "HEAD").read_text() != _HEAD or (inside / "config").read_text() != _SETTINGS:
        return False
    if MADE not in names:
        return "index" not in names and not (inside / _BRANCH).exists()
    left = (inside / "index").read_bytes()[-20:] + (inside / _BRANCH).read_bytes().strip()
    return (inside / MADE).read_bytes() == left


def _add(folder: bytes, above: bytes, pack: _Pack, files: list[_File]) -> bytes:
    """A folder's tree, and its files for the index; nothing for a folder without any."""
    rows: list[tuple[bytes, bytes]] = []
    for name in os.listdir(folder):
        if not above and name in (b".git", _IGNORES_ITSELF):
            continue
        if name in _SPECIAL:
            raise _Special
        full, path = os.path.join(folder, name), above + name
        facts = os.lstat(full)
        if stat.S_ISDIR(facts.st_mode):
            if tree := _add(full, path + b"/", pack, files):
                rows.append((name + b"/", b"40000 %s\0%s" % (name, tree)))
            continue
        if stat.S_ISLNK(facts.st_mode):
            mode, data = 0o120000, os.readlink(full)
        elif stat.S_ISREG(facts.st_mode):
            mode, data = 0o100755 if facts.st_mode & stat.S_IXUSR else 0o100644, Path(os.fsdecode(full)).read_bytes()
        else:
            raise _Special
        blob = pack.add("blob", data)
        files.append(_File(path, mode, facts, blob))
        rows.append((name, b"%o %s\0%s" % (mode, name, blob)))
    return pack.add("tree", b"".join(row for _, row in sorted(rows))) if rows else b""


class _Pack:
    """Objects of one commit, in git's pack format; those of earlier commits may be among them."""

    def __init__(self) -> None:
        self._objects: dict[bytes, bytes] = {}

    def add(self, kind: str, data: bytes) -> bytes:
        """The id of an object, which is in the pack then."""
        made = hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(data), data)).digest()
        if made not in self._objects:
            size, head = len(data) >> 4, bytearray([_TYPES[kind] << 4 | len(data) & 15])
            while size:
                head[-1] |= 128
                head.append(size & 127)
                size >>= 7
            self._objects[made] = bytes(head) + zlib.compress(data, 1)
        return made

    def write(self, folder: Path) -> None:
        """The pack, and its index with the places of all objects in it."""
        ids = sorted(self._objects)
        count = len(ids)
        body, places = b"PACK" + struct.pack(">II", 2, count), []
        for each in ids:
            places.append(len(body))
            body += self._objects[each]
        checksum = hashlib.sha1(body).digest()
        starts = [bisect.bisect(ids, last) for last in _LAST]
        crcs = [zlib.crc32(self._objects[each]) for each in ids]
        index = b"\xfftOc" + struct.pack(
            f">I256I{20 * len(ids)}s{2 * len(ids)}I", 2, *starts, b"".join(ids), *crcs, *places
        )
        index += checksum
        (folder / f"pack-{checksum.hex()}.pack").write_bytes(body + checksum)
        (folder / f"pack-{checksum.hex()}.idx").write_bytes(index + hashlib.sha1(index).digest())


def _index(files: list[_File]) -> bytes:
    """git's index, with the facts by which it sees whether a file changed."""
    made = b"DIRC" + struct.pack(">II", 2, len(files))
    for path, mode, facts, blob in sorted(files):
        times = (*divmod(facts.st_ctime_ns, 10**9), *divmod(facts.st_mtime_ns, 10**9))
        rest = (facts.st_dev, facts.st_ino, mode, facts.st_uid, facts.st_gid, facts.st_size)
        head = struct.pack(">10I20sH", *(fact & 0xFFFFFFFF for fact in (*times, *rest)), blob, min(len(path), 0xFFF))
        made += (head + path).ljust((len(head) + len(path)) // 8 * 8 + 8, b"\0")
    return made + hashlib.sha1(made).digest()
