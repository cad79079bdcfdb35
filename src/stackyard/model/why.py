# SPDX-License-Identifier: MIT
"""The answer to "why": a target's reasons, what they are compared with, and the way up to where they come from."""

from __future__ import annotations

import msgspec

from stackyard.model.inputs import Inputs, Places
from stackyard.model.names import Digest, TargetName
from stackyard.model.plan import Action
from stackyard.model.reason import Reason


class Build(msgspec.Struct, frozen=True):
    """A build that is known."""

    record: str
    at: str
    run: int
    """0 for one that was made elsewhere, or adopted."""
    commit: str
    """Empty where files differed from it."""
    adopted: bool = False


class Link(msgspec.Struct, frozen=True):
    """A parent on the way up to the cause."""

    target: TargetName
    reasons: tuple[Reason, ...]
    """Why it is rebuilt, or was; empty for a build from the same inputs."""
    made: Build | None = None
    """The build that changed it; None where it is about to be built."""
    compared: Build | None = None


class Why(msgspec.Struct, frozen=True):
    """Why a target has the step that it has. Paths of files are relative to the stack's root."""

    target: TargetName
    action: Action
    reasons: tuple[Reason, ...]
    """The first difference first."""
    chain: tuple[Link, ...] = ()
    """The parent that it follows, that one's parent, and so on; the last is the cause."""
    compared: Build | None = None
    """The nearest build; for what needs no build, the one that it goes on from."""


class Argument(msgspec.Struct, frozen=True):
    """A build argument that is passed."""

    name: str
    value: str
    """Masked where it looks secret."""
    counts: bool
    """Whether some instruction can see it."""


class MadeFrom(msgspec.Struct, frozen=True):
    """Everything that goes into a target."""

    target: TargetName
    dockerfile: str
    """Empty for what only joins platforms."""
    """Its path."""
    context: str
    inputs: Inputs
    places: Places
    """Where its files lie."""
    args: tuple[Argument, ...]
    bases: tuple[tuple[str, Digest | None], ...]
    """Accepted digest of each; None where none was accepted yet."""
    downloads: tuple[tuple[str, Digest | None], ...]
    """As for bases: None where nobody could tell yet what an address gives."""
    parents: tuple[tuple[TargetName, Digest | None], ...]
    """Content digest of the build that the plan chose; None where it is to be built."""
    source: Digest
    build: Digest | None
