# SPDX-License-Identifier: MIT
"""What every store of records promises: facts go in, nothing is lost, everything comes back as it was.

A second store joins by adding an Archive to ARCHIVES. What follows the contract is about the SQLite file alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from stackyard.errors import RecordProblem
from stackyard.model.accepted import Acceptance, Seen
from stackyard.model.inputs import comparable, identity
from stackyard.model.inventory import Inventory, LargeFile
from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.moves import MoveSet
from stackyard.model.names import Tag, TargetName
from stackyard.model.outcome import Outcome, RunSummary
from stackyard.model.record import Record
from stackyard.model.reference import Platform, Reference
from stackyard.model.release import Member, Release, ReleaseName
from stackyard.record.shared import SharedRecords
from stackyard.record.sqlite import SqliteRecords
from stackyard.record.store import Records
from stackyard.record.tables import FORMAT, FORMATS, prepare
from stackyard.testing import MemoryRegistry
from stackyard.testing.registry import make_image
from tests.contract.writer import FACTS, LAB, opened
from tests.unit.plan.made import AT, BASE, COMMIT, built, move, promotion, sha, target

REFERENCE = Reference.parse("registry.example/lab:main")
OTHER = "docker.io/library/alpine:3"
FIRST_FORMAT = """
DROP TABLE shared; DROP TABLE elsewhere; DROP TABLE releases; DROP TABLE manifests; DROP TABLE inventories;
DROP TABLE accepted; DROP TABLE seen; DROP TABLE tags; DROP INDEX moves_by_channel;
CREATE TABLE tags (
    place TEXT NOT NULL, reference TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (place, reference)
) WITHOUT ROWID;
INSERT INTO tags VALUES ('registry', 'registry.example/lab:main', '{digest}');
CREATE TABLE accepted (reference TEXT PRIMARY KEY, digest TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO accepted VALUES ('{base}', '{digest}', '{at}');
PRAGMA user_version = 1;
"""
"""Makes a file of today what Stackyard wrote when a base had one digest, and no history."""


class Archive:
    """A kind of store: where it is, and how a process opens it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[SqliteRecords] = []

    @property
    def path(self) -> Path:
        return self.folder / ".stackyard" / "records.sqlite3"

    def open(self, platform: str = "") -> Records:
        """The store, as another process would open it."""
        self.opened.append(SqliteRecords(self.path, platform))
        return self.opened[-1]

    def close(self) -> None:
        for store in self.opened:
            store.close()


class SharedArchive(Archive):
    """The same, with a registry that is given what is published."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.registry = MemoryRegistry()

    def open(self, platform: str = "") -> Records:
        """Its file, and its way to the registry."""
        super().open(platform)
        return SharedRecords(self.opened[-1], self.registry, lambda record: LAB.repository)


ARCHIVES: dict[str, Callable[[Path], Archive]] = {"sqlite": Archive, "beside the images": SharedArchive}


@pytest.fixture(params=ARCHIVES)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive of each kind."""
    made = ARCHIVES[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Archive]:
    """An empty SQLite archive, for what is about the file."""
    made = Archive(tmp_path)
    yield made
    made.close()


def summary(number: int) -> RunSummary:
    """A run that came to its end."""
    outcomes = (Outcome(LAB.name, "built", failure=None, details=("a line",)),)
    return RunSummary(number, "build", AT, COMMIT, "main", 1.5, outcomes, notes=("note",))


# The contract.


def test_an_empty_store_knows_nothing(archive: Archive) -> None:
    """Asking makes nothing: a folder that was only looked at stays as it was."""
    records = archive.open()

    assert records.known() == NOTHING_KNOWN
    assert not list(records.runs(5))
    assert not list(records.move_sets())
    assert not list(records.acceptances())
    assert list(archive.folder.iterdir()) == []


def test_facts_come_back_in_their_order(archive: Archive) -> None:
    """What one process appended, another reads: every fact, oldest first, equal to what went in."""
    records = archive.open()
    record = opened(records)
    for fact in FACTS:
        record = records.append(record, fact)

    again = archive.open().known().records[LAB.name]

    assert list(again) == [record]
    assert again[0].facts == (built("lab"), *FACTS)


def test_the_newest_record_comes_first(archive: Archive) -> None:
    """A later fact does not make an older record newer."""
    records = archive.open()
    first, second = opened(records, "1"), opened(records, "2", run=2)
    records.append(first, FACTS[0])

    assert [each.id for each in archive.open().known().records[LAB.name]] == [second.id, first.id]


def test_a_build_is_found_by_any_thread(archive: Archive) -> None:
    """Those of one target with this fingerprint, newest first, with their facts; a store without a file has none."""
    records = archive.open()

    assert list(records.find(LAB.name, sha(["build", "1"]))) == []

    first, other, second = opened(records, "1"), opened(records, "2"), opened(records, "1", run=2)
    second = records.append(second, FACTS[0])
    found: list[list[Record]] = []
    thread = threading.Thread(target=lambda: found.append(list(records.find(LAB.name, sha(["build", "1"])))))
    thread.start()
    thread.join()

    assert found == [[second, first]]
    assert list(records.find(LAB.name, other.build)) == [other]
    assert list(records.find(TargetName("up"), first.build)) == []


def test_each_record_has_its_own_facts(archive: Archive) -> None:
    """Also where they are of one image, built again to the same."""
    records = archive.open()
    first, second = opened(records, run=1), opened(records, run=2)
    records.append(second, FACTS[2])

    assert first.id != second.id
    assert [len(each.facts) for each in records.known().records[LAB.name]] == [2, 1]


def test_inputs_are_kept_once_and_found_by_their_key(archive: Archive) -> None:
    """They are read when somebody explains; a key nobody stored is a KeyError, as in any mapping."""
    records = archive.open()
    record, _ = opened(records, "1"), opened(records, "2")

    stored = archive.open().known().inputs

    assert stored[record.inputs] == LAB.inputs
    assert (list(stored), len(stored)) == ([identity(LAB.inputs)], 1)
    with pytest.raises(KeyError):
        stored[sha("nothing")]


def test_accepted_digests_move(archive: Archive) -> None:
    """The last one counts, and what was before is kept: newest first, with who said so."""
    records = archive.open()
    before = [Acceptance(BASE, sha("1"), AT), Acceptance(OTHER, sha("1"), AT)]
    now = Acceptance(BASE, sha("2"), "2026-01-02T00:00:00Z", "refresh")
    records.accept(before)
    records.accept([now])

    assert archive.open().known().accepted == {BASE: sha("2"), OTHER: sha("1")}
    assert list(archive.open().acceptances()) == [now, *reversed(before)]


def test_what_registries_said_is_noted(archive: Archive) -> None:
    """The last answer counts; a base that is gone from its registry is an answer too."""
    records = archive.open()
    records.note_seen([Seen(BASE, sha("1"), AT), Seen(OTHER, sha("1"), AT, '"etag"')])
    records.note_seen([Seen(BASE, None, "2026-01-02T00:00:00Z")])

    known = archive.open().known()

    assert known.seen == {BASE: Seen(BASE, None, "2026-01-02T00:00:00Z"), OTHER: Seen(OTHER, sha("1"), AT, '"etag"')}
    assert not known.accepted


def test_each_platform_has_its_accepted_digests(archive: Archive) -> None:
    """One base can be two things on two platforms: neither follows the other."""
    archive.open("linux/amd64").accept([Acceptance(BASE, sha("1"), AT)])
    archive.open("linux/arm64").accept([Acceptance(BASE, sha("2"), AT)])
    archive.open("linux/arm64").note_seen([Seen(BASE, sha("3"), AT)])

    here, there = archive.open("linux/amd64"), archive.open("linux/arm64")

    assert (here.known().accepted, there.known().accepted) == ({BASE: sha("1")}, {BASE: sha("2")})
    assert [each.digest for each in here.acceptances()] == [sha("1")]
    assert not here.known().seen


def test_tags_are_known_by_place(archive: Archive) -> None:
    """One name can be in the engine and in the registry, at different things; spellings of it are one."""
    records = archive.open()
    records.put_tag("engine", REFERENCE, sha("1"))
    records.put_tag("registry", REFERENCE, sha("2"))
    records.put_tag("registry", Reference.parse("debian"), sha("3"))

    known = archive.open().known()

    assert known.tag_at("engine", REFERENCE) == sha("1")
    assert known.tag_at("registry", REFERENCE) == sha("2")
    assert known.tag_at("registry", Reference.parse("docker.io/library/debian:latest")) == sha("3")
    assert not known.branches


def test_releases_are_kept_with_their_manifests(archive: Archive) -> None:
    """Newest first, each once; bytes by digest, as they were, and none for what was not kept."""
    manifest = make_image("lab").manifest
    member = Member(LAB.name, LAB.repository, manifest.digest, (Platform("linux/amd64"),), Tag("sy-1"), record="r")
    older = Release(ReleaseName("fall"), "registry", AT, "Ada", "main", COMMIT, (member,), "notes")
    newer = msgspec.structs.replace(older, name=ReleaseName("winter"), at="2026-02-01T00:00:00Z")
    records = archive.open()
    assert not list(records.releases())
    for each in (older, newer, older):
        records.keep_release(each, [manifest])

    again = archive.open()

    assert list(again.releases()) == [newer, older]
    assert list(again.manifests({manifest.digest, sha("another")})) == [manifest]


def test_whose_a_tag_is_is_known(archive: Archive) -> None:
    """The branch it was last put for, in each place; a run's whole set has one branch, and a promotion none."""
    records = archive.open()
    records.put_tag("engine", REFERENCE, sha("1"), "feature/x")
    records.put_tag("registry", REFERENCE, sha("1"), "feature/x")
    records.put_tag("registry", REFERENCE, sha("2"), "feature-x")
    assert archive.open().known().branches == {
        ("engine", REFERENCE.canonical): "feature/x",
        ("registry", REFERENCE.canonical): "feature-x",
    }

    moves = promotion("A", move(LAB, "prod", None, "A"), channel="prod")
    where = ("registry", moves.moves[0].reference.canonical)
    run = msgspec.structs.replace(moves, kind="run", channel="", branch="prod")
    records.settle(records.intend(run), "done")
    known = archive.open().known()
    assert (known.branches[where], known.channels) == ("prod", frozenset())

    records.settle(records.intend(moves), "done")
    known = archive.open().known()
    assert where not in known.branches
    assert known.channels == {"prod"}


def test_runs_are_numbered_and_come_back_newest_first(archive: Archive) -> None:
    """One that was killed has a number and no summary: it is not among them, and its number is not given again."""
    records = archive.open()
    numbers = [records.begin_run("build", AT) for _ in range(3)]
    records.end_run(summary(1))
    records.end_run(summary(3))

    assert numbers == [1, 2, 3]
    assert list(archive.open().runs(5)) == [summary(3), summary(1)]
    assert list(archive.open().runs(1)) == [summary(3)]
    assert archive.open().begin_run("build", AT) == 4


def test_moves_are_written_down_before_they_are_made(archive: Archive) -> None:
    """Intended first; `done` says where the tags are, `undone` does not."""
    records = archive.open()
    first = records.intend(msgspec.structs.replace(promotion("A", move(LAB, "stable", None, "a")), state="intended"))
    second = records.intend(msgspec.structs.replace(promotion("B", move(LAB, "beta", "a", "b")), state="intended"))

    assert 0 < first.id < second.id
    assert list(archive.open().move_sets(state="intended")) == [second, first]
    records.settle(first, "done")
    records.settle(second, "undone")

    known = archive.open().known()
    assert known.tag_at("registry", first.moves[0].reference) == first.moves[0].now
    assert known.tag_at("registry", second.moves[0].reference) is None
    assert [each.state for each in archive.open().move_sets()] == ["undone", "done"]


def test_moves_are_found_by_channel_and_state(archive: Archive) -> None:
    """Newest first; no filter means all."""
    records = archive.open()
    for source, channel in (("A", "stable"), ("B", "beta"), ("C", "stable")):
        records.settle(records.intend(promotion(source, move(LAB, channel, None, source), channel=channel)), "done")

    def sources(found: object) -> list[str]:
        return [each.source for each in found if isinstance(each, MoveSet)]  # type: ignore[attr-defined]

    assert sources(records.move_sets()) == ["C", "B", "A"]
    assert sources(records.move_sets("stable")) == ["C", "A"]
    assert sources(records.move_sets("stable", "done")) == ["C", "A"]
    assert sources(records.move_sets("stable", "intended")) == sources(records.move_sets("gamma")) == []


def test_commits_of_runs_that_moved_tags_are_known(archive: Archive) -> None:
    """Of finished sets of branch tags; what a person promoted is no run, and an unfinished one put nothing."""
    records = archive.open()
    for commit, channel, state in (("1", "", "done"), ("2", "stable", "done"), ("3", "", "intended")):
        moves = promotion("7", move(LAB, "main", None, "a"), channel=channel, kind="promote" if channel else "run")
        moves = records.intend(msgspec.structs.replace(moves, commit=commit * 40, state="intended"))
        if state == "done":
            records.settle(moves, "done")

    assert list(archive.open().known().moved) == ["1" * 40]


def test_no_secret_is_in_a_record(archive: Archive) -> None:
    """Inputs hold a hash where an argument looks like a credential; no file of the store has its value."""
    secret = target("lab", args={"TOKEN": comparable("TOKEN", "hush-hush")})
    records = archive.open()
    record = records.open_record(LAB.name, sha("s"), sha("b"), secret.inputs, 1, built("lab"))

    assert records.known().inputs[record.inputs].args[0][1].startswith("hidden:")
    archive.close()
    for path in archive.folder.rglob("*"):
        assert path.is_dir() or b"hush-hush" not in path.read_bytes()


# Several processes.


def writer(archive: Archive, name: str, count: int) -> subprocess.Popen[str]:
    """A process that writes `count` records when it is told to, and says each fact that was recorded."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.contract.writer", str(archive.path), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def go(*processes: subprocess.Popen[str]) -> None:
    """Let them begin, once all are ready."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def told(lines: list[str]) -> dict[str, int]:
    """Record -> how many facts were said to be recorded, the build's among them."""
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.split()[1]] = counts.get(line.split()[1], 0) + 1
    return counts


