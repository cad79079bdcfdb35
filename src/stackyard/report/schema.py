# SPDX-License-Identifier: MIT
"""The JSON Schema of a plan's JSON, for programs that read it.

Out:  a schema (2020-12) of format 1, versioned by its `$id`
Pure. Beside: data.py, which writes what this describes; tests/unit/report/test_schema.py holds them together

New fields and new kinds of reasons may come within a format, so the schema takes what it does not know: it holds
a reader of today to nothing that a plan of tomorrow breaks.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from stackyard.model.details import SuiteKind
from stackyard.model.plan import Action
from stackyard.model.reason import Reason
from stackyard.report.data import FORMAT

Schema = dict[str, Any]

ADDRESS = "https://json-schema.org/draft/2020-12/schema"
_DIGEST = r"^sha256:[0-9a-f]{64}$"


def _text(meaning: str, **more: Any) -> Schema:
    return {"description": meaning, "type": "string", **more}


def _maybe(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _flag(meaning: str) -> Schema:
    return {"description": meaning, "type": "boolean"}


def _seconds(meaning: str) -> Schema:
    return {"description": meaning, "type": ["number", "null"], "minimum": 0}


def _object(properties: dict[str, Schema], optional: Sequence[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


STACK = _object(
    {
        "name": _text("`name` of spec.yml, else the name of the folder."),
        "commit": _text("The commit the files are at."),
        "branch": _maybe(_text("The branch; null on a detached checkout where CI says nothing.")),
        "pull_request": _maybe(_text("The number of the pull request that CI builds, or null.")),
        "base": _maybe(_text("The branch that it wants to go to, or null.")),
        "dirty": _flag("Whether files that images are made of differ from the commit; then no fixed tag names it."),
        "publishing": _flag("Whether the plan is for `--push`."),
        "checked": _flag("Whether the engine was asked; a plan of `stackyard plan` believes the records."),
        "has_work": _flag("Whether carrying it out would change anything."),
        "expected_s": _seconds(
            "Seconds the longest way from parent to child took last time, tests included; null where nothing is known."
        ),
        "expected_total_s": _seconds("Seconds all of it took last time, one after another, or null."),
    }
)
SINCE = _object(
    {
        "reference": _text("What `--since` named."),
        "commit": _text("The commit that the files are compared with; with three dots, the merge base."),
        "now": _maybe(_text("The commit that is compared with it; null for the files as they are.")),
    }
)
STEP = _object(
    {
        "target": _text("The image, or `image/version`; with `+linux/arm64` for one of several platforms."),
        "image": _text("The image's folder."),
        "version": _maybe(_text("The version; null for an image that has only one.")),
        "platforms": _list(
            _text("What the spec says it is for; several: it joins them. Absent where it says nothing.")
        ),
        "action": _text("What is done.", enum=list(typing.get_args(Action))),
        "repository": _text("Where the image is published."),
        "tags": _list(_text("Fixed tags first, then moving ones.")),
        "build_args": {
            "type": "object",
            "additionalProperties": _text(
                "Build arguments in the order they are passed; `(hidden)` for what looks secret."
            ),
        },
        "context": _text("The build context, relative to the stack's root."),
        "parents": _list(
            _object(
                {
                    "target": _text("An image of the stack that this one is built on."),
                    "reference": _text("What the Dockerfile calls it."),
                }
            )
        ),
        "bases": _list(
            _object(
                {
                    "reference": _text("An image from elsewhere, as the Dockerfile names it."),
                    "accepted": _maybe(_text("The digest it is taken to be; null while nobody has resolved it.")),
                }
            )
        ),
        "downloads": _list(
            _object(
                {
                    "address": _text("What `ADD` fetches without a checksum, variables replaced."),
                    "accepted": _maybe(_text("The digest of what it is taken to give; null while nobody could tell.")),
                }
            )
        ),
        "tests": _list(
            _object(
                {
                    "suite": _text("What must pass before it is published.", enum=list(typing.get_args(SuiteKind))),
                    "folders": _list(_text("Where its tests are, relative to the stack's root.")),
                }
            )
        ),
        "commands": _list(
            _object(
                {
                    "name": _text("A command of the inventory: its key in the spec."),
                    "description": _text("What it tells."),
                    "command": _text("What is run in a container of the image."),
                    "optional": _flag("Whether it may fail."),
                }
            )
        ),
        "reasons": _list({"description": "Why: a `kind`, and the facts of that kind.", "$ref": "#/$defs/reason"}),
        "source_fingerprint": _text("One digest over all that leads here, known offline.", pattern=_DIGEST),
        "build_fingerprint": _maybe(
            _text("What decides whether a build is known; null while a parent or a base is not.", pattern=_DIGEST)
        ),
        "record": _maybe(_text("Id of the record this step goes on from, or null.")),
        "expected_s": _seconds("Seconds the same took last time, or null: build and tests, tests alone, or the push."),
    },
    optional=("platforms",),
)
FINDING = _object(
    {
        "code": _text("A name that stays the same."),
        "level": _text("How bad it is.", enum=["error", "warning", "notice"]),
        "sentence": _text("What is wrong."),
        "path": _text("The file, relative to the stack's root."),
        "line": {"description": "From 1, or null.", "type": ["integer", "null"], "minimum": 1},
        "column": {"description": "From 1, or null.", "type": ["integer", "null"], "minimum": 1},
        "hint": _maybe(_text("What to do, or null.")),
        "found": _maybe(_text("What stands there, or null.")),
        "wanted": _maybe(_text("What should stand there, or null.")),
    }
)
NOTE = _object(
    {
        "kind": _text("What was decided; a name that stays the same, and more may come."),
        "sentence": _text("The decision and its cause."),
    }
)


def plan_schema() -> Schema:
    """The schema of what `stackyard plan --json` prints."""
    reasons = _reasons()
    unknown = {
        "description": "A kind that came later.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"type": "string", "not": {"enum": list(reasons)}}},
    }
    return {
        "$schema": ADDRESS,
        "$id": f"urn:stackyard:plan:{FORMAT}",
        "title": f"A plan of Stackyard, format {FORMAT}",
        "description": "What `stackyard plan --json` prints: every target of the stack has a step, parents first.",
        **_object(
            {
                "format": {"description": f"Version of this form: {FORMAT}.", "const": FORMAT},
                "stack": STACK,
                "since": _maybe(SINCE),
                "steps": _list(STEP),
                "findings": _list({"description": "As `stackyard check --json` has them.", "$ref": "#/$defs/finding"}),
                "notes": _list({"description": "What the stack's policy decided.", "$ref": "#/$defs/note"}),
            }
        ),
        "$defs": {"finding": FINDING, "note": NOTE, "reason": {"anyOf": [*reasons.values(), unknown]}},
    }


def _reasons() -> dict[str, Schema]:
    """Each kind of reason with its facts, as the types say."""
    found = {}
    for kind in typing.get_args(Reason):
        tag = str(kind.__struct_config__.tag)
        facts = {field.encode_name: _fact(field.type) for field in msgspec.structs.fields(kind)}
        meaning = " ".join((kind.__doc__ or "").split())
        found[tag] = {"description": meaning, **_object({"kind": {"const": tag}, **facts})}
    return found


def _fact(kind: Any) -> Schema:
    """The schema of one fact: texts of our own types are texts."""
    (made,), _ = msgspec.json.schema_components([kind], schema_hook=_named)
    return made


def _named(kind: type) -> Schema:
    if issubclass(kind, str):
        return {"type": "string"}
    raise TypeError(kind.__name__)


def fields_of(schema: Schema, above: str = "") -> Iterator[tuple[str, str]]:
    """Path and meaning of each field: `steps[].tags[]`, `steps[].build_args.*`."""
    if "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from fields_of(inner, f"{above}.{name}" if above else name)
    elif "items" in schema:
        yield from fields_of(schema["items"], f"{above}[]")
    elif "additionalProperties" in schema:
        yield from fields_of(schema["additionalProperties"], f"{above}.*")
    else:
        yield above, schema["description"]
