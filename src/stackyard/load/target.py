# SPDX-License-Identifier: MIT
"""A recipe and its sources become a target: arguments, parents, bases, inputs, suites.

In:   Recipe, Sources, and what surrounds them
Out:  Target and findings
Beside: references (what the Dockerfile names), suites (what must pass), sources (the folder)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from stackyard.errors import InvalidValue
from stackyard.load.counted import (
    BASE_TAG,
    aside_of,
    counted_args,
    counted_entries,
    dockerfile_blob,
    downloads_of,
    labels_of,
    locks_of,
    secrets_of,
    stage_name,
    uses_everything,
)
from stackyard.load.recipe import WINDOWS, Recipe
from stackyard.load.references import Found, Owners, find_references, foundation_of
from stackyard.load.sources import SourceReader, Sources
from stackyard.load.spec.values import BASE_IMAGE
from stackyard.load.suites import SuiteReader, commands_of
from stackyard.load.tree.changes import ChangeRules
from stackyard.load.tree.place import Place
from stackyard.model.details import Details, Reading
from stackyard.model.dockerfile import Body, Copied, Dockerfile
from stackyard.model.ecr import version_tag
from stackyard.model.inputs import Entry, Inputs, masked
from stackyard.model.names import ImageName, TargetName, nearest
from stackyard.model.reference import Platform, Reference, Repository, is_windows
from stackyard.model.stack import Command, Finding, ParentUse, Revision, Target
from stackyard.model.tags import tags_of

if TYPE_CHECKING:
    from stackyard.load.spec.versions import BaseImage

UNSTAMPED = "STAMP"
"""Stands where a stamp belongs if nobody looked at a clock."""


class Surroundings(msgspec.Struct, frozen=True):
    """What all targets of the stack share."""

    place: Place
    revision: Revision
    platform: Platform
    commands: Mapping[str, Command]
    owners: Owners
    recipes: Mapping[TargetName, Recipe]
    rules: ChangeRules
    everywhere: tuple[Entry, ...]
    source: str | None
    """Address of the stack's files, where the spec gives one."""
    triggers_of: Callable[[TargetName], Body]
    """What `ONBUILD` of an image of the stack says: it acts in its children."""
    stamp_files: frozenset[str]
    """Paths of all last_updated.yaml, relative to the root."""
    environ: Mapping[str, str]
    base_names: Callable[[BaseImage], Repository]
    """What an image that is another's `base_image` is called."""
    suites: SuiteReader


def target_of(
    recipe: Recipe, sources: Sources, around: Surroundings, args: tuple[tuple[str, str], ...]
) -> tuple[Target, list[Finding]]:
    """The target of one recipe; `args` are its `arguments_of`."""
    findings: list[Finding] = []
    dockerfile = stage_of(recipe, sources.dockerfile)
    if dockerfile is None:
        findings.append(_unknown_stage(recipe, sources.dockerfile))
        dockerfile = sources.dockerfile
    found = find_references(
        recipe, dockerfile, args, around.platform, around.owners, [] if recipe.is_never_made else findings
    )
    parents = tuple(ParentUse(name, tuple(references)) for name, references in found.parents.items())
    outside = (*found.bases.values(), *([found.frontend] if found.frontend else []))
    triggers = [around.triggers_of(use.target) for use in parents if use.references]
    counted = counted_args(recipe, dockerfile, args, found, triggers, findings)
    own = around.place.path(recipe.image)
    inputs = Inputs(
        dockerfile=dockerfile_blob(dockerfile, sources, found.frontend),
        context=()
        if around.rules.leaves_out(recipe.image)
        else counted_entries(
            recipe,
            own,
            sources,
            dockerfile,
            dict(args),
            around.platform,
            triggers,
            uses_everything(found),
            functools.partial(_never_counts, around=around) if around.stamp_files or around.rules.ignore else None,
        ),
        everywhere=around.everywhere,
        args=counted,
        labels=labels_of(recipe.image, around.source, dockerfile),
        bases=tuple(sorted({base.canonical for base in outside})),
        parents=tuple(sorted(use.target for use in parents)),
        uses=tuple(found.roles),
        platform=around.platform,
        stage=stage_name(dockerfile, sources, found.frontend),
        network="" if recipe.network == "default" else recipe.network,
        secrets=secrets_of(dockerfile),
        downloads=downloads_of(dockerfile, args, around.platform),
        aside=aside_of(recipe, own, around.rules.ignore, dockerfile, args, counted),
    )
    if recipe.locks:
        inputs = msgspec.structs.replace(inputs, locks=locks_of(recipe, sources, inputs.context, around.place.files))
    commands = commands_of(recipe, around.commands, findings)
    tests = around.suites.of(recipe, commands, findings)
    known = Reading.of(Details(inputs, tests.suites, tests.checks, tests.more))
    foundation = foundation_of(dockerfile, args, around.platform, parents)
    target = put_together(recipe, around, args, found, parents, foundation, commands, known)
    locks = tuple(entry.path for entry in inputs.locks)
    target = msgspec.structs.replace(target, downloads=inputs.downloads, locks=locks, staging=sources.staging)
    return target, findings


def put_together(
    recipe: Recipe,
    around: Surroundings,
    args: tuple[tuple[str, str], ...],
    found: Found,
    parents: tuple[ParentUse, ...],
    foundation: TargetName | None,
    commands: tuple[Command, ...],
    reading: Reading,
) -> Target:
    """A target as its entry and the images that it names make it."""
    return Target(
        name=recipe.target,
        repository=around.owners.repositories[recipe.image],
        context=recipe.context,
        dockerfile=recipe.dockerfile,
        reading=reading,
        args=args,
        parents=parents,
        foundation=foundation,
        bases=tuple(found.bases.values()),
        given_base=(recipe.given_base, tuple(found.given)) if recipe.given_base and found.given else None,
        frontend=found.frontend,
        commands=commands,
        templates=recipe.templates,
        variables=recipe.variables,
        skip=recipe.skip,
        max_age=recipe.max_age,
        timeout=recipe.timeout,
        retries=recipe.retries,
        may_fail=recipe.may_fail,
        prune=recipe.prune,
        secrets=recipe.secrets,
        ssh=recipe.ssh,
        spots=recipe.spots,
        needs=needs_of(recipe, found.bases.values(), around),
    )


