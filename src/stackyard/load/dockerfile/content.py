# SPDX-License-Identifier: MIT
"""Which build arguments of a Dockerfile can become content, whatever way they take.

In:   a Dockerfile, the names through which it says which parent to take, what parents do on build
Out:  names of arguments
Pure. Why: docs/explanation/fingerprints.md

Never too few: a name counts that some stage declares, or an ONBUILD of what a stage is built on; that
the platform of a FROM is made from; and that the default of such a one is made from before the first
FROM. What names a parent says which one, and counts only where a stage declares and reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stackyard.model.dockerfile import Body, Dockerfile

_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


def variables_of(text: str) -> frozenset[str]:
    """Names of all variables in a text; one that is escaped is among them."""
    return frozenset(_VARIABLE.findall(text)) if "$" in text else frozenset()


def content_args(dockerfile: Dockerfile, naming: frozenset[str], triggers: Iterable[Body]) -> frozenset[str]:
    """Names of the arguments whose values can become content.

    Args:
        naming: variables in the texts that name a parent.
        triggers: `ONBUILD` of the parents.
    """
    naming = with_origins(dockerfile, naming)
    names = {arg.name for body in triggers for arg in body.args}
    for stage in dockerfile.stages:
        names |= variables_of(stage.platform or "")
    names |= {name for name in _declared(dockerfile) if name not in naming or read_after_from(dockerfile, name)}
    return with_origins(dockerfile, names)


def with_origins(dockerfile: Dockerfile, names: Iterable[str]) -> frozenset[str]:
    """The names, and those that their defaults before the first FROM are made from."""
    defaults = {arg.name: arg.default or "" for arg in dockerfile.args}
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += variables_of(defaults.get(name, ""))
    return frozenset(found)


def declared_at(dockerfile: Dockerfile, name: str) -> int | None:
    """The first line after FROM on which a stage declares `name`; None where none does."""
    return min((line for found, line in _lines(dockerfile) if found == name), default=None)


def read_after_from(dockerfile: Dockerfile, name: str) -> bool:
    """Whether some instruction of a stage can see `name`: it names it, or is a RUN, which has all of them."""
    first = declared_at(dockerfile, name)
    if first is None:
        return False
    froms = {stage.base.line for stage in dockerfile.stages}
    named = (each.line for each in dockerfile.mentions if each.name == name and each.line not in froms)
    return any(line >= first for line in (*dockerfile.runs, *named))


def _declared(dockerfile: Dockerfile) -> frozenset[str]:
    return frozenset(name for name, _ in _lines(dockerfile))


def _lines(dockerfile: Dockerfile) -> Iterator[tuple[str, int]]:
    """Names that stages declare, with the line; what the last one does on build is its children's affair."""
    for number, stage in enumerate(dockerfile.stages, 1):
        on_build = stage.triggers.args if number < len(dockerfile.stages) else ()
        for arg in (*stage.args, *on_build):
            yield arg.name, arg.line
