# SPDX-License-Identifier: MIT
"""git: which commit and branch the files are at, in one process of a few milliseconds; what a repository has elsewhere.

In:   a folder of the repository; what CI says of the branch, if it does
Out:  Revision
Seam: `answered_by`: what this module asks of a repository on disk, somebody else may answer in git's place
Raises: NoHistory, ToolMissing, WorldError
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from stackyard.edges.git_hidden import hidden_rows
from stackyard.errors import NoHistory, ToolMissing, WorldError
from stackyard.model.stack import Revision

TRACKED = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--ignore-submodules=none")
STATUS = (*TRACKED, "--untracked-files=normal")
"""A user may have told git not to show new files, or not to look into submodules; an engine gets them all the same."""
IGNORED = "--ignored=matching"
_FIELDS = {"1": 8, "u": 10, "?": 1, "!": 1}
"""How many fields of a row come before the path, by its kind."""
_MODULE_PATH = re.compile(r'^\s*path\s*=\s*"?(.+?)"?\s*$', re.MULTILINE)
_MANY_BYTES = 80_000
_REMOTE_S = 60.0

Said = subprocess.CompletedProcess[bytes]
Answer = Callable[[Sequence[str]], Said]
"""Takes the words after `git`."""


def _git(words: Sequence[str]) -> Said:
    return subprocess.run(["git", *words], capture_output=True, check=False)


_answer: Answer = _git


@contextlib.contextmanager
def answered_by(answer: Answer) -> Iterator[None]:
    """As long as it lasts, no process of git is started to ask a repository on disk: `answer` does it."""
    global _answer
    before, _answer = _answer, answer
    try:
        yield
    finally:
        _answer = before


class Unseen(msgspec.Struct, frozen=True):
    """Paths on disk that no commit has, relative to a stack's root; a folder of which all is so ends with a slash."""

    untracked: tuple[str, ...] = ()
    """Never added."""
    ignored: tuple[str, ...] = ()
    """What git is told to ignore."""
    modules: tuple[str, ...] = ()
    """Submodules that are not checked out: it is the disk that has nothing there."""

    def __add__(self, other: Unseen) -> Unseen:
        untracked, ignored = self.untracked + other.untracked, self.ignored + other.ignored
        modules = self.modules + other.modules
        return Unseen(*(tuple(dict.fromkeys(paths)) for paths in (untracked, ignored, modules)))


NOTHING_UNSEEN = Unseen()


def has_many_files(root: Path) -> bool:
    """Whether an index has some eight hundred files or more, by its size: then git is asked which of them changed."""
    try:
        return os.stat(index_of(top_of(root))).st_size >= _MANY_BYTES
    except OSError:  # none at all
        return False


def index_of(top: Path) -> Path:
    """The index of a work tree, wherever it is; whether there is one, nobody looks. No process is started."""
    given = os.environ.get("GIT_INDEX_FILE")
    return top / given if given else own_folder(top) / "index"


def own_folder(top: Path) -> Path:
    """git's folder of one work tree: of a linked one or a submodule it is elsewhere, as the file `.git` says."""
    given = os.environ.get("GIT_DIR")
    if given:
        return top / given
    here = top / ".git"
    try:
        return top / os.fsdecode(here.read_bytes().strip().removeprefix(b"gitdir: "))
    except OSError:  # a folder, nearly always
        return here


def common_folder(top: Path) -> Path:
    """git's folder of all work trees of a repository: where its branches are."""
    own = own_folder(top)
    try:
        return own / os.fsdecode((own / "commondir").read_bytes().strip())
    except OSError:
        return own


def status_of(root: Path, images: str) -> str:
    """What `git status` says of the images folder, ignored files too, and of what it was told not to look at."""
    return _status(root, quietly(top_of(root), *STATUS, IGNORED, "--", *_from_top(root, _watched(root, images))))