def stage_of(recipe: Recipe, dockerfile: Dockerfile) -> Dockerfile | None:
    """The Dockerfile up to the stage that the recipe wants; None where it has no such stage."""
    return dockerfile if recipe.stage is None else dockerfile.until(recipe.stage)


def triggers_from(recipes: Mapping[TargetName, Recipe], sources: SourceReader) -> Callable[[TargetName], Body]:
    """Tells what `ONBUILD` of an image of the stack says: it acts in its children."""

    @functools.cache
    def triggers_of(name: TargetName) -> Body:
        recipe = recipes[name]
        read = sources.dockerfile_alone(recipe.dockerfile)  # of all that the image is, memory knows its children by it
        dockerfile = stage_of(recipe, read) if read is not None else None
        triggers = dockerfile.stages[-1].triggers if dockerfile is not None else Body()
        if dockerfile is not None and dockerfile.escape != "\\" and triggers.copies:
            return Body(
                args=triggers.args, copies=(Copied("copy", (".",), 0),)
            )  # written in other words than a child's
        return triggers

    return triggers_of


def _unknown_stage(recipe: Recipe, dockerfile: Dockerfile) -> Finding:
    names = [stage.name for stage in dockerfile.stages if stage.name]
    near = nearest(str(recipe.stage), names)
    sentence = f"`target` of image {recipe.image!r} is {recipe.stage!r}, and {dockerfile.path} has no such stage"
    hint = f"did you mean {near!r}?" if near else "a stage is named by `FROM image AS name`"
    spot, wanted = recipe.spot("target"), near or "a stage"
    return Finding("unknown-stage", "error", sentence, *spot, hint=hint, found=recipe.stage, wanted=wanted)


def needs_of(recipe: Recipe, bases: Iterable[Reference], around: Surroundings) -> str | None:
    """What building takes that is not here: a platform, a variable of the environment."""
    platform = around.platform
    if lacking := [name for name in recipe.only_if if not around.environ.get(name)]:
        return f"{' and '.join(lacking)} in the environment"
    if not recipe.can_be_for(platform):
        return " or ".join(recipe.only_on)
    if platform.startswith("windows/"):
        return None
    return WINDOWS if recipe.needs == WINDOWS or any(is_windows(str(base)) for base in bases) else None


def arguments_of(recipe: Recipe, around: Surroundings, findings: list[Finding]) -> tuple[tuple[str, str], ...]:
    """BASE_TAG of the parent first, the recipe's own, BASE_IMAGE, then what every image gets."""
    args = dict(_with_base_tag(recipe, around, findings))
    base = recipe.base_image
    if base is not None and recipe.version is not None:
        parent = around.owners.at_version(base.name, recipe.version)
        if parent is not None and parent.version is None:  # it has tags of another kind, and one name only
            name, tag = around.owners.repositories[base.name], _tag_of(around.recipes[parent], around)
        else:
            name, tag = around.base_names(base), str(version_tag(recipe.version, around.revision.stamp or UNSTAMPED))
        args.setdefault(BASE_IMAGE, f"{name}:{tag}")
    return (*args.items(), *[(name, value) for name, value in recipe.always if name not in args])


def _with_base_tag(recipe: Recipe, around: Surroundings, findings: list[Finding]) -> tuple[tuple[str, str], ...]:
    """BASE_TAG of the parent first, then the recipe's own; an explicit BASE_TAG wins, and is noted."""
    for name in recipe.depend_on:
        target = around.owners.at_version(ImageName(name), recipe.version)
        if target is not None:
            return _below(around.recipes[target], recipe, around, findings)
    return recipe.args


def _below(
    parent: Recipe, recipe: Recipe, around: Surroundings, findings: list[Finding]
) -> tuple[tuple[str, str], ...]:
    """The arguments of a recipe whose first parent is this."""
    if BASE_TAG in dict(recipe.args):
        sentence = f"image {recipe.image!r} sets {BASE_TAG} itself: its parent's tag of this run is not used"
        hint = f"take it out: {BASE_TAG} is then the tag that {parent.image} gets"
        found = f"{BASE_TAG}: {masked(dict(recipe.args)[BASE_TAG], recipe.args)}"
        spot = recipe.spot("args", BASE_TAG)
        findings.append(Finding("base-tag-set", "warning", sentence, *spot, hint=hint, found=found))
        return recipe.args
    return ((BASE_TAG, _tag_of(parent, around)), *recipe.args)


def _tag_of(parent: Recipe, around: Surroundings) -> str:
    """The tag by which children name a parent: its first moving one, else its first fixed one."""
    try:
        fixed, moving = tags_of(parent.templates, around.revision, dict(parent.variables))
    except InvalidValue:  # said of the parent, as an error of its own
        fixed, moving = (), ()
    return str(next(iter(moving + fixed), "latest"))


def _never_counts(path: str, around: Surroundings) -> bool:
    """Whether a file is one of the stamps, or one that the stack's owner said never counts."""
    images = around.place.images
    below = path if images == "." else path.removeprefix(f"{images}/")
    is_below = images == "." or below != path
    return path in around.stamp_files or (is_below and around.rules.leaves_out(below))
