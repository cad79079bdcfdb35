# SPDX-License-Identifier: MIT
"""The one decision, as a table: what is known and where content is -> action and reasons."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.model.decide import Decision, Need, Presence, decide, settled
from stackyard.model.inputs import build_fingerprint
from stackyard.model.known import Known
from stackyard.model.names import TargetName
from stackyard.model.reason import FileChanged, ParentChanged, ParentRebuilding
from stackyard.model.record import Fact, Record
from stackyard.model.reference import PublishedImage
from stackyard.model.stack import Target
from tests.unit.plan.made import AT, BASE, known, manifest, pushed, record, result, sha, suite, target

UP = TargetName("up")
OTHER = TargetName("other")
BASIC, WHOLE = suite("basic"), suite("integration")
LAB = target("lab", "up", bases=(BASE,), suites=(BASIC, WHOLE))
PASSED: tuple[Fact, ...] = (result(BASIC), result(WHOLE))
PUSHED = (*PASSED, pushed(LAB, "lab"))
HERE = frozenset({sha(["image", "lab"])})
THERE = frozenset({PublishedImage(LAB.repository, manifest("lab"))})
NOWHERE = Presence(frozenset(), frozenset())
PUBLISH = Need(publish=True)
ATTESTED = Need(publish=True, attested=frozenset({"provenance"}))


def decided(
    *records: Record,
    of: Target = LAB,
    up: str | None = "up",
    knowing: Known | None = None,
    presence: Presence | None = None,
    need: Need | None = None,
) -> Decision:
    """The decision on `of`, whose parent's content is `up` (None: it is being rebuilt)."""
    parents = {UP: sha(up) if up else None}
    return decide(of, parents, (knowing or known()).accepted, records, presence or Presence(), need or Need())


