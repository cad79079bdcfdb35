# SPDX-License-Identifier: MIT
"""`plan --like datahub`: what the scripts that this tool takes the place of would do, beside what it does itself.

In:   a Yard, the commit before, Stackyard's own plan
Out:  OldPlan
May touch: disk and git; no engine, no registry
Raises: ConfigError
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stackyard.edges.git_changes import last_change
from stackyard.errors import StackyardError
from stackyard.load.spec.datahub import read_datahub
from stackyard.model.datahub import OldPlan, OldWorld
from stackyard.model.known import Known
from stackyard.model.plan import Plan
from stackyard.model.record import Record, Tagged
from stackyard.model.tags import COMMIT_DIGITS
from stackyard.plan.beside import beside
from stackyard.plan.like_datahub import like_datahub
from stackyard.verbs.yard import Yard

TABLE = "wiki/Image-Dependency.md"
"""Their table of what was built on what, in the clone of the wiki that a run makes."""


def plan_like_datahub(yard: Yard, ours: Plan | StackyardError, since: str | None = None) -> OldPlan:
    """What they would do with the commit that is checked out.

    Args:
        ours: Stackyard's plan, or why it makes none of these files.
        since: what they take for the commit before; None: the one before.
    """
    spec = read_datahub(yard.place)
    change = last_change(yard.root, since, yard.place.images)
    environ, known = yard.options.environ, yard.records.known()
    request = yard.options.ci.pull_request if yard.options.ci else None
    world = OldWorld(
        environ.get("GITHUB_REF_NAME") or yard.stack.revision.branch,
        environ.get("GITHUB_HEAD_REF") or "",
        environ.get("GITHUB_BASE_REF") or "",
        request.title if request else "",
        _published(yard, known),
        tuple(_table(yard)) or tuple(_recorded(yard, known)),
    )
    old = like_datahub(spec, change, world)
    if isinstance(ours, Plan):
        old = beside(old, ours)
    else:
        old = msgspec.structs.replace(old, notes=(*old.notes, f"Stackyard makes no plan of these files: {ours}"))
    if yard.stack.revision.is_dirty:
        note = "files that are not committed are not seen by them"
        old = msgspec.structs.replace(old, notes=(*old.notes, note))
    return old


def _published(yard: Yard, known: Known) -> frozenset[tuple[str, str]] | None:
    """Tags that the records have put in the registry; None where they never put one."""
    there = {reference for place, reference in known.tags if place == "registry"}
    if not there:
        return None
    images = {target.repository.canonical: str(target.image) for target in yard.stack.targets}
    parted = (reference.rpartition(":") for reference in there)
    return frozenset((images[repository], tag) for repository, _, tag in parted if repository in images)


def _table(yard: Yard) -> Iterator[tuple[str, str]]:
    """Rows of the wiki's table, newest first."""
    if not yard.place.files.is_file(TABLE):
        return
    for line in yard.place.files.read(TABLE).decode("utf-8", "replace").splitlines():
        image, comma, base = line.strip().partition(",")
        if comma and ":" in image and ":" in base:
            yield image.strip(), base.strip()


def _recorded(yard: Yard, known: Known) -> Iterator[tuple[str, str]]:
    """The same rows as the records have them: each build under the name that the scripts would have given it."""
    spec = {image.name: image.repository for image in read_datahub(yard.place).images}
    for target in yard.stack.targets:
        prefix = dict(target.variables).get("prefix")
        for record in known.records.get(target.name, ()):
            for name, content in record.built.parents if record.built else ():
                parent = next((r for r in known.records.get(name, ()) if r.built and r.built.content == content), None)
                child_tag, parent_tag = _tag(record, prefix), _tag(parent, prefix) if parent else None
                if child_tag and parent_tag and str(target.image) in spec and str(name.image) in spec:
                    yield f"{spec[str(target.image)]}:{child_tag}", f"{spec[str(name.image)]}:{parent_tag}"


def _tag(record: Record, prefix: str | None) -> str | None:
    """The first fixed tag of a build with this prefix; else the one that its commit gives."""
    if prefix is None:
        return "latest"
    for fact in record.facts:
        if isinstance(fact, Tagged) and fact.tag.startswith(f"{prefix}-"):
            return str(fact.tag)
    commit = record.built.commit if record.built else ""
    return f"{prefix}-{commit[:COMMIT_DIGITS]}" if commit else None
