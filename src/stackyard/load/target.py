# SPDX-License-Identifier: MIT
"""A recipe and its sources become a target: arguments, parents, bases, inputs, suites.

In:   Recipe, Sources, and what surrounds them
Out:  Target and findings
Beside: references (what the Dockerfile names), suites (what must pass), sources (the folder)
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import msgspec

from stackyard.errors import InvalidValue
from stackyard.load.dockerfile.reach import reachable
from stackyard.load.matrix import VERSIONS_FILES
from stackyard.load.recipe import WINDOWS, Recipe
from stackyard.load.references import Owners, find_references, foundation_of
from stackyard.load.sources import Sources
from stackyard.load.spec.versions import BASE_IMAGE, BaseImage, is_windows
from stackyard.load.suites import SuiteReader, commands_of
from stackyard.load.tree.changes import ChangeRules
from stackyard.load.tree.place import Place
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.ecr import version_tag
from stackyard.model.inputs import Entry, Inputs, comparable
from stackyard.model.names import ImageName, TargetName
from stackyard.model.reference import Platform, Reference, Repository
from stackyard.model.stack import Command, Finding, ParentUse, Revision, Target
from stackyard.model.tags import tags_of

TEST_FOLDERS = ("test", "integration_tests", "workflow_tests", "manual_tests")
SOURCE = "org.opencontainers.image.source"
TITLE = "org.opencontainers.image.title"
BASE_TAG = "BASE_TAG"
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
    copies_on_build: Callable[[TargetName], bool]
    """Whether an image of the stack says `ONBUILD COPY` or its like: it reads the build context of its children."""
    stamp_files: frozenset[str]
    """Paths of all last_updated.yaml, relative to the root."""
    base_names: Callable[[BaseImage], Repository]
    """What an image that is another's `base_image` is called."""
    suites: SuiteReader


def target_of(recipe: Recipe, sources: Sources, around: Surroundings) -> tuple[Target, list[Finding]]:
    """The target of one recipe."""
    findings: list[Finding] = []
    dockerfile = sources.dockerfile
    args = _arguments(recipe, around, findings)
    found = find_references(recipe, dockerfile, args, around.platform, around.owners, findings)
    parents = tuple(ParentUse(name, tuple(references)) for name, references in found.parents.items())
    outside = (*found.bases.values(), *([found.frontend] if found.frontend else []))
    inputs = Inputs(
        dockerfile=sources.dockerfile_blob,
        context=_counted(recipe, sources, dict(args), around, found.parents),
        everywhere=around.everywhere,
        args=tuple(sorted(_counted_args(recipe, dockerfile, args))),
        labels=_labels(recipe.image, around.source, dockerfile),
        bases=tuple(sorted({base.canonical for base in outside})),
        parents=tuple(sorted(use.target for use in parents)),
        platform=around.platform,
    )
    commands = commands_of(recipe, around.commands, findings)
    target = Target(
        name=recipe.target,
        repository=around.owners.repositories[recipe.image],
        context=recipe.context,
        dockerfile=recipe.dockerfile,
        inputs=inputs,
        args=args,
        parents=parents,
        foundation=foundation_of(dockerfile, args, around.platform, parents),
        bases=tuple(found.bases.values()),
        frontend=found.frontend,
        suites=around.suites.suites(recipe, commands, findings),
        commands=commands,
        templates=recipe.templates,
        variables=recipe.variables,
        skip=recipe.skip,
        entry=(recipe.path, recipe.line),
        staging=sources.staging,
        needs=_needs(recipe, found.bases.values(), around.platform),
    )
    return target, findings


def _needs(recipe: Recipe, bases: Iterable[Reference], platform: str) -> str | None:
    """What building takes that this platform is not."""
    if platform.startswith("windows/"):
        return None
    return WINDOWS if recipe.needs == WINDOWS or any(is_windows(str(base)) for base in bases) else None


def _counted_args(
    recipe: Recipe, dockerfile: Dockerfile, args: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, str]]:
    """Arguments that an instruction can see; one that names a parent counts as that, without account and stamp."""
    for name, value in args:
        if name in dockerfile.declared_in_stages:
            base = recipe.base_image if name == BASE_IMAGE else None
            yield name, f"{base.name}/{recipe.version}" if base else comparable(name, value)


