# SPDX-License-Identifier: MIT
"""Rollback as a plan: a channel's promotions are a stack, of which the newest are taken back."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.errors import NothingToDo, TagConflict
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest
from stackyard.model.stack import Stack
from stackyard.plan.rollback import asked_of_rollback, history_of, plan_rollback, standing_sets
from tests.unit.plan.made import manifest, move, promotion, stack, target

X, Y = target("x"), target("y")

# `history` is newest first, as the records give it.

A = promotion("A", move(X, "stable", None, "a"))
B = promotion("B", move(X, "stable", "a", "b"))
C = promotion("C", move(X, "stable", "b", "c"))


def back(of: MoveSet) -> MoveSet:
    """The finished rollback of a promotion."""
    moves = tuple(TagMove(each.target, each.repository, each.tag, each.now, each.was or each.now) for each in of.moves)
    return promotion("?", *moves, kind="rollback")


def rolled(*history: MoveSet, at: str) -> MoveSet:
    """The plan to roll `stable` back, which is at the image of content `at`."""
    return plan_rollback("stable", history, lambda *_: manifest(at), "2026-02-01T00:00:00Z")


def test_a_rollback_goes_to_what_was_before() -> None:
    """Promote A, promote B: back to A, and it says so."""
    moves = rolled(B, A, at="b")

    assert moved(moves) == [("x", manifest("b"), manifest("a"))]
    assert (moves.kind, moves.source, moves.channel) == ("rollback", "A", "stable")


def test_a_second_rollback_goes_one_further() -> None:
    """Promotions are a stack: A, B, C, back, back is A; then D, back is A again."""
    further = rolled(back(C), C, B, A, at="b")
    assert (moved(further), further.source) == ([("x", manifest("b"), manifest("a"))], "A")

    d = promotion("D", move(X, "stable", "a", "d"))
    again = rolled(d, back(B), back(C), C, B, A, at="d")
    assert (moved(again), again.source) == ([("x", manifest("d"), manifest("a"))], "A")


def test_there_is_nothing_before_the_first() -> None:
    """NothingToDo: no promotion, all of them taken back, or a channel that did not exist before."""
    with pytest.raises(NothingToDo, match="no promotion to 'stable'"):
        rolled(at="a")
    with pytest.raises(NothingToDo, match="'stable' did not exist before its first promotion"):
        rolled(A, at="a")
    with pytest.raises(NothingToDo, match="did not exist before"):
        rolled(back(B), B, A, at="a")


def test_a_tag_that_is_new_is_taken_away() -> None:
    """The channel is as it was before a promotion that brought one image more; one that is gone already is none."""
    both = promotion("B", move(X, "stable", "a", "b"), move(Y, "stable", None, "y"))
    at = {X.repository: manifest("b"), Y.repository: manifest("y")}
    moves = plan_rollback("stable", (both, A), lambda place, _: at.get(place), "2026-02-01T00:00:00Z")

    assert moved(moves) == [("x", manifest("b"), manifest("a")), ("y", manifest("y"), None)]
    at[Y.repository] = manifest("stranger")
    with pytest.raises(TagConflict):
        plan_rollback("stable", (both, A), lambda place, _: at.get(place), "2026-02-01T00:00:00Z")
    del at[Y.repository]
    assert moved(plan_rollback("stable", (both, A), lambda place, _: at.get(place), "2026-02-01T00:00:00Z")) == [
        ("x", manifest("b"), manifest("a"))
    ]

    only_new = promotion("B", move(Y, "stable", None, "a"))
    assert moved(rolled(only_new, A, at="a")) == [("y", manifest("a"), None)]


def test_what_was_there_before_us_comes_back() -> None:
    """The first promotion over a tag that somebody else had put can be taken back too; then nothing is left."""
    first = promotion("A", move(X, "stable", "theirs", "a"))

    assert moved(rolled(first, at="a")) == [("x", manifest("a"), manifest("theirs"))]
    with pytest.raises(NothingToDo, match="no promotion"):
        rolled(back(first), first, at="theirs")


def test_a_promotion_typed_twice_is_no_step() -> None:
    """The second one changed nothing: rolling back goes to what was before the first of the two."""
    twice = promotion("B", move(X, "stable", "b", "b"))

    assert moved(rolled(twice, B, A, at="b")) == [("x", manifest("b"), manifest("a"))]


def test_a_first_promotion_that_changed_nothing_cannot_be_taken_back() -> None:
    """The channel was there already: it is a channel now, and there is nothing before it."""
    same = promotion("A", move(X, "stable", "a", "a"))

    assert standing_sets([same]) == {"stable": same}
    with pytest.raises(NothingToDo, match="was where it is"):
        rolled(same, at="a")


def test_a_rollback_of_a_tag_that_somebody_moved_is_refused() -> None:
    """Neither where we put it nor where it would go; half undone by hand is fine."""
    with pytest.raises(TagConflict) as caught:
        rolled(B, A, at="stranger")
    assert (caught.value.expected, caught.value.found) == (manifest("b"), manifest("stranger"))
    assert rolled(B, A, at="a").changes == ()


def test_each_channel_stands_where_its_last_promotion_put_it() -> None:
    """A promotion that was taken back does not count, nor do the branch tags of runs."""
    other = promotion("O", move(X, "beta", None, "o"), channel="beta")
    run = promotion("7", move(X, "main", None, "r"), channel="", kind="run")

    assert standing_sets([run, other, B, A]) == {"beta": other, "stable": B}
    assert standing_sets([back(B), other, B, A]) == {"stable": A, "beta": other}
    assert standing_sets([back(B), B]) == {}
    assert standing_sets([]) == {}


def moved(moves: MoveSet) -> list[tuple[str, Digest | None, Digest | None]]:
    """Target, from, to."""
    return [(str(each.target), each.was, each.now) for each in moves.moves]


def of_release(name: str, moves: MoveSet) -> MoveSet:
    """The same, of a release."""
    return msgspec.structs.replace(moves, release=name)


def test_a_rollback_to_a_release_takes_all_since_back() -> None:
    """Also what was promoted alone meanwhile; the next rollback goes on from there."""
    both = of_release("r1", promotion("1", move(X, "stable", "x0", "x1"), move(Y, "stable", "y0", "y1")))
    alone = of_release("r2", promotion("2", move(Y, "stable", "y1", "y2")))
    last = of_release("r3", promotion("3", move(X, "stable", "x1", "x3"), move(Y, "stable", "y2", "y3")))
    history = (last, alone, both)
    at = {X.repository: manifest("x3"), Y.repository: manifest("y3")}
    moves = plan_rollback("stable", history, lambda place, _: at[place], "2026-02-01T00:00:00Z", "r1")

    assert moved(moves) == [("y", manifest("y3"), manifest("y1")), ("x", manifest("x3"), manifest("x1"))]
    assert (moves.kind, moves.release, moves.source) == ("rollback", "r1", "1")
    assert standing_sets([msgspec.structs.replace(moves, state="done"), *history]) == {"stable": both}


@pytest.mark.parametrize(("release", "words"), [("r2", "is at r2 already"), ("r3", "never was at a release 'r3'")])
def test_a_channel_goes_back_to_no_release_but_its_earlier_ones(release: str, words: str) -> None:
    """Not to the one it is at, and to none that it never was at: that is a promotion."""
    first, second = of_release("r1", A), of_release("r2", B)

    with pytest.raises(NothingToDo, match=words):
        plan_rollback("stable", (second, first), lambda *_: manifest("b"), "2026-02-01T00:00:00Z", release)


def lab() -> Stack:
    """Two versions of one image, each with a prefix of its own."""
    return stack(*(msgspec.structs.replace(each, variables=(("prefix", each.version),)) for each in VERSIONS))


VERSIONS = (target("x/2021.2"), target("x/2021.3"))


def stable(kind: str, channel: str, *moves: tuple[str, str | None, str]) -> MoveSet:
    """A set of moves of the versions' stable tags."""
    made = (
        move(of, f"{of.version}-stable", was, now) for of in VERSIONS for tag, was, now in moves if tag == of.version
    )
    return promotion(channel, *made, channel=channel, kind=kind)


