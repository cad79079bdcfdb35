# SPDX-License-Identifier: MIT
"""The external bases of a stack: which there are, who stands on them, and what is known of each.

Pure.
Beside: accepted, which every plan reads
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.accepted import Acceptance
from stackyard.model.names import Digest, TargetName
from stackyard.model.reference import Reference
from stackyard.model.stack import Stack, Target

BaseUse = Literal["from", "copy", "mount", "syntax"]
"""What of a Dockerfile names it: FROM, `COPY --from`, `RUN --mount=from`, `# syntax=`."""

BaseState = Literal["current", "moved", "pinned", "gone", "new", "not checked"]
"""`current` accepted is what the registry has · `moved` it has another · `pinned` the reference says its digest ·
`gone` the registry has none of this name · `new` never accepted · `not checked` nobody could ask."""


class Place(msgspec.Struct, frozen=True):
    """Where a Dockerfile names a base."""

    how: BaseUse
    path: str
    line: int


class BaseOfStack(msgspec.Struct, frozen=True):
    """An external base, and who stands on it."""

    reference: Reference
    """As the first Dockerfile that names it writes it, variables replaced."""
    places: tuple[Place, ...]
    targets: tuple[TargetName, ...]

    @property
    def canonical(self) -> str:
        """What it is called in records."""
        return self.reference.canonical


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
    first: dict[str, Reference] = {}
    users: dict[str, dict[TargetName, None]] = {}
    places: dict[str, dict[Place, None]] = {}
    wanted = {base.canonical for target in stack.targets if target.name in targets for base in target.external}
    for target in stack.targets:
        for base in target.external:
            if base.canonical in wanted:
                first.setdefault(base.canonical, base)
                users.setdefault(base.canonical, {})[target.name] = None
                places.setdefault(base.canonical, {}).update(dict.fromkeys(places_of(stack, target, base)))
    return tuple(BaseOfStack(first[name], tuple(places[name]), tuple(users[name])) for name in first)


def places_of(stack: Stack, target: Target, base: Reference) -> tuple[Place, ...]:
    """Where a target's Dockerfile names an external base."""
    dockerfile = stack.dockerfiles.get(target.dockerfile)
    if dockerfile is None:
        return ()
    uses = dockerfile.external_uses(dict(target.args), target.inputs.platform)
    return tuple(Place(use.how, target.dockerfile, use.line) for use, text in uses if text == str(base))
