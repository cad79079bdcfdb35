# SPDX-License-Identifier: MIT
"""Whatever lies in a repository: `load` and `check` give findings or one of our errors, and never look outside."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackyard.check.advice import advice_of
from stackyard.check.findings import findings_of
from stackyard.errors import StackyardError
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.load.unread import unread_findings
from stackyard.model.reference import Platform
from stackyard.model.stack import Finding, Revision
from stackyard.report.findings import gitlab_data, sarif_data
from stackyard.report.terminal import findings_text
from stackyard.report.text import Style
from tests.examples import examples

REVISION = Revision("0123456789abcdef0123456789abcdef01234567", "main", False)
OUTSIDE = b"FROM never-to-be-read\n"


def checked(root: Path) -> tuple[Finding, ...]:
    """What `check` finds; every report of it can be made."""
    place = find(root)
    stack = load_stack(place, REVISION, Settings(Platform("linux/amd64")))
    found = advice_of(stack, ("main", "ma/in"), unread_findings(place, stack))
    assert set(findings_of(stack)) <= set(found)
    findings_text(found, Style(False), 80)
    sarif_data(found, "1")
    gitlab_data(found)
    return found


def answer(root: Path) -> str:
    """Codes of the findings, or the error's sentence."""
    try:
        return " ".join(finding.code for finding in checked(root))
    except StackyardError as error:
        return str(error) or "an error without a sentence"


NAMES = st.sampled_from(
    ["a", "b", "A", "ä", "a b", "a.b", "..a", "-a", "a\\b", "Dockerfile", "test", ".hid", "a:b", "x" * 200, "\udcff"]
)
DOCKERFILES = st.one_of(
    st.lists(
        st.sampled_from(
            [
                b"FROM a", b"FROM $A", b"ARG A=1", b"ARG A", b"FROM x AS a", b"COPY . /", b"COPY $A b c/", b"RUN <<E",
                b"E", b"RUN echo $A ${B:-c} \\", b"ENV A=$A B='$C", b"<<<<<<< HEAD", b"=======", b"\0", b"\xff",
                b"ONBUILD COPY a* /", b"# escape=`", b"USER ${A", b"ADD [\"a\", \"/\"]", b"\xef\xbb\xbfFROM b\r",
            ]
        ),
        max_size=6,
    ).map(b"\n".join),
    st.binary(max_size=40),
)  # fmt: skip
SPECS = st.one_of(
    st.lists(
        st.sampled_from(
            [
                b"images:", b"  a:", b"  b: {depend_on: [a, zz]}", b"  A: {image_name: X}", b"    build_args: {A: 1}",
                b"    context: ../..", b"    dockerfile: b/Dockerfile", b"  ..:", b"plans: {p: , q: {tag_prefix: '-'}}",
                b"tag: {prefix: 1, moving: '{nope}'}", b"<<<<<<< HEAD", b"\t", b"&a [*a]", b"x: &x {<<: *x}", b"\0",
                b"\xff", b"vars: {a: '{b}'}", b"groups: {g: [a, c]}", b"root: a", b"registry: 'http://x'", b"- a",
                b"    integration_tests: maybe", b"    info_cmds: [X]", b"all_info_cmds: {X: {}}",
            ]
        ),
        max_size=8,
    ).map(b"\n".join),
    st.binary(max_size=40),
)  # fmt: skip
TREES = st.fixed_dictionaries(
    {},
    optional={
        "spec.yml": SPECS,
        "change_ignore.json": st.sampled_from(
            [b"{", b"[]", b'{"BuildAll": ["../../.."]}', b'{"BuildAll": ["a"]}', b'{"BuildAll": ["\\u0000"]}', b"\xff"]
        ),
        "tests_common": st.sampled_from([b"", b"file"]),
    },
)
LINKS = st.lists(st.tuples(NAMES, st.sampled_from(["..", "/", "/nowhere", "a", "../images", "Dockerfile"])), max_size=2)


@settings(max_examples=examples(40), suppress_health_check=list(HealthCheck))
@given(st.dictionaries(NAMES, st.dictionaries(NAMES, DOCKERFILES, max_size=3), max_size=4), TREES, LINKS)
def test_any_tree_is_findings_or_an_error(
    images: dict[str, dict[str, bytes]], tops: dict[str, bytes], links: list[tuple[str, str]]
) -> None:
    """Nothing else is ever raised."""
    root = Path(tempfile.mkdtemp(prefix="stackyard-tree-"))
    try:
        (root / ".git").mkdir()
        (root / "images").mkdir()
        for image, files in images.items():
            (root / "images" / image).mkdir()
            for name, data in files.items():
                (root / "images" / image / name).write_bytes(data)
        for name, data in tops.items():
            (root / "images" / name).write_bytes(data)
        for name, to in links:
            folder = root / "images" / next(iter(images), "")
            if not os.path.lexists(folder / name):
                os.symlink(to, folder / name)
        answer(root)
    finally:
        shutil.rmtree(root)


