# SPDX-License-Identifier: MIT
"""The last job of a target that joins platforms: one index over its images, pushed and read back.

In:   Work, the target, the records of the images that it joins
Out:  what was built, and what was pushed, as facts
May touch: the registry
Raises: StackyardError; the driver makes a failure of it
Used by: run/publish. Why: docs/explanation/platforms.md
"""

from __future__ import annotations

from collections.abc import Mapping

from stackyard.edges.published import published
from stackyard.edges.registry import ATTESTED, Descriptor, Manifest, index_of
from stackyard.errors import DigestMismatch, WorldError
from stackyard.model.content import joined_content
from stackyard.model.names import TargetName
from stackyard.model.record import Built, Pushed, Record
from stackyard.model.reference import LocalImage, Platform, PublishedImage, content_tag
from stackyard.model.stack import ParentUse, Target
from stackyard.run.work import Work

Member = tuple[Manifest, list[Descriptor]]
Members = Mapping[TargetName, Record]
"""The record of the image for each platform, by its target."""


def built_of(work: Work, target: Target, members: Members) -> Built:
    """What is known of the joined image: in an engine it is the one for the engine's own platform, else the first."""
    parts = [_built(members[use.target]) for use in target.parents]
    homes = [work.stack.engine_of(work.stack.target(use.target)) for use in target.parents]
    home, each = work.stack.engine_of(target), zip(target.platforms, parts, homes, strict=True)
    here = [(platform, built) for platform, built, where in each if where == home]
    own = next((built for platform, built in here if platform.fits(work.about.platform)), here[0][1])
    contents = {name: _built(members[name]).content for name in target.inputs.parents}
    return Built(
        at=work.clock.now(),
        image=own.image,
        content=joined_content(contents.items()),
        local=own.local,
        parents=tuple(contents.items()),
        bases=(),
        duration_s=0.0,
        size_bytes=sum(built.size_bytes for built in parts),
        engine=own.engine,
        commit="" if work.stack.revision.is_dirty else work.stack.revision.commit,
    )


def push_index(work: Work, target: Target, members: Members) -> Pushed:
    """Write the index under a content tag of its own, and read it back; nothing is written where a platform lacks."""
    begun = work.clock.ticks()
    parts = zip(target.platforms, target.parents, strict=True)
    found = [(platform, *_member(work, target, use, platform, members)) for platform, use in parts]
    beside = [each for *_, attested in found for each in attested]
    index = index_of([(platform, manifest) for platform, manifest, _ in found], beside)
    tag = content_tag(LocalImage(index.digest))
    work.registry.put(target.repository, tag, index)
    image = PublishedImage(target.repository, index.digest)
    return Pushed(work.clock.now(), image, tag, work.clock.ticks() - begun)


def _member(work: Work, target: Target, use: ParentUse, platform: Platform, members: Members) -> Member:
    """The manifest of one platform, as it was published, and what was attested of it beside it."""
    pushed = members[use.target].pushed(target.repository)
    facts = published(work.registry, target.repository, pushed.image.digest, platform) if pushed else None
    if facts is None:
        raise WorldError(
            f"{target.name} is not joined: its image for {platform} is not in {target.repository}",
            hint=f"`stackyard build --push {use.target}` publishes it",
        )
    manifest = work.registry.manifest(target.repository, facts.manifest) if facts.manifest else None
    if manifest is None:
        raise DigestMismatch(
            f"{target.name} is not joined: {use.target} should be for {platform}, "
            f"and {facts.digest.short} is for {' and '.join(facts.platforms) or 'none that is named'}",
            hint="was it pushed by something else?",
            expected=platform,
            found=", ".join(facts.platforms),
        )
    top = manifest
    if facts.digest != manifest.digest:
        top = work.registry.manifest(target.repository, facts.digest) or manifest
    return manifest, [each for each in top.children if (each.annotations or {}).get(ATTESTED) == manifest.digest]


def _built(record: Record) -> Built:
    assert record.built is not None  # a parent that has content
    return record.built
