# SPDX-License-Identifier: MIT
"""Locks of conda environments: the real solver asks a channel that the test makes, and a fake where it has no say."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges import uv
from stackyard.edges.rattler import Asked, Rattler
from stackyard.errors import EngineProblem, FileProblem, NoHistory, ToolMissing
from stackyard.lock.conda import Question
from stackyard.model.conda import explicit_files
from stackyard.model.lock import LockTime
from stackyard.model.lockfile import LockFile, Pin
from stackyard.model.locking import Answer, LockSummary
from stackyard.model.reference import Platform
from stackyard.testing.clock import FixedClock
from stackyard.verbs import Options, Yard
from stackyard.verbs.lockers import Resolvers
from stackyard.verbs.locking import Wish, make, plan_locks
from stackyard.verbs.locks import diff, message_of, outdated, verify
from tests.conda_channel import Channel
from tests.repositories import commit, init

pytestmark = pytest.mark.processes

T = "2020-12-11T19:09:36Z"
SPEC = """
images: {lab: {}, other: {}}
locks:
  lab:
    conda: environment.yml
"""
AMD64, ARM64 = "images/lab/conda-linux-64.lock", "images/lab/conda-linux-aarch64.lock"


class Repository:
    """A stack with an image whose environment is locked, and a channel in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root / "stack"
        self.channel = Channel(root / "channel")
        self.environ = {"PATH": os.environ["PATH"], "RATTLER_CACHE_DIR": str(root / "cache")}
        self.write("images/spec.yml", SPEC)
        self.write("images/lab/Dockerfile", "FROM debian:12\nCOPY *.lock /\n")
        self.write("images/other/Dockerfile", "FROM debian:12\n")
        self.environment("a-b")
        init(self.root)
        self.head = commit(self.root)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def environment(self, *needs: str, more: str = "") -> None:
        """What the environment asks for, in the work tree."""
        lines = "".join(f"  - {need}\n" for need in needs)
        self.write("environment.yml", f"channels: ['{self.channel.address}']\ndependencies:\n{lines}{more}")

    def commit(self) -> str:
        self.head = commit(self.root)
        return self.head

    def yard(self, platform: str = "linux/amd64") -> Yard:
        options = Options(platform=Platform(platform), environ=self.environ)
        return verbs.load(self.root, options, FixedClock())

    def text(self, path: str = AMD64) -> str:
        return (self.root / path).read_text()


class Newest:
    """A solver that takes what is newest of each package, and remembers what it was asked."""

    def __init__(self, **newest: str) -> None:
        self.newest = newest
        self.asked: list[Asked] = []
        self.is_failing = False

    def version(self) -> str:
        return "newest 1"

    def solve(self, asked: Asked, kept: Collection[str]) -> Answer:
        self.asked.append(asked)
        if self.is_failing or asked.specs == ("impossible",):
            return Answer(words="no way", hint="none")
        stays = {pin.name: pin for pin in explicit_files("@EXPLICIT\n" + "\n".join(f"{each}#0" for each in kept))}
        found = []
        for name, newest in self.newest.items():
            version = stays[name].version if name in stays else f"{newest}=0"
            where = f"https://h/{asked.subdir}/{name}-{version.replace('=', '-')}.conda"
            found.append(Pin(name, version, "", (f"sha256:{name}{version}",), "2020-01-01T00:00:00Z", where))
        return Answer(tuple(found))

    def close(self) -> None:
        """Nothing runs."""


class Bounded:
    """A resolver for pip that remembers what bounded it."""

    def __init__(self) -> None:
        self.bounds: list[str] = []

    def version(self) -> str:
        return "bounded 1"

    def resolve(self, folder: Path, argv: Sequence[str], allowed: Collection[str], preferred: str = "") -> uv.Answer:
        assert "--constraints=constraints.txt" in argv
        self.bounds.append((folder / "constraints.txt").read_text())
        return uv.Answer('lock-version = "1.0"\n')

    def close(self) -> None:
        """Nothing runs."""


