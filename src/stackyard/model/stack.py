# SPDX-License-Identifier: MIT
"""The stack as it was read: targets with their own inputs, how they are named, and what was found on the way."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from stackyard.errors import FileProblem
from stackyard.model.details import Reading, Suite
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.inputs import Inputs, Places
from stackyard.model.names import ImageName, TargetName, VersionName
from stackyard.model.reference import Platform, Reference, Repository
from stackyard.model.spot import Spot, Spots

if TYPE_CHECKING:
    from stackyard.model.age import Age
    from stackyard.model.attesting import Attesting
    from stackyard.model.caching import Caching
    from stackyard.model.checks import Check
    from stackyard.model.gates import ChannelGates
    from stackyard.model.lock import LockSet
    from stackyard.model.places import OtherRegistry
    from stackyard.model.timeout import Timeout


class Finding(msgspec.Struct, frozen=True):
    """Something a person should know about the stack's files: where, what, what to do. `code` never changes."""

    code: str
    level: Literal["error", "warning", "notice"]
    sentence: str
    path: str
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    found: str | None = None
    """What stands there; None where that is no text, or a secret."""
    wanted: str | None = None
    """What should stand there instead, as far as that can be said."""

    @classmethod
    def of(cls, code: str, problem: FileProblem) -> Finding:
        """The problem of a file as an error finding: what one file has wrong does not keep others from being read."""
        facts = problem.facts
        line, column = facts["line"], facts["column"]
        found, wanted = facts.get("found"), facts.get("wanted")
        return cls(
            code,
            "error",
            str(facts["problem"]),
            str(facts["path"]),
            line if isinstance(line, int) else None,
            column if isinstance(column, int) else None,
            problem.hint,
            found if isinstance(found, str) else None,
            wanted if isinstance(wanted, str) else None,
        )

    def __str__(self) -> str:
        places = (self.path, self.line, self.column if self.line is not None else None)
        return f"{':'.join(str(place) for place in places if place is not None)}: {self.sentence}"


class Command(msgspec.Struct, frozen=True):
    """A command whose output belongs in the inventory; split like a shell splits words, run without one."""

    name: str
    description: str
    command: str
    is_optional: bool = False
    """Whether it may fail."""


class GivenArgument(msgspec.Struct, frozen=True):
    """A build argument of the caller: for what a word names, or for all."""

    image: str | None
    name: str
    value: str


class GivenBase(msgspec.Struct, frozen=True):
    """What the caller wants to be built on something else: an image, a version, a pattern, a group."""

    image: str
    reference: Reference


class StampFile(msgspec.Struct, frozen=True):
    """Where the stamps of an image's versions are kept, for readers outside this stack: all the same, or none new."""

    image: ImageName
    path: str
    """Relative to the repository's root; the file need not be there yet."""
    targets: tuple[TargetName, ...]
    """The image's whole version matrix."""
    stamps: tuple[tuple[str, str], ...] = ()
    """What it says now, stale versions included."""


class ParentUse(msgspec.Struct, frozen=True):
    """A parent, and each reference by which the Dockerfile names it once variables are replaced."""

    target: TargetName
    references: tuple[Reference, ...]


class TagTemplates(msgspec.Struct, frozen=True):
    """Tags a target gets: `{prefix} {branch} {commit} {version} {image} {stamp}` are replaced."""

    fixed: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    default_branch: tuple[str, ...] = ()
    """Moving tags that only the default branch gives: `latest`."""


class Staging(msgspec.Struct, frozen=True):
    """A build context that is put together from several places; all paths relative, none leads through a link."""

    roots: tuple[str, ...]
    """What is declared to be put there, relative to the stack's root."""
    files: tuple[tuple[str, str], ...]
    """Each file, link and empty folder of the whole context, the folder's own too: where it is, relative to
    the stack's root, and where it goes, relative to the build context. Sorted by the latter."""


class Secret(NamedTuple):
    """What a mount of a build gets, by its id: named here, and read when an image is built. Its value is no input."""

    id: str
    env: str = ""
    """A variable of the environment: its value is the secret, or for ssh the agent's socket."""
    file: str = ""
    """Else a file: relative to the stack's root, absolute, or with `~`."""


