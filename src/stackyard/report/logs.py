# SPDX-License-Identifier: MIT
"""Logs of a run, for people and for programs.

In: where a log is, its lines. Out: text, plain data. Pure. Reference: docs/reference/json.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from stackyard.model.logs import Log
from stackyard.report.data import FORMAT
from stackyard.report.text import Style, cleaned


def log_text(log: Log, lines: Sequence[str], style: Style, width: int, *, is_first: bool = True) -> str:  # noqa: ARG001 - as all texts
    """A log below a line that says which it is."""
    head = style(f"{log.target}: {log.kind} in run {log.run}, {log.path}", "bold")
    return "\n".join([*([] if is_first else [""]), head, *map(cleaned, lines)])


def logs_data(found: Iterable[tuple[Log, Sequence[str]]]) -> dict[str, Any]:
    """Logs with all their lines."""
    return {
        "format": FORMAT,
        "logs": [
            {"target": str(log.target), "run": log.run, "kind": log.kind, "path": log.path, "lines": list(lines)}
            for log, lines in found
        ],
    }
