# SPDX-License-Identifier: MIT
"""Records in one SQLite file: the only store where there is no registry, and the cache where there is.

In, out: as record/store.py
May touch: one file, and SQLite's two beside it
Raises: RecordProblem, with the file and what to do
Beside: record/moved (tags that moved together, releases), record/database (the file itself)

Every fact is a transaction of its own: a run that is killed has lost nothing that
happened. Several processes may use one file; SQLite serialises them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stackyard.model import canonical
from stackyard.model.inputs import Inputs, identity
from stackyard.model.known import NOTHING_KNOWN, Known, TagPlace
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Built, Fact, Record, Tagged
from stackyard.model.reference import Reference, Repository
from stackyard.record.moved import PUT_TAG, MovedTags

if TYPE_CHECKING:
    import sqlite3

    from stackyard.model.accepted import Acceptance, Seen
    from stackyard.model.outcome import RunSummary
    from stackyard.model.shared import Shared

    Fetch = Callable[[Repository, Digest], Inputs | None]


class SqliteRecords(MovedTags):
    """A store in the file at `path`, made with its folder when something is first written.

    Args:
        platform: whose accepted digests are meant: a base has one for each platform.
    """

    def __init__(self, path: Path, platform: str = "") -> None:
        super().__init__(path, platform)
        self.fetch: Fetch | None = None
        """Where inputs of records that came from a registry are read; None: nowhere."""

    def known(self) -> Known:
        """All records, newest first; nothing where no file is yet."""
        if not self._path.exists():
            return NOTHING_KNOWN
        return self._read_once(f"known {self.platform}", self._known)

    def _known(self) -> Known:
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
            db.execute(PUT_TAG, (place, reference.canonical, digest, branch))

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
        from stackyard.model.outcome import RunSummary  # a plan asks what is built, not what ran

        with self._open() as db:
            rows = db.execute(
                "SELECT summary FROM runs WHERE summary IS NOT NULL ORDER BY number DESC LIMIT ?", (limit,)
            )
            return [canonical.decode(body, RunSummary) for (body,) in rows]


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


def _seen(row: tuple[str, str | None, str, str]) -> Seen:
    from stackyard.model.accepted import Seen  # where nobody looked, nothing was seen

    reference, digest, at, mark = row
    return Seen(reference, None if digest is None else Digest(digest), at, mark)
