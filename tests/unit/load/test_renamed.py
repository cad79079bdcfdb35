# SPDX-License-Identifier: MIT
"""What was read on one branch serves another: a tag that is only a name is replaced, and every other one read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.load.memory import Memory
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.listed import TreeFiles
from stackyard.load.tree.place import Place
from stackyard.model.inputs import BlobId
from stackyard.model.reference import Platform
from stackyard.model.stack import Revision, Stack
from stackyard.model.trees import in_folders

LAB = "registry.example/lab"
SPEC = f"registry: {LAB}\nimages:\n  base: {{}}\n  leaf: {{depend_on: base}}\n"
ARG = "ARG BASE_TAG=latest\n"
FROM = f"FROM {LAB}/base:${{BASE_TAG}}\n"
NAMES = {
    "as nearly everywhere": f"{ARG}{FROM}RUN make\n",
    "without braces, through a stage": f"{ARG}FROM {LAB}/base:$BASE_TAG AS one\nFROM one\nCOPY --from=one /a /b\n",
    "a front that is a variable": f"{ARG}ARG LAB={LAB}\nFROM ${{LAB}}/base:${{BASE_TAG}}\n",
    "beside an external base": f"{ARG}FROM debian:12 AS tools\n{FROM}COPY --from=tools /a /b\n",
}
MORE = {
    "declared and read after FROM": f"{ARG}{FROM}ARG BASE_TAG\nRUN echo $BASE_TAG\n",
    "an external base's, too": f"{ARG}FROM debian:${{BASE_TAG}} AS tools\n{FROM}",
    "in another argument": f"{ARG}ARG ALL={LAB}/base:${{BASE_TAG}}\nFROM $ALL\n",
    "a part of a tag": f"{ARG}FROM {LAB}/base:${{BASE_TAG}}-slim\n",
    "written out beside it": f"{ARG}FROM {LAB}/base:main AS other\n{FROM}",
    "a variable of the same value": f"{ARG}ARG ON=main\nFROM {LAB}/base:$ON AS other\n{FROM}",
    "in COPY": f"{ARG}{FROM}ARG BASE_TAG\nCOPY --from={LAB}/base:${{BASE_TAG}} /a /b\n",
    "in a path": f"{ARG}{FROM}ARG BASE_TAG\nCOPY ${{BASE_TAG}} /b\n",
    "of a platform": f"{ARG}FROM --platform=linux/$BASE_TAG {LAB}/base:${{BASE_TAG}}\n",
    "in a finding": f"{ARG}FROM {LAB}/base:${{BASE_TAG}}\nFROM Wrong:${{BASE_TAG}}\n",
    "the frontend's": f"# syntax=docker/dockerfile:main\n{ARG}{FROM}",
}


def stacks(leaf: str, base: str = "FROM debian:12\n", spec: str = SPEC) -> tuple[list[tuple[Stack, Stack]], set[str]]:
    """The stack on one branch after the other, read with what was kept and without; what had to be opened again."""
    texts = {"images/spec.yml": spec, "images/base/Dockerfile": base, "images/leaf/Dockerfile": leaf}
    data = {path: text.encode() for path, text in {**texts, "images/leaf/main": "x"}.items()}
    opened: list[str] = []

    def read(path: str, _: str) -> bytes:
        opened.append(path)
        return data[path]

    def loaded(branch: str, memory: Memory | None) -> Stack:
        rows = [(path, "file", str(BlobId.of(text))) for path, text in data.items()]
        place = Place(Path("/stack"), "images", "images/spec.yml", TreeFiles(in_folders(rows), read))
        return load_stack(place, Revision("a" * 40, branch, False), Settings(Platform("linux/amd64")), memory=memory)

    first = Memory(reads_later=True)
    pairs = [(loaded("main", first), loaded("main", None))]
    kept, again = first.kept, set[str]()
    for branch in ("topic", "main", "latest"):
        memory = Memory(kept, reads_later=True)
        opened.clear()
        found = loaded(branch, memory)
        again.update(opened)
        pairs.append((found, loaded(branch, None)))
        kept = memory.kept
    return pairs, again


def is_same(one: Stack, other: Stack) -> bool:
    """Whether nothing is different that anybody could see."""
    return (one.targets, one.findings, dict(one.dockerfiles)) == (
        other.targets,
        other.findings,
        dict(other.dockerfiles),
    )


@pytest.mark.parametrize("leaf", NAMES.values(), ids=NAMES)
def test_a_name_is_replaced(leaf: str) -> None:
    """No Dockerfile is read on the second branch, and all is as if it had been."""
    pairs, again = stacks(leaf)

    assert all(is_same(*pair) for pair in pairs)
    assert [pair[0].targets[1].args[0] for pair in pairs] == [
        ("BASE_TAG", x) for x in ("main", "topic", "main", "latest")
    ]
    assert again == set()


@pytest.mark.parametrize("leaf", MORE.values(), ids=MORE)
def test_what_could_be_more_than_a_name_is_read_again(leaf: str) -> None:
    """Then all is as if nothing had been kept, because nothing of use was."""
    pairs, again = stacks(leaf)

    assert all(is_same(*pair) for pair in pairs)
    assert "images/leaf/Dockerfile" in again


def test_what_a_parent_says_to_its_children() -> None:
    """It declares the argument in them, so that its value counts."""
    pairs, again = stacks(f"{ARG}{FROM}", base="FROM debian:12\nONBUILD ARG BASE_TAG\nONBUILD RUN echo $BASE_TAG\n")

    assert all(is_same(*pair) for pair in pairs)
    assert "images/leaf/Dockerfile" in again


def test_a_tag_that_the_spec_gives() -> None:
    """It is the same on every branch."""
    pairs, _ = stacks(f"{ARG}{FROM}", spec=SPEC.replace("base}", "base, build_args: {BASE_TAG: fixed}}"))

    assert all(is_same(*pair) for pair in pairs)
    assert {pair[0].targets[1].args[0] for pair in pairs} == {("BASE_TAG", "fixed")}