@contextlib.contextmanager
def status_begun(root: Path, images: str, known: str | None = None) -> Iterator[Callable[[], str]]:
    """`status_of`, to be called later: git looks at the disk from now on, beside what is done meanwhile.

    Args:
        known: what git said, if it was asked already.
    """
    if known is not None or _answer is not _git:
        yield lambda: status_of(root, images) if known is None else known
        return
    top, paths = top_of(root), _from_top(root, _watched(root, images))
    command = ["git", "--no-optional-locks", "-C", str(top), *STATUS, IGNORED, "--", *paths]
    try:
        begun = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise _no_git() from None

    def said() -> str:
        out, errors = begun.communicate()
        return _status(root, subprocess.CompletedProcess(command, begun.returncode, out, errors))

    with begun:
        yield said


def _status(root: Path, done: Said) -> str:
    if done.returncode:
        raise _no_history(root, done.stderr.decode("utf-8", "replace"))
    return os.fsdecode(done.stdout) + hidden_in(root)


def hidden_in(root: Path) -> str:
    """Rows of files below `root` that differ, and that git was told not to look at."""
    top, start = top_of(root), _start(root)
    rows = hidden_rows(index_of(top), top).split("\0")
    return "".join(f"{row}\0" for row in rows if row and row.split(" ", _FIELDS[row[0]])[-1].startswith(start))


def _no_git() -> ToolMissing:
    return ToolMissing("git is not installed", hint="install git: tags are made of commits", program="git")


def revision(root: Path, images: str, branch: str | None = None, status: str | None = None) -> Revision:
    """Commit, branch and whether files below `images` differ from the commit.

    Args:
        branch: CI's word for the branch, which a detached checkout does not know.
        status: what `git status` says of the images folder or more, where somebody asked already.
    """
    if status is None:
        status = status_of(root, images)
    rows = _rows_below(status, _from_top(root, _watched(root, images)))
    commit, head, is_dirty = "", "", False
    for row in rows:
        if row.startswith("# branch.oid "):
            commit = row[13:]
        elif row.startswith("# branch.head "):
            head = row[14:]
        elif not row.startswith(("#", "! ")):
            is_dirty = True
    if not commit:
        raise _no_history(root, "not a git repository")
    if commit == "(initial)":
        raise NoHistory(
            f"the git repository at {root} has no commit yet",
            hint="git add -A && git commit: tags are made of commits",
            path=str(root),
        )
    name = branch or (None if head == "(detached)" else head)
    return Revision(commit, name, is_dirty, is_default=name is not None and name == default_branch(root))


def quietly(root: Path, *words: str) -> Said:
    """What git prints of a question; it takes no lock to answer it."""
    try:
        return _answer(("--no-optional-locks", "-C", str(root), *words))
    except FileNotFoundError:
        raise _no_git() from None


def unseen_in(status: str, root: Path) -> Unseen:
    """What a status says of paths below `root` that no commit has, and submodules that the disk has not."""
    start = _start(root)
    rows = status.split("\0")
    untracked, ignored = (tuple(_below((row[2:] for row in rows if row[:2] == sign), start)) for sign in ("? ", "! "))
    return Unseen(untracked, ignored, absent_modules(root))


def absent_modules(root: Path) -> tuple[str, ...]:
    """Submodules below `root` of which there is an empty folder, each with a slash. No process is started."""
    return tuple(_below(_absent_modules(top_of(root)), _start(root)))


def _absent_modules(top: Path) -> Iterator[str]:
    try:
        told = os.fsdecode((top / ".gitmodules").read_bytes())
    except OSError:  # none at all, nearly always
        return
    for path in _MODULE_PATH.findall(told):
        with contextlib.suppress(OSError):
            if not os.listdir(top / path):
                yield f"{path}/"


def unseen_of(untracked: Iterable[str], ignored: Iterable[str], root: Path) -> Unseen:
    """The same, of paths relative to the top of the repository."""
    return Unseen(tuple(_below(untracked, _start(root))), tuple(_below(ignored, _start(root))))


