# SPDX-License-Identifier: MIT
"""`stackyard check` and `stackyard ls`: the stack's files, as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from stackyard import verbs
from stackyard.cli.common import bare_command, command, images_argument, json_option, option, shown, write, write_json
from stackyard.cli.session import EXIT_FAILED, session_of
from stackyard.errors import FileProblem
from stackyard.model.canonical import builtins
from stackyard.plan.selection import select
from stackyard.report.data import FORMAT, findings_data, stack_data
from stackyard.report.terminal import findings_text, stack_text

if TYPE_CHECKING:
    from stackyard.model.stack import Finding
    from stackyard.verbs import Yard

FORMATS = ("text", "json", "sarif", "gitlab")


@bare_command("stackyard check", "stackyard check --strict", "stackyard check --format sarif > findings.sarif")
@option("--strict", is_flag=True, help="Warnings are errors.")
@option("--fix", "is_fixing", is_flag=True, help="First mend what can be mended without a doubt, and say what.")
@option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    help="sarif is for GitHub's code scanning, gitlab for GitLab's code quality.",
)
@json_option
def check(strict: bool, is_fixing: bool, form: str, is_json: bool) -> int:
    """What is wrong with the stack's files: where, what, and what to do.

    Exit code 1 if there is an error (with --strict: or a warning), 2 if a file cannot be read at all.
    """
    session = session_of(click.get_current_context())
    below, fixed, code = "", [], 0
    try:
        yard = session.open_yard(needs_history=False)
        findings = verbs.check(yard)
        if is_fixing and (fixed := verbs.fix(yard, findings)):
            findings = verbs.check(session.open_yard(needs_history=False))
        below = verbs.path_in_repository(yard)
    except FileProblem as problem:
        findings, code = (verbs.unreadable(problem),), problem.exit_code
    if strict:
        findings = verbs.strict(findings)
    if is_json or form == "json":
        write_json({"format": FORMAT, "fixed": builtins(fixed), "findings": findings_data(findings)})
    elif form == "text":
        for each in fixed:
            write(f"fixed: {each} [{each.code}]")
        shown(findings_text, findings)
    else:
        _report(form, findings, below)
    return code or (EXIT_FAILED if any(finding.level == "error" for finding in findings) else 0)


def _report(form: str, findings: Sequence[Finding], below: str) -> None:
    """A report for another program on stdout."""
    from stackyard import __version__
    from stackyard.report.findings import gitlab_data, sarif_data

    write_json(sarif_data(findings, __version__, below) if form == "sarif" else gitlab_data(findings, below))


@command(
    "stackyard ls",
    "stackyard ls '*/3.12'",
    "stackyard ls --json | jq -r '.targets[].repository'",
    needs_history=False,
)
@images_argument
@json_option
def ls(yard: Yard, images: tuple[str, ...], is_json: bool) -> None:
    """The images of the stack, where they are published, and what they build on."""
    chosen = select(yard.stack, images)
    stack = msgspec.structs.replace(
        yard.stack, targets=tuple(target for target in yard.stack.targets if target.name in chosen)
    )
    if is_json:
        write_json(stack_data(stack))
    else:
        shown(stack_text, stack)
