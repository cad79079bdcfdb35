# SPDX-License-Identifier: MIT
"""What a spec.yml says, whatever its dialect: values that the rest of `load` works with.

Out:  Spec, its plans and its images, all in file order
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from stackyard.load.spec.policy import SpecPolicy
from stackyard.model.ecr import Account, Region
from stackyard.model.names import ImageName, VersionName
from stackyard.model.reference import Platform
from stackyard.model.spot import Spot, Spots
from stackyard.model.stack import Command, Retention, Secret, TagTemplates

if TYPE_CHECKING:
    from stackyard.load.spec.checks import SpecChecks
    from stackyard.load.spec.locks import SpecLock
    from stackyard.load.spec.versions import VersionsFile
    from stackyard.load.tree.staging import FilesEntry
    from stackyard.model.age import Age
    from stackyard.model.attesting import Attesting
    from stackyard.model.caching import Caching
    from stackyard.model.gates import ChannelGates
    from stackyard.model.places import OtherRegistry
    from stackyard.model.timeout import Timeout

STABLE = "-stable"
BASE_IMAGE = "BASE_IMAGE"
"""The argument that a `base_image` of versions.yaml sets."""


class RecordsPlace(msgspec.Struct, frozen=True):
    """Where a stack's records are kept."""

    is_local: bool = False
    """On this machine only."""
    repository: str = ""
    """In this one, named as images are; empty: each beside its image."""


class SpecPlan(msgspec.Struct, frozen=True):
    """One way to build the images; the unnamed one of a file without plans has no name."""

    name: VersionName | None
    prefix: str | None
    stable: str
    """What a stable tag ends in."""
    templates: TagTemplates
    line: int
    vars: tuple[tuple[str, str], ...] = ()


class SpecTests(msgspec.Struct, frozen=True):
    """How tests run; None: as is said above, or not at all."""

    max_age: Age | None = None
    inherit: bool | None = None
    parallel: bool | None = None

    def below(self, above: SpecTests) -> SpecTests:
        """With what is said above where nothing is said here."""
        if self is above or above == _NO_TESTS:
            return self
        values = {name: getattr(above, name) if (v := getattr(self, name)) is None else v for name in _OF_TESTS}
        return SpecTests(**values)


_NO_TESTS = SpecTests()
_OF_TESTS = ("max_age", "inherit", "parallel")


class SpecImage(msgspec.Struct, frozen=True):
    """One entry of `images:`."""

    name: ImageName
    line: int | None
    """None for an image that no file lists."""
    image_name: str | None = None
    depend_on: tuple[str, ...] = ()
    args: tuple[tuple[str, str], ...] = ()
    """Build arguments of every plan."""
    plan_args: tuple[tuple[VersionName, tuple[tuple[str, str], ...]], ...] = ()
    """Those of one plan, which win."""
    skip_plans: tuple[VersionName, ...] = ()
    info_cmds: tuple[str, ...] = ()
    integration_tests: bool = False
    skip: str | None = None
    """Why the image is left alone; None: it is not."""
    vars: tuple[tuple[str, str], ...] = ()
    dockerfile: str | None = None
    """Relative to the stack's root; None: in the image's folder."""
    context: str | None = None
    """Build context, relative to the stack's root; None: the Dockerfile's folder."""
    versions: VersionsFile | None = None
    """Versions of its own, in its entry."""
    files: tuple[FilesEntry, ...] = ()
    """What its build context gets from elsewhere."""
    stage: str | None = None
    """The stage that is the image; None: the last."""
    network: str = ""
    """Empty: as the stack says, like `granularity`."""
    granularity: str | None = None
    max_age: Age | None = None
    """None: the stack's, like `timeout`."""
    timeout: Timeout | None = None
    retries: int = 0
    """How often a build that failed is tried again."""
    may_fail: bool = False
    """Whether a run is good without it."""
    prune: bool = False
    """Whether the engine lets go of it once it is published."""
    platforms: tuple[Platform, ...] = ()
    """What it is built for; none: as the stack says."""
    only_on: tuple[Platform, ...] = ()
    """Platforms that it can be built for; none: all."""
    only_if: tuple[str, ...] = ()
    """Variables of the environment that it cannot be built without."""
    secrets: tuple[Secret, ...] = ()
    ssh: tuple[Secret, ...] = ()
    checks: SpecChecks | None = None
    """What it has to be like, beside what the stack asks of all."""
    tests: SpecTests = SpecTests()
    lock: SpecLock | None = None
    """Its dependencies that are locked."""
    spots: Spots = {}
    """Where its file says what: `("image",)`, `("args", NAME)`, `("depend_on", NAME)` and the like."""

    def args_for(self, plan: SpecPlan) -> tuple[tuple[str, str], ...]:
        """Build arguments for one plan, in file order; a later value of a name takes the earlier one's place."""
        if not self.plan_args:
            return self.args
        merged = dict(self.args)
        merged.update(next((args for name, args in self.plan_args if name == plan.name), ()))
        return tuple(merged.items())


