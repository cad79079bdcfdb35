# SPDX-License-Identifier: MIT
"""What a Dockerfile says, as far as a stack needs to know: stages, references, arguments, copied paths.

Values only; `load/dockerfile.py` reads them from text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

SCRATCH = "scratch"


class Arg(msgspec.Struct, frozen=True):
    """One `ARG NAME[=default]`; `default` is raw, before variables are replaced."""

    name: str
    default: str | None
    line: int


class Use(msgspec.Struct, frozen=True):
    """A place that names an image or a stage: `FROM`, `COPY --from`, `RUN --mount=from`.

    `text` is raw; `resolved` in the file's owner replaces variables. The `# syntax=`
    line is a use too: its image translates the file.
    """

    how: Literal["from", "copy", "mount", "syntax"]
    text: str
    line: int


class Copied(msgspec.Struct, frozen=True):
    """Paths of the build context that an instruction reads, raw: `COPY a b* /x`, `RUN --mount=type=bind,source=a`."""

    how: Literal["copy", "add", "mount"]
    sources: tuple[str, ...]
    line: int


class Stage(msgspec.Struct, frozen=True):
    """One `FROM` and what follows it."""

    base: Use
    name: str | None
    platform: str | None
    args: tuple[Arg, ...]
    env: tuple[tuple[str, str], ...]
    uses: tuple[Use, ...]
    copies: tuple[Copied, ...]
    labels: tuple[str, ...]


class Dockerfile(msgspec.Struct, frozen=True):
    """All stages of one file, and the arguments that stand before the first `FROM`."""

    path: str
    args: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    syntax: Use | None = None
    escape: str = "\\"

    @property
    def declared_in_stages(self) -> frozenset[str]:
        """Arguments that some stage declares: their values can become content."""
        return frozenset(arg.name for stage in self.stages for arg in stage.args)

    @property
    def declared(self) -> frozenset[str]:
        """Every argument the file declares anywhere."""
        return self.declared_in_stages | {arg.name for arg in self.args}

    def external_uses(self, passed: Mapping[str, str]) -> tuple[tuple[Use, str], ...]:
        """Each use of an image that is not a stage of this file, with variables replaced.

        Args:
            passed: build arguments given by the caller; they win over defaults.

        Order of the file, duplicates kept; `scratch` and stage numbers are left out.
        """
        values = self.global_values(passed)
        names: set[str] = set()
        found: list[tuple[Use, str]] = []
        if self.syntax is not None:
            found.append((self.syntax, self.syntax.text))
        for number, stage in enumerate(self.stages):
            scope = dict(values)
            for use in (stage.base, *stage.uses):
                text = expand(use.text, scope, self.escape)
                if use.how == "from":
                    is_stage = text.lower() in names
                else:
                    is_stage = text.lower() in names or (text.isdigit() and int(text) < number)
                if not is_stage and text and text != SCRATCH:
                    found.append((use, text))
            if stage.name:
                names.add(stage.name.lower())
        return tuple(found)

    def global_values(self, passed: Mapping[str, str]) -> dict[str, str]:
        """Values of the arguments before the first `FROM`, passed ones winning over defaults."""
        values: dict[str, str] = {}
        for arg in self.args:
            if arg.name in passed:
                values[arg.name] = passed[arg.name]
            elif arg.default is not None:
                values[arg.name] = expand(arg.default, values, self.escape)
        return values


def expand(text: str, values: Mapping[str, str], escape: str = "\\") -> str:
    r"""Replace `$NAME`, `${NAME}`, `${NAME:-x}`, `${NAME:+x}` (and without the colon) in `text`.

    Unset names become empty, as in BuildKit. Quotes are removed the way the Dockerfile
    frontend's word processing does; an escaped dollar stays a dollar.

    >>> expand("${A:-1}-$B", {"B": "2"})
    '1-2'
    """
    out: list[str] = []
    quote = ""
    i = 0
    while i < len(text):
        char = text[i]
        if char == escape and i + 1 < len(text) and quote != "'":
            follower = text[i + 1]
            if not quote or follower in ('"', "$", escape):
                out.append(follower)
            else:
                out.append(char + follower)
            i += 2
        elif quote == "'":
            if char == "'":
                quote = ""
            else:
                out.append(char)
            i += 1
        elif char in "'\"" and (not quote or quote == char):
            quote = "" if quote else char
            i += 1
        elif char == "$" and i + 1 < len(text):
            value, i = _variable(text, i, values, escape)
            out.append(value)
        else:
            out.append(char)
            i += 1
    return "".join(out)


def _variable(text: str, start: int, values: Mapping[str, str], escape: str) -> tuple[str, int]:
    """Value of the variable at `start` (a dollar) and the index after it."""
    if text[start + 1] != "{":
        end = start + 1
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
        name = text[start + 1 : end]
        return (values.get(name, ""), end) if name else ("$", start + 1)
    end, depth = start + 2, 1
    while end < len(text) and depth:
        if text[end] == escape:
            end += 1
        elif text.startswith("${", end):
            depth += 1
            end += 1
        elif text[end] == "}":
            depth -= 1
        end += 1
    inner = text[start + 2 : end - 1]
    name_end = next((k for k, c in enumerate(inner) if not (c.isalnum() or c == "_")), len(inner))
    name, rest = inner[:name_end], inner[name_end:]
    value = values.get(name)
    if not rest:
        return value or "", end
    colon, operator, word = (True, rest[1:2], rest[2:]) if rest[0] == ":" else (False, rest[0], rest[1:])
    given = bool(value) if colon else value is not None
    if operator == "-":
        return (value or "") if given else expand(word, values, escape), end
    if operator == "+":
        return expand(word, values, escape) if given else "", end
    if operator == "?":
        return value or "", end
    return value or "", end
