# SPDX-License-Identifier: MIT
"""git: the files of a commit, and those of the work tree as a commit of them would be.

In:   a folder of the repository; what a person wrote after --since
Out:  Compared (two commits), Listing (rows of path, kind, id; what no tree can hold), Blobs (a reader)
Raises: NoHistory where a commit or its history is not there; ToolMissing

Listings are read whole, one process each; bytes come from one `git cat-file` that is asked for what is read.
A submodule that is checked out is listed with what its own repository has; of another only the commit is known.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import msgspec

from stackyard.edges.git import hidden_in, top_of
from stackyard.errors import NoHistory, ToolMissing
from stackyard.model.trees import Folders, differing

Row = tuple[str, str, str]
"""Path below the top of the repository, kind (`file`, `exec`, `link`, `dir`, `module`), git's id."""

_MANY = 20
"""When so many files of one name were asked for, all others are read together."""
_ROW = re.compile(r"(\d+) \w+ ([0-9a-f]+)\t([^\0]*)\0")
"""Mode, id and path of what `git ls-tree -z` lists."""
_OF_ONE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
"""Variables that a hook gets: they are about its repository, and about none within it."""
_THINGS = {b"blob": "a file", b"tree": "a folder"}
_DIGITS = re.compile(r"[0-9a-f]{4,40}")
_MODULE = "160000 commit "
"""How the row of a submodule begins."""
AS_NAMED = "--no-replace-objects"
"""An id is a promise: what is kept of a tree is found by it. `git replace` shows something else under it, in one clone,
for as long as somebody likes."""
KINDS = {"100644": "file", "100664": "file", "100755": "exec", "120000": "link", "040000": "dir", "160000": "module"}


class Compared(msgspec.Struct, frozen=True):
    """Two trees: what `--since` names, and what is compared with it."""

    reference: str
    """As it was written."""
    then: str
    """The commit to compare with."""
    now: str | None
    """The commit that is compared; None for the work tree."""


class Listing(msgspec.Struct, frozen=True):
    """All files of one tree."""

    rows: tuple[Row, ...]
    untracked: tuple[str, ...] = ()
    """Files of the work tree that were never added: they are among the rows."""
    ignored: tuple[str, ...] = ()
    """Files and folders (with a slash at their end) that git is told to ignore: they are not."""
    on_disk: frozenset[str] = frozenset()
    """Paths whose bytes are on disk, and not in the repository."""
    modules: tuple[str, ...] = ()
    """Submodules whose files are among the rows; their bytes are in repositories of their own."""
    status: str = ""
    """What `git status` said of the work tree, its branch too; it is asked once, for it may look for long."""
    commit: str = ""
    """The commit that it is of; of the work tree none."""
    has_modules: bool = False
    """Whether there are submodules at all: which are checked out, no commit says."""


def compared(root: Path, text: str) -> Compared:
    """What `--since text` compares: `REF`, `A..B`; from the merge base on with `REF...` and `A...B`.

    Without B it is the work tree that is compared.
    """
    top = top_of(root)
    first, dots, second = _parted(text)
    if not first.strip() and not second.strip():
        raise NoHistory(
            "--since was given no commit",
            hint="a variable that is not set? --since main, --since HEAD~3, --since origin/main...",
            reference=text,
        )
    then = _commit(top, first or "HEAD")
    now = _commit(top, second) if second else None
    if dots == "...":
        then = _merge_base(top, first or "HEAD", then, second or "HEAD", now)
    return Compared(text, then, now)


def listing_of(root: Path, commit: str) -> Listing:
    """The files of a commit."""
    rows: list[Row] = []
    modules: list[str] = []
    _list_commit(top_of(root), "", commit, rows, modules)
    has_modules = bool(modules) or "module" in map(itemgetter(1), rows)
    return Listing(tuple(rows), modules=tuple(modules), has_modules=has_modules, commit=commit)


def folders_of(root: Path, commit: str, other: str, folders: Folders) -> Folders | None:
    """Folders of a commit, from those of another: git tells of what differs. None where submodules do.

    Args:
        folders: of `other`, without a file of any submodule.
    """
    flags = ("-r", "-t", "-z", "--no-renames", "--ignore-submodules=none")
    told = _output(top_of(root), AS_NAMED, "diff-tree", *flags, other, commit).split("\0")
    rows = []
    for facts, path in zip(told[::2], told[1::2], strict=False):
        here, there, _, blob, _ = facts.split(" ")
        rows.append((path, KINDS.get(here[1:], ""), KINDS.get(there, ""), blob))
    return None if any("module" in row[1:3] for row in rows) else differing(folders, rows)


