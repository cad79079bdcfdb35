# SPDX-License-Identifier: MIT
"""A whole stack from disk: spec, ignore rules, Dockerfiles and contexts become targets with their inputs.

In:   Place, Settings, Revision
Out:  Stack, with every finding; what is wrong in one image never hides the others
Raises: FileProblem where a file as a whole cannot be read
Cost: every file below the images folder is read once
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from stackyard.errors import InvalidValue
from stackyard.load.listing import disagreements, read_listing
from stackyard.load.matrix import Matrices, read_matrices
from stackyard.load.recipe import Recipe, recipes_of
from stackyard.load.references import owners_of
from stackyard.load.sources import LazyDockerfiles, SourceReader
from stackyard.load.spec.policy import settled
from stackyard.load.spec.values import BASE_IMAGE, Ecr, Spec, SpecImage
from stackyard.load.suites import SuiteReader, with_inherited
from stackyard.load.target import Surroundings, arguments_of, stage_of, target_of, triggers_from
from stackyard.load.tree.changes import read_change_rules
from stackyard.load.tree.place import Place
from stackyard.model import canonical
from stackyard.model.ecr import DEFAULT_REGION, Account, Region, ecr_repository, local_repository
from stackyard.model.names import ImageName, TargetName
from stackyard.model.reference import Platform, Repository, nearest_repository
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding, GivenArgument, GivenBase, Revision, Stack, Target

if TYPE_CHECKING:
    from stackyard.load.memory import Memory
    from stackyard.load.spec.versions import BaseImage
    from stackyard.model.lock import LockSet

_GITHUB = re.compile(r"github\.com[:/]([^/]+/[^/]+?)(?:\.git)?/?$")


class Settings(msgspec.Struct, frozen=True):
    """What the caller decides; where each came from is the caller's to remember."""

    platform: Platform
    registry: str | None = None
    """Publish below this registry, whatever the spec names."""
    account: str | None = None
    """The AWS account, where the spec names none."""
    region: str | None = None
    build_args: tuple[GivenArgument, ...] = ()
    """Build arguments that win over all others."""
    bases: tuple[GivenBase, ...] = ()
    """What images are built on in place of what their Dockerfiles say."""
    environ: Mapping[str, str] = {}
    """What images say that they cannot be built without; no input of any."""
    find_remote: Callable[[], str | None] = lambda: None
    """Tells where the repository was cloned from; asked only where nothing else names a registry."""


def load_stack(
    place: Place,
    revision: Revision,
    settings: Settings,
    listing: bytes | None = None,
    memory: Memory | None = None,
) -> Stack:
    """Read the stack at `place`.

    Args:
        listing: what the file that lists the images would say; None: what it says.
        memory: targets that were made before, and are made for the next one who asks.
    """
    return load_whole(place, revision, settings, listing, memory).stack


class Loaded(msgspec.Struct, frozen=True):
    """A stack with what it was read from: load/alike reads it at another moment."""

    place: Place
    revision: Revision
    around: Surroundings
    listed: frozenset[str]
    """Names of all images."""
    shared: tuple[Finding, ...]
    """What was found of no image alone."""
    made: tuple[tuple[Recipe, Target | None, tuple[Finding, ...]], ...]
    """Each recipe with its target and what was found of it; none of a stack whose targets say more of each other."""
    common: bytes | None
    """As Maker has it."""
    stack: Stack


