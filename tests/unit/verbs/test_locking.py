# SPDX-License-Identifier: MIT
"""Locks of a repository: the real resolver against an index that stands still, and fakes where it has no say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from stackyard import verbs
from stackyard.edges.uv import Answer
from stackyard.errors import ConfigError, FileProblem, InvalidValue, NoHistory, NothingToDo, UnknownName
from stackyard.model.inputs import Inputs, differences
from stackyard.model.lockfile import LockFile
from stackyard.model.locking import LockSummary
from stackyard.model.reason import FileChanged
from stackyard.model.reference import Platform
from stackyard.testing.clock import FixedClock
from stackyard.verbs import Options, Yard
from stackyard.verbs.lockers import Resolvers
from stackyard.verbs.locking import Wish, make, plan_locks
from stackyard.verbs.locks import diff, imported, message_of, outdated, verify
from tests.frozen_index import AMD64, ARM64, BACKEND, FrozenIndex
from tests.repositories import commit, init

T = "2020-12-11T19:09:36Z"
SPEC = """
images: {lab: }
locks:
  lab:
    requirements: requirements.in
    packages: libs/own
    python: 3.8
"""
STATIC = '[project]\nname = "own"\nversion = "1"\ndependencies = ["beta"]\n'


class Repository:
    """A stack with a lock, and a resolver that is asked or is not."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"PATH": "/usr/bin:/bin", "HOME": str(root)}
        self.write("images/spec.yml", SPEC)
        self.write("images/lab/Dockerfile", "FROM debian:12\nCOPY lock.txt /\n")
        self.write("requirements.in", "alpha\n")
        self.write("libs/own/pyproject.toml", STATIC)
        init(root)
        self.head = commit(root)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self) -> str:
        self.head = commit(self.root)
        return self.head

    @property
    def yard(self) -> Yard:
        options = Options(platform=Platform("linux/amd64"), environ=self.environ)
        return verbs.load(self.root, options, FixedClock())

    def lock(self, path: str = "images/lab/lock.txt") -> LockFile:
        return LockFile.of((self.root / path).read_text())


