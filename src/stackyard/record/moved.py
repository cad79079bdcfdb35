# SPDX-License-Identifier: MIT
"""Tags that moved together, and releases, in the records' file.

In, out: as record/store.py
May touch: the records' file
Raises: RecordProblem
Used by: record/sqlite, of which it is a part
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Container, Sequence
from typing import TYPE_CHECKING

import msgspec

from stackyard.model import canonical
from stackyard.model.names import Digest
from stackyard.record.inventories import Inventories

if TYPE_CHECKING:
    import sqlite3

    from stackyard.edges.registry import Manifest
    from stackyard.model.moves import MoveSet, MoveState
    from stackyard.model.release import Release

PUT_TAG = "INSERT OR REPLACE INTO tags (place, reference, digest, branch) VALUES (?, ?, ?, ?)"
_LATEST = 50
"""A clock may have been set back: the latest time is looked for among so many."""


class MovedTags(Inventories):
    """Sets of moves, releases, and the bytes of their manifests."""

    def merge_moves(self, sets: Sequence[MoveSet]) -> int:
        """Take over sets of moves of other machines; how many were new.

        Tags of registries are where the last set put them; of those of another machine's engine nothing is known.
        """
        from stackyard.model.shared import moves_name

        known = {moves_name(moves) for moves in self.move_sets()}
        fresh = [moves for moves in sets if moves_name(moves) not in known]
        with self._open() as db:
            for moves in fresh:
                sql = "INSERT INTO moves (channel, state, body) VALUES (?, ?, ?)"
                row = (moves.channel, moves.state, canonical.encode(moves).decode())
                number = db.execute(sql, row).lastrowid
                db.execute("INSERT OR REPLACE INTO shared VALUES (?, 1)", (f"moves {number}",))
        done = [moves for moves in fresh if moves.state == "done" and moves.place == "registry"]
        touched = {move.reference.canonical for moves in done for move in moves.moves}
        for moves in reversed(self.move_sets(state="done") if fresh else ()):
            if moves.place != "registry":
                continue
            with self._open() as db:
                _put_tags(db, moves, touched)
        return len(fresh)

    def last_moves(self) -> tuple[int, str]:
        """The number of the set of moves that was written down last, and the latest time that one of the last has."""
        if not self._path.exists():
            return 0, ""
        with self._open() as db:
            rows = db.execute(f"SELECT id, body FROM moves ORDER BY id DESC LIMIT {_LATEST}").fetchall()
        return max((row[0] for row in rows), default=0), max((_at(body) for _, body in rows), default="")

    def unshared_moves(self) -> Sequence[MoveSet]:
        """Sets of moves in registries that no registry was given."""
        with self._open() as db:
            given = {name for (name,) in db.execute("SELECT record FROM shared")}
        done = [moves for moves in self.move_sets(state="done") if moves.place == "registry" and moves.moves]
        return [moves for moves in done if f"moves {moves.id}" not in given]

    def note_moves_shared(self, moves: MoveSet) -> None:
        """Its registry was given this set."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO shared VALUES (?, 1)", (f"moves {moves.id}",))

    def intend(self, moves: MoveSet) -> MoveSet:
        """One transaction, before the first move."""
        with self._open() as db:
            number = db.execute(
                "INSERT INTO moves (channel, state, body) VALUES (?, ?, ?)",
                (moves.channel, moves.state, canonical.encode(moves).decode()),
            ).lastrowid
        return msgspec.structs.replace(moves, id=number or 0)

    def settle(self, moves: MoveSet, state: MoveState) -> None:
        """One transaction: the set as it ended, and for `done` where the tags are."""
        with self._open() as db:
            sql = "UPDATE moves SET state = ?, body = ? WHERE id = ?"
            db.execute(sql, (state, canonical.encode(moves).decode(), moves.id))
            if state == "done":
                _put_tags(db, moves)

    def move_sets(self, channel: str | None = None, state: MoveState | None = None) -> Sequence[MoveSet]:
        """Newest first."""
        if not self._path.exists():
            return []
        return self._read_once(f"moves {channel} {state}", lambda: self._move_sets(channel, state))

    def _move_sets(self, channel: str | None, state: MoveState | None) -> Sequence[MoveSet]:
        from stackyard.model.moves import MoveSet  # a plan asks where tags are, not how they came there

        with self._open() as db:
            rows = db.execute(
                "SELECT id, state, body FROM moves WHERE (?1 IS NULL OR channel = ?1) AND (?2 IS NULL OR state = ?2) "
                "ORDER BY id DESC",
                (channel, state),
            )
            found = [
                msgspec.structs.replace(canonical.decode(body, MoveSet), id=number, state=current)
                for number, current, body in rows
            ]
        return sorted(found, key=lambda moves: moves.at, reverse=True)  # what came from elsewhere was made when it was

    def keep_release(self, release: Release, manifests: Sequence[Manifest] = ()) -> None:
        """One transaction: the release, and bytes that are not kept for another one."""
        body = zlib.compress(canonical.encode(release))
        with self._open() as db:
            sql = "INSERT OR IGNORE INTO releases (mark, at, body) VALUES (?, ?, ?)"
            db.execute(sql, (release.mark, release.at, body))
            rows = [(each.digest, each.media_type, zlib.compress(each.body)) for each in manifests]
            db.executemany("INSERT OR IGNORE INTO manifests VALUES (?, ?, ?)", rows)

    def releases(self) -> Sequence[Release]:
        """Newest first."""
        if not self._path.exists():
            return []
        return self._read_once(
            "releases", lambda: self._releases("SELECT body FROM releases ORDER BY at DESC, seq DESC")
        )

    def _releases(self, sql: str) -> Sequence[Release]:
        if not self._path.exists():
            return []
        from stackyard.model.release import Release  # few commands ask

        with self._open() as db:
            return [canonical.decode(zlib.decompress(body), Release) for (body,) in db.execute(sql)]

    def manifests(self, digests: Collection[Digest]) -> Sequence[Manifest]:
        """By digest, which they are kept under."""
        if not self._path.exists():
            return []
        from stackyard.edges.registry import Manifest

        sql = "SELECT digest, kind, body FROM manifests WHERE digest = ?"
        with self._open() as db:
            rows = [row for digest in digests for row in db.execute(sql, (digest,))]
            return [Manifest(Digest(digest), kind, zlib.decompress(body)) for digest, kind, body in rows]

    def merge_releases(self, releases: Sequence[Release], manifests: Sequence[Manifest] = ()) -> int:
        """Take over releases of other machines, and bytes that they keep where these came along; how many were new."""
        with self._open() as db:
            known = {mark for (mark,) in db.execute("SELECT mark FROM releases")}
        fresh = [release for release in releases if release.mark not in known]
        for release in fresh:
            self.keep_release(release)
            self.note_release_shared(release)
        if fresh and manifests:
            self.keep_release(fresh[0], manifests)
        return len(fresh)

    def unshared_releases(self) -> Sequence[Release]:
        """Releases of registries that no registry was given."""
        left = "SELECT body FROM releases WHERE 'release ' || mark NOT IN (SELECT record FROM shared)"
        return [release for release in self._releases(left) if release.place == "registry"]

    def note_release_shared(self, release: Release) -> None:
        """Its registry was given this release."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO shared VALUES (?, 1)", (f"release {release.mark}",))


def _put_tags(db: sqlite3.Connection, moves: MoveSet, touched: Container[str] | None = None) -> None:
    """Where the tags of a set are by now, or those of them that are `touched`."""
    for move in moves.moves:
        name = move.reference.canonical
        if touched is not None and name not in touched:
            continue
        if move.now is None:
            db.execute("DELETE FROM tags WHERE place = ? AND reference = ?", (moves.place, name))
        else:
            db.execute(PUT_TAG, (moves.place, name, move.now, moves.branch))


def _at(body: str) -> str:
    from stackyard.model.moves import MoveSet

    return canonical.decode(body, MoveSet).at
