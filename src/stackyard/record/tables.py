# SPDX-License-Identifier: MIT
"""The tables of the records' file: of a new one, and what makes them of those of an older format.

In:   an open file, new or of any format
Out:  the same of today's format
Beside: record/sqlite
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_ATTEMPTS = 100
FORMATS = (
    """
CREATE TABLE inputs (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, target TEXT NOT NULL,
    source TEXT NOT NULL, build TEXT NOT NULL, inputs TEXT NOT NULL, run INTEGER NOT NULL
);
CREATE TABLE facts (seq INTEGER PRIMARY KEY, record TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE accepted (reference TEXT PRIMARY KEY, digest TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tags (
    place TEXT NOT NULL, reference TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (place, reference)
) WITHOUT ROWID;
CREATE TABLE runs (number INTEGER PRIMARY KEY, command TEXT NOT NULL, at TEXT NOT NULL, summary TEXT);
CREATE TABLE moves (id INTEGER PRIMARY KEY, channel TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL);
""",
    """
ALTER TABLE accepted RENAME TO accepted_before;
CREATE TABLE accepted (
    seq INTEGER PRIMARY KEY, reference TEXT NOT NULL, platform TEXT NOT NULL, digest TEXT NOT NULL,
    at TEXT NOT NULL, by TEXT NOT NULL
);
INSERT INTO accepted (reference, platform, digest, at, by)
    SELECT reference, :platform, digest, at, 'first' FROM accepted_before ORDER BY at;
DROP TABLE accepted_before;
CREATE TABLE seen (
    reference TEXT NOT NULL, platform TEXT NOT NULL, digest TEXT, at TEXT NOT NULL, PRIMARY KEY (reference, platform)
) WITHOUT ROWID;
""",
    """
ALTER TABLE tags ADD COLUMN branch TEXT;
CREATE INDEX moves_by_channel ON moves (channel, state);
""",
    """
ALTER TABLE seen ADD COLUMN mark TEXT NOT NULL DEFAULT '';
""",
    """
CREATE TABLE shared (record TEXT PRIMARY KEY, facts INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE elsewhere (key TEXT PRIMARY KEY, repository TEXT NOT NULL, blob TEXT NOT NULL) WITHOUT ROWID;
""",
    """
CREATE TABLE releases (seq INTEGER PRIMARY KEY, mark TEXT UNIQUE NOT NULL, at TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE manifests (digest TEXT PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
""",
    """
CREATE TABLE inventories (content TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
""",
)
"""What makes each format of the one before it; the first of nothing."""
FORMAT = len(FORMATS)
_AT_ONCE = (
    7,
    """
CREATE TABLE inputs (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, target TEXT NOT NULL,
    source TEXT NOT NULL, build TEXT NOT NULL, inputs TEXT NOT NULL, run INTEGER NOT NULL
);
CREATE TABLE facts (seq INTEGER PRIMARY KEY, record TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE accepted (
    seq INTEGER PRIMARY KEY, reference TEXT NOT NULL, platform TEXT NOT NULL, digest TEXT NOT NULL,
    at TEXT NOT NULL, by TEXT NOT NULL
);
CREATE TABLE tags (
    place TEXT NOT NULL, reference TEXT NOT NULL, digest TEXT NOT NULL, branch TEXT, PRIMARY KEY (place, reference)
) WITHOUT ROWID;
CREATE TABLE runs (number INTEGER PRIMARY KEY, command TEXT NOT NULL, at TEXT NOT NULL, summary TEXT);
CREATE TABLE moves (id INTEGER PRIMARY KEY, channel TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX moves_by_channel ON moves (channel, state);
CREATE TABLE seen (
    reference TEXT NOT NULL, platform TEXT NOT NULL, digest TEXT, at TEXT NOT NULL, mark TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (reference, platform)
) WITHOUT ROWID;
CREATE TABLE shared (record TEXT PRIMARY KEY, facts INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE elsewhere (key TEXT PRIMARY KEY, repository TEXT NOT NULL, blob TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE releases (seq INTEGER PRIMARY KEY, mark TEXT UNIQUE NOT NULL, at TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE manifests (digest TEXT PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE inventories (content TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
""",
)
"""A format, and how a new file gets there in one step: one after the other takes three times as long."""


def prepare(db: sqlite3.Connection, platform: str) -> None:
    """Make the tables of a new file, or those that an older format lacks; refuse a newer one."""
    import sqlite3

    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        _write_ahead(db)
    if 0 <= version < FORMAT:
        with db:
            db.execute("BEGIN IMMEDIATE")
            made = db.execute("PRAGMA user_version").fetchone()[0]  # somebody may have been faster
            start, at_once = (made, "") if made else _AT_ONCE
            for statements in (at_once, *FORMATS[start:]):
                for statement in statements.split(";"):
                    db.execute(statement, {"platform": platform})
            if made < FORMAT:
                db.execute(f"PRAGMA user_version = {FORMAT}")
    elif version != FORMAT:
        raise sqlite3.DatabaseError(f"they are of format {version}, and this Stackyard knows format {FORMAT}")
    db.execute("PRAGMA synchronous = NORMAL")


def _write_ahead(db: sqlite3.Connection) -> None:
    """Switch a new file to its write-ahead log.

    Where several processes do this at once, SQLite tells all but one that the file is locked, without
    waiting; it does wait at the beginning of a transaction, so that comes between two attempts.
    """
    import sqlite3

    for _ in range(_ATTEMPTS):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            with db:
                db.execute("BEGIN IMMEDIATE")
    db.execute("PRAGMA journal_mode = WAL")