def listing_of_work_tree(root: Path) -> Listing:
    """The work tree as a commit of all of it would be, and what such a commit could not hold.

    Filters and line ends are git's, the x bit is git's idea of it, and what a sparse checkout leaves out is there:
    this is compared with commits, and no engine is sent it.
    """
    found = _WorkTree()
    status = _list_work_tree(top_of(root), "", found)
    if found.looks_away:
        status += hidden_in(root)
    return Listing(
        tuple((path, kind, blob) for path, (kind, blob) in found.nodes.items()),
        tuple(found.untracked),
        tuple(found.ignored),
        frozenset(found.on_disk),
        tuple(found.modules),
        status,
    )


class Blobs:
    """Reads bytes by path and id; use it in a `with`. A process begins when a repository is first asked."""

    def __init__(self, root: Path, listing: Listing) -> None:
        self._top = top_of(root)
        self._listing = listing
        self._modules = sorted(listing.modules, key=len, reverse=True)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ahead: dict[str, bytes] = {}
        self._asked: dict[str, int] = {}

    def __enter__(self) -> Blobs:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.communicate()
        self._processes.clear()

    def read(self, path: str, blob: str) -> bytes:
        """The bytes of `blob` at `path` below the top; NoHistory where git does not have them."""
        if path in self._listing.on_disk:
            full = self._top / path
            return os.fsencode(os.readlink(full)) if full.is_symlink() else full.read_bytes()
        if blob not in self._ahead:
            self._read_ahead(path)
        if blob in self._ahead:
            return self._ahead[blob]
        process = self._process_of(next((each for each in self._modules if path.startswith(f"{each}/")), ""))
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{blob}\n".encode())
        process.stdin.flush()
        head = process.stdout.readline().split()
        if len(head) != 3:
            raise NoHistory(
                f"git does not have the bytes of {path} ({blob[:7]})",
                hint="a partial clone or a damaged one: git fetch --refetch brings all of it",
                path=path,
            )
        size = int(head[2])
        return process.stdout.read(size + 1)[:size]

    def _read_ahead(self, path: str) -> None:
        """Read all files of a name together, once many were asked for: a stack has thousands of Dockerfiles."""
        name = path.rpartition("/")[2]
        self._asked[name] = count = self._asked.get(name, 0) + 1
        if count != _MANY or self._modules:
            return
        end = f"/{name}"
        wanted = {blob for where, kind, blob in self._listing.rows if where.endswith(end) and kind in ("file", "exec")}
        asked = "".join(f"{blob}\n" for blob in wanted).encode()
        data = _git(self._top, AS_NAMED, "cat-file", "--batch", data=asked).stdout
        at = 0
        while at < len(data):
            end_of_head = data.index(b"\n", at)
            head = data[at:end_of_head].split()
            if len(head) != 3:
                return
            at = end_of_head + 1 + int(head[2])
            self._ahead[head[0].decode()] = data[end_of_head + 1 : at]
            at += 1

    def _process_of(self, module: str) -> subprocess.Popen[bytes]:
        if module not in self._processes:
            command = ["git", AS_NAMED, "-C", str(self._top / module), "cat-file", "--batch"]
            environ = _environ(self._top / module)
            self._processes[module] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
            )
        return self._processes[module]


def _parted(text: str) -> tuple[str, str, str]:
    for dots in ("...", ".."):
        first, found, second = text.partition(dots)
        if found:
            return first, dots, second
    return text, "", ""


def _commit(root: Path, name: str) -> str:
    """The commit that a person's word names."""
    if not name.startswith(("-", "^")):  # what git would take for an option, or for "without this"
        done = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.decode().strip()
        words = done.stderr.decode("utf-8", "replace").strip()
        if "not a git repository" in words or "dubious ownership" in words:
            raise NoHistory(f"git cannot read the repository at {root}: {words.splitlines()[0]}", path=str(root))
        _refuse_other(root, name)
    raise NoHistory(f"there is no commit {name!r} in this clone", hint=_hint_for(root, name), path=str(root))


