# SPDX-License-Identifier: MIT
"""Gates: what must be there before a channel moves, told all at once, and what a person let go."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.errors import GatesClosed, InvalidValue, UnknownName
from stackyard.model.gates import ChannelGates, Gate
from stackyard.model.known import NOTHING_KNOWN, Known
from stackyard.model.moves import MoveSet
from stackyard.model.names import Tag
from stackyard.model.record import Adopted, Approved, Fact, Reported
from stackyard.model.reference import Reference, Repository
from stackyard.model.stack import Stack, Target
from stackyard.plan.channels import Source
from stackyard.plan.gates import asked_of, closed, with_gates
from tests.unit.plan.made import AT, known, manifest, move, promotion, pushed, record, result, sha, stack, suite, target

BASIC, INTEGRATION = suite(), suite("integration")
X, Y = target("x", suites=(BASIC,)), target("y")
GPU, TEACHING = Gate("gpu", "report", ("x",)), Gate("teaching", "approval")
LATER = "2026-01-02T00:00:00Z"
GREEN = Reported(AT, "gpu", passed=True, total=3, failed=0, skipped=0, url="https://ci.example/1")
RED = Reported(LATER, "gpu", passed=False, total=3, failed=1, skipped=0)
YES = Approved(AT, "teaching", "Ada", "labs 1 to 3 run")


def guarded(*gates: Gate, channel: str = "stable", of: tuple[Target, ...] = (X, Y)) -> Stack:
    """A stack one channel of which asks for something."""
    return msgspec.structs.replace(stack(*of), gates=(ChannelGates(channel, gates),))


def source(of: Target, *facts: Fact) -> Source:
    """What is promoted of an image; by default it passed its tests."""
    return Source(of, record(of, None, pushed(of, of.name), *facts), manifest(of.name), None)


def knowing(*sources: Source) -> Known:
    """The records of these."""
    return known(*(each.record for each in sources if each.record))


def asked(of: Stack, *sources: Source, channel: str = "stable", **how: object) -> MoveSet:
    """The promotion of these, with its gates."""
    moves = promotion("main", *(move(each.target, channel, None, each.target.name) for each in sources))
    moves = msgspec.structs.replace(moves, channel=channel)
    return with_gates(of, knowing(*sources), moves, sources, **how)  # type: ignore[arg-type]


def told(moves: MoveSet) -> list[tuple[str, str, str]]:
    """Gate, answer and images."""
    return [(state.title, state.answer, " ".join(state.targets)) for state in moves.gates]


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [((), "never ran"), ((result(BASIC), result(BASIC, False)), "failed, 1 of 3")],
)
def test_the_tests_of_an_image_are_its_gates_in_every_channel(facts: tuple[Fact, ...], sentence: str) -> None:
    """Never tested, or failed last time: refused, with the command that runs them; no spec has to say so."""
    moves = asked(stack(X, Y), source(X, *facts), source(Y))

    assert [(state.answer, state.sentence) for state in moves.gates] == [("missing", sentence)]
    assert moves.gates[0].hint == "`stackyard build x` runs them"
    assert told(asked(stack(X, Y), source(X, result(BASIC)), source(Y))) == [("basic tests", "passed", "x")]


def test_everything_that_is_missing_is_told_at_once() -> None:
    """One line each with its images and its hint, whatever else has passed."""
    moves = asked(guarded(GPU, TEACHING), source(X), source(Y))
    error = closed(moves)

    assert str(error).splitlines() == [
        "not promoting main to stable: 3 gates have not passed",
        "  x: basic tests: never ran; `stackyard build x` runs them",
        "  x: report gpu: nobody reported it; stackyard gate report gpu --for main --junit FILE",
        "  x, y: approval teaching: nobody approved it; "
        "stackyard gate approve teaching --for main --by NAME --reason WHY",
    ]
    assert isinstance(error, GatesClosed)
    assert error.gates == moves.missing


def test_what_was_brought_is_shown() -> None:
    """A report with where it can be read, an approval with its name and reason."""
    moves = asked(guarded(GPU, TEACHING), source(X, result(BASIC), GREEN, YES), source(Y, YES))

    assert moves.missing == ()
    assert [state.sentence for state in moves.gates] == [
        "passed",
        "passed, 3 tests, reported 2026-01-01, https://ci.example/1",
        "approved by Ada on 2026-01-01: labs 1 to 3 run",
    ]


def test_the_newest_report_counts() -> None:
    """One that failed takes back the one before, and the other way round."""
    of = guarded(GPU)

    assert told(asked(of, source(X, result(BASIC), GREEN, RED)))[1] == ("report gpu", "missing", "x")
    again = msgspec.structs.replace(GREEN, at="2026-01-03T00:00:00Z")
    assert told(asked(of, source(X, result(BASIC), RED, again)))[1] == ("report gpu", "passed", "x")


def test_a_report_is_about_the_image_and_not_its_record() -> None:
    """A build that came to the same image has a record of its own; a build of another image is none of it."""
    of, newer = guarded(GPU, of=(X,)), source(X, result(BASIC))
    older = record(X, None, pushed(X, "x"), GREEN, number=0)
    other = record(X, "z", pushed(X, "z"), GREEN, number=2)
    moves = promotion("main", move(X, "stable", None, "x"))

    assert with_gates(of, known(newer.record, older), moves, [newer]).missing == ()  # type: ignore[arg-type]
    assert with_gates(of, known(newer.record, other), moves, [newer]).missing  # type: ignore[arg-type]


def test_a_report_for_one_gate_passes_no_other() -> None:
    """Gates are told apart by name and by what they are: an approval is no report."""
    of = guarded(Gate("cpu", "report"), Gate("gpu", "approval"), of=(Y,))

    assert [state.answer for state in asked(of, source(Y, GREEN, YES)).gates] == ["missing", "missing"]


def test_a_channel_is_guarded_by_whatever_name_it_is_called() -> None:
    """The spec has a template, a person types the tag, or the other way round; another channel is free."""
    versioned = msgspec.structs.replace(Y, variables=(("prefix", "2026.3"), ("stable", "2026.3-stable")))
    of = guarded(TEACHING, channel="{prefix}-stable", of=(versioned,))

    assert told(asked(of, source(versioned), channel="2026.3-stable")) == [("approval teaching", "missing", "y")]
    assert told(asked(of, source(versioned), channel="2026.3-beta")) == []
    literal = guarded(TEACHING, channel="2026.3-stable", of=(versioned,))
    moves = promotion("main", move(versioned, "2026.3-stable", None, "y"))
    template = msgspec.structs.replace(moves, channel="{stable}")
    assert with_gates(literal, NOTHING_KNOWN, template, [source(versioned)]).missing


def test_tests_that_a_channel_asks_for_must_exist() -> None:
    """An image without any has not passed them; the gate may name the images that need them."""
    every, some = guarded(Gate("integration", "tests")), guarded(Gate("integration", "tests", ("x",)))
    tested = X.with_suites((BASIC, INTEGRATION))
    both = source(tested, result(BASIC), result(INTEGRATION))

    moves = asked(every, both, source(Y))
    assert [(state.answer, state.sentence, state.targets) for state in moves.gates][2:] == [
        ("missing", "there are none", ("y",))
    ]
    assert asked(some, both, source(Y)).missing == ()


def test_an_adopted_image_is_promoted_untested_once() -> None:
    """It says so; a second channel needs tests, and the same channel again changes nothing."""
    adopted = source(X, Adopted(AT, "", Reference(X.repository, Tag("main")), sha("config"), (("basic", sha("1")),)))
    first = asked(stack(X), adopted)
    assert [(state.answer, state.sentence) for state in first.gates] == [("adopted", "untested before adoption")]

    (again,) = asked(stack(X), adopted, channel="exam", before=(first,)).gates
    assert (again.answer, again.sentence) == ("missing", "untested before adoption, and promoted once already")
    there = promotion("main", move(X, "stable", "x", "x"))
    assert with_gates(stack(X), NOTHING_KNOWN, there, [adopted], before=(first,)).gates == first.gates
    facts = (*adopted.record.facts, result(BASIC))
    tested = msgspec.structs.replace(adopted, record=msgspec.structs.replace(adopted.record, facts=facts))
    assert told(asked(stack(X), tested, channel="exam", before=(first,))) == [("basic tests", "passed", "x")]


def test_an_override_is_kept_with_its_reason() -> None:
    """What was missing is let go and says why; what had passed is not called overridden."""
    of = guarded(GPU, TEACHING)
    sources = (source(X, result(BASIC), RED, YES), source(Y, YES))
    moves = asked(of, *sources, overridden=("gpu", "teaching"), reason=" exam week ")

    assert moves.missing == ()
    assert [(state.answer, state.reason) for state in moves.gates] == [
        ("passed", ""),
        ("overridden", "exam week"),
        ("passed", ""),
    ]
    assert moves.gates[1].sentence.startswith("not passed, 3 tests, 1 failed")
    assert (
        asked(of, *sources, overridden=("basic",), reason="no").missing == moves.gates[:0] + asked(of, *sources).missing
    )


def test_an_override_needs_a_gate_and_a_reason() -> None:
    """Neither goes without the other, and a gate that there is none of is a slip."""
    of = guarded(GPU)

    with pytest.raises(InvalidValue, match="needs a reason"):
        asked(of, source(X), overridden=("gpu",), reason="  ")
    with pytest.raises(InvalidValue, match="needs a gate"):
        asked(of, source(X), reason="exam week")
    with pytest.raises(InvalidValue, match="one line"):
        asked(of, source(X), overridden=("gpu",), reason="exam\nweek")
    with pytest.raises(UnknownName, match="no gate of this promotion is called 'gpuu'") as caught:
        asked(of, source(X), overridden=("gpuu",), reason="exam week")
    assert caught.value.near == "gpu"


def test_who_is_asked_for_a_gate() -> None:
    """All channels that list it count; a gate that none lists is nobody's."""
    of = msgspec.structs.replace(
        stack(X, Y), gates=(ChannelGates("a", (GPU,)), ChannelGates("b", (Gate("gpu", "report", ("y",)), TEACHING)))
    )

    assert asked_of(of, "gpu", "report") == {"x", "y"}
    assert asked_of(of, "gpu", "approval") == asked_of(of, "other", "report") == frozenset()


def test_a_gate_that_names_no_image_is_refused() -> None:
    """A slip in the spec must not open a gate."""
    with pytest.raises(UnknownName):
        asked(guarded(Gate("gpu", "report", ("z",))), source(X))


def test_images_of_which_the_same_is_true_are_one_state() -> None:
    """Forty images without an approval are one line."""
    many = [msgspec.structs.replace(target(f"y{n}"), repository=Repository(f"r.example/y{n}")) for n in range(40)]
    moves = asked(guarded(TEACHING, of=tuple(many)), *map(source, many))

    assert [len(state.targets) for state in moves.gates] == [40]
    assert "y0, y1, y2, y3 and 36 more: approval teaching" in str(closed(moves))
