# SPDX-License-Identifier: MIT
"""The state of a stack on half a screen: channels, last run, what would build, what to type next.

In: values. Out: text or plain data. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from stackyard.model import canonical
from stackyard.model.gates import Waiting
from stackyard.model.moves import MoveSet
from stackyard.model.outcome import RunSummary
from stackyard.model.plan import Plan
from stackyard.report.data import moves_data, run_data
from stackyard.report.terminal import head_text
from stackyard.report.text import Style, joined, time_text, wrapped

_INDENT = 14
_NAMED = 6
"""So many images are named; more are counted."""


_NOTHING_WAITS: Mapping[str, Waiting] = MappingProxyType({})


def status_text(
    plan: Plan,
    channels: Mapping[str, MoveSet],
    last: RunSummary | None,
    can_publish: bool,
    style: Style,
    width: int,
    waiting: Mapping[str, Waiting] = _NOTHING_WAITS,
) -> str:
    """Four short paragraphs.

    Args:
        can_publish: whether the stack names a registry.
        waiting: what keeps channels from the newest run.
    """
    lines = [head_text(plan, style), ""]
    facts = [
        *_channels(channels, waiting, style),
        ("Last run:", _run(last, style)),
        ("Would build:", _would_build(plan)),
    ]
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


def status_data(
    channels: Mapping[str, MoveSet], last: RunSummary | None, waiting: Mapping[str, Waiting] = _NOTHING_WAITS
) -> dict[str, Any]:
    """Channels, what keeps them from the newest run, and the last run."""
    return {
        "channels": {name: moves_data(moves) for name, moves in channels.items()},
        "waiting": [
            {
                "channel": name,
                "branch": each.branch,
                "commit": each.commit,
                "gates": [canonical.builtins(state) for state in each.missing],
            }
            for name, each in waiting.items()
        ],
        "last_run": run_data(last) if last else None,
    }


def _channels(channels: Mapping[str, MoveSet], waiting: Mapping[str, Waiting], style: Style) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name in dict.fromkeys((*channels, *waiting)):
        said = []
        if moves := channels.get(name):
            commit = f" (commit {moves.commit[:7]})" if moves.commit else ""
            release = f", release {moves.release}" if moves.release else ""
            said.append(f"is {moves.source}{commit}{release}, since {moves.at[:10]}")
        if each := waiting.get(name):
            commit = f" (commit {each.commit[:7]})" if each.commit else ""
            gates = joined(dict.fromkeys(state.title for state in each.missing))
            said.append(f"waits for {gates} of the newest run of {each.branch}{commit}")
        lines.append(("" if lines else "Channels:", f"{style(name, 'bold')} {'; '.join(said)}"))
    return lines or [("Channels:", "none yet")]


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