def load_whole(
    place: Place, revision: Revision, settings: Settings, listing: bytes | None, memory: Memory | None
) -> Loaded:
    """As `load_stack`."""
    if memory is None or listing is not None:
        spec, findings = read_listing(place, listing)
    else:
        from stackyard.load.making import listed  # only of large repositories is anything remembered

        spec, findings = listed(place, memory)
    found: list[Finding] = [*findings, *disagreements(place, spec)]
    registry = spec.registry or _default_registry(spec, settings)
    matrices, problems = read_matrices(place, spec)
    found.extend(problems)
    recipes, locks = _recipes(spec, place, matrices, settings, found)
    names = _Names(spec, registry, matrices, settings)
    sources = SourceReader(place, {image.name for image in spec.images})
    around = _surroundings(place, spec, names, recipes, revision, settings, sources, found)
    targets: list[Target] = []
    dockerfiles: dict[str, None] = {}
    made = _made_for(recipes, settings.platform)
    shared, each_made = tuple(found), list[tuple[Recipe, Target | None, tuple[Finding, ...]]]()
    common = None
    make: Callable[[Recipe, tuple[tuple[str, str], ...], Surroundings, list[Finding]], Target | None]
    make = functools.partial(_made, sources)
    if memory is not None:
        from stackyard.load.making import Maker, common_key

        named = (names.account, names.region, registry)
        common = common_key(place, matrices, around, settings, named) if listing is None else None
        make = Maker(sources, memory, common).target
    for recipe in recipes:
        before = len(found)
        args = arguments_of(recipe, around, found)
        members: list[Target] = []
        for platform in made.get(recipe.target, (settings.platform,)):
            there = msgspec.structs.replace(around, platform=platform) if made else around
            target = make(recipe.on(platform), args, there, found)
            if target is not None:
                native = platform if platform in dict(spec.engines) else settings.platform
                members.append(_placed(target, recipe, made, sources, native, found) if made else target)
        targets += members if len(members) < 2 else [*members, _joined(members, recipe)]
        dockerfiles.update((target.dockerfile, None) for target in members)
        each_made.append((recipe, members[0] if members else None, tuple(found[before:])))
    is_inherited = any(recipe.tests.inherit for recipe in recipes)
    if is_inherited:
        targets = with_inherited(targets, around.recipes, around.suites)
    if spec.engines:
        from stackyard.load.platforms import idle_engines  # few stacks have several

        found.extend(idle_engines(spec, targets))
    has_ecr = names.account is not None or spec.ecr is not None
    stack = Stack(
        name=spec.name or place.root.name,
        images_folder=place.images,
        targets=tuple(targets),
        revision=revision,
        has_registry=bool(settings.registry or registry)
        or any(image.image_name and "/" in image.image_name for image in spec.images)
        or (has_ecr and any(names.is_in_ecr(image.name) for image in spec.images)),
        names_registry=bool(settings.registry or spec.registry)
        or any(image.image_name and Repository(image.image_name).declared_host for image in spec.images)
        or has_ecr,
        keeps_records=spec.records.is_local,
        records_in=names.published(SpecImage(ImageName("records"), None, spec.records.repository))
        if spec.records.repository
        else None,
        inventories=spec.inventories or "",
        stable="{stable}" if any(plan.prefix for plan in spec.plans) else "stable",
        groups=spec.groups,
        stamp_files=matrices.stamps,
        policy=settled(spec.policy, is_datahub=place.spec is not None and not place.is_listed_at_the_root),
        gates=spec.gates,
        caching=spec.caching,
        attesting=spec.attesting,
        registries=spec.registries,
        engines=spec.engines,
        locks=locks,
        retention=spec.retention,
        findings=tuple(dict.fromkeys(found)),
        tags_spot=spec.spots.get(("tags",)),
        dockerfiles=LazyDockerfiles(dockerfiles, sources.dockerfile),
    )
    return Loaded(
        place,
        revision,
        around,
        frozenset(sources.listed),
        shared,
        () if made or is_inherited or spec.engines else tuple(each_made),
        common,
        stack,
    )


def _made(
    sources: SourceReader, recipe: Recipe, args: tuple[tuple[str, str], ...], around: Surroundings, found: list[Finding]
) -> Target | None:
    """The target of a recipe as its files are; None where there is nothing to build from."""
    read, problems = sources.read(recipe)
    found.extend(problems)
    if read is None:
        return None
    target, findings = target_of(recipe, read, around, args)
    found.extend(findings)
    return target


def _made_for(recipes: Sequence[Recipe], native: Platform) -> Mapping[TargetName, tuple[Platform, ...]]:
    """What each is made for, of a stack that says so; few do."""
    if not any(recipe.platforms for recipe in recipes):
        return {}
    from stackyard.load.platforms import made_for

    return made_for(recipes, native)


def _placed(
    target: Target,
    recipe: Recipe,
    made: Mapping[TargetName, tuple[Platform, ...]],
    sources: SourceReader,
    native: Platform,
    found: list[Finding],
) -> Target:
    from stackyard.load.platforms import for_platform

    dockerfile = sources.dockerfile(recipe.dockerfile)
    return for_platform(target, recipe, made, stage_of(recipe, dockerfile) or dockerfile, native, found)


