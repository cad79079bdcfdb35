# SPDX-License-Identifier: MIT
"""What builds attest beside an image: `attestations:` of the spec. No input, and no part of what is in an image.

In:   what the spec says, whether an engine can
Out:  what the engine's client is told; what of it is off
Pure. Why: docs/explanation/choices.md
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from stackyard.model.plan import Note
from stackyard.model.reference import Reference

AttestationKind = Literal["provenance", "sbom"]

WHAT_CAN = "docker with the containerd image store and buildx makes them"


class Attesting(NamedTuple):
    """What a stack asks for."""

    provenance: bool = False
    scanner: Reference | None = None
    """The image that makes the SBOM, by digest; None: none is made."""

    @property
    def kinds(self) -> frozenset[AttestationKind]:
        """What it is that is asked for."""
        found: dict[AttestationKind, bool] = {"provenance": self.provenance, "sbom": self.scanner is not None}
        return frozenset(kind for kind, is_asked in found.items() if is_asked)

    @property
    def words(self) -> tuple[str, ...]:
        """The same as docker takes it.

        >>> Attesting(True).words
        ('type=provenance,mode=min',)
        """
        # The mode `max` has the values of build arguments in it.
        provenance = ("type=provenance,mode=min",) if self.provenance else ()
        return (*provenance, *((f"type=sbom,generator={self.scanner}",) if self.scanner else ()))


def told(kinds: frozenset[AttestationKind]) -> str:
    """In a sentence.

    >>> told(frozenset({"sbom", "provenance"}))
    'provenance and SBOM'
    """
    return " and ".join("SBOM" if kind == "sbom" else kind for kind in sorted(kinds))


def attesting_note(asked: Attesting, engine: str) -> Note:
    """That nothing of it is made here."""
    sentence = f"builds have no {told(asked.kinds)} here, and are not published without: {engine} makes none"
    return Note("attestations", sentence)
