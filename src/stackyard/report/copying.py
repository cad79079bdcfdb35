# SPDX-License-Identifier: MIT
"""What is copied to another registry, as people and programs read it.

In: values. Out: text, plain data. Pure.
"""

from __future__ import annotations

from typing import Any

from stackyard.model.elsewhere import Copying, Travelled
from stackyard.model.moves import TagMove
from stackyard.model.reference import Repository
from stackyard.report.data import FORMAT, moves_data
from stackyard.report.text import Style, count_text, size_text, table


def copying_text(copying: Copying, style: Style, width: int) -> str:
    """Each image, where it goes, and what happens to each tag there."""
    by_place: dict[Repository, list[TagMove]] = {}
    for move in copying.moves.moves:
        by_place.setdefault(move.repository, []).append(move)
    rows = [
        (
            style(str(each.target), "bold"),
            each.source.digest.short,
            str(each.to),
            ", ".join(_tag(move, style) for move in by_place[each.to] if move.target == each.target),
        )
        for each in copying.images
    ]
    head = f"Copy {style(copying.asked, 'bold')} to {style(copying.place.name, 'bold')}"
    return "\n".join([head, "", table(rows, ("image", "digest", "to", "tags"), style, width)])


def _tag(move: TagMove, style: Style) -> str:
    if move.was == move.now:
        return f"{move.tag} {style('(is there)', 'dim')}"
    return str(move.tag) if move.was is None else f"{move.tag} (was {move.was.short})"


def copied_text(copying: Copying, travelled: Travelled, style: Style, width: int) -> str:  # noqa: ARG001 - as others
    """What went, and how."""
    tags = count_text(len(copying.moves.changes), "tag")
    said = f"{count_text(len(copying.images), 'image')} in {copying.place.name}, {tags} moved."
    if not travelled.manifests:
        return f"{said} Nothing had to travel."
    sent = f"{travelled.sent} sent ({size_text(travelled.sent_bytes)})"
    return f"{said} Blobs: {sent}, {travelled.mounted} taken over within the registry, {travelled.there} there already."


def copying_data(copying: Copying, travelled: Travelled | None) -> dict[str, Any]:
    """A copy, planned or made."""
    return {
        "format": FORMAT,
        "to": copying.place.name,
        "registry": copying.place.registry,
        "images": [
            {
                "target": str(each.target),
                "source": str(each.source),
                "to": str(each.to),
                "content_tag": str(each.content_tag),
            }
            for each in copying.images
        ],
        "tags": moves_data(copying.moves),
        "travelled": travelled
        and {
            "there": travelled.there,
            "mounted": travelled.mounted,
            "sent": travelled.sent,
            "sent_bytes": travelled.sent_bytes,
            "manifests": travelled.manifests,
        },
    }
