# SPDX-License-Identifier: MIT
"""External bases and downloads as people and programs read them.

In: values. Out: text, plain data. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackyard.model import canonical
from stackyard.model.bases import Base
from stackyard.model.downloads import Download
from stackyard.model.names import Digest, TargetName
from stackyard.model.reference import Reference
from stackyard.report.data import FORMAT
from stackyard.report.text import Style, count_text, few, joined, table

_USES = {"from": "FROM", "copy": "COPY --from", "mount": "RUN --mount", "syntax": "# syntax", "add": "ADD"}
_COLOURS = {"moved": "yellow", "current": "green", "gone": "red"}
Changes = Sequence[tuple[Reference | Download, Digest | None, Digest]]
"""Bases and downloads that are taken to be something else: what they are called, what each was, what it is now."""


def bases_text(bases: Sequence[Base], style: Style, width: int, with_history: bool = False) -> str:
    """A table of the bases, what was accepted before where that is wanted, and what to type next."""
    if not bases:
        return "No external bases: nothing here is built on an image from elsewhere."
    rows = [
        (
            style(str(base.of.reference), "bold"),
            joined(dict.fromkeys(_USES[place.how] for place in base.of.places)),
            base.accepted.short if base.accepted else "-",
            (base.since or "")[:10],
            _now(base, style),
            _named(base.of.targets),
        )
        for base in bases
    ]
    heads = ("base", "as", "accepted", "since", "now", "used by")
    lines = [table(rows, heads, style, width, spare=("since", "as"))]
    if with_history:
        lines += ["", *(line for base in bases for line in _history(base, style))]
    moved = [str(base.of.reference) for base in bases if base.state == "moved"]
    unchecked = [base for base in bases if base.state == "not checked"]
    lines.append("")
    for problem in dict.fromkeys(base.problem for base in unchecked if base.problem):
        lines.append(f"not checked: {few([str(b.of.reference) for b in unchecked if b.problem == problem])}: {problem}")
    if moved:
        they = "it" if len(moved) == 1 else "them"
        lines.append(f"{len(moved)} moved: `stackyard bases --refresh` accepts {they}.")
    elif unchecked:
        lines.append(f"{count_text(len(unchecked), 'base')} not checked.")
    else:
        lines.append("No base has moved.")
    return "\n".join(lines)


def _now(base: Base, style: Style) -> str:
    """What the registry said, for the table."""
    if base.state == "not checked":
        last = f" (was {base.current.short} at {base.checked})" if base.current and base.checked else ""
        return style("not checked", "dim") + last
    words = {
        "pinned": "pinned by the Dockerfile",
        "gone": base.of.absence.removeprefix("its registry "),
        "current": "the same",
        "moved": f"moved to {base.current.short if base.current else ''}",
        "new": f"{base.current.short if base.current else ''}, not accepted yet",
    }[base.state]
    return style(words, _COLOURS.get(base.state, "dim"))


def _named(targets: Sequence[TargetName]) -> str:
    return few([str(name) for name in targets])


_BY = {"first": "first needed", "refresh": "--refresh", "max_age": "max_age", "build": "build", "person": "--accept"}


def _history(base: Base, style: Style) -> list[str]:
    lines = [style(str(base.of.reference), "bold")]
    return [*lines, *(f"  {each.at}  {each.digest}  {_BY[each.by]}" for each in base.history)]


def accepted_text(
    changes: Changes, asked: int, builds: Sequence[TargetName], waits: Sequence[TargetName], style: Style, width: int
) -> str:
    """What was accepted, and what the next build does because of it."""
    if not changes:
        return f"Nothing to accept: {count_text(asked, 'base')} as accepted."
    rows = [(style(str(name), "bold"), was.short if was else "-", now.short) for name, was, now in changes]
    lines = [table(rows, ("base", "was", "accepted"), style, width), ""]
    if builds:
        more = f"; {_named(waits)} if what they build on changes" if waits else ""
        lines.append(f"The next build makes {_named(builds)} again{more}.")
    else:
        lines.append("No image has to be built because of this.")
    return "\n".join(lines)


def bases_data(bases: Sequence[Base]) -> dict[str, Any]:
    """The bases, in file order."""
    return {
        "format": FORMAT,
        "bases": [
            {
                "reference": str(base.of.reference),
                "state": base.state,
                "accepted": base.accepted and str(base.accepted),
                "since": base.since,
                "current": base.current and str(base.current),
                "checked": base.checked,
                "problem": base.problem,
                "targets": [str(name) for name in base.of.targets],
                "places": [canonical.builtins(place) for place in base.of.places],
                "history": [{"digest": str(each.digest), "at": each.at, "by": each.by} for each in base.history],
            }
            for base in bases
        ],
    }


def accepted_data(
    changes: Changes, asked: int, builds: Sequence[TargetName], waits: Sequence[TargetName]
) -> dict[str, Any]:
    """What was accepted, and what follows."""
    return {
        "format": FORMAT,
        "asked": asked,
        "accepted": [{"reference": str(name), "was": was and str(was), "now": str(now)} for name, was, now in changes],
        "builds": [str(name) for name in builds],
        "waits": [str(name) for name in waits],
    }
