# SPDX-License-Identifier: MIT
"""`stackyard copy`: images to another registry, under which tags, and what is refused there."""

from __future__ import annotations

import pytest

from stackyard.errors import RegistryRefused
from stackyard.model.names import Tag
from tests.repositories import commit
from tests.unit.cli.conftest import Shell

SPEC = """\
registry: registry.example/lab
registries:
  public: {registry: docker.io/campus, images: [leaf]}
  chosen: {registry: other.example, version: new}
images:
  base:
  leaf: {depend_on: base}
"""
VERSIONED = SPEC.replace(
    "leaf: {depend_on: base}",
    "leaf: {depend_on: base, versions: [old, new], build_args: {V: '{version}'}}\n"
    "tag: {moving: ['{version}-{branch}']}",
)


@pytest.fixture
def published(shell: Shell) -> Shell:
    """Two images, built and published."""
    (shell.root / "images/spec.yml").write_text(SPEC)
    commit(shell.root)
    assert shell("build", "--push").code == 0
    return shell


def edited(shell: Shell, text: str) -> None:
    """Another leaf, published."""
    dockerfile = shell.root / "images/leaf/Dockerfile"
    dockerfile.write_text(f"{dockerfile.read_text()}ARG V\nRUN {text}\n")
    commit(shell.root, text)
    assert shell("build", "--push").code == 0


def tags(shell: Shell, repository: str) -> dict[str, str]:
    """Where the tags of a repository are, without content tags."""
    return {tag: at for tag, at in shell.registry.tags(repository).items() if not tag.startswith("sy-")}


def test_images_go_under_the_name_they_have(published: Shell) -> None:
    """To an address: every image with its content tag and the tag that was named; a second time nothing travels."""
    said = published("copy", "main", "--to", "other.example/x", "--yes")
    again = published("copy", "main", "--to", "other.example/x", "--yes")

    assert said.code == 0
    assert said.out.splitlines()[-1] == (
        "2 images in other.example/x, 2 tags moved. "
        "Blobs: 7 sent (5.6 kB), 0 taken over within the registry, 0 there already."
    )
    for image in ("base", "leaf"):
        ours, theirs = (published.registry.tags(f"{at}/{image}") for at in ("registry.example/lab", "other.example/x"))
        assert set(theirs.items()) <= set(ours.items())
        assert sorted(tag[:3] for tag in theirs) == ["mai", "sy-"]
    assert again.out.splitlines()[-1] == "2 images in other.example/x, 0 tags moved. Nothing had to travel."
    assert "copied main to other.example" in published("history").out


def test_a_registry_of_the_spec_takes_its_images(published: Shell) -> None:
    """By name; JSON has where each goes, and the dry run touches nothing."""
    before = published.registry.tags("docker.io/campus/leaf")
    said = published("copy", "main", "--to", "public", "--tag", "1.4.0", "--dry-run", "--json").json

    assert [(each["target"], each["to"]) for each in said["images"]] == [("leaf", "docker.io/campus/leaf")]
    assert [move["reference"] for move in said["tags"]["moves"]] == ["docker.io/campus/leaf:1.4.0"]
    assert said["travelled"] is None
    assert published.registry.tags("docker.io/campus/leaf") == before == {}


def test_latest_moves_when_asked_and_never_back(published: Shell) -> None:
    """An older version is published beside it; with --latest it is refused before anything is copied."""
    assert published("copy", "main", "--to", "public", "--tag", "1.10.0", "--latest", "--yes").code == 0
    first = tags(published, "docker.io/campus/leaf")
    edited(published, "one")
    older = published("copy", "main", "--to", "public", "--tag", "1.9.3", "--latest", "--yes")
    assert older.code == 1
    assert "docker.io/campus/leaf:latest does not go back to 1.9.3: 1.10.0 is there" in older.err
    assert tags(published, "docker.io/campus/leaf") == first

    assert published("copy", "main", "--to", "public", "--tag", "1.9.3", "--yes").code == 0
    assert published("copy", "main", "--to", "public", "--tag", "1.11.0-rc.1", "--latest", "--yes").code == 2
    there = tags(published, "docker.io/campus/leaf")
    assert there["latest"] == there["1.10.0"] != there["1.9.3"]


