# SPDX-License-Identifier: MIT
"""Findings of a whole stack: those that reading made, and those that only the whole shows. Pure."""

from __future__ import annotations

from stackyard.errors import FindingsProblem, InvalidValue
from stackyard.model.names import TargetName
from stackyard.model.stack import Finding, Stack
from stackyard.model.tags import render, tags_of, values_of

_ORDER = {"error": 0, "warning": 1, "notice": 2}


def findings_of(stack: Stack) -> tuple[Finding, ...]:
    """All findings, errors first, then by place."""
    found = [*stack.findings, *_rings(stack), *_duplicates(stack), *_bad_tags(stack), *_untested(stack)]
    return tuple(sorted(found, key=lambda finding: (_ORDER[finding.level], finding.path, finding.line or 0)))


def refuse_errors(stack: Stack) -> None:
    """FindingsProblem if something in the stack's files makes a right plan impossible; warnings never do."""
    errors = [finding for finding in findings_of(stack) if finding.level == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more: `stackyard check` lists them)" if len(errors) > 1 else ""
        raise FindingsProblem(f"{errors[0]}{more}", hint=errors[0].hint, findings=tuple(errors))


def _rings(stack: Stack) -> list[Finding]:
    """Images that build on each other, each ring once."""
    left = {target.name: list(target.parent_names) for target in stack.targets}
    dockerfiles = {target.name: target.dockerfile for target in stack.targets}
    found = []
    while left := _standing(left):
        walk = [next(iter(left))]
        while walk[-1] not in walk[:-1]:
            walk.append(next(parent for parent in left[walk[-1]] if parent in left))
        ring = walk[walk.index(walk[-1]) :]
        found.append(
            Finding(
                "ring",
                "error",
                f"images build on each other in a ring: {' -> '.join(ring)}",
                dockerfiles[ring[0]],
                hint="one of them has to build on something else",
            )
        )
        for name in ring[1:]:
            del left[name]
    return found


def _standing(parents: dict[TargetName, list[TargetName]]) -> dict[TargetName, list[TargetName]]:
    """What is left once everything whose parents can be built is taken away: rings, and what builds on them."""
    left = dict(parents)
    while free := [name for name, needs in left.items() if not any(parent in left for parent in needs)]:
        for name in free:
            del left[name]
    return left


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


def _bad_tags(stack: Stack) -> list[Finding]:
    """Tags that this branch gives and no registry takes, or that are the stable channel's own."""
    found: dict[str, Finding] = {}
    branch = stack.revision.branch
    for target in stack.targets:
        try:
            _, moving = tags_of(target.templates, stack.revision, dict(target.variables))
            stable = render(stack.stable, values_of(stack.revision, dict(target.variables))) if stack.stable else None
        except InvalidValue as problem:
            sentence, hint = f"branch {branch!r} gives no tag: {problem}", problem.hint
        else:
            if stable not in moving:
                continue
            sentence = f"branch {branch!r} gives the tag {stable}, which is the stable channel's"
            hint = "build on a branch of another name: a channel is moved by `stackyard promote` alone"
        found.setdefault(sentence, Finding("bad-tag", "error", sentence, stack.images_folder, hint=hint))
    return list(found.values())


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
