# SPDX-License-Identifier: MIT
"""The state of a stack on half a screen: channels, last run, what would build, what to type next.

In: values. Out: text or plain data. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackyard.model.moves import MoveSet
from stackyard.model.outcome import RunSummary
from stackyard.model.plan import Plan
from stackyard.report.data import moves_data, run_data
from stackyard.report.text import Style, count_text, joined, time_text


def status_text(plan: Plan, channels: Mapping[str, MoveSet], last: RunSummary | None, style: Style) -> str:
    """Four short paragraphs."""
    revision = plan.revision
    where = f"branch {revision.branch}" if revision.branch else "no branch"
    lines = [f"{style(plan.stack, 'bold')} at {revision.commit[:7]} on {where}", ""]
    lines += _channels(channels, style)
    lines += [f"Last run:     {_run(last)}", f"Would build:  {_would_build(plan)}", "", "Next:"]
    lines += [f"  {style(command, 'cyan')}{' ' * (34 - len(command))}{what}" for command, what in _next(plan, channels)]
    return "\n".join(lines)


def status_data(channels: Mapping[str, MoveSet], last: RunSummary | None) -> dict[str, Any]:
    """Channels and the last run."""
    return {
        "channels": {name: moves_data(moves) for name, moves in channels.items()},
        "last_run": run_data(last) if last else None,
    }


def _channels(channels: Mapping[str, MoveSet], style: Style) -> list[str]:
    if not channels:
        return ["Channels:     none yet"]
    lines: list[str] = []
    for name, moves in channels.items():
        commit = f" (commit {moves.commit[:7]})" if moves.commit else ""
        head = "Channels:     " if not lines else "              "
        lines.append(f"{head}{style(name, 'bold')} is {moves.source}{commit}, since {moves.at[:10]}")
    return lines


def _run(last: RunSummary | None) -> str:
    if last is None:
        return "none yet"
    ending = "good" if last.is_good else "interrupted" if last.is_interrupted else "failed"
    failed = f": {joined(str(outcome.target) for outcome in last.failed)}" if last.failed else ""
    return f"{last.number}, {ending}{failed}, {last.started.replace('T', ' ')[:16]} UTC, {time_text(last.duration_s)}"


def _would_build(plan: Plan) -> str:
    building = [str(step.target) for step in plan.steps if step.action == "build"]
    following = [step for step in plan.steps if step.action == "decide-later"]
    if not building:
        return "nothing" if not plan.has_work else "nothing; names or tests are missing (stackyard plan)"
    more = f", and {count_text(len(following), 'child')} if they change" if following else ""
    return joined(building) + more.replace("childs", "children")


def _next(plan: Plan, channels: Mapping[str, MoveSet]) -> list[tuple[str, str]]:
    """The three commands one would most likely type now."""
    if plan.has_work:
        return [
            ("stackyard plan --explain", "every reason"),
            ("stackyard build", "build and test it"),
            ("stackyard build --push", "and publish what passes"),
        ]
    tag = next((str(tag) for step in plan.steps for tag in step.moving_tags), "TAG")
    channel = next(iter(channels), "stable")
    return [
        ("stackyard build --push", "publish, if it is not yet"),
        (f"stackyard promote {tag} --to {channel}", "point the channel at it"),
        ("stackyard history", "what happened so far"),
    ]
