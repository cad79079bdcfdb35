# SPDX-License-Identifier: MIT
"""Plans, outcomes, moves and histories as people read them.

In: values and a Style. Out: text. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.outcome import BAD, Outcome, RunSummary
from stackyard.model.plan import Plan, Step, expectation
from stackyard.model.reason import AlsoTagged, NotSelected
from stackyard.model.stack import Finding, Stack
from stackyard.report.text import Style, cleaned, count_text, few, joined, size_text, table, time_text, visible

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
_WORTH_TELLING_S = 1.0
_ON_THE_PATH = 6
_LAST = ("failed", "untested", "failed that may", "skipped because of a failure", "skipped", "not selected")
"""What did not go well comes behind what did."""
STATUS_COLOURS = {"failed": "red", "untested": "red", "skipped": "dim", "reused": "green"}


def plan_text(plan: Plan, style: Style, width: int, is_explained: bool = False) -> str:
    """A short table: what, why, tags, expected time; `is_explained` lists every reason."""
    rows = [
        (
            style(str(step.target), "bold"),
            style(step.action, ACTION_COLOURS[step.action]),
            " ".join(str(tag) for tag in step.tags) if step.action != "skip" else "",
            time_text(step.expected_s) if step.expected_s else "",
            _why(step),
        )
        for step in plan.steps
        if not _is_unasked(step) and not plan.is_idle
    ]
    shared = common_tags(plan)
    lines = [head_text(plan, style), *([f"Tags: {', '.join(shared)}"] if shared else []), ""]
    heads = ("image", "step", "tags", "last took", "why")
    if shared:
        rows = [(*row[:2], "", *row[3:]) for row in rows]
    lines += [table(rows, heads, style, width, spare=("tags", "last took"))] if rows else []
    if is_explained:
        lines += ["", *(line for step in plan.steps if not _is_unasked(step) for line in _explained(step, style))]
    lines.append("")
    for code in (*NOTED, "untracked-in-context"):
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
    dirty = style(", with changes that are not committed: no fixed tags", "yellow") if revision.is_dirty else ""
    return f"{style(plan.stack, 'bold')} at {revision.commit[:7]} on {place_text(plan)}{dirty}"


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


def summary_text(summary: RunSummary, style: Style, width: int) -> str:
    """What happened: a line per target, the failures with what to look at, what was published."""
    rows = [
        (
            style(str(outcome.target), "bold"),
            style(outcome_text(outcome), STATUS_COLOURS.get(outcome.status, "yellow")),
            time_text(outcome.duration_s) if outcome.status not in ("skipped",) else "",
            size_change(outcome),
            tests_text(outcome),
            _result(outcome),
        )
        for outcome in summary.outcomes
        if not is_left_out(outcome)
    ]
    lines = [
        table(rows, ("image", "outcome", "took", "size", "tests", "why"), style, width, spare=("size", "took", "why"))
    ]
    for outcome in summary.failed:
        lines += ["", style(f"{outcome.target}: {outcome.failure}", "red")]
        lines += [f"  at {visible(outcome.path)}:{outcome.line}"] if outcome.path and outcome.line else []
        lines += [f"  {cleaned(line)}" for line in outcome.details]
        lines += [f"  log: {log}" for log in outcome.logs[-1:]]
    lines += [line for outcome in summary.outcomes for line in _published(outcome, style)]
    lines += [f"note: {note}" for note in (*summary.remarks, *summary.notes)]
    lines += ["", *pace_text(summary), *_disk(summary), ending_text(summary)]
    return "\n".join(lines)


def is_left_out(outcome: Outcome) -> bool:
    """Whether the command named other targets: nothing to tell of this one."""
    return outcome.status == "skipped" and any(isinstance(reason, NotSelected) for reason in outcome.reasons)


def outcome_text(outcome: Outcome) -> str:
    """What became of a target."""
    if outcome.is_interrupted:
        return "interrupted" if outcome.jobs else "not begun"
    if outcome.because is not None:
        return f"skipped, {outcome.cause}{', which may' if outcome.is_excused else ''}"
    status: str = "built, same content" if outcome.same_as_before and outcome.status == "built" else outcome.status
    if outcome.is_excused:
        status += ", as it may"
    if outcome.retries:
        status += f", {outcome.retries} {'retry' if outcome.retries == 1 else 'retries'}"
    return status


def size_change(outcome: Outcome) -> str:
    """The size, and what came to it since the last build."""
    if not outcome.size_bytes:
        return ""
    size, before = size_text(outcome.size_bytes), outcome.size_before_bytes
    if before is None or size_text(before) == size:
        return size
    sign = "+" if outcome.size_bytes > before else "-"
    return f"{size} ({sign}{size_text(abs(outcome.size_bytes - before))})"


def tests_text(outcome: Outcome) -> str:
    """Suites, with how many of each passed."""
    parts = []
    for test in outcome.tests:
        good = test.total - test.failed - test.skipped
        skipped = f", {test.skipped} skipped" if test.skipped else ""
        parts.append(f"{test.suite} {good}/{test.total - test.skipped}{skipped}")
    if outcome.status == "built" and all(test.suite == "inventory" for test in outcome.tests):
        parts.insert(0, "not tested")
    return " · ".join(parts)


def _result(outcome: Outcome) -> str:
    if outcome.status in BAD or outcome.because is not None:  # a failure has its own paragraph below
        return ""
    shown = (*outcome.reasons[:1], *(reason for reason in outcome.reasons[1:] if isinstance(reason, AlsoTagged)))
    return "; ".join(map(str, shown))


def _published(outcome: Outcome, style: Style) -> list[str]:
    """References of what this run made or named; nothing for what was in place already."""
    published = outcome.published
    if published is None or outcome.status == "reused":
        return []
    lines = ["", f"{style(str(outcome.target), 'bold')}  {published.reference}"]
    lines += [f"  also {tag}" for tag in published.tags]
    return lines


def _disk(summary: RunSummary) -> list[str]:
    """What the engine's disk has left, and what became of the rest."""
    before, after = summary.free_before_bytes, summary.free_after_bytes
    if before is None or after is None:
        return []
    change = f"{size_text(abs(after - before))} {'less' if after < before else 'more'} than before"
    return [f"Disk: {size_text(after)} free, {change}."]