def _start(root: Path) -> str:
    prefix = path_in_repository(root)
    return f"{prefix}/" if prefix else ""


def _below(paths: Iterable[str], start: str) -> Iterator[str]:
    return (path[len(start) :] for path in paths if path.startswith(start))


def _from_top(root: Path, paths: Iterable[str]) -> list[str]:
    """The same, relative to the top of the repository: git is asked there, for where GIT_DIR is set (in a hook, say) it
    takes any folder in which it is asked for the top."""
    prefix = path_in_repository(root)
    return [posixpath.normpath(posixpath.join(prefix, path)) for path in paths]


def _rows_below(status: str, folders: Collection[str]) -> list[str]:
    """Rows that are about folders of a stack, relative to the top, and those about no path."""

    def counts(row: str) -> bool:
        path = row.split(" ", _FIELDS.get(row[:1], 0))[-1].rstrip("/")
        return any(each == "." or f"{path}/".startswith(f"{each}/") or each.startswith(f"{path}/") for each in folders)

    return [row for row in status.split("\0") if row.startswith("#") or (row and counts(row))]


def message_of(root: Path, commit: str) -> str:
    """The whole message of a commit; empty where this clone has not the commit."""
    done = _answer(("-C", str(top_of(root)), "log", "-1", "--format=%B", commit, "--"))
    return done.stdout.decode("utf-8", "replace")


def outside_of(root: Path, folders: Collection[str], counts: Collection[str]) -> tuple[bool, Unseen]:
    """Whether a path below `folders` differs from the commit: one that `counts`, or one that is gone; what none has.

    Args:
        counts: paths that make up images, relative to `root`; what lies beside them is nobody's business.
    """
    status = os.fsdecode(quietly(top_of(root), *STATUS, IGNORED, "--", *_from_top(root, folders)).stdout)
    start = len(_start(root))

    def is_changed(row: str) -> bool:
        facts = row.split(" ", _FIELDS[row[0]])
        path = facts[-1][start:]
        if row[0] in "1u" and "D" in facts[1]:
            return True
        return path in counts or (path.endswith("/") and any(each.startswith(path) for each in counts))

    status += hidden_in(root)
    return any(is_changed(row) for row in status.split("\0") if row and row[0] not in "#!"), unseen_in(status, root)


def _watched(root: Path, images: str) -> list[str]:
    """The images folder; where it is a symbolic link, also what it leads to: git looks at the link alone."""
    if not any(os.path.islink(above) for above in _on_the_way(root, images)):
        return [images]
    real, top = (root / images).resolve(), root.resolve()
    leads_elsewhere = real != top / images and real.is_relative_to(top)
    return [images, str(real.relative_to(top))] if leads_elsewhere else [images]


def _on_the_way(root: Path, path: str) -> Iterator[str]:
    """A path below `root`, and the folders above it there."""
    while path not in ("", "."):
        yield os.path.join(root, path)
        path = posixpath.dirname(path)


def default_branch(root: Path) -> str:
    """The branch that a clone of the repository begins on, as far as the clone knows; else `main`, or `master`.

    Two small files are read; no process is started.
    """
    folder = common_folder(top_of(root))
    try:
        head = (folder / "refs" / "remotes" / "origin" / "HEAD").read_text(encoding="utf-8")
        return head.strip().removeprefix("ref: refs/remotes/origin/")
    except (OSError, UnicodeDecodeError):
        has_master = (folder / "refs" / "heads" / "master").exists() and not (
            folder / "refs" / "heads" / "main"
        ).exists()
        return "master" if has_master else "main"