@pytest.mark.processes
def test_processes_at_once_lose_nothing(file: Archive) -> None:
    """All begin with no file at all; every record and fact of each is there, under run numbers of its own."""
    writers = [writer(file, name, 5) for name in "abc"]
    lines: list[str] = []
    go(*writers)
    for process in writers:
        out, _ = process.communicate(timeout=200)
        lines += out.splitlines()
        assert process.returncode == 0

    records = file.open().known().records[LAB.name]

    assert {record.id: len(record.facts) for record in records} == told(lines)
    assert len(records) == 15
    assert sorted(record.run for record in records) == list(range(1, 16))
    assert all(record.facts[1:] == FACTS for record in records)


@pytest.mark.processes
def test_who_reads_while_another_writes_sees_one_moment(file: Archive) -> None:
    """No record without its build, whenever it is looked at."""
    process = writer(file, "a", 10_000)
    go(process)
    assert process.stdout is not None
    reader = file.open()
    for _ in range(60):  # it goes on meanwhile, as far as its words have room in the pipe
        assert process.stdout.readline()
        records = reader.known().records[LAB.name]
        assert all(record.built is not None for record in records)
    assert process.poll() is None
    process.kill()
    process.communicate()


@pytest.mark.processes
@pytest.mark.parametrize("after", [1, 9])
def test_a_killed_writer_loses_no_fact_that_was_recorded(file: Archive, after: int) -> None:
    """kill -9 between two facts: all that was said to be there is there, and the next process goes on."""
    process = writer(file, "a", 10_000)
    go(process)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after)]
    os.kill(process.pid, signal.SIGKILL)
    lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.communicate()

    records = file.open()
    found = {record.id: len(record.facts) for record in records.known().records[LAB.name]}

    said = told(lines)
    assert all(found[record] >= count for record, count in said.items())
    assert sum(found.values()) <= sum(said.values()) + 1  # the one whose word did not get out any more
    number = records.begin_run("build", AT)
    opened(records, "after", number)
    assert len(records.known().records[LAB.name]) == len(found) + 1


