# SPDX-License-Identifier: MIT
"""What a promotion means, below its moves.

In: values. Out: text or plain data. Pure. Reference: docs/reference/json.md
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackyard.model.contents import ContentsChange
from stackyard.model.preview import Preview
from stackyard.report.text import Style, few, joined, visible, wrapped

_NAMED = 8
"""So many packages of a kind are named; JSON has all."""


def preview_text(preview: Preview, style: Style, width: int) -> str:
    """A paragraph for each inventory that differs, then what stays behind; empty where there is nothing to tell."""
    lines: list[str] = []
    for change in preview.contents:
        lines.append(f"{style(str(change.target), 'bold')}, {visible(change.inventory)}: {_counts(change)}")
        for what, names in (("", list(map(str, change.changed))), ("new: ", change.new), ("gone: ", change.gone)):
            if names:
                told = f"{what}{few([visible(name) for name in names], _NAMED)}"
                lines += [f"  {line}" for line in wrapped(told, max(width - 2, 20))]
    if preview.unknown:
        lines.append(f"What changes in {few(list(map(str, preview.unknown)))} is not known: one inventory is missing.")
    lines += [f"{sentence}." for sentence in preview.left_behind]
    return "\n".join(lines)


def _counts(change: ContentsChange) -> str:
    kinds: tuple[tuple[str, Sequence[object]], ...] = (
        ("changed", change.changed),
        ("new", change.new),
        ("gone", change.gone),
    )
    return joined(f"{len(names)} {what}" for what, names in kinds if names)


def preview_data(preview: Preview) -> dict[str, Any]:
    """All of it."""
    return {
        "contents": [
            {
                "target": str(change.target),
                "inventory": change.inventory,
                "changed": [{"name": each.name, "was": each.was, "now": each.now} for each in change.changed],
                "new": list(change.new),
                "gone": list(change.gone),
            }
            for change in preview.contents
        ],
        "contents_unknown": [str(target) for target in preview.unknown],
        "left_behind": list(preview.left_behind),
    }
