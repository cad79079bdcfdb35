# SPDX-License-Identifier: MIT
"""External bases, ages and adopting on a real engine and a real registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.docker import DockerEngine
from stackyard.model.names import Digest, TargetName
from stackyard.model.outcome import RunSummary
from stackyard.testing import FixedClock
from stackyard.verbs import Options
from stackyard.verbs.adopt import adopt, adopting
from stackyard.verbs.bases import accept, bases, refresh
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live


@pytest.fixture
def upstream(tmp_path: Path, docker: DockerEngine, registry_address: str) -> Iterator[LiveStack]:
    """Whoever publishes the base: a stack of its own."""
    made = LiveStack(tmp_path / "upstream", docker, registry_address)
    made.write("images/spec.yml", f"images:\n  up: {{image_name: {made.prefix}/up}}\n")
    made.write("images/up/Dockerfile", "FROM scratch\nCOPY note /up\n")
    yield made
    made.clean()


@pytest.fixture
def stack(upstream: LiveStack, tmp_path: Path, docker: DockerEngine, registry_address: str) -> Iterator[LiveStack]:
    """Two images on a base that others publish; nothing built."""
    publish(upstream, "one")
    made = LiveStack(tmp_path / "stack", docker, registry_address)
    prefix = made.prefix
    made.write(
        "images/spec.yml",
        f"images:\n  base: {{image_name: {prefix}/base}}\n  leaf: {{image_name: {prefix}/leaf, depend_on: base}}\n",
    )
    made.write("images/base/Dockerfile", f"FROM {upstream.repository('up')}:main\nCOPY note /base\n")
    made.write("images/leaf/Dockerfile", f"ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\nCOPY note /leaf\n")
    for name in ("base", "leaf"):
        made.write(f"images/{name}/note", name)
    made.commit()
    yield made
    made.clean()


def publish(upstream: LiveStack, note: str) -> Digest:
    """New content under the base's tag, which the engine does not keep."""
    upstream.write("images/up/note", note)
    upstream.commit()
    assert upstream.build().is_good
    found = upstream.at("up", "main")
    assert found is not None
    upstream.clean()
    return Digest(found)


def statuses(summary: RunSummary) -> dict[str, str]:
    """Target -> status, with the failure where there is one."""
    return {str(outcome.target): outcome.failure or outcome.status for outcome in summary.outcomes}


def test_a_base_that_moves_is_accepted_when_somebody_says_so(stack: LiveStack, upstream: LiveStack) -> None:
    """Until then nothing is built; then everything that stands on it is; and back to the old one without a build."""
    assert statuses(stack.build()) == {"base": "built", "leaf": "built"}
    (before,) = bases(stack.yard())
    now = publish(upstream, "two")
    (moved,) = bases(stack.yard())
    quiet = stack.build()
    done = refresh(stack.yard())

    assert (before.state, moved.state, moved.current) == ("current", "moved", now)
    assert statuses(quiet) == {"base": "reused", "leaf": "reused"}
    assert (done.following.builds, done.following.waits) == (("base",), ("leaf",))
    assert statuses(stack.build()) == {"base": "built", "leaf": "built"}

    assert before.accepted is not None
    accept(stack.yard(), [f"{before.of.reference}={before.accepted}"])
    assert set(statuses(stack.build()).values()) <= {"reused", "tagged"}


def test_what_is_too_old_is_made_afresh(stack: LiveStack) -> None:
    """The engine's cache would give the layer of before: something random in it says that it did not."""
    clock = FixedClock()
    stack.write("images/spec.yml", f"max_age: 30d\nimages:\n  base: {{image_name: {stack.prefix}/base}}\n")
    stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN cat /proc/sys/kernel/random/uuid > /id\n")

    def build(rebuild: tuple[str, ...] = ()) -> str:
        yard = verbs.load(stack.root, Options(registry=stack.registry, environ=ENVIRON), clock)
        summary = verbs.run(yard, verbs.prepare(yard, rebuild=rebuild))
        assert summary.is_good, statuses(summary)
        built = yard.records.known().records[TargetName("base")][0].built
        assert built is not None
        return built.content

    first, again = build(), build(("base",))
    clock.advance(31 * 86400)
    aged = build()

    assert again == first
    assert aged != first


def test_what_another_clone_published_can_be_adopted(stack: LiveStack) -> None:
    """Layers of a real engine and a real registry tell that the child stands on its parent; its record is as before.

    Then a plan has nothing to do, and what an edit builds stands on what was adopted.
    """
    assert stack.build().is_good
    before = contents(stack)
    for file in (stack.root / ".stackyard").glob("records*"):
        file.unlink()

    found = adopt(stack.yard(), adopting(stack.yard()))

    assert found.is_good
    assert found.problems == ()
    assert {str(each.target): (each.state, str(each.digest)) for each in found.targets} == {
        name: ("adopt", stack.at(name, "main")) for name in ("base", "leaf")
    }
    assert [parent.is_below for parent in found.targets[1].parents] == [True]
    assert found.targets[0].platforms == (found.platform,)
    assert contents(stack) == before
    assert {step.action for step in verbs.plan(stack.yard()).steps} == {"reuse"}
    stack.write("images/leaf/note", "edited")
    summary = stack.build(publish=False)
    assert statuses(summary)["leaf"] == "built", summary


def contents(stack: LiveStack) -> dict[str, str]:
    """The content digest of each image's newest record."""
    known = stack.yard().records.known().records
    return {str(name): next(each.built.content for each in some if each.built) for name, some in known.items()}