# The file.


def filled(file: Archive) -> Path:
    """A closed file with something in every table."""
    records = SqliteRecords(file.path)
    record = opened(records)
    records.append(record, FACTS[0])
    records.accept([Acceptance(BASE, sha("1"), AT)])
    records.note_seen([Seen(BASE, sha("2"), AT)])
    records.put_tag("engine", REFERENCE, sha("1"))
    records.begin_run("build", AT)
    records.end_run(summary(1))
    records.intend(promotion("A", move(LAB, "stable", None, "a")))
    records.close()
    return file.path


def everything(records: Records) -> None:
    """Read all there is."""
    known = records.known()
    for each in known.records.values():
        for record in each:
            assert known.inputs[record.inputs]
    records.runs(9)
    records.move_sets()
    records.acceptances()


def refused(file: Archive) -> RecordProblem:
    """The problem that reading the file is."""
    with pytest.raises(RecordProblem) as caught:
        everything(file.open())
    assert str(file.path) in str(caught.value)
    assert caught.value.path == str(file.path)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("data", [b"no database at all, and longer than its header" * 40, b"SQLite format 3\0x"])
def test_a_file_that_is_none_of_ours(file: Archive, data: bytes) -> None:
    """One sentence with the file, and what to do."""
    file.path.parent.mkdir()
    file.path.write_bytes(data)

    refused(file)


