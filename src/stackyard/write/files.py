# SPDX-License-Identifier: MIT
"""Write new files into a repository: all or none, and never over what is there.

In:   NewFiles
Out:  files on disk
Raises: ConfigError where one is in the way, or has changed since it was read
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from stackyard.errors import ConfigError
from stackyard.model.proposal import NewFile


def write_files(root: Path, files: Sequence[NewFile]) -> None:
    """Write them, or leave everything as it was."""
    for file in files:
        _refuse(root, file)
    made: list[Path] = []
    try:
        for file in files:
            full = root / file.path
            made += _folders(full.parent)
            if file.replaces is None:
                with open(full, "xb") as out:
                    made.append(full)
                    out.write(file.text.encode())
            else:
                _replace(full, file.text)
    except BaseException:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise


def _refuse(root: Path, file: NewFile) -> None:
    full = root / file.path
    top = next(above for above in full.parents if above.exists())
    if not Path(os.path.realpath(top)).is_relative_to(os.path.realpath(root)):
        raise ConfigError(f"{file.path} would be written outside of {root}: a link leads there", path=file.path)
    if not top.is_dir():
        raise ConfigError(f"{file.path} cannot be written: {top} is a file", path=file.path)
    if file.replaces is None and os.path.lexists(full):
        raise ConfigError(f"{file.path} exists already: it is left as it is, and nothing was written", path=file.path)
    if file.replaces is not None and full.read_bytes() != file.replaces.encode():
        raise ConfigError(f"{file.path} was changed in between: nothing was written", path=file.path)


def _folders(folder: Path) -> list[Path]:
    """Make a folder and what is missing above it; the new ones, topmost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
    return missing[::-1]


def _replace(full: Path, text: str) -> None:
    """Another text for a file, in one step; its mode stays, and a link stays a link."""
    real = Path(os.path.realpath(full))
    beside = real.with_name(f".{real.name}.new")
    try:
        with open(beside, "xb") as out:
            out.write(text.encode())
        os.chmod(beside, real.stat().st_mode & 0o7777)
        os.replace(beside, real)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
