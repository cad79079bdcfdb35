# SPDX-License-Identifier: MIT
"""Old images of a real registry and a real engine: what nothing needs goes, and what is left is whole."""

from __future__ import annotations

import pytest

from stackyard import verbs
from stackyard.model.names import Digest, Tag
from stackyard.model.shared import RECORD_TAG
from stackyard.verbs import sharing
from stackyard.verbs.retention import plan_pruning, prune_engine, prune_registry
from tests.live.conftest import LiveStack

pytestmark = pytest.mark.live


def test_what_nothing_needs_goes(live_stack: LiveStack) -> None:
    """The old child and its record; the parent that both stand on stays, and all that is left is found to be there."""
    at = live_stack.prefix
    spec = f"base: {{image_name: {at}/base}}, leaf: {{image_name: {at}/leaf, depend_on: base}}"
    live_stack.write("images/spec.yml", f"retention: {{channels: 1, days: 0, releases: 0}}\nimages: {{{spec}}}\n")
    live_stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN cat /proc/sys/kernel/random/uuid > /id\n")
    live_stack.write("images/leaf/Dockerfile", f"ARG BASE_TAG=latest\nFROM {at}/base:${{BASE_TAG}}\nCOPY note /\n")
    digests = []
    for note in ("one", "two"):
        live_stack.write("images/leaf/note", note)
        live_stack.commit()
        assert live_stack.build().is_good
        digests.append(Digest(str(live_stack.at("leaf", "main"))))
    old, new = digests
    yard, leaf = live_stack.yard(), live_stack.repository("leaf")

    pruning = plan_pruning(yard, "registry")
    done = prune_registry(yard, pruning)
    here = prune_engine(yard, plan_pruning(yard, "engine"))

    assert [(each.image.target, each.image.digest) for each in done.going] == [("leaf", old)]
    assert done.size_bytes > 0
    assert yard.registry.resolve(leaf, old) is None
    assert yard.registry.resolve(leaf, new) == new
    records = [tag for tag in yard.registry.list_tags(leaf) if tag.startswith(RECORD_TAG)]
    assert len({tag.rpartition("-")[0] for tag in records}) == 1
    assert sharing.verify(yard).problems == ()
    assert [each.image.target for each in here.going] == ["leaf"]
    assert all(yard.engine.inspect(str(name)) is None for name in here.going[0].names)
    assert {step.action for step in verbs.plan(live_stack.yard(), publish=True).steps} == {"reuse"}
    assert yard.registry.resolve(leaf, Tag("main")) == new
