# SPDX-License-Identifier: MIT
"""versions.yaml in every shape it was ever written in, and what is told about each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackyard.errors import FileProblem
from stackyard.load.spec.stamps import is_mixed
from stackyard.load.spec.versions import BaseImage, BaseSource, Version, VersionsFile, read_versions
from stackyard.model.names import ImageName, VersionName
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding
from tests.cases import each_of

PATH = "images/lab/versions.yaml"


def read(text: str) -> tuple[VersionsFile, tuple[Finding, ...]]:
    """The file that `text` is, and what was found."""
    return read_versions(text.encode(), PATH)


def clean(text: str) -> VersionsFile:
    """The file that `text` is; nothing is found in it."""
    file, findings = read(text)
    assert findings == ()
    return file


def only(text: str) -> Finding:
    """The one finding in `text`."""
    _, (finding,) = read(text)
    return finding


def problem(text: str) -> FileProblem:
    """What is wrong with `text` as a whole."""
    with pytest.raises(FileProblem) as caught:
        read(text)
    return caught.value


def told(text: str) -> Finding:
    """What is wrong with `text`, be it of the whole file or of one place in it."""
    try:
        _, (finding, *_) = read(text)
        return finding
    except FileProblem as problem:
        return Finding.of("versions", problem)


def entry(name: str, line: int, of: BaseImage | None = None) -> Version:
    """A version without arguments."""
    return Version(VersionName(name), line, base_image=of, spots={("version",): Spot(PATH, line, 1)})


def base(name: str, source: BaseSource, line: int, column: int) -> BaseImage:
    """A base of the stack."""
    return BaseImage(ImageName(name), source, Spot(PATH, line, column))


PATCH_KEYS = """\
3.9.18:
  docker_args:
    BASE_IMAGE: python:3.9.18-slim
3.11.6:
  docker_args:
    BASE_IMAGE: python:3.11.6-slim
    EXTRA: "1"
"""


def test_patch_keys() -> None:
    """V1: three-part keys are text, versions and arguments keep the file's order, each version has its line."""
    file = clean(PATCH_KEYS)
    assert file.names == ("3.9.18", "3.11.6")
    assert [version.line for version in file.versions] == [1, 4]
    assert file.version("3.11.6").docker_args == (("BASE_IMAGE", "python:3.11.6-slim"), ("EXTRA", "1"))
    assert not file.is_ancestor
    assert file.stamps.entries == ()


def test_order_is_the_files() -> None:
    """The first version of the file is the first here, though it is the newest."""
    assert clean('"3.12": {}\n"3.9": {}\n"3.10": {}\n').names == ("3.12", "3.9", "3.10")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quoted_minor_keys(quote: str) -> None:
    """V2: quoted two-part keys are right; a base that says more than its key contradicts nothing."""
    file = clean(f"{quote}3.10{quote}:\n  docker_args:\n    BASE_IMAGE: python:3.10.2-slim\n")
    assert file.names == ("3.10",)


def test_unquoted_minor_key() -> None:
    """V3: `3.10` stays 3.10, and a warning shows what other tools make of it and how to write it."""
    file, (finding,) = read("3.10:\n  docker_args:\n    BASE_IMAGE: python:3.10-slim\n")
    assert file.names == ("3.10",)
    assert (finding.code, finding.level, finding.line, finding.column) == ("unquoted-version", "warning", 1, 1)
    assert finding.sentence == "version 3.10 is not in quotes: other tools read the number 3.1"
    assert finding.hint == 'write "3.10":'


def test_two_keys_that_others_take_for_one() -> None:
    """V3: `3.1` and `3.10` are two versions here; the warning says that other tools keep one."""
    file, findings = read("3.1: {}\n3.10: {}\n")
    assert file.names == ("3.1", "3.10")
    assert findings[1].sentence.endswith("the number 3.1, as for the key 3.1, and keep one of the two")


def test_the_same_key_with_and_without_quotes() -> None:
    """`3.10` and `"3.10"` are one version, so the second one is refused."""
    assert "'3.10' is here twice, first on line 1" in str(problem('3.10: {}\n"3.10": {}\n'))


@pytest.mark.parametrize(("key", "read_as"), [("3", "the number 3"), ("on", "something else than text")])
def test_other_keys_that_are_no_text_elsewhere(key: str, read_as: str) -> None:
    """Whole numbers and words that YAML takes for true are told as well."""
    file, findings = read(f"{key}: {{}}\n")
    assert file.names == (key,)
    assert read_as in findings[0].sentence


def test_base_image_alone() -> None:
    """V4: a base of the stack is a name and where it is meant, with its line."""
    file = clean("3.9.18:\n  base_image:\n    name: lab-base\n    source: aws\n")
    assert file.versions == (entry("3.9.18", 1, base("lab-base", "aws", 3, 11)),)


