# SPDX-License-Identifier: MIT
"""The parts of a Dockerfile, as they are written: arguments, variables, uses of images, what is copied, stages.

Pure values. Beside: model/dockerfile (which evaluates them)
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Arg(msgspec.Struct, frozen=True):
    """One `ARG NAME[=default]`; `default` is raw, before variables are replaced."""

    name: str
    default: str | None
    line: int


class Env(msgspec.Struct, frozen=True):
    """One variable that `ENV` sets; `value` is raw, before variables are replaced."""

    name: str
    value: str
    line: int


class Use(msgspec.Struct, frozen=True):
    """A place that names an image or a stage: `FROM`, `COPY --from`, `RUN --mount=from`.

    `text` is raw; `Dockerfile.external_uses` replaces variables. The `# syntax=`
    line is a use too: its image translates the file.
    """

    how: Literal["from", "copy", "mount", "syntax"]
    text: str
    line: int

    @property
    def flag(self) -> str:
        """What stands before the text, as a person would say it."""
        return {"copy": "COPY --from", "mount": "RUN --mount=from", "syntax": "# syntax="}.get(self.how, "FROM")


class Copied(msgspec.Struct, frozen=True):
    """Paths of the build context that an instruction reads, raw: `COPY a b* /x`, `RUN --mount=type=bind,source=a`.

    Sources of ADD may turn out to be remote; heredocs are never among them.
    """

    how: Literal["copy", "add", "mount"]
    sources: tuple[str, ...]
    line: int
    exclude: tuple[str, ...] = ()
    """Patterns of `--exclude`, raw."""
    parents: bool = False
    """`--parents`: sources are patterns from the root of the build context, with `**`."""
    checksum: str = ""
    """Of `ADD --checksum`, raw."""


class CopiedPath(msgspec.Struct, frozen=True):
    """One source with variables replaced, relative to the build context's root: `.`, `src`, `a/*.txt`."""

    how: Literal["copy", "add", "mount"]
    path: str | None
    """None where it depends on a variable whose value is not known here: it may be anything."""
    line: int
    exclude: tuple[str, ...] = ()
    """Patterns relative to the source, or to `pivot` with `parents`."""
    parents: bool = False
    pivot: str = "."
    """With `parents`: the part of the path before `/./`."""


class Remote(msgspec.Struct, frozen=True):
    """A source of ADD that is fetched from somewhere; `text` has variables replaced where they are known."""

    text: str
    line: int
    is_pinned: bool
    """Whether a checksum or a commit id says what must come."""


class Mention(msgspec.Struct, frozen=True):
    """A place that names a variable: `$NAME` or `${NAME...}`, line and column from 1."""

    name: str
    line: int
    column: int
    how: Literal["engine", "shell", "guarded"]
    """Who replaces it; `guarded` where it may be empty, or comes from a place that is not looked into."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What instructions declare, use and read; the lines give their order."""

    args: tuple[Arg, ...] = ()
    env: tuple[Env, ...] = ()
    uses: tuple[Use, ...] = ()
    copies: tuple[Copied, ...] = ()
    labels: tuple[str, ...] = ()
    """Keys of labels, quotes taken away."""
    secrets: tuple[str, ...] = ()
    """Ids of secrets that RUN mounts, raw."""


class Stage(Body, frozen=True, kw_only=True):
    """One `FROM` and what follows it."""

    base: Use
    name: str | None = None
    """Lower case, as engines compare it."""
    platform: str | None = None
    triggers: Body = Body()
    """What `ONBUILD` says: acts in what is built on this stage."""