BOTH, THIRD = "{prefix}-stable", "2021.3-stable"
TOGETHER = stable("promote", BOTH, ("2021.2", "a", "b"), ("2021.3", "a", "b"))
ALONE = stable("promote", THIRD, ("2021.3", "b", "c"))
AGAIN = stable("promote", BOTH, ("2021.2", "b", "d"), ("2021.3", "c", "d"))


@pytest.mark.parametrize(
    ("channel", "history", "back"),
    [
        (BOTH, (TOGETHER,), [("2021.2", "b", "a"), ("2021.3", "b", "a")]),
        (THIRD, (TOGETHER,), [("2021.3", "b", "a")]),
        (BOTH, (ALONE, TOGETHER), [("2021.3", "c", "b")]),
        (THIRD, (ALONE, TOGETHER), [("2021.3", "c", "b")]),
        ("2021.2-stable", (ALONE, TOGETHER), [("2021.2", "b", "a")]),
        (THIRD, (stable("rollback", BOTH, ("2021.3", "c", "b")), ALONE, TOGETHER), [("2021.3", "b", "a")]),
        (
            BOTH,
            (stable("rollback", THIRD, ("2021.3", "c", "b")), ALONE, TOGETHER),
            [("2021.2", "b", "a"), ("2021.3", "b", "a")],
        ),
        (
            "2021.2-stable",
            (stable("rollback", BOTH, ("2021.2", "b", "b"), ("2021.3", "c", "b")), ALONE, TOGETHER),
            [("2021.2", "b", "a")],
        ),
        (BOTH, (AGAIN, ALONE, TOGETHER), [("2021.2", "d", "b"), ("2021.3", "d", "c")]),
        (THIRD, (AGAIN, ALONE, TOGETHER), [("2021.3", "d", "c")]),
    ],
)
def test_a_channel_is_its_tags_whatever_it_was_called(
    channel: str, history: tuple[MoveSet, ...], back: list[tuple[str, str, str]]
) -> None:
    """A template and one of its tags know of each other: each takes back what was done last to its own tags."""
    mine = history_of(lab(), channel, history)
    at = {f"{version}-stable": manifest(found) for version, found, _ in back}
    moves = plan_rollback(channel, mine, lambda _, tag: at[tag], "2026-02-01T00:00:00Z")

    assert [(str(each.target)[2:], each.was, each.now) for each in moves.moves] == [
        (version, manifest(was), manifest(now)) for version, was, now in back
    ]
    assert moves.channel == channel


