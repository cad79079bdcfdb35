# SPDX-License-Identifier: MIT
"""A run as a page of GitHub's Markdown, for the summary of a job.

In:   RunSummary
Out:  Markdown that ends with a line feed, at most `limit` characters
Pure. Beside: markdown, which says how nothing of other people's words becomes Markdown
"""

from __future__ import annotations

from stackyard.model.outcome import Outcome, RunSummary
from stackyard.report.markdown import clause, code, prose
from stackyard.report.summary import ending_text, is_left_out, outcome_text, pace_text, size_change, tests_text
from stackyard.report.text import time_text

LIMIT = 500_000
"""Half of what GitHub takes for all steps of a job."""
_DETAILS = 20


def run_markdown(summary: RunSummary, limit: int = LIMIT) -> str:
    """What happened: failures with what to look at, then a row per image."""
    lines = [f"### {prose(ending_text(summary))}", ""]
    lines += [line for text in pace_text(summary) for line in (prose(text), "")]
    for outcome in summary.failed:
        lines += _failure(outcome)
    shown = [outcome for outcome in summary.outcomes if not is_left_out(outcome)]
    if shown:
        lines += ["| image | outcome | took | size | tests | why |", "| --- | --- | --- | --- | --- | --- |"]
    room = limit - sum(len(line) + 1 for line in lines) - 1000
    left = 0
    for outcome in shown:
        row = _row(outcome)
        room -= len(row) + 1
        if room < 0:
            left += 1
        else:
            lines.append(row)
    lines.append("")
    if left:
        lines += [f"{left} more have no room here.", ""]
    lines += [f"- {prose(note)}" for note in (*summary.remarks, *summary.notes)[: max(room // 1000, 5)]]
    return "\n".join(lines)[: limit - 1].rstrip("\n") + "\n"


def _row(outcome: Outcome) -> str:
    cells = (
        code(outcome.target),
        prose(outcome_text(outcome)),
        time_text(outcome.duration_s) if outcome.status != "skipped" else "",
        size_change(outcome),
        prose(tests_text(outcome)),
        clause(outcome.reasons[0]) if outcome.reasons and not outcome.because and not outcome.failure else "",
    )
    return f"| {' | '.join(cells)} |"


def _failure(outcome: Outcome) -> list[str]:
    place = f"{outcome.path}:{outcome.line}" if outcome.line else outcome.path
    lines = [f"**{code(outcome.target)} failed**: {prose(outcome.failure or '')}", ""]
    if place:
        lines += [f"at {code(place)}", ""]
    if outcome.details:
        told = "\n".join(code(line) for line in outcome.details[-_DETAILS:])
        lines += [told.replace("\n", "<br>\n"), ""]
    return lines + [line for log in outcome.logs[-1:] for line in (f"log: {code(log)}", "")]
