# SPDX-License-Identifier: MIT
"""The keys of `checks`, by the one that says what an entry is: a part of the table in load/spec/schema.

In:   nothing
Out:  CHECKS, CHECK_IMAGE, CHECK_SIZE, CHECKS_LIST
Pure.
"""

from __future__ import annotations

from typing import get_args

from stackyard.load.spec.kinds import (
    ARGS,
    COMMAND_WORDS,
    FLAG,
    FULL_TEXT,
    SCALAR,
    SOME_NAMES,
    TEXT,
    TEXT_OR_LIST,
    Key,
    Kind,
    Schema,
    any_of,
    object_of,
)
from stackyard.model.checks import GenericName

_SIZE = Kind("a size, as `2.5GB`", SCALAR)
_ONE = Kind("text or list", SOME_NAMES)
_CHECK_NAME = Key(("name",), TEXT, "what it looks at", "what the check is called in results")
CHECK_IMAGE = (
    Key(("env",), ARGS, "none", "variables that it sets; a value between slashes is a regular expression"),
    Key(("labels",), ARGS, "none", "the same of labels"),
    Key(("user",), FULL_TEXT, "any", "who its containers run as"),
    Key(("workdir",), FULL_TEXT, "any", "where they begin"),
    Key(("entrypoint",), TEXT_OR_LIST, "any", "exactly this"),
    Key(("cmd",), TEXT_OR_LIST, "any", "exactly this"),
    Key(("ports",), TEXT_OR_LIST, "none", "ports that it exposes"),
    Key(("volumes",), TEXT_OR_LIST, "none", "volumes that it declares"),
)
CHECK_SIZE = (
    Key(("most",), _SIZE, "none", "so large at most, as the engine counts"),
    Key(("growth",), Kind("percent, as `10%`", SCALAR), "none", "so much larger than in the last release at most"),
)
_GENERIC: Schema = {"enum": list(get_args(GenericName))}
_WRITABLE = (
    Key(("user",), TEXT, "the image's", "by whom, a name or `uid:gid`"),
    Key(("group",), TEXT, "none", "by whoever is in this group, and in no other"),
    _CHECK_NAME,
)
CHECKS: dict[str, tuple[Key, ...]] = {
    "command": (
        Key(
            ("command",),
            COMMAND_WORDS,
            "required",
            "what runs, without a shell and without the image's entrypoint",
            is_required=True,
        ),
        Key(("exit_code",), Kind("0 to 255", {"type": "integer"}), "0", "what it ends with"),
        Key(("output",), TEXT_OR_LIST, "none", "regular expressions that are found in what it prints"),
        Key(("not_output",), TEXT_OR_LIST, "none", "those that are not"),
        Key(("user",), TEXT, "the image's", "as whom it runs"),
        Key(("env",), ARGS, "none", "variables beside the image's"),
        _CHECK_NAME,
    ),
    "file": (
        Key(("file",), FULL_TEXT, "required", "an absolute path in the image, links not followed", is_required=True),
        Key(("exists",), FLAG, "true", "whether anything is there"),
        Key(("mode",), FULL_TEXT, "any", '`"0644"`, in quotes, or `-rw-r--r--`'),
        Key(("owner",), FULL_TEXT, "any", "`user`, `user:group`, `1000:100`"),
        Key(
            ("executable_by",),
            Kind("`owner`, `group`, `other` or `any`", {"enum": ["owner", "group", "other", "any"]}),
            "nobody",
            "who may run it",
        ),
        Key(("contains",), TEXT_OR_LIST, "none", "regular expressions that are found in it"),
        Key(("lacks",), TEXT_OR_LIST, "none", "those that are not"),
        _CHECK_NAME,
    ),
    "image": (
        Key(("image",), Kind("mapping", object_of(CHECK_IMAGE)), "required", "what it declares", is_required=True),
        _CHECK_NAME,
    ),
    "port": (
        Key(
            ("port",),
            Kind("1 to 65535", {"type": "integer"}),
            "required",
            "somebody listens there once the image is started as it declares",
            is_required=True,
        ),
        Key(("path",), TEXT, "none", "what is asked over HTTP"),
        Key(("status",), Kind("100 to 599", {"type": "integer"}), "any below 400", "what it answers with"),
        Key(("output",), TEXT_OR_LIST, "none", "regular expressions that are found in the answer"),
        Key(("within",), FULL_TEXT, "`30s`", "how long it may take to come up"),
        _CHECK_NAME,
    ),
    "size": (
        Key(
            ("size",),
            Kind("a size, or `{most, growth}`", any_of(SCALAR, object_of(CHECK_SIZE, may_be_empty=False))),
            "required",
            "how large the image may be",
            is_required=True,
        ),
        _CHECK_NAME,
    ),
    "writable": (
        Key(("writable",), TEXT_OR_LIST, "required", "paths that can be written", is_required=True),
        *_WRITABLE,
    ),
    "not_writable": (
        Key(("not_writable",), TEXT_OR_LIST, "required", "paths that cannot", is_required=True),
        *_WRITABLE,
    ),
    "structure_test": (
        Key(
            ("structure_test",),
            FULL_TEXT,
            "required",
            "a file of container-structure-test, relative to the root of the stack",
            is_required=True,
        ),
    ),
    "check": (
        Key(("check",), Kind("a name of the table above", _GENERIC), "required", "which", is_required=True),
        Key(("except",), TEXT_OR_LIST, "none", "packages, or paths with all below them, that it does not look at"),
    ),
}
"""What an entry of `checks` may say, by the key that says what it is."""
CHECKS_LIST = Kind(
    "list",
    {
        "type": ["array", "null"],
        "items": any_of(_GENERIC, *(object_of(keys, may_be_empty=False) for keys in CHECKS.values())),
    },
)
