# SPDX-License-Identifier: MIT
"""`stackyard prune`: what a policy lets go of, in the registry and in the engine, and what always stays."""

from __future__ import annotations

import sqlite3
import subprocess

import pytest

from stackyard import verbs
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import LocalImage, Reference, Repository
from stackyard.model.release import RELEASE_TAG
from stackyard.model.shared import MOVES_TAG, POINTER_TAG, RECORD_TAG
from stackyard.verbs import Options
from stackyard.verbs.retention import plan_pruning, prune_registry
from tests.repositories import commit
from tests.unit.cli.conftest import Shell

SPEC = "registry: registry.example/lab\nretention: {channels: 1, days: 0, releases: 0}\nimages:\n  base:\n"
LEAF = Repository("registry.example/lab/leaf")
BASE = Repository("registry.example/lab/base")


@pytest.fixture
def stack(shell: Shell) -> Shell:
    """Two images whose old builds nothing protects but what is in use."""
    (shell.root / "images/spec.yml").write_text(SPEC + "  leaf: {depend_on: base}\n")
    commit(shell.root)
    return shell


def published(shell: Shell, image: str, line: str) -> Digest:
    """An edit of an image, built and published; its digest, which main has."""
    dockerfile = shell.root / f"images/{image}/Dockerfile"
    dockerfile.write_text(f"{dockerfile.read_text()}RUN echo {line}\n")
    commit(shell.root, line)
    said = shell("build", "--push")
    assert said.code == 0, said.err
    return shell.registry.tags(f"registry.example/lab/{image}")[Tag("main")]


def there(shell: Shell, repository: Repository, digest: Digest) -> bool:
    """Whether the registry has it."""
    return shell.registry.resolve(repository, digest) is not None


def test_what_nothing_needs_goes_with_its_records(stack: Shell) -> None:
    """The newest stays, the older one goes: its manifest, tags and records; what is left is as it was for a clone."""
    old = published(stack, "leaf", "one")
    new = published(stack, "leaf", "two")
    preview = stack("prune", "--registry", "--dry-run")
    assert there(stack, LEAF, old)
    said = stack("prune", "--registry", "--yes")

    assert (preview.code, said.code) == (0, 0)
    assert "1 image would go: " in preview.out
    assert said.out.splitlines()[-1].startswith("1 image deleted, and ")
    assert not there(stack, LEAF, old)
    assert there(stack, LEAF, new)
    tags = stack.registry.tags(str(LEAF))
    assert len([tag for tag in tags if tag.startswith(POINTER_TAG)]) == 1
    assert {tag.removeprefix(RECORD_TAG)[:20] for tag in tags if tag.startswith(RECORD_TAG)} == {newest(stack, "leaf")}
    for file in (stack.root / ".stackyard").glob("records*"):
        file.unlink()
    assert {step["action"] for step in stack("plan", "--json").json["steps"]} <= {"reuse", "tag"}
    assert stack("prune", "--registry", "--yes").out.splitlines()[-1] == "There is nothing to delete."


def newest(shell: Shell, image: str) -> str:
    """The id of the newest record of an image."""
    db = sqlite3.connect(shell.root / ".stackyard/records.sqlite3")
    try:
        (name,) = db.execute("SELECT id FROM records WHERE target = ? ORDER BY seq DESC LIMIT 1", (image,)).fetchone()
    finally:
        db.close()
    return str(name)


def test_what_is_in_use_stays(stack: Shell) -> None:
    """What a channel is at, what somebody's tag names, and what a kept image stands on, however old."""
    first_base = published(stack, "base", "one")
    promoted = published(stack, "leaf", "one")
    assert stack("promote", "main", "--to", "stable", "--yes").code == 0
    published(stack, "base", "two")
    tagged = published(stack, "leaf", "two")
    manifest = stack.registry.manifest(LEAF, tagged)
    assert manifest is not None
    stack.registry.put(LEAF, Tag("theirs"), manifest)
    last = published(stack, "leaf", "three")
    said = stack("prune", "--registry", "--yes", "--json").json

    why = {each["image"].rpartition("@")[2]: (each["why"], each["detail"]) for each in said["kept"]}
    assert why[promoted] == ("tag", "stable")
    assert why[first_base] == ("tag", "stable")
    assert why[tagged] == ("tag", "theirs")
    assert why[last][0] == "tag"
    assert said["done"] is True
    for repository, digest in ((LEAF, promoted), (BASE, first_base), (LEAF, tagged), (LEAF, last)):
        assert there(stack, repository, digest)


