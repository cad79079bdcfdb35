# SPDX-License-Identifier: MIT
"""Releases from the command line: made by promotions, promoted, gone back to, known elsewhere."""

from __future__ import annotations

import pytest

from stackyard.model.names import Tag
from stackyard.model.reference import Repository
from tests.repositories import commit
from tests.unit.cli.conftest import TINY, Shell

BASE, LEAF = Repository("registry.example/lab/base"), Repository("registry.example/lab/leaf")


@pytest.fixture
def released(shell: Shell) -> Shell:
    """Two commits of both images, the first of which is the release `fall` in `stable`, and the second after it."""
    shell.environ["GITHUB_ACTOR"] = "Ada"
    shell("build", "--push")
    said = shell("promote", "main", "--to", "stable", "--release", "fall", "--notes", "first", "--yes", "--json")
    assert (said.code, said.json["release"], said.json["by"]) == (0, "fall", "Ada")
    (shell.root / "images/base/Dockerfile").write_text("FROM busybox:1.36\nRUN echo two\n")
    commit(shell.root)
    shell("build", "--push")
    assert shell("promote", "main", "--to", "stable", "--release", "winter", "--yes").code == 0
    return shell


def at(shell: Shell, tag: str) -> list[str | None]:
    """Where both images' tag is."""
    return [shell.registry.resolve(each, Tag(tag)) for each in (BASE, LEAF)]


def test_releases_are_listed_with_their_channels(released: Shell) -> None:
    """Newest first; each knows who, what and its images, with the content tag that keeps them."""
    text, (winter, fall) = released("releases").out, released("releases", "--json").json["releases"]

    assert [(each["release"], each["channels"]) for each in (winter, fall)] == [("winter", ["stable"]), ("fall", [])]
    assert (fall["by"], fall["notes"], fall["source"]) == ("Ada", "first", "main")
    assert [member["target"] for member in fall["members"]] == ["base", "leaf"]
    for repository, member in zip((BASE, LEAF), fall["members"], strict=True):
        assert released.registry.resolve(repository, Tag(member["content_tag"])) == member["digest"]
    assert text.index("winter") < text.index("fall")


def test_a_release_goes_to_another_channel_and_stays_itself(released: Shell) -> None:
    """The channel gets the old images, though every tag has moved on; no further release is made of them."""
    fall = [member["digest"] for member in released("releases", "--json").json["releases"][1]["members"]]
    said = released("promote", "fall", "--to", "exam", "--yes")

    assert "Release fall" in said.out
    assert at(released, "exam") == fall != at(released, "stable")
    assert len(released("releases", "--json").json["releases"]) == 2


def test_a_channel_goes_back_to_a_release(released: Shell) -> None:
    """By its name; another channel's release is none of its own."""
    released("promote", "winter", "--to", "exam", "--yes")
    said = released("rollback", "stable", "--to", "fall", "--yes", "--json")

    assert (said.json["release"], said.json["kind"]) == ("fall", "rollback")
    assert at(released, "stable") != at(released, "exam")
    refused = released("rollback", "exam", "--to", "fall", "--yes")
    assert (refused.code, "`stackyard promote fall --to exam`" in refused.err) == (1, True)


def test_a_rollback_takes_the_tag_away_that_is_new(released: Shell) -> None:
    """One image was in the channel, and the other came to it: then only the one is there again."""
    released("promote", "fall", "--to", "exam", "--image", "base", "--yes")
    before = at(released, "exam")
    assert released("promote", "winter", "--to", "exam", "--yes").code == 0
    seen = released("rollback", "exam", "--dry-run")
    said = released("rollback", "exam", "--yes")

    assert "is taken away" in seen.out
    assert said.out.splitlines()[-1] == "exam: 1 tag moved, 1 new tag taken away."
    assert at(released, "exam") == before
    assert before[1] is None
    assert [move["now"] for move in released("history", "--json").json["channels"][0]["moves"]] == [before[0], None]
    assert released("promote", "winter", "--to", "exam", "--yes").code == 0  # the records know that it was gone


def test_a_rollback_names_the_new_tag_that_its_registry_keeps(released: Shell) -> None:
    """In the result and in the history; where nothing else was to be done, that is an error, and nothing happened."""
    released.registry.can_untag = False
    released("promote", "fall", "--to", "exam", "--image", "base", "--yes")
    assert released("promote", "winter", "--to", "exam", "--yes").code == 0
    said = released("rollback", "exam", "--yes")

    assert said.code == 0
    assert said.out.splitlines()[-2:] == [
        "exam: 1 tag moved.",
        f"Did not exist before, and stay, since the registry takes no tag away: {LEAF}:exam.",
    ]
    assert at(released, "exam")[1] == at(released, "stable")[1]
    assert at(released, "exam")[0] != at(released, "stable")[0]
    assert ", 1 new tag left" in released("history").out
    assert released("history", "--json").json["channels"][0]["staying"] == [f"{LEAF}:exam"]

    released("promote", "fall", "--to", "beta", "--image", "base", "--yes")
    released("promote", "fall", "--to", "beta", "--image", "leaf", "--yes")
    refused = released("rollback", "beta", "--yes")
    assert (refused.code, f"nothing was taken back: {LEAF}:beta did not exist before" in refused.err) == (1, True)
    assert at(released, "beta")[1] is not None