def branches(root: Path) -> tuple[str, ...]:
    """Local branches, and those that remotes were last seen to have; none where git does not say."""
    try:
        done = _answer(("-C", str(top_of(root)), "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes"))
    except FileNotFoundError:
        return ()
    found: dict[str, None] = {}
    for row in done.stdout.decode("utf-8", "surrogateescape").splitlines():
        kind, name = row.split("/", 2)[1:]
        name = name.partition("/")[2] if kind == "remotes" else name
        if name and name != "HEAD":
            found[name] = None
    return tuple(found)


def path_in_repository(root: Path) -> str:
    """Where `root` lies below the top of its repository, posix; empty for the top itself. No process is started."""
    above, below = os.fspath(root), ""
    while not os.path.exists(os.path.join(above, ".git")):
        above, name = os.path.split(above)
        if not name:
            return ""
        below = f"{name}/{below}" if below else name
    return below


def top_of(root: Path) -> Path:
    """The top of the repository that `root` is in; `root` itself where it is in none."""
    below = path_in_repository(root)
    return root.parents[below.count("/")] if below else root


def remote(root: Path) -> str | None:
    """Where the repository was cloned from; None where it was not, or git does not say.

    No process is started where the repository's own settings name no `origin`, and no other file that could.
    """
    with contextlib.suppress(OSError):  # no repository at all
        told = (common_folder(top_of(root)) / "config").read_bytes().lower()
        if not any(word in told for word in (b"origin", b"include", b"worktreeconfig")):
            return None
    try:
        done = _answer(("-C", str(top_of(root)), "config", "--get", "remote.origin.url"))
    except FileNotFoundError:
        return None
    return done.stdout.decode("utf-8", "replace").strip() or None


def who(root: Path, environ: Mapping[str, str]) -> str:
    """Who types this: whom CI names, else the name that git signs with, else the login; empty where nobody says."""
    ci = environ.get("GITHUB_ACTOR") or environ.get("GITLAB_USER_LOGIN") or environ.get("BUILDKITE_BUILD_CREATOR")
    if ci:
        return ci
    try:
        done = _answer(("-C", str(root), "config", "--get", "user.name"))
    except FileNotFoundError:
        return environ.get("USER", "")
    return done.stdout.decode("utf-8", "replace").strip() or environ.get("USER", "")


def commit_at(repository: str, ref: str) -> str | None:
    """The commit that a name leads to in a repository elsewhere; None where it has no such name.

    A branch wins over a tag of its name, as where an engine checks it out. Nobody is asked for a password.

    Raises:
        WorldError: git gets no answer.
        ToolMissing: there is no git.
    """
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    environ = {**quiet, **os.environ, "GIT_ALLOW_PROTOCOL": "git:http:https:ssh", "LC_ALL": "C"}
    command = ["git", "ls-remote", "--quiet", "--", repository, ref, f"{ref}^{{}}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=environ, timeout=_REMOTE_S)
    except FileNotFoundError:
        raise ToolMissing("git is not installed", hint="install git", program="git") from None
    except subprocess.TimeoutExpired:
        raise WorldError(f"git gets no answer from {repository} within {_REMOTE_S:g} s") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it does not say why"]
        raise WorldError(f"git cannot ask {repository}: {words[0].removeprefix('fatal: ')}")
    rows = (row.split("\t", 1) for row in done.stdout.decode("utf-8", "replace").splitlines())
    found = {name: commit for commit, name in rows}
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    names = (f"refs/heads/{short}", f"refs/tags/{short}^{{}}", f"refs/tags/{short}")
    return next((found[name] for name in (f"{ref}^{{}}", ref, *names) if name in found), None)


def _no_history(root: Path, words: str) -> NoHistory:
    if "not a git repository" in words:
        return NoHistory(
            f"{root} is not in a git repository",
            hint="git init && git add -A && git commit: tags are made of commits",
            path=str(root),
        )
    first = next((line for line in words.splitlines() if line.strip()), "git status failed")
    hint = "git says which command allows it" if "dubious ownership" in words else None
    return NoHistory(f"git cannot read the repository at {root}: {first}", hint=hint, path=str(root))
