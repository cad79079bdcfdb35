# SPDX-License-Identifier: MIT
"""What is in an image: which facts make two images the same."""

from __future__ import annotations

from typing import Any

from stackyard.model.content import ImageFacts, content_digest
from stackyard.model.reference import LocalImage, Platform
from tests.cases import each_of
from tests.unit.plan.made import sha

CONFIG: dict[str, Any] = {"Env": ["A=1"], "Cmd": ["sh"], "User": "nobody", "Labels": {"a": "b"}}


def facts(
    *layers: str, config: dict[str, Any] | None = None, platform: str = "linux/amd64", image: str = "1"
) -> ImageFacts:
    """An image of these layers."""
    return ImageFacts(
        LocalImage(sha(image)), tuple(map(sha, layers)), CONFIG if config is None else config, Platform(platform), 1
    )


def test_the_same_content_is_the_same_whatever_the_id() -> None:
    """Id, size and where it was pushed to are not content: two stores give one image two ids."""
    assert content_digest(facts("a", "b", image="1")) == content_digest(facts("a", "b", image="2"))


@each_of(
    "other",
    [
        facts("a"),
        facts("b", "a"),
        facts("a", "b", "c"),
        facts("a", "b", platform="linux/arm64"),
        facts("a", "b", config={**CONFIG, "Env": ["A=2"]}),
        facts("a", "b", config={**CONFIG, "User": ""}),
        facts("a", "b", config={**CONFIG, "Entrypoint": ["x"]}),
        facts("a", "b", config={**CONFIG, "Labels": {}}),
    ],
)
def test_other_layers_or_another_runtime_config_are_other_content(other: ImageFacts) -> None:
    """Layers in their order, the platform, and what a container of the image does."""
    assert content_digest(other) != content_digest(facts("a", "b"))


def test_empty_and_absent_are_the_same() -> None:
    """Engines differ in which empty fields they write, and in fields that say nothing of a container."""
    extra: dict[str, Any] = {"Volumes": None, "Entrypoint": [], "WorkingDir": "", "Hostname": "x", "Image": "sha256:1"}

    assert content_digest(facts("a", config={**CONFIG, **extra})) == content_digest(facts("a"))


def test_a_child_stands_on_its_parents_layers() -> None:
    """The parent's layers are the first of the child's; an image stands on itself."""
    parent, child, stranger = facts("a", "b"), facts("a", "b", "c"), facts("b", "a", "c")

    assert child.is_built_on(parent)
    assert parent.is_built_on(parent)
    assert not stranger.is_built_on(parent)
    assert not parent.is_built_on(child)