def ending_text(summary: RunSummary) -> str:
    """How many of each outcome, in one sentence."""
    counts: dict[str, int] = {}
    for outcome in summary.outcomes:
        status: str = outcome.status
        if outcome.because is not None:
            status = "skipped because of a failure"
        elif outcome.is_excused:
            status = "failed that may"
        elif outcome.is_interrupted:
            status = outcome_text(outcome)
        elif is_left_out(outcome):
            status = "not selected"
        counts[status] = counts.get(status, 0) + 1
    took = time_text(summary.duration_s)
    if set(counts) <= {"reused", "not selected"} and not summary.is_interrupted:
        return f"Nothing to do: {count_text(counts.get('reused', 0), 'image')} as wanted ({took})."
    told = sorted(counts, key=lambda status: _LAST.index(status) if status in _LAST else -1)
    what = joined(f"{counts[status]} {status}" for status in told)
    lead = "Interrupted. " if summary.is_interrupted else ""
    return f"{lead}Run {summary.number}: {what}, in {took}."


def pace_text(summary: RunSummary) -> list[str]:
    """What was on the critical path, and how far the run was from the least it could have taken; one line or none."""
    pace = summary.pace
    if pace is None or len(pace.path) < 2 or pace.bound_s < _WORTH_TELLING_S:
        return []
    spent: dict[str, float] = {}
    for each in pace.path:
        spent[each.target] = spent.get(each.target, 0.0) + each.duration_s
    ways = [f"{target} {time_text(took)}" for target, took in spent.items()]
    path = f"Critical path {time_text(pace.path_s)}: {few(ways, _ON_THE_PATH)}."
    over = max(summary.duration_s / pace.bound_s - 1, 0.0)
    if pace.bound_by == "path":
        bound = "the least possible"
    else:
        kind = {"build": "builds", "test": "tests", "push": "transfers"}[pace.bound_by]
        how = "one at a time" if pace.at_once == 1 else f"{pace.at_once} at once"
        bound = f"the least possible with {kind} {how}, {time_text(pace.bound_s)}"
    return [f"{path} The run took {over:.0%} more than {bound}."]


