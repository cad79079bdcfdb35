# SPDX-License-Identifier: MIT
"""The external bases of a stack, and what it downloads: which there are, who needs them, what is known of each.

Pure.
Beside: accepted, which every plan reads
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.accepted import Acceptance
from stackyard.model.downloads import Download
from stackyard.model.names import Digest, TargetName
from stackyard.model.reference import Reference
from stackyard.model.stack import Stack, Target

BaseUse = Literal["from", "copy", "mount", "syntax", "add"]
"""What of a Dockerfile names it: FROM, `COPY --from`, `RUN --mount=from`, `# syntax=`; for an address, ADD."""

BaseState = Literal["current", "moved", "pinned", "gone", "new", "not checked"]
"""`current` accepted is what the registry has, or the address gives · `moved` it has another · `pinned` the reference
says its digest · `gone` there is none of this name · `new` never accepted · `not checked` nobody could ask."""


class Place(msgspec.Struct, frozen=True):
    """Where a Dockerfile names a base."""

    how: BaseUse
    path: str
    line: int


class BaseOfStack(msgspec.Struct, frozen=True):
    """An external base or a download, and who needs it."""

    reference: Reference | Download
    """As the first Dockerfile that names it writes it, variables replaced."""
    places: tuple[Place, ...]
    targets: tuple[TargetName, ...]

    @property
    def canonical(self) -> str:
        """What it is called in records."""
        return self.reference.canonical

    @property
    def what(self) -> str:
        """The word for it."""
        return "download" if isinstance(self.reference, Download) else "base"

    @property
    def absence(self) -> str:
        """What to say where there is none."""
        return "nothing is there" if isinstance(self.reference, Download) else "its registry has none of this name"


class Base(msgspec.Struct, frozen=True):
    """An external base with all that is known of it now."""

    of: BaseOfStack
    state: BaseState
    accepted: Digest | None
    since: str | None
    """When it was accepted; None for one that is pinned, or new."""
    current: Digest | None
    """What the registry said, now or when it was last asked."""
    checked: str | None
    """When that was; None: never."""
    problem: str | None = None
    """Why nobody could be asked now."""
    history: tuple[Acceptance, ...] = ()
    """Newest first."""


def bases_of(stack: Stack, targets: frozenset[TargetName]) -> tuple[BaseOfStack, ...]:
    """The external bases of some targets, in file order; who else stands on them is named too."""
    first: dict[str, Reference | Download] = {}
    users: dict[str, dict[TargetName, None]] = {}
    places: dict[str, dict[Place, None]] = {}
    wanted = {base.canonical for target in stack.targets if target.name in targets for base in outside_of(target)}
    for target in stack.targets:
        for base in outside_of(target):
            if base.canonical in wanted:
                first.setdefault(base.canonical, base)
                users.setdefault(base.canonical, {})[target.name] = None
                places.setdefault(base.canonical, {}).update(dict.fromkeys(places_of(stack, target, base)))
    return tuple(BaseOfStack(first[name], tuple(places[name]), tuple(users[name])) for name in first)


def outside_of(target: Target) -> tuple[Reference | Download, ...]:
    """All that a target takes from elsewhere and that has an accepted digest: its bases, then its downloads."""
    return (*target.external, *map(Download, target.inputs.downloads))


def places_of(stack: Stack, target: Target, base: Reference | Download) -> tuple[Place, ...]:
    """Where a target's Dockerfile names an external base or a download."""
    dockerfile = stack.dockerfiles.get(target.dockerfile)
    if dockerfile is None:
        return ()
    if isinstance(base, Download):
        remotes = dockerfile.remotes(dict(target.args), target.inputs.platform)
        return tuple(Place("add", target.dockerfile, remote.line) for remote in remotes if remote.text == base)
    uses = dockerfile.external_uses(dict(target.args), target.inputs.platform)
    return tuple(Place(use.how, target.dockerfile, use.line) for use, text in uses if text == str(base))
