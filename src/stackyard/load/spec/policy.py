# SPDX-License-Identifier: MIT
"""What a spec says of runs: which publish, what words in commit messages do, on which branches everything counts.

In:   the top of spec.yml
Out:  SpecPolicy; with the stack's convention a Policy
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stackyard.load.spec import schema
from stackyard.load.spec.collect import Collector
from stackyard.load.spec.kinds import known
from stackyard.load.yaml import Doc
from stackyard.model.stack import Policy, Words

PUBLISH_KEYS = known(schema.PUBLISH)
WORDS_KEYS = known(schema.WORDS)
USUAL = Words(("full rebuild",), ("skip ci",), ("skip push",))
"""Words of the DataHub convention."""
WHOLE = ("main",)
"""Its branches on which every image is planned."""


class SpecPolicy(msgspec.Struct, frozen=True):
    """What the file says; None where it says nothing."""

    branches: tuple[str, ...] | None = None
    pull_requests: bool = False
    words: Words | None = None
    plan_all: tuple[str, ...] | None = None
    rebuild_all: tuple[str, ...] = ()


def policy_in(top: Mapping[str, Doc], reader: Collector) -> SpecPolicy:
    """`publish`, `words`, `plan_all` and `rebuild_all`; what is wrong with them is kept by the reader."""
    publish = reader.mapping(top.get("publish"), "`publish`")
    if publish:
        reader.unknown_keys(top["publish"], PUBLISH_KEYS, "`publish`")
    return SpecPolicy(
        branches=_branches(publish, "branches", reader, "publish.branches", every=None),
        pull_requests=reader.flag(publish, "pull_requests", "`publish`"),
        words=_words(top["words"], reader) if "words" in top else None,
        plan_all=_branches(top, "plan_all", reader),
        rebuild_all=_branches(top, "rebuild_all", reader) or (),
    )


def _words(doc: Doc, reader: Collector) -> Words:
    """True for the usual ones, false for none, or each action's own; an action that is not named keeps the usual."""
    if doc.tag == "bool":
        return USUAL if doc.flag("`words`") else Words()
    values = reader.mapping(doc, "`words`")
    reader.unknown_keys(doc, WORDS_KEYS, "`words`")
    own = {key: texts for key in WORDS_KEYS if (texts := _texts(values, key, reader, f"words.{key}")) is not None}
    return msgspec.structs.replace(USUAL, **own)


def _branches(
    values: Mapping[str, Doc],
    key: str,
    reader: Collector,
    what: str = "",
    every: tuple[str, ...] | None = ("*",),
) -> tuple[str, ...] | None:
    """Names of branches and patterns; true for `every` one, false for none."""
    if key in values and values[key].tag == "bool":
        return every if values[key].flag(f"`{what or key}`") else ()
    return _texts(values, key, reader, what)


def _texts(values: Mapping[str, Doc], key: str, reader: Collector, what: str = "") -> tuple[str, ...] | None:
    if key not in values:
        return None
    return tuple(text for text, _ in reader.texts(values[key], f"`{what or key}`"))


def settled(spec: SpecPolicy, is_datahub: bool) -> Policy:
    """The policy of a stack: what its file says, else what its convention does."""
    return Policy(
        branches=spec.branches,
        pull_requests=spec.pull_requests,
        words=spec.words if spec.words is not None else USUAL if is_datahub else Words(),
        plan_all=spec.plan_all if spec.plan_all is not None else WHOLE if is_datahub else (),
        rebuild_all=spec.rebuild_all,
    )
