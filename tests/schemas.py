# SPDX-License-Identifier: MIT
"""JSON Schema as another's library reads it.

Importing it compiles a grammar of IRIs, for a format that no schema of ours has, and takes each worker of the fast
suite most of a second: here it is imported without, and when a test first asks.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_GRAMMAR = "rfc3987_syntax"


def validator(schema: Mapping[str, Any], draft: str = "Draft202012Validator", **options: Any) -> Validator:
    """What says whether an object is as the schema says."""
    made: Validator = getattr(_library(), draft)(schema, **options)
    return made


def assert_is_schema(schema: Mapping[str, Any]) -> None:
    """It is one itself, by the standard's own."""
    _library().Draft202012Validator.check_schema(schema)


def _library() -> ModuleType:
    if sys.modules.keys().isdisjoint(("jsonschema", _GRAMMAR)):
        sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # as if it were not installed
        importlib.import_module("jsonschema")
        del sys.modules[_GRAMMAR]
    return importlib.import_module("jsonschema")
