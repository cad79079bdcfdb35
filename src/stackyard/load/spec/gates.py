# SPDX-License-Identifier: MIT
"""`channels:` of a spec: what each channel asks for before it moves.

In:   the mapping; what refuses a text that can be no tag; names of images and groups
Out:  ChannelGates, in file order; findings are kept by the reader
Rules: docs/how-to/guard-a-channel.md
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import get_args

from stackyard.errors import InvalidValue
from stackyard.load.spec import schema
from stackyard.load.spec.collect import Collector, meant
from stackyard.load.spec.kinds import known
from stackyard.load.yaml import Doc
from stackyard.model.details import SuiteKind
from stackyard.model.gates import ChannelGates, Gate, GateName, GateSort
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding

CHANNEL_KEYS = known(schema.CHANNEL)
_SORTS: dict[str, GateSort] = {"tests": "tests", "reports": "report", "approvals": "approval"}
_KINDS: tuple[str, ...] = get_args(SuiteKind)
_FOLDERS = {
    "test": "basic",
    "tests": "basic",
    "basic_tests": "basic",
    "integration_tests": "integration",
    "workflow_tests": "workflow",
}
"""What people call tests by their folders, and by the keys of older files."""


def gates_in(
    doc: Doc, reader: Collector, rendered: Callable[[str], object], known: Collection[str]
) -> tuple[ChannelGates, ...]:
    """What the channels ask for; one whose name can be no tag, and a gate that nobody could pass, are errors."""
    found: list[ChannelGates] = []
    sorts: dict[str, GateSort] = dict.fromkeys(_KINDS, "tests")
    for channel, entry in reader.mapping(doc, "`channels`").items():
        where = f"channel {channel!r}"
        try:
            rendered(channel)
        except InvalidValue as problem:
            reader.findings.append(_wrong(doc.at(channel), f"{where}: {problem}", problem.hint, channel))
            continue
        values = reader.mapping(entry, where)
        reader.unknown_keys(entry, CHANNEL_KEYS, where)
        gates: list[Gate] = []
        for key, sort in _SORTS.items():
            for name, spot, words in _listed(values.get(key), reader, f"`{key}` of {where}"):
                if (problem_of := _problem(name, sort, sorts)) is not None:
                    sentence, hint = problem_of
                    reader.findings.append(_wrong(spot, f"`{key}` of {where}: {sentence}", hint, name))
                    continue
                sorts[name] = sort
                gates.append(Gate(name, sort, tuple(word for word, _ in words)))
                reader.unknown_members(words, known, f"gate {name!r}", "no image and no group")
        found.append(ChannelGates(channel, tuple(gates)))
    return tuple(found)


def _listed(doc: Doc | None, reader: Collector, what: str) -> Iterator[tuple[str, Spot, list[tuple[str, Spot]]]]:
    """Each name with its place, and the words that choose its images; a list has none."""
    if doc is not None and isinstance(doc.value, dict):
        for name, words in reader.mapping(doc, what).items():
            yield name, doc.at(name), reader.texts(words, f"`{name}` in {what}")
    else:
        for name, spot in reader.texts(doc, what):
            yield name, spot, []


def _problem(name: str, sort: GateSort, sorts: dict[str, GateSort]) -> tuple[str, str | None] | None:
    """Why there can be no gate of this name, and what to write."""
    if sort == "tests":
        if name in _KINDS:
            return None
        hint = f"did you mean {_FOLDERS[name]!r}?" if name in _FOLDERS else meant(name, _KINDS)
        listed = ", ".join(_KINDS)
        return f"there are no tests of the kind {name!r}", hint or f"it is one of {listed}"
    if not GateName.form.fullmatch(name):
        return f"{name!r} is not a valid name of a gate", GateName.hint
    if sorts.get(name, sort) != sort:
        other = {"tests": "a kind of tests", "report": "a report", "approval": "an approval"}[sorts[name]]
        return f"{name!r} is the name of {other}, too", "give each gate a name of its own"
    return None


def _wrong(spot: Spot, sentence: str, hint: str | None, found: str) -> Finding:
    return Finding("wrong-value", "error", sentence, *spot, hint=hint, found=found, wanted=hint)