class Oracle:
    """A resolver that knows what is newest, and remembers what it was asked."""

    def __init__(self, **newest: str) -> None:
        self.newest = newest
        self.asked: list[tuple[Sequence[str], str, str]] = []
        self.failing: dict[str, Answer] = {}
        self.is_closed = False

    def version(self) -> str:
        return "oracle 1"

    def resolve(self, folder: Path, argv: Sequence[str], allowed: Collection[str], preferred: str = "") -> Answer:
        asked = (folder / "requirements.in").read_text()
        self.asked.append((argv, preferred, asked))
        python = next(word for word in argv if word.startswith("--python-version"))
        if failure := self.failing.get(python.partition("=")[2]):
            return failure
        kept = dict(
            zip(*[iter(line.split('"')[1] for line in preferred.splitlines()[2:] if "=" in line)] * 2, strict=True)
        )
        loose = {word.partition("=")[2] for word in argv if word.startswith("--upgrade-package")}
        text = 'lock-version = "1.0"\n'
        for name, newest in self.newest.items():
            version = newest if name in loose else kept.get(name, newest)
            text += f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{{ upload-time = '
            text += f'2020-01-01T00:00:00Z, hashes = {{ sha256 = "{name}{version}" }} }}]\n'
        return Answer(text)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One image with a lock of one requirement file and one local package, committed."""
    return Repository(tmp_path)


def asking(oracle: Oracle) -> Resolvers:
    """Who answers where `oracle` does for pip."""
    return Resolvers({}, uv=oracle)


def states(summary: LockSummary) -> dict[str, str]:
    """File -> what became of it."""
    return {outcome.target.output: outcome.state for outcome in summary.outcomes}


# The real resolver.


class World(NamedTuple):
    index: FrozenIndex
    hashes: dict[str, str]
    environ: dict[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Packages of December 2020, and how uv finds them."""
    index = FrozenIndex()
    hashes = {
        "alpha 1.1": index.wheel("alpha", "1.1", "2020-12-11T19:09:35Z"),
        "alpha 1.2": index.wheel("alpha", "1.2", "2020-12-11T19:09:36Z"),
        "beta amd64": index.wheel("beta", "2.0", "2020-11-01T00:00:00Z", tag=AMD64),
        "beta arm64": index.wheel("beta", "2.0", "2020-11-01T00:00:05Z", tag=ARM64),
        "beta yanked": index.wheel("beta", "2.1", "2020-11-02T00:00:00Z", yanked=True),
    }
    index.sdist("source", "1.0", "2020-11-01T00:00:00Z", "beta")
    index.sdist("source-too", "1.0", "2020-11-01T00:00:00Z", "beta")
    index.wheel("source", "0.9", "2020-10-01T00:00:00Z")
    index.wheel("source", "1.0", "2020-12-12T00:00:00Z")
    index.wheel("timeless", "1.0", None)
    cache = tmp_path_factory.mktemp("uv")
    with index.served() as address:
        environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(cache)}
        yield World(index, hashes, environ | {"UV_CACHE_DIR": str(cache), "UV_DEFAULT_INDEX": address})


@pytest.mark.processes
def test_a_lock_is_what_a_commit_and_an_instant_give(repository: Repository, world: World) -> None:
    """H is read though the work tree has moved on and is left alone; T counts to the second in every time zone.

    What was uploaded at T is not in, what was yanked is not either; the local package is left out, and what it needs
    is in, with the hashes of both platforms. The file that is there is no preference, and a repetition is
    byte-identical.
    """
    first = repository.head
    repository.write("requirements.in", "nothing-of-this-name\n")
    repository.write("images/lab/lock.txt", "beta==1.0\n")
    repository.commit()
    before = subprocess.run(["git", "worktree", "list"], cwd=repository.root, capture_output=True, check=True).stdout
    texts = set()
    for zone, time in (
        ("UTC", T),
        ("Asia/Kathmandu", "2020-12-11T190936"),
        ("America/St_Johns", "2020-12-12T00:54:36+05:45"),
        ("Pacific/Kiritimati", "2020-12-11T15:39:36-03:30"),
    ):
        repository.environ = {**world.environ, "TZ": zone, "UV_EXCLUDE_NEWER": "2019-01-01T00:00:00Z"}
        done = make(repository.yard, Wish(at=first[:10], time=time))
        assert states(done) == {"images/lab/lock.txt": "written" if not texts else "unchanged"}
        texts.add((repository.root / "images/lab/lock.txt").read_text())

    assert len(texts) == 1
    lock = repository.lock()
    assert [(pin.name, pin.version, pin.uploaded) for pin in lock.pins] == [
        ("alpha", "1.1", "2020-12-11T19:09:35Z"),
        ("beta", "2.0", "2020-11-01T00:00:05Z"),
    ]
    assert lock.pins[0].hashes == (world.hashes["alpha 1.1"],)
    assert set(lock.pins[1].hashes) == {world.hashes["beta amd64"], world.hashes["beta arm64"]}
    assert (lock.at, lock.time) == (first, T)
    assert lock.again == f"stackyard lock lab --at {first} --time {T}"
    assert lock.resolver.startswith("uv ")
    assert str(repository.root) not in texts.pop()
    assert (repository.root / "requirements.in").read_text() == "nothing-of-this-name\n"
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=repository.root, capture_output=True, check=True).stdout
    assert worktrees == before


@pytest.mark.processes
@pytest.mark.parametrize(
    ("requirement", "time", "words", "hint"),
    [
        ("alpha>5", T, "your requirements are unsatisfiable", None),
        ("alpha", "2019-01-01T00:00:00Z", "no versions of alpha", "alpha has no release that fits before"),
        ("timeless", T, "no versions of timeless", "upload times (PEP 700)"),
    ],
)
def test_what_cannot_be_resolved_is_said_in_the_resolvers_words(
    requirement: str, time: str, words: str, hint: str | None, repository: Repository, world: World
) -> None:
    """The old file stays, and where something can be done about it there is a hint."""
    repository.environ = world.environ
    repository.write("images/lab/lock.txt", "alpha==0.1\n")
    repository.write("requirements.in", f"{requirement}\n")
    repository.commit()

    (outcome,) = make(repository.yard, Wish(time=time)).outcomes

    assert outcome.state == "failed"
    assert words in outcome.words
    assert (hint is None and outcome.hint is None) or (hint is not None and hint in str(outcome.hint))
    assert (repository.root / "images/lab/lock.txt").read_text() == "alpha==0.1\n"


