# SPDX-License-Identifier: MIT
"""`stackyard why` and `stackyard inputs`, over builds that happened."""

from __future__ import annotations

from stackyard.model.inputs import BlobId
from tests.repositories import commit
from tests.unit.cli.conftest import Shell


def test_before_and_after_a_build(shell: Shell) -> None:
    """Never built; then unchanged, by which run at which commit."""
    assert shell("why", "leaf").out == "leaf is to be built: never built\n"
    assert shell("build").code == 0
    said = shell("why", "leaf")

    assert said.code == 0
    assert said.out.startswith("leaf is as wanted: unchanged since ")
    assert said.out.endswith("\n\nFrom the records; whether images are still there, `stackyard build` asks.\n")
    assert "by run 1 at commit " in said.out


def test_an_edit_is_told_to_those_who_follow(shell: Shell) -> None:
    """The chain up to the file; several images in the plan's order; a selection hides no cause."""
    assert shell("build").code == 0
    (shell.root / "images/base/Dockerfile").write_text("FROM busybox:1.36\nRUN echo base\n")

    assert shell("why", "leaf").out.split("\n")[0] == "leaf waits for base: images/base/Dockerfile changed"
    assert [each["sentence"] for each in shell("why", "leaf", "base", "--json").json["images"]] == [
        "base is to be built: images/base/Dockerfile changed",
        "leaf waits for base: images/base/Dockerfile changed",
    ]
    assert len(shell("why", "--json").json["images"]) == 2


def test_a_child_left_behind_tells_why_its_parent_changed(shell: Shell) -> None:
    """The parent was built alone: the child's answer goes on from the records to the file."""
    assert shell("build").code == 0
    (shell.root / "images/base/Dockerfile").write_text("FROM busybox:1.36\nRUN echo base\n")
    commit(shell.root)
    assert shell("build", "base").code == 0
    said = shell("why", "leaf")

    assert said.out.startswith("leaf is to be built: parent base changed from sha256:")
    assert "base was built by run 2 at commit " in said.out
    assert "images/base/Dockerfile changed" in said.out


def test_what_was_asked_for(shell: Shell) -> None:
    """`--rebuild`, `--build-arg` and `--push` count as they do in a plan."""
    assert shell("build").code == 0

    assert shell("why", "base", "--rebuild", "base").out.startswith("base is to be built: asked for by --rebuild\n")
    assert shell("why", "base", "--push").out.startswith("base is to be pushed: built and not published yet\n")


def test_a_name_that_no_image_has(shell: Shell) -> None:
    """The nearest one is proposed."""
    said = shell("why", "laef")

    assert said.code == 2
    assert "did you mean 'leaf'?" in said.err


def test_all_that_goes_in(shell: Shell) -> None:
    """Lines for people, an object for programs: the Dockerfile, the accepted base, the parent."""
    before = shell("inputs", "base", "--json").json["images"][0]
    assert before["bases"] == [{"reference": "docker.io/library/busybox:1.36", "accepted": None}]
    assert before["build_fingerprint"] is None
    assert shell("build").code == 0
    base, leaf = shell("inputs", "--json").json["images"]

    assert base["dockerfile"]["path"] == "images/base/Dockerfile"
    assert BlobId.parse(base["dockerfile"]["blob"])
    assert base["bases"][0]["accepted"].startswith("sha256:")
    assert leaf["parents"][0]["content"].startswith("sha256:")
    assert leaf["args"] == [{"name": "BASE_TAG", "value": "main", "counts": False}]
    assert leaf["build_fingerprint"] == shell("plan", "--json").json["steps"][1]["build_fingerprint"]
    assert "no instruction sees it" in shell("inputs", "leaf").out
