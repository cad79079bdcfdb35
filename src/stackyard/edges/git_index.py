# SPDX-License-Identifier: MIT
"""git: what lies on disk, with the ids that its index is sure of.

In:   a folder of the repository
Out:  Indexed, which nearly always follows from the index alone; Folders of everything on disk, where what git does not
      know the id of has none, and is to be hashed
Raises: NoHistory, ToolMissing

An index knows the id of a file as it was last looked at, which is the file's own only where its facts on disk are the
same (git's own rule, with its care for files written in the same moment), where nothing turns bytes into others on
their way (filters, line ends), and where git was not told to look away. Everything else has to be read.

Attributes and settings of today do not tell how a file was written: what they once turned stays as it is, and git
calls it clean. So an id also needs a file on disk of the blob's size: line ends, `ident` and encodings change it.
A filter may not, so nothing is believed where one is configured but git-lfs, whose pointers are of other sizes; nor
where `git replace` had other bytes written than the id is of.
Known limit: a filter that kept the size, of which neither attribute nor configuration is left; or such a replacement.
"""

from __future__ import annotations

import functools
import os
import posixpath
import re
import stat
import subprocess
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from stackyard.edges.git import IGNORED, STATUS, TRACKED, common_folder, index_of, own_folder, top_of
from stackyard.edges.git_entries import NotPlain, read_plain
from stackyard.edges.git_tree import AS_NAMED, KINDS, Row
from stackyard.errors import ToolMissing
from stackyard.model.trees import FOLDER, Folders, Node, in_folders, put, take, with_ids

_PLAIN = {
    "core.filemode": "true",
    "core.symlinks": "true",
    "core.autocrlf": "false",
    "core.checkstat": "default",
    "core.trustctime": "true",
    "core.ignorestat": "false",
    "extensions.objectformat": "sha1",
}
"""Settings under which a clean file is the index's file, byte for byte and with its x bit."""
_SETTING = re.compile(
    "|".join(map(re.escape, _PLAIN))
    + r"|core\.(attributesfile|sparsecheckout|worktree)|filter\..*\.(clean|smudge|process)"
)
"""Names of settings, as git spells them, that say what is done to files on their way to disk and back."""
_ODD_SETTINGS = (b"core.worktree\n", b"extensions.objectformat\n")
"""Under which an index has more files than those below the top, or ids of another form."""
_USUAL_FILTER = "filter.lfs."
_ENTRY = re.compile(
    r"(\S) (\d{6}) ([0-9a-f]{40}) (\d)\t([^\0]+)\0"  # tag, mode, id, stage, path
    r"  ctime: .*\n  mtime: .*\n  dev: .*\n  uid: .*\n  size: (\d+)\tflags: .*\n"
)
"""What `git ls-files --debug` says of one file: it promises nobody a form, so what is not of this one is nothing."""
_TURNING = ("text", "eol", "crlf", "ident", "filter", "working-tree-encoding")
"""Attributes that make a file on disk another one than in the repository."""
_ATTRIBUTES = ".gitattributes"
_OUTSIDE = ("/etc/gitattributes", "/usr/local/etc/gitattributes", "/opt/homebrew/etc/gitattributes")
_OURS = ".stackyard"
_CHECKSUM = 20
"""Bytes at the end of an index: a hash of all of it, or zeros where git was told to leave that out."""


class Indexed(msgspec.Struct):
    """What an index says."""

    folders: Folders
    """Files that git looks after; one whose size is not its blob's has no id."""
    odd: tuple[str, ...]
    """Paths of the others: submodules, half way through a merge, or told to look away from."""
    is_alone: bool = True
    """Whether it is the same as long as the index is: in a sparse checkout git looks after those files of the others
    that happen to be there."""


