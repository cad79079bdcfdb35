# SPDX-License-Identifier: MIT
"""Locks of conda environments: the real solver, and channels that the test makes in a folder."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.rattler import Rattler
from stackyard.errors import FileProblem, NoHistory, ToolMissing
from stackyard.lock.conda import Question
from stackyard.model.lock import LockTime
from stackyard.model.lockfile import LockFile
from stackyard.model.locking import LockOutcome, LockSummary
from stackyard.model.reference import Platform
from stackyard.testing.clock import FixedClock
from stackyard.verbs import Options, Yard
from stackyard.verbs.lockers import Resolvers
from stackyard.verbs.locking import Wish, make, plan_locks
from stackyard.verbs.locks import diff, message_of, outdated, verify
from tests.conda_channel import Channel
from tests.repositories import commit, init

T = "2020-12-11T19:09:36Z"
SPEC = """
images: {lab: {}, other: {}}
locks:
  lab:
    conda: environment.yml
"""
AMD64, ARM64 = "images/lab/conda-linux-64.lock", "images/lab/conda-linux-aarch64.lock"


class Repository:
    """A stack with an image whose environment is locked, and a channel."""

    def __init__(self, root: Path) -> None:
        self.root = root / "stack"
        self.channel = Channel(root / "channel")
        self.environ = {"PATH": os.environ["PATH"], "RATTLER_CACHE_DIR": str(root / "cache")}
        for subdir in ("linux-64", "linux-aarch64"):
            self.channel.add("base", "1.0", "2020-01-01T00:00:00Z", subdir=subdir)
            self.channel.add("app", "1.0", "2020-01-01T00:00:00Z", "base", "__glibc >=2.17", subdir=subdir)
        self.hash = self.channel.add("base", "1.1", "2020-12-11T19:09:35.999Z", is_old=False)
        self.channel.add("base", "1.2", T)
        self.channel.add("a-b", "1.0", "2020-01-01T00:00:00Z", "app", "a_b", subdir="noarch")
        self.channel.add("a_b", "1.0", "2020-01-01T00:00:00Z", subdir="noarch")
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
        self.write("environment.yml", f"channels: [{self.channel.address}]\ndependencies:\n{lines}{more}")

    def commit(self) -> str:
        self.head = commit(self.root)
        return self.head

    def yard(self, platform: str = "linux/amd64") -> Yard:
        options = Options(platform=Platform(platform), environ=self.environ)
        return verbs.load(self.root, options, FixedClock())

    def text(self, path: str = AMD64) -> str:
        return (self.root / path).read_text()

    def lock(self, **wish: object) -> LockSummary:
        return make(self.yard(), Wish(**wish))  # type: ignore[arg-type]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One image with an environment of one package, which needs two others, committed."""
    return Repository(tmp_path)


def states(summary: LockSummary) -> dict[str, str]:
    """File -> what became of it."""
    return {outcome.target.output: outcome.state for outcome in summary.outcomes}


def only(summary: LockSummary) -> LockOutcome:
    """What failed for the first platform."""
    first, *_ = summary.outcomes
    return first


def test_an_environment_is_a_function_of_a_commit_and_a_time(repository: Repository) -> None:
    """Read from H whatever is checked out, nothing from T on, a file for each platform: addresses and hashes in the
    order in which they can be installed. Made again anywhere it is the same; all it says is in it.
    """
    first = repository.head
    repository.environment("base")
    repository.commit()

    done = repository.lock(at=first[:10], time="2020-12-12T00:54:36+05:45")

    assert states(done) == {AMD64: "written", ARM64: "written"}
    text, where = repository.text(), repository.channel.root.as_uri()
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
    assert f"base-1.1-0.conda#sha256:{repository.hash}\n" in lines
    assert "base-1.0" in repository.text(ARM64)
    assert str(LockFile.of(text)) == text

    (repository.root / AMD64).unlink()
    assert repository.lock(at=first, time=T).outcomes[0].state == "written"
    assert repository.text() == text
    assert [each.doubts for each in verify(repository.yard())] == [(), ()]