@pytest.mark.processes
def test_code_runs_only_where_it_is_allowed(repository: Repository, world: World) -> None:
    """A release that must be run is neither run nor passed over for an older one, and the error prints the line.

    Allowed, it is taken, with what it needs; code of the repository's own packages runs in any case.
    """
    repository.environ = world.environ
    own = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "own"\n'
    repository.write("libs/own/pyproject.toml", f'{own}dynamic = ["version"]\n')
    repository.write("libs/own/backend.py", BACKEND.format(name="own", version="1", needs=("source",)))
    repository.write("images/spec.yml", SPEC.replace("    requirements: requirements.in\n", ""))
    repository.commit()
    ran = Path(world.environ["HOME"], "ran-source")

    (refused,) = make(repository.yard, Wish(time=T)).outcomes
    assert (refused.state, refused.hint) == ("failed", "if that code may run here: allow_build: [source]")
    assert refused.words == "what source needs is only known once its code ran"
    assert ran.with_name("ran-own").exists()
    assert not ran.exists()

    repository.write("images/spec.yml", f"{SPEC}    allow_build: [old]\n")
    repository.write("requirements.in", "alpha\nsource-too\n")
    repository.commit()
    (refused,) = make(repository.yard, Wish(time=T)).outcomes
    assert refused.hint == "if that code may run here: allow_build: [old, source, source-too]"
    assert refused.words == "what source needs is only known once its code ran; so it is with source-too"
    assert not ran.exists()

    repository.write("images/spec.yml", f"{SPEC}    allow_build: [source]\n")
    repository.write("requirements.in", "alpha\n")
    repository.commit()
    assert make(repository.yard, Wish(time=T)).is_good
    assert [f"{pin.name} {pin.version}" for pin in repository.lock().pins] == ["alpha 1.1", "beta 2.0", "source 1.0"]
    assert ran.exists()


@pytest.mark.processes
def test_an_index_that_nobody_answers_for_is_named(repository: Repository, world: World) -> None:
    """By its address, without the login that it has there."""
    gone = "http://127.0.0.1:1/simple"
    index = gone.replace("http://", "http://me:hush@")
    fresh = {"UV_DEFAULT_INDEX": index, "UV_CACHE_DIR": str(repository.root / ".uv"), "UV_HTTP_RETRIES": "0"}
    repository.environ = {**world.environ, **fresh}

    (outcome,) = make(repository.yard, Wish(time=T)).outcomes

    assert f"nobody answers at {gone}" in str(outcome.hint)
    assert "hush" not in outcome.words


# What is decided without one.


@pytest.mark.processes
def test_a_plan_shows_everything_and_asks_nobody(repository: Repository) -> None:
    """The requirements at H, whose code runs, each command line; no resolver need be there."""
    repository.write("libs/own/pyproject.toml", STATIC.replace("version", 'dynamic = ["dependencies"]\nversion', 1))
    repository.commit()
    repository.write("requirements.in", "changed\n")

    plan = plan_locks(repository.yard, Wish(time=T))

    (each,) = plan.sets
    assert plan.at == repository.head
    assert each.requirements == ("alpha", "own @ file://${PROJECT_ROOT}/tree/libs/own")
    assert each.runs_code == ("own",)
    assert each.changed == ("requirements.in",)
    (step,) = each.steps
    assert [platform for platform, _ in step.asks] == ["linux/amd64", "linux/arm64"]
    for _, argv in step.asks:
        assert f"--exclude-newer={T}" in argv
        assert not any(str(repository.root) in word for word in argv)


