# SPDX-License-Identifier: MIT
"""A build context put together from files of several places, for as long as one build.

In:   the stack's root; for each file, link and empty folder where it is and where it goes
Out:  a fresh folder in the system's place for temporary files, gone afterwards however the build ended
Raises: OSError; WorldError where a file is reached through a link that was not there when the stack was read

Every build has a folder of its own, so any number can run at once. Files are copied, not linked: an
edit while the engine reads must not reach it. They keep their modes and times; links stay links.
Folders have one mode and one time, since a checkout's own are an accident.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from stackyard.edges.traces import prefix_of
from stackyard.errors import WorldError

_FOLDER = 0o755


@contextlib.contextmanager
def staged(root: Path, files: Sequence[tuple[str, str]], epoch: int, token: str = "") -> Iterator[Path]:
    """The folder, as long as the block lasts.

    Args:
        files: sources relative to `root` and destinations, as in `Staging.files`.
        epoch: the time of every folder in it.
        token: of the run that it belongs to.
    """
    with tempfile.TemporaryDirectory(prefix=prefix_of(token)) as outer:
        folder = os.path.join(outer, "context")
        folders = {folder}
        top = os.path.realpath(root)
        checked: set[str] = set()
        for source, path in files:
            full = os.path.normpath(os.path.join(top, source))
            above = os.path.dirname(full)
            if above not in checked and os.path.realpath(above) != above:
                raise WorldError(f"{source} is reached through a link now", hint="build again: files changed meanwhile")
            checked.add(above)
            _make(os.path.dirname(os.path.join(folder, path)), folders)
            _copy(full, os.path.join(folder, path), folders)
        _make(folder, folders)
        for made in sorted(folders, reverse=True):  # the deepest first: what is made in a folder changes its time
            os.chmod(made, _FOLDER)
            os.utime(made, (epoch, epoch))
        yield Path(folder)


def _make(folder: str, folders: set[str]) -> None:
    """Make a folder and those above it, and remember them."""
    os.makedirs(folder, exist_ok=True)
    while folder not in folders:
        folders.add(folder)
        folder = os.path.dirname(folder)


def _copy(full: str, to: str, folders: set[str]) -> None:
    mode = os.lstat(full).st_mode
    if stat.S_ISDIR(mode):
        _make(to, folders)
        return
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(full), to)
        shutil.copystat(full, to, follow_symlinks=False)
        return
    # Anybody may put something else there meanwhile: no link is followed, no pipe waited for.
    with open(os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:
        facts = os.fstat(source.fileno())
        with open(to, "xb") as file:
            shutil.copyfileobj(source, file)
            os.fchmod(file.fileno(), stat.S_IMODE(facts.st_mode))
    os.utime(to, ns=(facts.st_atime_ns, facts.st_mtime_ns))
