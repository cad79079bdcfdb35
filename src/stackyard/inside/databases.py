# SPDX-License-Identifier: MIT
"""Package databases: which files of an image say what is installed, and what each of them says.

In:   the path of a file, its bytes
Out:  Contained: packages, or what the system is, or a complaint; never an exception
Pure. Beside: inside/rpm, whose database is SQLite
Source: deb(5) and dpkg's status; apk's installed database; Python's "Core metadata"; conda-meta; R's DESCRIPTION;
        npm's package.json; Julia's Project.toml
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from itertools import chain

import msgspec

from stackyard.inside.contained import NOTHING, Contained
from stackyard.model.inventory import Package, PackageKind, System

Reader = Callable[[str, bytes], Contained]


def _deb(path: str, data: bytes) -> Contained:
    """dpkg's status, or one of distroless's status.d."""
    packages, complaint = [], ""
    for line, fields, wrong in _stanzas(data):
        status = fields.get("Status", "install ok installed").split()
        if status[-1:] not in (["installed"], ["triggers-pending"], ["triggers-awaited"]) and not wrong:
            continue
        name, version = fields.get("Package", ""), fields.get("Version", "")
        if wrong or not name or not version:
            complaint = complaint or f"damaged at line {line}: {wrong or 'a package without name or version'}"
            continue
        about = (("arch", fields["Architecture"]),) if fields.get("Architecture") else ()
        packages.append(Package("deb", name, version, path, about=about))
    return Contained(tuple(packages), complaint=complaint)


def _lines(data: bytes) -> Iterator[str]:
    """The lines of a text, one by one: of a large one of empty lines a list takes many times its room."""
    return (line.rstrip("\n") for line in io.TextIOWrapper(io.BytesIO(data), "utf-8", "replace", newline="\n"))


_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)")
_KEPT = ("Package", "Version", "Architecture", "Status", "License")


def _stanzas(data: bytes) -> Iterator[tuple[int, dict[str, str], str]]:
    """First line, fields and what is wrong of each paragraph."""
    fields: dict[str, str] = {}
    begun, wrong = 0, ""
    for number, line in enumerate(chain(_lines(data), [""]), 1):
        if not line.strip(" \t\r"):
            if begun:
                yield begun, fields, wrong
            fields, begun, wrong = {}, 0, ""
            continue
        begun = begun or number
        if line[0] in " \t":
            continue
        name, sign, value = line.partition(":")
        if name in _KEPT:
            fields[name] = value.strip()
        elif (not sign or not _FIELD.match(line)) and not wrong:
            wrong = f"{line[:60]!r} is no field"


def _apk(path: str, data: bytes) -> Contained:
    """apk's installed: a letter, a colon and a value a line."""
    packages, complaint = [], ""
    fields: dict[str, str] = {}
    for number, line in enumerate(chain(_lines(data), [""]), 1):
        if line:
            letter, sign, value = line.partition(":")
            if len(letter) != 1 or not sign:
                complaint = complaint or f"damaged at line {number}: {line[:60]!r} is no field"
            elif letter in "PVAL":
                fields.setdefault(letter, value.strip())
        elif fields:
            if fields.get("P") and fields.get("V"):
                about = (("arch", fields["A"]),) if fields.get("A") else ()
                packages.append(
                    Package("apk", fields["P"], fields["V"], path, about=about, license=_license(fields.get("L")))
                )
            else:
                complaint = complaint or f"damaged before line {number}: a package without name or version"
            fields = {}
    return Contained(tuple(packages), complaint=complaint)


def _headed(kind: PackageKind, name: str, version: str) -> Reader:
    """One package in a file of `Key: value`, up to the first empty line."""

    def read(path: str, data: bytes) -> Contained:
        fields: dict[str, str] = {}
        for line in _lines(data):
            if not line.strip():
                break
            key, sign, value = line.partition(":")
            if sign and line[0] not in " \t":
                fields.setdefault(key, value.strip())
        if not fields.get(name) or not fields.get(version):
            return Contained(complaint=f"it has no {name} or no {version}")
        said = fields.get("License-Expression") or fields.get("License")
        return Contained((Package(kind, fields[name], fields[version], _entry(path), license=_license(said)),))

    return read


class _CondaMeta(msgspec.Struct):
    name: str
    version: str
    build: str = ""
    channel: str | None = ""
    subdir: str | None = ""
    license: str | None = ""


def _conda(path: str, data: bytes) -> Contained:
    try:
        said = msgspec.json.decode(data, type=_CondaMeta)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Contained(complaint="it is no description of a conda package")
    about = {"build": said.build, "channel": _channel(said.channel or ""), "subdir": said.subdir or ""}
    told = tuple((key, value) for key, value in about.items() if value)
    return Contained((Package("conda", said.name, said.version, path, about=told, license=_license(said.license)),))


