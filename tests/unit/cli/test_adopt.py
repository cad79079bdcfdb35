# SPDX-License-Identifier: MIT
"""`stackyard adopt`: what is published, whoever published it, as of a commit."""

from __future__ import annotations

import subprocess
from typing import Literal

import pytest

from stackyard.errors import RegistryUnreachable
from stackyard.model.names import Tag
from stackyard.model.reference import Repository
from stackyard.testing import FakeEngine
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


@pytest.mark.processes
def test_the_preview_writes_nothing(published: Shell) -> None:
    """Each image with its tag, digest and platforms; that the child stands on its parent; no record, no tag."""
    before = len(published.registry.requests)
    said = published("adopt", "--dry-run")
    rows = [line.split("  ") for line in said.out.splitlines() if "can be adopted" in line and "registry." in line]

    assert said.code == 0
    assert [[cell.strip() for cell in row if cell.strip()][:3] for row in rows] == [
        ["base", "can be adopted", "registry.example/lab/base:main"],
        ["leaf", "can be adopted", "registry.example/lab/leaf:main"],
    ]
    assert said.out.splitlines()[-3:] == ["2 images, all there.", "", "Nothing was written (--dry-run)."]
    assert {request.verb for request in published.registry.requests[before:]} == {"manifest", "blob"}
    assert not list((published.root / ".stackyard").glob("records*"))
    assert "2 to build" in published("plan").out


@pytest.mark.processes
def test_after_it_nothing_is_left_to_do(published: Shell) -> None:
    """Neither to build nor to name: tags that are where the images are count; a second time all is known."""
    said = published("adopt", "--yes")
    steps = published("plan", "--json").json["steps"]

    assert said.code == 0
    assert said.out.splitlines()[-1] == "2 images adopted."
    assert [step["action"] for step in steps] == ["reuse", "reuse"]
    assert published("build", "--push").code == 0
    assert "adopted main" in published("history").out
    told = published("why", "leaf").out.splitlines()[1]
    assert told.startswith("  built     the image adopted at ")
    assert told.endswith(f", as made at commit {head(published)[:7]}")
    again = published("adopt")
    assert (again.code, again.out.splitlines()[-1]) == (0, "There is nothing to write.")


@pytest.mark.processes
def test_another_clone_knows_of_it(published: Shell) -> None:
    """Records of what was adopted, and where its tags are, lie beside the images: who knows nothing builds nothing."""
    spec = published.root / "images/spec.yml"
    spec.write_text(spec.read_text().replace("records: local\n", ""))
    commit(published.root, "records are shared")
    assert published("adopt", "--tag", "main", "--yes").code == 0
    for file in (published.root / ".stackyard").glob("records*"):
        file.unlink()

    assert {step["action"] for step in published("plan", "--json").json["steps"]} == {"tag"}  # the new commit's
    assert published("records", "sync").code == 0
    said = published("promote", "main", "--to", "stable", "--yes")
    assert said.code == 0, said.err
    assert "adopted main" in published("history").out


@pytest.mark.processes
@pytest.mark.parametrize("store", ["classic", "containerd"])
def test_an_edit_is_built_on_what_was_adopted(published: Shell, store: Literal["classic", "containerd"]) -> None:
    """The parent is fetched by digest, whatever kind of store the engine has; it is not built."""
    assert published("adopt", "--yes").code == 0
    published.engine = FakeEngine(store, registry=published.registry, shelf=published.engine._shelf)
    published.engine.add("busybox:1.36")
    dockerfile = published.root / "images/leaf/Dockerfile"
    dockerfile.write_text(f"{dockerfile.read_text()}RUN echo more\n")
    said = published("build", "--json").json

    assert {each["target"]: each["status"] for each in said["outcomes"]} == {"base": "fetched", "leaf": "built"}


@pytest.mark.processes
def test_every_image_gets_a_content_tag(published: Shell) -> None:
    """No clean-up of a registry takes what the records go on from."""
    for image in ("base", "leaf"):
        repository = Repository(f"registry.example/lab/{image}")
        for tag in published.registry.tags(str(repository)):
            if tag.startswith("sy-"):
                published.registry.untag(repository, tag)
    assert published("adopt", "--yes").code == 0

    tags = published.registry.tags("registry.example/lab/leaf")
    assert [at for tag, at in tags.items() if tag.startswith("sy-")] == [tags[Tag("main")]]


