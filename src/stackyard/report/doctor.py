# SPDX-License-Identifier: MIT
"""What is here and what can be done with it, as people and programs read it.

In: a Diagnosis. Out: text, plain data. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stackyard.model.canonical import builtins
from stackyard.model.surroundings import Diagnosis, FoundEngine, FoundRegistry, Surroundings
from stackyard.report.data import FORMAT
from stackyard.report.text import Style, table, visible, wrapped


def doctor_text(diagnosis: Diagnosis, style: Style, width: int) -> str:
    """A table of what was found, then what is on and off, with what to do."""
    rows = [(name, visible(value)) for name, value in _found(diagnosis.found)]
    lines = [table(rows, ("found", ""), style, width), ""]
    for each in diagnosis.capabilities:
        mark = style("on ", "green") if each.is_on else style("off", "yellow")
        first, *rest = wrapped(visible(each.sentence), max(width - 5, 20))
        lines += [f"{mark}  {first}", *(f"     {line}" for line in rest)]
        if each.hint:
            hint = wrapped(visible(each.hint), max(width - 11, 20))
            lines += [f"     {style('hint', 'dim')}: {hint[0]}", *(f"           {line}" for line in hint[1:])]
    if not diagnosis.can_build:
        lines += ["", "No image can be built here."]
    return "\n".join(lines)


def _found(found: Surroundings) -> Iterator[tuple[str, str]]:
    yield "stackyard", f"{found.stackyard}, Python {found.python}, {found.system}"
    yield "stack", found.stack or found.stack_problem or "none here"
    yield "git", found.git or "none"
    yield "pytest", found.pytest or "none"
    for engine in found.engines:
        yield engine.kind, _engine(engine)
    if found.podman:
        socket = found.podman_socket or "no socket"
        yield "podman", f"{found.podman}, {socket}"
    for registry in found.registries:
        yield "registry", _registry(registry)


def _engine(engine: FoundEngine) -> str:
    if not engine.client and not engine.version:
        return "none"
    parts = [f"client {engine.client}" if engine.client else "no client"]
    if engine.kind == "docker":
        parts.append(f"buildx {engine.buildx}" if engine.buildx else "no buildx")
        parts.append(f"engine {engine.version}" if engine.version else "no engine answers")
    elif engine.problem:
        parts.append("does not work here")
    if engine.store:
        parts.append(f"{engine.store} store")
    if engine.platform:
        parts.append(engine.platform)
    if engine.address:
        parts.append(f"{engine.address} ({engine.named_by})")
    return ", ".join(parts)


def _registry(registry: FoundRegistry) -> str:
    words = {"open": "asks for no login", "login": "logged in", "no login": "not logged in"}
    return f"{registry.host}: {words.get(registry.state, registry.state)}"


def doctor_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """The same for programs."""
    return {
        "format": FORMAT,
        "can_build": diagnosis.can_build,
        "found": builtins(diagnosis.found),
        "capabilities": [
            {"code": each.code, "on": each.is_on, "sentence": each.sentence, "hint": each.hint or None}
            for each in diagnosis.capabilities
        ],
    }
