# SPDX-License-Identifier: MIT
"""`checks` and `tests` of a spec, files of container-structure-test: what they ask for, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from stackyard.check.findings import findings_of
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.model import checks
from stackyard.model.details import Suite
from stackyard.model.names import TargetName
from stackyard.model.reference import Platform
from stackyard.model.stack import Stack, Target
from tests.unit.plan.made import MAIN

STRUCTURE = """\
schemaVersion: 2.0.0
globalEnvVars: [{key: PATH, value: "/venv/bin:$PATH"}]
commandTests:
  - name: version
    setup: [[mkdir, /x]]
    command: python
    args: [-V]
    expectedOutput: ["Python 3.*"]
    excludedError: [Traceback]
fileExistenceTests:
  - {name: root, path: /, shouldExist: true, permissions: drwxr-xr-x, uid: 0, isExecutableBy: any}
  - {name: gone, path: /tmp/x, shouldExist: false, uid: 5}
fileContentTests:
  - {name: os, path: /etc/os-release, expectedContents: ["ID=.*"]}
metadataTest:
  envVars: [{key: LANG, value: "^C", isRegex: true}]
  entrypoint: []
  exposedPorts: ["8080"]
containerRunOptions: {user: student, privileged: true}
licenseTests: [{debian: true}]
"""
FILES = {
    "images/spec.yml": "images:\n  base:\n  lab: {depend_on: base}\n",
    "images/base/Dockerfile": "FROM debian:12\n",
    "images/base/test/test_base.py": "base",
    "images/lab/Dockerfile": "FROM base\n",
    "images/lab/test/test_lab.py": "lab",
    "images/tests_common/test_all.py": "all",
}


def stack(root: Path, spec: str = "", files: Mapping[str, str] | None = None) -> Stack:
    """The stack of these files, others beside or in place of them; a spec stands before the images."""
    for path, text in {**FILES, **(files or {})}.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(spec + text if path == "images/spec.yml" else text)
    return load_stack(find(root), MAIN, Settings(Platform("linux/amd64")))


def lab(stack: Stack) -> Target:
    """The child."""
    return stack.target(TargetName("lab"))


def suite(target: Target, kind: str) -> Suite | None:
    """Its suite of one kind."""
    return next((each for each in target.every_suite if each.kind == kind), None)


def test_every_kind_of_check_is_read(tmp_path: Path) -> None:
    """As values, with the names that results have; the stack's come first, and nothing is asked twice."""
    spec = """\
checks:
  - user-is-not-root
  - {check: packages-import, except: tensorflow}
  - {command: "python -c 'print(1)'", output: ["^1$"], exit_code: 0, user: student, env: {A: b}}
  - {file: /opt/conda, mode: "2775", owner: "student:100", executable_by: group, lacks: x}
  - {image: {env: {LANG: C, PATH: /x, V: "/^1/"}, entrypoint: [tini, --], user: student}, name: declared}
  - {port: 8888, path: api, status: 200, within: 2m}
  - size: 2.5GB
  - size: {growth: 10%}
  - {not_writable: [/usr, /etc], group: 100}
"""
    own = {
        "images/spec.yml": FILES["images/spec.yml"].replace("lab: {", "lab: {checks: [user-is-not-root, size: 1GB], ")
    }
    found = lab(stack(tmp_path, spec, own))

    assert found.checks == (
        checks.GenericCheck("user-is-not-root"),
        checks.GenericCheck("packages-import", ("tensorflow",)),
        checks.CommandCheck(
            "command python -c 'print(1)'", ("python", "-c", "print(1)"), 0, ("^1$",), user="student", env=(("A", "b"),)
        ),
        checks.FileCheck("file /opt/conda", "/opt/conda", True, "2775", "student", "100", "group", lacks=("x",)),
        checks.ImageCheck(
            "declared",
            env=(checks.Pair("LANG", "C"), checks.Pair("PATH", "/x"), checks.Pair("V", "^1", True)),
            user="student",
            entrypoint=("tini", "--"),
        ),
        checks.PortCheck("port 8888 at api", 8888, "/api", 200, (), 120.0),
        checks.SizeCheck("size", 2_500_000_000),
        checks.SizeCheck("size", growth=10.0),
        checks.WritableCheck("not writable by group 100: /usr, /etc", ("/usr", "/etc"), False, "", "100"),
        checks.SizeCheck("size", 1_000_000_000),
    )
    assert suite(found, "checks") is not None


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("user-is-not-rot", "there is no check 'user-is-not-rot'"),
        ("{}", "says not what it is"),
        ("{command: a, file: /b}", "says not what it is"),
        ('{command: "echo \'"}', "is no command"),
        ('{command: ""}', "`command` of check 1 of `checks` of the file is empty"),
        ("{command: a, output: '('}", "is no regular expression"),
        ("{command: a, exit_code: x}", "`exit_code` of check 1"),
        ("{file: etc/passwd}", "'etc/passwd' is no absolute path"),
        ("{file: /a, mode: rw}", "`mode` of check 1"),
        ("{file: /a, executable_by: me}", "`executable_by` of check 1"),
        ("{port: 99999}", "`port` of check 1"),
        ("{port: 80, within: soon}", "is no time"),
        ("{size: large}", "'large' is no size"),
        ("{size: {growth: much}}", "'much' is no part"),
        ("{size: {}}", "says no size"),
        ("{structure_test: ../x.yaml}", "leaves the repository"),
        ("{structure_test: no.yaml}", "there is no such file"),
    ],
)
def test_a_wrong_check_is_a_finding(tmp_path: Path, entry: str, sentence: str) -> None:
    """With its place and what to do; the next one is read all the same."""
    found = stack(tmp_path, f"checks:\n  - {entry}\n  - size: 1GB\n")
    errors = [finding for finding in found.findings if finding.level == "error"]

    assert [error.sentence for error in errors if sentence in error.sentence]
    assert all(error.line == 2 and error.hint for error in errors)
    assert lab(found).checks == (checks.SizeCheck("size", 1_000_000_000),)