def lock(repository: Repository, solver: Newest, **wish: object) -> LockSummary:
    """What comes of a wish where `solver` answers."""
    return make(repository.yard(), Wish(**wish), Resolvers({}, rattler=solver))  # type: ignore[arg-type]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One image with an environment of one package, which needs two others, committed."""
    return Repository(tmp_path)


def states(summary: LockSummary) -> dict[str, str]:
    """File -> what became of it."""
    return {outcome.target.output: outcome.state for outcome in summary.outcomes}


# The real solver.


def test_an_environment_is_a_function_of_a_commit_and_a_time(repository: Repository) -> None:
    """Read from H whatever is checked out, nothing from T on, a file for each platform: addresses and hashes in the
    order in which they can be installed. Made again anywhere it is the same; all it says is in it.
    """
    channel = repository.channel
    for subdir in ("linux-64", "linux-aarch64"):
        channel.add("base", "1.0", "2020-01-01T00:00:00Z", subdir=subdir)
        channel.add("app", "1.0", "2020-01-01T00:00:00Z", "base", "__glibc >=2.17", subdir=subdir)
    digest = channel.add("base", "1.1", "2020-12-11T19:09:35.999Z", is_old=False)
    channel.add("base", "1.2", T)
    channel.add("a-b", "1.0", "2020-01-01T00:00:00Z", "app", "a_b", subdir="noarch")
    channel.add("a_b", "1.0", "2020-01-01T00:00:00Z", subdir="noarch")
    first = repository.head
    repository.environment("base")
    repository.commit()

    done = make(repository.yard(), Wish(at=first[:10], time="2020-12-12T00:54:36+05:45"))

    assert states(done) == {AMD64: "written", ARM64: "written"}
    text, where = repository.text(), channel.root.as_uri()
    assert text.startswith(
        "# Locked by `stackyard lock`: do not edit, the command below makes it again.\n"
        f"# set: lab\n# kind: conda\n# at: {first}\n# time: {T}\n"
        "# for: linux/amd64 with __archspec=1=x86_64, __glibc=2.28=0, __linux=5.10=0, __unix=0=0\n"
        "# platform: linux-64\n# resolver: py-rattler "
    )
    assert f"# again: stackyard lock lab --at {first} --time {T}\n# pins: sha256:" in text
    head, _, lines = text.partition("@EXPLICIT\n")
    assert re.findall(r"# uploaded (\S+) (base\S+)", head) == [("2020-12-11T19:09:35Z", "base-1.1-0.conda")]
    assert [line.partition("#")[0] for line in lines.splitlines()] == [
        f"{where}/linux-64/base-1.1-0.conda",
        f"{where}/linux-64/app-1.0-0.tar.bz2",
        f"{where}/noarch/a_b-1.0-0.tar.bz2",
        f"{where}/noarch/a-b-1.0-0.tar.bz2",
    ]
    assert f"base-1.1-0.conda#sha256:{digest}\n" in lines
    assert "base-1.0" in repository.text(ARM64)
    assert str(LockFile.of(text)) == text

    (repository.root / AMD64).unlink()
    assert make(repository.yard(), Wish(at=first, time=T)).outcomes[0].state == "written"
    assert repository.text() == text
    assert [each.doubts for each in verify(repository.yard())] == [(), ()]