def _arguments(recipe: Recipe, around: Surroundings, findings: list[Finding]) -> tuple[tuple[str, str], ...]:
    """BASE_TAG of the parent first, the recipe's own, BASE_IMAGE, then what every image gets."""
    args = dict(_with_base_tag(recipe, around, findings))
    base = recipe.base_image
    if base is not None and recipe.version is not None:
        tag = version_tag(recipe.version, around.revision.stamp or UNSTAMPED)
        args.setdefault(BASE_IMAGE, f"{around.base_names(base)}:{tag}")
    return (*args.items(), *((name, value) for name, value in recipe.always if name not in args))


def _with_base_tag(recipe: Recipe, around: Surroundings, findings: list[Finding]) -> tuple[tuple[str, str], ...]:
    """BASE_TAG of the parent first, then the recipe's own; an explicit BASE_TAG wins, and is noted."""
    declared = (around.owners.at_version(ImageName(name), recipe.version) for name in recipe.depend_on)
    parent = next((around.recipes[name] for name in declared if name is not None), None)
    if parent is None:
        return recipe.args
    if BASE_TAG in dict(recipe.args):
        sentence = f"image {recipe.image!r} sets {BASE_TAG} itself: its parent's tag of this run is not used"
        findings.append(Finding("base-tag-set", "warning", sentence, recipe.path, recipe.line))
        return recipe.args
    try:
        fixed, moving = tags_of(parent.templates, around.revision, dict(parent.variables))
    except InvalidValue:  # said of the parent, as an error of its own
        fixed, moving = (), ()
    tag = next(iter(moving + fixed), "latest")
    return ((BASE_TAG, str(tag)), *recipe.args)


def _counted(
    recipe: Recipe, sources: Sources, args: dict[str, str], around: Surroundings, parents: Collection[TargetName]
) -> tuple[Entry, ...]:
    """Entries of the build context that can change the image.

    In a folder of its own all count, but for test folders and versions.yaml where no instruction
    reaches them. In a folder that holds more than this image (the repository's root, say), only what
    an instruction reaches. Under a parent that reads its children's build context, all of it counts.
    Stamps never count: each run writes them.
    """
    if around.rules.leaves_out(recipe.image):
        return ()
    context = sources.context
    if around.stamp_files or around.rules.ignore:
        context = tuple(entry for entry, path in _with_paths(recipe, sources) if not _never_counts(path, around))
    quiet = {*TEST_FOLDERS, *(VERSIONS_FILES if recipe.is_stamped else ())}
    quiet &= {entry.path.partition("/")[0] for entry in context}
    is_shared = recipe.context != around.place.path(recipe.image)
    if not quiet and not is_shared:
        return context
    if any(around.copies_on_build(parent) for parent in parents):
        return context  # what it reads is in another file, with arguments of its own
    reached = reachable(sources.dockerfile, args, context, platform=around.platform)
    if is_shared:
        return tuple(entry for entry in context if entry.path in reached)
    apart = quiet - {path.partition("/")[0] for path in reached}
    return tuple(entry for entry in context if entry.path.partition("/")[0] not in apart)


def _with_paths(recipe: Recipe, sources: Sources) -> Iterator[tuple[Entry, str]]:
    """Each entry of the build context, and where it lies, relative to the stack's root."""
    elsewhere = {path: source for source, path in sources.staging.files} if sources.staging else {}
    for entry in sources.context:
        yield entry, elsewhere.get(entry.path) or posixpath.normpath(posixpath.join(recipe.context, entry.path))


def _never_counts(path: str, around: Surroundings) -> bool:
    """Whether a file is one of the stamps, or one that the stack's owner said never counts."""
    images = around.place.images
    below = path if images == "." else path.removeprefix(f"{images}/")
    is_below = images == "." or below != path
    return path in around.stamp_files or (is_below and around.rules.leaves_out(below))


def _labels(image: ImageName, source: str | None, dockerfile: Dockerfile) -> tuple[tuple[str, str], ...]:
    """Labels that are functions of the stack, sorted; what the file itself sets is left to it."""
    wanted = {TITLE: str(image), **({SOURCE: source} if source else {})}
    return tuple(sorted((key, value) for key, value in wanted.items() if key not in dockerfile.stages[-1].labels))
