# SPDX-License-Identifier: MIT
"""Inventories: what layers say together, whatever they hold, hide or break."""

from __future__ import annotations

import gzip
import io
import tarfile

from stackyard.inside.inventory import inventory_of
from stackyard.inside.layers import read_layer
from stackyard.model.inventory import LARGE_BYTES, Inventory, System, instruction_of, purl
from stackyard.model.names import Digest
from stackyard.model.reference import Platform
from tests.archives import Files, dpkg, layer, rpmdb, wheel
from tests.cases import each_of

STATUS = "var/lib/dpkg/status"
RPM = "var/lib/rpm/rpmdb.sqlite"
SITE = "usr/lib/python3/site-packages"


def inside(*layers: Files | bytes) -> Inventory:
    """The inventory of an image with these layers."""
    packed = [each if isinstance(each, bytes) else layer(each) for each in layers]
    config = {"rootfs": {"diff_ids": [f"sha256:{number:064}" for number in range(len(packed))]}}
    read = [read_layer(io.BufferedReader(io.BytesIO(each))) for each in packed]
    return inventory_of(Digest(f"sha256:{0:064}"), Platform("linux/amd64"), config, read)


def told(inventory: Inventory) -> list[str]:
    """Packages in short, each with its layer."""
    return [f"{each.kind} {each.name} {each.version} @{each.layer}" for each in inventory.packages]