def test_a_structure_test_is_read_as_it_is(tmp_path: Path) -> None:
    """In the image's `test/` or its folder without a word of the spec; what is not done is told."""
    found = stack(tmp_path, files={"images/lab/test/structure-test.yaml": STRUCTURE})

    assert lab(found).checks == (
        checks.CommandCheck(
            "version",
            ("python", "-V"),
            0,
            ("Python 3.*",),
            no_errors=("Traceback",),
            user="student",
            env=(("PATH", "/venv/bin:$PATH"),),
            setup=(("mkdir", "/x"),),
            is_stdout_only=True,
        ),
        checks.FileCheck("root", "/", True, "drwxr-xr-x", "0", executable_by="any"),
        checks.FileCheck("gone", "/tmp/x", False),
        checks.FileCheck("os", "/etc/os-release", contains=("ID=.*",)),
        checks.ImageCheck("metadata", env=(checks.Pair("LANG", "^C", True),), entrypoint=(), ports=("8080",)),
    )
    assert {(f.code, f.found) for f in found.findings} == {
        ("unknown-key", "privileged"),
        ("unknown-key", "licenseTests"),
    }
    assert stack(tmp_path / "b").target(TargetName("lab")).checks == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("schemaVersion: 1.0.0\n", "it is of schema 1.0.0"),
        ("commandTests: []\n", "nobody knows which"),
        ("schemaVersion: 2.0.0\ncommandTests: [{name: a}]\n", "without `command`"),
        ("schemaVersion: 2.0.0\nfileExistenceTests: {a: b}\n", "should be a list"),
        ("schemaVersion: 2.0.0\nfileContentTests: [{path: /a, expectedContents: ['(']}]\n", "no regular expression"),
        ("a: [\n", ""),
    ],
)
def test_a_structure_test_that_cannot_be_understood_is_an_error(tmp_path: Path, text: str, sentence: str) -> None:
    """At its own file and line: nothing is published that it might have found fault with."""
    found = stack(tmp_path, files={"images/lab/structure-test.yaml": text})
    (error,) = [finding for finding in found.findings if finding.code == "bad-structure-test"]

    assert (error.level, error.path) == ("error", "images/lab/structure-test.yaml")
    assert sentence in error.sentence
    assert error.line