def test_locks_are_checked_verified_and_compared(repository: Repository) -> None:
    """As those of pip are: each kind of state, from the file alone or by a solve; `a-b` and `a_b` are two packages."""
    assert repository.lock(time="2020-06-01T00:00:00Z").is_good
    repository.commit()
    assert states(repository.lock(check=True)) == {AMD64: "same", ARM64: "same"}
    assert states(repository.lock(if_changed=True, time=T)) == {AMD64: "written", ARM64: "unchanged"}
    (change,) = diff(repository.yard(), ("HEAD",)).changes
    assert change.told(2) == "base 1.0=0 -> 1.1=0 in 1 of 2 locks"

    (change,) = outdated(repository.yard()).outcomes[0].changes
    assert str(change) == "base 1.1=0 -> 1.2=0"
    repository.channel.add("app", "2.0", "2021-01-01T00:00:00Z", "base")
    assert repository.channel.address
    moved = repository.lock(upgrades=("App",))
    assert [str(change) for change in moved.outcomes[0].changes] == ["app 1.0=0 -> 2.0=0"]
    assert "# kept: all but app as in the lock sha256:" in repository.text()
    assert repository.lock(check=True).is_good
    assert message_of(moved) == ("Update locks: app", moved_body(moved))

    repository.write(
        AMD64, repository.text().replace("# uploaded 2020-12-11T19:09:35Z", "# uploaded 2031-01-01T00:00:00Z")
    )
    doubts = verify(repository.yard())[0].doubts
    assert any("edited since" in doubt for doubt in doubts)
    assert any("base 1.1=0 came to the index at 2031" in doubt for doubt in doubts)


def moved_body(summary: LockSummary) -> str:
    """What a commit of one moved package says."""
    return f"What the package indexes had at {summary.time}.\n\n- app 1.0=0 -> 2.0=0 in 1 of 2 locks\n"


def test_a_new_pin_builds_exactly_the_images_that_use_it(repository: Repository) -> None:
    """The lock of another platform is no input, not where a pattern copies both."""

    def inputs(platform: str) -> dict[str, object]:
        return {str(target.name): target.inputs for target in repository.yard(platform).stack.targets}

    repository.write("images/lab/Dockerfile", "FROM debian:12\nCOPY conda-linux-64.lock /\n")
    repository.lock(time="2020-06-01T00:00:00Z")
    amd64, arm64 = inputs("linux/amd64"), inputs("linux/arm64")
    repository.write(ARM64, repository.text(ARM64) + "\n")
    assert inputs("linux/amd64") == amd64
    changed = inputs("linux/arm64")
    assert changed["lab"] != arm64["lab"]
    assert changed["other"] == arm64["other"]


UNSOLVED = (
    # what is asked for, T, what the solver says, the hint
    ("app, base >=9", T, "base >=9", "what was looked at: file://"),
    ("nothing-such", T, "No candidates were found for nothing-such", "what was looked at: file://"),
    ("app", "2019-01-01T00:00:00Z", "the cutoff date of 2019-01-01T00:00:00Z", "app has no release that fits before"),
    ("timeless", T, "has no timestamp", "the channel does not say when timeless was made"),
    ("gpu", T, "__cuda", "what was looked at: file://"),
    ("base ==>", T, "is no requirement that conda understands", "name, version and build"),
)


def test_what_cannot_be_solved_is_told_in_the_solvers_words(repository: Repository) -> None:
    """With the platform, and what to do; the old file stays as it was, and what can be solved is written."""
    repository.channel.add("timeless", "1.0", None)
    repository.channel.add("gpu", "1.0", "2020-01-01T00:00:00Z", "__cuda >=12")
    repository.channel.add("gpu", "1.0", "2020-01-01T00:00:00Z", subdir="linux-aarch64")
    for needs, time, words, hint in UNSOLVED:
        repository.environment(*needs.split(", "))
        repository.write(AMD64, "as it was\n")
        repository.commit()

        done = repository.lock(time=time)

        failed = only(done)
        assert (failed.state, str(failed.target)) == ("failed", "linux/amd64"), needs
        assert words in failed.words, needs
        assert hint in str(failed.hint), needs
        assert repository.text() == "as it was\n"
        assert states(done)[ARM64] == ("written" if needs == "gpu" else "failed")


