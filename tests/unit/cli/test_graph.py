# SPDX-License-Identifier: MIT
"""`stackyard graph`: its forms, and what naming images does."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest

from tests.unit.cli.conftest import Shell


def test_the_tree(shell: Shell) -> None:
    """What builds on what; with what a plan does, in colours in a terminal."""
    assert shell("graph").out == "base\n└── leaf\n"
    assert shell("graph", "--bases").out == "busybox:1.36\n└── base\n    └── leaf\n"
    assert shell("graph", "--plan").out == "base  build  never built\n└── leaf  build  never built\n"
    assert "\x1b[33mbuild" in shell.in_terminal("graph", "--plan").out


def test_named_images_and_their_kin(shell: Shell) -> None:
    """What leads to them and what follows from them; the rest is left out."""
    (shell.root / "images/other").mkdir()
    (shell.root / "images/other/Dockerfile").write_text("FROM busybox:1.36\n")
    spec = shell.root / "images/spec.yml"
    spec.write_text(spec.read_text() + "  other:\n")

    assert shell("graph").out == "base\n└── leaf\nother\n"
    assert shell("graph", "leaf").out == shell("graph", "base").out == "base\n└── leaf\n"
    assert shell("graph", "other").out == "other\n"


@pytest.mark.parametrize(
    ("form", "begin"),
    [("tree", "base\n"), ("dot", 'digraph "stack" {\n'), ("mermaid", "flowchart LR\n"), ("svg", "<svg ")],
)
def test_forms(shell: Shell, form: str, begin: str) -> None:
    """Each begins as its readers want it."""
    said = shell("graph", "--format", form)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(begin)
    if form == "svg":
        ElementTree.fromstring(said.out)


def test_data(shell: Shell) -> None:
    """`--json` is short for one of the forms."""
    said = shell("graph", "--json", "--plan")

    assert said == shell("graph", "--format", "json", "--plan")
    assert [node["name"] for node in said.json["nodes"]] == ["base", "leaf"]
    assert said.json["edges"] == [{"parent": "base", "child": "leaf", "foundation": True}]


def test_a_stack_with_mistakes_is_drawn(shell: Shell) -> None:
    """One looks at the graph to find them; a plan is refused, as everywhere."""
    (shell.root / "images/leaf/Dockerfile").write_text("FROM registry.example/lab/base\nBOGUS\n")

    assert shell("graph").code == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_stream_without_lines_gets_plain_ones(shell: Shell, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Its tree is drawn with what every stream has; a name that it cannot hold is written out."""
    (shell.root / "images/лаб").mkdir()
    (shell.root / "images/лаб/Dockerfile").write_text("FROM registry.example/lab/base\n")
    spec = shell.root / "images/spec.yml"
    spec.write_text(spec.read_text() + "  лаб: {depend_on: base, image_name: lab}\n")
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        said = shell("graph")
    stream.flush()

    assert said.code == 0, said.err
    assert stream.buffer.getvalue().decode() == "base\n|-- leaf\n`-- \\u043b\\u0430\\u0431\n"  # type: ignore[attr-defined]
