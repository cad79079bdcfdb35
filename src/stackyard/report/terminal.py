# SPDX-License-Identifier: MIT
"""Plans, findings and stacks as people read them.

In: values and a Style. Out: text. Pure. Beside: report/summary.py (what happened)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stackyard.model.plan import Plan, Step, expectation
from stackyard.model.reason import NotSelected
from stackyard.model.stack import Finding, Stack
from stackyard.report.text import Style, count_text, joined, table, time_text, visible

ACTION_COLOURS = {
    "build": "yellow",
    "retest": "yellow",
    "decide-later": "yellow",
    "push": "cyan",
    "fetch": "cyan",
    "join": "cyan",
    "tag": "cyan",
    "reuse": "green",
    "skip": "dim",
}
NOTED = ("base-moved", "base-not-checked", "gone-since", "tests-in-build-all")
"""Findings of a plan that `check` does not tell."""
_MOST_NOTES = 10
"""So many of a kind are shown; more are counted."""


def plan_text(plan: Plan, style: Style, width: int, is_explained: bool = False) -> str:
    """A short table: what, why, tags, expected time; `is_explained` lists every reason."""
    shared = common_tags(plan)
    rows = [
        (
            style(str(step.target), "bold"),
            style(step.action, ACTION_COLOURS[step.action]),
            " ".join(str(tag) for tag in step.tags) if step.action != "skip" and not shared else "",
            time_text(step.expected_s) if step.expected_s else "",
            _why(step),
        )
        for step in (() if plan.is_idle else plan.steps)
        if not _is_unasked(step)
    ]
    lines = [head_text(plan, style), *([f"Tags: {', '.join(shared)}"] if shared else [])]
    heads = ("image", "step", "tags", "last took", "why")
    lines += ["", table(rows, heads, style, width, spare=("tags", "last took"))] if rows else []
    if is_explained:
        lines += ["", *(line for step in plan.steps if not _is_unasked(step) for line in _explained(step, style))]
    lines.append("")
    for code in (*NOTED, "untracked-in-context", "empty-submodule"):
        lines += _noted([finding for finding in plan.findings if finding.code == code], is_explained)
    lines += [
        *(f"note: {visible(note.sentence)}" for note in plan.notes),
        *([] if plan.is_idle else [totals_text(plan)]),
    ]
    if not plan.is_checked:
        lines.append(style(source_text(plan), "dim"))
    return "\n".join(lines)


def _noted(findings: Sequence[Finding], is_explained: bool) -> list[str]:
    """A line for each of some findings of one kind, unless there are very many."""
    shown = findings if is_explained else findings[:_MOST_NOTES]
    lines = []
    for finding in shown:
        lines.append(f"note: {visible(str(finding))}")
        lines += [f"  hint: {visible(finding.hint)}"] if finding.hint and is_explained else []
    more = len(findings) - len(shown)
    return [*lines, f"note: {more} more of these; --explain has all"] if more else lines


def source_text(plan: Plan) -> str:
    """What an offline plan compares with."""
    if plan.is_asked:
        return "From the records, those beside the images as well; the engine was not asked."
    if any(note.kind == "records-not-read" for note in plan.notes):
        return "From the records here; the engine was not asked."
    if plan.since is None:
        return "From the records; engine and registry were not asked."
    what = f"commit {plan.since.now[:7]}" if plan.since.now else "the files"
    return f"From {what} and commit {plan.since.commit[:7]}; records, engine and registry were not asked."


def _is_unasked(step: Step) -> bool:
    """Whether the command named other targets: nothing to tell of this one."""
    return step.action == "skip" and any(isinstance(reason, NotSelected) for reason in step.reasons)


def head_text(plan: Plan, style: Style) -> str:
    """Which stack, at which commit."""
    revision = plan.revision
    where = f"{style(plan.stack, 'bold')} at {revision.commit[:7]} on {place_text(plan)}"
    if not revision.is_dirty:
        return where
    fixed = "" if any(step.fixed_tags for step in plan.steps) else ": no fixed tags"  # stamps are of the run
    return where + style(f", with changes that are not committed{fixed}", "yellow")


def place_text(plan: Plan, code: Callable[[str], str] = str) -> str:
    """The branch; for a pull request its number, and where it wants to go.

    Args:
        code: how names are shown.
    """
    revision = plan.revision
    branch = f"branch {code(revision.branch)}" if revision.branch else "no branch"
    if revision.pull_request is None:
        return branch
    base = f" into {code(revision.base)}" if revision.base else ""
    return f"{branch}{base}, pull request {code(revision.pull_request)}"


def common_tags(plan: Plan) -> list[str]:
    """The tags, where all images get the same: said once."""
    tags = {step.tags for step in plan.steps if step.action != "skip"}
    return [str(tag) for tag in next(iter(tags))] if len(tags) == 1 else []


def _why(step: Step) -> str:
    shown = [visible(str(reason)) for reason in step.reasons[:2]]
    more = len(step.reasons) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _explained(step: Step, style: Style) -> list[str]:
    lines = [style(f"{step.target}: {step.action}", "bold")]
    lines += [f"  because  {visible(str(reason))}" for reason in step.reasons]
    lines += [f"  parent   {parent.target} as {parent.reference}" for parent in step.parents]
    lines += [f"  base     {base.reference} at {base.accepted or 'what the build resolves'}" for base in step.bases]
    lines += [
        f"  download {visible(each.address)} at {each.accepted or 'what the build gets'}" for each in step.downloads
    ]
    lines += [f"  arg      {name}={visible(value)}" for name, value in step.build_args]
    lines.append(f"  context  {visible(step.context)}")
    lines += [
        f"  test     {suite.kind} in {visible(', '.join(suite.folders))}" for suite in step.suites if suite.folders
    ]
    lines += [f"  command  {visible(command.command)}" for command in step.commands]
    lines += [f"  tag      {step.repository}:{tag}" for tag in step.tags]
    lines += [f"  took     {time_text(step.expected_s)} last time"] if step.expected_s else []
    lines += [f"  record   {step.record}"] if step.record else []
    lines.append(f"  source   {step.source}")
    lines.append(f"  build    {step.build or 'not known while a parent or a base is not'}")
    return lines


def totals_text(plan: Plan) -> str:
    """How many of each, and how long that is expected to take."""
    counts: dict[str, int] = {}
    for step in plan.steps:
        word = "unasked" if _is_unasked(step) else step.action
        counts[word] = counts.get(word, 0) + 1
    if not plan.has_work:
        parts = [f"{count_text(counts['reuse'], 'image')} as wanted"] if "reuse" in counts else []
        parts += [f"{counts['skip']} left alone"] if "skip" in counts else []
        return f"Nothing to do: {', '.join(parts) or 'no image'}."
    words = {
        "build": "to build",
        "decide-later": "to follow a parent if it changes",
        "retest": "to test",
        "push": "to push",
        "fetch": "to fetch",
        "join": "to join",
        "tag": "to tag",
        "reuse": "as wanted",
        "skip": "left alone",
        "unasked": "not selected",
    }
    what = joined(f"{counts[action]} {word}" for action, word in words.items() if action in counts)
    return f"{what}.{_duration(plan)}"


def _duration(plan: Plan) -> str:
    """What the last runs let expect: what depends on each other in its order, and all one after another."""
    expected = expectation(plan)
    if not expected.total_s:
        return ""
    total = f", {time_text(expected.total_s)} one after another" if expected.total_s > expected.path_s else ""
    unknown = f"; {count_text(expected.unknown, 'build')} of unknown length not counted" if expected.unknown else ""
    return f" Expected to take {time_text(expected.path_s)}{total}{unknown}."


def findings_text(findings: Sequence[Finding], style: Style, width: int) -> str:  # noqa: ARG001 - as all texts
    """One line per finding, its hint below it, and the count."""
    colours = {"error": "red", "warning": "yellow", "notice": "dim"}
    lines = []
    for finding in findings:
        sentence = visible(str(finding))
        lines.append(f"{style(finding.level, colours[finding.level])}: {sentence} [{finding.code}]")
        if finding.hint:
            lines.append(f"  hint: {visible(finding.hint)}")
    counts = {level: sum(1 for f in findings if f.level == level) for level in colours}
    if not counts["error"] and not counts["warning"]:
        lines.append("No errors, no warnings.")
    else:
        lines.append(f"{count_text(counts['error'], 'error')}, {count_text(counts['warning'], 'warning')}.")
    return "\n".join(lines)


def stack_text(stack: Stack, style: Style, width: int) -> str:
    """The images of a stack, as a table."""
    rows = [
        (
            style(str(target.name), "bold"),
            str(target.repository),
            ", ".join(suite.kind for suite in target.suites) or "-",
            ", ".join([*map(str, target.parent_names), *map(str, target.bases)]) or "-",
        )
        for target in stack.targets
    ]
    return table(rows, ("image", "repository", "tests", "builds on"), style, width, spare=("tests",))
