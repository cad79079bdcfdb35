# SPDX-License-Identifier: MIT
"""`locks:` and an image's `lock:`: what is locked for whom, and what is wrong where it stands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stackyard.load.memory import Memory
from stackyard.load.spec.locks import settled
from stackyard.load.spec.read import read_spec
from stackyard.model.lock import LocalPackage, LockSet, Project
from stackyard.model.names import ImageName, VersionName
from stackyard.model.stack import Finding
from tests.cases import each_of

VERSIONS = {ImageName("unit"): [VersionName("2.7.18"), VersionName("3.10")], ImageName("lab"): [None]}
FOLDERS = {ImageName("unit"): "images/unit", ImageName("lab"): "images/lab"}


def read(text: str, unit: Sequence[str] = (), lab: Sequence[str] = ()) -> tuple[tuple[LockSet, ...], list[Finding]]:
    """The sets of a spec, and what was found; images are for the platforms that are named."""
    spec, findings = read_spec(f"images: {{unit: , lab: }}\n{text}".encode(), "spec.yml")
    found = list(findings)
    declared = (*spec.locks, *(image.lock for image in spec.images if image.lock is not None))
    return settled(declared, VERSIONS, FOLDERS, {ImageName("unit"): unit, ImageName("lab"): lab}, found), found


def test_an_images_set_is_for_its_versions_and_beside_it() -> None:
    """A name with two digits stays what is written, and the output's template is taken as it is."""
    text = "locks: {unit: {requirements: [a.in, b.in], output: 'snapshot-reqs-{version}.txt', leave_out: Set_Up}}\n"
    (lock,), findings = read(text)

    assert findings == []
    assert (lock.images, lock.leave_out) == ((ImageName("unit"),), ("set-up",))
    assert [(target.version, target.python, target.output) for target in lock.targets] == [
        ("2.7.18", "2.7.18", "images/unit/snapshot-reqs-2.7.18.txt"),
        ("3.10", "3.10", "images/unit/snapshot-reqs-3.10.txt"),
    ]
    assert [target.can_be_resolved for target in lock.targets] == [False, True]


def test_a_named_set_has_versions_and_images_of_its_own() -> None:
    """It lies at the root, packages and projects have extras; an image's own lock is one more set."""
    text = """locks:
  tools:
    packages: ['libs/core[Big_Data,x]', .]
    pyproject: [pyproject.toml, {path: b/pyproject.toml, extras: [all], groups: dev}]
    constraints: c.txt
    images: [lab, unit]
    versions: [one, '3.9']
    python: {one: 3.11}
    platforms: linux/arm64
    indexes: [https://pypi.example/simple]
    allow_build: [Old.Thing]
"""
    (lock,), findings = read(text)

    assert findings == []
    assert lock.packages == (LocalPackage("libs/core", ("big-data", "x")), LocalPackage("."))
    assert lock.projects == (Project("pyproject.toml"), Project("b/pyproject.toml", ("all",), ("dev",)))
    assert (lock.constraints, lock.platforms, lock.allow_build) == (("c.txt",), ("linux/arm64",), ("old-thing",))
    assert [(target.python, target.output) for target in lock.targets] == [
        ("3.11", "lock-one.txt"),
        ("3.9", "lock-3.9.txt"),
    ]

    spec, _ = read_spec(b"images:\n  lab:\n    lock: {requirements: r.in, python: 3.12}\n", "spec.yml")
    own = spec.images[0].lock
    assert own is not None
    (lock,) = settled([own], VERSIONS, FOLDERS, {}, [])
    assert [target.output for target in lock.targets] == ["images/lab/lock.txt"]


def test_an_environment_has_a_file_for_each_platform() -> None:
    """Of each version where there are several, beside its image; the environment says its Python itself, or not."""
    entries = "unit: {conda: e.yml, platforms: [linux/arm64, linux/amd64]}, x: {conda: [e.yml, f.yml], images: lab}"
    entries += ", y: {conda: e.yml, virtual_packages: [cuda=12.4], output: 'y-{arch}.txt', platforms: linux/ppc64le}"
    (unit, x, y), findings = read(f"locks: {{{entries}}}\n")

    assert findings == []
    assert [(target.python, target.platform, target.output) for target in unit.targets] == [
        ("2.7.18", "linux/arm64", "images/unit/conda-2.7.18-linux-aarch64.lock"),
        ("2.7.18", "linux/amd64", "images/unit/conda-2.7.18-linux-64.lock"),
        ("3.10", "linux/arm64", "images/unit/conda-3.10-linux-aarch64.lock"),
        ("3.10", "linux/amd64", "images/unit/conda-3.10-linux-64.lock"),
    ]
    assert all(target.can_be_resolved for target in unit.targets)
    assert [(target.python, target.output) for target in (*x.targets, *y.targets)] == [
        ("", "conda-linux-64.lock"),
        ("", "conda-linux-aarch64.lock"),
        ("", "y-ppc64le.txt"),
    ]
    assert y.conda is not None
    assert "__cuda=12.4=0" in y.conda.system_of("linux/ppc64le")


PIP = "requirements: r, python: 3.9"
DEBIAN = "archive: 'http://a.example/{time} sid main'"


