# SPDX-License-Identifier: MIT
"""`stackyard adopt`: what is published, whoever published it, as of a commit."""

from __future__ import annotations

import subprocess

import pytest

from stackyard.errors import RegistryUnreachable
from tests.repositories import commit
from tests.unit.cli.conftest import Shell


def head(shell: Shell) -> str:
    """The commit the stack is at."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=shell.root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def published(shell: Shell) -> Shell:
    """A stack that another clone has published, and this one knows nothing of."""
    spec = shell.root / "images/spec.yml"
    spec.write_text("records: local\n" + spec.read_text())
    commit(shell.root)
    assert shell("build", "--push").code == 0
    for file in (shell.root / ".stackyard").glob("records*"):
        file.unlink()
    return shell


def test_what_is_published_would_be_adopted(published: Shell) -> None:
    """Each image with its tag, digest and platforms; that the child stands on its parent; exit code 0."""
    before = len(published.registry.requests)
    said = published("adopt")
    rows = [line.split("  ") for line in said.out.splitlines() if "would be adopted" in line and "registry." in line]

    assert said.code == 0
    assert [[cell.strip() for cell in row if cell.strip()][:3] for row in rows] == [
        ["base", "would be adopted", "registry.example/lab/base:main"],
        ["leaf", "would be adopted", "registry.example/lab/leaf:main"],
    ]
    assert said.out.splitlines()[-2:] == ["2 images, all there.", "Nothing was written: this is what would be adopted."]
    assert {request.verb for request in published.registry.requests[before:]} == {"manifest", "blob"}


def test_nothing_is_written(published: Shell) -> None:
    """Neither records nor tags; no engine is asked."""
    calls = len(published.engine.calls)
    published("adopt")

    assert not list((published.root / ".stackyard").glob("records*"))
    assert len(published.engine.calls) == calls
    assert "2 to build" in published("plan").out


def test_json_has_all_of_it(published: Shell) -> None:
    """One object, with whole digests."""
    said = published("adopt", "leaf", "--json").json
    base, leaf = said["targets"]

    assert (said["complete"], said["written"], said["commit"]) == (
        True,
        False,
        head(published),
    )
    assert base["digest"].startswith("sha256:")
    assert base["platforms"] == [said["platform"]]
    assert leaf["parents"] == [{"target": "base", "below": True}]
    assert leaf["state"] == "adopt"


def test_what_is_missing_is_listed_and_ends_with_1(published: Shell) -> None:
    """A tag that only one image has: the other is left out, and so is what stands on it."""
    said = published("adopt", "--tag", "2025.1-stable")

    assert said.code == 1
    assert "0 of 2 images; left out: base and leaf." in said.out


def test_a_child_on_another_parent_is_left_out(published: Shell) -> None:
    """Its first layers say so, whatever its tag says."""
    published.engine.add("busybox:1.36", "another")
    (published.root / "images/base/Dockerfile").write_text("FROM busybox:1.36\nRUN echo more\n")
    commit(published.root, "another base")
    assert published("build", "base", "--push").code == 0
    said = published("adopt")

    assert said.code == 1
    assert "leaf: its first layers are not those of registry.example/lab/base:main" in said.out
    assert "1 of 2 images; left out: leaf." in said.out


def test_as_of_another_commit_the_stack_is_what_it_was_then(published: Shell) -> None:
    """An image that came later is none of it."""
    then = head(published)
    (published.root / "images/late").mkdir()
    (published.root / "images/late/Dockerfile").write_text("FROM busybox:1.36\n")
    spec = published.root / "images/spec.yml"
    spec.write_text(f"{spec.read_text()}  late:\n")
    commit(published.root, "late")

    assert [each["target"] for each in published("adopt", "--json").json["targets"]] == ["base", "leaf", "late"]
    at = published("adopt", "--at", then[:7], "--tag", "{commit}", "--json")
    assert (at.code, [each["reference"] for each in at.json["targets"]]) == (
        0,
        [f"registry.example/lab/{name}:{then[:7]}" for name in ("base", "leaf")],
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--at", "v9"), "there is no commit 'v9' in this clone"),
        (("--at", "main..HEAD"), "'main..HEAD' is more than one commit"),
        (("--tag", "a/b"), "'a/b' is not a valid tag"),
        (("nobody",), "no image is named 'nobody'"),
    ],
)
def test_what_cannot_be_understood(published: Shell, words: tuple[str, ...], told: str) -> None:
    """One sentence and exit code 2."""
    said = published("adopt", *words)

    assert said.code == 2
    assert said.err.startswith(f"error: {told}")


def test_a_registry_that_is_away(published: Shell) -> None:
    """Its own words beside each image; exit code 1, since nothing could be adopted."""
    away = RegistryUnreachable("cannot reach registry registry.example: no answer", address="registry.example")
    published.registry.fail_on(lambda _: True, away)
    said = published("adopt")

    assert said.code == 1
    assert "base and leaf: cannot reach registry registry.example: no answer" in said.out
    assert said.err == ""


def test_a_stack_without_a_registry(published: Shell) -> None:
    """There is no place to look: usage, exit code 2."""
    (published.root / "images/spec.yml").write_text("images:\n  base:\n  leaf: {depend_on: base}\n")

    said = published("adopt")

    assert said.code == 2
    assert "registry" in said.err