def test_a_name_is_taken_once(released: Shell) -> None:
    """Another set cannot have it; the same set may be promoted under it again."""
    taken = released("promote", "main", "--to", "exam", "--release", "fall", "--yes")
    again = released("promote", "main", "--to", "exam", "--release", "winter", "--yes")

    assert (taken.code, "there is a release 'fall' already" in taken.err) == (2, True)
    assert again.code == 0


def test_part_of_a_release_has_to_fit_what_the_channel_holds(released: Shell) -> None:
    """The old leaf stands on the old base: neither goes alone to a channel of the new; both do."""
    refused = released("promote", "fall", "--to", "stable", "--image", "leaf", "--yes")

    assert refused.code == 1
    assert "not promoting leaf" in refused.err
    assert "stable holds base at" in refused.err
    assert released("promote", "fall", "--to", "stable", "--yes").code == 0


def test_without_a_release_it_says_how_one_is_made(shell: Shell) -> None:
    """Nothing was promoted yet."""
    assert "`stackyard promote` makes the first one" in shell("releases").out
    assert shell("releases", "--json").json["releases"] == []


def test_show_and_where(released: Shell) -> None:
    """For people and as JSON: a channel with its release and images, and what holds one of these."""
    text, channel = released("show", "stable").out, released("show", "stable", "--json").json
    base = channel["images"][0]
    held = released("where", base["digest"][:20], "--json").json["images"]

    assert "Channel stable, promoted from main" in text
    assert "Release winter of main" in text
    assert (channel["kind"], channel["release"]["release"]) == ("channel", "winter")
    assert [(each["target"], each["digest"]) for each in channel["images"]] == list(
        zip(("base", "leaf"), at(released, "stable"), strict=True)
    )
    assert [(each["releases"], each["channels"]) for each in held] == [(["winter"], ["stable"])]
    assert [child["target"] for child in held[0]["children"]] == ["leaf"]
    assert "winter" in released("where", base["digest"]).out
    assert base["content"] in released("show", base["digest"]).out
    assert "Channels that stand at it: none" in released("show", "fall").out
    unknown = released("show", "stabel")
    assert (unknown.code, "did you mean stable?" in unknown.err) == (2, True)


def test_the_history_of_one_image_has_its_digests(released: Shell) -> None:
    """Built as, and moved from what to what; of all images, how many."""
    one, every = released("history", "leaf").out, released("history").out
    was, now = (released("show", name, "--json").json["images"][1]["digest"][:19] for name in ("fall", "winter"))

    assert f"{was} -> {now}" in one
    assert f"built as {now}" in one
    assert "2 tags moved of 2" in every


def test_words_of_others_do_nothing_to_a_terminal(released: Shell) -> None:
    """Notes and reasons are told as they are spelled."""
    evil = "\x1b[2Jgone\n"
    said = released("promote", "fall", "--to", "exam", "--release", "x", "--notes", evil, "--yes").out

    for text in (said, released("releases").out, released("show", "x").out, released("show", "exam").out):
        assert "\\x1b[2Jgone\\n" in text
        assert "\x1b" not in text


def test_without_a_registry_releases_are_of_the_engine(shell: Shell) -> None:
    """Ids in place of digests, and no bytes: promoted and gone back to all the same."""
    (shell.root / "images/spec.yml").write_text(TINY["images/spec.yml"].partition("\n")[2])
    (shell.root / "images/leaf/Dockerfile").write_text("ARG BASE_TAG=latest\nFROM base:${BASE_TAG}\n")
    for name in ("fall", "winter"):
        (shell.root / "images/base/Dockerfile").write_text(f"FROM busybox:1.36\nRUN echo {name}\n")
        commit(shell.root)
        assert shell("build").code == 0
        assert shell("promote", "main", "--to", "stable", "--release", name, "--yes").code == 0
    (_, fall) = shell("releases", "--json").json["releases"]

    assert fall["place"] == "engine"
    assert shell("promote", "fall", "--to", "exam", "--yes").code == 0
    assert shell("rollback", "stable", "--to", "fall", "--yes").code == 0
    for member in fall["members"]:
        for tag in ("stable", "exam", member["content_tag"]):
            found = shell.engine.inspect(f"{member['repository']}:{tag}")
            assert found is not None
            assert found.image.id == member["digest"]
