# SPDX-License-Identifier: MIT
"""What of old images goes and what stays, as people and programs read it.

In: values. Out: text, plain data. Pure.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from stackyard.model.retention import Going, Pruning
from stackyard.report.data import FORMAT
from stackyard.report.text import Style, count_text, size_text, table

_PLACES = {"registry": "published images", "engine": "images in the engine"}


def pruning_text(pruning: Pruning, style: Style, width: int) -> str:
    """Each image that goes, what that frees, and why the others stay."""
    policy = pruning.policy
    releases = "all releases" if policy.releases is None else count_text(policy.releases, "release")
    kept = f"{count_text(policy.channels, 'set')} of each channel, {count_text(policy.days, 'day')}, {releases}"
    lines = [f"Old {_PLACES[pruning.place]}, beside what is in use: {kept} stay.", ""]
    if pruning.going:
        rows = [
            (
                style(str(each.image.target), "bold"),
                each.image.digest.short,
                each.at[:10],
                size_text(each.size_bytes),
                ", ".join(str(name.tag) for name in each.names),
            )
            for each in pruning.going
        ]
        lines += [table(rows, ("image", "digest", "from", "size", "tags"), style, width, spare=("tags",)), ""]
        of = " once the registry collects its garbage" if pruning.place == "registry" else ", shared layers included"
        lines.append(f"{count_text(len(pruning.going), 'image')} would go: {size_text(pruning.size_bytes)}{of}.")
    causes = Counter(each.why for each in pruning.kept)
    told = ", ".join(f"{count} {why}" for why, count in sorted(causes.items()))
    lines.append(f"{count_text(len(pruning.kept), 'image')} would stay{f': {told}' if told else ''}.")
    return "\n".join(lines)


def pruned_text(pruning: Pruning, style: Style, width: int) -> str:  # noqa: ARG001 - as all renderers
    """What went."""
    also = f", and {count_text(pruning.artifacts, 'record')} of them" if pruning.artifacts else ""
    return f"{count_text(len(pruning.going), 'image')} deleted{also}: {size_text(pruning.size_bytes)}."


def pruning_data(pruning: Pruning) -> dict[str, Any]:
    """A pruning, planned or done."""
    policy = pruning.policy
    return {
        "format": FORMAT,
        "place": pruning.place,
        "policy": {"channels": policy.channels, "days": policy.days, "releases": policy.releases},
        "done": pruning.is_done,
        "size_bytes": pruning.size_bytes,
        "artifacts": pruning.artifacts,
        "going": [_going(each) for each in pruning.going],
        "kept": [
            {
                "target": str(each.image.target),
                "image": f"{each.image.repository}@{each.image.digest}",
                "why": each.why,
                "detail": each.detail,
            }
            for each in pruning.kept
        ],
    }


def _going(each: Going) -> dict[str, Any]:
    return {
        "target": str(each.image.target),
        "image": f"{each.image.repository}@{each.image.digest}",
        "at": each.at,
        "size_bytes": each.size_bytes,
        "names": [str(name) for name in each.names],
        "manifests": [str(digest) for digest in each.manifests],
    }
