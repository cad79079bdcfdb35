# SPDX-License-Identifier: MIT
"""The same question about the same files: the answer that was given before, in the time that git needs to look.

In:   a folder, Options, what is asked
Out:  Question: a key over everything an answer follows from; the answer that is kept under it
May touch: git, facts of files and of the records, a few files beside the records
Beside: verbs/__init__.py; used for repositories of thousands of files only

An answer is kept only where it follows from what the key is over: not from the hour (a stamp in a tag, an age),
not from other branches or registries, not from what is checked out of a submodule, not from a secret on the command
line. Anybody may delete what is kept at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stackyard.edges import git
from stackyard.edges.git_index import Look
from stackyard.edges.git_state import is_index_enough, state_of_disk
from stackyard.edges.git_tree import compared
from stackyard.errors import StackyardError
from stackyard.load.tree.place import Place, find
from stackyard.model.plan import Plan
from stackyard.model.stack import Stack
from stackyard.record.cache import read_cache, write_cache
from stackyard.verbs.snapshot import begin, program
from stackyard.verbs.yard import RECORDS_FILE, STATE_FOLDER, Options

ANSWERS = "answers"
_MOST = 8
"""So many questions are remembered, each with its last answer."""
_TEXT = b"text"
_VOLATILE = re.compile(r"_|SHLVL|PWD|OLDPWD|WINDOWID|SSH_.*|.*_SESSION_ID|LINES")
"""Variables that are others in each terminal, and that no answer follows from."""
_ASKED = ("branch-clash", "records-not-read")
"""Notes on what is in no key: which branches there are, whether a registry answers."""
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}")


class Question(msgspec.Struct, frozen=True):
    """What was asked, and of what."""

    key: bytes | None
    """None where it cannot be told whether all is as it was."""
    path: Path
    """Where the answer to these words is kept."""
    look: Look | None
    """git, asked about the work tree: who has no answer goes on from what it said."""

    @property
    def answer(self) -> str | None:
        """What was answered before; None where something is another, or nobody asked."""
        found = read_cache(self.path, self.key).get(_TEXT) if self.key is not None else None
        return None if found is None else found.decode("utf-8", "surrogatepass")

    def keep(self, text: str, plan: Plan, stack: Stack | None) -> None:
        """Keep the answer for the next who asks, where the next minute cannot make it another."""
        is_timeless = stack is None or not (stack.stamp_files or any(target.max_age for target in stack.targets))
        is_stamped = any(_STAMP.search(tag) for step in plan.steps for tag in step.tags)
        is_asked = plan.is_asked or any(note.kind in _ASKED for note in plan.notes)
        is_told = plan.since is None or plan.since.is_all_told
        if self.key is None or not is_timeless or is_stamped or is_asked or not is_told:
            return
        if self.look is not None and not is_index_enough(self.look):
            return
        _make_room(self.path)
        write_cache(self.path, self.key, {_TEXT: text.encode("utf-8", "surrogatepass")})


def question_of(
    start: Path,
    options: Options,
    words: Sequence[str],
    since: str | None,
    form: Sequence[object],
    now_ns: int | None = None,
) -> Question | None:
    """The question; None where an answer may not be kept, or none can be given.

    Args:
        words: all that was asked for.
        since: what the files are compared with, if not with the records.
        form: how the answer is to look: width, colours.
        now_ns: nanoseconds since 1970; the clock's, where it is not given.
    """
    if options.build_args:
        return None
    try:
        place = find(start, options.images)
        two = compared(place.root, since) if since is not None else None
        # What is checked out says nothing of two commits, but in CI: words of its message count there.
        head = compared(place.root, "HEAD").then if two is not None and two.now is not None and options.ci else ""
    except StackyardError:
        return None  # who answers says so
    look = Look(place.root) if two is None or two.now is None else None
    where = (place.root, place.images, place.spec, place.unread)
    asked = [*words, *map(str, form), *map(repr, (*where, *_decided(options)))]
    named = hashlib.sha256("\0".join(asked).encode("utf-8", "surrogateescape"))
    path = place.root / STATE_FOLDER / ANSWERS / named.hexdigest()[:16]
    if look is not None and two is None and not path.exists():  # then there is no answer, and all will be read
        begin(look, place.root / STATE_FOLDER)
    state = state_of_disk(look, now_ns) if look is not None else b""
    if state is None:
        return Question(None, path, look)
    facts = [
        named.digest(),
        program(),
        state,
        *((two.then.encode(), (two.now or "").encode(), head.encode()) if two else _records(place)),
        git.default_branch(place.root).encode(),
        (git.remote(place.root) or "").encode(),
        " ".join(platform.uname()).encode(),
        repr(options.ci).encode(),
        *(f"{name}={value}".encode("utf-8", "surrogateescape") for name, value in _environment(options)),
    ]
    key = hashlib.sha256(b"".join(b"%d " % len(fact) + fact for fact in facts)).digest()
    return Question(key, path, look)


def _decided(options: Options) -> list[object]:
    """What the caller decided, but for what the environment says: the key is over that as well."""
    return [getattr(options, name) for name in options.__struct_fields__ if name not in ("environ", "ci")]


def _environment(options: Options) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in options.environ.items() if not _VOLATILE.fullmatch(name))


def _records(place: Place) -> list[bytes]:
    """Facts of the files of the records: whoever writes there changes one of them."""
    facts = []
    for end in ("", "-wal"):
        try:
            found = os.stat(place.root / STATE_FOLDER / f"{RECORDS_FILE}{end}")
            facts.append(f"{found.st_ino} {found.st_size} {found.st_mtime_ns}".encode())
        except OSError:
            facts.append(b"")
    return facts


def _make_room(path: Path) -> None:
    """The oldest answers make way for a new one."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        ignored = path.parent.parent / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n")
        kept = sorted(os.scandir(path.parent), key=lambda each: each.stat().st_mtime_ns)
        for entry in kept[: max(0, len(kept) - _MOST + 1)]:
            if entry.path != os.fspath(path):
                os.unlink(entry.path)