def test_a_policy_keeps_more(stack: Shell) -> None:
    """Days, sets of a channel, releases: each is enough for an image to stay."""
    old = published(stack, "leaf", "one")
    assert stack("promote", "main", "--to", "stable", "--yes").code == 0
    published(stack, "leaf", "two")
    assert stack("promote", "main", "--to", "stable", "--yes").code == 0
    spec = stack.root / "images/spec.yml"
    for change, why in (("days: 0", "days: 1"), ("channels: 1", "channels: 2"), ("releases: 0", "releases: all")):
        text = spec.read_text()
        spec.write_text(text.replace(change, why))
        assert stack("prune", "--registry", "--dry-run", "--json").json["going"] == [], why
        spec.write_text(text)
    going = stack("prune", "--registry", "--dry-run", "--json").json["going"]
    assert [each["image"].rpartition("@")[2] for each in going] == [old]


def test_what_a_channel_was_goes_when_all_of_it_is_gone(stack: Shell) -> None:
    """The set of moves, and the release, that name nothing else; those that lead on from it stay."""
    published(stack, "base", "one")
    for line in ("one", "two"):
        published(stack, "leaf", line)
        assert stack("promote", "main", "--to", "stable", "--image", "leaf", "--yes").code == 0
    before = set(stack.registry.tags(str(BASE)))  # the journal is kept beside the first image
    assert stack("prune", "--registry", "--yes").code == 0

    gone = before - set(stack.registry.tags(str(BASE)))
    assert sorted(tag[:5] for tag in gone) == sorted(tag[:5] for tag in (MOVES_TAG, RELEASE_TAG))
    assert stack("promote", "main", "--to", "stable", "--image", "leaf", "--yes").code == 0


def test_nobody_goes_back_to_what_was_deleted(stack: Shell) -> None:
    """This machine still has its release, with the manifest's bytes: they are not put back. Published again, it may be
    promoted; and a promotion that overrode a gate is never forgotten, though all it moved is gone."""
    spec = stack.root / "images/spec.yml"
    spec.write_text(spec.read_text() + "channels: {stable: {approvals: [teaching]}}\n")
    promote = ("--image", "leaf", "--override", "teaching", "--reason", "term starts", "--yes")
    published(stack, "base", "one")
    old = published(stack, "leaf", "one")
    body = stack.registry.manifest(LEAF, old)
    assert body is not None
    assert stack("promote", "main", "--to", "stable", "--release", "fall", *promote).code == 0
    new = published(stack, "leaf", "two")
    assert stack("promote", "main", "--to", "stable", *promote).code == 0
    before = {tag for tag in stack.registry.tags(str(BASE)) if tag.startswith(MOVES_TAG)}
    assert stack("prune", "--registry", "--yes").code == 0

    assert not there(stack, LEAF, old)
    assert before <= set(stack.registry.tags(str(BASE)))
    for words in (("promote", "fall", "--to", "stable", *promote), ("rollback", "stable", "--yes")):
        refused = stack(*words)
        assert refused.code == 1, words
        assert f"leaf@{old} was deleted by `stackyard prune`" in refused.err
    assert stack.registry.tags(str(LEAF))[Tag("stable")] == new
    stack.registry.put(LEAF, Tag("again"), body)
    assert stack("rollback", "stable", "--yes").code == 0
    assert stack.registry.tags(str(LEAF))[Tag("stable")] == old


def test_a_clone_that_knew_an_image_learns_that_it_is_gone(stack: Shell) -> None:
    """Its records say that the image was published, and the record beside it is deleted: the history tells."""
    old = published(stack, "leaf", "one")
    promote = ("promote", "main", "--image", "leaf", "--accept-registry", "built elsewhere", "--yes")
    stack.registry.put(LEAF, Tag("byhand"), stack.registry.manifest(LEAF, old))  # type: ignore[arg-type]
    assert stack("promote", "byhand", *promote[2:], "--to", "stable").code == 0
    stack.registry.untag(LEAF, Tag("byhand"))
    published(stack, "leaf", "two")
    assert stack(*promote, "--to", "stable").code == 0
    kept = {file.name: file.read_bytes() for file in (stack.root / ".stackyard").glob("records*")}
    assert stack("prune", "--registry", "--yes").code == 0
    assert not there(stack, LEAF, old)
    gone = stack("history", "leaf", "--json").json["channels"][0]
    assert (gone["kind"], [(move["was"], move["now"]) for move in gone["moves"]]) == ("prune", [(old, None)])
    assert "deleted by prune" in stack("history").out

    for file in (stack.root / ".stackyard").glob("records*"):
        file.unlink()
    for name, data in kept.items():
        (stack.root / ".stackyard" / name).write_bytes(data)
    assert stack("records", "sync").code == 0
    assert stack("history", "leaf", "--json").json["channels"][0] == gone
    assert f"leaf@{old} was deleted by `stackyard prune`" in stack("rollback", "stable", "--yes").err
    assert stack("records", "sync", "--json").json["learned"] == 0
    # What was taken as the registry had it is told for ever, though the image is gone: a fresh clone knows it.
    for file in (stack.root / ".stackyard").glob("records*"):
        file.unlink()
    assert stack("records", "sync").code == 0
    reasons = [moves["accepted_because"] for moves in stack("history", "--json").json["channels"]]
    assert reasons.count("built elsewhere") >= 1


