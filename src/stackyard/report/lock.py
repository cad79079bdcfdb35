# SPDX-License-Identifier: MIT
"""Locks for people and programs: what would be asked, what came of it, how two differ.

In:   values of model/lock
Out:  text, Markdown, data
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from stackyard.model.locking import (
    Imported,
    LockChange,
    LockDiff,
    LockOutcome,
    LockPlan,
    LockStep,
    LockSummary,
    Verified,
)
from stackyard.report.text import Style, count_text, visible

_STATES = {
    "written": ("wrote", "green"),
    "unchanged": ("unchanged", "dim"),
    "outdated": ("outdated", "yellow"),
    "same": ("good", "green"),
    "differs": ("differs", "red"),
    "carried": ("carried", "yellow"),
    "failed": ("failed", "red"),
    "held-back": ("not written", "yellow"),
}
_SHOWN = 12
"""So many changes of one lock are listed."""


def plan_text(plan: LockPlan, style: Style, width: int) -> str:  # noqa: ARG001 - as all renderers
    """What would be asked, as command lines that can be run."""
    lines = [f"Inputs are read from {plan.at}."]
    for each in plan.sets:
        lines += ["", style(each.name, "bold")]
        lines += [f"  asked for: {visible(text)}" for text in each.requirements]
        lines += [f"  at most as: {visible(text)}" for text in each.constraints]
        lines += [f"  left out, but not what it needs: {path}" for path in each.packages]
        lines += [f"  runs the code of: {name}" for name in each.runs_code]
        lines += [f"  differs in the work tree, and the commit counts: {path}" for path in each.changed]
        for step in each.steps:
            lines.append(f"  {step.target.output}: {_step_text(step)}")
            lines += [f"    {shlex.join(argv)}" for _, argv in step.asks]
    return "\n".join(lines)


def _step_text(step: LockStep) -> str:
    if step.is_carried:
        return f"carried as it is: nothing can be resolved for Python {step.target.python}"
    kept = f", all but {', '.join(step.upgrades)} as it is" if step.upgrades else ""
    return f"{step.target} at {step.time}{kept}" if str(step.target) else f"at {step.time}{kept}"


def summary_text(summary: LockSummary, style: Style, width: int) -> str:  # noqa: ARG001 - as all renderers
    """One line for each lock, its changes below it; failures with the resolver's own words."""
    lines = []
    for each in summary.plan.sets:
        lines += [f"{path} differs in the work tree: what is committed was locked." for path in each.changed]
    for outcome in summary.outcomes:
        lines += _outcome_lines(outcome, style)
    return "\n".join(lines)


def _outcome_lines(outcome: LockOutcome, style: Style) -> list[str]:
    word, colour = _STATES[outcome.state]
    facts = count_text(outcome.pins, "pin")
    if outcome.state == "carried":
        facts = f"nothing can be resolved for Python {outcome.target.python}: the file stays as it is"
    elif outcome.state == "failed":
        whose = f"for {outcome.target}; " if str(outcome.target) else ""
        facts = f"{whose}the file stays as it was"
    elif outcome.changes:
        facts += f", {count_text(len(outcome.changes), 'change')}"
    lines = [f"{style(word, colour)} {outcome.target.output}: {facts}"]
    lines += [f"  {change}" for change in outcome.changes[:_SHOWN]]
    if len(outcome.changes) > _SHOWN:
        lines.append(f"  and {len(outcome.changes) - _SHOWN} more: `stackyard lock diff` shows them")
    lines += [f"  {visible(line)}" for line in outcome.words.splitlines()]
    if outcome.hint:
        lines.append(f"  {style('hint', 'dim')}: {visible(outcome.hint)}")
    return lines


def plan_data(plan: LockPlan) -> dict[str, object]:
    """The plan as `--dry-run --json` prints it."""
    return {
        "at": plan.at,
        "sets": [
            {
                "name": each.name,
                "requirements": list(each.requirements),
                "constraints": list(each.constraints),
                "packages": list(each.packages),
                "runs_code": list(each.runs_code),
                "changed": list(each.changed),
                "locks": [
                    {
                        "path": step.target.output,
                        "version": step.target.version,
                        "kind": step.target.kind,
                        "python": step.target.python or None,
                        "platform": step.target.platform or None,
                        "time": step.time,
                        "carried": step.is_carried,
                        "commands": [list(argv) for _, argv in step.asks],
                    }
                    for step in each.steps
                ],
            }
            for each in plan.sets
        ],
    }