def test_what_can_be_asked_and_what_cannot_be_solved(tmp_path: Path) -> None:
    """The solver's own words, with what to do; virtual packages; pins that stay where they can.

    Where a channel says when a package came to it, that counts, and not when it was made.
    """
    channel = Channel(tmp_path / "channel")
    for version, year in (("1.0", 2020), ("1.1", 2021), ("2.0", 2022)):
        channel.add("base", version, f"{year}-01-01T00:00:00Z")
    channel.add("app", "1.0", "2020-01-01T00:00:00Z", "base", "__glibc >=2.17")
    channel.add("timeless", "1.0", None)
    channel.add("gpu", "1.0", "2020-01-01T00:00:00Z", "__cuda >=12")
    for version, made, came in (("1", "2019", "2020"), ("2", "2020", "2022"), ("1.5", "2022", "2020")):
        channel.add("slow", version, f"{made}-01-01T00:00:00Z", indexed=f"{came}-01-01T00:00:00Z")
    deaf = socket.socket()
    deaf.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
    silent = f"http://127.0.0.1:{deaf.getsockname()[1]}/c"
    here, gone = channel.address, (tmp_path / "gone").as_uri()
    glibc, cuda = "__glibc=2.28=0", "__cuda=12.4=0"

    def asked(*specs: str, where: str = here, time: str = "2023-01-01T00:00:00Z", system: str = glibc) -> Question:
        return Question((where,), specs, "linux-64", (system,), LockTime(time))

    cases: list[tuple[Question, Collection[str], str, str]] = [
        # a question, what stays, what comes of it: pins, or words that the answer has, and its hint
        (asked("app"), (), "base 2.0=0, app 1.0=0", ""),
        (asked("app"), [f"{here}/linux-64/base-1.1-0.tar.bz2"], "base 1.1=0, app 1.0=0", ""),
        (asked("app", "base >1.5"), [f"{here}/linux-64/base-1.1-0.tar.bz2"], "base 2.0=0, app 1.0=0", ""),
        (asked("app"), [f"{here}/linux-64/base-1.0.5-0.tar.bz2"], "base 2.0=0, app 1.0=0", ""),
        (asked("gpu", system=cuda), (), "gpu 1.0=0", ""),
        (asked("slow", time="2021-01-01T00:00:00Z"), (), "slow 1.5=0", ""),
        (asked("app", "base >=9"), (), "base >=9", "what was looked at: file://"),
        (asked("nothing-such"), (), "No candidates were found for nothing-such", "what was looked at: file://"),
        (asked("app", time="2019-01-01T00:00:00Z"), (), "of 2019-01-01T00:00:00Z", "app has no release that fits"),
        (asked("timeless"), (), "has no timestamp", "the channel does not say when timeless was made"),
        (asked("gpu"), (), "__cuda", "what was looked at: file://"),
        (asked("base ==>"), (), "'base ==>' is no requirement that conda understands", "name, version and build"),
        (asked("app", system="__glibc=!=0"), (), "Error", ""),
        (asked("app", where=gone), (), "could not find subdir", f"there is no channel {gone}, or it has nothing for"),
        (asked("app", where=silent), (), "error sending", f"nobody answers at {silent}: check the network"),
    ]
    solver = Rattler({"RATTLER_CACHE_DIR": str(tmp_path / "cache")}, retries=0)

    with deaf:
        answers = solver.solve_all([case[:2] for case in cases])

    for case, answer in zip(cases, answers, strict=True):
        said = answer.words or ", ".join(f"{pin.name} {pin.version}" for pin in answer.pins)
        assert case[2] in said, case
        assert case[3] in (answer.hint or ""), case
        assert bool(answer.pins) != bool(answer.words), case


def test_what_still_runs_is_ended(tmp_path: Path) -> None:
    """Also while a channel does not answer: nobody who presses Ctrl-C waits for it."""
    solver = Rattler({"RATTLER_CACHE_DIR": str(tmp_path)})
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        silent.settimeout(120)  # where nobody asks, the test fails, and does not hang
        channel = f"http://127.0.0.1:{silent.getsockname()[1]}/channel"
        asked = pool.submit(solver.solve, Question((channel,), ("app",), "linux-64", (), LockTime(T)), ())
        with silent.accept()[0]:
            solver.close()
            with pytest.raises(EngineProblem, match="was stopped"):
                asked.result(timeout=60)


# What is decided without it.