def _joined(members: Sequence[Target], recipe: Recipe) -> Target:
    from stackyard.load.platforms import joined

    return joined(members, recipe)


def _recipes(
    spec: Spec, place: Place, matrices: Matrices, settings: Settings, found: list[Finding]
) -> tuple[tuple[Recipe, ...], tuple[LockSet, ...]]:
    """Each image at each version, and what is locked for them."""
    recipes = tuple(recipes_of(spec, place, matrices))
    if settings.build_args or settings.bases or any(name == BASE_IMAGE for name, _ in spec.build_args):
        from stackyard.load.given import with_given

        recipes = tuple(with_given(recipes, spec, settings.build_args, settings.bases))
    if not spec.locks and not any(image.lock for image in spec.images):
        return recipes, ()
    from stackyard.load.locks import locked  # few stacks say

    return locked(recipes, spec, found)


def read_names(place: Place) -> tuple[tuple[TargetName, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """Names of all targets, and groups: from the files that list them, without a look at what images are made from."""
    spec, _ = read_listing(place)
    matrices, _ = read_matrices(place, spec)
    names: list[TargetName] = []
    for recipe in recipes_of(spec, place, matrices):
        platforms = [each for each in recipe.platforms if recipe.can_be_for(each)]
        names += [recipe.target, *(recipe.target.on(each) for each in platforms if len(platforms) > 1)]
    return tuple(names), spec.groups


class Rereader:
    """Reads targets one by one, each as its files are then. Safe for threads.

    What is said of all of them (the spec, versions, rules) is as it was when the first was read: a run reads
    every target again, and what a thousand images share would be read a thousand times.
    """

    def __init__(self, place: Place, revision: Revision, settings: Settings) -> None:
        self._place, self._revision, self._settings = place, revision, settings
        self._around: Surroundings | None = None
        self._lock = threading.Lock()

    def __call__(self, name: TargetName) -> Target | None:
        """The target; None where it is not there any more."""
        with self._lock:
            around = self._around = self._around or self._shared()
        recipe = around.recipes.get(name.whole)
        if recipe is not None and recipe.platforms:
            only = name.platform or _made_for((recipe,), around.platform)[name][0]
            around = msgspec.structs.replace(around, platform=Platform(only))
        read = SourceReader(self._place).read(recipe)[0] if recipe else None
        if recipe is None or read is None:
            return None
        return target_of(recipe.on(around.platform), read, around, arguments_of(recipe, around, []))[0]

    def _shared(self) -> Surroundings:
        place, settings = self._place, self._settings
        spec, _ = read_listing(place)
        matrices, _ = read_matrices(place, spec)
        recipes, _ = _recipes(spec, place, matrices, settings, [])
        names = _Names(spec, spec.registry, matrices, settings)
        return _surroundings(place, spec, names, recipes, self._revision, settings, SourceReader(place), [])


def _default_registry(spec: Spec, settings: Settings) -> str | None:
    """On GitHub: its own registry, below the repository's name; elsewhere none."""
    if settings.registry or any(image.image_name and "/" in image.image_name for image in spec.images):
        return None
    found = _GITHUB.search(settings.find_remote() or "")
    return f"ghcr.io/{found[1]}".lower() if found else None


def _refuse_no_registry(text: str) -> None:
    try:
        Repository.parse(f"{text.rstrip('/')}/name")
    except InvalidValue:
        sentence = f"images cannot be published below {text!r}"
        hint = "a host, and a path if it has one, in lower case and without https://: ghcr.io/acme, localhost:5000"
        raise InvalidValue(sentence, hint=hint, kind="registry", text=text) from None


def _surroundings(
    place: Place,
    spec: Spec,
    names: _Names,
    recipes: tuple[Recipe, ...],
    revision: Revision,
    settings: Settings,
    sources: SourceReader,
    found: list[Finding],
) -> Surroundings:
    if settings.registry:
        _refuse_no_registry(settings.registry)  # the caller's mistake is not the file's
    repositories = {image.name: _repository(names, image, found) for image in spec.images}
    declared = {image.name: tuple(names.others(image)) for image in spec.images}
    rules, everywhere, problems = read_change_rules(place)
    found.extend(problems)
    recipe_of = {recipe.target: recipe for recipe in recipes}

    return Surroundings(
        place=place,
        revision=revision,
        platform=settings.platform,
        commands={command.name: command for command in spec.commands},
        owners=owners_of(recipes, repositories, declared),
        recipes=recipe_of,
        rules=rules,
        everywhere=everywhere,
        source=spec.source,
        triggers_of=triggers_from(recipe_of, sources),
        stamp_files=frozenset(file.path for file in names.matrices.stamps),
        environ=settings.environ,
        base_names=names.base,
        suites=SuiteReader(place),
    )


class _Names:
    """What images are called: where they are published, and how others may name them."""

    def __init__(self, spec: Spec, registry: str | None, matrices: Matrices, settings: Settings) -> None:
        self.matrices = matrices
        self._spec = spec
        self._registry = registry
        self._override = settings.registry
        ecr = spec.ecr or Ecr()
        self._uses_ecr = spec.ecr is not None or bool(matrices.conventional)
        self.account, self.region = ecr.account, ecr.region
        if self._uses_ecr:  # a stack without ECR does not mind what AWS's variables say
            if self.account is None and settings.account:
                self.account = Account.parse(settings.account)
            if self.region is None and settings.region:
                self.region = Region.parse(settings.region)

    def is_in_ecr(self, image: ImageName) -> bool:
        """Whether an image that says nothing of a registry is in the account's private one."""
        return self._spec.ecr is not None or (image in self.matrices.conventional and not self._spec.registry)

    def published(self, image: SpecImage) -> Repository:
        """Where an image is published."""
        is_own = bool(image.image_name and "/" in image.image_name)
        if self._override or is_own or not self.is_in_ecr(image.name):
            return repository_of(image, self._registry, self._override)
        return self._ecr(ImageName(image.image_name or image.name))

    def base(self, base: BaseImage) -> Repository:
        """What the argument BASE_IMAGE calls an image."""
        try:
            return self._ecr(base.name) if base.source == "aws" else local_repository(base.name)
        except InvalidValue:  # said of that image, or that there is none
            return _unnamed(base.name)

    def others(self, image: SpecImage) -> Iterator[str]:
        """Other names that Dockerfiles may use."""
        if image.image_name:
            yield image.image_name
        if self._registry:  # in full, also where the caller publishes elsewhere
            yield f"{self._registry.rstrip('/')}/{image.image_name or image.name}"
        if self._uses_ecr:
            with contextlib.suppress(InvalidValue):
                yield self._ecr(image.name)
                yield local_repository(image.name)

    def _ecr(self, image: ImageName) -> Repository:
        return ecr_repository(self.account, self.region or Region(DEFAULT_REGION), image)


def _repository(names: _Names, image: SpecImage, found: list[Finding]) -> Repository:
    """Where an image is published; for a name that is none an error, and the nearest one that is."""
    try:
        return names.published(image)
    except InvalidValue as problem:
        text = image.image_name or image.name
        near = nearest_repository(text)
        spot = image.spots.get(("image_name",)) or image.spots.get(("image",)) or Spot(image.dockerfile or "")
        how = f"did you mean {near}?" if near else "give it another name"
        how = f"{how} {(problem.hint or '').capitalize()}"
        sentence = f"image {image.name!r} cannot be published as {text!r}, which is not a valid repository"
        found.append(
            Finding("wrong-value", "error", sentence, *spot, hint=how, found=text, wanted=near or Repository.hint)
        )
        return near or _unnamed(text)


def _unnamed(text: str) -> Repository:
    """Stands where an image has no name that a repository can have; a plan is refused for it."""
    return Repository(f"unnamed-{canonical.digest(text).hex[:8]}")


def repository_of(image: SpecImage, registry: str | None, override: str | None) -> Repository:
    """Where an image is published.

    `image_name` where it names a registry; else `registry` of the spec and the name. `override`
    (the caller's registry) replaces the registry of every image and keeps the rest of the name.
    """
    name = Repository.parse(image.image_name or image.name)
    if override:
        host = name.declared_host
        return Repository.parse(f"{override.rstrip('/')}/{name[len(host) + 1 :] if host else name}")
    if registry and not name.declared_host:
        return Repository.parse(f"{registry.rstrip('/')}/{name}")
    return name
