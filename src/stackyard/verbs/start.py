# SPDX-License-Identifier: MIT
"""What begins a stack or an image: the schema for editors, proposals of new files, and their writing.

In:   a folder, names
Out:  values for a preview; files, once someone agreed
Beside: verbs/__init__.py, which is imported for every command; this is not
"""

from __future__ import annotations

from typing import Any


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of spec.yml."""
    from stackyard.load.schema import json_schema

    return json_schema()
