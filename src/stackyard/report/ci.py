# SPDX-License-Identifier: MIT
"""How CI systems fold lines and mark files, and what keeps other people's words from being taken for that.

In:   texts
Out:  texts
Pure.
Source: GitHub, "Workflow commands" (escapes as its toolkit has them); GitLab, "Custom collapsible sections";
        Buildkite, "Managing log output"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from stackyard.report.text import cleaned

System = Literal["github", "gitlab", "buildkite"]

_COMMAND = re.compile(r"^(\s*)(::|---|\+\+\+|~~~|\^\^\^)")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def system_of(environ: Mapping[str, str]) -> System | None:
    """Which CI this is, by the variable that each sets; None for others."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    if environ.get("BUILDKITE") == "true":
        return "buildkite"
    return "gitlab" if environ.get("GITLAB_CI") else None


def disarmed(text: str) -> str:
    """Lines of which none is a command to any of these systems; the rest as it was.

    GitHub takes `::` at the start of a line, whatever blanks stand before it, and `##[` anywhere;
    a carriage return ends a line there, too.

    >>> disarmed("  ::add-mask::a") == "  " + chr(92) + "::add-mask::a"
    True
    """
    lines = (_COMMAND.sub(r"\1\\\2", line) for line in text.replace("##[", "##\\[").replace("\r", "\\r").split("\n"))
    return "\n".join(lines)


def quoted(line: str) -> str:
    """A line that some program wrote, as a line that commands nothing: no cursor, no colours, no sections."""
    return disarmed(cleaned(line))


def fold(
    system: System, title: str, lines: Iterable[str], key: str, began: str, ended: str, is_open: bool = False
) -> str:
    """Lines under a title that opens them; on Buildkite a fold lasts until the next one.

    Args:
        key: names the fold among others of the run.
        began, ended: UTC, ISO 8601.
        is_open: not folded, where the system can have it so.
    """
    title, body = quoted(title), "".join(f"  {quoted(line)}\n" for line in lines)
    if system == "github":
        return f"::group::{_data(title)}\n{body}::endgroup::\n"
    if system == "buildkite":
        return f"{'+++' if is_open else '---'} {title}\n{body}"
    name = _UNSAFE.sub("_", key)
    begin = f"\x1b[0Ksection_start:{_epoch(began)}:{name}[collapsed=true]\r\x1b[0K{title}\n"
    return f"{begin}{body}\x1b[0Ksection_end:{_epoch(ended)}:{name}\r\x1b[0K\n"


def annotation(title: str, text: str, path: str | None, line: int | None) -> str:
    """A GitHub command that shows an error beside a file's line; a text may have several lines."""
    given = {"file": path, "line": line and str(line), "title": title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in given.items() if value)
    return f"::error {properties}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("##[", "##\\[").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _epoch(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())
