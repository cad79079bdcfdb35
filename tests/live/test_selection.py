# SPDX-License-Identifier: MIT
"""What a person chooses and gives, on a real engine and a real registry."""

from __future__ import annotations

import msgspec
import pytest

from stackyard import verbs
from stackyard.model.outcome import RunSummary
from stackyard.model.reference import Reference
from stackyard.model.stack import GivenBase
from stackyard.verbs import Options
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live

SPEC = "images:\n  base: {{image_name: {prefix}/base}}\n  leaf: {{image_name: {prefix}/leaf, depend_on: base}}\n"


@pytest.fixture
def stack(live_stack: LiveStack) -> LiveStack:
    """Two images, the child says what it stands on; committed."""
    prefix = live_stack.prefix
    live_stack.write("images/spec.yml", SPEC.format(prefix=prefix))
    live_stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN echo one > /what\n")
    child = f"ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\n"
    live_stack.write("images/leaf/Dockerfile", f"{child}RUN test -e /what && cp /what /was || echo none > /was\n")
    live_stack.commit()
    return live_stack


def said(stack: LiveStack, summary: RunSummary) -> str:
    """What the child found below itself."""
    assert summary.is_good, summary.failed
    published = next(outcome.published for outcome in summary.outcomes if outcome.target == "leaf")
    assert published is not None
    facts = stack.engine.inspect(str(Reference(published.reference.repository, published.reference.tag)))
    assert facts is not None
    return stack.engine.run(facts.image, ["cat", "/was"], 60).output.strip()


def test_only_fetches_the_parents_last_build(stack: LiveStack) -> None:
    """The parent was edited and its image is no longer here: the child stands on what was published."""
    stack.build()
    stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN echo two > /what\n")
    stack.write("images/leaf/note", "edited")
    stack.commit()
    stack.clean()

    yard = stack.yard()
    plan = verbs.prepare(yard, ["leaf"], only=True)
    assert [note.kind for note in plan.notes] == ["fetch"]
    assert f"base is fetched, as {stack.repository('base')}@sha256:" in plan.notes[0].sentence
    assert said(stack, stack.build("leaf", only=True)) == "one"


def test_trying_a_change_on_the_published_parent(stack: LiveStack) -> None:
    """The parent was built anew here and not published, and the published image is gone from here: it is fetched."""
    stack.build()
    stack.clean()
    stack.write("images/base/Dockerfile", "FROM busybox:1.36\nRUN echo two > /what\n")
    stack.write("images/leaf/note", "edited")
    stack.commit()
    stack.build("base", publish=False)
    two = stack.engine.inspect(f"{stack.repository('base')}:main")

    assert said(stack, stack.build("leaf", publish=False, on_published=True)) == "one"
    assert stack.engine.inspect(f"{stack.repository('base')}:main") == two
    assert said(stack, stack.build("leaf", publish=False, only=True)) == "two"


def test_a_base_in_place_of_the_parent(stack: LiveStack) -> None:
    """The Dockerfile is as it was, and what it names is another image."""
    given = (GivenBase("leaf", Reference.parse("busybox:1.36")),)
    options = Options(registry=stack.registry, environ=ENVIRON)
    yard = verbs.load(stack.root, msgspec.structs.replace(options, bases=given))

    assert said(stack, verbs.run(yard, verbs.prepare(yard, ["leaf"]))) == "none"
