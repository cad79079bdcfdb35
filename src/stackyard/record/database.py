# SPDX-License-Identifier: MIT
"""The SQLite file of the records, opened when it is first needed.

In:   a path
Out:  transactions
May touch: the file, its folder, and SQLite's two files beside it
Raises: RecordProblem, with the file and what to do
Used by: record/moved, record/sqlite
"""

from __future__ import annotations

import errno
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from stackyard.errors import RecordProblem
from stackyard.record.tables import prepare

if TYPE_CHECKING:
    import sqlite3

_BUSY_S = 30.0
_MAKE_ROOM = "make room on its disk and try again: nothing that was recorded is lost"
_MOVE_AWAY = "if the file is damaged, move it away: images that are still there are found by building again"
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE")

T = TypeVar("T")


class RecordsFile:
    """The file at `path`, made with its folder when something is first written.

    Args:
        platform: whose accepted digests are meant: a base has one for each platform.
    """

    def __init__(self, path: Path, platform: str = "") -> None:
        self._path = path
        self.platform = platform
        self._connection: sqlite3.Connection | None = None
        self._kept: dict[str, tuple[tuple[int, int], object]] = {}

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._kept.clear()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction; whatever SQLite or what it gives back is complained of becomes one sentence."""
        import sqlite3  # a stack without records needs none of it

        try:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection:
                yield self._connection
        except (sqlite3.Error, OSError, zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RecordProblem(
                f"{self._path}: the records cannot be used: {error}",
                hint=_MAKE_ROOM if _is_full(error) else _MOVE_AWAY,
                path=str(self._path),
            ) from error

    def _read_once(self, what: str, read: Callable[[], T]) -> T:
        """What is read of the whole file, read anew only where anybody wrote meanwhile: a command asks several times.

        The state is asked for first: what is written between it and the reading is read again the next time.
        """
        with self._open() as db:
            state = (db.execute("PRAGMA data_version").fetchone()[0], db.total_changes)
        before, kept = self._kept.get(what, (None, None))
        if before != state:
            kept = read()
            self._kept[what] = (state, kept)
        return cast("T", kept)

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        make_state_folder(self._path.parent)
        db = sqlite3.connect(self._path, timeout=_BUSY_S)
        try:
            prepare(db, self.platform)
        except BaseException:
            db.close()
            raise
        return db


def _is_full(error: Exception) -> bool:
    """Whether the disk took no more."""
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "sqlite_errorname", None) in _FULL


def make_state_folder(folder: Path) -> None:
    """Make the folder that git never sees."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