class Target(msgspec.Struct, frozen=True):
    """One image at one version: the node of the graph."""

    name: TargetName
    repository: Repository
    context: str
    """Build context: folder relative to the repository's root."""
    dockerfile: str
    """Relative to the repository's root."""
    reading: Reading
    """What `inputs` and suites are asked of."""
    args: tuple[tuple[str, str], ...] = ()
    """All build arguments that are passed, in order, values as they are: never printed, never recorded."""
    parents: tuple[ParentUse, ...] = ()
    foundation: TargetName | None = None
    """The parent whose layers the image's own stand on: the base of the last stage, if the stack makes it."""
    bases: tuple[Reference, ...] = ()
    """External bases as the Dockerfile names them once variables are replaced, file order."""
    given_base: tuple[Reference, tuple[Reference, ...]] | None = None
    """The base that a caller gave, which is one of `bases`, and what the Dockerfile calls it."""
    frontend: Reference | None = None
    """The image that translates the Dockerfile (`# syntax=`); it is a base for fingerprints, and none for pins."""
    downloads: tuple[str, ...] = ()
    """Addresses of ADD that do not say what must come, as `inputs` have them."""
    locks: tuple[str, ...] = ()
    """Lock files that are in no build context, relative to the stack's root."""
    commands: tuple[Command, ...] = ()
    templates: TagTemplates = TagTemplates()
    variables: tuple[tuple[str, str], ...] = ()
    """Values for templates beside those of git: prefix, version, image, stable, the stack's own."""
    skip: str | None = None
    """Why it is left alone, where the stack says so; children then build on its last build."""
    spots: Spots = {}
    """Where its files say what: `("entry",)`, `("image",)`, `("args", NAME)`, `("depend_on", NAME)` and the like."""
    needs: str | None = None
    """What building it takes that this machine is not: `Windows`."""
    platforms: tuple[Platform, ...] = ()
    """What the spec says it is for, one or several; none: it says nothing, and this machine's own is meant."""
    max_age: Age | None = None
    """How old its newest build may become."""
    timeout: Timeout | None = None
    """How long its build, and each of its suites, may take."""
    retries: int = 0
    """How often a build that failed is tried again."""
    may_fail: bool = False
    """Whether a run is good without it."""
    prune: bool = False
    """Whether the engine lets go of it once it is published and all that builds on it is done."""
    secrets: tuple[Secret, ...] = ()
    """What `RUN --mount=type=secret` may get."""
    ssh: tuple[Secret, ...] = ()
    """The same for `type=ssh`."""
    staging: Staging | None = None
    """How the build context is put together, where it is more than the folder."""

    @property
    def inputs(self) -> Inputs:
        """What it is made of."""
        return self.reading.details.inputs

    @property
    def suites(self) -> tuple[Suite, ...]:
        """What must pass before it is published."""
        return self.reading.details.suites

    @property
    def checks(self) -> tuple[Check, ...]:
        """What its suite `checks` looks at."""
        return self.reading.details.checks

    @property
    def every_suite(self) -> tuple[Suite, ...]:
        """Also those that only a person runs."""
        return self.suites + self.reading.details.more_suites

    def with_inputs(self, inputs: Inputs) -> Target:
        """The same made of something else."""
        details = msgspec.structs.replace(self.reading.details, inputs=inputs)
        return msgspec.structs.replace(self, reading=Reading.of(details))

    def with_suites(self, suites: tuple[Suite, ...], checks: tuple[Check, ...] | None = None) -> Target:
        """The same looked at by others; by its own checks, where none are given."""
        kept = self.checks if checks is None else checks
        details = msgspec.structs.replace(self.reading.details, suites=suites, checks=kept)
        return msgspec.structs.replace(self, reading=Reading.of(details))

    @property
    def counted_parents(self) -> tuple[TargetName, ...]:
        """Its parents as its inputs have them, which need not be read for that."""
        return tuple(sorted(self.parent_names))

    @property
    def counted_bases(self) -> tuple[str, ...]:
        """Canonical references of its external bases, in the same way."""
        return tuple(sorted({base.canonical for base in self.external}))

    @property
    def counted_paths(self) -> tuple[str, ...]:
        """Where the entries that count lie, relative to the stack's root."""
        places = self.places("")
        return tuple(places.of_entry(entry.path) for entry in self.inputs.context)

    def places(self, images_folder: str) -> Places:
        """Where its files lie."""
        elsewhere = {path: source for source, path in self.staging.files} if self.staging else {}
        return Places(self.dockerfile, posixpath.normpath(self.context), images_folder, elsewhere)

    def spot(self, *key: str) -> Spot:
        """Where something about it is said; else where it is listed; else its Dockerfile."""
        return self.spots.get(key) or self.spots.get(("entry",)) or Spot(self.dockerfile)

    @property
    def is_left_alone(self) -> bool:
        """Whether nobody builds it here: the stack says so, or it takes another machine."""
        return self.skip is not None or self.needs is not None

    @property
    def is_index(self) -> bool:
        """Whether it is no image of its own: it joins its parents, which are the same image for several platforms."""
        return len(self.platforms) > 1

    @property
    def external(self) -> tuple[Reference, ...]:
        """Every external base, the frontend last."""
        return (*self.bases, *([self.frontend] if self.frontend else []))

    @property
    def image(self) -> ImageName:
        """The image this is a version of."""
        return self.name.image

    @property
    def version(self) -> VersionName | None:
        """The version, None where the image has one only."""
        return self.name.version

    @property
    def parent_names(self) -> tuple[TargetName, ...]:
        """Names of the parents, in the Dockerfile's order."""
        return tuple([use.target for use in self.parents])


class Revision(msgspec.Struct, frozen=True):
    """Where in git's history the files are: what fixed and moving tags are made of."""

    commit: str
    branch: str | None
    """None on a detached head without CI's word for it."""
    is_dirty: bool
    """Whether files of the stack differ from the commit: such a build gets no fixed tag."""
    is_default: bool = False
    """Whether the branch is the repository's default one."""
    pull_request: str | None = None
    """The number of the pull request that CI builds."""
    base: str | None = None
    """The branch that it wants to go to."""
    stamp: str | None = None
    """When this command began, as tags have it; None where nobody looked at a clock."""