def test_latest_is_no_tag_like_others(published: Shell) -> None:
    """Neither as a tag that was asked for nor as the one that was named does it move without --latest and a version."""
    assert published("promote", "main", "--to", "latest", "--yes").code == 0
    assert published("copy", "main", "--to", "public", "--tag", "1.10.0", "--latest", "--yes").code == 0
    first = tags(published, "docker.io/campus/leaf")
    edited(published, "one")
    assert published("promote", "main", "--to", "latest", "--yes").code == 0
    for words in (("latest",), ("main", "--tag", "1.9.0", "--tag", "latest"), ("main", "--tag", "latest")):
        said = published("copy", *words, "--to", "public", "--yes")
        assert (said.code, said.err.splitlines()[0]) == (
            2,
            "error: docker.io/campus/leaf:latest moves only with --latest, and with a version",
        )
    back = published("copy", "latest", "--to", "public", "--tag", "1.9.0", "--tag", "latest", "--latest", "--yes")
    assert (back.code, tags(published, "docker.io/campus/leaf")) == (1, first)
    assert published("copy", "latest", "--to", "public", "--tag", "1.11.0", "--latest", "--yes").code == 0


def test_a_version_is_published_once(published: Shell) -> None:
    """Another image under the same version is refused with both digests; another tag moves."""
    for tag in ("1.0.0", "edge"):
        assert published("copy", "main", "--to", "public", "--tag", tag, "--yes").code == 0
    first = tags(published, "docker.io/campus/leaf")["1.0.0"]
    edited(published, "two")
    again = published("copy", "main", "--to", "public", "--tag", "1.0.0", "--yes")

    assert again.code == 1
    assert f"docker.io/campus/leaf:1.0.0 is a fixed tag at {first}, and does not move to sha256:" in again.err
    assert published("copy", "main", "--to", "public", "--tag", "edge", "--yes").code == 0
    assert tags(published, "docker.io/campus/leaf")["edge"] != first


def test_one_version_is_the_public_one(published: Shell) -> None:
    """Chosen by name; without a choice two would be under one name, and that is refused."""
    (published.root / "images/spec.yml").write_text(VERSIONED)
    edited(published, "echo $V")
    words = ("copy", "{version}-main", "--image", "leaf", "--tag", "2.0.0", "--yes")
    chosen = published(*words, "--to", "chosen", "--json").json
    both = published(*words, "--to", "other.example/x")

    assert [each["target"] for each in chosen["images"]] == ["leaf/new"]
    assert both.code == 2
    assert "leaf/old and leaf/new would both be other.example/x/leaf:2.0.0" in both.err


def test_tags_wait_for_all_images(published: Shell) -> None:
    """One that cannot be brought keeps every tag there from moving."""
    refused = RegistryRefused("registry other.example refused: 403", address="other.example", status=403, words="403")
    published.registry.fail_on(
        lambda request: request.verb == "bring" and str(request.repository) == "other.example/x/leaf", refused
    )
    assert published("copy", "main", "--to", "other.example/x", "--yes").code == 1
    assert Tag("main") not in published.registry.tags("other.example/x/base")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("main", "--to", "elsewhere"), "no registry is called 'elsewhere'"),
        (("main", "--to", "registry.example/lab", "--yes"), "base is published in registry.example/lab/base already"),
        (("main", "--to", "public", "--latest", "--yes"), "--latest goes with a version that is released"),
        (("main", "--to", "public"), "this publishes images in another registry, and there is nobody to ask here"),
    ],
)
def test_what_cannot_be_copied(published: Shell, words: tuple[str, ...], told: str) -> None:
    """One sentence, exit code 2."""
    said = published("copy", *words)

    assert (said.code, said.err.splitlines()[0]) == (2, f"error: {told}")