@pytest.mark.processes
def test_one_version_that_fails_holds_no_other_up(repository: Repository) -> None:
    """The others are written, or none where that is asked for; 2.7 is carried as it is."""
    repository.write(
        "images/spec.yml",
        "images: {lab: }\nlocks: {all: {requirements: requirements.in, versions: [2.7.18, 3.8, 3.9],"
        " output: 'locks/{version}.txt', platforms: linux/amd64}}\n",
    )
    repository.write("locks/2.7.18.txt", "six==1.0\n")
    repository.commit()
    oracle = Oracle(alpha="1.0")
    oracle.failing["3.9"] = Answer(words="no way")
    wanted = {"locks/2.7.18.txt": "carried", "locks/3.8.txt": "held-back", "locks/3.9.txt": "failed"}

    held = make(repository.yard, Wish(all_or_nothing=True), asking(oracle))
    assert (states(held), held.is_good) == (wanted, False)
    assert not (repository.root / "locks/3.8.txt").exists()

    done = make(repository.yard, Wish(), asking(oracle))
    assert (states(done), done.is_good) == ({**wanted, "locks/3.8.txt": "written"}, False)
    assert (repository.root / "locks/2.7.18.txt").read_text() == "six==1.0\n"
    assert repository.lock("locks/3.8.txt").target == "Python 3.8 on linux/amd64"

    (repository.root / "locks/2.7.18.txt").unlink()
    assert states(make(repository.yard, Wish(), asking(Oracle(alpha="1.0"))))["locks/2.7.18.txt"] == "failed"


@pytest.mark.processes
def test_time_stays_until_somebody_moves_it(repository: Repository) -> None:
    """A lock keeps its T, so that only changed inputs change it; --refresh is now, and --check wants what is there."""
    oracle = Oracle(alpha="1.0", beta="1.0")
    make(repository.yard, Wish(time=T), asking(oracle))
    written = (repository.root / "images/lab/lock.txt").read_text()
    repository.commit()
    assert states(make(repository.yard, Wish(check=True), asking(oracle))) == {"images/lab/lock.txt": "same"}
    assert states(make(repository.yard, Wish(if_changed=True), asking(oracle))) == {"images/lab/lock.txt": "unchanged"}
    assert (repository.root / "images/lab/lock.txt").read_text() == written

    newer = Oracle(alpha="1.1", beta="1.0")
    checked = make(repository.yard, Wish(check=True), asking(newer))
    assert (states(checked), checked.is_good) == ({"images/lab/lock.txt": "differs"}, False)
    assert (repository.root / "images/lab/lock.txt").read_text() == written
    assert make(repository.yard, Wish(refresh=True), asking(newer)).has_changes
    assert repository.lock().time == FixedClock().now()

    repository.write("images/lab/lock.txt", (repository.root / "images/lab/lock.txt").read_text().replace("1.1", "1.2"))
    assert states(make(repository.yard, Wish(check=True), asking(newer))) == {"images/lab/lock.txt": "differs"}


@pytest.mark.processes
def test_only_what_is_named_is_upgraded(repository: Repository) -> None:
    """Everything else stays what the lock has, and the lock says so and can still be checked."""
    make(repository.yard, Wish(time=T), asking(Oracle(alpha="1.0", beta="1.0")))
    newest = Oracle(alpha="1.1", beta="1.1")

    done = make(repository.yard, Wish(upgrades=("Beta",)), asking(newest))

    assert [(change.name, change.was, change.now) for change in done.outcomes[0].changes] == [("beta", "1.0", "1.1")]
    assert repository.lock().kept.startswith("all but beta as in the lock sha256:")
    assert make(repository.yard, Wish(check=True), asking(newest)).is_good


@pytest.mark.processes
@pytest.mark.parametrize(
    ("wish", "error", "said"),
    [
        (Wish(at="nowhere"), NoHistory, "no commit 'nowhere'"),
        (Wish(time="2999-01-01T00:00:00Z"), ConfigError, "still to come"),
        (Wish(time="2020-12-11T19:09:36"), InvalidValue, "not a valid time of a lock"),
        (Wish(words=("lba",)), UnknownName, "no lock is called 'lba'"),
    ],
)
def test_wrong_wishes_are_refused(wish: Wish, error: type[Exception], said: str, repository: Repository) -> None:
    """Before anybody is asked, in a sentence."""
    with pytest.raises(error, match=said):
        make(repository.yard, wish, asking(Oracle()))


