# SPDX-License-Identifier: MIT
"""The commit that is checked out against an earlier one, as `git diff` lists it. A few short processes.

In:   a folder of the repository; what a person calls the earlier commit, or nothing for the one before
Out:  OldChange: paths relative to the folder
Raises: ConfigError for a commit that this clone does not have
Beside: edges/git, edges/git_tree
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from stackyard.edges.git import message_of
from stackyard.edges.git_tree import compared
from stackyard.errors import ConfigError
from stackyard.model.datahub import OldChange

BEFORE = "HEAD^"


def last_change(root: Path, since: str | None, images: str) -> OldChange:
    """What changed from `since` to HEAD; `A...` is where HEAD and A parted.

    Args:
        since: None is the commit before HEAD, and no error where there is none.
        images: the images folder relative to `root`; in the answer it is called `images`.
    """
    commit = _id(root, "HEAD") or ""
    base = _id(root, BEFORE) if since is None else _earlier(root, since)
    message = message_of(root, "HEAD")
    if base is None:
        return OldChange(BEFORE, None, commit, message)
    words = ("diff", "--name-status", "-z", "--find-renames", "--relative", "--no-ext-diff", base, "HEAD", "--")
    paths, hidden = _parted(os.fsdecode(_git(root, *words).stdout).split("\0"))
    new, old = (tuple(_as_images(path, images) for path in listed) for listed in (paths, hidden))
    return OldChange(since or BEFORE, base, commit, message, new, old)


def _earlier(root: Path, since: str) -> str:
    two = compared(root, since)
    if two.now is not None:
        raise ConfigError(
            f"{since!r} ends at a commit of its own, and the DataHub scripts build what is checked out",
            hint="check that commit out, and name the earlier one alone",
        )
    return two.then


def _parted(fields: list[str]) -> tuple[list[str], list[str]]:
    """New names, and the old ones of what was renamed."""
    paths, hidden = [], []
    rest = iter(fields)
    for status in rest:
        if status:
            name = next(rest)
            if status[0] == "R":
                hidden.append(name)
            paths.append(next(rest) if status[0] in "RC" else name)
    return paths, hidden


def _as_images(path: str, images: str) -> str:
    return f"images/{path[len(images) + 1 :]}" if path.startswith(f"{images}/") else path


def _id(root: Path, name: str) -> str | None:
    """The id of a commit; None where there is none."""
    done = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False)
    return done.stdout.decode("ascii", "replace").strip() or None


def _git(root: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=check)