def test_locks_are_checked_verified_and_compared(repository: Repository) -> None:
    """As those of pip are: each kind of state, from the file alone or by a solve; `a-b` and `a_b` are two packages."""
    old = Newest(**{"a-b": "1.0", "a_b": "1.0"})
    assert lock(repository, old, time=T).is_good
    repository.commit()
    assert states(lock(repository, old, check=True)) == {AMD64: "same", ARM64: "same"}
    assert states(lock(repository, old, if_changed=True, refresh=True)) == {AMD64: "unchanged", ARM64: "unchanged"}

    new = Newest(**{"a-b": "1.1", "a_b": "2.0"})
    assert states(lock(repository, new, check=True)) == {AMD64: "differs", ARM64: "differs"}
    told = outdated(repository.yard(), (), Resolvers({}, rattler=new)).outcomes[0]
    assert [str(change) for change in told.changes] == ["a-b 1.0=0 -> 1.1=0", "a_b 1.0=0 -> 2.0=0"]
    moved = lock(repository, new, upgrades=("A_b",))
    assert [str(change) for change in moved.outcomes[0].changes] == ["a_b 1.0=0 -> 2.0=0"]
    assert "# kept: all but a_b as in the lock sha256:" in repository.text()
    assert lock(repository, Newest(**{"a-b": "7", "a_b": "7"}), check=True).is_good
    assert message_of(moved) == (
        "Update locks: a_b",
        f"What the package indexes had at {moved.time}.\n\n- a_b 1.0=0 -> 2.0=0 in all 2 locks\n",
    )
    (repository.root / ARM64).write_text(repository.text(ARM64).replace("a_b-2.0", "a_b-3.0"))
    assert [change.told(2) for change in diff(repository.yard(), ("HEAD",)).changes] == [
        "a_b 1.0=0 -> 2.0=0 in 1 of 2 locks",
        "a_b 1.0=0 -> 3.0=0 in 1 of 2 locks",
    ]

    repository.write(AMD64, repository.text().replace("# uploaded 2020", "# uploaded 2031", 1))
    first, second = verify(repository.yard())
    assert any("edited since" in doubt for doubt in first.doubts)
    assert any("a-b 1.0=0 came to the index at 2031" in doubt for doubt in first.doubts)
    assert any("edited since" in doubt for doubt in second.doubts)


def test_a_lock_that_cannot_be_made_stays_what_it_was(repository: Repository) -> None:
    """With the platform that it is for; what is not at H is refused before anybody is asked."""
    repository.environment("impossible")
    repository.write(AMD64, "as it was\n")
    repository.commit()

    failed, _ = lock(repository, Newest(), time=T).outcomes

    assert (failed.state, str(failed.target), failed.words) == ("failed", "linux/amd64", "no way")
    assert repository.text() == "as it was\n"
    with pytest.raises(NoHistory):
        lock(repository, Newest(), at="1" * 40)
    repository.write("environment.yml", "dependencies: [app]\n")
    repository.commit()
    with pytest.raises(FileProblem, match="it names no channel"):
        lock(repository, Newest())


def test_a_new_pin_builds_exactly_the_images_that_use_it(repository: Repository) -> None:
    """The lock of another platform is no input, but where it is copied."""

    def inputs(platform: str) -> dict[str, object]:
        return {str(target.name): target.inputs for target in repository.yard(platform).stack.targets}

    repository.write("images/lab/Dockerfile", "FROM debian:12\nARG TARGETARCH\nCOPY $TARGETARCH.lock /\n")
    repository.write("images/spec.yml", f"{SPEC}    output: '{{arch}}.lock'\n")
    repository.write("images/lab/amd64.lock", "x\n")
    repository.write("images/lab/arm64.lock", "x\n")
    amd64, arm64 = inputs("linux/amd64"), inputs("linux/arm64")
    repository.write("images/lab/arm64.lock", "y\n")
    assert inputs("linux/amd64") == amd64
    changed = inputs("linux/arm64")
    assert changed["lab"] != arm64["lab"]
    assert changed["other"] == arm64["other"]


def test_what_a_machine_has_and_which_python_can_be_said(repository: Repository) -> None:
    """Virtual packages beside the usual ones, channels in place of the files', a version of the matrix as a pin."""
    entry = "conda: environment.yml, channels: conda-forge, virtual_packages: cuda=12.4"
    entry += ", versions: ['3.8', 3.9.1], platforms: linux/amd64, output: 'e/{version}-{arch}.txt'"
    repository.write("images/spec.yml", f"images: {{lab: }}\nlocks: {{gpu: {{{entry}}}}}\n")
    repository.commit()
    solver = Newest(gpu="1.0")

    done = lock(repository, solver, time=T)

    assert states(done) == {"e/3.8-amd64.txt": "written", "e/3.9.1-amd64.txt": "written"}
    assert {asked.specs for asked in solver.asked} == {("a-b", "python 3.8.*"), ("a-b", "python 3.9.1.*")}
    assert {asked.channels for asked in solver.asked} == {("conda-forge",)}
    new = LockFile.of(repository.text("e/3.9.1-amd64.txt"))
    assert new.target.startswith("Python 3.9.1 on linux/amd64 with __archspec=1=x86_64, __cuda=12.4=0, ")