def _channel(text: str) -> str:
    """A channel's name, without its address: that may hold a login or a token."""
    parts = text.partition("://")[2].split("/")[1:] if "://" in text else text.split("/")
    if parts and re.fullmatch(r"noarch|[a-z]+-[a-z0-9_]+", parts[-1]) and len(parts) > 1:
        parts.pop()
    return parts[-1] if parts else ""


class _PackageJson(msgspec.Struct):
    name: str = ""
    version: str = ""
    license: object = ""


def _npm(path: str, data: bytes) -> Contained:
    try:
        said = msgspec.json.decode(data, type=_PackageJson)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Contained(complaint="it is no package.json")
    if not said.name or not said.version:
        return NOTHING  # a folder that only says how its files are to be read
    license = said.license if isinstance(said.license, str) else ""
    return Contained((Package("npm", said.name, said.version, _entry(path), license=_license(license)),))


def _julia(path: str, data: bytes) -> Contained:
    import tomllib

    try:
        said = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return Contained(complaint="it is no TOML")
    name, version, uuid = (str(said.get(key) or "") for key in ("name", "version", "uuid"))
    if not name or not version or not uuid:
        return NOTHING
    return Contained((Package("julia", name, version, _entry(path), about=(("uuid", uuid),)),))


def _system(_: str, data: bytes) -> Contained:
    pairs = (line.partition("=")[::2] for line in _lines(data))
    said = {name: value.strip().strip("\"'") for name, value in pairs}
    return Contained(system=System(said.get("ID", ""), said.get("VERSION_ID", ""), said.get("PRETTY_NAME", "")))


def _rpm(path: str, data: bytes) -> Contained:
    from stackyard.inside.rpm import read_rpm  # few images have one

    return read_rpm(path, data)


def _foreign_rpm(path: str, _: bytes) -> Contained:
    kind = "ndb" if path.endswith(".db") else "Berkeley DB"
    return Contained(complaint=f"an rpm database of kind {kind}, which is not read", code="database-unknown")


def _unwritten(_: str, data: bytes) -> Contained:
    return Contained(complaint="what was last written to the database is only here, and not read") if data else NOTHING


def _entry(path: str) -> str:
    """The folder that a package's own description lies in, where it has one."""
    return path if path.endswith(".egg-info") else path.rpartition("/")[0]


def _license(text: str | None) -> str:
    """A licence in few words; some files have all of its text there."""
    text = " ".join((text or "").split())
    return text if len(text) <= 100 else ""


_DATABASES: tuple[tuple[str, Reader], ...] = (
    (r"var/lib/dpkg/status|var/lib/dpkg/status\.d/[^/]+(?<!\.md5sums)", _deb),
    (r"(?:usr/)?lib/apk/db/installed", _apk),
    (r"(?:var/lib/rpm|usr/lib/sysimage/rpm)/rpmdb\.sqlite", _rpm),
    (r"(?:var/lib/rpm|usr/lib/sysimage/rpm)/rpmdb\.sqlite-wal", _unwritten),
    (r"(?:var/lib/rpm|usr/lib/sysimage/rpm)/Packages(?:\.db)?", _foreign_rpm),
    (r"(?:.*/)?[^/]+\.dist-info/METADATA", _headed("pypi", "Name", "Version")),
    (r"(?:.*/)?[^/]+\.egg-info(?:/PKG-INFO)?", _headed("pypi", "Name", "Version")),
    (r"(?:.*/)?conda-meta/[^/]+\.json", _conda),
    (r"(?:.*/)?(?:site-library|library)/[^/]+/DESCRIPTION", _headed("cran", "Package", "Version")),
    (r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json", _npm),
    (r"(?:.*/)?packages/[^/]+/[A-Za-z0-9]{5}/Project\.toml", _julia),
    (r"(?:etc|usr/lib)/os-release", _system),
)
_ANY = re.compile("|".join(f"({form})" for form, _ in _DATABASES))
_ENDS = re.compile(
    r"status|/status\.d/|/installed$|rpm|METADATA$|PKG-INFO$|\.egg-info$|\.json$|DESCRIPTION$|Project\.toml$|os-release$"
)
_NOT_INSTALLED = re.compile(r"(?:^|/)(?:\.cache|pkgs|_vendor|vendored?|_vendored?|proc|sys)/")
"""Caches and what packages carry along: no package manager has that installed."""


def reader_of(path: str) -> Reader | None:
    """How a file of an image is read; None where it is no database."""
    if _ENDS.search(path) is None or (found := _ANY.fullmatch(path)) is None:
        return None
    assert found.lastindex is not None
    return _DATABASES[found.lastindex - 1][1]


def is_installed(path: str) -> bool:
    """Whether a database at this path counts; one in a cache does not, but others may be links to it."""
    return _NOT_INSTALLED.search(path) is None