def test_local_base_image() -> None:
    """V4: the base can be the one in the engine."""
    assert clean('"3.9": {base_image: {name: lab-base, source: local}}\n').versions[0].base_image == base(
        "lab-base", "local", 1, 28
    )


def test_base_image_and_args_that_contradict_the_key() -> None:
    """V5: both are kept; a PYTHON_VERSION of another Python is a warning at its own line."""
    file, (finding,) = read(
        "3.11.6:\n  base_image:\n    name: lab-base\n    source: aws\n  docker_args:\n    PYTHON_VERSION: 3.11.5\n"
    )
    assert file.versions[0].docker_args == (("PYTHON_VERSION", "3.11.5"),)
    assert file.versions[0].base_image == base("lab-base", "aws", 3, 11)
    assert (finding.code, finding.level, finding.line) == ("version-contradicts", "warning", 6)
    assert "'3.11.6' is built with Python 3.11.5" in finding.sentence


@each_of(
    ("key", "name", "value", "contradicts"),
    [
        ("3.11", "PYTHON_VERSION", "3.11.5", False),
        ("3.11.5", "PYTHON_VERSION", "3.11", False),
        ("3.11.5", "PYTHON_VERSION", "3", False),
        ("3.1", "PYTHON_VERSION", "3.11", True),
        ("2.7.18", "PYTHON_VERSION", "3", True),
        ("3.11", "BASE_IMAGE", "python:3.10-slim", True),
        ("3.11", "BASE_IMAGE", "quay.io/acme/python:3.10", True),
        ("3.11", "BASE_IMAGE", "localhost:5000/python:3.10", True),
        ("3.11", "BASE_IMAGE", "python:3.10-slim@sha256:" + "0" * 64, True),
        ("3.11.5", "BASE_IMAGE", "python:3.11-slim", False),
        ("3.11", "BASE_IMAGE", "acme/lab:py3.10-2025-07-01T184545", True),
        ("3.11", "BASE_IMAGE", "acme/lab:py3.11-2025-07-01T184545", False),
        ("3.11", "BASE_IMAGE", "acme/lab:py310", False),
        ("3.11", "BASE_IMAGE", "python", False),
        ("3.11", "BASE_IMAGE", "python:slim", False),
        ("3.11", "BASE_IMAGE", "debian:12.4", False),
        ("3.11", "BASE_IMAGE", "node:3.9", False),
        ("3.11", "BASE_IMAGE", "${NOT} a reference", False),
        ("cuda-12", "BASE_IMAGE", "python:3.10", False),
        ("12.4", "PYTHON_VERSION", "3.10", False),
        ("3.11", "OTHER_VERSION", "3.10", False),
    ],
)
def test_what_contradicts(key: str, name: str, value: str, contradicts: bool) -> None:
    """V5: only what cannot both be true, of things that are sure to be a Python version, is told."""
    _, findings = read(f'"{key}":\n  docker_args:\n    {name}: "{value}"\n')
    assert [finding.code for finding in findings] == ["version-contradicts"] * contradicts


@each_of(
    ("base", "is_windows"),
    [
        ("python:3.9-windowsservercore-1809", True),
        ("python:3.9.1-WindowsServerCore", True),
        ("mcr.microsoft.com/windows/server:ltsc2022", True),
        ("mcr.microsoft.com/windows:20H2", True),
        ("mcr.microsoft.com/powershell:lts-nanoserver-1809", True),
        ("mcr.microsoft.com/devcontainers/python:3.9", False),
        ("python:3.9-slim", False),
        ("acme/windows-tools:1", False),
    ],
)
def test_windows(base: str, is_windows: bool) -> None:
    """V6: a Windows base is recognised by its name."""
    (version,) = clean(f'"3.9": {{docker_args: {{BASE_IMAGE: "{base}"}}}}\n').versions
    assert version.is_windows is is_windows


ANCESTOR = """\
versions:
  3.9.18:
    docker_args:
      BASE_IMAGE: python:3.9.18-slim
    last_updated: 2020-07-14T050401
  "3.11":
    last_updated: 2020-07-15
  3.12.0:
"""


def test_ancestor() -> None:
    """V7: info.yaml holds versions below a key, each with its stamp as written; one without has none."""
    file = clean(ANCESTOR)
    assert file.is_ancestor
    assert file.names == ("3.9.18", "3.11", "3.12.0")
    assert file.version("3.9.18").docker_args == (("BASE_IMAGE", "python:3.9.18-slim"),)
    assert file.stamps.values == {"3.9.18": "2020-07-14T050401", "3.11": "2020-07-15"}
    assert [entry.line for entry in file.stamps.entries] == [5, 7]
    assert is_mixed(file.stamps)