SIZE = examples(1, 5)
"""How large the large ones are; each byte is read in the same time, or a fifth of it takes minutes, too."""
LONG = b"x-a: " + b"a b " * 400_000 * SIZE


def made(root: Path, files: dict[str, bytes]) -> Path:
    """A repository with these files."""
    (root / ".git").mkdir(parents=True)
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"images/spec.yml": LONG + b"\n" + b"# b\n" * 100_000 * SIZE + b"images: 1"}, "wrong-"),
        (
            {"images/spec.yml": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
                b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n, n, *[n - 1] * 9) for n in range(98, 110)
            ) + b"images: {lab: }\n"},
            "missing-folder unknown-key",
        ),
        ({"images/lab/Dockerfile": b"FROM a\0b\n"}, "dockerfile"),
        ({"images/lab/Dockerfile": b"FROM a\nLABEL a=\xff\n"}, "dockerfile"),
        ({"images/lab/Dockerfile": b"FROM a\n" + b"RUN x \\\n" * 60_000 * SIZE + b" y\n"}, "not-tested"),
        ({"images": b""}, "is a file, not a folder of images"),
        ({"images/Gro\xc3\x9f .Lab/Dockerfile".encode("latin-1").decode(): b"FROM a\n"}, "renamed"),
        ({"images/change_ignore.json": b'{"BuildAll": ["../.."]}', "images/a/Dockerfile": b"FROM a"}, "wrong-value"),
        ({"images/spec.yml": b"images: {a: {context: ../../etc}}"}, "wrong-value"),
        ({"images/spec.yml": b"images: {..: }"}, "wrong-value"),
    ],
    ids=["megabytes", "laughs", "NUL", "latin-1", "long RUN", "file", "name", "rules", "context", "dots"],
)  # fmt: skip
def test_bad_files(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    """A finding or an error that names it, in reasonable time."""
    assert said in answer(made(tmp_path / "stack", files))


@pytest.mark.parametrize(
    ("link", "is_folder"),
    [
        ("images", True),
        ("images/lab", True),
        ("images/lab/Dockerfile", False),
        ("images/lab/test", True),
        ("images/tests_common", True),
        ("images/spec.yml", False),
        ("images/change_ignore.json", False),
        ("stackyard.yml", False),
        ("images/lab/.dockerignore", False),
        ("images/lab/data", True),
        ("images/conftest.py", False),
    ],
)
def test_nothing_outside_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, is_folder: bool) -> None:
    """A link that leads out of the repository, wherever it stands: told, or taken as the link it is."""
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    for file in (outside / "file", outside / "folder" / "Dockerfile", outside / "folder" / "lab.py"):
        file.write_bytes(OUTSIDE)
    root = made(tmp_path / "stack", {"images/lab/Dockerfile": b"FROM a\nCOPY . /\n", "images/lab/x": b""})
    full = root / link
    if full.is_dir():
        shutil.rmtree(full)
    full.unlink(missing_ok=True)
    os.symlink(outside / ("folder" if is_folder else "file"), full)
    opened = watched(monkeypatch, outside)

    said = answer(root)

    assert opened == []
    if link not in ("images/lab/data", "images/conftest.py"):
        assert re.search("leads|no-images|dockerfile", said), said


def watched(monkeypatch: pytest.MonkeyPatch, outside: Path) -> list[str]:
    """Paths below `outside` that are opened or listed from now on."""
    opened: list[str] = []

    def watch(module: object, name: str) -> None:
        real: Callable[..., object] = getattr(module, name)

        def told(path: object, *rest: object, **named: object) -> object:
            if isinstance(path, str | bytes | os.PathLike):
                where = os.path.realpath(os.fsdecode(path))
                if where.startswith(str(outside)):
                    opened.append(f"{name} {where}")
            return real(path, *rest, **named)

        monkeypatch.setattr(module, name, told)

    for module, name in (("os", "open"), ("os", "scandir"), ("os", "listdir"), ("builtins", "open"), ("io", "open")):
        watch(__import__(module), name)
    return opened
