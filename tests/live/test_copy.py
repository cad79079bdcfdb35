# SPDX-License-Identifier: MIT
"""Published images in another repository and another registry, for real: what travels, and that it is the same."""

from __future__ import annotations

import pytest

from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Repository
from stackyard.verbs.copying import copy, plan_copying
from tests.live.conftest import LiveStack

pytestmark = pytest.mark.live


def test_a_copy_is_the_same_image(live_stack: LiveStack) -> None:
    """Within a registry layers are taken over and none travels; to another one each goes once, verified; then none."""
    at = live_stack.prefix
    live_stack.write("images/spec.yml", f"images: {{base: {{image_name: {at}/base}}}}\n")
    live_stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN head -c 3000000 /dev/urandom > /noise\n")
    live_stack.commit()
    assert live_stack.build().is_good
    digest, port = live_stack.at("base", "main"), live_stack.registry.rpartition(":")[2]
    yard = live_stack.yard()
    near, far = f"{live_stack.registry}/near", f"localhost:{port}/far"

    within = copy(yard, plan_copying(yard, "main", near))[1]
    sent = copy(yard, plan_copying(yard, "main", far, tags=["1.2.3"], is_latest=True))[1]
    again = copy(yard, plan_copying(yard, "main", far, tags=["1.2.3"]))[1]

    assert (within.sent, within.sent_bytes, within.there) == (0, 0, 0)
    assert within.mounted >= 3
    assert sent.sent == within.mounted
    assert sent.sent_bytes > 3_000_000
    assert again.manifests == again.sent == 0
    there = Repository(f"{far}/{at}/base")
    for tag in ("1.2.3", "latest"):
        assert yard.registry.resolve(there, Tag(tag)) == digest
    layers = yard.registry.manifest(there, Digest(str(digest)))
    assert layers is not None
    assert all(yard.registry.blob(there, blob.digest) is not None for blob in layers.blobs)
