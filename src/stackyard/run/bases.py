# SPDX-License-Identifier: MIT
"""External bases: at which digest one is accepted, and the image of it that a build stands on.

In:   Work, a target, a base as its Dockerfile names it
Out:  a digest; an image in the engine
May touch: the engine, which fetches what it has not; the registry, which is asked
Raises: StackyardError
Used by: run/jobs, verbs/groundwork, verbs/adopt
"""

from __future__ import annotations

from contextlib import suppress

from stackyard.edges.engine import Engine
from stackyard.edges.published import manifest_for
from stackyard.edges.registry import Registry
from stackyard.errors import EngineProblem, StackyardError, WorldError
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import LocalImage, Platform, Reference
from stackyard.model.stack import Target
from stackyard.run.work import Work


def base_of(work: Work, target: Target, base: Reference) -> LocalImage:
    """A base for what the target is for, or for what a stage on it asks for; by default whatever the engine takes.

    Raises:
        EngineProblem: stages for two platforms stand on it, and this store has one image by each name.
    """
    accepted = work.accepted[base.canonical]
    dockerfile = work.stack.dockerfile_of(target)
    if not target.platforms or dockerfile is None:
        if base.canonical not in work.bases:
            work.bases[base.canonical] = base_image(work.engine, base, accepted)
        return work.bases[base.canonical]
    own = target.inputs.platform
    asked = dockerfile.platforms(dict(target.args), own, work.about.platform)
    wanted = sorted({Platform(each) for name, each in asked if name == base.canonical} or {Platform(own)})
    if len(wanted) == 1:
        return _base_for(work, base, accepted, wanted[0])
    if work.about.store != "containerd":
        raise EngineProblem(
            f"{target.name} needs {base} for {' and for '.join(wanted)}, and this engine's store keeps one of them",
            hint="turn on its containerd image store, or give one of the two another name",
            engine=work.about.name,
        )
    return [work.engine.pull(Reference(base.repository, None, accepted), each) for each in wanted][-1]


def _base_for(work: Work, base: Reference, accepted: Digest, platform: Platform) -> LocalImage:
    """A base for one platform: by the digest of that one's own manifest, since a store may keep one by each name."""
    facts = work.engine.inspect(str(Reference(base.repository, None, accepted))) or work.engine.inspect(str(accepted))
    if facts is not None and facts.platform.fits(platform):
        return facts.image
    manifest = manifest_for(work.registry, base.repository, accepted, platform)
    if manifest is None:
        raise WorldError(
            f"external base {base} ({accepted.short}) has no image for {platform}",
            hint=f"build on one that has, or take {platform} out of `platforms`",
            reference=str(base),
        )
    return base_image(work.engine, base, manifest, platform)


def base_image(engine: Engine, base: Reference, accepted: Digest, platform: Platform | None = None) -> LocalImage:
    """The external base at its accepted digest, fetched if the engine has it not.

    Args:
        platform: what that digest is for; None: the engine's own.
    """
    by_digest = Reference(base.repository, None, accepted)
    for name in (str(by_digest), str(accepted)):
        facts = engine.inspect(name)
        if facts is not None:
            return facts.image
    return engine.pull(by_digest, platform)


def accept_base(engine: Engine, registry: Registry, base: Reference, is_for_several: bool = False) -> Digest:
    """The digest that an external base is accepted at: the engine's own if it has the image, else the registry's.

    An image that was loaded into the engine, and is in no registry, is known by its id.

    Args:
        is_for_several: several platforms need it: what the registry has comes first, since an engine may know
            no more of it than one.
    """
    if base.digest:
        return base.digest
    if is_for_several:
        with suppress(StackyardError):
            if found := registry.resolve(base.repository, base.tag or Tag("latest")):
                return found
    facts = engine.inspect(str(base))
    if facts is not None:
        for name in facts.repository_digests:
            known = Reference.parse(name)
            if known.digest and known.repository.canonical == base.repository.canonical:
                return known.digest
        return facts.image.id
    digest = registry.resolve(base.repository, base.tag or Tag("latest"))
    if digest is None:
        raise WorldError(
            f"external base {base} is neither in the engine nor in its registry",
            hint="check the name and the tag in the Dockerfile's FROM",
            reference=str(base),
        )
    return digest
