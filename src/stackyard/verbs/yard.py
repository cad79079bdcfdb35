# SPDX-License-Identifier: MIT
"""A stack with its records and its ways to the world outside: reading one, and what a caller may decide about it.

In:   a folder and Options
Out:  Yard
May touch: disk and git; engine and registry not before somebody uses them
Raises: StackyardError
Beside: verbs/__init__.py, whose verbs take a Yard
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stackyard.edges import git, machine
from stackyard.edges.clock import Clock, SystemClock
from stackyard.errors import NoHistory, StackyardError
from stackyard.later import compiled_later
from stackyard.load.tree.place import Place, find
from stackyard.model.ecr import Stamp
from stackyard.model.reference import Platform, Repository
from stackyard.model.stack import GivenArgument, GivenBase, Revision, Stack, Target
from stackyard.record.sqlite import SqliteRecords

if TYPE_CHECKING:
    from stackyard.edges.downloads import Downloads
    from stackyard.edges.engine import Engine
    from stackyard.edges.git_index import Look
    from stackyard.edges.registry import Registry
    from stackyard.load.stack import Settings
    from stackyard.model.ci import Ci
    from stackyard.model.inputs import Inputs
    from stackyard.model.known import Known, TagPlace
    from stackyard.model.names import Digest, TargetName
    from stackyard.model.surroundings import EngineChoice
    from stackyard.record.journal import Journal
    from stackyard.run.tags import TagStore

STATE_FOLDER = ".stackyard"
RECORDS_FILE = "records.sqlite3"
EVERY_PLATFORM = "all"
"""Whose accepted digests and records those are of a stack that says what it is for: every machine's."""


class Options(msgspec.Struct, frozen=True):
    """What a caller may decide about a stack as a whole."""

    ci: Ci | None = None
    """What CI says of its run; None: this is none."""
    registry: str | None = None
    """Publish below this registry, whatever the spec names."""
    images: str | None = None
    """The images folder, relative to where the stack is looked for; None: it is found."""
    platform: Platform | None = None
    """None: this machine's own."""
    account: str | None = None
    """The AWS account whose private registry images are in, where the spec names none."""
    region: str | None = None
    stamp: str | None = None
    """The stamp in tags of versions; None: now."""
    overwrite: str = ""
    """Why fixed tags that hold other images are moved all the same; empty: they are not."""
    build_args: tuple[GivenArgument, ...] = ()
    """Build arguments that win over those of the files."""
    bases: tuple[GivenBase, ...] = ()
    """What images are built on in place of what their Dockerfiles say."""
    needs_history: bool = True
    """Whether there has to be a commit; without one the files are still there to be looked at."""
    engine: EngineChoice = "auto"
    """Which engine builds."""
    builder: str = ""
    """The buildx builder that builds in place of docker's engine; empty: none."""
    may_pull: bool = False
    """Whether builds may fetch images that nobody planned."""
    environ: Mapping[str, str] = {}
    """What engine and registry are found with: DOCKER_HOST, DOCKER_CONFIG, proxies."""


