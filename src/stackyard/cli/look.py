# SPDX-License-Identifier: MIT
"""`stackyard check` and `stackyard ls`: the stack's files, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard import verbs
from stackyard.cli.common import EXIT_FAILED, command, json_option, option, shown, write_json
from stackyard.report.data import FORMAT, findings_data, stack_data
from stackyard.report.terminal import findings_text, stack_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard check", "stackyard check --strict")
@option("--strict", is_flag=True, help="Warnings are errors.")
@json_option
def check(yard: Yard, strict: bool, is_json: bool) -> int:
    """What is wrong with the stack's files: where, what, and what to do.

    Exit code 1 if there is an error (with --strict: or a warning).
    """
    findings = verbs.check(yard)
    if is_json:
        write_json({"format": FORMAT, "findings": findings_data(findings)})
    else:
        shown(findings_text, findings)
    bad = ("error", "warning") if strict else ("error",)
    return EXIT_FAILED if any(finding.level in bad for finding in findings) else 0


@command("stackyard ls", "stackyard ls --json | jq -r '.targets[].repository'")
@json_option
def ls(yard: Yard, is_json: bool) -> None:
    """The images of the stack, where they are published, and what they build on."""
    if is_json:
        write_json(stack_data(yard.stack))
    else:
        shown(stack_text, yard.stack)