def test_ancestor_is_checked_like_its_heir() -> None:
    """V7: bare keys and unknown keys are found below `versions` and beside it."""
    _, findings = read("versions:\n  3.10:\n    docker_arg: {}\nversion: 1\n")
    assert [(finding.code, finding.line) for finding in findings] == [
        ("unknown-key", 4),
        ("unquoted-version", 2),
        ("unknown-key", 3),
    ]
    assert findings[0].hint == "did you mean 'versions'?"


def test_an_ancestor_with_a_stamp_and_no_value() -> None:
    """V7: `last_updated:` alone is a line without a stamp."""
    (entry,) = clean("versions:\n  3.9.18:\n    last_updated:\n").stamps.entries
    assert (entry.key, entry.stamp, entry.line) == ("3.9.18", None, 3)


@pytest.mark.parametrize("text", ["3.7 3.8\n", "py39 = 3.9.1\npy310 = 3.10.4\n", '- "3.9"\n- "3.10"\n'])
def test_no_yaml_mapping(text: str) -> None:
    """V8: what came before YAML (variables of a Makefile, a plain list) is told for what it is not."""
    assert "the file should be a mapping" in str(problem(text))


@each_of("content", ["", " ~", " null", " {}", "\n  docker_args:", "\n  docker_args: {}"])
def test_empty_entries(content: str) -> None:
    """V9: an entry without content, or without arguments, is a version all the same."""
    assert clean(f"3.9.18:{content}\n3.11.6:\n").versions == (
        entry("3.9.18", 1),
        entry("3.11.6", 3 if "\n" in content else 2),
    )


@each_of(
    "value",
    [
        "3.10",
        "3.9",
        "true",
        "No",
        "1_000",
        "0x1F",
        "0o17",
        "1e3",
        ".5",
        "2021-08-31",
        "2021-08-31T19:51:48",
        "12:30:45",
    ],
)
def test_arguments_as_written(value: str) -> None:
    """V9: whatever YAML would make of a bare value, the argument is the text in the file; names too."""
    (version,) = clean(f"3.9.18:\n  docker_args:\n    A: {value}\n    {value}: A\n").versions
    assert version.docker_args == (("A", value), (value, "A"))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2) | st.integers() | st.booleans() | st.dates())
def test_any_bare_scalar_is_text(value: object) -> None:
    """Arguments read back as they were printed into the file."""
    assert clean(f"3.9.18:\n  docker_args:\n    A: {value}\n").versions[0].docker_args == (("A", str(value)),)


@each_of("value", ["", " ~", " null", " # later"])
def test_argument_without_a_value(value: str) -> None:
    """V9: nobody knows what an argument without a value should be: an error that shows both ways to write it."""
    finding = only(f"3.9.18:\n  docker_args:\n    A:{value}\n")
    assert (finding.code, finding.level, finding.line) == ("argument-without-value", "error", 3)
    assert finding.hint == 'write A: "" if it should be empty, or "null" if that word is meant'


def test_empty_argument() -> None:
    """An argument that is empty on purpose is fine."""
    assert clean('3.9.18: {docker_args: {A: ""}}\n').versions[0].docker_args == (("A", ""),)


@each_of("text", ["", "\n# nothing yet\n", "{}\n", "---\n", "versions:\n", "x-common: {A: b}\n"])
def test_no_version(text: str) -> None:
    """A file that names no version is no crash and not silent: a warning."""
    file, (finding,) = read(text)
    assert file.versions == ()
    assert (finding.code, finding.level) == ("no-versions", "warning")


def test_two_bases() -> None:
    """`base_image` sets BASE_IMAGE, so an argument of that name beside it is an error."""
    finding = only('"3.9":\n  docker_args: {BASE_IMAGE: "python:3.9"}\n  base_image: {name: b, source: aws}\n')
    assert (finding.code, finding.level, finding.line) == ("two-bases", "error", 3)


@each_of(
    ("base", "code", "line", "words"),
    [
        ("", "base-image-name", 2, "no `name`"),
        ("\n    source: aws", "base-image-name", 2, "no `name`"),
        ("\n    name:\n    source: aws", "base-image-name", 3, "no `name`"),
        ('\n    name: ""\n    source: aws', "base-image-name", 3, "no `name`"),
        ("\n    source: aws\n    name: acme/b:1", "base-image-name", 4, "names 'acme/b:1'"),
        ("\n    name: b", "base-image-source", 2, "no `source`"),
        ("\n    name: b\n    source: gcp", "base-image-source", 4, "'gcp'; it is aws or local"),
    ],
)
def test_bad_base_image(base: str, code: str, line: int, words: str) -> None:
    """A base without a name, or from neither place, is an error at its line; the rest of the file is read.

    Where the name is right, it is known what the image stands on: nothing else is wrong because of it.
    """
    file, (finding,) = read(f'"3.9":\n  base_image:{base}\n"3.10": {{}}\n')
    assert (finding.code, finding.level, finding.line) == (code, "error", line)
    assert words in finding.sentence
    assert file.names == ("3.9", "3.10")
    base_image = file.versions[0].base_image
    assert (base_image.name if base_image else None) == ("b" if code == "base-image-source" else None)