def summary_data(summary: LockSummary, message: tuple[str, str] | None = None) -> dict[str, object]:
    """What came of all locks; with what a commit of them says, if something changed."""
    return {
        "at": summary.plan.at,
        "message": {"subject": message[0], "body": message[1]} if message else None,
        "good": summary.is_good,
        "changed": summary.has_changes,
        "locks": [
            {
                "set": outcome.set,
                "path": outcome.target.output,
                "version": outcome.target.version,
                "kind": outcome.target.kind,
                "python": outcome.target.python or None,
                "platform": outcome.target.platform or None,
                "state": outcome.state,
                "pins": outcome.pins,
                "changes": changes_data(outcome.changes),
                "words": outcome.words,
                "hint": outcome.hint,
            }
            for outcome in summary.outcomes
        ],
    }


def changes_data(changes: Sequence[LockChange]) -> list[dict[str, object]]:
    """Packages that changed."""
    return [
        {"package": change.name, "was": change.was, "now": change.now, "in": list(change.where)} for change in changes
    ]


def diff_text(diff: LockDiff, style: Style, width: int) -> str:  # noqa: ARG001 - as all renderers
    """A line for each change."""
    lines = [f"{diff.was} -> {diff.now}: {count_text(len(diff.changes), 'change')} in {count_text(diff.locks, 'lock')}"]
    lines += [f"  {visible(change.told(diff.locks, diff.of_one_set))}" for change in diff.changes]
    return "\n".join(lines)


def diff_markdown(diff: LockDiff) -> str:
    """The same as a table, for a pull request."""
    if not diff.changes:
        return f"No pin differs between `{diff.was}` and `{diff.now}`."
    lines = [f"Pins that differ between `{diff.was}` and `{diff.now}`:", ""]
    lines += ["| package | was | now | in |", "| --- | --- | --- | --- |"]
    for change in diff.changes:
        where = f"{len(change.where)} of {diff.locks}"
        lines.append(f"| {change.name} | {change.was or '-'} | {change.now or '-'} | {where} |")
    return "\n".join(lines)


def diff_data(diff: LockDiff) -> dict[str, object]:
    """Two states of locks."""
    return {"was": diff.was, "now": diff.now, "locks": diff.locks, "changes": changes_data(diff.changes)}


def verified_text(found: Sequence[Verified], style: Style, width: int) -> str:  # noqa: ARG001 - as all renderers
    """A line for each lock, and below it why it proves nothing."""
    lines = []
    for each in found:
        if each.is_carried:
            lines.append(f"{style('carried', 'yellow')} {each.target.output}: it proves nothing, and need not")
        elif each.doubts:
            lines.append(f"{style('doubtful', 'red')} {each.target.output}")
            lines += [f"  {visible(text)}" for text in each.doubts[:_SHOWN]]
            lines += [f"  and {len(each.doubts) - _SHOWN} more"] if len(each.doubts) > _SHOWN else []
        else:
            pins = count_text(each.pins, "pin")
            lines.append(f"{style('proven', 'green')} {each.target.output}: {pins}, none is newer than {each.time}")
    return "\n".join(lines)


def verified_data(found: Sequence[Verified]) -> dict[str, object]:
    """What locks prove by themselves."""
    return {
        "good": not any(each.doubts for each in found),
        "locks": [
            {
                "set": each.set,
                "path": each.target.output,
                "time": each.time or None,
                "pins": each.pins,
                "carried": each.is_carried,
                "doubts": list(each.doubts),
            }
            for each in found
        ],
    }


def imported_text(found: Sequence[Imported], style: Style, width: int) -> str:  # noqa: ARG001 - as all renderers
    """H and T of each builder, what disagrees with T, and the command that takes them."""
    lines: list[str] = []
    for each in found:
        lines += ["", style(each.builder, "bold")] if lines else [style(each.builder, "bold")]
        lines.append(f"  H {each.at} ({each.spot.path}:{each.spot.line})")
        lines.append(f"  T {each.time} (the builder's stamp)" if each.time else "  no stamp says when it was built")
        for other in each.disagreeing:
            lines.append(f"  another time: {other.name} {other.stamp} ({other.spot.path}:{other.spot.line})")
        lines.append(f"  stackyard lock SET --at {each.at}" + (f" --time {each.time}" if each.time else ""))
    return "\n".join(lines)


def imported_data(found: Sequence[Imported]) -> dict[str, object]:
    """H and T of each builder."""
    return {
        "builders": [
            {
                "builder": each.builder,
                "at": each.at,
                "path": each.spot.path,
                "line": each.spot.line,
                "time": each.time,
                "disagreeing": [
                    {"name": other.name, "stamp": other.stamp, "path": other.spot.path, "line": other.spot.line}
                    for other in each.disagreeing
                ],
            }
            for each in found
        ]
    }
