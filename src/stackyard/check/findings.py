# SPDX-License-Identifier: MIT
"""Findings of a whole stack: those that reading made, and those that only the whole shows. Pure."""

from __future__ import annotations

from stackyard.errors import FindingsProblem
from stackyard.model.stack import Finding, Stack

_ORDER = {"error": 0, "warning": 1, "notice": 2}


def findings_of(stack: Stack) -> tuple[Finding, ...]:
    """All findings, errors first, then by place."""
    found = [*stack.findings, *_duplicates(stack), *_untested(stack)]
    return tuple(sorted(found, key=lambda finding: (_ORDER[finding.level], finding.path, finding.line or 0)))


def refuse_errors(stack: Stack) -> None:
    """FindingsProblem if something in the stack's files makes a right plan impossible; warnings never do."""
    errors = [finding for finding in findings_of(stack) if finding.level == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more: `stackyard check` lists them)" if len(errors) > 1 else ""
        raise FindingsProblem(f"{errors[0]}{more}", hint=errors[0].hint, findings=tuple(errors))


def _duplicates(stack: Stack) -> list[Finding]:
    """Two images that would be published under one name."""
    seen: dict[str, str] = {}
    found = []
    for target in stack.targets:
        first = seen.setdefault(target.repository.canonical, target.image)
        if first != target.image:
            found.append(
                Finding(
                    "duplicate-repository",
                    "error",
                    f"images {first!r} and {target.image!r} are both published as {target.repository}",
                    target.context,
                    hint="give one of them another `image_name`",
                )
            )
    return found


def _untested(stack: Stack) -> list[Finding]:
    return [
        Finding(
            "not-tested",
            "notice",
            f"image {target.image!r} has no tests: it is published as it is built",
            target.context,
            hint=f"put pytest files into {target.context}/test",
        )
        for target in stack.targets
        if not any(suite.kind != "inventory" for suite in target.suites)
    ]
