# SPDX-License-Identifier: MIT
"""What a name stands for and what holds an image, for people and as data.

In: values. Out: text or plain data. Pure. Reference: docs/reference/json.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stackyard.model.record import Approved, Reported, Tested
from stackyard.model.shown import Shown, ShownImage, Whereabouts
from stackyard.report.data import FORMAT, moves_data
from stackyard.report.gates import let_go_text
from stackyard.report.releases import release_data
from stackyard.report.text import Style, few, size_text, table, time_text, visible

_CHILDREN = 12
"""So many children are named; JSON has all."""


def shown_text(shown: Shown, style: Style, width: int) -> str:
    """What it is, then its images: a paragraph for each digest, else a table."""
    if shown.kind == "digest":
        return "\n\n".join("\n".join(_image(image, style)) for image in shown.images)
    rows = [
        (
            style(str(image.target), "bold"),
            image.digest.short,
            _commit(image)[:7],
            _tests(image),
            ", ".join(image.tags),
        )
        for image in shown.images
    ]
    heads = ("image", "is at", "commit", "tests", "tags")
    return "\n".join([*_head(shown, style), "", table(rows, heads, style, width, spare=("commit",))])


def _head(shown: Shown, style: Style) -> Iterator[str]:
    release, standing = shown.release, shown.standing
    if shown.kind == "tag":
        yield f"Tag {style(shown.name, 'bold')}"
    if standing is not None:
        verb = "rolled back to" if standing.kind == "rollback" else "promoted from"
        template = f" of {standing.channel}" if standing.channel != shown.name else ""
        when = f"{_when(standing.at, standing.by)}{let_go_text(standing)}"
        yield f"Channel {style(shown.name, 'bold')}{template}, {verb} {standing.source}{when}"
    if release is not None:
        notes = f": {visible(release.notes)}" if release.notes else ""
        commit = f" (commit {release.commit[:7]})" if release.commit else ""
        name, when = style(release.name, "bold"), _when(release.at, release.by)
        yield f"Release {name} of {release.source}{commit}{when}{notes}"
    if shown.kind == "release":
        yield f"Channels that stand at it: {', '.join(shown.channels) or 'none'}"


def _when(at: str, by: str) -> str:
    return f", on {at[:10]}{f' by {visible(by)}' if by else ''}"


def _image(image: ShownImage, style: Style) -> Iterator[str]:
    yield f"{style(str(image.target), 'bold')}  {image.repository}@{image.digest}"
    built = image.record.built if image.record else None
    facts: Mapping[str, str] = {
        "tags": ", ".join(image.tags),
        "built": f"{built.at.replace('T', ' ')[:16]} UTC, in {time_text(built.duration_s)}" if built else "no record",
        "commit": _commit(image) if built else "",
        "size": size_text(built.size_bytes) if built else "",
        "content": str(built.content) if built else "",
        "tests": _tests(image),
        "gates": "; ".join(_words(image)),
        "stands on": ", ".join(f"{name} (content {digest.short})" for name, digest in built.parents) if built else "",
        "bases": ", ".join(f"{name}@{digest.short}" for name, digest in built.bases) if built else "",
    }
    longest = max(map(len, facts))
    for name, fact in facts.items():
        if fact:
            yield f"  {style(name.ljust(longest), 'dim')}  {fact}"


def _commit(image: ShownImage) -> str:
    built = image.record.built if image.record else None
    return (built.commit or "files that differed from any") if built else ""


def _results(image: ShownImage) -> Sequence[Tested]:
    """The newest result of each kind."""
    facts = image.record.facts if image.record else ()
    return list({fact.suite: fact for fact in facts if isinstance(fact, Tested)}.values())


def _tests(image: ShownImage) -> str:
    return ", ".join(f"{each.suite} {'passed' if each.passed else 'failed'}" for each in _results(image))


def _words(image: ShownImage) -> list[str]:
    """What people brought to gates, in full."""
    facts = image.record.facts if image.record else ()
    return [visible(f"{fact.gate}: {fact}") for fact in facts if isinstance(fact, Reported | Approved)]


def where_text(places: Sequence[Whereabouts], style: Style, width: int) -> str:  # noqa: ARG001 - as all texts
    """A paragraph for each image."""
    paragraphs = []
    for each in places:
        lines = [f"{style(str(each.image.target), 'bold')}  {each.image.repository}@{each.image.digest}"]
        children = [f"{child.target} {child.digest.short}" for child in each.children]
        facts = {
            "tags": ", ".join(str(reference.tag) for reference in each.references),
            "kept by": ", ".join(tag for tag in each.image.tags if tag.startswith("sy-")),
            "releases": ", ".join(each.releases),
            "channels": ", ".join(each.channels),
            "children": few(children, _CHILDREN),
        }
        lines += [f"  {style(name.ljust(8), 'dim')}  {fact or 'none'}" for name, fact in facts.items()]
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def shown_data(shown: Shown) -> dict[str, Any]:
    """All of it."""
    standing = {} if shown.release is None else {shown.name: shown.release.name} if shown.standing else {}
    at = {**standing, **{name: shown.release.name for name in shown.channels if shown.release}}
    return {
        "format": FORMAT,
        "kind": shown.kind,
        "name": shown.name,
        "release": shown.release and release_data(shown.release, at),
        "standing": shown.standing and moves_data(shown.standing),
        "images": [_image_data(image) for image in shown.images],
    }


def where_data(places: Sequence[Whereabouts]) -> dict[str, Any]:
    """All of it."""
    return {
        "format": FORMAT,
        "images": [
            {
                **_image_data(each.image),
                "references": [str(reference) for reference in each.references],
                "releases": list(each.releases),
                "channels": list(each.channels),
                "children": [
                    {"target": str(child.target), "digest": str(child.digest), "tags": list(child.tags)}
                    for child in each.children
                ],
            }
            for each in places
        ],
    }


def _image_data(image: ShownImage) -> dict[str, Any]:
    built = image.record.built if image.record else None
    return {
        "target": str(image.target),
        "repository": str(image.repository),
        "digest": str(image.digest),
        "tags": list(image.tags),
        "record": image.record and image.record.id,
        "built_at": built and built.at,
        "commit": built and built.commit,
        "size_bytes": built and built.size_bytes,
        "content": built and str(built.content),
        "parents": {str(name): str(digest) for name, digest in built.parents} if built else {},
        "bases": {name: str(digest) for name, digest in built.bases} if built else {},
        "tests": [
            {"suite": t.suite, "at": t.at, "passed": t.passed, "total": t.total, "failed": t.failed}
            for t in _results(image)
        ],
        "gates": _words(image),
    }
