# SPDX-License-Identifier: MIT
"""Releases, for people and as data.

In: values. Out: text or plain data. Pure. Reference: docs/reference/json.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackyard.model.release import Member, Release
from stackyard.report.data import FORMAT
from stackyard.report.text import Style, count_text, table, visible


def releases_text(releases: Sequence[Release], channels: Mapping[str, str], style: Style, width: int) -> str:
    """A line for each.

    Args:
        channels: the release that each channel stands at.
    """
    if not releases:
        return "No release yet: `stackyard promote` makes the first one."
    rows = [
        (
            style(release.name, "bold"),
            style(release.at.replace("T", " ").replace("Z", ""), "dim"),
            ", ".join(_standing(release, channels)),
            count_text(len(release.members), "image"),
            release.commit[:7],
            visible(release.by),
            visible(release.notes or release.source),
        )
        for release in releases
    ]
    heads = ("release", "when (UTC)", "channels", "images", "commit", "by", "notes, or what was promoted")
    return table(rows, heads, style, width, spare=("images", "by", "commit"))


def releases_data(releases: Sequence[Release], channels: Mapping[str, str]) -> dict[str, Any]:
    """Each with its members."""
    return {"format": FORMAT, "releases": [release_data(release, channels) for release in releases]}


def release_data(release: Release, channels: Mapping[str, str]) -> dict[str, Any]:
    """One release."""
    return {
        "release": str(release.name),
        "mark": release.mark,
        "at": release.at,
        "by": release.by,
        "place": release.place,
        "source": release.source,
        "commit": release.commit,
        "notes": release.notes,
        "channels": _standing(release, channels),
        "members": [_member(member) for member in release.members],
    }


def _standing(release: Release, channels: Mapping[str, str]) -> list[str]:
    return [name for name, standing in channels.items() if standing == release.name]


def _member(member: Member) -> dict[str, Any]:
    return {
        "target": str(member.target),
        "repository": str(member.repository),
        "digest": str(member.digest),
        "platforms": [str(platform) for platform in member.platforms],
        "content_tag": member.content_tag and str(member.content_tag),
        "tags": [str(tag) for tag in member.tags],
        "commit": member.commit,
        "record": member.record,
        "source_fingerprint": member.source and str(member.source),
        "build_fingerprint": member.build and str(member.build),
        "content": member.content and str(member.content),
        "parents": {str(name): str(digest) for name, digest in member.parents},
        "tests": [
            {"suite": t.suite, "at": t.at, "passed": t.passed, "total": t.total, "failed": t.failed}
            for t in member.tests
        ],
    }
