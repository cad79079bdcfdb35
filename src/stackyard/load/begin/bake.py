# SPDX-License-Identifier: MIT
"""Bake files: which targets are built, from what, and what their images are called.

In:   the file's bytes, JSON or HCL
Out:  Builds, and notes on what cannot be taken over
Raises: FileProblem for what cannot be read

Variables have their defaults. Targets that no group names and that others inherit are patterns, not images.
Beside: hcl, which reads the other spelling into the same mappings
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stackyard.errors import FileProblem
from stackyard.load.begin.compose import UNKNOWN, context_of, kept_arguments, repository_of, why_left_out
from stackyard.load.begin.hcl import read_hcl
from stackyard.model.proposal import Build

_VARIABLE = re.compile(r"\$\{\s*(\w+)\s*\}|\$\{[^}]*\}")


def read_bake(data: bytes, path: str, base: str) -> tuple[list[Build], list[str]]:
    """Builds of one file, in its order.

    Args:
        base: the folder that build contexts are relative to, relative to the root: where bake is run.
    """
    whole = _json(data, path) if path.endswith(".json") else read_hcl(data, path)
    defaults = {name: _default(entry) for name, entry in _mapping(whole.get("variable")).items()}
    targets = {name: _mapping(entry) for name, entry in _mapping(whole.get("target")).items()}
    notes: list[str] = []
    builds: list[Build] = []
    for name in _wanted(whole, targets):
        target = _inherited(name, targets, {})
        where = f"{path}: target {name!r}"
        if "matrix" in target:
            notes.append(f"{where} has a matrix: its images have to be listed by hand")
        else:
            builds += _build(name, target, defaults, base, path, where, notes)
    return builds, notes


def _json(data: bytes, path: str) -> dict[str, Any]:
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise FileProblem(path, line, f"not valid JSON: {getattr(error, 'msg', 'too deeply nested')}") from None
    return _mapping(whole)


def _wanted(whole: Mapping[str, Any], targets: Mapping[str, Any]) -> list[str]:
    """Targets that are images: those in groups, and those that nothing inherits."""
    groups = {name: _texts(_mapping(entry).get("targets")) for name, entry in _mapping(whole.get("group")).items()}
    grouped = {name for names in groups.values() for name in names}
    patterns = {name for target in targets.values() for name in _texts(target.get("inherits"))}
    return [name for name in targets if name in grouped or (name not in patterns and not name.startswith("_"))]


def _inherited(name: str, targets: Mapping[str, Mapping[str, Any]], done: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A target with what it inherits; the later of several wins, and it itself over all. Rings end where they began."""
    if name in done:
        return done[name]
    merged = done[name] = {}
    own = targets.get(name, {})
    for layer in [*(_inherited(other, targets, done) for other in _texts(own.get("inherits"))), own]:
        for key, value in layer.items():
            both = key in ("args", "contexts") and isinstance(value, Mapping)
            merged[key] = {**_mapping(merged.get(key)), **value} if both else value
    return merged


def _build(
    name: str,
    target: Mapping[str, Any],
    defaults: Mapping[str, str],
    base: str,
    path: str,
    where: str,
    notes: list[str],
) -> Iterator[Build]:
    def text(value: Any) -> str:
        return _filled(value, defaults) if isinstance(value, str) else UNKNOWN

    if "dockerfile-inline" in target:
        notes.append(f"{where} has its Dockerfile inline: give it a file of its own")
        return
    folder, file = text(target.get("context", ".")), text(target.get("dockerfile", "Dockerfile"))
    context = context_of(folder, base)
    if context is None or UNKNOWN in file:
        notes.append(f"{where} {why_left_out(folder, file)}")
        return
    names = [repository_of(text(tag)) for tag in _texts(target.get("tags"))]
    args = ((key, None if value is None else text(value)) for key, value in _mapping(target.get("args")).items())
    yield Build(
        source=path,
        name=name,
        dockerfile=posixpath.normpath(posixpath.join(context, file)),
        context=context,
        args=tuple(kept_arguments(args, where, notes)),
        repositories=tuple(dict.fromkeys(found for found in names if found)),
        is_published=any("." in found.partition("/")[0] for found in names if found),
        aliases=tuple(
            f"{alias}={value.removeprefix('target:')}"
            for alias, value in _mapping(target.get("contexts")).items()
            if isinstance(value, str) and value.startswith("target:")
        ),
        stage=text(target["target"]) if isinstance(target.get("target"), str) else None,
        platforms=tuple(_texts(target.get("platforms"))),
    )


def _default(entry: Any) -> str:
    value = _mapping(entry).get("default", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else UNKNOWN


def _filled(text: str, defaults: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        known = defaults.get(found[1] or "", UNKNOWN)
        return UNKNOWN if "${" in known else known

    return _VARIABLE.sub(value, text)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