def test_a_channel_of_two_names_stands_once() -> None:
    """By the last one; a template of which only a part was called otherwise since stands beside that."""
    only = move(VERSIONS[1], "2021.3-stable", "a", "b")
    one = promotion("x", only, channel="{prefix}-stable")
    other = promotion("y", msgspec.structs.replace(only, was=only.now, now=manifest("c")), channel=THIRD)

    assert standing_sets([other, one]) == {THIRD: other}
    assert standing_sets([one, other]) == {BOTH: one}
    assert standing_sets([ALONE, TOGETHER]) == {THIRD: ALONE, BOTH: TOGETHER}
    assert standing_sets([AGAIN, ALONE, TOGETHER]) == {BOTH: AGAIN}


def test_a_rollback_of_what_nobody_here_knows() -> None:
    """Its promotion was forgotten, or never learned: it is no promotion to go back from."""
    assert standing_sets([back(B)]) == {}
    assert standing_sets([A, back(B)]) == {"stable": A}


def test_only_tags_that_may_move_are_asked_for() -> None:
    """Those of the promotion that is taken back, of all since a release; of no channel none."""
    first, second, third = (
        of_release(name, promotion(name, move(X, name, "a", "b"))) for name in ("one", "two", "three")
    )
    history = (third, second, first)

    assert asked_of_rollback(history) == [(X.repository, "three", False)]
    assert asked_of_rollback(history, "one") == [(X.repository, "two", False), (X.repository, "three", False)]
    assert asked_of_rollback([]) == asked_of_rollback([], "one") == []