TABLE: list[tuple[str, tuple[Fact, ...], Presence, Need, str, list[str]]] = [
    ("all is well, nobody looked", PASSED, Presence(), Need(), "reuse", [f"unchanged since {AT}"]),
    ("all is well, and here", PASSED, Presence(HERE), Need(), "reuse", [f"unchanged since {AT}"]),
    ("published, and there", PUSHED, Presence(HERE, THERE), PUBLISH, "reuse", [f"unchanged since {AT}"]),
    ("published, only there", PUSHED, Presence(frozenset(), THERE), PUBLISH, "reuse", [f"unchanged since {AT}"]),
    ("to publish, only here", PASSED, Presence(HERE), PUBLISH, "push", ["built and not published yet"]),
    ("to publish, nobody looked", PASSED, Presence(), PUBLISH, "push", ["built and not published yet"]),
    ("published, gone from there", PUSHED, Presence(HERE, frozenset()), PUBLISH, "push",
     ["image is no longer in the registry"]),
    ("gone from here, there", PUSHED, Presence(frozenset(), THERE), Need(), "fetch",
     ["image is no longer in the engine"]),
    ("gone from here, never pushed", PASSED, NOWHERE, Need(), "build", ["image is no longer in the engine"]),
    ("gone from both", PUSHED, NOWHERE, Need(), "build", ["image is no longer in the engine, nor in the registry"]),
    ("gone from both, to publish", PUSHED, NOWHERE, PUBLISH, "build",
     ["image is no longer in the engine, nor in the registry"]),
    ("never tested", (pushed(LAB, "lab"),), Presence(), Need(), "retest",
     ["basic tests not run yet", "integration tests not run yet"]),
    ("one suite never ran", (result(BASIC),), Presence(), Need(), "retest", ["integration tests not run yet"]),
    ("test code changed", (result(suite("basic", "0")), result(WHOLE)), Presence(), Need(), "retest",
     ["basic tests changed"]),
    ("tests failed", (result(BASIC, False), result(WHOLE)), Presence(), Need(), "retest",
     [f"basic tests failed at {AT}"]),
    ("tests failed, then passed", (result(BASIC, False), *PASSED), Presence(), Need(), "reuse",
     [f"unchanged since {AT}"]),
    ("tests passed, then failed", (*PASSED, result(BASIC, False)), Presence(), Need(), "retest",
     [f"basic tests failed at {AT}"]),
    ("tests failed, to publish", (result(BASIC, False), result(WHOLE)), Presence(HERE), PUBLISH, "retest",
     [f"basic tests failed at {AT}"]),
    ("to be tested, only there", (pushed(LAB, "lab"), result(BASIC)), Presence(frozenset(), THERE), PUBLISH, "fetch",
     ["image is no longer in the engine", "integration tests not run yet"]),
    ("to be tested, gone", (result(BASIC),), NOWHERE, Need(), "build", ["image is no longer in the engine"]),
    ("to publish, not attested", PASSED, Presence(HERE), ATTESTED, "build",
     ["built without provenance, and not published yet"]),
    ("to publish, not attested, never tested", (), Presence(HERE), ATTESTED, "build",
     ["built without provenance, and not published yet"]),
    ("not attested, and there", PUSHED, Presence(HERE, THERE), ATTESTED, "reuse", [f"unchanged since {AT}"]),
    ("not attested, only here", PASSED, Presence(HERE), msgspec.structs.replace(ATTESTED, publish=False), "reuse",
     [f"unchanged since {AT}"]),
    ("asked for", PASSED, Presence(), Need(rebuild=frozenset({LAB.name})), "build", ["asked for by --rebuild"]),
    ("another was asked for", PASSED, Presence(), Need(rebuild=frozenset({UP})), "reuse", [f"unchanged since {AT}"]),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "presence", "need", "action", "said"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_a_matching_record(
    facts: tuple[Fact, ...], presence: Presence, need: Need, action: str, said: list[str]
) -> None:
    """A record of exactly these inputs, parents and bases: what is still to do with it, and why."""
    decision = decided(record(LAB, "lab", *facts), presence=presence, need=need)

    assert (decision.action, [str(reason) for reason in decision.reasons]) == (action, said)


def test_nothing_known_is_a_build() -> None:
    """No record, or one that does not match, gives a build whose reasons somebody else explains."""
    other = record(target("lab", "up", bases=(BASE,), text="FROM other"))
    for records in ((), (other,)):
        decision = decided(*records)
        assert (decision.action, decision.reasons, decision.record, decision.content) == ("build", (), None, None)
        assert decision.build is not None


@pytest.mark.parametrize("facts", [PASSED, PUSHED, (result(BASIC, False),)])
def test_another_parent_or_base_is_another_build(facts: tuple[Fact, ...]) -> None:
    """A record on the parent's old content, or an old accepted digest, is never gone on from."""
    old = record(LAB, "lab", *facts)

    assert decided(old, up="up, rebuilt").action == "build"
    assert decided(old, knowing=known(accepted={BASE: "moved"})).action == "build"
    assert decided(old, knowing=known(accepted={BASE: BASE, "other": "x"})).record == old


def test_a_target_waits_for_a_parent_that_is_rebuilt() -> None:
    """Whatever is known of it, there is nothing to decide before the parent's content is there."""
    decision = decided(record(LAB), up=None)

    assert (decision.action, [str(reason) for reason in decision.reasons]) == ("decide-later", ["waits for parent up"])
    assert (decision.build, decision.content) == (None, None)


def test_a_base_without_an_accepted_digest_is_a_build() -> None:
    """The build will resolve it; no fingerprint is made of a promise."""
    decision = decided(record(LAB), knowing=known(accepted={}))

    assert (decision.action, [str(r) for r in decision.reasons]) == ("build", [f"base {BASE} not resolved yet"])
    assert decision.build is None


def test_the_newest_that_passed_is_taken() -> None:
    """Two builds of one fingerprint are both valid: a failing newer one does not hide an older that passed."""
    passed, failing = record(LAB, "older"), record(LAB, "newer", result(BASIC, False), number=2)
    newest = record(LAB, "newest", number=3)

    assert decided(failing, passed).record == passed
    assert decided(newest, failing, passed).record == newest
    assert decided(failing).record == failing


def test_a_record_whose_build_never_ended_is_nothing() -> None:
    """Without the fact of the build there is no image to go on from."""
    torn = msgspec.structs.replace(record(LAB), facts=())

    assert decided(torn).action == "build"


def test_children_build_on_the_content_of_the_record() -> None:
    """Whatever is still to do with a known image, its content is known; that of one to be built is not."""
    for facts in (PASSED, (result(BASIC, False),)):
        assert decided(record(LAB, "lab", *facts)).content == sha("lab")
    assert decided().content is None


def test_without_suites_nothing_has_to_pass() -> None:
    """An image without tests is reused as it is built."""
    bare = target("lab", "up", bases=(BASE,))

    assert decided(record(bare), of=bare).action == "reuse"
    assert decided(record(bare), of=bare).build == build_fingerprint(bare.inputs, {UP: sha("up")}, {BASE: sha(BASE)})


def test_it_is_the_targets_own_repository_that_counts() -> None:
    """An image pushed to where it used to be published is not published where it is wanted now."""
    elsewhere = pushed(target("other"), "lab")

    assert decided(record(LAB, "lab", *PASSED, elsewhere), need=PUBLISH).action == "push"


def test_a_reason_to_wait_says_what_became_of_the_parent() -> None:
    """Once it is there it is another one than the last build stood on; other reasons stay as they are."""
    lab = target("lab", "up", "other")
    built = record(lab).built
    assert built is not None
    before = msgspec.structs.replace(built, parents=((UP, sha("old")), (OTHER, sha("same"))))
    last = msgspec.structs.replace(record(lab), facts=(before,))
    waiting = (FileChanged("a", "changed"), ParentRebuilding(UP), ParentRebuilding(OTHER))

    found = settled(waiting, {UP: sha("new"), OTHER: sha("same")}, [last])
    assert found == (FileChanged("a", "changed"), ParentChanged(UP, sha("old"), sha("new")))
    assert settled(waiting[2:], {OTHER: sha("same")}, [last]) == waiting[2:]