def test_a_check_that_changes_tests_again_and_builds_nothing(tmp_path: Path) -> None:
    """Its digest is the suite's; what the image is made from stays."""
    one, other = (lab(stack(tmp_path, f"checks: [size: {size}]\n")) for size in ("1GB", "2GB"))

    assert suite(one, "checks") != suite(other, "checks")
    assert one.inputs == other.inputs


@pytest.mark.parametrize(
    ("spec", "own", "folders", "sizes"),
    [
        ("", "", ["tests_common", "lab/test"], [3]),
        ("tests: {inherit: true}\n", "", ["tests_common", "base/test", "lab/test"], [1, 2, 3]),
        ("", "tests: {inherit: true}, ", ["tests_common", "base/test", "lab/test"], [1, 2, 3]),
        ("tests: {inherit: true}\n", "tests: {inherit: false}, ", ["tests_common", "lab/test"], [3]),
    ],
)
def test_what_is_inherited(tmp_path: Path, spec: str, own: str, folders: list[str], sizes: list[int]) -> None:
    """Tests and checks of what an image stands on, oldest first, if the stack or that image says so."""
    images = f"images:\n  base: {{{own}checks: [size: 2GB]}}\n  lab: {{depend_on: base, checks: [size: 3GB]}}\n"
    common = "checks: [size: 1GB]\n"
    found = lab(stack(tmp_path, f"{spec}{common}", {"images/spec.yml": images}))
    basic = suite(found, "basic")

    assert basic is not None
    assert [folder.removeprefix("images/") for folder in basic.folders] == folders
    sizes = sizes if len(sizes) == 3 else [1, *sizes]
    assert [check.most_bytes for check in found.checks if isinstance(check, checks.SizeCheck)] == [
        size * 10**9 for size in sizes
    ]


def test_what_stands_on_itself_inherits_once(tmp_path: Path) -> None:
    """A ring is told by `check`; until then it is read, and ends."""
    images = "tests: {inherit: true}\nimages:\n  base: {checks: [size: 2GB]}\n  lab:\n"
    ring = {"images/spec.yml": images, "images/base/Dockerfile": "FROM lab\n", "images/lab/Dockerfile": "FROM base\n"}
    found = stack(tmp_path, "", ring)

    assert "ring" in {finding.code for finding in findings_of(found)}
    assert [check.most_bytes for check in lab(found).checks if isinstance(check, checks.SizeCheck)] == [2 * 10**9]


def test_how_tests_run_is_the_stacks_or_the_images(tmp_path: Path) -> None:
    """Age and company of every suite of pytest; the workflow's is no suite that a build waits for."""
    images = "images:\n  base:\n  lab: {depend_on: base, tests: {max_age: 1d}}\n"
    more = {"images/spec.yml": images, "images/lab/workflow_tests/test_gpu.py": "gpu"}
    found = stack(tmp_path, "tests: {max_age: 30d, parallel: true}\n", more)

    assert [(s.kind, s.max_age, s.is_parallel) for s in lab(found).every_suite] == [
        ("basic", "1d", True),
        ("workflow", "1d", True),
    ]
    assert [s.kind for s in lab(found).suites] == ["basic"]
    assert found.target(TargetName("base")).suites[0].max_age == "30d"


@pytest.mark.parametrize("spec", ["tests: [a]\n", "tests: {max_age: soon}\n", "tests: {inherit: 3}\n"])
def test_a_wrong_word_on_tests_is_an_error(tmp_path: Path, spec: str) -> None:
    """It is said where it stands."""
    assert [f for f in stack(tmp_path, spec).findings if f.level == "error" and f.line == 1]