class Look:
    """What git says of what lies on disk: each command runs once, and beside the others."""

    def __init__(self, root: Path) -> None:
        self.top = top_of(root)
        self.asked: set[str] = set()
        """What was asked for: of `_COMMANDS`, and the `index` from whoever it came."""
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._said: dict[str, bytes] = {}
        self.is_refused = False
        """Whether git could not say something."""
        self.indexed: Indexed | None = None
        """What the index says, once somebody knows."""

    def status(self) -> tuple[bytes, bytes]:
        """What `git status` says, ignored files too, and paths of all that is not tracked, empty folders too."""
        tracked, others = self.ask("tracked", "others")
        paths = [
            path for path in others.split(b"\0") if path and posixpath.basename(path.rstrip(b"/")) != _OURS.encode()
        ]
        if paths and "new" not in self._said:
            # Of those found: which are new, and which are ignored? Of all, where a command cannot name so many.
            named = map(os.fsdecode, paths) if sum(map(len, paths)) < _LONGEST else ()
            process = _start(self.top, "--literal-pathspecs", *STATUS, IGNORED, "--", *named)
            self._said["new"] = process.communicate()[0]
            self.is_refused |= bool(process.returncode)
        rows = self._said.get("new", b"").split(b"\0")
        return tracked + b"".join(row + b"\0" for row in rows if row.startswith((b"? ", b"! "))), others

    def begin(self, *names: str) -> None:
        """Start these of `_COMMANDS`."""
        for name in names:
            if name not in self._started:
                self.asked.add(name)
                self._started[name] = _start(self.top, *_COMMANDS[name])

    def ask(self, *names: str) -> Iterator[bytes]:
        """What these of `_COMMANDS` print, each as soon as it is there; all of it is to be taken."""
        self.begin(*names)
        for name in names:
            if name not in self._said:
                self._said[name] = self._started[name].communicate()[0]
                self.is_refused |= bool(self._started[name].returncode)
            yield self._said[name]

    def index(self) -> bytes:
        """The index itself; nothing where there is none."""
        self.asked.add("index")
        try:
            return index_of(self.top).read_bytes()
        except OSError:
            return b""

    def checksum(self) -> bytes | None:
        """A hash of all of the index; None where git was told to leave it out, or there is none."""
        try:
            with open(index_of(self.top), "rb") as file:
                file.seek(-_CHECKSUM, os.SEEK_END)
                found = file.read()
        except OSError:
            return None
        return found if any(found) else None


def index_said(look: Look) -> Indexed | None:
    """What the index says; None where git does not, or in a form that nobody knows."""
    return _read(look) or _told(look)


def _read(look: Look) -> Indexed | None:
    """What a plain index says; None of any other."""
    (config,) = look.ask("config")
    if look.is_refused or any(setting in config for setting in _ODD_SETTINGS) or "GIT_WORK_TREE" in os.environ:
        return None
    try:
        folders, here = read_plain(look.index())
    except NotPlain:
        return None
    there = _sizes(look.top, here)
    if there != list(here.values()):
        turned = {blob for (blob, size), other in zip(here.items(), there, strict=True) if size != other}
        for folder, names in folders.items():
            for name in [name for name, (_, blob) in names.items() if blob in turned]:
                put(folders, posixpath.join(folder, name), (names[name][0], ""))
    return Indexed(folders, ())


def _told(look: Look) -> Indexed | None:
    """What git says that an index says."""
    (said,) = look.ask("index")
    index = os.fsdecode(said)
    entries = _ENTRY.findall(index)
    if look.is_refused or len(entries) != index.count("\0"):
        return None
    blobs = {blob for _, _, blob, _, _, _ in entries}
    sizes = dict(zip(blobs, _sizes(look.top, blobs), strict=True))  # while git looks at the disk
    odd: list[str] = []
    rows: list[Row] = []
    for tag, mode, blob, stage, path, size in entries:
        if tag == "H" and stage == "0" and mode != "160000":
            rows.append((path, KINDS.get(mode, "file"), blob if sizes[blob] == int(size) else ""))
        else:
            odd.append(path)
    folders = in_folders(rows)
    with_ids(folders)
    return Indexed(folders, tuple(dict.fromkeys(odd)), is_alone=not is_sparse(look))


def is_sparse(look: Look) -> bool:
    """Whether git was told to leave some files out of the work tree."""
    return _settings_of(look).get("core.sparsecheckout") == "true"