class Ecr(msgspec.Struct, frozen=True):
    """The private registry of an AWS account, as far as the file says which."""

    account: Account | None = None
    region: Region | None = None


class Spec(msgspec.Struct, frozen=True):
    """A whole spec.yml, images and plans in file order."""

    path: str
    name: str | None
    registry: str | None
    source: str | None
    """Address of the stack's files."""
    plans: tuple[SpecPlan, ...]
    images: tuple[SpecImage, ...]
    commands: tuple[Command, ...]
    vars: tuple[tuple[str, str], ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Named sets of images, for selecting."""
    build_args: tuple[tuple[str, str], ...] = ()
    """Arguments that every image gets."""
    ecr: Ecr | None = None
    policy: SpecPolicy = SpecPolicy()
    """What it says of runs."""
    files: tuple[tuple[str, Spot, tuple[FilesEntry, ...]], ...] = ()
    """What build contexts get from elsewhere, by image and with its place: for images without an entry too."""
    network: str = ""
    """Network of RUN; empty: the engine's default."""
    granularity: str | None = None
    """Which files of a build context count: `folder`, `copied`; None: by where it is."""
    platforms: tuple[Platform, ...] = ()
    """What images are built for; none: this machine's own."""
    engines: tuple[tuple[Platform, str], ...] = ()
    """What builds for a platform, where that is not the one engine: a docker context, or an address."""
    records: RecordsPlace = RecordsPlace()
    inventories: str | None = None
    """`keep`, `attach` or `attach-by-tag`; None: nobody looks into what is published."""
    max_age: Age | None = None
    """How old each image may become."""
    timeout: Timeout | None = None
    """How long each build and each suite may take."""
    secrets: tuple[Secret, ...] = ()
    """What the builds of all images may mount."""
    caching: Caching | None = None
    attesting: Attesting | None = None
    gates: tuple[ChannelGates, ...] = ()
    """What channels ask for."""
    registries: tuple[OtherRegistry, ...] = ()
    """Where images are copied to."""
    retention: Retention = Retention()
    """How much of what is old stays."""
    checks: SpecChecks | None = None
    """What every image has to be like."""
    tests: SpecTests = SpecTests()
    ssh: tuple[Secret, ...] = ()
    locks: tuple[SpecLock, ...] = ()
    """Sets that are locked; those of images are in their entries."""
    spots: Spots = {}
    """Where the file says what: `("args", NAME)`, `("tags",)` for what tags are made of, `("images",)` for none."""


def unnamed_plan(prefix: str | None = None, templates: TagTemplates | None = None, line: int = 1) -> SpecPlan:
    """The one plan of a stack that names none: both a fixed and a moving tag from day one.

    Without a prefix there is `latest` too, on the default branch: what `docker pull` asks for.
    """
    lead = "{prefix}-" if prefix else ""
    both = TagTemplates((lead + "{commit}",), (lead + "{branch}",), () if prefix else ("latest",))
    return SpecPlan(None, prefix, STABLE, templates or both, line)
