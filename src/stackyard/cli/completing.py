# SPDX-License-Identifier: MIT
"""What a shell offers: names of the stack that fit what was typed so far. Imported when a shell asks, and not before.

In:   click's context and the beginning of a word
Out:  words; none where there is no stack to ask
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackyard.cli.session import session_of
from stackyard.errors import StackyardError

if TYPE_CHECKING:
    from stackyard.verbs import Options


def _fitting(read: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    """What fits of that which a stack has; nothing where there is no stack to ask."""
    try:
        return [name for name in read() if name.startswith(incomplete)]
    except (StackyardError, OSError):
        return []


def images(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Images, versions and groups of the stack that are not on the command line yet."""
    given = ctx.params.get(param.name or "") or ()

    def read() -> Iterable[str]:
        from stackyard.verbs import words

        return words(*_where(ctx))

    return [name for name in _fitting(read, incomplete) if name not in given]


def parents(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Images alone: what another one can be built on."""

    def read() -> Iterable[str]:
        from stackyard.verbs import images

        return images(*_where(ctx))

    return _fitting(read, incomplete)


def _where(ctx: click.Context) -> tuple[Path, Options]:
    from pathlib import Path

    session = session_of(ctx)
    return Path(session.directory), session.options


def images_or_all(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Images, and the word for all of them."""
    return [*images(ctx, param, incomplete), *(["all"] if "all".startswith(incomplete) else [])]


def channels(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Channels that the records know."""

    def read() -> Iterable[str]:
        from stackyard.verbs.promotion import channels

        return channels(session_of(ctx).open_yard())

    return _fitting(read, incomplete)


def releases(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Releases that the records know."""

    def read() -> Iterable[str]:
        return (release.name for release in session_of(ctx).open_yard().records.releases())

    return _fitting(read, incomplete)


def names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Channels and releases."""
    return [*channels(ctx, param, incomplete), *releases(ctx, param, incomplete)]


def gates(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Reports and approvals that channels ask for."""

    def read() -> Iterable[str]:
        listed = session_of(ctx).open_yard().stack.gates
        return dict.fromkeys(gate.name for entry in listed for gate in entry.gates if gate.sort != "tests")

    return _fitting(read, incomplete)
