# SPDX-License-Identifier: MIT
"""In git's place: what git says of a repository that tests/repositories.py made, told without a process.

In:      the words of a question (stackyard.edges.git.answered_by)
Out:     what git would have printed; exit codes and first words on stderr as well
Touches: the repository, to read it; git is started where only git knows: whatever git itself changed, ignore rules,
         repositories in others (in a test that is not marked `processes`, that is a failure)

Nearly every test of a verb asks for the status, and a process of git takes longer than the verb. What is answered here
is compared with git's own answers in tests/test_environment.py.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import stat
import struct
import subprocess
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from stackyard.edges.git import IGNORED, STATUS, Said
from tests.repositories import is_ours

_SPECIAL = frozenset((".git", ".gitignore", ".gitattributes", ".gitmodules"))
_OURS = ".stackyard"
_BRANCH = ".git/refs/heads/main"
_ODD = frozenset("*?[\\:")
"""Characters that mean something in a path which git is given."""
_ENTRY = struct.Struct(">10I20sH")


class NotPlain(Exception):
    """Only git knows."""


def answer(words: Sequence[str]) -> Said:
    """What git says."""
    try:
        return told(words)
    except NotPlain:
        return subprocess.run(["git", *words], capture_output=True, check=False)


def told(words: Sequence[str]) -> Said:
    """The same, without git."""
    rest = [word for word in words if word != "--no-optional-locks"]
    if rest[0] != "-C":
        raise NotPlain(words)
    asked, (verb, *of) = rest[1], rest[2:]
    if not os.path.isdir(asked):
        return _refused(words, f"cannot change to '{asked}': No such file or directory")
    above = asked
    while not os.path.lexists(f"{above}/.git"):
        above, below = os.path.split(above)
        if not below:
            if verb == "config":
                return _said(words, code=1)
            return _refused(words, "not a git repository (or any of the parent directories): .git")
    top = Path(above)
    if not is_ours(top / ".git"):
        raise NotPlain(words)
    if verb == "status" and ("status", *of)[: len(STATUS) + 1] == (*STATUS, IGNORED):
        paths = of[of.index("--") + 1 :] if "--" in of else ["."]
        return _said(words, b"\0".join((*_status(asked, top, paths), b"")))
    if verb == "for-each-ref":
        return _said(words, b"".join(b"%s\n" % ref for ref in _refs(top / ".git")))
    if verb == "config" and of[0] == "--get":  # such a repository has no settings of its own, and nobody else has any
        return _said(words, code=1)
    if verb == "log" and of[:2] == ["-1", "--format=%B"]:
        name = (top / _BRANCH).read_text().strip() if of[2] == "HEAD" and (top / _BRANCH).exists() else of[2]
        if not re.fullmatch("[0-9a-f]{40}", name):
            raise NotPlain(words)
        found = _commit(top / ".git" / "objects" / "pack", bytes.fromhex(name))
        if found is None:
            return _refused(words, f"bad object {of[2]}")
        return _said(words, found.partition(b"\n\n")[2] + b"\n")
    raise NotPlain(words)


def _said(words: Sequence[str], out: bytes = b"", code: int = 0) -> Said:
    return Said(["git", *words], code, out, b"")


def _refused(words: Sequence[str], why: str) -> Said:
    return Said(["git", *words], 128, b"", f"fatal: {why}\n".encode())


def _refs(inside: Path) -> Iterator[bytes]:
    for kind in ("refs/heads", "refs/remotes"):
        for above, folders, names in os.walk(inside / kind):
            folders.sort()
            for name in sorted(names):
                yield os.fsencode(os.path.relpath(os.path.join(above, name), inside))


def _status(asked: str, top: Path, paths: Sequence[str]) -> Iterator[bytes]:
    """Rows of `git status --porcelain=v2 --branch`: of the branch, of what is changed, new, ignored."""
    here = os.path.relpath(asked, top)
    wanted = [posixpath.normpath(posixpath.join(here, path)) for path in paths]
    if any(_ODD & set(path) or path.startswith("..") for path in wanted):
        raise NotPlain(paths)
    branch = top / _BRANCH
    yield b"# branch.oid " + (branch.read_bytes().strip() if branch.exists() else b"(initial)")
    yield b"# branch.head main"
    known, links = dict(_index(top / ".git/index")), dict[str, bool]()
    for path, (mode, blob) in known.items():
        if any(path == each or each == "." or path.startswith(f"{each}/") for each in wanted):
            now = _now(top, path, blob, links)
            if now != (mode, blob):
                how = "D" if not now[0] else "T" if now[0] // 0o10000 != mode // 0o10000 else "M"
                after = "%06o" % (now[0] if how != "D" else 0)
                ids = f"{blob.hex()} {blob.hex()}"
                yield os.fsencode(f"1 .{how} N... {mode:06o} {mode:06o} {after} {ids} {path}")
    tracked = {above for path in known for above in _above(path)}
    seen = [row for path in sorted(set(wanted)) for row in _beside(top, path, known.keys(), tracked)]
    yield from (os.fsencode(f"{sign} {path}") for sign in "?!" for path in sorted(p for s, p in seen if s == sign))


def _above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _index(path: Path) -> Iterator[tuple[str, tuple[int, bytes]]]:
    """Path -> mode and blob, in git's order."""
    if not path.exists():
        return
    data = path.read_bytes()
    (count,) = struct.unpack_from(">I", data, 8)
    at = 12
    for _ in range(count):
        *facts, blob, _ = _ENTRY.unpack_from(data, at)
        end = data.index(b"\0", at + _ENTRY.size)
        yield os.fsdecode(data[at + _ENTRY.size : end]), (facts[6], blob)
        at += (end - at) // 8 * 8 + 8