def test_a_plan_needs_no_solver(repository: Repository) -> None:
    """It shows each question; only who makes a lock is told what to install."""
    (each,) = plan_locks(repository.yard(), Wish(time=T)).sets

    assert each.requirements == ("a-b",)
    assert each.steps[0].asks[0][1][:3] == ("rattler", "solve", "--platform=linux-64")
    assert f"--exclude-newer={T}" in each.steps[1].asks[0][1]
    with pytest.raises(ToolMissing, match="no-rattler is not installed") as missing:
        make(repository.yard(), Wish(), Resolvers({}, rattler=Rattler({}, distribution="no-rattler")))
    assert missing.value.hint == "pip install 'stackyard[conda]'"


def test_what_pip_installs_is_a_lock_of_its_own(repository: Repository) -> None:
    """The environment's lock refuses it, unless another set reads it; what conda has already bounds that one."""
    repository.environment("app", more="  - pip:\n    - six\n    - -r more.in\n")
    repository.write("more.in", "attrs\n")
    repository.commit()
    with pytest.raises(FileProblem, match="no place for what pip installs") as problem:
        lock(repository, Newest(), time=T)
    assert (problem.value.line, problem.value.hint) == (
        4,
        "add a set for it: {requirements: environment.yml, python: VERSION}",
    )

    entry = "requirements: environment.yml, python: 3.12, platforms: linux/amd64"
    repository.write("images/spec.yml", f"{SPEC}  pip: {{{entry}}}\n")
    repository.commit()
    repository.write("images/spec.yml", f"{SPEC}  a-pip: {{{entry}, constraints: {AMD64}}}\n")
    repository.commit()
    with pytest.raises(FileProblem, match="there is no images/lab/conda-linux-64"):
        lock(repository, Newest(), words=("a-pip",), time=T)
    _, each = plan_locks(repository.yard(), Wish(time=T)).sets
    assert (each.requirements, each.constraints) == (("six", "attrs"), (f"what {AMD64} has then",))

    solver, pip = Newest(base="1.1", _x="1.0", openssl="1.1.1w"), Bounded()
    done = make(repository.yard(), Wish(time=T), Resolvers({}, uv=pip, rattler=solver))
    assert states(done) == {AMD64: "written", ARM64: "written", "lock.txt": "written"}
    assert pip.bounds == ["base==1.1\n"]
    assert f"# again: stackyard lock lab a-pip --at {repository.head} --time {T}\n" in repository.text("lock.txt")
    repository.commit()
    make(repository.yard(), Wish(("a-pip",), time=T), Resolvers({}, uv=pip))
    assert f"# again: stackyard lock a-pip --at {repository.head} " in repository.text("lock.txt")
    make(repository.yard(), Wish(("a-pip",), time="2021-01-01T00:00:00Z"), Resolvers({}, uv=Bounded()))
    make(repository.yard(), Wish(), Resolvers({}, uv=Bounded(), rattler=solver))
    assert {LockFile.of(repository.text(path)).time for path in (AMD64, "lock.txt")} == {"2021-01-01T00:00:00Z"}
    solver.newest["base"] = "1.2"
    make(repository.yard(), Wish(refresh=True), Resolvers({}, uv=pip, rattler=solver))
    assert pip.bounds == ["base==1.1\n", "base==1.1\n", "base==1.2\n"]

    solver.is_failing = True
    failed = make(repository.yard(), Wish(refresh=True), Resolvers({}, uv=pip, rattler=solver))
    assert [outcome.words for outcome in failed.outcomes] == [
        "no way", "no way", f"it is bounded by {AMD64}, which could not be made"
    ]  # fmt: skip
    repository.environment("app")
    repository.commit()
    with pytest.raises(FileProblem, match="no `pip:` section"):
        plan_locks(repository.yard(), Wish(("a-pip",), time=T))