def test_a_full_disk(file: Archive) -> None:
    """An inventory that cannot be kept is said so, with what helps; what was kept stays, and later it fits."""
    file.open()
    store = file.opened[-1]
    record = opened(store)
    large = Inventory(sha("x"), Platform("linux/amd64"), files=tuple(LargeFile(sha(n), n) for n in range(4000)))
    with store._open() as db:
        db.execute("PRAGMA max_page_count = 1")  # no page more than it has
    with pytest.raises(RecordProblem, match="full") as caught:
        store.keep_inventory(large)

    assert "make room" in (caught.value.hint or "")
    assert store.inventory(large.content) is None
    assert [each.id for each in store.known().records[LAB.name]] == [record.id]
    with store._open() as db:
        db.execute("PRAGMA max_page_count = 100000")
    store.keep_inventory(large)
    assert store.inventory(large.content) == large


def test_a_torn_file(file: Archive) -> None:
    """A file that lost its end, or whose pages are overwritten."""
    path = filled(file)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(file)

    path.write_bytes(whole[:4096] + b"\xaa" * (len(whole) - 4096))
    refused(file)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE facts SET body = 'not json'",
        'UPDATE facts SET body = \'{"fact":"signed","at":"x"}\'',
        'UPDATE facts SET body = \'{"fact":"tested"}\'',
        "UPDATE inputs SET body = x'00'",
        "UPDATE inputs SET body = x'789cabae0500017500fa' -- zlib, and then half of something",
        "UPDATE runs SET summary = '{}'",
        "UPDATE moves SET body = '[]'",
        "DROP TABLE facts",
        "ALTER TABLE records DROP COLUMN run",
    ],
)
def test_contents_that_nobody_understands(file: Archive, statement: str) -> None:
    """Damage inside the file, or facts of a newer Stackyard, are the same problem and no traceback."""
    with sqlite3.connect(filled(file)) as db:
        db.execute(statement)
    db.close()

    refused(file)


