# SPDX-License-Identifier: MIT
"""What keys of spec.yml are made from: a name, the form of a value in words and as a schema, a default, a meaning.

In:   nothing
Out:  Key, Kind, the usual forms
Pure. Beside: load/spec/schema and load/spec/lock_keys, the tables
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

OWN_KEYS = "^x-"

Schema = Mapping[str, Any]


class Kind(msgspec.Struct, frozen=True):
    """A form that a value may have: its words, and its schema."""

    words: str
    schema: Schema


class Key(msgspec.Struct, frozen=True):
    """One key, or several of one meaning."""

    names: tuple[str, ...]
    kind: Kind
    default: str
    meaning: str
    """One line of Markdown."""
    is_required: bool = False


def any_of(*schemas: Schema) -> Schema:
    """One of these."""
    return {"anyOf": list(schemas)}


def list_of(items: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": items}


def mapping_of(values: Schema) -> Schema:
    """These by names that are one's own; nothing is none."""
    return {"type": ["object", "null"], "additionalProperties": values}


SCALAR: Schema = {"type": ["string", "number", "boolean"]}
"""Text is read as it is written, so a number is as good."""
NAMED: Schema = {"type": ["string", "number", "boolean", "null"]}
SOME_NAMES: Schema = {"type": ["string", "number", "boolean", "array", "null"], "items": SCALAR}

TEXT = Kind("text", NAMED)
FULL_TEXT = Kind("text", SCALAR)
RECORD_PLACES = ("registry", "local")
RECORDS = Kind(
    "`registry`, `local`, or `{repository: NAME}`",
    any_of(
        {"enum": [*RECORD_PLACES, None]},
        {
            "type": "object",
            "properties": {"repository": {"type": "string"}},
            "required": ["repository"],
            "additionalProperties": False,
        },
    ),
)
INVENTORIES = Kind("`keep`, `attach` or `attach-by-tag`", {"enum": ["keep", "attach", "attach-by-tag", None]})
GRANULARITY = Kind("`folder` or `copied`", {"enum": ["folder", "copied", None]})
NETWORK = Kind("`default`, `none` or `host`", {"enum": ["default", "none", "host", None]})
FLAG = Kind("true or false", {"type": "boolean"})
NAMES = Kind("list", SOME_NAMES)
TEXT_OR_LIST = Kind("text or list", SOME_NAMES)
BRANCHES = Kind("text or list, or true or false", SOME_NAMES)
COMMAND_WORDS = Kind("text or list", any_of(SCALAR, list_of(SCALAR)))
ARGS = Kind("mapping", mapping_of(SCALAR))
AGE = Kind(
    "a number with `h`, `d` or `w`, or `never`",
    {"type": ["string", "null"], "pattern": r"^([1-9][0-9]{0,4}[hdw]|never)$"},
)

TIME = Kind(
    "a number with `s`, `m` or `h`, or `never`",
    {"type": ["string", "null"], "pattern": r"^([1-9][0-9]{0,4}[smh]|never)$"},
)
TIMES = Kind("0 to 9", {"type": "integer", "minimum": 0, "maximum": 9})


def known(keys: Sequence[Key]) -> Collection[str]:
    """The names that a reader knows, in the table's order; each key of a file is looked up among them."""
    return dict.fromkeys(name for key in keys for name in key.names)


def object_of(keys: Sequence[Key], *, may_be_empty: bool = True) -> Schema:
    """A mapping of these keys, and of keys of one's own."""
    required = [name for key in keys if key.is_required for name in key.names]
    return {
        "type": ["object", "null"] if may_be_empty else "object",
        "properties": {
            name: {"description": key.meaning.replace("`", ""), **key.kind.schema} for key in keys for name in key.names
        },
        "patternProperties": {OWN_KEYS: True},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
