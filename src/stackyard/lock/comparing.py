# SPDX-License-Identifier: MIT
"""Locks beside each other: what changed, what is proven about one by itself, what is out of date.

In:   LockFiles
Out:  LockChanges; problems as sentences
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackyard.model.lock import LockTime
from stackyard.model.lockfile import LockFile
from stackyard.model.locking import LockChange


def changes_between(was: LockFile, now: LockFile, where: str = "") -> tuple[LockChange, ...]:
    """Packages that came, went or changed; of one that differs by platform, each line by itself."""
    before, after = was.versions, now.versions
    places = (where,) if where else ()
    return tuple(
        sorted(
            LockChange(name, before.get((name, marker)), after.get((name, marker)), places)
            for name, marker in before.keys() | after.keys()
            if before.get((name, marker)) != after.get((name, marker))
        )
    )


def is_same(was: LockFile, now: LockFile) -> bool:
    """Whether both pin the same files."""
    return was.substance == now.substance


def together(changes: Mapping[str, tuple[LockChange, ...]]) -> tuple[LockChange, ...]:
    """The changes of several locks as one list: each change once, with the locks that have it."""
    found: dict[tuple[str, str | None, str | None], list[str]] = {}
    for where, each in changes.items():
        for change in each:
            found.setdefault((change.name, change.was, change.now), []).append(where)
    ordered = sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or "", item[0][2] or ""))
    return tuple(LockChange(*key, tuple(dict.fromkeys(where))) for key, where in ordered)


def doubts(lock: LockFile) -> Iterator[str]:
    """Why it is not proven that a lock has nothing newer than its T; from the lock alone."""
    if not lock.is_ours:
        yield "it does not say which commit and time it is of"
        return
    if lock.digest != lock.body_digest:
        yield "its pins are not those that were written: it was edited since"
    time = LockTime.parse(lock.time)
    for pin in lock.pins:
        if not pin.uploaded:
            yield f"it is not recorded when {pin.name} {pin.version} came to the index"
        elif LockTime.parse(pin.uploaded) >= time:
            yield f"{pin.name} {pin.version} came to the index at {pin.uploaded}, which is not before {time}"
        if not pin.hashes:
            yield f"{pin.name} {pin.version} has no hash"


def commit_message(changes: tuple[LockChange, ...], locks: int, time: str) -> tuple[str, str]:
    """Subject and body of a commit that brings changed locks."""
    names = list(dict.fromkeys(change.name for change in changes))
    if not names:
        return "Update locks: files of the same versions", f"What the package indexes had at {time}.\n"
    few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    body = "\n".join(f"- {each.told(locks)}" for each in changes)
    return f"Update locks: {few}", f"What the package indexes had at {time}.\n\n{body}\n"