@each_of(
    ("entry", "said", "hint"),
    [
        ("conda: e.yml, indexes: 'https://h/simple'", "says nothing for a conda env", "one kind"),
        (f"{PIP}, channels: x", "says nothing for Py", "a set"),
        ("conda: e.yml, channels: defaults", "several channels", "address"),
        ("conda: e.yml, virtual_packages: cuda", "which is none", "__cuda=12.4"),
        ("conda: e.yml, platforms: linux/arm", "'linux/arm'", "did you mean"),
        ("conda: e.yml, output: x", "2 platforms into one", "{platform}"),
        ("conda: ../e.yml", "leaves the repository", "root"),
        (f"{PIP}, output: '{{arch}}'", "'{arch}'", "file"),
        ("requirements: ../r, python: 3.9", "leaves the repository", "root"),
        ("requirements: r, python: three", "is no Python", "3.11"),
        (f"{PIP}, platforms: linux/amd46", "nothing can", "amd64"),
        (f"{PIP}, images: lob", "no image", "did you mean 'lab'?"),
        (f"{PIP}, output: '{{image}}.txt'", "`output`", "lock-{"),
        (f"{PIP}, output: ../x", "leaves the", "a path in it"),
        ("packages: /abs, python: 3.9", "no folder of the repository", "libs/core"),
        (f"{PIP}, indexes: /srv", "no address", "upload times"),
        (f"{PIP}, allow_build: 'x==1'", "is no name", "a name alone"),
        ("debian: {packages: curl}", "names no dated archive", "HOST/archive"),
        ("debian: {archive: 'deb http://a.example/debian sid main'}", "no time in it", "a dated archive"),
        (
            f"python: 3.9, debian: {{{DEBIAN}}}",
            "`python` of lock 'a' says nothing for Debian packages",
            "a set for each",
        ),
        (f"debian: {{{DEBIAN}, installed: lob}}", "names 'lob', which is no image", "did you mean 'lab'?"),
        (f"debian: {{{DEBIAN}, packages: curl=7}}", "no name of a Debian package", "a name alone"),
        (f"output: x.txt, debian: {{{DEBIAN}, packages: curl}}", "writes 3 files into one path", "{arch}"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write(entry: str, said: str, hint: str) -> None:
    """One finding, on the line of its entry."""
    _, found = read(f"locks:\n  a: {{{entry}}}")

    assert [(finding.code, finding.line) for finding in found] == [("wrong-value", 3)]
    assert said in found[0].sentence
    assert hint in (found[0].hint or "")


@each_of(
    ("text", "line", "code", "said", "hint"),
    [
        ("a: {conda: e.yml, versions: [x, 3.9]}", 3, "lock-python", "which Python", "python: 3.11"),
        ("a: {conda: e.yml, environment: f.yml}", 3, "unknown-key", "environment", "conda"),
        ("a: {requirement: r, packages: p, python: 3.9}", 3, "unknown-key", "nothing reads", "'requirements'"),
        ("a: {python: 3.9}", 3, "lock-of-nothing", "locks nothing", "name `requirements`"),
        ("a: {requirements: r}", 3, "lock-python", "it is not said which Python", "python: 3.11"),
        ("lab: {requirements: r}", 3, "lock-python", "it is not said which Python", "python: 3.11"),
        ("a:\n    requirements: ../r\n    python: 3.9", 4, "wrong-value", "leaves the repository", "root"),
        (f"a:\n    python: 3.9\n    debian: {{{DEBIAN}}}", 4, "wrong-value", "`python` of lock 'a'", "a set for each"),
        ("unit: {requirements: r, output: one.txt}", 3, "wrong-value", "into one `output`", "{version}"),
        (f"a: {{{PIP}}}\n  b: {{{PIP}}}", 4, "wrong-value", "would both write lock.txt", "another `output`"),
    ],
)
def test_a_finding_has_the_line_of_what_is_wrong(text: str, line: int, code: str, said: str, hint: str) -> None:
    """That of the key where it has one of its own; a set of an image is told as another is."""
    _, found = read(f"locks:\n  {text}")

    assert [(finding.code, finding.line) for finding in found] == [(code, line)]
    assert said in found[0].sentence
    assert hint in (found[0].hint or "")


def test_platforms_are_those_of_the_images() -> None:
    """In their order, unless the set names its own; one that nothing can be locked for is told."""
    arm, amd = "linux/arm64", "linux/amd64"
    named = "locks: {a: {requirements: r, python: 3.9, images: [unit, lab], platforms: [windows/amd64]}}"
    (lock,), findings = read(named, (arm, amd), (arm, "linux/s390x"))
    assert (lock.platforms, findings) == (("windows/amd64",), [])
    (lock,), findings = read("locks: {unit: {requirements: r}}", (arm, amd))
    assert (lock.platforms, findings) == ((arm, amd), [])
    (lock,), findings = read("locks: {a: {requirements: r, python: 3.9}}")
    assert (lock.platforms, findings) == ((amd, arm), [])

    both = "locks: {a: {requirements: r, python: 3.9, images: [unit, lab]}}"
    (lock,), (finding,) = read(both, (arm, amd), (arm, "linux/s390x"))
    assert lock.platforms == (arm, amd)
    assert finding.sentence == "an image of lock 'a' is for linux/s390x, for which nothing can be locked"


def test_a_login_of_an_index_is_told_to_nobody() -> None:
    """The finding names the place, and not what stands there."""
    for text in (
        "requirements: r, python: 3.9, indexes: 'https://me:hush@pypi.example/simple'",
        "debian: {archive: 'deb http://me:hush@archive.example/{time} sid main'}",
    ):
        _, (finding,) = read(f"locks: {{a: {{{text}}}}}")
        assert "has a login in it" in finding.sentence
        assert "hush" not in repr(finding)


def test_a_spec_with_locks_is_remembered() -> None:
    """What a large repository keeps between two commands is what was read."""
    text = (
        b"images: {lab: {lock: {requirements: r, python: {x: 3.9}}}}\nlocks: {unit: {packages: 'p[a]', versions: x}}\n"
    )
    first = Memory()
    listed = first.listed(b"key", lambda: read_spec(text, "spec.yml"))
    again = Memory(first.kept).listed(b"key", lambda: pytest.fail("read again"))

    assert again.spec == listed.spec
