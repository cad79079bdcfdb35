# SPDX-License-Identifier: MIT
"""A change that is tried on another machine than the one that built the stack: on what is published by then."""

from __future__ import annotations

import pytest

from stackyard import verbs
from stackyard.edges.engine import BuildRequest
from stackyard.model.names import TargetName
from stackyard.model.outcome import RunSummary
from stackyard.model.reference import LocalImage
from tests.unit.verbs.test_sharing import Machine, another, one

__all__ = ["one"]

LEAF = TargetName("leaf")


def tried(machine: Machine, **how: bool) -> tuple[RunSummary, set[LocalImage]]:
    """Edit and build the leaf alone; what it was built on."""
    machine.clock.advance(60)
    machine.write("images/leaf/note", machine.clock.now())
    built: list[BuildRequest] = []
    machine.engine.before_build = built.append
    yard = machine.yard()
    summary = verbs.run(yard, verbs.prepare(yard, ["leaf"], **how))
    return summary, {image for request in built for image in request.pins.values()}


def base_of(machine: Machine) -> LocalImage:
    """The newest image of the base that a machine knows."""
    record = machine.yard().records.known().records[TargetName("base")][0]
    assert record.built is not None
    return record.built.image


@pytest.mark.parametrize("how", ["on_published", "only"])
def test_a_fresh_clone_tries_a_change_on_what_is_published(one: Machine, how: str) -> None:
    """The parent was never built here: it is learned, fetched by digest, and nothing else is built or asked for."""
    one.build()
    two = another(one)
    summary, on = tried(two, **{how: True})
    pulled = [subject.partition("@")[0] for verb, subject in two.engine.calls if verb == "pull"]

    assert summary.is_good, summary.failed
    assert on == {base_of(one)}
    assert two.builds == 1
    assert pulled == ["registry.example/lab/base"]


def test_what_was_published_since_counts(one: Machine) -> None:
    """--test asks each time and takes the newest; --only is content with what it knows.

    The parent is edited there and built nowhere, or its published build of the very same files would win.
    """
    one.build()
    two = another(one)
    two.write("images/base/note", "edited")
    _, first = tried(two, on_published=True)
    one.write("images/base/note", "newer")
    one.build()
    _, only = tried(two, only=True)
    summary, newest = tried(two, on_published=True)

    assert summary.is_good
    assert only == first
    assert newest == {base_of(one)} != first
