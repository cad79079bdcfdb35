# SPDX-License-Identifier: MIT
"""`build IMAGE --test`: the published parent by digest, whatever was built here since, and nothing else touched."""

from __future__ import annotations

import pytest

from stackyard.edges.engine import BuildRequest
from stackyard.model.reference import LocalImage, Reference
from tests.unit.cli.conftest import Said, Shell

BASE = "registry.example/lab/base"


@pytest.fixture
def tried(shell: Shell) -> list[BuildRequest]:
    """What was built, from when both images are published, the base was changed and built here, and the leaf edited."""
    shell("build", "--push")
    (shell.root / "images" / "base" / "new").write_text("x")
    shell("build", "base")
    (shell.root / "images" / "leaf" / "new").write_text("x")
    built: list[BuildRequest] = []
    shell.engine.before_build = built.append
    shell.engine.calls.clear()
    return built


def published(shell: Shell) -> LocalImage:
    """The image of the base that the registry has."""
    data = shell("history", "--json").json["runs"]
    digest = next(
        outcome["published"]["digest"]
        for run in data
        for outcome in run["outcomes"]
        if outcome["target"] == "base" and outcome["published"] and outcome["published"]["digest"]
    )
    facts = shell.engine.inspect(f"{BASE}@{digest}")
    assert facts is not None
    return facts.image


def test_on_the_published_parent_and_nothing_else(shell: Shell, tried: list[BuildRequest]) -> None:
    """One build, on the image that the registry has; no other name moves, nothing is pushed or pulled."""
    before = {name: id_ for name, id_ in shell.engine.names().items() if "leaf" not in name}
    said = shell("build", "leaf", "--test")
    wanted = published(shell)

    assert said.code == 0
    assert f"on what is published of base: {BASE}@sha256:" in said.out
    assert [set(request.pins.values()) for request in tried] == [{wanted}]
    assert {name: id_ for name, id_ in shell.engine.names().items() if "leaf" not in name} == before
    assert not [call for call in shell.engine.calls if call[0] in ("push", "pull")]


def test_only_takes_the_last_build(shell: Shell, tried: list[BuildRequest]) -> None:
    """That is the other one: the difference is what --test is for."""
    shell("build", "leaf", "--only")

    assert [set(request.pins.values()) for request in tried] != [{published(shell)}]


def test_a_published_parent_is_fetched_by_digest(shell: Shell, tried: list[BuildRequest]) -> None:
    """On another day its image is not here any more."""
    for name in shell.engine.names():
        if "/base" in name:
            shell.engine.untag(Reference.parse(name))
    said = shell("build", "leaf", "--test")
    pulled = [subject for verb, subject in shell.engine.calls if verb == "pull"]

    assert said.code == 0
    assert len(pulled) == 1
    assert pulled[0].startswith(f"{BASE}@sha256:")


def test_a_parent_that_was_never_published_is_taken_as_built(shell: Shell) -> None:
    """In a stack without a registry nothing is: the last build has to do, and a parent without any is an error."""
    shell("build", "base")
    good = shell("build", "leaf", "--test", "--json")
    (shell.root / ".stackyard" / "records.sqlite3").unlink()
    bad = shell("build", "leaf", "--test")

    assert good.json["good"] is True
    assert bad.code == 2
    assert "leaf builds on base, which is not selected and has no build to stand on" in bad.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("build --test", "--test needs an IMAGE"),
        ("build leaf --test --push", "--test publishes nothing"),
        ("build laef --test", "no image is named 'laef'"),
    ],
)
def test_what_makes_no_sense(shell: Shell, words: str, sentence: str) -> None:
    """Is refused, and nothing is built."""
    said: Said = shell(*words.split())

    assert said.code == 2
    assert sentence in said.err
    assert not [call for call in shell.engine.calls if call[0] == "build"]
