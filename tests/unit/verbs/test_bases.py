# SPDX-License-Identifier: MIT
"""External bases over fakes: what is asked, what is accepted, what is built because of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.engine import BuildRequest
from stackyard.errors import ConfigError, RegistryUnreachable, UnknownName, WorldError
from stackyard.model.bases import Base
from stackyard.verbs.bases import accept, bases, refresh
from tests.unit.verbs.upstream import SPEC, Upstream

DEBIAN = "docker.io/library/debian:12"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    """A stack on images that others publish, nothing built."""
    return Upstream(tmp_path)


def shown(upstream: Upstream, *words: str, offline: bool = False) -> dict[str, Base]:
    """The bases, by the name a Dockerfile gives them."""
    return {str(base.of.reference): base for base in bases(upstream.yard(), words, offline)}


def states(upstream: Upstream, *words: str, offline: bool = False) -> dict[str, str]:
    """Base -> state."""
    return {name: base.state for name, base in shown(upstream, *words, offline=offline).items()}


def unreachable() -> RegistryUnreachable:
    """Nobody answers."""
    return RegistryUnreachable("cannot reach registry docker.io: no answer", address="docker.io")


# Looking.


def test_every_kind_of_base_is_shown_with_who_stands_on_it(upstream: Upstream) -> None:
    """FROM, `COPY --from` and `# syntax=`, each once, with the images and the lines that name it."""
    found = shown(upstream)

    assert {name: base.of.targets for name, base in found.items()} == {
        "debian:12": ("base", "tools"),
        "alpine:3": ("tools",),
        "docker/dockerfile:1": ("tools",),
    }
    places = {name: [(place.how, place.line) for place in base.of.places] for name, base in found.items()}
    assert places == {
        "debian:12": [("from", 1), ("from", 2)],
        "alpine:3": [("copy", 3)],
        "docker/dockerfile:1": [("syntax", 1)],
    }


def test_a_base_is_new_then_current_then_moved(upstream: Upstream) -> None:
    """The state compares what was accepted with what its registry has now."""
    assert set(states(upstream).values()) == {"new"}
    upstream.build()
    assert set(states(upstream).values()) == {"current"}
    now = upstream.publish("debian:12", "second")

    found = shown(upstream)["debian:12"]

    assert (found.state, found.current) == ("moved", now)
    assert found.accepted not in (None, now)
    assert found.since == "2026-01-01T00:01:00Z"


def test_words_are_images_or_bases(upstream: Upstream) -> None:
    """An image means all that it builds on; a base is named in any spelling, with its tag or without."""
    assert list(states(upstream, "left")) == ["debian:12"]
    assert list(states(upstream, "tools")) == ["debian:12", "alpine:3", "docker/dockerfile:1"]
    assert list(states(upstream, "docker.io/library/alpine")) == ["alpine:3"]
    assert list(states(upstream, "alpine:3", "left")) == ["debian:12", "alpine:3"]
    with pytest.raises(UnknownName, match="neither an image nor an external base is named 'debain:12'") as caught:
        bases(upstream.yard(), ["debain:12"])
    assert "debian:12" in str(caught.value.hint)


def test_a_registry_that_does_not_answer_is_not_checked(upstream: Upstream) -> None:
    """Why is said, and what it had last time is still shown; the others are asked all the same."""
    upstream.build()
    before = shown(upstream)["debian:12"].current
    upstream.registry.fail_on(lambda request: request.repository.path == "library/debian", unreachable())

    found = shown(upstream)

    assert (found["debian:12"].state, found["debian:12"].current) == ("not checked", before)
    assert "cannot reach registry" in str(found["debian:12"].problem)
    assert found["alpine:3"].state == "current"


def test_offline_asks_nobody(upstream: Upstream) -> None:
    """Neither a registry nor an engine, and everything is "not checked"."""
    upstream.build()
    asked, called = len(upstream.registry.requests), len(upstream.engine.calls)

    assert set(states(upstream, offline=True).values()) == {"not checked"}
    assert (len(upstream.registry.requests), len(upstream.engine.calls)) == (asked, called)


def test_a_base_by_digest_is_pinned(upstream: Upstream) -> None:
    """The Dockerfile says what it is: nobody is asked, and refreshing leaves it alone."""
    digest = upstream.publish("debian:12", "first")
    upstream.write("images/base/Dockerfile", f"FROM debian:12@{digest}\n")
    upstream.publish("debian:12", "second")

    found = shown(upstream, "base")[f"debian:12@{digest}"]

    assert (found.state, found.accepted) == ("pinned", digest)
    assert not refresh(upstream.yard(), ["base"]).changes


def test_a_base_that_its_registry_lost(upstream: Upstream) -> None:
    """The accepted digest stays; the state says that there is no such name any more."""
    upstream.build()
    upstream.write("images/base/Dockerfile", "FROM debian:13\n")

    assert states(upstream, "base") == {"debian:13": "gone"}


# Accepting.


def test_a_moved_base_builds_nothing_until_it_is_refreshed(upstream: Upstream) -> None:
    """Accepting it names what will be built, and the plan has both digests as the reason."""
    upstream.build()
    was = upstream.yard().records.known().accepted[DEBIAN]
    now = upstream.publish("debian:12", "second")
    quiet = upstream.build()

    done = refresh(upstream.yard())
    plan = verbs.plan(upstream.yard())

    assert set(upstream.statuses(quiet).values()) == {"reused"}
    assert [(str(change.reference), change.was, change.now) for change in done.changes] == [("debian:12", was, now)]
    assert (done.following.builds, done.following.waits) == (("base", "tools"), ("left", "right"))
    assert {str(step.target): step.action for step in plan.steps} == {
        "base": "build",
        "left": "decide-later",
        "right": "decide-later",
        "tools": "build",
    }
    assert str(plan.step(done.following.builds[0]).reasons[0]) == (
        f"base {DEBIAN} changed from {was[:19]} to {now[:19]}"
    )
    assert not plan.is_checked


def test_refreshing_twice_changes_nothing(upstream: Upstream) -> None:
    """What is accepted already is not written down again."""
    upstream.build()
    upstream.publish("debian:12", "second")
    refresh(upstream.yard())

    again = refresh(upstream.yard())

    assert (again.changes, again.asked) == ((), 3)
    assert len([each for each in upstream.yard().records.acceptances() if each.reference == DEBIAN]) == 2


def test_only_the_named_base_is_refreshed(upstream: Upstream) -> None:
    """The others stay as accepted, however far they have moved."""
    upstream.build()
    upstream.publish("debian:12", "second")
    upstream.publish("alpine:3", "second")

    done = refresh(upstream.yard(), ["alpine"])

    assert [str(change.reference) for change in done.changes] == ["alpine:3"]
    assert done.following.builds == ("tools",)
    assert states(upstream)["debian:12"] == "moved"


def test_a_base_that_cannot_be_resolved_accepts_none(upstream: Upstream) -> None:
    """All or none: one sentence names it, and the records stay as they were."""
    upstream.build()
    before = upstream.yard().records.acceptances()
    upstream.publish("debian:12", "second")
    upstream.registry.fail_on(lambda request: request.repository.path == "library/alpine", unreachable())

    with pytest.raises(WorldError, match="nothing was accepted, because what alpine:3 is now cannot be told: cannot r"):
        refresh(upstream.yard())

    assert upstream.yard().records.acceptances() == before


def test_bases_of_what_is_left_alone_are_nobodys_need(upstream: Upstream) -> None:
    """One that is gone keeps neither a build nor a refresh of the others from going on; it can still be named."""
    upstream.write("images/spec.yml", SPEC.replace("tools:", "tools: {skip: no licence}"))
    upstream.write("images/tools/Dockerfile", "FROM gone:1\n")

    assert upstream.build().is_good
    upstream.publish("debian:12", "second")
    assert [str(change.reference) for change in refresh(upstream.yard()).changes] == ["debian:12"]
    assert upstream.build(refresh=True).is_good
    assert states(upstream)["gone:1"] == "gone"
    with pytest.raises(WorldError, match="what gone:1 is now cannot be told: its registry has none of this name"):
        refresh(upstream.yard(), ["gone:1"])


def test_no_engine_is_needed_to_say_that_a_registry_is_away(upstream: Upstream) -> None:
    """The sentence is about the registry, whatever else is missing."""
    upstream.build()
    upstream.engine.is_down = True
    upstream.registry.fail_on(lambda _: True, unreachable())

    with pytest.raises(WorldError, match="cannot reach registry docker"):
        refresh(upstream.yard())


def test_an_image_that_only_the_engine_has_is_what_it_has(upstream: Upstream) -> None:
    """One that was loaded, and is in no registry, has its id as digest, and moves when another is loaded."""
    upstream.write("images/tools/Dockerfile", "FROM local/thing:1\n")
    upstream.engine.add("local/thing:1", "first")
    upstream.build()
    now = upstream.engine.add("local/thing:1", "second").id

    assert [change.now for change in refresh(upstream.yard(), ["tools"]).changes] == [now]


def test_a_named_digest_is_accepted_once_it_was_seen(upstream: Upstream) -> None:
    """Going back to one of before: what was built on it is known, so that nothing is built."""
    upstream.build()
    first = upstream.yard().records.known().accepted[DEBIAN]
    upstream.publish("debian:12", "second")
    upstream.build(refresh=True)
    built = len(upstream.builds())

    done = accept(upstream.yard(), [f"debian:12={first}"])
    summary = upstream.build()

    assert done.following.builds == ()
    assert set(upstream.statuses(summary).values()) <= {"reused", "tagged"}
    assert len(upstream.builds()) == built
    assert [each.by for each in upstream.yard().records.acceptances() if each.reference == DEBIAN] == [
        "person",
        "refresh",
        "first",
    ]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("debian:12=sha256:" + "0" * 64, WorldError, "is neither in its registry nor in the engine"),
        ("debian:11=sha256:" + "0" * 64, UnknownName, "named 'debian:11'"),
        ("tools=sha256:" + "0" * 64, UnknownName, "named 'tools'"),
        ("debian:12", ConfigError, "names no digest"),
        ("debian:12=newest", ConfigError, "'newest' is not a valid digest"),
    ],
)
def test_what_cannot_be_accepted(upstream: Upstream, text: str, error: type[Exception], words: str) -> None:
    """One sentence each, and nothing is written down."""
    upstream.build()
    before = upstream.yard().records.acceptances()

    with pytest.raises(error, match=words):
        accept(upstream.yard(), [text])

    assert upstream.yard().records.acceptances() == before


# Building.


def test_a_build_that_refreshes_stands_on_what_is_there_now(upstream: Upstream) -> None:
    """Every build of the run is pinned to the digest that was resolved once, at its beginning."""
    upstream.build()
    now = upstream.publish("debian:12", "second")
    asked = len(upstream.registry.requests)
    later: list[object] = []

    def move_on(_: BuildRequest) -> None:
        later.append(upstream.publish("debian:12", f"after {len(later)}"))

    upstream.engine.before_build = move_on
    summary = upstream.build(refresh=True)

    assert upstream.statuses(summary) == dict.fromkeys(("base", "left", "right", "tools"), "built")
    bases_of = {
        name: dict(record.built.bases)[DEBIAN]
        for name, (record, *_) in upstream.yard().records.known().records.items()
        if record.built and record.built.bases
    }
    assert bases_of == {"base": now, "tools": now}
    resolved = [each for each in upstream.registry.requests[asked:] if each.repository.path == "library/debian"]
    assert [each.verb for each in resolved if not str(each.tag).startswith("sha256:")].count("resolve") == 1 + len(
        later
    )


def test_a_run_killed_after_a_refresh_leaves_no_child_on_the_old_base(upstream: Upstream) -> None:
    """The next run needs no --refresh: fingerprints say who still stands on what was accepted before."""
    upstream.build()
    upstream.publish("debian:12", "second")

    def kill(request: BuildRequest) -> None:
        if "/base:" not in str(request.tag):
            raise KeyboardInterrupt

    upstream.engine.before_build = kill
    interrupted = upstream.build(refresh=True)
    upstream.engine.before_build = lambda _: None
    plan = verbs.plan(upstream.yard())
    summary = upstream.build()

    assert upstream.statuses(interrupted)["base"] == "built"
    assert {str(step.target): step.action for step in plan.steps if step.action == "build"} == {
        "left": "build",
        "right": "build",
        "tools": "build",
    }
    assert upstream.statuses(summary) == {"base": "tagged", "left": "built", "right": "built", "tools": "built"}
    assert set(upstream.statuses(upstream.build()).values()) == {"reused"}


def test_a_refresh_without_a_build_is_not_forgotten(upstream: Upstream) -> None:
    """Whoever builds next, and however little they name, builds on what was accepted."""
    upstream.build()
    upstream.publish("debian:12", "second")
    refresh(upstream.yard())

    summary = upstream.build("left")

    assert {name: status for name, status in upstream.statuses(summary).items() if status != "skipped"} == {
        "base": "built",
        "left": "built",
    }
    assert upstream.statuses(upstream.build())["tools"] == "built"