@pytest.mark.processes
def test_inputs_that_are_not_in_the_commit_are_named(repository: Repository) -> None:
    """With the place that asks for them; and a stack without locks has nothing to lock."""
    repository.write("requirements.in", "-r more.in\n")
    repository.commit()
    repository.write("more.in", "beta\n")
    with pytest.raises(FileProblem, match=r"requirements\.in:1: there is no more\.in at that commit"):
        make(repository.yard, Wish(), asking(Oracle()))

    repository.write("images/spec.yml", "images: {lab: }\n")
    with pytest.raises(NothingToDo, match="declares no locks"):
        make(repository.yard, Wish(), asking(Oracle()))


# What is built because of a lock.

SHARED = """
images: {lab: , web: , other: }
locks:
  lab: {requirements: r.in, versions: ['3.8', '3.9']}
  shared: {requirements: r.in, python: 3.8, images: [lab, web], output: locks/shared.txt}
"""


def fingerprints(repository: Repository) -> dict[str, Inputs]:
    """Target -> all that goes into it."""
    return {str(target.name): target.inputs for target in repository.yard.stack.targets}


def test_a_new_pin_changes_exactly_the_images_that_use_it(tmp_path: Path) -> None:
    """A lock elsewhere is an input of its images; one beside other versions' locks, of its version alone.

    What an instruction copies counts all the same.
    """
    made = Repository(tmp_path)
    made.write("images/spec.yml", SHARED)
    made.write("images/lab/versions.yaml", "'3.8': {docker_args: {V: '3.8'}}\n'3.9': {docker_args: {V: '3.9'}}\n")
    made.write("images/lab/Dockerfile", "ARG V\nFROM debian:12\nARG V\nADD lock-$V.txt /\n")
    for path in ("images/web/Dockerfile", "images/other/Dockerfile"):
        made.write(path, "FROM debian:12\n")
    for path in ("images/lab/lock-3.8.txt", "images/lab/lock-3.9.txt", "locks/shared.txt"):
        made.write(path, "six==1\n")
    made.commit()
    before = fingerprints(made)
    made.write("images/lab/lock-3.9.txt", "six==2\n")
    own = fingerprints(made)
    made.commit()
    assert not made.yard.stack.revision.is_dirty
    made.write("locks/shared.txt", "six==2\n")
    shared = fingerprints(made)
    assert made.yard.stack.revision.is_dirty
    made.write("images/lab/Dockerfile", "FROM debian:12\nCOPY . /\n")
    whole = fingerprints(made)
    made.write("images/lab/lock-3.9.txt", "six==3\n")

    assert {name for name in before if before[name] != own[name]} == {"lab/3.9"}
    assert {name for name in own if own[name] != shared[name]} == {"lab/3.8", "lab/3.9", "web"}
    assert {name for name, now in fingerprints(made).items() if now != whole[name]} == {"lab/3.8", "lab/3.9"}
    places = next(target for target in made.yard.stack.targets if target.name == "web").places("images")
    (reason,) = differences(shared["web"], own["web"], places)
    assert reason == FileChanged("locks/shared.txt", "changed")


# Locks that are there.


@pytest.mark.processes
def test_a_lock_proves_by_itself_that_nothing_is_newer(repository: Repository) -> None:
    """Offline, from the times in it; an edit, a time at T or later, a file of others and no file are doubts."""
    path = "images/lab/lock.txt"
    make(repository.yard, Wish(time=T), asking(Oracle(alpha="1.0", beta="1.0")))
    (good,) = verify(repository.yard)
    assert (good.doubts, good.time, good.pins) == ((), T, 2)

    text = (repository.root / path).read_text()
    for changed, doubt in (
        (text.replace("alpha==1.0", "alpha==1.1"), "its pins are not those that were written"),
        (text.replace(f"# time: {T}", "# time: 2020-01-01T00:00:00Z"), "which is not before 2020-01-01T00:00:00Z"),
        (text.replace("    # uploaded 2020-01-01T00:00:00Z\n", ""), "it is not recorded when alpha 1.0 came"),
        ("alpha==1.0\n", "it does not say which commit and time it is of"),
    ):
        repository.write(path, changed)
        (found,) = verify(repository.yard)
        assert any(doubt in each for each in found.doubts)
    (repository.root / path).unlink()
    assert verify(repository.yard)[0].doubts == ("there is no such file",)


