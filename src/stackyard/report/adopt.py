# SPDX-License-Identifier: MIT
"""What would be adopted, as people and programs read it.

In: values. Out: text, plain data. Pure.
"""

from __future__ import annotations

from typing import Any

from stackyard.model.adopt import Adoptable, AdoptedParent, Adoption
from stackyard.report.data import FORMAT
from stackyard.report.text import Style, count_text, few, table

_WORDS = {"adopt": "would be adopted", "known": "known already"}
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
    lines += [_totals(adoption), "Nothing was written: this is what would be adopted."]
    return "\n".join(lines)


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
        "written": False,
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
        "problem": each.problem,
    }
