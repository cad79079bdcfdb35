# SPDX-License-Identifier: MIT
"""`@good`: the newest run in which everything passed, by what the runs of its branch left behind."""

from __future__ import annotations

import functools

import msgspec
import pytest

from stackyard.errors import GatesClosed, NothingToDo
from stackyard.model.gates import ChannelGates, Gate
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, Tag
from stackyard.model.record import Fact, Record, Reported
from stackyard.model.reference import Reference
from stackyard.model.stack import Revision, Stack, Target
from stackyard.plan.gates import with_gates
from stackyard.plan.good import Good, find_good, waiting
from tests.unit.plan.made import (
    AT,
    MAIN,
    known,
    manifest,
    move,
    promotion,
    pushed,
    record,
    result,
    stack,
    suite,
    target,
)

BASIC = suite()
X, Y = target("x", suites=(BASIC,)), target("y")
GPU = ChannelGates("stable", (Gate("gpu", "report", ("x",)),))
LAB = msgspec.structs.replace(stack(X, Y), gates=(GPU,))
GREEN = Reported(AT, "gpu", passed=True, total=1, failed=0, skipped=0)


def published(of: Target, content: str, *facts: Fact) -> Record:
    """An image in the registry that passed its tests."""
    return record(of, content, result(BASIC), pushed(of, content), *facts)


def ran(number: int, *moved: tuple[Target, str], branch: str = "main") -> MoveSet:
    """A run that put the branch's tags of some images, at a commit of its own number."""
    moves = promotion(str(number), *(move(of, branch, None, content) for of, content in moved), channel="", kind="run")
    return msgspec.structs.replace(moves, branch=branch, commit=str(number) * 40)


def good(knowing: Known, *oldest_first: MoveSet, of: Stack = LAB, images: str = "xy", **how: object) -> Good:
    """What `@good` is for the channel `stable`."""
    gated = functools.partial(with_gates, of, knowing, **how)  # type: ignore[arg-type]
    names = frozenset(each.name for each in of.targets if each.name in images)
    return find_good(of, knowing, oldest_first[::-1], names, "stable", "registry", gated)


def digests(found: Good) -> list[Digest]:
    """Of the images."""
    return [source.digest for source in found.sources]


def test_the_newest_run_in_which_all_passed() -> None:
    """The third was not reported yet; the second changed one image only, and the other is as the first left it."""
    facts = known(published(X, "x1"), published(X, "x2", GREEN), published(X, "x3"), published(Y, "y1"))
    runs = (ran(1, (X, "x1"), (Y, "y1")), ran(2, (X, "x2")), ran(3, (X, "x3")))
    found = good(facts, *runs)

    assert digests(found) == [manifest("x2"), manifest("y1")]
    assert found.commit == "2" * 40


def test_a_run_of_several_sets_counts_as_a_whole() -> None:
    """What lies between two sets of one run never was a run."""
    facts = known(published(X, "x1"), published(X, "x2", GREEN), published(Y, "y1"), published(Y, "y2"))
    found = good(facts, ran(1, (X, "x1"), (Y, "y1")), ran(2, (X, "x2")), ran(2, (Y, "y2")))

    assert digests(found) == [manifest("x2"), manifest("y2")]


def test_a_run_of_another_branch_is_never_meant() -> None:
    """However good and new; and nobody guesses where no branch is checked out."""
    facts = known(published(X, "x1", GREEN), published(X, "x2", GREEN), published(Y, "y1"))
    runs = (ran(1, (X, "x1"), (Y, "y1")), ran(2, (X, "x2"), branch="feature"))

    assert digests(good(facts, *runs)) == [manifest("x1"), manifest("y1")]
    detached = msgspec.structs.replace(LAB, revision=Revision("0" * 40, None, is_dirty=False))
    with pytest.raises(NothingToDo, match="no branch is checked out"):
        good(facts, *runs, of=detached)


def test_where_none_has_passed_the_newest_says_why() -> None:
    """All that is missing to it, with a name by which a report can be brought to it."""
    facts = known(published(X, "x1"), record(X, "x2", pushed(X, "x2")), published(Y, "y1"))
    with pytest.raises(GatesClosed) as caught:
        good(facts, ran(1, (X, "x1"), (Y, "y1")), ran(2, (X, "x2")))

    assert str(caught.value).splitlines() == [
        "nothing to promote: no run of main has passed all gates of stable; the newest (commit 2222222) lacks",
        "  x: basic tests: never ran; `stackyard build x` runs them",
        "  x: report gpu: nobody reported it; stackyard gate report gpu --for 2222222 --junit FILE",
    ]


def test_an_overridden_gate_keeps_no_run_back() -> None:
    """The newest run counts then."""
    facts = known(published(X, "x1", GREEN), published(X, "x2"), published(Y, "y1"))
    runs = (ran(1, (X, "x1"), (Y, "y1")), ran(2, (X, "x2")))

    assert digests(good(facts, *runs, overridden=("gpu",), reason="exam week"))[0] == manifest("x2")


def test_every_image_must_be_there() -> None:
    """One that no run has published is named; the others can be promoted without it."""
    facts = known(published(X, "x1", GREEN))
    with pytest.raises(NothingToDo, match="no run of main has published all of these images: nothing is known of y"):
        good(facts, ran(1, (X, "x1")))

    assert digests(good(facts, ran(1, (X, "x1")), images="x")) == [manifest("x1")]
    with pytest.raises(NothingToDo, match="no run of main"):
        good(facts)


def test_a_tag_that_was_there_before_any_run_is_known() -> None:
    """Another machine put it there, and no set of moves tells when: the records know where it is."""
    place: tuple[TagPlace, str] = ("registry", Reference(Y.repository, Tag("main")).canonical)
    facts = known(published(X, "x1", GREEN), published(Y, "y1"), tags={place: manifest("y1")})

    assert LAB.revision == MAIN
    assert digests(good(facts, ran(1, (X, "x1")))) == [manifest("x1"), manifest("y1")]


def test_what_keeps_a_channel_from_the_newest_run() -> None:
    """What is missing to it; nothing where all passed, where the channel is there, or where there was no run."""
    facts = known(published(X, "x1"), published(X, "x2", GREEN), published(Y, "y1"))
    gated = functools.partial(with_gates, LAB, facts)
    first, second = ran(1, (X, "x1"), (Y, "y1")), ran(2, (X, "x2"))

    found = waiting(LAB, facts, (first,), "stable", "registry", gated)
    assert found is not None
    assert (found.branch, found.commit, [state.gate for state in found.missing]) == ("main", "1" * 40, ["gpu"])
    assert waiting(LAB, facts, (second, first), "stable", "registry", gated) is None
    assert waiting(LAB, facts, (), "stable", "registry", gated) is None
    tags = {
        ("registry", Reference(each.repository, Tag("stable")).canonical): manifest(f"{each.name}1") for each in (X, Y)
    }
    there = msgspec.structs.replace(facts, tags=tags)
    assert waiting(LAB, there, (first,), "stable", "registry", gated) is None
