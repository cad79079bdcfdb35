# SPDX-License-Identifier: MIT
"""Gates for people and as data: how each stands for a promotion, and what was brought to one.

In: values. Out: text or plain data. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackyard.model import canonical
from stackyard.model.gates import GateState
from stackyard.model.moves import MoveSet
from stackyard.model.noted import Noted
from stackyard.model.record import Reported
from stackyard.report.text import Style, count_text, few, joined, table, visible

_COLOURS = {"missing": "red", "overridden": "yellow", "adopted": "yellow"}


def gates_text(gates: Sequence[GateState], style: Style, width: int) -> str:
    """Each gate of a promotion, the images of which the same is true, and what is true of them."""
    rows = [(state.title, few(list(map(str, state.targets))), _answer(state, style)) for state in gates]
    return table(rows, ("gate", "images", ""), style, width)


def _answer(state: GateState, style: Style) -> str:
    sentence = visible(state.sentence)
    if state.answer == "passed":
        return sentence
    reason = f" ({visible(state.reason)})" if state.reason else ""
    return f"{style(state.answer, _COLOURS[state.answer])}{reason}: {sentence}"


def let_go_text(moves: MoveSet) -> str:
    """What moved without having passed, as the end of a sentence: overridden and why, adopted; empty where nothing."""
    overridden = {state.gate: state.reason for state in moves.gates if state.answer == "overridden"}
    said = [f"{gate} overridden ({visible(reason)})" for gate, reason in overridden.items()]
    adopted = {name for state in moves.gates if state.answer == "adopted" for name in state.targets}
    said += [f"{count_text(len(adopted), 'image')} untested before adoption"] if adopted else []
    return f", {joined(said)}" if said else ""


def noted_text(noted: Noted, style: Style, width: int) -> str:
    """What was brought to a gate: each image by digest, what failed, and what it comes to."""
    rows = [(style(str(each.target), "bold"), each.reference, str(each.digest)) for each in noted.images]
    lines = [table(rows, ("image", "tag", "digest"), style, width), ""]
    failures = noted.fact.failures if isinstance(noted.fact, Reported) else ()
    lines += [f"  {visible(failure)}" for failure in failures]
    lines += [f"{noted.gate}: {visible(str(noted.fact))}", *map(visible, noted.problems)]
    return "\n".join(lines)


def noted_data(noted: Noted) -> dict[str, Any]:
    """The same as data."""
    return {
        "gate": noted.gate,
        "source": noted.asked,
        "good": noted.is_good,
        "images": [
            {"target": str(each.target), "reference": each.reference, "digest": str(each.digest)}
            for each in noted.images
        ],
        "fact": canonical.builtins(noted.fact),
        "problems": list(noted.problems),
    }
