# SPDX-License-Identifier: MIT
"""What happened, and what is about to be moved, as people read it: summaries of runs, sets of moves, histories.

In: values and a Style. Out: text. Pure. Beside: report/terminal.py (plans)
"""

from __future__ import annotations

from collections.abc import Sequence

from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.outcome import BAD, Outcome, RunSummary
from stackyard.model.reason import AlsoTagged, NotSelected
from stackyard.report.text import Style, cleaned, count_text, few, joined, size_text, table, time_text, visible

STATUS_COLOURS = {"failed": "red", "untested": "red", "skipped": "dim", "reused": "green"}
_WORTH_TELLING_S = 1.0
_ON_THE_PATH = 6
_LAST = ("failed", "untested", "failed that may", "skipped because of a failure", "skipped", "not selected")
"""What did not go well comes behind what did."""


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