@pytest.mark.processes
def test_two_states_are_told_by_package(repository: Repository) -> None:
    """In how many versions; between commits, with the work tree, between files."""
    output = "{requirements: requirements.in, versions: [2.7.18, '3.8', '3.9', '3.10'], output: 'l/{version}.txt'}"
    repository.write("images/spec.yml", f"images: {{lab: }}\nlocks: {{unit: {output}}}\n")
    for version in ("2.7.18", "3.8", "3.9", "3.10"):
        repository.write(f"l/{version}.txt", "boto3==1.16.34\nsix==1\n")
    first = repository.commit()
    for version in ("3.8", "3.9", "3.10"):
        repository.write(f"l/{version}.txt", "boto3==1.16.35\nsix==1\n")
    repository.write("l/2.7.18.txt", "boto3==1.16.34\n")

    found = diff(repository.yard, ())
    told = [change.told(found.locks, found.of_one_set) for change in found.changes]
    assert told == ["boto3 1.16.34 -> 1.16.35 in 3 of 4 versions", "six 1 -> (gone) in 1 of 4 versions"]
    repository.commit()
    assert diff(repository.yard, ()).changes == ()
    assert diff(repository.yard, (first, "HEAD")).changes == found.changes
    (change,) = diff(repository.yard, ("l/3.9.txt", "l/2.7.18.txt")).changes[:1]
    assert str(change) == "boto3 1.16.35 -> 1.16.34"


@pytest.mark.processes
def test_what_would_be_newer_is_told_and_left_alone(repository: Repository) -> None:
    """`outdated` writes nothing; a refresh has the message of its commit."""
    make(repository.yard, Wish(time=T), asking(Oracle(alpha="1.0", beta="1.0")))
    before = (repository.root / "images/lab/lock.txt").read_text()
    newer = Oracle(alpha="1.1", beta="1.0")

    told = outdated(repository.yard, (), asking(newer))
    assert states(told) == {"images/lab/lock.txt": "outdated"}
    assert [str(change) for change in told.outcomes[0].changes] == ["alpha 1.0 -> 1.1"]
    assert (repository.root / "images/lab/lock.txt").read_text() == before

    wish = Wish(refresh=True, if_changed=True)
    now = FixedClock().now()
    assert message_of(make(repository.yard, wish, asking(newer)), True) == (
        "Update locks: alpha",
        f"What the package indexes had at {now}.\n\n- alpha 1.0 -> 1.1\n",
    )
    assert message_of(make(repository.yard, wish, asking(newer)), True) is None


@pytest.mark.processes
def test_h_and_t_are_found_where_a_builder_left_them(repository: Repository) -> None:
    """H in its Dockerfile, T its stamp; a constant that says another time is shown, and does not count."""
    head = "51c13f7c" * 5
    builder = "images/unit-snapshot-builder"
    repository.write(f"{builder}/Dockerfile", f"FROM debian:12\nRUN git clone x . \\\n && git checkout {head}\n")
    repository.write(f"{builder}/versions.yaml", "3.7.8: {}\n3.8.3: {}\n")
    repository.write(f"{builder}/last_updated.yaml", "3.7.8: 2020-12-11T190936\n3.8.3: 2020-12-11T190936\n")
    repository.write("ci/defines.py", "import os\nUNIT_IMAGE_VERSION = '2020-12-11T192450'\nVERSION = '1.0'\n")
    repository.write("images/spec.yml", "images: {lab: , unit-snapshot-builder: }\n")
    repository.commit()

    (found,) = imported(repository.yard)
    assert (found.builder, found.at, found.time) == ("unit-snapshot-builder", head, T)
    assert found.spot == (f"{builder}/Dockerfile", 3, None)
    assert [(each.name, each.stamp, each.spot[:2]) for each in found.disagreeing] == [
        ("UNIT_IMAGE_VERSION", "2020-12-11T192450", ("ci/defines.py", 2))
    ]
    with pytest.raises(NothingToDo, match="no image checks a commit out"):
        imported(repository.yard, ("lab",))
