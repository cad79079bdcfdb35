# SPDX-License-Identifier: MIT
"""Locks that are there: what they prove, how two states of them differ, what would be newer, where others left H and T.

In:   Yard, words of a person
Out:  Verified, LockDiff, Imported; a commit's message
May touch: git and disk; `outdated` a resolver, too. Nothing is written
Beside: verbs/locking, which makes them
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from stackyard.edges import git
from stackyard.edges.git_commit import CommitFiles, commit_of
from stackyard.errors import ConfigError, InvalidValue, NothingToDo
from stackyard.lock.comparing import changes_between, commit_message, doubts, together
from stackyard.model.lock import LockTime
from stackyard.model.lockfile import LockFile
from stackyard.model.locking import Imported, LockDiff, LockSummary, Stamped, Verified
from stackyard.model.spot import Spot
from stackyard.verbs.lockers import Resolvers
from stackyard.verbs.locking import Wish, chosen, make, read_lock
from stackyard.verbs.yard import Yard

WORK_TREE = "the work tree"


def verify(yard: Yard, words: Sequence[str] = ()) -> tuple[Verified, ...]:
    """Whether each lock shows that nothing in it is newer than its T: from the file alone."""
    found = []
    for lock in chosen(yard, words):
        for target in lock.targets:
            text = read_lock(yard, target.output)
            read = LockFile.of(text or "")
            if text is None:
                found.append(Verified(lock.name, target, doubts=("there is no such file",)))
            elif not target.can_be_resolved and not read.is_ours:
                found.append(Verified(lock.name, target, pins=len(read.pins), is_carried=True))
            else:
                found.append(Verified(lock.name, target, read.time, len(read.pins), doubts=tuple(doubts(read))))
    return tuple(found)


def diff(yard: Yard, sides: Sequence[str]) -> LockDiff:
    """What differs: HEAD and the work tree; a commit and the work tree; two commits; two files."""
    if len(sides) > 2:
        raise ConfigError("`lock diff` compares two", hint="stackyard lock diff A B")
    here = [Path(side) if Path(side).is_file() else yard.root / side for side in sides]
    if len(sides) == 2 and all(path.is_file() for path in here):
        was, now = (LockFile.of(path.read_text(encoding="utf-8", errors="surrogateescape")) for path in here)
        return LockDiff(sides[0], sides[1], 1, True, changes_between(was, now, sides[1]))
    was_name, now_name = (*sides, *("HEAD", WORK_TREE)[len(sides) :])
    sets = chosen(yard, ())
    with ExitStack() as opened:
        before, after = (_reader(yard, name, opened) for name in (was_name, now_name))
        changes, outputs = {}, [target.output for lock in sets for target in lock.targets]
        for path in outputs:
            changes[path] = changes_between(before(path), after(path), path)
    return LockDiff(was_name, now_name, len(outputs), len(sets) == 1, together(changes))


def _reader(yard: Yard, name: str, opened: ExitStack) -> Callable[[str], LockFile]:
    """Reads locks of a commit, or of the work tree; one that is not there has no pins."""
    if name == WORK_TREE:
        return lambda path: LockFile.of(read_lock(yard, path) or "")
    files = opened.enter_context(CommitFiles(yard.root, commit_of(yard.root, name)))
    return lambda path: LockFile.of((files.read(path) or b"").decode("utf-8", "surrogateescape"))


def outdated(yard: Yard, words: Sequence[str] = (), resolvers: Resolvers | None = None) -> LockSummary:
    """What a refresh would change."""
    return make(yard, Wish(tuple(words), refresh=True, if_changed=True, dry=True), resolvers)


def message_of(summary: LockSummary, is_exact: bool = False) -> tuple[str, str] | None:
    """What a commit of changed locks says; None where no pin changed.

    Args:
        is_exact: whether locks that would pin the same were left alone, so that what was written changed.
    """
    written = [outcome for outcome in summary.outcomes if outcome.state == "written"]
    changes = together({outcome.target.output: outcome.changes for outcome in written})
    if not (changes or (written and is_exact)):
        return None
    return commit_message(changes, len(summary.outcomes), summary.time)


# Where others left H and T.

_CHECKOUT = re.compile(r"git\s+(?:-C\s+\S+\s+)?checkout\s+(?:-\S+\s+)*([0-9a-f]{40})\b")
_ARGUMENT = re.compile(r"^\s*(?:ARG|ENV)\s+\w*(?:HASH|COMMIT|SHA)\w*[= ]\"?([0-9a-f]{40})\b", re.I)
_CONSTANT = r"^[A-Za-z_]*VERSION[A-Za-z_]* *= *['\"][0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}['\"]"
_PARTS = re.compile(r"(\w+) *= *['\"]([^'\"]+)")


def imported(yard: Yard, words: Sequence[str] = ()) -> tuple[Imported, ...]:
    """H and T of each image that checks a commit out by its hash: a builder of snapshots.

    H stands in its Dockerfile. T is its stamp, whatever a constant in some Python file says: that one is of the image
    that was built from the snapshot, later.
    """
    constants = _constants(yard)
    found = []
    for image in dict.fromkeys(target.image for target in yard.stack.targets):
        if words and image not in words:
            continue
        target = next(each for each in yard.stack.targets if each.image == image)
        checkout = _checkout(yard, target.dockerfile)
        if checkout is None:
            continue
        at, spot = checkout
        stamps = _stamps(yard, image)
        time = min((LockTime.parse(each.stamp) for each in stamps), default=None)
        found.append(Imported(str(image), at, spot, time, stamps, constants))
    if not found:
        hint = "it is looked for as `git checkout HASH` in Dockerfiles, with all forty digits"
        raise NothingToDo("no image checks a commit out by its hash", hint=hint)
    return tuple(found)


def _checkout(yard: Yard, path: str) -> tuple[str, Spot] | None:
    if not yard.place.files.is_file(path):
        return None
    for number, line in enumerate(yard.place.files.read(path).decode("utf-8", "replace").splitlines(), 1):
        if match := (_CHECKOUT.search(line) or _ARGUMENT.search(line)):
            return match[1], Spot(path, number)
    return None


def _stamps(yard: Yard, image: str) -> tuple[Stamped, ...]:
    """The image's stamps that are times."""
    found = []
    for file in yard.stack.stamp_files:
        if file.image == image:
            spots = {version: Spot(file.path, number) for version, number in _lines_of(yard, file.path).items()}
            for version, stamp in file.stamps:
                if _is_time(stamp):
                    found.append(Stamped(version, stamp, spots.get(version, Spot(file.path))))
    return tuple(found)


def _lines_of(yard: Yard, path: str) -> dict[str, int]:
    lines = yard.place.files.read(path).decode("utf-8", "replace").splitlines()
    return {line.partition(":")[0].strip().strip("'\""): number for number, line in enumerate(lines, 1)}


def _constants(yard: Yard) -> tuple[Stamped, ...]:
    """Stamps in Python files of the repository that git knows."""
    done = git.quietly(yard.root, "grep", "-n", "-I", "-E", _CONSTANT, "--", "*.py")
    found = []
    for row in done.stdout.decode("utf-8", "replace").splitlines():
        path, number, text = (*row.split(":", 2), "", "")[:3]
        match = _PARTS.search(text)
        if match and number.isdigit() and _is_time(match[2]):
            found.append(Stamped(match[1], match[2], Spot(posixpath.normpath(path), int(number))))
    return tuple(found)


def _is_time(text: str) -> bool:
    try:
        LockTime.parse(text)
    except InvalidValue:
        return False
    return True
