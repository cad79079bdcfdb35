# SPDX-License-Identifier: MIT
"""`prune: true` on a real engine: exactly that image goes, once the registry has it and its children are done."""

from __future__ import annotations

import pytest

from tests.live.conftest import BASE, LiveStack

pytestmark = pytest.mark.live


def test_an_image_goes_and_everything_else_stays(live_stack: LiveStack) -> None:
    """Its child, its base and its published copy are there afterwards; a next run has nothing to do."""
    prefix, registry = live_stack.prefix, live_stack.registry
    live_stack.write("images/base/Dockerfile", f"FROM {BASE}\nRUN head -c 200000 /dev/urandom > /base\n")
    live_stack.write(
        "images/lab/Dockerfile", f"FROM {registry}/{prefix}/base\nRUN head -c 100000 /dev/urandom > /lab\n"
    )
    live_stack.write(
        "images/spec.yml",
        f"registry: {registry}\n"
        f"images: {{base: {{image_name: {prefix}/base, prune: true}}, lab: {{image_name: {prefix}/lab}}}}\n"
        "tag: {prefix: '1'}\n",
    )
    live_stack.commit()
    summary = live_stack.build()

    assert summary.is_good, summary
    assert summary.free_before_bytes
    records = live_stack.yard().records.known().records
    base, lab = (next(found[0] for name, found in records.items() if name == each) for each in ("base", "lab"))
    assert base.built is not None
    assert lab.built is not None
    engine = live_stack.engine
    assert engine.inspect(str(base.built.local)) is None
    assert engine.inspect(str(lab.built.local)) is not None
    assert engine.inspect(BASE) is not None
    assert live_stack.at("base", "1-main")
    assert {outcome.status for outcome in live_stack.build().outcomes} == {"reused"}
    assert engine.run(lab.built.image, ["ls", "/base"], 60).exit_code == 0
