# SPDX-License-Identifier: MIT
"""A look tells most of an image; the rest is read when somebody asks, and is as if it had been read at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from stackyard.check.findings import refuse_errors
from stackyard.load.memory import Memory
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.listed import TreeFiles
from stackyard.load.tree.place import Place, place_in
from stackyard.model.decide import Need, Presence
from stackyard.model.inputs import BlobId
from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.plan import Plan
from stackyard.model.reference import Platform
from stackyard.model.stack import Revision, Stack
from stackyard.model.trees import in_folders, with_ids
from stackyard.plan.compare import compare

SETTINGS = Settings(Platform("linux/amd64"))
FILES = {
    "images/spec.yml": "images:\n  base: {}\n  lab: {depend_on: base}\n",
    "images/base/Dockerfile": "FROM debian:12\nCOPY a.txt /a\n",
    "images/base/a.txt": "a\n",
    "images/lab/Dockerfile": "ARG BASE_TAG\nFROM base:$BASE_TAG\nARG V=1\nRUN make $V\nCOPY . /lab\n",
    "images/lab/src/b.txt": "b\n",
    "images/lab/test/test_lab.py": "def test_lab(): pass\n",
    "images/tests_common/test_all.py": "def test_all(): pass\n",
}
SPEC = "images:\n  base: {}\n  lab: {depend_on: base%s}\n%s"
LAB, BASE = "images/lab/Dockerfile", "images/base/Dockerfile"
FROM = "ARG BASE_TAG\nFROM base:$BASE_TAG\n"
PLATFORMS = "images:\n  arm: {platforms: [linux/arm64]}\n  base: {}\n  lab: {depend_on: base}\n"
SEEN: dict[str, Mapping[str, str | None]] = {
    "as nearly all are": {},
    "without tests of its own": {"images/lab/test/test_lab.py": None},
    "integration tests": {
        "images/spec.yml": SPEC % (", integration_tests: true", ""),
        "images/lab/integration_tests/test_all.py": "def test_all(): pass\n",
    },
    "a test folder that is copied": {LAB: f"{FROM}COPY test /t\n"},
    "settings": {"images/spec.yml": SPEC % (", max_age: 3d, retries: 1", "network: none\ngranularity: copied\n")},
    "a base outside": {LAB: "FROM debian:11\n", "images/spec.yml": SPEC.replace("depend_on: base", "") % ("", "")},
    "checks": {"images/spec.yml": SPEC % (", checks: {user: root}", "")},
    "ignore rules": {"images/lab/.dockerignore": "src\n"},
    "ignore rules of one Dockerfile": {"images/lab/Dockerfile.dockerignore": "src\n"},
    "what never counts": {"images/change_ignore.json": '{"ChangeIgnore": ["lab/src"]}'},
    "versions": {"images/lab/versions.yaml": "'3.11':\n  docker_args: {}\n'3.12':\n  docker_args: {}\n"},
    "what counts for all": {"images/change_ignore.json": '{"BuildAll": ["base/a.txt"]}'},
}
READ: dict[str, Mapping[str, str | None]] = {
    "what a parent does in it": {BASE: "FROM debian:12\nONBUILD ARG V\nONBUILD COPY src /s\n"},
    "a tag that is content": {LAB: f"{FROM}ARG BASE_TAG\nRUN echo $BASE_TAG\n"},
    "a tag that is content by another name": {LAB: f"ARG BASE_TAG\nARG X=$BASE_TAG\n{FROM[13:]}ARG X\nRUN x\n"},
    "a second stage": {LAB: f"FROM debian:12 AS tools\n{FROM}COPY --from=tools /a /b\n"},
    "ignore rules that are wrong": {"images/lab/.dockerignore": "!\n"},
    "a Dockerfile that cannot be read": {LAB: "FORM base\n"},
    "no Dockerfile": {LAB: None},
    "another Dockerfile": {
        "images/spec.yml": SPEC % (", dockerfile: images/lab/Other", ""),
        "images/lab/Other": "FROM base\n",
    },
    "a link": {"images/lab/src/c.txt": "-> b.txt"},
    "a folder without a test": {
        "images/lab/test/test_lab.py": None,
        "images/lab/test/x.py": "x\n",
        "images/tests_common/test_all.py": None,
    },
    "a test folder with a test's name only": {
        "images/lab/test/test_lab.py": None,
        "images/lab/test/test_x.py/data.txt": "x\n",
        "images/lab/test/test___pycache__.py": "x\n",
        "images/tests_common/test_all.py": None,
    },
    "integration tests with a test's name only": {
        "images/spec.yml": SPEC % (", integration_tests: true", ""),
        "images/lab/integration_tests/test_x.py/data.txt": "x\n",
    },
    "a file in the folder's place": {
        **{path: None for path in FILES if path.startswith("images/lab/")},
        "images/lab": "x\n",
    },
    "no integration tests": {"images/spec.yml": SPEC % (", integration_tests: true", "")},
    "structure tests": {"images/lab/test/structure-test.yaml": "schemaVersion: 2.0.0\n"},
    "structure tests that are wrong": {"images/lab/container-structure-test.yaml": "commandTests: 1\n"},
    "a parent that it does not use": {LAB: "FROM debian:12\n"},
    "an unknown command": {"images/spec.yml": SPEC % (", info_cmds: [os]", "")},
    "platforms": {"images/spec.yml": SPEC % (", platforms: [linux/amd64, linux/arm64]", "")},
    "another image that is for another platform": {
        "images/spec.yml": PLATFORMS,
        "images/arm/Dockerfile": "FROM debian:12\n",
        BASE: "FROM $TARGETARCH/debian:12\n",
    },
    "a name that is no text": {"images/lab/src/\udcff": "x\n"},
    "Windows": {LAB: "FROM mcr.microsoft.com/windows/servercore:ltsc2022\n"},
    "a base that has no name": {LAB: "FROM Base:1\n"},
    "a stage that is wanted": {"images/spec.yml": SPEC % (", target: one", ""), LAB: f"{FROM[:-1]} AS one\n"},
}  # fmt: skip


class Read:
    """The stack in files of memory, and which of them were opened."""

    def __init__(self, change: Mapping[str, str | None], kept: dict[bytes, bytes] | None, branch: str = "main") -> None:
        files = {path: text for path, text in {**FILES, **change}.items() if text is not None}
        self.data = {path: text.removeprefix("-> ").encode("utf-8", "surrogateescape") for path, text in files.items()}
        kinds = {path: "link" if text.startswith("-> ") else "file" for path, text in files.items()}
        folders = in_folders([(path, kinds[path], str(BlobId.of(self.data[path]))) for path in sorted(files)])
        with_ids(folders)
        self.opened: list[str] = []
        place = place_in(TreeFiles(folders, self._bytes), Place(Path("/stack"), "images", "images/spec.yml"), False)
        assert place is not None
        self.memory = Memory(kept, reads_later=True) if kept is not None else None
        self.stack = load_stack(place, Revision("a" * 40, branch, False), SETTINGS, memory=self.memory)

    def _bytes(self, path: str, _: str) -> bytes:
        self.opened.append(path)
        return self.data[path]

    @property
    def kept(self) -> dict[bytes, bytes]:
        """What is kept for the next."""
        assert self.memory is not None
        return self.memory.kept


def is_same(one: Stack, other: Stack) -> bool:
    """Whether nothing is different that anybody could see."""
    return (one.targets, one.findings) == (other.targets, other.findings)


def is_whole(stack: Stack, image: str) -> bool:
    """Whether an image was read at once."""
    return next(target.reading.is_fresh for target in stack.targets if target.image == image)


@pytest.mark.parametrize("change", SEEN.values(), ids=SEEN)
def test_what_is_usual_is_read_later(change: Mapping[str, str | None]) -> None:
    """And is then what it would have been; the same with what was kept unread, with what was kept read, elsewhere."""
    whole, seen = Read(change, None), Read(change, {})
    assert not is_whole(seen.stack, "lab")
    unread = seen.kept
    assert is_same(seen.stack, whole.stack)
    again = Read(change, unread)
    assert not is_whole(again.stack, "lab")
    assert is_same(again.stack, whole.stack)
    third = Read(change, again.kept)
    assert third.memory is not None
    assert not third.memory.has_news
    assert not {LAB, BASE} & set(third.opened)
    assert is_same(third.stack, whole.stack)
    for kept in (unread, again.kept):
        assert is_same(Read(change, kept, "topic").stack, Read(change, None, "topic").stack)


@pytest.mark.parametrize("change", READ.values(), ids=READ)
def test_what_is_not_is_read_at_once(change: Mapping[str, str | None]) -> None:
    """All that can bring a finding, or be wrong, brings the same one."""
    whole, seen = Read(change, None), Read(change, {})
    assert all(is_whole(seen.stack, target.image) for target in seen.stack.targets if target.image == "lab")
    assert is_same(seen.stack, whole.stack)


def test_a_parent_that_cannot_be_read_acts_in_its_children() -> None:
    """What is kept of a child follows from its parent's Dockerfile: whatever else is wrong there, now or later."""
    acts = {BASE: "FROM debian:12\nONBUILD COPY test /t\n", LAB: FROM}
    broken, mended = ({**acts, "images/base/.dockerignore": text} for text in ("[\n", "x\n"))
    assert any(finding.level == "error" for finding in Read(broken, None).stack.findings)
    for before, after in ((broken, mended), (mended, broken)):
        assert is_same(Read(after, Read(before, {}).kept).stack, Read(after, None).stack)


def planned(stack: Stack) -> Plan:
    """Of all images, where nothing is known."""
    refuse_errors(stack)
    return compare(stack, NOTHING_KNOWN, frozenset(target.name for target in stack.targets), Presence(), Need())


def test_a_first_plan_opens_dockerfiles_alone() -> None:
    """Where nothing was built before nobody looks into what images are made of, but into those without a parent."""
    seen = Read({}, {})
    made = planned(seen.stack)
    assert [(str(step.target), step.action) for step in made.steps] == [("base", "build"), ("lab", "build")]
    assert not seen.stack.targets[1].reading.is_fresh
    assert made.steps[1].suites == Read({}, None).stack.targets[1].suites
    assert seen.stack.targets[1].reading.is_fresh
