# SPDX-License-Identifier: MIT
"""Records in one SQLite file: the only store where there is no registry, and the cache where there is.

In, out: as record/store.py
May touch: one file, and SQLite's two beside it
Raises: RecordProblem, with the file and what to do

Every fact is a transaction of its own: a run that is killed has lost nothing that
happened. Several processes may use one file; SQLite serialises them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stackyard.errors import RecordProblem
from stackyard.model import canonical
from stackyard.model.inputs import Inputs, identity
from stackyard.model.known import NOTHING_KNOWN, Known, TagPlace
from stackyard.model.moves import MoveSet, MoveState
from stackyard.model.names import Digest, TargetName
from stackyard.model.outcome import RunSummary
from stackyard.model.record import Built, Fact, Record, Tagged
from stackyard.model.reference import Reference, Repository
from stackyard.record.tables import prepare

if TYPE_CHECKING:
    import sqlite3

    from stackyard.edges.registry import Manifest
    from stackyard.model.accepted import Acceptance, Seen
    from stackyard.model.release import Release
    from stackyard.model.shared import Shared

    Fetch = Callable[[Repository, Digest], Inputs | None]

_BUSY_S = 30.0
_LATEST = 50
_PUT_TAG = "INSERT OR REPLACE INTO tags (place, reference, digest, branch) VALUES (?, ?, ?, ?)"


class SqliteRecords:
    """A store in the file at `path`, made with its folder when something is first written.

    Args:
        platform: whose accepted digests are meant: a base has one for each platform.
    """

    def __init__(self, path: Path, platform: str = "") -> None:
        self._path = path
        self.platform = platform
        self.fetch: Fetch | None = None
        """Where inputs of records that came from a registry are read; None: nowhere."""
        self._connection: sqlite3.Connection | None = None

    def known(self) -> Known:
        """All records, newest first; nothing where no file is yet."""
        if not self._path.exists():
            return NOTHING_KNOWN
        with self._open() as db:
            db.execute("BEGIN")  # all of it as it was at one moment, whoever writes meanwhile
            facts: dict[str, list[Fact]] = {}
            for record, body in db.execute("SELECT record, body FROM facts ORDER BY seq"):
                facts.setdefault(record, []).append(canonical.decode(body, Fact))  # type: ignore[arg-type]
            records: dict[TargetName, list[Record]] = {}
            for row in db.execute("SELECT id, target, source, build, inputs, run FROM records ORDER BY seq DESC"):
                record = _record(row, tuple(facts.get(row[0], ())))
                records.setdefault(record.target, []).append(record)
            for some in records.values():  # what came from elsewhere was built when it was built
                some.sort(key=lambda record: record.built.at if record.built else "", reverse=True)
            log = "SELECT reference, digest FROM accepted WHERE platform = ? ORDER BY at, seq"
            accepted = {ref: Digest(digest) for ref, digest in db.execute(log, (self.platform,))}
            last = "SELECT reference, digest, at, mark FROM seen WHERE platform = ?"
            seen = {row[0]: _seen(row) for row in db.execute(last, (self.platform,))}
            rows = db.execute("SELECT place, reference, digest, branch FROM tags").fetchall()
            tags = {(place, ref): Digest(digest) for place, ref, digest, _ in rows}
            branches = {(place, ref): branch for place, ref, _, branch in rows if branch is not None}
            names = db.execute("SELECT DISTINCT channel FROM moves WHERE channel != '' AND state = 'done'")
            channels = frozenset(name for (name,) in names)
        return Known(records, self.inputs, accepted, tags, seen, channels, branches, _MovedCommits(self))

    @property
    def inputs(self) -> Mapping[Digest, Inputs]:
        """Stored inputs by key, each read when it is asked for."""
        return _StoredInputs(self)

    def find(self, target: TargetName, build: Digest) -> Sequence[Record]:
        """Through a connection of its own: one belongs to the thread that made it."""
        if not self._path.exists():
            return []
        mine = SqliteRecords(self._path, self.platform)
        try:
            with mine._open() as db:
                db.execute("BEGIN")
                columns = "SELECT id, target, source, build, inputs, run FROM records"
                rows = db.execute(
                    f"{columns} WHERE build = ? AND target = ? ORDER BY seq DESC", (build, target)
                ).fetchall()
                facts = "SELECT body FROM facts WHERE record = ? ORDER BY seq"
                return [
                    _record(row, tuple(canonical.decode(body, Fact) for (body,) in db.execute(facts, (row[0],))))  # type: ignore[arg-type]
                    for row in rows
                ]
        finally:
            mine.close()

    def open_record(
        self, target: TargetName, source: Digest, build: Digest, inputs: Inputs, run: int, built: Built
    ) -> Record:
        """One transaction: inputs (once per content), the record, its first fact."""
        key = identity(inputs)
        name = canonical.digest([target, build, built.image, built.at, run]).hex[:20]
        record = Record(name, target, source, build, key, run, (built,))
        with self._open() as db:
            db.execute("INSERT OR IGNORE INTO inputs VALUES (?, ?)", (key, zlib.compress(canonical.encode(inputs))))
            db.execute(
                "INSERT INTO records (id, target, source, build, inputs, run) VALUES (?, ?, ?, ?, ?, ?)",
                (name, target, source, build, key, run),
            )
            db.execute("INSERT INTO facts (record, body) VALUES (?, ?)", (name, canonical.encode(built).decode()))
        return record

    def append(self, record: Record, fact: Fact) -> Record:
        """Add a fact."""
        with self._open() as db:
            db.execute("INSERT INTO facts (record, body) VALUES (?, ?)", (record.id, canonical.encode(fact).decode()))
        return msgspec.structs.replace(record, facts=(*record.facts, fact))

    def merge(self, shared: Sequence[tuple[Repository | None, Shared]]) -> int:
        """Take over records of elsewhere, in one transaction; how many facts and records were new.

        Each comes with the repository that holds its inputs, if one does. What bases were accepted as is taken
        over with its times, and the newest counts. Fixed tags that nobody here knows of are where the records
        say that they were put.
        """
        fresh = 0
        with self._open() as db:
            for repository, each in shared:
                fresh += _merged(db, each)
                if repository is not None and each.inputs is not None:
                    where = (each.record.inputs, repository, each.inputs)
                    db.execute("INSERT OR IGNORE INTO elsewhere VALUES (?, ?, ?)", where)
                if repository is not None and each.facts is not None:
                    facts = (f"facts {each.record.id}", repository, each.facts)
                    db.execute("INSERT OR REPLACE INTO elsewhere VALUES (?, ?, ?)", facts)
        return fresh

    def merge_moves(self, sets: Sequence[MoveSet]) -> int:
        """Take over sets of moves of other machines; how many were new. Their tags are where the last set put them."""
        from stackyard.model.shared import moves_name

        known = {moves_name(moves) for moves in self.move_sets()}
        fresh = [moves for moves in sets if moves_name(moves) not in known]
        with self._open() as db:
            for moves in fresh:
                sql = "INSERT INTO moves (channel, state, body) VALUES (?, ?, ?)"
                row = (moves.channel, moves.state, canonical.encode(moves).decode())
                number = db.execute(sql, row).lastrowid
                db.execute("INSERT OR REPLACE INTO shared VALUES (?, 1)", (f"moves {number}",))
        touched = {move.reference.canonical for moves in fresh for move in moves.moves if moves.state == "done"}
        for moves in reversed(self.move_sets(state="done") if fresh else ()):
            with self._open() as db:
                rows = [(moves.place, move.reference.canonical, move.now, moves.branch) for move in moves.moves]
                db.executemany(_PUT_TAG, [row for row in rows if row[1] in touched])
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

    def unshared(self) -> Sequence[Record]:
        """Records of published images with facts that no registry was given."""
        if not self._path.exists():
            return []
        known = self.known()
        with self._open() as db:
            counts: dict[str, int] = dict(db.execute("SELECT record, facts FROM shared").fetchall())
        every = (record for records in known.records.values() for record in records)
        return [each for each in every if each.is_published and counts.get(each.id, 0) < len(each.facts)]

    def has_learned_all(self, home: Repository) -> bool:
        """Whether all that is kept beside the images was read once, for the stack whose journal is in `home`."""
        if not self._path.exists():
            return False
        with self._open() as db:
            row = db.execute("SELECT 1 FROM shared WHERE record = ?", (f"all of {home.canonical}",)).fetchone()
        return row is not None

    def note_learned_all(self, home: Repository) -> None:
        """All that is kept beside the images was read."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO shared VALUES (?, 1)", (f"all of {home.canonical}",))

    def note_shared(self, records: Sequence[Record]) -> None:
        """Registries were given these records, with all facts they have here."""
        with self._open() as db:
            rows = [(record.id, len(record.facts)) for record in records]
            db.executemany("INSERT OR REPLACE INTO shared VALUES (?, ?)", rows)

    def keep_inputs(self, inputs: Sequence[Inputs]) -> None:
        """Keep what records of elsewhere were made from."""
        rows = [(identity(each), zlib.compress(canonical.encode(each))) for each in inputs]
        with self._open() as db:
            db.executemany("INSERT OR IGNORE INTO inputs VALUES (?, ?)", rows)

    def elsewhere(self, key: Digest) -> Inputs | None:
        """Inputs that are in a registry, kept from then on; None where they are not, or nobody can be asked."""
        with self._open() as db:
            row = db.execute("SELECT repository, blob FROM elsewhere WHERE key = ?", (key,)).fetchone()
        if row is None or self.fetch is None:
            return None
        found = self.fetch(Repository(row[0]), Digest(row[1]))
        if found is not None:
            self.keep_inputs([found])
        return found

    def facts_elsewhere(self, record: Record) -> tuple[Repository, Digest] | None:
        """Where all facts of a record of another machine are; None where nobody said."""
        with self._open() as db:
            sql = "SELECT repository, blob FROM elsewhere WHERE key = ?"
            row = db.execute(sql, (f"facts {record.id}",)).fetchone()
        return None if row is None else (Repository(row[0]), Digest(row[1]))

    def keep_facts(self, record: Record, facts: Sequence[Fact]) -> None:
        """Facts that a registry has, and that were left out when the record was taken over."""
        with self._open() as db:
            rows = [(record.id, canonical.encode(fact).decode()) for fact in facts]
            db.executemany("INSERT INTO facts (record, body) VALUES (?, ?)", rows)
            db.execute("UPDATE shared SET facts = facts + ? WHERE record = ?", (len(rows), record.id))

    def accept(self, acceptances: Sequence[Acceptance]) -> None:
        """One transaction: all of them or none."""
        with self._open() as db:
            db.executemany(
                "INSERT INTO accepted (reference, platform, digest, at, by) VALUES (?, ?, ?, ?, ?)",
                [(each.reference, self.platform, each.digest, each.at, each.by) for each in acceptances],
            )

    def acceptances(self) -> Sequence[Acceptance]:
        """Newest first."""
        from stackyard.model.accepted import Acceptance  # few commands ask

        if not self._path.exists():
            return []
        with self._open() as db:
            log = "SELECT reference, digest, at, by FROM accepted WHERE platform = ? ORDER BY at DESC, seq DESC"
            rows = db.execute(log, (self.platform,))
            return [Acceptance(reference, Digest(digest), at, by) for reference, digest, at, by in rows]

    def note_seen(self, seen: Sequence[Seen]) -> None:
        """The last answer counts."""
        with self._open() as db:
            db.executemany(
                "INSERT OR REPLACE INTO seen (reference, platform, digest, at, mark) VALUES (?, ?, ?, ?, ?)",
                [(each.reference, self.platform, each.digest, each.at, each.mark) for each in seen],
            )

    def put_tag(self, place: TagPlace, reference: Reference, digest: Digest, branch: str | None = None) -> None:
        """Note where a tag is, and whose."""
        with self._open() as db:
            db.execute(_PUT_TAG, (place, reference.canonical, digest, branch))

    def begin_run(self, command: str, at: str) -> int:
        """A new row; two runs at once get two numbers."""
        with self._open() as db:
            number = db.execute("INSERT INTO runs (command, at) VALUES (?, ?)", (command, at)).lastrowid
        return number or 0

    def end_run(self, summary: RunSummary) -> None:
        """Fill the run's row."""
        with self._open() as db:
            db.execute(
                "UPDATE runs SET summary = ? WHERE number = ?", (canonical.encode(summary).decode(), summary.number)
            )

    def runs(self, limit: int) -> Sequence[RunSummary]:
        """Runs that came to a summary, newest first."""
        if not self._path.exists():
            return []
        with self._open() as db:
            rows = db.execute(
                "SELECT summary FROM runs WHERE summary IS NOT NULL ORDER BY number DESC LIMIT ?", (limit,)
            )
            return [canonical.decode(body, RunSummary) for (body,) in rows]

    def intend(self, moves: MoveSet) -> MoveSet:
        """One transaction, before the first move."""
        with self._open() as db:
            number = db.execute(
                "INSERT INTO moves (channel, state, body) VALUES (?, ?, ?)",
                (moves.channel, moves.state, canonical.encode(moves).decode()),
            ).lastrowid
        return msgspec.structs.replace(moves, id=number or 0)

    def settle(self, moves: MoveSet, state: MoveState) -> None:
        """One transaction: the state, and for `done` where the tags are."""
        with self._open() as db:
            db.execute("UPDATE moves SET state = ? WHERE id = ?", (state, moves.id))
            if state == "done":
                rows = [(moves.place, move.reference.canonical, move.now, moves.branch) for move in moves.moves]
                db.executemany(_PUT_TAG, rows)

    def move_sets(self, channel: str | None = None, state: MoveState | None = None) -> Sequence[MoveSet]:
        """Newest first."""
        if not self._path.exists():
            return []
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
        return self._releases("SELECT body FROM releases ORDER BY at DESC, seq DESC")

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

    def merge_releases(self, releases: Sequence[Release]) -> int:
        """Take over releases of other machines; how many were new."""
        with self._open() as db:
            known = {mark for (mark,) in db.execute("SELECT mark FROM releases")}
        fresh = [release for release in releases if release.mark not in known]
        for release in fresh:
            self.keep_release(release)
            self.note_release_shared(release)
        return len(fresh)

    def unshared_releases(self) -> Sequence[Release]:
        """Releases of registries that no registry was given."""
        left = "SELECT body FROM releases WHERE 'release ' || mark NOT IN (SELECT record FROM shared)"
        return [release for release in self._releases(left) if release.place == "registry"]

    def note_release_shared(self, release: Release) -> None:
        """Its registry was given this release."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO shared VALUES (?, 1)", (f"release {release.mark}",))

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

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
                hint="if the file is damaged, move it away: images that are still there are found by building again",
                path=str(self._path),
            ) from error

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


class _StoredInputs(Mapping[Digest, Inputs]):
    """Stored inputs, read when asked for: only explanations need them."""

    def __init__(self, store: SqliteRecords) -> None:
        self._store = store

    def __getitem__(self, key: Digest) -> Inputs:
        with self._store._open() as db:
            row = db.execute("SELECT body FROM inputs WHERE key = ?", (key,)).fetchone()
            found = canonical.decode(zlib.decompress(row[0]), Inputs) if row else None
        found = found or self._store.elsewhere(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[Digest]:
        with self._store._open() as db:
            return iter([Digest(key) for (key,) in db.execute("SELECT key FROM inputs")])

    def __len__(self) -> int:
        with self._store._open() as db:
            return int(db.execute("SELECT count(*) FROM inputs").fetchone()[0])


class _MovedCommits(Iterable[str]):
    """Commits of finished sets of moves, read when asked for: only a commit that built nothing needs them."""

    def __init__(self, store: SqliteRecords) -> None:
        self._store = store

    def __iter__(self) -> Iterator[str]:
        return iter({moves.commit for moves in self._store.move_sets("", "done")})


def _merged(db: sqlite3.Connection, shared: Shared) -> int:
    """Take one record over; how much of it was new."""
    record = shared.record
    values = (record.id, record.target, record.source, record.build, record.inputs, 0)
    sql = "INSERT OR IGNORE INTO records (id, target, source, build, inputs, run) VALUES (?, ?, ?, ?, ?, ?)"
    fresh = db.execute(sql, values).rowcount
    here = [body for (body,) in db.execute("SELECT body FROM facts WHERE record = ?", (record.id,))]
    there = [canonical.encode(fact).decode() for fact in record.facts]
    known = {_planned(body) for body in here}
    new = [(record.id, body) for body in there if body not in known]
    db.executemany("INSERT INTO facts (record, body) VALUES (?, ?)", new)
    given = db.execute("SELECT facts FROM shared WHERE record = ?", (record.id,)).fetchone()
    if not here or (given is not None and given[0] >= len(here)):  # an older copy may have come first
        db.execute("INSERT OR REPLACE INTO shared VALUES (?, ?)", (record.id, len(here) + len(new)))
    for each in shared.accepted:
        same = (each.reference, shared.platform, each.digest, each.at)
        sql = "SELECT 1 FROM accepted WHERE reference = ? AND platform = ? AND digest = ? AND at = ?"
        if db.execute(sql, same).fetchone() is None:
            sql = "INSERT INTO accepted (reference, platform, digest, at, by) VALUES (?, ?, ?, ?, ?)"
            db.execute(sql, (*same, each.by))
    for fact in record.facts:
        if isinstance(fact, Tagged) and fact.place == "registry" and (pushed := record.pushed(fact.repository)):
            name = Reference(fact.repository, fact.tag).canonical
            sql = "INSERT OR IGNORE INTO tags (place, reference, digest, branch) VALUES (?, ?, ?, NULL)"
            sql = sql.replace("IGNORE", "REPLACE") if fact.was is not None else sql
            db.execute(sql, ("registry", name, pushed.image.digest))
    return fresh + len(new)


def _planned(body: str) -> str:
    """A fact as it travels: what was shared and comes back is not another one."""
    from stackyard.model.shared import for_travel  # few stacks share their records

    fact: Fact = canonical.decode(body, Fact)  # type: ignore[arg-type]
    return canonical.encode(for_travel(fact)).decode()


def _record(row: tuple[str, str, str, str, str, int], facts: tuple[Fact, ...]) -> Record:
    identity, target, source, build, inputs, run = row
    facts = tuple(sorted(facts, key=lambda fact: fact.at))  # those of elsewhere came here later than they happened
    return Record(identity, TargetName(target), Digest(source), Digest(build), Digest(inputs), run, facts)


def _at(body: str) -> str:
    return canonical.decode(body, MoveSet).at


def _seen(row: tuple[str, str | None, str, str]) -> Seen:
    from stackyard.model.accepted import Seen  # where nobody looked, nothing was seen

    reference, digest, at, mark = row
    return Seen(reference, None if digest is None else Digest(digest), at, mark)


def make_state_folder(folder: Path) -> None:
    """Make the folder that git never sees."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