def is_believed(look: Look) -> bool:
    """Whether a file that git calls clean is the index's, byte for byte and with its x bit, but for attributes."""
    (replaced,) = look.ask("replaced")
    settings = _settings_of(look)
    return not (look.is_refused or replaced) and _is_plain(settings) and _is_of(look.top, settings)


def _is_of(top: Path, settings: dict[str, str]) -> bool:
    """Whether this is the work tree that git looks at."""
    elsewhere = top / os.environ.get("GIT_WORK_TREE", own_folder(top) / settings.get("core.worktree", top))
    return os.path.realpath(elsewhere) == os.path.realpath(top)


def listing_of_disk(look: Look, indexed: Indexed) -> tuple[Folders, str] | None:
    """Everything on disk below the top of the repository but for `.git`, and what `git status` said, ignored files too.

    None where git's word cannot be taken: then all files have to be read.

    Args:
        indexed: what the index says; its folders become those of the disk.
    """
    status, others = map(os.fsdecode, look.status())
    if not is_believed(look):
        return None
    top, folders = look.top, indexed.folders
    gone = set(map(posixpath.dirname, indexed.odd))
    todo = [path for path in indexed.odd if not _is_behind_a_link(top, posixpath.dirname(path))]
    for path, is_there in _changed(status):
        take(folders, path)
        folder = posixpath.dirname(path)
        gone.add(folder)
        if is_there or not _is_behind_a_link(top, folder):  # a file that is gone may be a folder now
            todo.append(path)
    _look_for_folders(folders, top, gone)
    own = (path.rstrip("/") for path in others.split("\0"))
    for path in (*todo, *(path for path in own if path and posixpath.basename(path) != _OURS)):
        for each, node in _looked_at(top, path).items():
            put(folders, each, node)
    if _has_attributes(top, _settings_of(look), folders):
        for path in _turned(top):
            folder, _, name = path.rpartition("/")
            kind, blob = folders.get(folder, {}).get(name, ("", ""))
            if blob and kind in ("file", "exec"):
                put(folders, path, (kind, ""))
    return folders, status


_LONGEST = 50_000
"""Bytes of paths in one command."""
_COMMANDS = {
    "index": ("ls-files", "--stage", "-v", "--debug", "-z"),
    "others": ("ls-files", "--others", "--directory", "-z"),
    # No daemon's word is taken, and no earlier command's: the disk is looked at.
    # What is not tracked `others` tells, who has to look through all folders anyway: once is enough.
    "tracked": ("-c", "core.fsmonitor=false", *TRACKED, "--untracked-files=no"),
    "config": ("config", "-z", "--list"),
    "replaced": ("replace", "--list"),
}
"""All at once; each says more than the one before it has to wait for."""


def _start(top: Path, *words: str) -> subprocess.Popen[bytes]:
    command = ["git", "--no-optional-locks", "-C", str(top), *words]
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        raise ToolMissing("git is not installed", hint="install git: tags are made of commits", program="git") from None


def _settings_of(look: Look) -> dict[str, str]:
    (config,) = look.ask("config")
    return dict(_settings(os.fsdecode(config)))


def _settings(data: str) -> Iterator[tuple[str, str]]:
    """Each setting about files as git last had it; one without a value is true."""
    for row in data.split("\0"):
        name, has_value, value = row.partition("\n")
        if _SETTING.fullmatch(name):
            plain = value.lower()
            yes = not has_value or plain in ("yes", "on", "true", "1")
            no = plain in ("no", "off", "false", "0")
            yield name.lower(), value if not yes and not no else "true" if yes else "false"


def _is_plain(settings: dict[str, str]) -> bool:
    """Whether nothing but attributes makes a file another one than in the repository."""
    if any(name.startswith("filter.") and not name.startswith(_USUAL_FILTER) for name in settings):
        return False
    return all(settings.get(name, plain) == plain for name, plain in _PLAIN.items())