@pytest.mark.processes
def test_what_was_promoted_meanwhile_stays(stack: Shell) -> None:
    """It is looked at again when it comes to deleting; the rest of what was shown goes."""
    first, second = published(stack, "leaf", "one"), published(stack, "leaf", "two")
    name = subprocess.run(["git", "rev-parse", "HEAD"], cwd=stack.root, check=True, capture_output=True, text=True)
    published(stack, "leaf", "three")
    yard = verbs.load(stack.root, Options(), None, lambda _: stack.engine, lambda _: stack.registry)
    shown = plan_pruning(yard, "registry")
    assert stack("promote", name.stdout.strip(), "--to", "stable", "--image", "leaf", "--yes").code == 0
    done = prune_registry(yard, shown)

    assert {each.image.digest for each in shown.going} == {first, second}
    assert [each.image.digest for each in done.going] == [first]
    assert there(stack, LEAF, second)


def test_who_was_killed_in_the_middle_goes_on(stack: Shell) -> None:
    """The image is gone, and nothing says so yet: its records go the next time."""
    old = published(stack, "leaf", "one")
    published(stack, "leaf", "two")
    stack.registry.delete(LEAF, old)
    said = stack("prune", "--registry", "--yes", "--json").json

    assert [(each["image"], each["manifests"]) for each in said["going"]] == [(f"{LEAF}@{old}", [])]
    assert said["artifacts"] > 0
    assert stack("prune", "--registry", "--yes").out.splitlines()[-1] == "There is nothing to delete."


def test_a_registry_that_deletes_nothing(stack: Shell) -> None:
    """One sentence and what has to be allowed; nothing is written down as gone."""
    old = published(stack, "leaf", "one")
    published(stack, "leaf", "two")
    stack.registry.can_delete = False
    said = stack("prune", "--registry", "--yes")

    assert said.code == 1
    assert said.err.startswith("error: registry registry.example deletes nothing")
    assert there(stack, LEAF, old)


def test_the_engine_lets_go_of_old_builds(stack: Shell) -> None:
    """All our names of an image that is published go; one that is nowhere else stays, and so do others' names."""
    published(stack, "leaf", "one")
    ours = next(id_ for name, id_ in stack.engine.names().items() if name.startswith(f"{LEAF}:"))
    stack.engine.tag(LocalImage(ours), Reference.parse("mine:1"))
    published(stack, "leaf", "two")
    dockerfile = stack.root / "images/leaf/Dockerfile"
    for line in ("three", "four"):
        dockerfile.write_text(f"{dockerfile.read_text()}RUN echo {line}\n")
        assert stack("build").code == 0
    before = stack.engine.names()
    said = stack("prune", "--local", "--yes", "--json").json

    gone = {name for each in said["going"] for name in each["names"]}
    assert [each["target"] for each in said["going"]] == ["leaf", "leaf"]
    assert sorted(each["why"] for each in said["kept"]) == ["current", "only copy", "tag"]
    assert gone & before.keys() == before.keys() - stack.engine.names().keys()
    assert "docker.io/library/mine:1" in stack.engine.names()
    assert stack("prune", "--local", "--yes").out.splitlines()[-1] == "There is nothing to delete."


def test_it_asks_and_says_where(stack: Shell) -> None:
    """Nowhere and both are usage; without anybody to ask it needs --yes."""
    published(stack, "leaf", "one")
    published(stack, "leaf", "two")
    for words in ((), ("--registry", "--local"), ("--registry",)):
        assert stack("prune", *words).code == 2, words
    no = stack.in_terminal("prune", "--registry", answers=["n"])
    assert (no.code, no.out.endswith("Nothing was deleted.\n")) == (1, True)