@pytest.mark.processes
def test_it_asks_in_a_terminal_and_needs_a_word_elsewhere(published: Shell) -> None:
    """`no` writes nothing and ends with 1; without anybody to ask it is usage."""
    no = published.in_terminal("adopt", answers=["n"])
    assert (no.code, no.out.endswith("[y/N]: Nothing was written.\n")) == (1, True)
    assert published("adopt").code == 2
    yes = published.in_terminal("adopt", answers=["y"])
    assert (yes.code, yes.out.endswith("[y/N]: 2 images adopted.\n")) == (0, True)


@pytest.mark.processes
def test_json_has_all_of_it(published: Shell) -> None:
    """One object, with whole digests."""
    said = published("adopt", "leaf", "--yes", "--json").json
    base, leaf = said["targets"]

    assert (said["complete"], said["written"], said["problems"], said["commit"]) == (True, True, [], head(published))
    assert base["digest"].startswith("sha256:")
    assert base["platforms"] == [said["platform"]]
    assert leaf["parents"] == [{"target": "base", "below": True}]
    assert [each["reference"] for each in base["bases"]] == ["docker.io/library/busybox:1.36"]
    assert leaf["state"] == "adopt"


@pytest.mark.processes
def test_what_stands_on_an_older_base_is_told(published: Shell) -> None:
    """It counts as built on the one that is there now, and layers say that it was not."""
    published.engine.add("busybox:1.36", "another")

    told = "base: stands on another docker.io/library/busybox:1.36 than there is now, and counts as built on that one"
    assert told in published("adopt", "--dry-run").out


@pytest.mark.processes
def test_a_channel_that_was_adopted_is_known(published: Shell) -> None:
    """What promotes to it next knows what was there, and a rollback brings that back."""
    for image in ("base", "leaf"):
        name = f"registry.example/lab/{image}"
        manifest = published.registry.manifest(Repository(name), Tag("main"))
        assert manifest is not None
        published.registry.add(name, "stable", manifest)
    assert published("adopt", "--tag", "stable", "--yes").code == 0
    was = published.registry.tags("registry.example/lab/leaf")[Tag("stable")]
    (published.root / "images/leaf/Dockerfile").write_text("FROM busybox:1.36\nRUN echo new\n")
    commit(published.root, "new")
    assert published("build", "--push").code == 0
    assert published("promote", "main", "--to", "stable", "--yes").code == 0
    assert published.registry.tags("registry.example/lab/leaf")[Tag("stable")] != was
    assert published("rollback", "stable", "--yes").code == 0
    assert published.registry.tags("registry.example/lab/leaf")[Tag("stable")] == was


@pytest.mark.processes
def test_what_is_missing_is_listed_and_ends_with_1(published: Shell) -> None:
    """A tag that only one image has: the other is left out, and so is what stands on it."""
    said = published("adopt", "--tag", "2025.1-stable", "--yes")

    assert said.code == 1
    assert "0 of 2 images; left out: base and leaf." in said.out


@pytest.mark.processes
def test_a_child_on_another_parent_is_left_out(published: Shell) -> None:
    """Its first layers say so, whatever its tag says."""
    published.engine.add("busybox:1.36", "another")
    (published.root / "images/base/Dockerfile").write_text("FROM busybox:1.36\nRUN echo more\n")
    commit(published.root, "another base")
    assert published("build", "base", "--push").code == 0
    said = published("adopt", "--yes")

    assert said.code == 1
    assert "leaf: its first layers are not those of registry.example/lab/base:main" in said.out
    assert "1 of 2 images; left out: leaf." in said.out


@pytest.mark.processes
def test_as_of_another_commit_the_stack_is_what_it_was_then(published: Shell) -> None:
    """An image that came later is none of it."""
    then = head(published)
    (published.root / "images/late").mkdir()
    (published.root / "images/late/Dockerfile").write_text("FROM busybox:1.36\n")
    spec = published.root / "images/spec.yml"
    spec.write_text(f"{spec.read_text()}  late:\n")
    commit(published.root, "late")

    assert [each["target"] for each in published("adopt", "--dry-run", "--json").json["targets"]] == [
        "base",
        "leaf",
        "late",
    ]
    at = published("adopt", "--at", then[:7], "--tag", "{commit}", "--yes", "--json")
    assert (at.code, [each["reference"] for each in at.json["targets"]]) == (
        0,
        [f"registry.example/lab/{name}:{then[:7]}" for name in ("base", "leaf")],
    )


@pytest.mark.processes
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


@pytest.mark.processes
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
