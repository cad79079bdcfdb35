# SPDX-License-Identifier: MIT
"""Declared commands in one container: side by side, and alone where that went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable

from stackyard.edges.engine import RunResult
from stackyard.errors import EngineProblem
from stackyard.inside.commands import Commands
from stackyard.model.record import Inventoried
from stackyard.model.stack import Command
from stackyard.testing import FakeEngine, FixedClock

Said = Callable[[], str | RunResult]
TOGETHER_S = 30.0


def ran(*commands: str, **answers: Said) -> tuple[tuple[Inventoried, ...], list[str]]:
    """What came of commands of these words, and what ran in the container."""
    engine = FakeEngine()
    engine.answers |= {name: lambda *_, said=said: said() for name, said in answers.items()}
    with engine.inside(engine.add("lab")) as container:
        declared = [Command(words.split()[0].upper(), words, words) for words in commands]
        found = Commands(container, FixedClock(), 600.0).run(declared, lambda *_: None)
    return found, [words for verb, words in engine.calls if verb == "exec"]


def test_commands_run_side_by_side_and_are_told_in_order() -> None:
    """Four at once; a single one runs as well, words are split as a shell does, and what is no command fails."""
    all_there = threading.Barrier(4, timeout=TOGETHER_S)

    def wait() -> str:
        all_there.wait()
        return "there\n"

    found, _ = ran("a 'b c'", "b", "c", "d", "broken '", a=wait, b=wait, c=wait, d=wait)
    assert [(each.command, each.exit_code) for each in found] == [
        ("A", 0),
        ("B", 0),
        ("C", 0),
        ("D", 0),
        ("BROKEN", 127),
    ]
    assert "No closing quotation" in found[-1].output
    assert ran("a 'b c'", a=lambda: "1\n")[1] == ["a b c"]


def test_what_fails_beside_others_is_run_alone() -> None:
    """Its result is the one that counts, be it that a container was gone; one whose time was up is not run again."""
    tries: dict[str, int] = {}

    def busy(name: str, *said: str | RunResult | Exception) -> Said:
        def answer() -> str | RunResult:
            tries[name] = tries.get(name, 0) + 1
            told = said[min(tries[name], len(said)) - 1]
            if isinstance(told, Exception):
                raise told
            return told

        return answer

    found, _ = ran(
        "held",
        "lost",
        "bad",
        "late",
        "good",
        held=busy("held", RunResult(100, "locked\n", 0.0), "free\n"),
        lost=busy("lost", EngineProblem("its container is gone"), "found\n"),
        bad=busy("bad", RunResult(2, "no\n", 0.0)),
        late=busy("late", TimeoutError()),
        good=busy("good", "yes\n"),
    )
    assert [(each.exit_code, each.output) for each in found] == [
        (0, "free\n"),
        (0, "found\n"),
        (2, "no\n"),
        (124, ""),
        (0, "yes\n"),
    ]
    assert tries == {"held": 2, "lost": 2, "bad": 2, "late": 1, "good": 1}
