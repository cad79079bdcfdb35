# SPDX-License-Identifier: MIT
"""`stackyard schema`: needs no stack."""

from __future__ import annotations

import click

from stackyard.cli.common import bare_command, write_json


@bare_command("stackyard schema > images/spec.schema.json", "stackyard schema plan > plan.schema.json")
@click.argument("what", type=click.Choice(["spec", "plan"]), default="spec", metavar="[spec|plan]")
def schema(what: str) -> None:
    """Print the JSON Schema of spec.yml, for editors, or of a plan's JSON, for programs that read it.

    In VS Code, and wherever the YAML language server is, a first line
    `# yaml-language-server: $schema=spec.schema.json` makes the editor complete keys, explain them
    and mark mistakes.
    """
    if what == "plan":
        from stackyard.report.schema import plan_schema

        write_json(plan_schema())
    else:
        from stackyard.verbs.start import spec_schema

        write_json(spec_schema())
