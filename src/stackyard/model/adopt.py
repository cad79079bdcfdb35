# SPDX-License-Identifier: MIT
"""What is published already and could count as known: one value per target, and why not.

Pure. Why: docs/how-to/adopt-what-is-published.md
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.names import Digest, TargetName
from stackyard.model.reference import Platform, Reference

AdoptState = Literal[
    "adopt", "known", "missing", "no name", "other platform", "other parent", "parent missing", "not checked"
]
"""`adopt` it would be · `known` a record has it already · `missing` the registry has no such tag · `no name` there is
no such tag to ask for · `other platform` not for this one · `other parent` its first layers are not the parent's ·
`parent missing` what it builds on cannot be adopted · `not checked` the registry did not answer."""


class AdoptedParent(msgspec.Struct, frozen=True):
    """A parent, and whether the image stands on what would be adopted of it."""

    target: TargetName
    is_below: bool | None
    """By its layers; None where layers do not tell: it is copied from, or one of both could not be read."""


class AdoptedBase(msgspec.Struct, frozen=True):
    """An external base: what it is taken to be from now on, and whether the image stands on that."""

    reference: str
    """Canonical."""
    digest: Digest
    is_below: bool | None
    """By its layers; None where they do not tell."""


TagKind = Literal["fixed", "moving", "channel"]
"""What the tag is under which an image was found: of the target's own templates, or of none of them."""


class Adoptable(msgspec.Struct, frozen=True):
    """One target."""

    target: TargetName
    state: AdoptState
    reference: Reference | None
    digest: Digest | None = None
    """What the tag points at."""
    platforms: tuple[Platform, ...] = ()
    parents: tuple[AdoptedParent, ...] = ()
    problem: str | None = None
    """Why not, where the state alone does not say it."""
    bases: tuple[AdoptedBase, ...] = ()
    """Those that are not accepted yet."""

    @property
    def is_good(self) -> bool:
        """Whether it is known once this is adopted."""
        return self.state in ("adopt", "known")


class Adoption(msgspec.Struct, frozen=True):
    """All targets that were asked for and what they build on, parents first."""

    stack: str
    commit: str
    """The files that the images are taken to be made from."""
    platform: Platform
    targets: tuple[Adoptable, ...]
    is_written: bool = False
    """Whether records were written of those that can be adopted."""
    problems: tuple[str, ...] = ()
    """What could not be written beside the images, and will be by a later run."""

    @property
    def new(self) -> tuple[Adoptable, ...]:
        """What there is to write records of."""
        return tuple(target for target in self.targets if target.state == "adopt")

    @property
    def is_good(self) -> bool:
        """Whether nothing is left out."""
        return all(target.is_good for target in self.targets)
