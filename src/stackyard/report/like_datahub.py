# SPDX-License-Identifier: MIT
"""`plan --like datahub` as text and as JSON: the old scripts' plan, with Stackyard's beside it.

In: OldPlan. Out: text; plain dicts. Pure. Reference: docs/how-to/compare-with-datahub.md
"""

from __future__ import annotations

from typing import Any

from stackyard.model import canonical
from stackyard.model.datahub import OldPlan, OldStep
from stackyard.report.data import FORMAT
from stackyard.report.terminal import ACTION_COLOURS
from stackyard.report.text import Style, count_text, table, visible

SHOWN = 10
"""Changed paths that are listed."""


def like_text(plan: OldPlan, style: Style, width: int, is_explained: bool = False) -> str:
    """Both plans side by side, in the order of the scripts; `is_explained` adds every argument and reason."""
    rows = [
        (
            style(str(step.target), "bold"),
            style(step.action, ACTION_COLOURS[step.action]),
            step.tag or "",
            visible("; ".join(str(reason) for reason in step.reasons)),
            style(step.ours.action, ACTION_COLOURS[step.ours.action]) if step.ours else "-",
            visible(step.note),
        )
        for step in plan.steps
    ]
    heads = ("image", "scripts", "tag", "because", "Stackyard", "where they differ")
    lines = [*_head(plan, style), ""]
    lines += [table(rows, heads, style, width, spare=("tag",))] if rows else []
    if is_explained:
        lines += ["", *(line for step in plan.steps for line in _explained(step, style))]
    lines += [f"note: {visible(note)}" for note in plan.notes]
    return "\n".join([*lines, "", _totals(plan)])


def _head(plan: OldPlan, style: Style) -> list[str]:
    change = plan.change
    rules = "tracks, tagged by commit" if plan.generation == "plans" else "one tag, by branch"
    branch = f"branch {plan.branch!r}" if plan.branch is not None else "no branch"
    lines = [f"As the DataHub scripts would build {change.commit[:7]} ({rules}; {branch})"]
    if change.base is not None:
        listed = ", ".join(visible(path) for path in change.paths[:SHOWN])
        more = f" and {len(change.paths) - SHOWN} more" if len(change.paths) > SHOWN else ""
        what = f"{count_text(len(change.paths), 'path')}: {listed}{more}" if change.paths else "nothing"
        lines.append(f"Changed since {change.since} ({change.base[:7]}): {what}")
    lines += [style(f"Not seen by them: {visible(path)} ({why})", "yellow") for path, why in plan.unseen]
    if plan.halt is not None:
        lines.append(style(f"Nothing is built: {plan.halt}", "yellow"))
    return lines


def _explained(step: OldStep, style: Style) -> list[str]:
    lines = [style(f"{step.target}: {step.action}", "bold")]
    lines += [f"  because    {visible(str(reason))}" for reason in step.reasons]
    lines += [f"  arg        {visible(f'{name}={value}')}" for name, value in step.build_args]
    lines += [f"  tag        {step.repository}:{step.tag}"] if step.tag else []
    if step.ours is not None:
        lines += [f"  Stackyard  {step.ours.action}: {visible(str(reason))}" for reason in step.ours.reasons]
        lines += [f"  Stackyard  tag {step.ours.repository}:{tag}" for tag in step.ours.tags]
    return lines


def _totals(plan: OldPlan) -> str:
    theirs = sum(1 for step in plan.steps if step.action == "build")
    ours = [step.ours.action for step in plan.steps if step.ours is not None]
    mine = sum(1 for action in ours if action in ("build", "decide-later")) if ours else "makes no plan"
    return f"The scripts build {theirs} of {count_text(len(plan.steps), 'image')}, Stackyard {mine}."


def like_data(plan: OldPlan) -> dict[str, Any]:
    """The comparison: a step for each image in each track."""
    change = plan.change
    return {
        "format": FORMAT,
        "like": "datahub",
        "rules": plan.generation,
        "commit": change.commit,
        "since": {"asked": change.since, "commit": change.base},
        "branch": plan.branch,
        "halted": plan.halt,
        "changed": list(change.paths),
        "unseen": [{"path": path, "why": why} for path, why in plan.unseen],
        "steps": [_step(step) for step in plan.steps],
        "notes": list(plan.notes),
    }


def _step(step: OldStep) -> dict[str, Any]:
    ours = step.ours
    args = dict(step.build_args)
    return {
        "target": str(step.target),
        "image": str(step.target.image),
        "version": step.target.version and str(step.target.version),
        "action": step.action,
        "repository": step.repository,
        "tags": [step.tag] if step.tag is not None else [],
        "build_args": args,
        "parents": [{"target": str(step.parent), "tag": args.get("BASE_TAG")}] if step.parent else [],
        "reasons": [canonical.builtins(reason) for reason in step.reasons],
        "stackyard": None
        if ours is None
        else {
            "action": ours.action,
            "tags": [str(tag) for tag in ours.tags],
            "reasons": [canonical.builtins(reason) for reason in ours.reasons],
        },
        "note": step.note or None,
    }
