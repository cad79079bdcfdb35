# SPDX-License-Identifier: MIT
"""Findings as other programs show them beside the line: SARIF for GitHub, code quality for GitLab.

In:   findings, in order
Out:  JSON data
Pure.

Source: SARIF 2.1.0 (OASIS), as GitHub's code scanning takes it: a rule per code, a URI relative to the
root of the repository, lines from 1, and a fingerprint by which a finding is known again.
GitLab's code quality: a list of objects with description, check_name, fingerprint, severity, location.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from stackyard.model import canonical
from stackyard.model.stack import Finding

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
SARIF_LEVELS = {"error": "error", "warning": "warning", "notice": "note"}
GITLAB_SEVERITIES = {"error": "critical", "warning": "minor", "notice": "info"}


def sarif_data(findings: Sequence[Finding], version: str, below: str = "") -> dict[str, Any]:
    """One SARIF run.

    Args:
        version: Stackyard's own.
        below: where the stack lies in its repository; empty for its top.
    """
    codes = list(dict.fromkeys(finding.code for finding in findings))
    levels = {finding.code: finding.level for finding in findings}
    rules = [
        {
            "id": code,
            "name": "".join(part.capitalize() for part in code.split("-")),
            "shortDescription": {"text": code.replace("-", " ")},
            "defaultConfiguration": {"level": SARIF_LEVELS[levels[code]]},
        }
        for code in codes
    ]
    driver = {"name": "Stackyard", "semanticVersion": version, "rules": rules}
    results = [
        _result(finding, codes.index(finding.code), mark, below)
        for finding, mark in zip(findings, _marks(findings), strict=True)
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, rule: int, mark: str, below: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(_path(finding, below))}}
    if finding.line is not None:
        place["region"] = {"startLine": finding.line}
        if finding.column is not None:
            place["region"]["startColumn"] = finding.column
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": SARIF_LEVELS[finding.level],
        "message": {"text": _text(finding)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"stackyard/v1": mark},
        "properties": {"found": finding.found, "wanted": finding.wanted},
    }


def gitlab_data(findings: Sequence[Finding], below: str = "") -> list[dict[str, Any]]:
    """GitLab's code quality report; `below` as for SARIF."""
    return [
        {
            "description": _text(finding),
            "check_name": finding.code,
            "fingerprint": mark,
            "severity": GITLAB_SEVERITIES[finding.level],
            "location": {"path": _path(finding, below), "lines": {"begin": finding.line or 1}},
        }
        for finding, mark in zip(findings, _marks(findings), strict=True)
    ]


def _uri(path: str) -> str:
    """A path as part of a URI (RFC 3986)."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in path.encode())


def _path(finding: Finding, below: str) -> str:
    return posixpath.normpath(posixpath.join(below, finding.path))


def _text(finding: Finding) -> str:
    return f"{finding.sentence} (hint: {finding.hint})" if finding.hint else finding.sentence


def _marks(findings: Sequence[Finding]) -> list[str]:
    """What a finding is known by when lines move: code, file, sentence, and which of several equal ones."""
    seen: dict[tuple[str, str, str], int] = {}
    marks = []
    for finding in findings:
        key = (finding.code, finding.path, finding.sentence)
        seen[key] = seen.get(key, 0) + 1
        marks.append(canonical.digest([*key, seen[key]]).hex)
    return marks
