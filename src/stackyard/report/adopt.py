# SPDX-License-Identifier: MIT
"""What is adopted, as people and programs read it.

In: values. Out: text, plain data. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stackyard.model.adopt import Adoptable, AdoptedParent, Adoption
from stackyard.report.data import FORMAT
from stackyard.report.text import Style, count_text, few, table

_WORDS = {"adopt": "can be adopted", "known": "known already"}
_LEFT = 12
"""So many that are left out are named; JSON has all."""
_COLOURS = {"adopt": "green", "known": "dim", "not checked": "dim"}


def adoption_text(adoption: Adoption, style: Style, width: int) -> str:
    """A row per target, why something is left out, and the counts."""
    rows = [
        (
            style(str(each.target), "bold"),
            style(_WORDS.get(each.state, each.state), _COLOURS.get(each.state, "yellow")),
            str(each.reference) if each.reference else "-",
            each.digest.short if each.digest else "-",
            ", ".join(each.platforms),
            ", ".join(_parent(parent, each.is_good) for parent in each.parents) or "-",
        )
        for each in adoption.targets
    ]
    heads = ("image", "result", "published as", "is at", "platforms", "builds on")
    lines = [
        f"{style(adoption.stack, 'bold')}: what is published, as made from the files of {adoption.commit[:7]}",
        "",
        table(rows, heads, style, width, spare=("platforms",)),
        "",
    ]
    for problem in dict.fromkeys(each.problem for each in adoption.targets if each.problem):
        lines.append(f"{few([str(each.target) for each in adoption.targets if each.problem == problem])}: {problem}")
    lines += [*_on_other_bases(adoption), _totals(adoption)]
    return "\n".join(lines)


def _on_other_bases(adoption: Adoption) -> Iterator[str]:
    """What stands on another base than the one that it counts as built on: a rebuild would change it."""
    older: dict[str, list[str]] = {}
    for each in adoption.new:
        for base in each.bases:
            if base.is_below is False:
                older.setdefault(base.reference, []).append(str(each.target))
    for reference, names in older.items():
        verb = "stands" if len(names) == 1 else "stand"
        yield f"{few(names)}: {verb} on another {reference} than there is now, and counts as built on that one"


def adopted_text(adoption: Adoption, style: Style, width: int, *, is_dry: bool) -> str:  # noqa: ARG001 - as others
    """What was written."""
    if not adoption.is_written:
        return "Nothing was written (--dry-run)." if is_dry and adoption.new else "There is nothing to write."
    return "\n".join([f"{count_text(len(adoption.new), 'image')} adopted.", *adoption.problems])


def _parent(parent: AdoptedParent, is_good: bool) -> str:
    """A parent, and where it matters that layers say no, or nothing."""
    if parent.is_below is False:
        return f"{parent.target} (other layers)"
    return f"{parent.target} (not told by layers)" if parent.is_below is None and is_good else str(parent.target)


def _totals(adoption: Adoption) -> str:
    good = sum(each.is_good for each in adoption.targets)
    left = [str(each.target) for each in adoption.targets if not each.is_good]
    if not left:
        return f"{count_text(good, 'image')}, all there."
    return f"{good} of {count_text(len(adoption.targets), 'image')}; left out: {few(left, _LEFT)}."


def adoption_data(adoption: Adoption) -> dict[str, Any]:
    """Every target, parents first."""
    return {
        "format": FORMAT,
        "stack": adoption.stack,
        "commit": adoption.commit,
        "platform": str(adoption.platform),
        "complete": adoption.is_good,
        "written": adoption.is_written,
        "problems": list(adoption.problems),
        "targets": [_target(each) for each in adoption.targets],
    }


def _target(each: Adoptable) -> dict[str, Any]:
    return {
        "target": str(each.target),
        "state": each.state,
        "reference": each.reference and str(each.reference),
        "digest": each.digest and str(each.digest),
        "platforms": [str(platform) for platform in each.platforms],
        "parents": [{"target": str(p.target), "below": p.is_below} for p in each.parents],
        "bases": [{"reference": b.reference, "digest": str(b.digest), "below": b.is_below} for b in each.bases],
        "problem": each.problem,
    }
