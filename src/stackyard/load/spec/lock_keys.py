# SPDX-License-Identifier: MIT
"""The keys of a set that is locked: a part of the table in load/spec/schema.

In:   nothing
Out:  LOCK, DEBIAN
Pure.
"""

from __future__ import annotations

from stackyard.load.spec.kinds import (
    FULL_TEXT,
    NAMED,
    NAMES,
    SCALAR,
    TEXT_OR_LIST,
    Key,
    Kind,
    any_of,
    list_of,
    mapping_of,
    object_of,
)

_PROJECT = object_of(
    (
        Key(("path",), FULL_TEXT, "`pyproject.toml`", "where it is"),
        Key(("extras",), NAMES, "none", "extras that are locked, too"),
        Key(("groups",), NAMES, "none", "dependency groups that are locked, too"),
    ),
    may_be_empty=False,
)
_PYTHONS = Kind("text, or mapping by version", {**mapping_of(SCALAR), "type": [*NAMED["type"], "object"]})
DEBIAN = (
    Key(
        ("archive",),
        TEXT_OR_LIST,
        "required",
        "lines for apt, with `{time}` in the address: `deb http://HOST/archive/debian/{time} bookworm main`",
    ),
    Key(("packages",), NAMES, "none", "packages whose versions at T are in the lock"),
    Key(("installed",), FULL_TEXT, "none", "an image: all packages that it has are in the lock, too"),
    Key(("leave_out",), NAMES, "none", "packages that are in no lock"),
    Key(
        ("keyring",),
        FULL_TEXT,
        "none",
        "a file, from the root, with keys that must have signed each suite: `gpgv` checks it",
    ),
    Key(("sources",), FULL_TEXT, "`debian.list`", "where the lines for apt are written, as `output`"),
)
LOCK = (
    Key(("requirements",), TEXT_OR_LIST, "none", "requirement files, with what they include"),
    Key(
        ("pyproject",),
        Kind(
            "text, `{path, extras, groups}`, or list of these",
            any_of(NAMED, _PROJECT, list_of(any_of(SCALAR, _PROJECT))),
        ),
        "none",
        "files pyproject.toml whose dependencies are locked",
    ),
    Key(
        ("packages",),
        TEXT_OR_LIST,
        "none",
        "folders that are packages, as `libs/core[aws]`: they are left out, and what they depend on is in",
    ),
    Key(("constraints",), TEXT_OR_LIST, "none", "files with bounds for what is locked, that add nothing themselves"),
    Key(
        ("conda",),
        TEXT_OR_LIST,
        "none",
        "files environment.yml: a conda environment is locked, a file for each platform",
    ),
    Key(("channels",), TEXT_OR_LIST, "those of the files", "conda channels, in place of those that the files name"),
    Key(
        ("virtual_packages",),
        TEXT_OR_LIST,
        "[of the platform](locks.md#conda)",
        "what a machine is taken to have where that is otherwise than usual, as `__cuda=12.4`",
    ),
    Key(("debian",), Kind("mapping", object_of(DEBIAN)), "none", "Debian packages of a dated archive, see below"),
    Key(("images",), TEXT_OR_LIST, "the image of its name", "images that use the locks: a new pin builds them again"),
    Key(("versions",), NAMES, "those of its images", "what there is a lock for, each"),
    Key(("python",), _PYTHONS, "the version's name", "the Python of all versions, or of each"),
    Key(
        ("platforms",),
        TEXT_OR_LIST,
        "those of its images, else `linux/amd64`, `linux/arm64`",
        "platforms whose files are in the lock",
    ),
    Key(
        ("output",),
        FULL_TEXT,
        "`lock-{version}.txt`, `lock.txt`; `conda-{version}-{platform}.lock`, `conda-{platform}.lock`; "
        "`debian-{arch}.txt`",
        "the lock file: relative to the build context of the image of its name, else to the root",
    ),
    Key(
        ("indexes",),
        TEXT_OR_LIST,
        "the resolver's own",
        "addresses of package indexes, the first in place of the usual",
    ),
    Key(("leave_out",), NAMES, "none", "packages that are in no lock"),
    Key(("allow_build",), NAMES, "none", "packages whose code may run to learn what they depend on"),
)
