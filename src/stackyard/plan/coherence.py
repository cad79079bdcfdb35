# SPDX-License-Identifier: MIT
"""Whether the images of a set belong together: each stands on the parent that is in the set with it.

In:   what is promoted, what the channel holds beside it
Out:  nothing, or sentences about what is left behind
Raises: NothingToDo, naming both
Pure. Why: docs/explanation/promotion.md

Compared is the content that a record says its image was built on, not a digest: a parent that was rebuilt to the
same is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from stackyard.errors import NothingToDo
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Record


class Standing(NamedTuple):
    """An image of a target, and what is known of it."""

    digest: Digest
    record: Record | None

    @property
    def content(self) -> Digest | None:
        """What is in it, where a record says."""
        return self.record.built.content if self.record and self.record.built else None

    @property
    def parents(self) -> tuple[tuple[TargetName, Digest], ...]:
        """Content of each parent that it was built on, where a record says."""
        return self.record.built.parents if self.record and self.record.built else ()


def check_coherent(
    promoted: Mapping[TargetName, Standing],
    held: Callable[[TargetName], Standing | None],
    asked: str,
    channel: str,
) -> None:
    """Refuse a set in which an image stands on another parent than the one that readers of the channel get.

    Args:
        held: what the channel holds of a target that is not promoted now; None: nothing, which contradicts nobody.
    """
    for name, image in promoted.items():
        for parent, content in image.parents:
            beside = promoted.get(parent)
            other = beside or held(parent)
            if other is None or other.content == content:
                continue
            where = f"{asked} has {parent} at" if beside else f"{channel} holds {parent} at"
            raise NothingToDo(
                f"not promoting {name} {image.digest.short}: it was built on another {parent} (content "
                f"{content.short}), and {where} {other.digest.short} (content {_shown(other.content)})",
                hint=f"build {name} on that {parent}, then promote again"
                if beside
                else f"promote {parent} with it: leave out --image, or name it, too",
                target=str(name),
                parent=str(parent),
            )


def _shown(content: Digest | None) -> str:
    return content.short if content else "unknown"


def left_behind(
    promoted: Mapping[TargetName, Standing], held: Mapping[TargetName, Standing], channel: str
) -> tuple[str, ...]:
    """Sentences about images that stay in the channel, and stand on another build of what is promoted now.

    They are no reason to refuse: what may fail can be missing for weeks, and its parent has to be promoted.
    """
    return tuple(
        f"{name} stays in {channel} at {image.digest.short}, which was built on another {parent}"
        for name, image in held.items()
        if name not in promoted
        for parent, content in image.parents
        if parent in promoted and promoted[parent].content != content
    )
