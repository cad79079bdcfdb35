# SPDX-License-Identifier: MIT
"""Releases in a real registry: kept there, promoted and gone back to by a clone that knows nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.errors import NothingToDo, TagConflict
from stackyard.model.names import Tag
from stackyard.model.release import name_in
from stackyard.verbs import Options, promotion, showing
from stackyard.verbs.yard import Yard
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live

SPEC = """\
images:
  base: {{image_name: {prefix}/base, info_cmds: [what]}}
  leaf: {{image_name: {prefix}/leaf, depend_on: base}}
all_info_cmds: {{what: {{description: What, command: cat /what}}}}
"""


@pytest.fixture
def released(live_stack: LiveStack) -> LiveStack:
    """Two commits of two images, published; the release `fall` was in `stable`, and the second commit is now."""
    prefix = live_stack.prefix
    live_stack.write("images/spec.yml", SPEC.format(prefix=prefix))
    live_stack.write("images/leaf/Dockerfile", f"ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\nCOPY note /\n")
    live_stack.write("images/leaf/note", "one")
    for what, name in (("one", "fall"), ("two", "")):
        live_stack.write("images/base/Dockerfile", f"FROM busybox:1.36\nRUN echo number {what} > /what\n")
        live_stack.commit()
        assert live_stack.build().is_good
        yard = live_stack.yard()
        promotion.move(yard, promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable", release=name)))
    return live_stack


def at(stack: LiveStack, tag: str) -> list[str | None]:
    """Where both images' tag is."""
    return [stack.at(image, tag) for image in ("base", "leaf")]


def stays(released: LiveStack) -> None:
    """Each member has its content tag; a part that does not fit is refused; what somebody moved needs a reason."""
    yard = released.yard()
    newest, fall = yard.records.releases()
    tags = yard.registry.list_tags(released.repository("base"))
    assert {name_in(tag) for tag in tags} - {None} == {"fall", newest.name}
    for member in fall.members:
        assert member.content_tag is not None
        assert yard.registry.resolve(member.repository, member.content_tag) == member.digest
    with pytest.raises(NothingToDo, match="not promoting leaf"):
        promotion.plan_promotion(yard, promotion.AskedPromotion("fall", "stable", ("leaf",)))

    old = yard.registry.manifest(fall.members[1].repository, fall.members[1].digest)
    assert old is not None
    yard.registry.put(old_repository := fall.members[1].repository, Tag("stable"), old)
    with pytest.raises(TagConflict):
        promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable"))
    plan = promotion.plan_promotion(yard, promotion.AskedPromotion("main", "stable", accept_because="moved by hand"))
    assert [(each.reference.repository, each.found) for each in plan.accepted] == [(old_repository, old.digest)]
    promotion.move(yard, plan)
    assert at(released, "stable") == [member.digest for member in newest.members]


def travels(released: LiveStack, tmp_path: Path) -> None:
    """With nothing but the registry: the old set goes to another channel, and `stable` back to it."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(released.root), str(clone)], check=True)
    environ = {"PATH": ENVIRON["PATH"], "HOME": str(tmp_path), "DOCKER_HOST": "unix:///nowhere/docker.sock"}

    def yard() -> Yard:
        return verbs.load(clone, Options(registry=released.registry, environ=environ))

    there = yard()
    moves = promotion.move(there, promotion.plan_promotion(there, promotion.AskedPromotion("fall", "exam")))
    fall = next(each for each in there.records.releases() if each.name == "fall")
    assert at(released, "exam") == [member.digest for member in fall.members] != at(released, "stable")
    assert moves.release == "fall"
    assert len(there.records.manifests({member.digest for member in fall.members})) == 2

    back = promotion.plan_rollback(there, "stable", "fall")
    (change,) = promotion.preview(there, back, is_asking=True).contents
    assert [(each.was, each.now) for each in change.changed] == [("two", "one")]
    promotion.move(there, back)
    assert at(released, "stable") == at(released, "exam")
    (base,) = showing.where(yard(), str(at(released, "stable")[0]))
    assert (base.releases, set(base.channels)) == (("fall",), {"stable", "exam"})
    assert [child.target for child in base.children] == ["leaf"]


def test_releases(released: LiveStack, tmp_path: Path) -> None:
    """One stack for both: its images take most of the time."""
    stays(released)
    travels(released, tmp_path)