def test_a_file_of_a_newer_format(file: Archive) -> None:
    """It is left as it is, and both formats are named."""
    with sqlite3.connect(filled(file)) as db:
        db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    db.close()
    before = file.path.read_bytes()

    assert f"format {FORMAT + 1}" in str(refused(file))
    with pytest.raises(RecordProblem):
        opened(file.open())
    assert file.path.read_bytes() == before


def test_a_file_of_the_first_format_goes_on(file: Archive) -> None:
    """Records are as they were; accepted digests become those of the platform that opens the file first."""
    path = filled(file)
    before = file.open().known()
    file.close()
    with sqlite3.connect(path) as db:
        db.executescript(FIRST_FORMAT.format(base=BASE, digest=sha("1"), at=AT))
    db.close()

    known = file.open("linux/amd64").known()

    assert (known.records, known.accepted) == (before.records, {BASE: sha("1")})
    assert (known.tag_at("registry", REFERENCE), known.branches) == (sha("1"), {})
    assert list(file.open("linux/amd64").acceptances()) == [Acceptance(BASE, sha("1"), AT, "first")]
    file.open("linux/amd64").note_seen([Seen(BASE, sha("2"), AT)])
    assert not file.open("linux/arm64").known().accepted


def test_a_file_of_any_format_becomes_what_a_new_one_is() -> None:
    """New files are made at once and old ones step by step: the same columns, keys and indexes come of it."""

    def made(format: int) -> dict[str, list[tuple[object, ...]]]:
        with contextlib.closing(sqlite3.connect(":memory:")) as db:
            if format:
                db.executescript(FORMATS[0])
                db.execute("PRAGMA user_version = 1")
            prepare(db, "")
            assert db.execute("PRAGMA user_version").fetchone()[0] == FORMAT
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master ORDER BY name")]
            facts = ("table_xinfo", "index_xinfo", "index_list", "table_list")
            return {f"{fact} {name}": sorted(db.execute(f"PRAGMA {fact}({name})")) for fact in facts for name in names}

    assert made(0) == made(1)


def test_a_folder_where_the_file_should_be(file: Archive) -> None:
    """No traceback for this either."""
    file.path.mkdir(parents=True)

    refused(file)


def test_an_empty_file_is_a_new_one(file: Archive) -> None:
    """Somebody's `touch`, or a process killed as it began."""
    file.path.parent.mkdir()
    file.path.touch()

    assert not file.open().known().records
    assert opened(file.open()).id


def test_git_never_sees_the_records(file: Archive) -> None:
    """The folder ignores itself; an ignore file that is there is left alone."""
    filled(file)
    ignore = file.path.parent / ".gitignore"
    assert ignore.read_text() == "*\n"

    ignore.write_text("mine\n")
    opened(file.open(), "2")
    assert ignore.read_text() == "mine\n"
