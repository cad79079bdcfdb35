# SPDX-License-Identifier: MIT
"""An image whose inventory somebody asked for, and where it comes from."""

from __future__ import annotations

import msgspec

from stackyard.model.inventory import Inventory
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Record
from stackyard.model.reference import LocalImage, Repository


class Subject(msgspec.Struct, frozen=True):
    """One image that a name stands for."""

    name: str
    """As people call it: its target, or the reference that was asked for."""
    target: TargetName | None = None
    record: Record | None = None
    local: LocalImage | None = None
    """Its id in an engine."""
    repository: Repository | None = None
    digest: Digest | None = None
    """Of its manifest or index there."""

    @property
    def image(self) -> str:
        """By digest: where it is published, else in its engine."""
        if self.repository is not None and self.digest is not None:
            return f"{self.repository}@{self.digest}"
        return str(self.local.id) if self.local else ""

    @property
    def content(self) -> Digest | None:
        """What is in it, where its record says so."""
        return self.record.built.content if self.record and self.record.built else None


class Ancestor(msgspec.Struct, frozen=True):
    """What an image stands on, and how many of its layers that brought."""

    name: str
    """An image of the stack, or the reference of an external base."""
    digest: Digest
    """The content of an image of the stack; of an external base its accepted digest."""
    layers: int | None = None
    """None where nobody read it."""


class Inside(msgspec.Struct, frozen=True):
    """An image and what is inside it."""

    subject: Subject
    inventory: Inventory
    lineage: tuple[Ancestor, ...] = ()
    """The nearest first, an external base last."""
    dockerfile: str = ""
    """With every image in it by the digest that was used; empty where nobody can say it."""