def moves_text(moves: MoveSet, style: Style, width: int) -> str:
    """A promotion or rollback before it is made: each tag, from what to what."""
    rows = [
        (
            style(str(move.target), "bold"),
            str(move.reference),
            move.was.short if move.was else "nothing",
            _goal(move, style),
        )
        for move in moves.moves
    ]
    verb = "Promote" if moves.kind == "promote" else "Roll back to"
    commit = f" (commit {moves.commit[:7]})" if moves.commit else ""
    head = f"{verb} {style(moves.source, 'bold')}{commit}: channel {style(moves.channel, 'bold')}"
    notes = f": {visible(moves.notes)}" if moves.notes else ""
    release = [f"Release {style(moves.release, 'bold')}{notes}"] if moves.release else []
    lines = [head, *release, "", table(rows, ("image", "tag", "is at", "moves to"), style, width)]
    for each in moves.accepted:
        there, here = (digest.short if digest else "nothing" for digest in (each.found, each.recorded))
        lines.append(f"{each.reference} is taken as the registry has it, {there}; the records say {here}")
    lines += [f"because: {visible(moves.accepted_because)}"] if moves.accepted else []
    return "\n".join(lines)


def _goal(move: TagMove, style: Style) -> str:
    if move.was == move.now:
        return style("stays", "dim")
    return move.now.short if move.now else "is taken away, where the registry can"


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


def history_text(runs: Sequence[RunSummary], channels: Sequence[MoveSet], style: Style, width: int) -> str:
    """Runs and moves of channels, newest first."""
    events = [(run.started, _run_line(run)) for run in runs]
    events += [(moves.at, _moves_line(moves)) for moves in channels]
    events.sort(key=lambda event: event[0], reverse=True)
    if not events:
        return "Nothing yet: `stackyard build` makes the first entry."
    rows = [(style(at.replace("T", " ").replace("Z", ""), "dim"), *line) for at, line in events]
    return table(rows, ("when (UTC)", "what", "commit", "result"), style, width, spare=("commit",))


def _run_line(run: RunSummary) -> tuple[str, str, str]:
    counts: dict[str, int] = {}
    for outcome in run.outcomes:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    made = joined(f"{count} {status}" for status, count in counts.items() if status != "skipped")
    if len(run.outcomes) == 1 and (published := run.outcomes[0].published) and published.reference.digest:
        made = f"{run.outcomes[0].status} as {published.reference.digest.short}"
    ending = "" if run.is_good else " - interrupted" if run.is_interrupted else " - failed"
    return (
        f"run {run.number} ({run.command}){ending}",
        run.commit[:7],
        f"{made or 'nothing'}, {time_text(run.duration_s)}",
    )


def _moves_line(moves: MoveSet) -> tuple[str, str, str]:
    if moves.kind == "adopt":
        return f"adopted {moves.source}", moves.commit[:7], count_text(len(moves.moves), "image")
    if moves.kind == "copy":
        where = moves.moves[0].repository.host if moves.moves else "nowhere"
        state = {"done": "", "undone": " - undone", "intended": " - not finished"}[moves.state]
        return f"copied {moves.source} to {where}{state}", moves.commit[:7], count_text(len(moves.moves), "tag")
    if moves.kind == "prune":
        return "deleted by prune", "", count_text(len(moves.moves), "image")
    verb = {"promote": "promoted", "rollback": "rolled back to"}.get(moves.kind, "tagged")
    state = {"done": "", "undone": " - undone", "intended": " - not finished"}[moves.state]
    detail = f"{count_text(len(moves.changes), 'tag')} moved of {len(moves.moves)}"
    if len(moves.moves) == 1:
        (move,) = moves.moves
        was, now = (digest.short if digest else "nothing" for digest in (move.was, move.now))
        detail = f"{was} -> {now}" if moves.changes else now
    detail += f", {count_text(len(moves.staying), 'new tag')} left" if moves.staying else ""
    if moves.gates:
        from stackyard.report.gates import let_go_text  # a plan has none

        detail += let_go_text(moves)
    detail += f", as the registry had them: {visible(moves.accepted_because)}" if moves.accepted else ""
    return f"{moves.channel}: {verb} {moves.source}{state}", moves.commit[:7], detail
