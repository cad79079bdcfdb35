# SPDX-License-Identifier: MIT
"""A stack that several processes read is the stack that one reads: targets, findings, their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from stackyard.load.memory import Memory
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.files import TreeFiles
from stackyard.load.tree.place import Place
from stackyard.model.inputs import BlobId
from stackyard.model.reference import Platform
from stackyard.model.stack import Revision, Stack
from stackyard.model.trees import in_folders
from tests.unit.load.made import Maker

SETTINGS = Settings(Platform("linux/amd64"))


def in_turn(count: int, own: Callable[[slice], object], afar: Callable[[slice], bytes]) -> Iterable[bytes]:
    """Every third part is read here, every third elsewhere, every third by nobody: its reader failed."""
    for at in range(0, count, 3):
        own(slice(at, at + 1))
    return [afar(slice(at, at + 1)) for at in range(1, count, 3)]


def made(dockerfiles: dict[str, str], spec: str) -> Place:
    """A stack in memory; each image has a file and a test folder, all share tests."""
    data = {"images/spec.yml": spec.encode(), "images/tests_common/test_all.py": b"def test_all(): pass\n"}
    for name, text in dockerfiles.items():
        data[f"images/{name}/Dockerfile"] = text.encode("utf-8", "surrogateescape")
        data[f"images/{name}/a"] = name.encode()
        data[f"images/{name}/test/test_it.py"] = b"def test_it(): pass\n"
    rows = [(path, "file", str(BlobId.of(text))) for path, text in data.items()]
    return Place(Path("/stack"), "images", "images/spec.yml", TreeFiles(in_folders(rows), lambda path, _: data[path]))


def loaded(place: Place, memory: Memory | None = None) -> Stack:
    """The stack; read with others where there is a memory for what they say."""
    at = Revision("a" * 40, "main", is_dirty=False)
    return load_stack(place, at, SETTINGS, memory=memory, share=in_turn if memory is not None else None)


@pytest.mark.parametrize("seed", range(3))
def test_whoever_reads_a_dockerfile_it_is_read_alike(seed: int) -> None:
    """Sixty files, good ones and refused ones, on each other: all that is found is found in the same order."""
    maker = Maker(seed)
    texts = {f"lab-{number:02}": maker.dockerfile() for number in range(60)}
    texts |= {f"child-{number}": f"ARG BASE_TAG\nFROM lab-0{number}:$BASE_TAG\nCOPY a /a\n" for number in range(9)}
    spec = "images:\n" + "".join(
        f"  {name}:\n    depend_on: {'lab-00' if name != 'lab-00' else 'nobody'}\n    build_args: {{A: '{name}'}}\n"
        for name in texts
    )
    place = made(texts, spec)
    plain, memory = loaded(place), Memory()
    shared = loaded(place, memory)

    assert len(plain.targets) > 20
    assert {finding.code for finding in plain.findings} > {"dockerfile", "parent-not-used"}
    assert shared.targets == plain.targets
    assert shared.findings == plain.findings
    assert dict(shared.dockerfiles) == dict(plain.dockerfiles)


def test_what_others_read_is_kept_for_the_next_command() -> None:
    """Who reads after them opens no Dockerfile, and has the same stack."""
    place = made(dict.fromkeys(("one", "two", "three"), "FROM debian:12\nCOPY a /a\n"), "images: {one, two, three}")
    memory = Memory()
    first = loaded(place, memory)

    assert memory.has_news
    again = Memory(memory.kept)
    assert loaded(place, again).targets == first.targets
    assert not again.has_news


def test_a_version_for_each_platform_is_read_alike() -> None:
    """Targets of several platforms are shared like any other."""
    texts = {"base": "FROM debian:12\nCOPY a /a\n", "leaf": "FROM base\nARG A\nCOPY a /b\n"}
    listed = "images:\n  base: {}\n  leaf: {depend_on: base}\n"
    place = made(texts, f"platforms: [linux/amd64, linux/arm64]\n{listed}")

    shared, plain = loaded(place, Memory()), loaded(place)

    assert len(plain.targets) == 6
    assert (shared.targets, shared.findings) == (plain.targets, plain.findings)