class Words(msgspec.Struct, frozen=True):
    """Words in a commit's message that CI's runs obey; none where they are off."""

    rebuild: tuple[str, ...] = ()
    """Everything is built anew."""
    skip: tuple[str, ...] = ()
    """Nothing is done."""
    skip_push: tuple[str, ...] = ()
    """Nothing is published."""


class Policy(msgspec.Struct, frozen=True):
    """What the stack's owner decided about runs."""

    branches: tuple[str, ...] | None = None
    """Patterns of the branches that publish; None: all of them."""
    pull_requests: bool = False
    """Whether the run of a pull request publishes, under a tag of its own."""
    words: Words = Words()
    plan_all: tuple[str, ...] = ()
    """Patterns of the branches on which CI plans every image."""
    rebuild_all: tuple[str, ...] = ()
    """Those on which it builds every image anew."""


class Retention(msgspec.Struct, frozen=True):
    """How much is kept, beside what is in use: what the stack's owner decided."""

    channels: int = 5
    """Sets of each channel, the one it stands at included."""
    days: int = 30
    """Whatever was built or published in the last so many days."""
    releases: int | None = None
    """The newest so many; None: all."""


class Stack(msgspec.Struct, frozen=True, dict=True):
    """All images of one repository, as read from disk."""

    name: str
    images_folder: str
    """Relative to the repository's root, posix."""
    targets: tuple[Target, ...]
    revision: Revision
    has_registry: bool
    """Whether repositories name a place to publish to."""
    names_registry: bool = False
    """Whether somebody wrote down which; else it is what a name without one means, or where the clone is from."""
    keeps_records: bool = False
    """Whether records stay on this machine, though there is a registry."""
    records_in: Repository | None = None
    """The one repository that has all records and the journal; None: each record is beside its image."""
    inventories: str = ""
    """What becomes of what is inside published images: `keep`, `attach` or `attach-by-tag`; empty: nobody looks."""
    stable: str | None = None
    """Template of the channel people mean by stable, where the stack declares one: `{prefix}-stable`."""
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Named sets of images and targets, for selecting."""
    stamp_files: tuple[StampFile, ...] = ()
    policy: Policy = Policy()
    gates: tuple[ChannelGates, ...] = ()
    """What channels ask for, beside the tests that their images have."""
    caching: Caching | None = None
    """Where builds take cached steps from, and leave them."""
    attesting: Attesting | None = None
    """What builds attest beside an image."""
    registries: tuple[OtherRegistry, ...] = ()
    """Where images are copied to."""
    engines: tuple[tuple[Platform, str], ...] = ()
    """Platforms that have an engine of their own, and which: a docker context, or an address."""
    locks: tuple[LockSet, ...] = ()
    """What is locked."""
    retention: Retention = Retention()
    """How much of what is old stays."""
    findings: tuple[Finding, ...] = ()
    tags_spot: Spot | None = None
    """Where it is said what tags are made of; None where no file says so."""
    dockerfiles: Mapping[str, Dockerfile] = {}
    """What each Dockerfile says, by its path; those that could not be read are left out."""

    @property
    def shares_records(self) -> bool:
        """Whether records are kept beside the published images."""
        return self.has_registry and not self.keeps_records

    @property
    def asks_others(self) -> bool:
        """Whether who knows nothing yet asks there what others built: where a registry is named, no other."""
        return self.shares_records and self.names_registry

    def dockerfile_of(self, target: Target) -> Dockerfile | None:
        """What the Dockerfile of a target says, up to its stage; None where it could not be read."""
        dockerfile = self.dockerfiles.get(target.dockerfile)
        if dockerfile is None or not target.inputs.stage:
            return dockerfile
        return dockerfile.until(target.inputs.stage)

    def target(self, name: TargetName) -> Target:
        """The target called `name`; KeyError if there is none."""
        return self._by_name[name]

    def engine_of(self, target: Target) -> str:
        """Where it is built and kept: what the engine of its platform is called, empty for the one of all others.

        What joins platforms is where the image is that has its names there: with the one engine if that makes any
        of them, else with the first.
        """
        where = dict(self.engines)
        if not target.is_index or not where:
            return where.get(Platform(target.inputs.platform), "") if where else ""
        found = [where.get(platform, "") for platform in target.platforms]
        return "" if "" in found else found[0]

    def parents_afar(self, target: Target) -> tuple[TargetName, ...]:
        """Parents that another engine than the target's own makes; an index only lists what is published anyway."""
        if not self.engines or target.is_index:
            return ()
        own = self.engine_of(target)
        return tuple(name for name in target.parent_names if self.engine_of(self.target(name)) != own)

    @functools.cached_property
    def _by_name(self) -> Mapping[TargetName, Target]:
        """Thousands are asked for one by one."""
        return {target.name: target for target in reversed(self.targets)}