def _now(top: Path, path: str, blob: bytes, links: dict[str, bool]) -> tuple[int, bytes]:
    """Mode and blob of what lies there now; a mode of 0 for nothing. Files of tests are small: each is read.

    Args:
        links: folders that were looked at, and whether they are links.
    """
    full = f"{top}/{path}"
    try:
        mode = os.lstat(full).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0, blob
    if stat.S_ISDIR(mode):
        raise NotPlain(path)
    for above in _above(path):
        if above not in links:
            links[above] = os.path.islink(f"{top}/{above}")
        if links[above]:
            return 0, blob
    if stat.S_ISLNK(mode):
        kind, data = 0o120000, os.fsencode(os.readlink(full))
    else:
        kind = 0o100755 if mode & stat.S_IXUSR else 0o100644
        with open(full, "rb", buffering=0) as file:
            data = file.read()
    return kind, hashlib.sha1(b"blob %d\0%s" % (len(data), data)).digest()


def _beside(top: Path, path: str, known: Collection[str], tracked: set[str]) -> Iterator[tuple[str, str]]:
    """What no commit has, at or below a path: a folder in which nothing is tracked is one row."""
    full = f"{top}/{path}"
    if not os.path.lexists(full) or any(os.path.islink(f"{top}/{above}") for above in _above(path)):
        return
    if os.path.isdir(full) and not os.path.islink(full):
        yield from _in_folder(top, "" if path == "." else path, known, tracked)
    elif path not in known:
        yield "?", path


def _in_folder(top: Path, folder: str, known: Collection[str], tracked: set[str]) -> Iterator[tuple[str, str]]:
    if folder and folder not in tracked:
        if _has_files(top / folder):
            yield "?", f"{folder}/"
        return
    with os.scandir(f"{top}/{folder}") as entries:
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name in _SPECIAL:
                if path != ".git":
                    raise NotPlain(path)
            elif not entry.is_dir(follow_symlinks=False):
                if path not in known:
                    yield "?", path
            elif entry.name == _OURS:
                yield from (("!", each) for each in _own(top / path, path))
            else:
                yield from _in_folder(top, path, known, tracked)


def _own(full: Path, path: str) -> Iterator[str]:
    """The folder of records, which ignores itself."""
    if (full / ".gitignore").read_text().strip() != "*":
        raise NotPlain(path)
    for name in os.listdir(full):
        yield f"{path}/{name}/" if (full / name).is_dir() else f"{path}/{name}"


def _has_files(folder: Path) -> bool:
    """Whether there is a file in it, however deep; whoever asks has no ignore rules to heed there."""
    found = False
    for _, folders, names in os.walk(folder):
        if _SPECIAL & {*folders, *names}:
            raise NotPlain(folder)
        found = found or bool(names)
    return found


def _commit(packs: Path, wanted: bytes) -> bytes | None:
    """The text of a commit, from the pack that has it."""
    for index in packs.glob("*.idx"):
        data = index.read_bytes()
        (count,) = struct.unpack_from(">I", data, 8 + 4 * 255)
        ids = data[1032 : 1032 + 20 * count]
        at = ids.find(wanted)
        while at >= 0 and at % 20:
            at = ids.find(wanted, at + 1)
        if at >= 0:
            (start,) = struct.unpack_from(">I", data, 1032 + 24 * count + at // 20 * 4)
            pack = index.with_suffix(".pack").read_bytes()
            while pack[start] & 128:
                start += 1
            return zlib.decompressobj().decompress(pack[start + 1 :])
    return None
