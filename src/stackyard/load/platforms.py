# SPDX-License-Identifier: MIT
"""One image for several platforms: a target for each, on parents for the same one, and one that joins them.

In:   recipes; a target as it is for one platform
Out:  the same under its platform's name; the target that joins several
Pure. Why: docs/explanation/platforms.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from stackyard.load.recipe import Recipe
from stackyard.load.spec.values import Spec
from stackyard.model.details import Details, Reading
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.inputs import BlobId, Inputs
from stackyard.model.names import TargetName
from stackyard.model.reference import Platform
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding, ParentUse, TagTemplates, Target

Made = Mapping[TargetName, tuple[Platform, ...]]
"""What each recipe is made for."""


def made_for(recipes: Iterable[Recipe], native: Platform) -> Made:
    """What each recipe is made for.

    Args:
        native: this machine's own platform, which whoever says nothing means.
    """
    return {recipe.target: _made_for(recipe, native) for recipe in recipes}


def _made_for(recipe: Recipe, native: Platform) -> tuple[Platform, ...]:
    wanted = recipe.platforms or (native,)
    return tuple(each for each in wanted if recipe.can_be_for(each)) or wanted[:1]  # which is then left alone


def for_platform(
    target: Target, recipe: Recipe, made: Made, dockerfile: Dockerfile, native: Platform, findings: list[Finding]
) -> Target:
    """A target by the name of its platform, if it is one of several, on parents for what each stage asks for."""
    platform = Platform(target.inputs.platform)
    asked = dockerfile.platforms(dict(target.args), platform, native)
    parents = {use.target: _parent(use, recipe, platform, asked, made, findings) for use in target.parents}
    is_one = len(made[recipe.target]) == 1
    inputs = msgspec.structs.replace(target.inputs, parents=tuple(sorted(parents.values())))
    return msgspec.structs.replace(
        target.with_inputs(inputs),
        name=target.name if is_one else target.name.on(platform),
        parents=tuple(ParentUse(parents[use.target], use.references) for use in target.parents),
        foundation=parents[target.foundation] if target.foundation else None,
        templates=target.templates if is_one else TagTemplates(),
        platforms=(platform,) if recipe.platforms else (),
    )


def _parent(
    use: ParentUse,
    recipe: Recipe,
    platform: Platform,
    asked: Sequence[tuple[str, str]],
    made: Made,
    findings: list[Finding],
) -> TargetName:
    """What a parent is called for the platform that its stages ask for."""
    parent, there = use.target, made.get(use.target, ())
    names = {reference.canonical for reference in use.references}
    wanted = sorted({each for name, each in asked if name in names} or {str(platform)})
    lacking = [each for each in wanted if each not in there]
    if there and (lacking or len(wanted) > 1):
        if lacking:
            what = f"image {recipe.image!r} needs {parent.image!r} for {lacking[0]}, and that is not built for it"
            hint = f"add {lacking[0]} to `platforms` of {parent.image}, or take it out of those of {recipe.image}"
        else:
            what = f"image {recipe.image!r} needs {parent.image!r} for {' and for '.join(wanted)} in one build"
            hint = "one name stands for one image there: take what the build itself needs from an image of its own"
        spot, found = recipe.spot("platforms"), (*lacking, *wanted)[0]
        findings.append(
            Finding("platform-of-parent", "error", what, *spot, hint=hint, found=found, wanted=" or ".join(there))
        )
        return parent
    return parent.on(wanted[0]) if len(there) > 1 else parent


def idle_engines(spec: Spec, targets: Iterable[Target]) -> Iterator[Finding]:
    """A notice for each platform that has an engine of its own, and for which nothing is built."""
    built = sorted({target.inputs.platform for target in targets if not target.is_index})
    for platform, _ in spec.engines:
        if platform not in built:
            sentence = f"`engines` has one for {platform}, and nothing is built for that"
            hint = f"name it in `platforms`, or take it out: images are for {' and '.join(built) or 'none'}"
            spot = spec.spots.get(("engines", str(platform))) or Spot(spec.path)
            yield Finding(
                "idle-engine", "notice", sentence, *spot, hint=hint, found=platform, wanted=" or ".join(built)
            )


def joined(members: Sequence[Target], recipe: Recipe) -> Target:
    """The target that joins the same image for several platforms: it has their names, and nothing of its own."""
    first = members[0]
    inputs = Inputs(dockerfile=BlobId.of(b""), context=(), parents=tuple(sorted(each.name for each in members)))
    return Target(
        name=recipe.target,
        repository=first.repository,
        context=first.context,
        dockerfile=first.dockerfile,
        reading=Reading.of(Details(inputs)),
        parents=tuple(ParentUse(each.name, ()) for each in members),
        templates=recipe.templates,
        variables=recipe.variables,
        skip=first.skip,
        needs=first.needs,
        may_fail=recipe.may_fail,
        spots=recipe.spots,
        platforms=tuple(Platform(each.inputs.platform) for each in members),
    )