class Yard:
    """A stack with its records and its ways to the world outside; engine and registry are reached when first used."""

    def __init__(
        self,
        place: Place,
        stack: Stack,
        records: SqliteRecords,
        options: Options,
        clock: Clock,
        make_engine: Callable[[Mapping[str, str]], Engine] | None = None,
        make_registry: Callable[[Mapping[str, str]], Registry] | None = None,
        unseen: git.Unseen = git.NOTHING_UNSEEN,
    ) -> None:
        self.place = place
        self.stack = stack
        self.records = records
        self.options = options
        self.clock = clock
        self.unseen = unseen
        """What lies on disk, and no commit has."""
        self._make_engine = make_engine
        self._make_registry = make_registry
        self._is_cut_off = False
        records.fetch = self._inputs_of
        self.planned_from: Known | None = None
        """What was known when a plan was prepared: a run tells by it what others did since."""
        self._tags: dict[TagPlace, TagStore] = {}
        self._others: dict[str, Engine] = {}
        self.journals: dict[TagPlace, Journal] = {}
        """Those that were opened: verbs/journaling."""
        self.keep: Callable[[], object] = lambda: None
        """Writes down what was read of a large repository: for who ends a command."""
        self.listener: Callable[[str], object] = lambda _: None
        """Gets a sentence when somebody else is waited for."""

    @property
    def root(self) -> Path:
        """The folder that holds the images folder."""
        return self.place.root

    def tell(self, sentence: str) -> None:
        """Say it to whoever listens."""
        self.listener(sentence)

    @property
    def state(self) -> Path:
        """Where records and logs are."""
        return self.root / STATE_FOLDER

    @cached_property
    def token(self) -> str:
        """What everything is named by that a run of this yard makes and removes."""
        return machine.token(self.root)

    @cached_property
    def environ(self) -> Mapping[str, str]:
        """What programs of a run get."""
        from stackyard.edges.traces import VARIABLE

        return {**self.options.environ, VARIABLE: self.token}

    @cached_property
    def engine(self) -> Engine:
        """The engine; EngineUnavailable when it is first used and nobody answers."""
        if self._make_engine is not None:
            return self._make_engine(self.environ)
        from stackyard.edges.engines import open_engine

        return open_engine(self.environ, self.options.engine, self.options.builder)

    def engine_for(self, platform: str) -> Engine:
        """The engine that builds for a platform: one of its own where the stack names one."""
        return self.engine_at(dict(self.stack.engines).get(Platform(platform), ""))

    def engine_at(self, where: str) -> Engine:
        """The engine that the stack names so; empty: the one for all that names none."""
        if not where:
            return self.engine
        if where not in self._others:
            from stackyard.edges.docker_context import pointed_at
            from stackyard.edges.engines import open_engine

            make = self._make_engine or (lambda environ: open_engine(environ, "docker"))
            self._others[where] = make(pointed_at(self.environ, where))
        return self._others[where]

    def engines_for(self, targets: Iterable[TargetName]) -> dict[str, Engine]:
        """Engines beside the one, by where they are, as far as these targets need them."""
        needed = {self.stack.engine_of(self.stack.target(name)) for name in targets} if self.stack.engines else ()
        return {where: self.engine_at(where) for _, where in self.stack.engines if where in needed}

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Every engine that images of this stack may be in: the one, and those that the stack names."""
        return tuple(map(self.engine_at, dict.fromkeys(("", *(where for _, where in self.stack.engines)))))

    def _keeping(self, repository: Repository) -> tuple[Engine, ...]:
        """Where images of a repository have their names, without a registry."""
        targets = self.stack.targets if self.stack.engines else ()
        named = [target for target in targets if target.repository == repository and target.name.platform is None]
        return tuple(map(self.engine_at, dict.fromkeys(map(self.stack.engine_of, named)))) or (self.engine,)

    @cached_property
    def registry(self) -> Registry:
        """All registries."""
        if self._make_registry is not None:
            return self._make_registry(self.options.environ)
        from stackyard.edges.oci import OciRegistry

        return OciRegistry(self.options.environ)

    @cached_property
    def downloads(self) -> Downloads:
        """What addresses give."""
        from stackyard.edges.downloads import Downloads

        return Downloads(self.options.environ)

    def _inputs_of(self, repository: Repository, digest: Digest) -> Inputs | None:
        """What a record from beside an image was made from; who cannot be reached is not asked for every image."""
        if self._is_cut_off:
            return None
        from stackyard.record.artifacts import read_inputs  # for few plans

        try:
            return read_inputs(self.registry, repository, digest)
        except StackyardError:
            self._is_cut_off = True
            return None

    def tags(self, place: TagPlace) -> TagStore:
        """Where tags of this stack are moved."""
        from stackyard.run.tags import EngineTags, RegistryTags

        if place not in self._tags:
            self._tags[place] = RegistryTags(self.registry) if place == "registry" else EngineTags(self._keeping)
        return self._tags[place]


def load(
    start: Path,
    options: Options | None = None,
    clock: Clock | None = None,
    make_engine: Callable[[Mapping[str, str]], Engine] | None = None,
    make_registry: Callable[[Mapping[str, str]], Registry] | None = None,
    look: Look | None = None,
    is_brief: bool = False,
) -> Yard:
    """Read the stack that `start` lies in. Touches disk and git only.

    Args:
        look: git, if it was asked already what lies on disk.
        is_brief: whether no more is asked than what a table of a plan shows.
    """
    options = options or Options()
    place = find(start, options.images)
    there, memory, status, state = place, None, None, place.root / STATE_FOLDER
    if git.has_many_files(place.root):
        from stackyard.verbs.snapshot import keep, memory_for, snapshot_of

        there, status = snapshot_of(place, state, look, is_named=options.images is not None) or (place, None)
        is_looking = is_brief and not (state / RECORDS_FILE).exists()  # with records all is compared
        memory = memory_for(state, is_given=bool(options.build_args), reads_later=is_looking)
    with git.status_begun(place.root, place.images, status) as asked:
        with compiled_later():
            from stackyard.load.stack import load_stack  # while git looks at the disk
        revision, status = _seen(place, options, asked)
    clock = clock or SystemClock()
    revision = msgspec.structs.replace(revision, stamp=stamp_of(options, clock))
    settings = settings_for(place, options)
    stack = load_stack(there, revision, settings, memory=memory)
    is_changed, unseen = _outside(place, stack)
    if is_changed and not revision.is_dirty:
        stack = load_stack(there, msgspec.structs.replace(revision, is_dirty=True), settings, memory=memory)
    unseen = git.unseen_in(status, place.root) + unseen
    platform = EVERY_PLATFORM if any(target.platforms for target in stack.targets) else settings.platform
    records = SqliteRecords(state / RECORDS_FILE, platform)
    yard = Yard(place, stack, records, options, clock, make_engine, make_registry, unseen)
    if memory is not None:
        yard.keep = partial(keep, state, memory)
    return yard


def stamp_of(options: Options, clock: Clock) -> str:
    """The stamp of the run that begins now: one for all that it tags."""
    return options.stamp or Stamp.at(datetime.fromisoformat(clock.now()))


def is_large(start: Path, options: Options) -> bool:
    """Whether the stack that `start` lies in is in a repository of thousands of files; no process is started."""
    try:
        return git.has_many_files(find(start, options.images).root)
    except StackyardError:
        return False


def settings_for(place: Place, options: Options) -> Settings:
    """What reading a stack needs of what the caller decided."""
    from stackyard.load.stack import Settings

    return Settings(
        options.platform or machine.native_platform(),
        options.registry,
        options.account,
        options.region,
        options.build_args,
        options.bases,
        options.environ,
        find_remote=cache(lambda: git.remote(place.root)),
    )


def words(start: Path, options: Options | None = None) -> tuple[str, ...]:
    """What commands can name in the stack that `start` lies in; reads the files that list images, and no more."""
    from stackyard.load.stack import read_names
    from stackyard.model.selectors import selectable

    return selectable(*read_names(find(start, (options or Options()).images)))


def images(start: Path, options: Options | None = None) -> tuple[str, ...]:
    """Names of the images, read in the same way."""
    from stackyard.load.stack import read_names

    names, _ = read_names(find(start, (options or Options()).images))
    return tuple(dict.fromkeys(str(name.image) for name in names))


def revision_of(place: Place, options: Options, status: str | None = None) -> Revision:
    """What git says of the files, and CI of the branch; nothing, for who does not need it.

    Args:
        status: what git said already, if it was asked.
    """
    if options.ci is None:
        branch = None
    else:
        from stackyard.model.ci import as_ci_says

        branch = options.ci.branch
    try:
        revision = git.revision(place.root, place.images, branch, status)
        return revision if options.ci is None else as_ci_says(revision, options.ci)
    except NoHistory:
        if options.needs_history:
            raise
        return Revision("0" * 40, branch, is_dirty=True)


def _seen(place: Place, options: Options, asked: Callable[[], str]) -> tuple[Revision, str]:
    """The revision, and the status that it comes of; an empty one where there is none and nobody needs it."""
    try:
        status = asked()
    except NoHistory:
        if options.needs_history:
            raise
        status = ""
    return revision_of(place, options, status), status


def _outside(place: Place, stack: Stack) -> tuple[bool, git.Unseen]:
    """Whether files that images are made from, and that lie outside the images folder, differ from the commit; and
    which of these none has."""
    inside = f"{place.path()}/"
    outside = [
        target
        for target in stack.targets
        if place.images != "." and not all(f"{path}/".startswith(inside) for path in _places(target))
    ]
    if not outside:
        return False, git.NOTHING_UNSEEN
    counts = {path for target in outside for path in (*target.counted_paths, target.dockerfile, *_locks(target))}
    return git.outside_of(place.root, sorted({path for target in outside for path in _places(target)}), counts)


def _places(target: Target) -> tuple[str, ...]:
    """Files and folders that a target is made from."""
    return (target.context, target.dockerfile, *(target.staging.roots if target.staging else ()), *_locks(target))


def _locks(target: Target) -> tuple[str, ...]:
    """Lock files that are in no build context."""
    return target.locks


def path_in_repository(yard: Yard) -> str:
    """Where the stack lies below the top of its repository; empty for the top."""
    return git.path_in_repository(yard.root)