def test_what_a_machine_has_and_which_python_can_be_said(repository: Repository) -> None:
    """Virtual packages beside the usual ones, channels in place of the files', a version of the matrix as a pin.

    Where a channel says when a package came to it, that counts, and not when it was made.
    """
    repository.channel.add("gpu", "1.0", "2020-01-01T00:00:00Z", "__cuda >=12", "python")
    for version, made, came in (("1", "2019", "2020"), ("2", "2020", "2022"), ("1.5", "2022", "2020")):
        repository.channel.add("slow", version, f"{made}-01-01T00:00:00Z", indexed=f"{came}-01-01T00:00:00Z")
    for version in ("3.8.3", "3.9.1"):
        repository.channel.add("python", version, "2020-01-01T00:00:00Z")
    repository.environment("gpu", "slow")
    entry = f"conda: environment.yml, channels: '{repository.channel.address}', virtual_packages: cuda=12.4"
    entry += ", versions: ['3.8', 3.9.1], platforms: linux/amd64, output: 'e/{version}-{arch}.txt'"
    repository.write("images/spec.yml", f"images: {{lab: }}\nlocks: {{gpu: {{{entry}}}}}\n")
    repository.write("environment.yml", repository.text("environment.yml").replace("channel]", "gone]"))
    repository.commit()

    done = repository.lock(time=T)

    assert states(done) == {"e/3.8-amd64.txt": "written", "e/3.9.1-amd64.txt": "written"}
    old, new = (LockFile.of(repository.text(path)) for path in states(done))
    assert [f"{pin.name} {pin.version}" for pin in old.pins] == ["slow 1.5=0", "python 3.8.3=0", "gpu 1.0=0"]
    assert new.target.startswith("Python 3.9.1 on linux/amd64 with __archspec=1=x86_64, __cuda=12.4=0, ")
    assert [f"{pin.version} {pin.uploaded[:4]}" for pin in new.pins] == ["1.5=0 2020", "3.9.1=0 2020", "1.0=0 2020"]


def test_a_channel_that_nobody_answers_for_is_named(repository: Repository) -> None:
    """By its address; one that is not there, too; a commit that does not exist is refused before anybody is asked."""
    for address, said in (
        ("http://127.0.0.1:9/chan", "nobody answers at http://127.0.0.1:9/chan: check the network"),
        (repository.channel.root.with_name("gone").as_uri(), "gone, or it has nothing for "),
    ):
        repository.write("environment.yml", f"channels: [{address}]\ndependencies: [app]\n")
        repository.commit()
        assert said in str(only(repository.lock(time=T)).hint)
    with pytest.raises(NoHistory):
        repository.lock(at="1" * 40)
    repository.write("environment.yml", "dependencies: [app]\n")
    repository.commit()
    with pytest.raises(FileProblem, match="it names no channel"):
        repository.lock()


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
        repository.lock(time=T)
    assert (problem.value.line, problem.value.hint) == (
        4,
        "add a set for it: {requirements: environment.yml, python: VERSION}",
    )

    entry = "requirements: environment.yml, python: 3.12, platforms: linux/amd64"
    repository.write("images/spec.yml", f"{SPEC}  pip: {{{entry}}}\n")
    repository.commit()
    assert make(repository.yard(), Wish(("lab",), time=T)).is_good
    repository.write("images/spec.yml", f"{SPEC}  pip: {{{entry}, constraints: {AMD64}}}\n")
    repository.channel.add("_x", "1.0", "2020-01-01T00:00:00Z")
    repository.commit()

    (each,) = plan_locks(repository.yard(), Wish(("pip",), time=T)).sets

    assert each.requirements == ("six", "attrs")
    assert each.constraints == ("base==1.1", "app==1.0")
    repository.environment("app")
    repository.commit()
    with pytest.raises(FileProblem, match="no `pip:` section"):
        plan_locks(repository.yard(), Wish(("pip",), time=T))


def test_what_still_runs_is_ended(tmp_path: Path) -> None:
    """Also while a channel does not answer: nobody who presses Ctrl-C waits for it."""
    solver = Rattler({"RATTLER_CACHE_DIR": str(tmp_path)})
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        channel = f"http://127.0.0.1:{silent.getsockname()[1]}/channel"
        question = Question((channel,), ("app",), "linux-64", (), LockTime(T))
        asked = pool.submit(solver.solve, question, ())
        with silent.accept()[0]:
            solver.close()
            with pytest.raises(asyncio.CancelledError):
                asked.result(timeout=60)
    with pytest.raises(asyncio.CancelledError):
        solver.solve(question, ())
