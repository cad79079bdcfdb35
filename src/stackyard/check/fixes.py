# SPDX-License-Identifier: MIT
"""What `check --fix` can mend: for some codes of findings a function that says what to change in the file.

In:   a file's text, its findings
Out:  the new text, and what was done
Pure; `verbs.fix` reads and writes the files.

A fix changes nothing but the place it is about, and does nothing where it is not sure. To add one,
write a function (lines, finding) -> Edit or None, and put it into FIXES under the finding's code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from stackyard.model.stack import Finding


class Edit(msgspec.Struct, frozen=True, order=True):
    """Replace `length` characters of a line (both from 0) by `text`; `did` says so to a person."""

    line: int
    column: int
    length: int
    text: str
    did: str


class Fixed(msgspec.Struct, frozen=True):
    """One thing that was mended: `line` is where, as the file was before."""

    code: str
    path: str
    line: int
    did: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.did}"


def mended(text: str, findings: Iterable[Finding]) -> tuple[str, list[Fixed]]:
    """`text` with everything mended that can be; the same text where nothing can."""
    lines = text.split("\n")
    edits: dict[Edit, Finding] = {}
    for finding in findings:
        fix = FIXES.get(finding.code)
        edit = fix(lines, finding) if fix is not None and finding.line is not None else None
        if edit is not None:
            edits.setdefault(edit, finding)
    for edit in sorted(edits, reverse=True):  # from the end, so that the places of the others stay right
        row = lines[edit.line] if edit.line < len(lines) else ""
        lines[edit.line : edit.line + 1] = [row[: edit.column] + edit.text + row[edit.column + edit.length :]]
    done = [Fixed(edits[edit].code, edits[edit].path, edit.line + 1, edit.did) for edit in sorted(edits)]
    return "\n".join(lines), done


def _repeat_argument(lines: Sequence[str], finding: Finding) -> Edit | None:
    """`ARG NAME` below the FROM of the stage that reads it."""
    row, name = _at(lines, finding, r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
    froms = [at for at in range(min(row, len(lines))) if re.match(r"[ \t]*FROM[ \t]", lines[at], re.I)]
    if name is None or not froms or lines[froms[-1]].rstrip().endswith(("\\", "`")):
        return None
    end = "\r\n" if lines[froms[-1]].endswith("\r") else "\n"
    return Edit(froms[-1] + 1, 0, 0, f"ARG {name[1]}{end}", f"added `ARG {name[1]}` below FROM")


def _quote_key(lines: Sequence[str], finding: Finding) -> Edit | None:
    """Quotes around a version that other tools read as a number."""
    row, key = _at(lines, finding, r"[A-Za-z0-9._-]+(?=[ \t]*:)")
    if key is None:
        return None
    return Edit(row, key.start(), len(key[0]), f'"{key[0]}"', f'wrote "{key[0]}" in quotes')


def _at(lines: Sequence[str], finding: Finding, form: str) -> tuple[int, re.Match[str] | None]:
    """The row of a finding, from 0, and what stands at its very place, if it has this form."""
    row = (finding.line or 1) - 1
    if row >= len(lines) or finding.column is None:
        return row, None
    return row, re.compile(form).match(lines[row], finding.column - 1)


FIXES: Mapping[str, Callable[[Sequence[str], Finding], Edit | None]] = {
    "arg-before-from": _repeat_argument,
    "unquoted-version": _quote_key,
}
