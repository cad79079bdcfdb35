# SPDX-License-Identifier: MIT
"""A plan as a comment of a pull request: GitHub's Markdown, also read by GitLab and Gitea.

In:   Plan
Out:  Markdown that ends with a line feed, at most `limit` characters; its first line is a comment by which a bot
      finds its own comment again
Pure. Why: docs/how-to/comment-on-a-pull-request.md

Nothing of the stack's files is taken as Markdown: every character of a name that is neither a letter, a digit nor
harmless is written as a numeric entity, which Markdown never takes for structure (CommonMark 0.31, section 2.5),
not even in a table's row. What comes from files stands in `<code>`, where GitHub links no `@name` and no `#1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from stackyard.model.plan import Plan, Step
from stackyard.model.reason import NotSelected, Reason
from stackyard.model.stack import Finding
from stackyard.report.terminal import NOTED, common_tags, place_text, source_text, totals_text
from stackyard.report.text import count_text, cut, time_text, visible

LIMIT = 65_536
"""Characters of a comment or a description that GitHub takes."""
_SHORT = 25
"""So many rows stand open; more are folded."""
_REASONS = 2
"""So many reasons stand in a row; all of them are listed below."""
_ENDING = 600
"""Room for the sentence that says what was left out."""
_RISKY = re.compile(r"[^A-Za-z0-9 .,;/()=+^%?'\-\u00a1-\U0010ffff]")
_WORDS = ("change", "suite", "at", "since", "field", "where", "by")
"""Facts of reasons that are our own words or times."""
_MARKS = ("\ue000", "\ue00f")
"""Characters that no clause of a reason has but where its facts stand."""
_LONGEST = 300
_DOING = ("build", "decide-later", "retest", "push", "fetch", "join")
_FOLDED = {"tag": "to tag", "reuse": "as wanted", "skip": "left alone"}


class _Section(msgspec.Struct):
    """A list with what stands before and after it; cut where there is no more room."""

    name: str
    head: list[str]
    rows: list[str]
    tail: list[str]


def plan_markdown(plan: Plan, limit: int = LIMIT) -> str:
    """What, why, tags and expected time in a short table; what is long is folded, and what has no room is told."""
    shared = common_tags(plan)
    head = [f"<!-- stackyard plan: {_marker(plan.stack)} -->", _title(plan), ""]
    if shared:
        head += [f"Tags: {', '.join(code(tag) for tag in shared)}", ""]
    notes = [note.sentence for note in plan.notes]
    notes += [finding.sentence for finding in plan.findings if finding.code in NOTED]
    head += [line for note in notes for line in (prose(note), "")]
    sections = [] if plan.is_idle else list(_sections(plan, has_tags=not shared))
    tail = [] if plan.is_checked else [prose(source_text(plan))]
    return _fitted(head, sections, tail, limit)


def _title(plan: Plan) -> str:
    revision = plan.revision
    dirty = ", with changes that are not committed" if revision.is_dirty else ""
    where = f"{code(plan.stack)} at {code(revision.commit[:7])} on {place_text(plan, code)}{dirty}"
    return where if plan.is_idle else f"{where}: {_lowered(totals_text(plan))}"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _sections(plan: Plan, has_tags: bool) -> Iterable[_Section]:
    """What is done first, then what is only named, left as it is, explained and found."""
    asked = [step for step in plan.steps if not any(isinstance(reason, NotSelected) for reason in step.reasons)]
    doing = [step for step in asked if step.action in _DOING]
    if doing:
        yield _table("steps", "", doing[:_SHORT], has_tags)
    if len(doing) > _SHORT:
        rest = doing[_SHORT:]
        yield _table("steps", f"{len(rest)} more to do", rest, has_tags)
    for action, words in _FOLDED.items():
        steps = [step for step in asked if step.action == action]
        if steps:
            yield _table("steps", f"{len(steps)} {words}", steps, has_tags and action != "skip")
    long = [step for step in asked if len(step.reasons) > _REASONS]
    if long:
        rows = [f"- {code(step.target)}: {clause(reason)}" for step in long for reason in step.reasons]
        yield _folded("reasons", f"Every reason of {count_text(len(long), 'image')}", [], rows)
    rows = [_finding(finding) for finding in plan.findings if finding.code not in NOTED]
    if rows:
        yield _folded("findings", count_text(len(rows), "finding"), [], rows)


def _table(name: str, summary: str, steps: Sequence[Step], has_tags: bool) -> _Section:
    """A row per step; columns without a word in them are left out."""
    rows = [
        (
            code(step.target),
            step.action,
            _why(step),
            " ".join(code(tag) for tag in step.tags) if has_tags else "",
            time_text(step.expected_s) if step.expected_s else "",
        )
        for step in steps
    ]
    heads = ("image", "step", "why", "tags", "last took")
    kept = [i for i in range(len(heads)) if i < 3 or any(row[i] for row in rows)]
    lines = [f"| {' | '.join(row[i] for i in kept)} |" for row in [heads, ["---"] * len(heads), *rows]]
    if not summary:
        return _Section(name, lines[:2], lines[2:], [""])
    return _folded(name, summary, lines[:2], lines[2:])


def _folded(name: str, summary: str, head: list[str], rows: list[str]) -> _Section:
    return _Section(name, ["<details>", f"<summary>{summary}</summary>", "", *head], rows, ["", "</details>", ""])


def _why(step: Step) -> str:
    shown = [clause(reason) for reason in step.reasons[:_REASONS]]
    more = len(step.reasons) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def clause(reason: Reason) -> str:
    """A reason as its clause, the facts in it as code."""
    facts: dict[str, str] = {}
    marks: dict[str, str] = {}
    for field in reason.__struct_fields__:
        fact = getattr(reason, field)
        if isinstance(fact, str) and fact and field not in _WORDS and fact != "used":
            marks[field] = mark = chr(ord(_MARKS[0]) + len(facts))  # stands in the clause for the fact
            facts[mark] = _brief(fact)
    parts = re.split(f"([{_MARKS[0]}-{_MARKS[1]}])", str(msgspec.structs.replace(reason, **marks)))
    return "".join(code(facts[part]) if part in facts else _text(part) for part in parts)


def _brief(fact: str) -> str:
    """Digests and commits as clauses show them."""
    if fact.startswith("sha256:"):
        return fact[:19]
    return fact[:7] if re.fullmatch("[0-9a-f]{40}", fact) else fact


def _finding(finding: Finding) -> str:
    hint = f" (hint: {finding.hint})" if finding.hint else ""
    return f"- {finding.level}: {code(f'{finding}{hint}')}"


def _text(text: str) -> str:
    """`text` as nothing but text."""
    return _RISKY.sub(lambda found: f"&#{ord(found[0])};", visible(text))


def prose(text: str) -> str:
    """A sentence that may hold what is not ours, where GitHub would link `@name` and `#1`."""
    return re.sub(r"(&#(?:35|64);)", r"<code>\1</code>", _text(text))


def code(text: str) -> str:
    """`text` as code; one that would be most of a page is cut."""
    return f"<code>{_text(cut(text, _LONGEST))}</code>"


def _marker(name: str) -> str:
    """A name within an HTML comment, which two dashes might end."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", name)


def _fitted(head: list[str], sections: list[_Section], tail: list[str], limit: int) -> str:
    """All of it, or as many rows from the first on as there is room for, and what the rest is."""
    whole = _joined([*head, *(line for each in sections for line in (*each.head, *each.rows, *each.tail)), *tail])
    if len(whole) <= limit:
        return whole
    room = limit - len(_joined([*head, *tail])) - _ENDING
    lines = list(head)
    left: dict[str, int] = {}
    for each in sections:
        frame = len(_joined([*each.head, *each.tail]))
        rows = []
        for row in each.rows:
            if frame + len(row) + 1 > room:
                break
            rows.append(row)
            room -= len(row) + 1
        if rows:
            room -= frame
            lines += [*each.head, *rows, *each.tail]
        if len(rows) < len(each.rows):
            room = 0  # what follows matters less: no gaps
            left[each.name] = left.get(each.name, 0) + len(each.rows) - len(rows)
    told = ", ".join(f"{count} {name}" for name, count in left.items())
    lines.append(f"Left out, because a comment has at most {limit:,} characters: {told}.")
    lines += ["`stackyard plan --explain` shows them.", ""]
    return _joined([*lines, *tail])


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"