@pytest.mark.parametrize(("source", "meant"), [("AWS", "aws"), ("awss", "aws"), ("locale", "local")])
def test_source_almost_right(source: str, meant: str) -> None:
    """A source that is nearly one is answered with the right one."""
    assert only(f'"3.9": {{base_image: {{name: b, source: {source}}}}}\n').hint == f"did you mean {meant!r}?"


@each_of(
    ("entry", "hint"),
    [
        ("docker_arg: {A: b}", "did you mean 'docker_args'?"),
        ("base-image: {name: b}", "did you mean 'base_image'?"),
        ("zzz: 1", "keys of your own start with 'x-'"),
        ("last_updated: 2020-07-14T050401", "stamps stand in last_updated.yaml, beside this file"),
        ("base_image: {nam: c, name: b, source: aws}", "did you mean 'name'?"),
    ],
)
def test_unknown_keys(entry: str, hint: str) -> None:
    """A key that nothing reads is a warning with its line and what was most likely meant."""
    finding = only(f'"3.9":\n  {entry}\n')
    assert (finding.code, finding.level, finding.line, finding.hint) == ("unknown-key", "warning", 2, hint)


def test_own_keys_and_anchors() -> None:
    """Keys that start with x- hold what versions share; merged arguments come first."""
    file = clean(
        "x-common: &common\n  A: 1.0\n"
        '"3.9":\n  docker_args: {<<: *common, B: b}\n  x-note: kept for one customer\n'
        '"3.10":\n  docker_args: *common\n'
    )
    assert file.names == ("3.9", "3.10")
    assert file.versions[0].docker_args == (("A", "1.0"), ("B", "b"))
    assert file.versions[1].docker_args == (("A", "1.0"),)


@each_of(
    ("text", "line", "words"),
    [
        ("docker_args: {A: b}\n", 1, "`docker_args` stands where a version belongs"),
        ("versions:\n  last_updated: x\n", 2, "`last_updated` stands where a version belongs"),
        ("a/b: {}\n", 1, "'a/b' is not a valid version name"),
        ('"": {}\n', 1, "'' is not a valid version name"),
        ('"3.9": python:3.9\n', 1, "version '3.9' should be a mapping"),
        ('"3.9":\n  docker_args: [A=b]\n', 2, "`docker_args` of version '3.9' should be a mapping"),
        ('"3.9":\n  docker_args: {A: [b]}\n', 2, "argument 'A' of version '3.9' should be text"),
        ('"3.9":\n  base_image: lab\n', 2, "`base_image` of version '3.9' should be a mapping"),
        ('"3.9":\n  base_image: {name: [b], source: aws}\n', 2, "should be text"),
        ("versions: [a]\n", 1, "`versions` should be a mapping"),
        ("versions:\n  3.9.1:\n    last_updated: [a]\n", 3, "`last_updated` of version '3.9.1' should be text"),
        ("a: {}\na: {}\n", 2, "'a' is here twice"),
        ("a: {\n", 2, "not valid YAML"),
        ("<<<<<<< ours\na: {}\n=======\n", 1, "merge conflict markers"),
    ],
)
def test_refused(text: str, line: int, words: str) -> None:
    """What cannot be understood is told with file, line and what was wanted."""
    found = told(text)
    assert (found.code, found.level, found.path, found.line) == ("versions", "error", PATH, line)
    assert words in found.sentence


def test_one_wrong_version_hides_no_other() -> None:
    """Each mistake is told, and the versions that are right are read."""
    file, findings = read('"3.9": []\na/b: {}\n"3.10":\n  docker_args: {A: [b], B: c, D: {}}\n"3.11":\n')

    assert [(finding.line, finding.column) for finding in findings] == [(1, 8), (2, 1), (4, 20), (4, 34)]
    assert file.names == ("3.9", "3.10", "3.11")
    assert dict(file.version("3.10").docker_args)["B"] == "c"


def test_bytes_as_people_save_them() -> None:
    """A byte order mark and Windows line ends change nothing; other encodings are told."""
    plain, _ = read(PATCH_KEYS)
    marked, _ = read_versions(b"\xef\xbb\xbf" + PATCH_KEYS.replace("\n", "\r\n").encode(), PATH)
    assert marked == plain
    with pytest.raises(FileProblem, match="not UTF-8"):
        read_versions("é: {}".encode("latin-1"), PATH)