def test_every_database_is_read() -> None:
    """Each package manager's own files, from a root that has all of them, without a program of it."""
    found = inside(
        {
            STATUS: dpkg(libc6="2.36-9") + dpkg(gone="1").replace("install ok installed", "deinstall ok config-files"),
            "var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a\nArchitecture: all\n",
            "var/lib/dpkg/status.d/tzdata.md5sums": "0 x\n",
            "lib/apk/db/installed": "C:Q1\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\nF:lib\nR:ld.so\n\nP:zlib\nV:1.3-r2\n\n",
            "usr/lib/sysimage/rpm/rpmdb.sqlite": rpmdb(("bash", "5.2", "1.el9"), ("gpg-pubkey", "1", "2")),
            **wheel("Ruamel.Yaml", "0.18"),
            f"{SITE}/old.egg-info": "Metadata-Version: 1.0\nName: old\nVersion: 1\n",
            f"{SITE}/older.egg-info/PKG-INFO": "Name: older\nVersion: 2\n",
            f"{SITE}/pip/_vendor/x-1.dist-info/METADATA": "Name: x\nVersion: 1\n",
            "opt/conda/conda-meta/numpy-2.1-py312_0.json": '{"name":"numpy","version":"2.1","build":"py312_0","files":'
            '["a"],"channel":"https://conda.example/t/SECRET/conda-forge/linux-64","subdir":"linux-64"}',
            "opt/conda/conda-meta/history": "==> 2026 <==\n",
            "usr/lib/R/library/stats/DESCRIPTION": "Package: stats\nVersion: 4.4\nTitle: T\n more\n",
            "app/node_modules/@scope/pkg/package.json": '{"name":"@scope/pkg","version":"1.0.0","license":"MIT"}',
            "app/node_modules/pkg/dist/package.json": '{"type":"module"}',
            ".julia/packages/DataFrames/abC12/Project.toml": 'name = "DataFrames"\nversion = "1.7"\nuuid = "a93c"\n',
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
        }
    )

    assert told(found) == [
        "apk musl 1.2.5-r0 @0",
        "apk zlib 1.3-r2 @0",
        "conda numpy 2.1 @0",
        "cran stats 4.4 @0",
        "deb libc6 2.36-9 @0",
        "deb tzdata 2024a @0",
        "julia DataFrames 1.7 @0",
        "npm @scope/pkg 1.0.0 @0",
        "pypi old 1 @0",
        "pypi older 2 @0",
        "pypi Ruamel.Yaml 0.18 @0",
        "rpm bash 5.2-1.el9 @0",
    ]
    assert found.gaps == ()
    assert found.system == System("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    urls = {each.name: purl(each, found.system) for each in found.packages}
    assert urls["numpy"] == "pkg:conda/numpy@2.1?build=py312_0&channel=conda-forge&subdir=linux-64"
    assert urls["bash"] == "pkg:rpm/debian/bash@5.2-1.el9?arch=x86_64&distro=debian-12&epoch=2"


def test_each_package_has_the_layer_that_brought_it() -> None:
    """A database that is written again brings what is new in it; an update is brought by the layer that made it."""
    found = inside(
        {STATUS: dpkg(base="1", old="1"), **wheel("kept", "1"), **wheel("updated", "1")},
        {STATUS: dpkg(base="1", old="1", added="1")},
        {
            STATUS: dpkg(base="1", old="2", added="1"),
            f"{SITE}/.wh.updated-1.dist-info": "",
            **wheel("updated", "2"),
            **wheel("kept", "1"),
        },
    )

    assert told(found) == [
        "deb added 1 @1",
        "deb base 1 @0",
        "deb old 2 @2",
        "pypi kept 1 @0",
        "pypi updated 2 @2",
    ]


@each_of(
    "above",
    [
        {f"{SITE}/.wh.one-1.dist-info": "", f"{SITE}/.wh.two-1.dist-info": ""},
        {f"{SITE}/.wh..wh..opq": ""},
        {"usr/.wh.lib": "", ".wh.var": ""},
        {"usr/lib": ("soft", "/elsewhere")},
        {"usr": "a file now"},
        {".wh..wh..opq": ""},
    ],
)
def test_what_a_later_layer_takes_away_is_not_inside(above: Files) -> None:
    """By a whiteout, an opaque folder, or something else in a folder's place; files like packages."""
    below = {**wheel("one", "1"), **wheel("two", "1"), f"{SITE}/model.bin": bytes(LARGE_BYTES)}

    found = inside(below, above)
    assert [each.name for each in found.packages] == []
    if "/elsewhere" in str(above) or f"{SITE}/.wh.one-1.dist-info" not in above:
        assert found.files == ()
    assert [file.path for file in inside(below).files] == [f"{SITE}/model.bin"]


def test_an_opaque_folder_keeps_what_its_own_layer_brings() -> None:
    """In whatever order the layer has it."""
    found = inside(wheel("one", "1"), {**wheel("two", "1"), f"{SITE}/.wh..wh..opq": ""})
    assert told(found) == ["pypi two 1 @1"]


def test_a_deleted_database_is_no_gap() -> None:
    """Also one that is damaged: what is not there any more is nothing that could not be read."""
    found = inside({STATUS: b"\x00\xff garbage"}, {"var/lib/.wh.dpkg": ""})
    assert (found.packages, found.gaps) == ((), ())


def test_a_hard_link_is_what_it_links_to() -> None:
    """Out of a cache that does not count itself; one to what was not read says so."""
    cache = "root/.cache/uv/a/one-1.dist-info/METADATA"
    found = inside(
        {
            cache: "Name: one\nVersion: 1\n",
            f"{SITE}/one-1.dist-info/METADATA": ("hard", cache),
            "x": "Name: two\nVersion: 1\n",
            f"{SITE}/two-1.dist-info/METADATA": ("hard", "./x"),
        }
    )

    assert [(each.name, each.path) for each in found.packages] == [("one", f"{SITE}/one-1.dist-info")]
    assert [str(gap) for gap in found.gaps] == [
        f"layer 0: {SITE}/two-1.dist-info/METADATA: a hard link to x, which was not read"
    ]


@each_of(
    ("files", "names", "gap"),
    [
        ({STATUS: dpkg(a="1") + "no\n\n" + dpkg(b="1")}, ["a", "b"], "damaged at line 8: 'no' is no field"),
        ({STATUS: dpkg(a="1") + "Package: b\n"}, ["a"], "damaged at line 8: a package without name or version"),
        ({STATUS: bytes(4096)}, [], "is no field"),
        ({"lib/apk/db/installed": "P:a\nV:1\n\nP:b\n\nrubbish\n"}, ["a"], "a package without name or version"),
        ({RPM: b"SQLite format 3\0" + bytes(2000)}, [], "damaged: "),
        ({RPM: rpmdb(("a", "1", "1")).replace(b"\x03\xe8", b"\x03\xe7")}, [], "damaged: a package"),
        ({f"{RPM}-wal": b"pages"}, [], "what was last written to the database is only here"),
        ({"var/lib/rpm/Packages": b"\0"}, [], "an rpm database of kind Berkeley DB, which is not read"),
        ({"usr/lib/sysimage/rpm/Packages.db": b"\0"}, [], "an rpm database of kind ndb, which is not read"),
        ({f"{SITE}/a-1.dist-info/METADATA": "\xff"}, [], "it has no Name or no Version"),
        ({"n/node_modules/a/package.json": '{"license":' + "[" * 99_999}, [], "it is nested too deeply"),
        ({"opt/conda/conda-meta/a.json": "[1]"}, [], "it is no description of a conda package"),
        ({"n/node_modules/a/package.json": "{"}, [], "it is no package.json"),
        ({"p/packages/A/abcde/Project.toml": "= 1"}, [], "it is no TOML"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_a_damaged_database_is_one_gap(files: Files, names: list[str], gap: str) -> None:
    """What can be read of it is read, and the rest of the image is."""
    found = inside({**files, **wheel("good", "1")})
    assert [each.name for each in found.packages if each.name != "good"] == names
    assert "pypi good 1 @0" in told(found)
    assert len(found.gaps) == 1
    assert gap in found.gaps[0].sentence


GOOD = layer({**wheel("good", "1"), "big": bytes(200_000)})


@each_of(
    ("data", "names"),
    [
        (b"this is no archive" * 100, []),
        (b"", []),
        (GOOD[:100_000], ["good"]),
        (gzip.compress(GOOD)[:300], None),
        (b"\x1f\x8b" + b"rubbish" * 100, []),
        (GOOD[:1024] + b"rubbish!" * 64 + GOOD[1024:], ["good"]),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_layer_that_is_no_archive_is_one_gap(data: bytes, names: list[str] | None) -> None:
    """Or ends too early: the other layers are read, and so is what came before."""
    found = inside(wheel("below", "1"), data, wheel("above", "1"))
    assert [(gap.code, gap.layer) for gap in found.gaps] == [("layer-unreadable", 1)]
    if names is not None:
        assert [each.name for each in found.packages] == ["above", "below", *names]


def test_a_layer_that_unpacks_to_much_is_read_or_one_gap() -> None:
    """A few kB: a database of lines, a name of gigabytes, a long line of blanks; what else is there is read."""
    status = inside(gzip.compress(layer({**wheel("good", "1"), STATUS: bytes(33 << 20)}), 1))
    assert [gap.sentence for gap in status.gaps] == [f"{33 << 20} bytes, which is too much for a package database"]
    name = tarfile.TarInfo("x")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    named = inside(gzip.compress(layer(wheel("good", "1"))[:1024] + name.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)))
    assert "8589934592 bytes of a member's header" in named.gaps[0].sentence
    blank = inside({"etc/os-release": f"ID=debian\nNAME={' ' * 10**6}x\n", **wheel("good", "1")})
    assert (blank.system.id, blank.gaps) == ("debian", ())
    assert [each.name for found in (status, named, blank) for each in found.packages] == ["good"] * 3


def test_layers_may_be_compressed() -> None:
    """With gzip, in several pieces too; zstd is read where this Python can, and else says what is missing."""
    assert inside(gzip.compress(GOOD)).packages == inside(GOOD).packages
    assert inside(gzip.compress(GOOD[:5000]) + gzip.compress(GOOD[5000:])).packages == inside(GOOD).packages


def test_zstd_is_read_or_named() -> None:
    """Where the package for it is missing, nothing is kept for good: another machine may read more."""
    try:
        from backports import zstd
    except ImportError:
        found = inside(b"\x28\xb5\x2f\xfd" + bytes(100))
        assert [gap.code for gap in found.gaps] == ["layer-compression"]
        assert not found.is_lasting
    else:
        assert inside(zstd.compress(GOOD)).packages == inside(GOOD).packages
        damaged = inside(zstd.compress(GOOD)[:-40])
        assert [gap.code for gap in damaged.gaps] == ["layer-unreadable"]


def test_an_image_of_nothing() -> None:
    """From scratch, without a layer."""
    assert (inside().packages, inside().layers, inside().gaps) == ((), (), ())


@each_of(
    ("created_by", "instruction"),
    [
        ("RUN |2 A=x TOKEN=hidden thing /bin/sh -c make # buildkit", "RUN make"),
        ("|1 TOKEN=abc /bin/sh -c make", "RUN make"),
        ("/bin/sh -c #(nop) COPY file:1 in / ", "COPY file:1 in /"),
        ("RUN /bin/sh -c pip install -i https://u:p@host x # buildkit", "RUN pip install -i https://(hidden)@host x"),
        ("ENV API_TOKEN=abc", "ENV API_TOKEN=(hidden)"),
        ("COPY a b # buildkit", "COPY a b"),
        ("", ""),
    ],
)  # fmt: skip
def test_lines_of_a_history_tell_no_secrets(created_by: str, instruction: str) -> None:
    """They are the Dockerfile's, without values of build arguments."""
    assert instruction_of(created_by) == instruction


def test_names_of_files_may_be_any_bytes() -> None:
    """What they are not in UTF-8 is written as such: everything can be kept and shown."""
    odd = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    found = inside({odd: bytes(LARGE_BYTES), "./a//b/./c": bytes(LARGE_BYTES)})
    assert [file.path for file in found.files] == ["a/b/c", "caf\ufffd.txt"]
    assert found.size_bytes == 2 * LARGE_BYTES
