# SPDX-License-Identifier: MIT
"""`stackyard schema`: needs no stack."""

from __future__ import annotations

from stackyard.cli.common import bare_command, write_json


@bare_command("stackyard schema > images/spec.schema.json")
def schema() -> None:
    """Print the JSON Schema of spec.yml, for editors.

    In VS Code, and wherever the YAML language server is, a first line
    `# yaml-language-server: $schema=spec.schema.json` makes the editor complete keys, explain them
    and mark mistakes.
    """
    from stackyard.verbs.start import spec_schema

    write_json(spec_schema())