def _refuse_other(root: Path, name: str) -> None:
    """NoHistory about a name that is there, and is not that of one commit."""
    kind = _THINGS.get(_git(root, "cat-file", "-t", f"{name}^{{}}").stdout.strip())
    if kind:
        raise NoHistory(f"{name!r} names {kind}, and no commit", hint="name a commit, a branch or a tag of one")
    if _DIGITS.fullmatch(name) and _git(root, "rev-parse", f"--disambiguate={name}").stdout.count(b"\n") > 1:
        sentence = f"more than one commit of this clone begins with {name!r}"
        raise NoHistory(sentence, hint="write more digits of it: git log --oneline --all shows them")


def _hint_for(root: Path, name: str) -> str:
    """What brings a commit that is not there."""
    remotes = _git(root, "remote").stdout.decode("utf-8", "replace").splitlines()
    place, _, branch = re.split(r"[~^@:]", name, maxsplit=1)[0].partition("/")
    is_shallow, is_theirs = _is_shallow(root), branch not in ("", "HEAD") and place in remotes
    if is_theirs and (is_shallow or _git(root, "rev-parse", "--verify", "--quiet", f"{place}/{branch}").returncode):
        whole = "--unshallow " if is_shallow else ""
        return f"git fetch {whole}{place} {branch}:refs/remotes/{place}/{branch} brings it, if {place} has it"
    if is_shallow:
        return "the clone is shallow: git fetch --unshallow brings its whole history, git fetch --depth=100 a part"
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        return "there is none at all yet: git add -A && git commit"
    remote = remotes[0] if remotes else ""
    if remote and "/" not in name and not _git(root, "rev-parse", "--verify", "--quiet", f"{remote}/{name}").returncode:
        return f"did you mean {remote}/{name}?"
    return f"git fetch {remote} may bring it" if remote else "git log --oneline --all shows what there is"


def _is_shallow(root: Path) -> bool:
    return _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def _merge_base(root: Path, first: str, then: str, second: str, now: str | None) -> str:
    done = _git(root, "merge-base", then, now or "HEAD")
    if done.returncode == 0:
        return done.stdout.decode().split()[0]
    hint = f"to compare with {first} itself, write {first}..{second if now else ''}".rstrip(".")
    if _is_shallow(root):
        hint = "the clone is shallow: git fetch --unshallow brings its whole history, git fetch --depth=100 a part"
    raise NoHistory(f"{first!r} and {second!r} have no commit in common in this clone", hint=hint, path=str(root))


def _list_commit(top: Path, prefix: str, commit: str, rows: list[Row], modules: list[str]) -> None:
    """Rows of a commit, and of submodules whose commit their own repository has."""
    done = _git(top, AS_NAMED, "ls-tree", "-r", "-t", "-z", "--full-tree", commit)
    if done.returncode:
        raise NoHistory(f"git cannot list the files of {commit[:7]}: {_first_line(done.stderr)}", path=str(top))
    told = os.fsdecode(done.stdout)
    if _MODULE not in told and told[52:53] == "\t":  # nearly always, and then each field has its place
        rows.extend([(prefix + row[53:], KINDS.get(row[:6], "file"), row[12:52]) for row in told.split("\0")[:-1]])
        return
    for mode, blob, path in _ROW.findall(told):
        kind = KINDS.get(mode, "file")
        if kind == "module" and _has(top / path, blob):
            rows.append((prefix + path, "dir", ""))
            modules.append(prefix + path)
            _list_commit(top / path, f"{prefix}{path}/", blob, rows, modules)
        else:
            rows.append((prefix + path, kind, blob))
    if rows and len(rows[0][2]) != 40:
        sentence = "this repository names its files by sha256, and fingerprints are made of sha1"
        raise NoHistory(sentence, hint="plan without --since compares with the records", path=str(top))


def _has(module: Path, commit: str) -> bool:
    """Whether a submodule is checked out, and its repository has the commit."""
    return (module / ".git").exists() and not _git(module, "cat-file", "-e", f"{commit}^{{commit}}").returncode


class _WorkTree:
    """A listing while it is made."""

    def __init__(self) -> None:
        self.nodes: dict[str, tuple[str, str]] = {}
        self.untracked: list[str] = []
        self.ignored: list[str] = []
        self.on_disk: set[str] = set()
        self.modules: list[str] = []
        self.looks_away = False
        """Whether git was told not to look at some files."""


