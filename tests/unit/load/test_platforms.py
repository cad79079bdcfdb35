# SPDX-License-Identifier: MIT
"""What a stack is for: targets for each platform, on parents for what each stage asks for, and what joins them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from stackyard.load.stack import Rereader, Settings, load_stack, read_names
from stackyard.load.tree.place import find
from stackyard.model.names import TargetName
from stackyard.model.reference import Platform
from stackyard.model.stack import Stack
from tests.unit.plan.made import MAIN

BASE = "FROM debian:12\nCOPY . /base\n"
LAB = "FROM base\nCOPY . /lab\n"
SETTINGS = Settings(Platform("linux/amd64"))


def loaded(root: Path, spec: str, files: Mapping[str, str] | None = None) -> Stack:
    """A stack of two images with this spec."""
    for path, text in {
        "images/spec.yml": spec,
        "images/base/Dockerfile": BASE,
        "images/lab/Dockerfile": LAB,
        **(files or {}),
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return load_stack(find(root), MAIN, SETTINGS)


def parents(stack: Stack) -> dict[str, list[str]]:
    """Each target, and what it builds on."""
    return {str(target.name): [str(name) for name in target.parent_names] for target in stack.targets}


def errors(stack: Stack) -> list[str]:
    """Sentences of all errors."""
    return [finding.sentence for finding in stack.findings if finding.level == "error"]


def test_each_platform_has_a_target_and_one_joins_them(tmp_path: Path) -> None:
    """Those of one image share its files and differ in platform and parents; only what joins them has tags."""
    stack = loaded(tmp_path, "platforms: [linux/amd64, linux/arm64]\nimages: {base: , lab: }\ntag: {prefix: '1'}\n")

    assert parents(stack) == {
        "base+linux/amd64": [],
        "base+linux/arm64": [],
        "base": ["base+linux/amd64", "base+linux/arm64"],
        "lab+linux/amd64": ["base+linux/amd64"],
        "lab+linux/arm64": ["base+linux/arm64"],
        "lab": ["lab+linux/amd64", "lab+linux/arm64"],
    }
    assert [target.inputs.platform for target in stack.targets[:3]] == ["linux/amd64", "linux/arm64", ""]
    assert [bool(target.templates.fixed) for target in stack.targets] == [False, False, True] * 2
    assert stack.target(TargetName("lab+linux/arm64")).foundation == "base+linux/arm64"
    reread = Rereader(find(tmp_path), MAIN, SETTINGS)(TargetName("lab+linux/arm64"))
    assert reread is not None
    assert reread.inputs.platform == "linux/arm64"
    names, _ = read_names(find(tmp_path))
    assert set(names) == {target.name for target in stack.targets}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            "platforms: [linux/amd64, linux/arm64]\nimages: {base: , lab: {platforms: linux/arm64}}\n",
            {"lab": ["base+linux/arm64"]},
        ),
        (
            "platforms: [linux/amd64, linux/arm64]\nimages: {base: , lab: {only_on: linux/amd64}}\n",
            {"lab": ["base+linux/amd64"]},
        ),
        ("platforms: linux/arm64\nimages: {base: , lab: }\n", {"lab": ["base"]}),
        ("images: {base: {platforms: [linux/amd64, linux/arm64]}, lab: }\n", {"lab": ["base+linux/amd64"]}),
    ],
    ids=["one of the parent's", "left out", "one for all", "this machine's own"],
)
def test_an_image_for_one_platform_has_its_plain_name(
    tmp_path: Path, spec: str, expected: dict[str, list[str]]
) -> None:
    """It stands on its parent for that platform; nothing joins it."""
    stack = loaded(tmp_path, spec)

    assert {name: on for name, on in parents(stack).items() if name.startswith("lab")} == expected
    assert errors(stack) == []


def test_a_parent_that_is_not_for_the_platform_is_an_error(tmp_path: Path) -> None:
    """A child cannot be for more than what it stands on."""
    spec = "images:\n  base: {platforms: linux/amd64}\n  lab: {platforms: [linux/amd64, linux/arm64]}\n"
    assert errors(loaded(tmp_path, spec)) == ["image 'lab' needs 'base' for linux/arm64, and that is not built for it"]


def test_a_stage_that_builds_here_stands_on_its_parent_for_here(tmp_path: Path) -> None:
    """`FROM --platform=$BUILDPLATFORM` of an image of the stack is that image for the machine that builds."""
    cross = "FROM --platform=$BUILDPLATFORM base AS tool\nFROM scratch\nCOPY --from=tool /x /x\n"
    spec = "platforms: [linux/amd64, linux/arm64]\nimages: {base: , lab: }\n"
    stack = loaded(tmp_path, spec, {"images/lab/Dockerfile": cross})
    assert parents(stack)["lab+linux/arm64"] == ["base+linux/amd64"]

    stack = loaded(tmp_path, spec, {"images/lab/Dockerfile": cross.replace("FROM scratch", "FROM base")})
    assert errors(stack) == ["image 'lab' needs 'base' for linux/amd64 and for linux/arm64 in one build"]


@pytest.mark.parametrize("text", ["arm64", "linux", "darwin/arm64", "linux/ARM64"])
def test_what_is_no_platform_is_an_error_where_it_stands(tmp_path: Path, text: str) -> None:
    """Of the stack and of an image."""
    stack = loaded(tmp_path, f"platforms: {text}\nimages:\n  base: {{platforms: [linux/amd64, {text}]}}\n  lab:\n")
    assert errors(stack) == [
        f"`platforms` of image 'base': {text!r} is not a valid platform",
        f"`platforms` of the file: {text!r} is not a valid platform",
    ]
