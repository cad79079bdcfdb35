# SPDX-License-Identifier: MIT
"""What an archive says of itself, and what apt would take of it."""

from __future__ import annotations

import hashlib
import itertools
import lzma

import pytest

from stackyard.errors import InvalidValue, WorldError
from stackyard.lock.debian import Index, Release, offers, pins_of, read_list, read_release
from stackyard.model.debian import DebianSource, version_order
from stackyard.model.lock import LockTime
from tests.debian_archive import PACKAGE, TinyArchive, hash_of

T = LockTime.parse("2020-12-11T19:09:36Z")
SOURCE = DebianSource.parse("deb http://archive.example/debian/{time} bookworm main")


def released(more: str = "", stamp: str = "20201211T120000Z", ending: str = ".xz", **packages: str) -> Release:
    """A suite as its Release file tells it."""
    archive = TinyArchive()
    archive.state(stamp, {"bookworm": packages}, more=more, ending=ending)
    return read_release(archive.states[stamp]["dists/bookworm/Release"], SOURCE, T)


def test_versions_are_in_dpkgs_order() -> None:
    """Each is before the next: tildes before the end, letters before signs, numbers as numbers, epochs first."""
    ordered = "1.0~~ 1.0~~a 1.0~ 1.0~rc1-1 1.0 1.0-1~bpo12+1 1.0-1 1.0-1+b1 1.0-1.1 1.0-2 1.0a 1.0+dfsg-1 1.9 1.10"
    versions = [*ordered.split(), "1:0.1", "2:0~"]

    keys = [version_order(version) for version in versions]
    assert all(before < after for before, after in itertools.pairwise(keys))
    assert version_order("1.0") == version_order("1.0-0") == version_order("0:1.0")
    assert version_order("1.00") == version_order("1.0")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("deb http://archive.example/debian bookworm main", "has no time in it"),
        ("deb-src http://archive.example/{time} bookworm main", "is no line of an archive"),
        ("http://archive.example/{time} bookworm", "is no line of an archive"),
        ("deb file:/srv/{time} bookworm main", "is no line of an archive"),
        ("deb http://archive.example/{time} ./ x", "is no line of an archive"),
    ],
)
def test_a_line_of_an_archive_is_as_apt_has_it(line: str, sentence: str) -> None:
    """One that gives something else each day is refused, too."""
    with pytest.raises(InvalidValue, match=sentence) as caught:
        DebianSource.parse(line)
    assert "deb http://HOST/archive/debian/{time} bookworm main" in str(caught.value.hint)


def test_lines_for_apt_say_the_time_and_that_age_is_no_fault() -> None:
    """Options stay, in any way of writing the line."""
    source = DebianSource.parse("[signed-by=/k.gpg  arch=amd64]  https://archive.example/d/{time}/  sid main  contrib")
    wanted = "deb [check-valid-until=no signed-by=/k.gpg arch=amd64] https://archive.example/d/20201211T190936Z"
    assert source.line("20201211T190936Z") == f"{wanted} sid main contrib"
    assert DebianSource.parse(SOURCE.line("{time}")).line("X") == SOURCE.line("X")


@pytest.mark.parametrize("ending", [".xz", ".gz", ""])
def test_a_list_is_read_if_it_is_what_the_release_file_says(ending: str) -> None:
    """Packed in any way; a byte that differs is told, and so is what cannot be unpacked."""
    release = released(ending=ending, curl="7.88.1-10", git="1:2.39.2-1")
    index = release.packages("main", "amd64")
    archive = TinyArchive()
    archive.state("20201211T120000Z", {"bookworm": {"curl": "7.88.1-10", "git": "1:2.39.2-1"}}, ending=ending)
    data = archive.states["20201211T120000Z"][f"dists/bookworm/{index.path}"]

    (found,) = offers(read_list(data, index, SOURCE), ["git", "gi"], release)
    assert (found.version, found.sha256) == ("1:2.39.2-1", hash_of("git", "1:2.39.2-1"))
    with pytest.raises(WorldError, match="is not what the archive's Release file says"):
        read_list(data[:-1] + b"?", index, SOURCE)
    cut = lzma.compress(b"Package: curl\n")[:-8]
    with pytest.raises(WorldError, match="cannot be unpacked"):
        read_list(cut, Index("main/Packages.xz", hashlib.sha256(cut).hexdigest(), len(cut)), SOURCE)


def test_what_apt_would_take_is_taken() -> None:
    """The highest version of all suites, but of one that is not automatic only what is nowhere else."""
    stable = released(curl="7.88-1", git="1:2.39-1")
    security = released(curl="7.88-1+deb12u1")
    backports = released("NotAutomatic: yes\nButAutomaticUpgrades: yes\n", curl="8.0-1~bpo12+1", new="1-1~bpo12+1")
    found = [
        offer
        for release, packages in (
            (backports, {"curl": "8.0-1~bpo12+1", "new": "1-1~bpo12+1"}),
            (security, {"curl": "7.88-1+deb12u1"}),
            (stable, {"curl": "7.88-1", "git": "1:2.39-1"}),
        )
        for offer in offers(listed(packages), ["curl", "git", "new"], release)
    ]

    pins = pins_of(found, ["curl", "git", "new"], T)
    assert [(pin.name, pin.version) for pin in pins] == [
        ("curl", "7.88-1+deb12u1"),
        ("git", "1:2.39-1"),
        ("new", "1-1~bpo12+1"),
    ]
    assert pins[0].uploaded == "2020-12-11T12:00:00Z"
    assert pins[0].where.startswith("http://archive.example/debian/20201211T190936Z/pool/main/curl/curl_7.88-1")
    with pytest.raises(WorldError, match="had no package ghost, wraith at 2020") as caught:
        pins_of(found, ["curl", "ghost", "wraith"], T)
    assert "leave_out: [ghost, wraith]" in str(caught.value.hint)


def listed(packages: dict[str, str]) -> bytes:
    """A list of packages."""
    return "".join(
        PACKAGE.format(name=name, version=version, architecture="amd64", sha256=hash_of(name, version))
        for name, version in packages.items()
    ).encode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<html>", "does not say when it was made"),
        (b"Date: never\n", "does not say when it was made"),
        (b"Date: Fri, 11 Dec 2020 12:00:00 UTC\nMD5Sum:\n 0 1 x\n", "names no files with their SHA-256"),
        (b"Date: Fri, 11 Dec 2020 19:09:36 UTC\nSHA256:\n " + b"0" * 64 + b" 1 x\n", "which is not before 2020-12-11"),
    ],
)
def test_what_is_no_state_before_t_is_refused(data: bytes, sentence: str) -> None:
    """One of T itself, too: an archive that is not dated gives today's."""
    with pytest.raises(WorldError, match=sentence):
        read_release(data, SOURCE, T)


def test_a_component_or_machine_that_a_suite_has_not_is_named() -> None:
    """With the suite."""
    with pytest.raises(WorldError, match=r"bookworm of .* has no main for riscv64"):
        released(curl="1").packages("main", "riscv64")