def _list_work_tree(top: Path, prefix: str, found: _WorkTree) -> str:
    """The index, with what differs on disk in place of it; what git said of that."""
    flags = ("--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all", "--ignored=matching")
    unsure: dict[str, str] = {}
    for tag, path, kind, blob in _index(top):
        if kind == "module" and (top / path / ".git").exists():
            found.modules.append(prefix + path)
            _list_work_tree(top / path, f"{prefix}{path}/", found)
        elif tag == "H" or kind == "module":
            found.nodes[prefix + path] = (kind, blob)
        else:
            found.looks_away = True
            if os.path.lexists(top / path):
                unsure[path] = kind
            elif tag in "Ss":
                found.nodes[prefix + path] = (kind, blob)
    status = _output(top, "status", *flags)
    for row in status.split("\0"):
        if row.startswith("? "):
            found.untracked.append(prefix + row[2:])
            if row.endswith("/"):  # a repository of its own, that would be a submodule
                found.modules.append(prefix + row[2:-1])
                with contextlib.suppress(NoHistory):  # of somebody else, or damaged: it is named as not tracked
                    _list_work_tree(top / row[2:], prefix + row[2:], found)
            else:
                unsure[row[2:]] = ""
        elif row.startswith("! "):
            found.ignored.append(prefix + row[2:])
        elif row.startswith(("1 ", "u ")):
            is_merged = row[0] == "1"
            facts = row.split(" ", 8 if is_merged else 10)
            path, mode = facts[-1], facts[5 if is_merged else 6]
            if mode == "160000" or (is_merged and facts[1][1] == "."):
                continue
            found.nodes.pop(prefix + path, None)
            if mode != "000000":
                unsure[path] = KINDS.get(mode, "file")
    hashed = {prefix + path: node for path, node in _hashed(top, unsure)}
    found.nodes.update(hashed)
    found.on_disk.update(hashed)
    return status


def _index(top: Path) -> Iterator[tuple[str, str, str, str]]:
    """Tag, path, kind and id of what the index has at stage 0: `H` as usual, `S` left out of the work tree."""
    for row in _output(top, "ls-files", "--stage", "-v", "-z").split("\0"):
        facts, tab, path = row.partition("\t")
        if tab:
            tag, mode, blob, stage = facts.split(" ")
            if stage == "0":
                yield tag, path, KINDS.get(mode, "file"), blob


def _hashed(top: Path, paths: dict[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Kind and id of paths on disk; files go through git's filters, as they would if they were added."""
    files: list[str] = []
    for path, kind in paths.items():
        full = top / path
        if full.is_symlink():
            blob = _output(top, "hash-object", "--stdin", data=os.fsencode(os.readlink(full))).strip()
            yield path, ("link", blob)
        elif full.is_file():
            files.append(path)
            if not kind:
                paths[path] = "exec" if os.access(full, os.X_OK) else "file"
    if files:
        names = "".join(f"{_quoted(path)}\n" for path in files)
        blobs = _output(top, "hash-object", "--stdin-paths", data=os.fsencode(names)).split()
        yield from ((path, (paths[path], blob)) for path, blob in zip(files, blobs, strict=True))


def _quoted(path: str) -> str:
    """A path as git reads it from a line: in quotes where it has a sign that a line cannot have."""
    if path.isprintable() and not path.startswith('"'):
        return path
    signs = (f"\\{byte:03o}" if byte < 32 or byte in b'"\\' or byte > 126 else chr(byte) for byte in os.fsencode(path))
    return f'"{"".join(signs)}"'


def _output(top: Path, *words: str, data: bytes = b"") -> str:
    done = _git(top, *words, data=data)
    if done.returncode:
        name = next(word for word in words if word[0] != "-")
        raise NoHistory(f"git {name} failed in {top}: {_first_line(done.stderr)}", path=str(top))
    return os.fsdecode(done.stdout)


def _git(root: Path, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command: Sequence[str] = ["git", "--no-optional-locks", "-C", str(root), *words]
    try:
        return subprocess.run(command, input=data, capture_output=True, check=False, env=_environ(root))
    except FileNotFoundError:
        raise ToolMissing("git is not installed", hint="install git: tags are made of commits", program="git") from None


def _environ(root: Path) -> dict[str, str] | None:
    """What git gets where a hook's variables are about the repository that `root` lies in, itself a repository."""
    if os.environ.keys().isdisjoint(_OF_ONE):
        return None
    is_inner = (root / ".git").exists() and any((above / ".git").exists() for above in root.parents)
    return {name: value for name, value in os.environ.items() if name not in _OF_ONE} if is_inner else None


def _first_line(words: bytes) -> str:
    lines: Iterable[str] = words.decode("utf-8", "replace").splitlines()
    return next((line for line in lines if line.strip()), "git says nothing")