def _sizes(top: Path, blobs: Collection[str]) -> list[int]:
    """Sizes in the repository, in this order; -1 of what this clone does not have, or is no blob's id."""
    command = ["git", AS_NAMED, "-C", str(top), "cat-file", "--buffer", "--batch-check=%(objectsize)"]
    asked = "\n".join(blobs).encode()
    alone = {**os.environ, "GIT_NO_LAZY_FETCH": "1"}
    said = subprocess.run(command, input=asked, capture_output=True, check=False, env=alone).stdout.split(b"\n")[:-1]
    if len(said) != len(blobs):
        return [-1] * len(blobs)
    return [int(size) if size.isdigit() else -1 for size in said]


def _look_for_folders(folders: Folders, top: Path, gone: Iterable[str]) -> None:
    """Put right which of these folders are there: git tells of files, and a folder may be there without one."""
    for folder in gone:
        while folder and not (os.path.isdir(top / folder) and not _is_behind_a_link(top, folder)):
            if not folders.get(folder):
                take(folders, folder)
            folder = posixpath.dirname(folder)  # noqa: PLW2901 - up to the top
        if folder not in folders:
            put(folders, folder, FOLDER)


def _changed(text: str) -> Iterator[tuple[str, bool]]:
    """Paths whose files are not the index's, and whether anything is there; submodules left out."""
    for row in text.split("\0"):
        if row.startswith("1 "):
            facts = row.split(" ", 8)
            if facts[1][1] != "." and facts[4] != "160000":
                yield facts[8], facts[5] != "000000"
        elif row.startswith("u "):
            facts = row.split(" ", 10)
            yield facts[10], facts[6] != "000000"


@functools.lru_cache(maxsize=4096)
def _is_behind_a_link(top: Path, folder: str) -> bool:
    return bool(folder) and (os.path.islink(top / folder) or _is_behind_a_link(top, posixpath.dirname(folder)))


def _looked_at(top: Path, path: str) -> dict[str, Node]:
    """What is at a path on disk, without its id; nothing for nothing."""
    try:
        mode = os.lstat(top / path).st_mode
    except OSError:
        return {}
    if stat.S_ISDIR(mode):
        return _below(top, path)
    kind = "link" if stat.S_ISLNK(mode) else "exec" if mode & stat.S_IXUSR else "file"
    return {path: (kind if stat.S_ISREG(mode) or stat.S_ISLNK(mode) else "other", "")}


def _below(top: Path, folder: str) -> dict[str, Node]:
    """Everything in a folder that git knows nothing of, and the folder itself, which may be empty."""
    nodes: dict[str, Node] = {folder: ("dir", "")}
    todo = [folder]
    while todo:
        here = todo.pop()
        try:
            with os.scandir(top / here) as entries:
                found = list(entries)
        except OSError:
            nodes[here] = ("other", "")
            continue
        for entry in found:
            if entry.name == ".git" or entry.name == _OURS:
                continue
            path = f"{here}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                nodes[path] = ("dir", "")
                todo.append(path)
            else:
                nodes.update(_looked_at(top, path))
    return nodes


def _has_attributes(top: Path, settings: dict[str, str], folders: Folders) -> bool:
    """Whether any file of attributes says anything; which files it is about is git's to say."""
    home = Path(os.path.expanduser("~"))
    given = settings.get("core.attributesfile")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    own = Path(os.path.expanduser(given)) if given else config / "git" / "attributes"
    if any(_says(path) for path in (*map(Path, _OUTSIDE), own, common_folder(top) / "info" / "attributes")):
        return True
    return any(_ATTRIBUTES in names for names in folders.values())


def _says(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _turned(top: Path) -> set[str]:
    """Tracked files that filters or line ends may make other bytes on disk."""
    listed = subprocess.run(["git", "-C", str(top), "ls-files", "-z"], capture_output=True, check=True).stdout
    command = ["git", "-C", str(top), "check-attr", "-z", "--stdin", *_TURNING]
    said = os.fsdecode(subprocess.run(command, input=listed, capture_output=True, check=True).stdout).split("\0")
    return {path for path, value in zip(said[::3], said[2::3], strict=False) if value not in ("unspecified", "unset")}
