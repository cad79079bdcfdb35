# SPDX-License-Identifier: MIT
"""Locks of Debian packages: an archive in memory whose states have their times."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.errors import FileProblem
from stackyard.model.lockfile import LockFile
from stackyard.model.locking import LockSummary
from stackyard.model.reference import Platform
from stackyard.testing.clock import FixedClock
from stackyard.verbs import Options, Yard
from stackyard.verbs.lockers import Resolvers
from stackyard.verbs.locking import Wish, make, plan_locks
from stackyard.verbs.locks import diff, outdated, verify
from tests.debian_archive import TinyArchive, hash_of
from tests.repositories import commit, init

pytestmark = pytest.mark.processes

T = "2020-12-11T19:09:36Z"
ADDRESS = "http://archive.example/debian/{time}"
SPEC = f"""
images: {{lab: {{platforms: [linux/amd64, linux/arm64]}}, other: }}
locks:
  lab:
    debian:
      archive:
        - deb [signed-by=/k.gpg] {ADDRESS} bookworm main
        - {ADDRESS} bookworm-security main
      packages: [curl, libstdc++6]
"""
LINES = """deb [check-valid-until=no signed-by=/k.gpg] http://archive.example/debian/20201211T190936Z bookworm main
# made at 2020-12-11T19:09:35Z, sha256:RELEASE
deb [check-valid-until=no] http://archive.example/debian/20201211T190936Z bookworm-security main
"""
CURL = f"""curl=7.88-1+deb12u1
# sha256:{hash_of("curl", "7.88-1+deb12u1")} http://archive.example/debian/20201211T190936Z/pool/main/curl/curl_7.88-1\
+deb12u1_arm64.deb
# uploaded 2020-12-11T19:09:35Z
libstdc++6=12.2.0-14
"""


class Repository:
    """A committed stack, and an archive."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.archive = TinyArchive()
        main = {"curl": "7.88-1", "libstdc++6": "12.2.0-14", "python3.11": "3.11.2-6"}
        self.archive.state("20201211T190935Z", {"bookworm": main, "bookworm-security": {"curl": "7.88-1+deb12u1"}})
        newer = {**main, "python3.11": "3.11.2-7"}
        self.archive.state("20201211T190937Z", {"bookworm": newer, "bookworm-security": {"curl": "7.88-1+deb12u2"}})
        for image in ("lab", "other"):
            self.write(f"images/{image}/Dockerfile", "FROM debian:12\n")
        self.write("images/spec.yml", SPEC)
        init(root)
        self.head = commit(root)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    @property
    def yard(self) -> Yard:
        options = Options(platform=Platform("linux/amd64"), environ={"PATH": "/usr/bin:/bin", "HOME": str(self.root)})
        return verbs.load(self.root, options, FixedClock())

    def make(self, wish: Wish) -> LockSummary:
        return make(self.yard, wish, Resolvers({}, archive=self.archive))

    def text(self, path: str) -> str:
        return (self.root / "images" / "lab" / path).read_text()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One image for two platforms, whose set locks two packages of two suites."""
    return Repository(tmp_path)


def states(summary: LockSummary) -> dict[str, str]:
    """File -> what became of it."""
    return {outcome.target.output.removeprefix("images/lab/"): outcome.state for outcome in summary.outcomes}


FILES = ["debian.list", "debian-amd64.txt", "debian-arm64.txt"]


def test_an_archive_at_a_time_gives_lines_for_apt_and_versions(repository: Repository) -> None:
    """What was made after T is not in; each platform has a list, with what apt would take; again is the same bytes.

    The files prove their T by themselves, can be checked, and an edit of any of them is told.
    """
    assert states(repository.make(Wish(time=T))) == dict.fromkeys(FILES, "written")

    lines = repository.text("debian.list")
    body = lines[lines.index("deb [") :]
    release = LockFile.of(lines).pins[0].hashes[0].removeprefix("sha256:")
    assert body.startswith(LINES.replace("RELEASE", release))
    packages = repository.text("debian-arm64.txt")
    assert packages[packages.index("curl=") :].startswith(CURL)
    assert f"# at: {repository.head}\n# time: {T}\n# for: linux/arm64\n" in packages
    assert [(pin.name, pin.version) for pin in LockFile.of(lines).pins] == [
        ("bookworm", "2020-12-11T19:09:35Z"),
        ("bookworm-security", "2020-12-11T19:09:35Z"),
    ]
    assert all(str(LockFile.of(text)) == text for text in (lines, packages))

    assert states(repository.make(Wish(time="2020-12-12T00:54:36+05:45"))) == dict.fromkeys(FILES, "unchanged")
    assert repository.make(Wish(check=True)).is_good
    assert [each.doubts for each in verify(repository.yard)] == [(), (), ()]
    for file, was, now in (
        ("debian-arm64.txt", "curl=7.88-1+deb12u1", "curl=7.88-1"),
        ("debian.list", "bookworm main", "bookworm main contrib"),
        ("debian-amd64.txt", "# uploaded 2020-12-11T19:09:35Z", "# uploaded 2020-12-11T19:09:36Z"),
    ):
        good = repository.text(file)
        repository.write(f"images/lab/{file}", good.replace(was, now))
        assert {state for path, state in states(repository.make(Wish(check=True))).items() if path == file} == {
            "differs"
        }
        assert any(each.doubts for each in verify(repository.yard))
        repository.write(f"images/lab/{file}", good)


def test_two_times_differ_by_suites_and_packages(repository: Repository) -> None:
    """Told by their own names; what is newer now is told before it is taken, and a later time alone is no change."""
    repository.make(Wish(time=T))
    before = commit(repository.root)
    changes = ["curl 7.88-1+deb12u1 -> 7.88-1+deb12u2 in 2 of 3 versions"]
    suites = [
        f"{suite} 2020-12-11T19:09:35Z -> 2020-12-11T19:09:37Z in 1 of 3 versions"
        for suite in ("bookworm", "bookworm-security")
    ]
    told = outdated(repository.yard, (), Resolvers({}, archive=repository.archive))
    assert states(told) == dict.fromkeys(FILES, "outdated")
    assert repository.make(Wish(refresh=True, if_changed=True)).has_changes
    again = repository.make(Wish(time="2021-01-01T00:00:00Z", if_changed=True))
    assert states(again) == dict.fromkeys(FILES, "unchanged")

    found = diff(repository.yard, (before,))
    assert [change.told(found.locks, found.of_one_set) for change in found.changes] == [*suites, *changes]


@pytest.mark.parametrize(
    ("spec", "wish", "words", "hint"),
    [
        (SPEC.replace("curl,", "curl, ghost,"), Wish(time=T), "had no package ghost", "leave_out: [ghost]"),
        (SPEC, Wish(time="2020-12-11T19:09:34Z"), "there is nothing at http://archive.example", None),
        (SPEC.replace("bookworm main", "trixie main"), Wish(time=T), "dists/trixie/Release", None),
        (SPEC.replace("bookworm main", "bookworm contrib"), Wish(time=T), "has no contrib for amd64", "`archive`"),
        (SPEC, Wish(upgrades=("curl",)), "a dated archive has one time", "stackyard lock lab --refresh"),
    ],
    ids=["package", "time", "suite", "component", "upgrade"],
)
def test_what_an_archive_has_not_is_said(
    spec: str, wish: Wish, words: str, hint: str | None, repository: Repository
) -> None:
    """The files stay what they were."""
    repository.write("images/spec.yml", spec)
    repository.write("images/lab/debian-amd64.txt", "curl=1\n")
    commit(repository.root)

    outcome = next(each for each in repository.make(wish).outcomes if each.target.platform == "linux/amd64")

    assert outcome.state == "failed"
    assert words in outcome.words
    assert hint is None or hint in (outcome.hint or "")
    assert repository.text("debian-amd64.txt") == "curl=1\n"


def test_a_keyring_must_have_signed_every_suite(repository: Repository) -> None:
    """It is read from the commit; a suite that another key signed gives no lock, and who checked is in the header."""
    keyed = SPEC.replace("      packages", "      keyring: keys/debian.gpg\n      packages")
    repository.write("images/spec.yml", keyed)
    commit(repository.root)
    with pytest.raises(FileProblem, match=r"there is no keys/debian.gpg"):
        plan_locks(repository.yard, Wish(time=T))

    repository.write("keys/debian.gpg", "keys")
    commit(repository.root)
    state = repository.archive.states["20201211T190935Z"]
    for suite, keys in (("bookworm", b"keys"), ("bookworm-security", b"other keys")):
        state[f"dists/{suite}/InRelease"] = keys + state[f"dists/{suite}/Release"]
    (failed, *_) = repository.make(Wish(time=T)).outcomes
    assert failed.words == f"bookworm-security of {ADDRESS} is signed by no key of the keyring"

    state["dists/bookworm-security/InRelease"] = b"keys" + state["dists/bookworm-security/Release"]
    assert repository.make(Wish(time=T)).is_good
    assert "signed as tiny 1 says" in repository.text("debian.list")


def test_nobody_is_asked_for_a_plan(repository: Repository) -> None:
    """It shows the addresses that would be read; a set without packages has the lines for apt alone."""
    plan = plan_locks(repository.yard, Wish(time=T))
    lines, packages, _ = plan.sets[0].steps
    assert plan.sets[0].requirements == ("curl", "libstdc++6")
    assert lines.asks[0][1][:2] == ("GET", "http://archive.example/debian/20201211T190936Z/dists/bookworm/Release")
    assert packages.asks[0][1][1].endswith("/dists/bookworm/main/binary-amd64/Packages")
    assert repository.archive.asked == []

    repository.write("images/spec.yml", SPEC.replace("      packages: [curl, libstdc++6]\n", ""))
    commit(repository.root)
    (only,) = plan_locks(repository.yard, Wish(time=T)).sets[0].steps
    assert only.target.output == "images/lab/debian.list"
