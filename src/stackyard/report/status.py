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
from stackyard.report.terminal import head_text
from stackyard.report.text import Style, joined, time_text, wrapped

_INDENT = 14
_NAMED = 6
"""So many images are named; more are counted."""


def status_text(
    plan: Plan, channels: Mapping[str, MoveSet], last: RunSummary | None, can_publish: bool, style: Style, width: int
) -> str:
    """Four short paragraphs.

    Args:
        can_publish: whether the stack names a registry.
    """
    lines = [head_text(plan, style), ""]
    facts = [*_channels(channels, style), ("Last run:", _run(last, style)), ("Would build:", _would_build(plan))]
    for name, fact in facts:
        lines.append(name.ljust(_INDENT) + f"\n{' ' * _INDENT}".join(wrapped(fact, max(width - _INDENT, 20))))
    next_ones = _next(plan, channels, can_publish)
    longest = max(len(command) for command, _ in next_ones)
    lines += ["", "Next:"]
    for command, what in next_ones:
        is_short = longest + 4 + len(what) <= width
        lines.append(
            f"  {style(command, 'cyan')}{' ' * (longest - len(command))}{f'  {what}' if is_short else ''}".rstrip()
        )
    return "\n".join(lines)


def status_data(channels: Mapping[str, MoveSet], last: RunSummary | None) -> dict[str, Any]:
    """Channels and the last run."""
    return {
        "channels": {name: moves_data(moves) for name, moves in channels.items()},
        "last_run": run_data(last) if last else None,
    }


def _channels(channels: Mapping[str, MoveSet], style: Style) -> list[tuple[str, str]]:
    if not channels:
        return [("Channels:", "none yet")]
    lines: list[tuple[str, str]] = []
    for name, moves in channels.items():
        commit = f" (commit {moves.commit[:7]})" if moves.commit else ""
        release = f", release {moves.release}" if moves.release else ""
        what = f"{style(name, 'bold')} is {moves.source}{commit}{release}, since {moves.at[:10]}"
        lines.append(("" if lines else "Channels:", what))
    return lines


def _run(last: RunSummary | None, style: Style) -> str:
    if last is None:
        return "none yet"
    ending = "good" if last.is_good else "interrupted" if last.is_interrupted else "failed"
    failed = f": {joined(str(outcome.target) for outcome in last.failed)}" if last.failed else ""
    shown = style(ending, "green" if last.is_good else "red")
    return f"{last.number}, {shown}{failed}, {last.started.replace('T', ' ')[:16]} UTC, {time_text(last.duration_s)}"


def _would_build(plan: Plan) -> str:
    building = [str(step.target) for step in plan.steps if step.action == "build"]
    following = sum(1 for step in plan.steps if step.action == "decide-later")
    if not building:
        return "nothing" if not plan.has_work else "nothing; something else is to be done: stackyard plan"
    shown = (
        joined(building)
        if len(building) <= _NAMED
        else f"{', '.join(building[:_NAMED])} and {len(building) - _NAMED} more"
    )
    children = "1 child if it changes" if following == 1 else f"{following} children if they change"
    return shown + (f", and {children}" if following else "")


def _next(plan: Plan, channels: Mapping[str, MoveSet], can_publish: bool) -> list[tuple[str, str]]:
    """The three commands one would most likely type now."""
    publish = ("stackyard build --push", "publish what is not yet")
    if plan.has_work:
        return [
            ("stackyard plan", "what would happen, and why"),
            ("stackyard build", "build and test it"),
            publish if can_publish else ("stackyard check", "what the files could say better"),
        ]
    tags = [str(tag) for step in plan.steps for tag in (*step.moving_tags, *step.fixed_tags)]
    channel = next(iter(channels), "stable")
    return [
        *([publish] if can_publish else []),
        (f"stackyard promote {next(iter(tags), 'TAG')} --to {channel}", f"point {channel} at it"),
        ("stackyard history", "what happened so far"),
        *([] if can_publish else [("stackyard ls", "the images, and what they build on")]),
    ]
