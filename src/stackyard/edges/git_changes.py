# SPDX-License-Identifier: MIT
"""The last commit against an earlier one, as `git diff` lists it. Four short processes.

In:   a folder of the repository; a revision, or nothing for the commit before
Out:  OldChange: paths relative to the folder
Raises: ConfigError for a revision that git does not know
Beside: edges/git
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from stackyard.errors import ConfigError
from stackyard.model.datahub import OldChange

BEFORE = "HEAD^"


def last_change(root: Path, since: str | None, images: str) -> OldChange:
    """What changed from `since` to HEAD; `A...` is where HEAD and A parted.

    Args:
        since: None is the commit before HEAD, and no error where there is none.
        images: the images folder relative to `root`; in the answer it is called `images`.
    """
    asked = since or BEFORE
    base = _commit(root, asked.removesuffix("..."))
    if base is not None and asked.endswith("..."):
        base = _asked(root, "merge-base", base, "HEAD")
    if base is None and since is not None:
        raise ConfigError(
            f"git knows no commit {since!r} in this clone",
            hint="a shallow clone has only its newest commits: git fetch --unshallow",
        )
    commit = _commit(root, "HEAD") or ""
    message = _git(root, "log", "-1", "--format=%B", "HEAD").decode("utf-8", "replace")
    if base is None:
        return OldChange(asked, None, commit, message)
    listed = _git(
        root, "diff", "--name-status", "-z", "--find-renames", "--relative", "--no-ext-diff", base, "HEAD", "--"
    )
    paths, hidden = _parted(os.fsdecode(listed).split("\0"))
    return OldChange(
        asked,
        base,
        commit,
        message,
        tuple(_as_images(p, images) for p in paths),
        tuple(_as_images(p, images) for p in hidden),
    )


def _parted(fields: list[str]) -> tuple[list[str], list[str]]:
    """New names, and the old ones of what was renamed."""
    paths, hidden = [], []
    rest = iter(fields)
    for status in rest:
        if status:
            name = next(rest)
            if status[0] in "RC":
                if status[0] == "R":
                    hidden.append(name)
                name = next(rest)
            paths.append(name)
    return paths, hidden


def _as_images(path: str, images: str) -> str:
    return f"images/{path[len(images) + 1 :]}" if path.startswith(f"{images}/") else path


def _commit(root: Path, text: str) -> str | None:
    """The id of a commit, or None; a text that looks like an option names none."""
    return None if text.startswith("-") else _asked(root, "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")


def _asked(root: Path, *words: str) -> str | None:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
    return done.stdout.decode("ascii", "replace").strip() or None if done.returncode == 0 else None


def _git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=True).stdout
