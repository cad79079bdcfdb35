# SPDX-License-Identifier: MIT
"""Where tags are, and where each points: an engine's own store, or the registries.

In:   an Engine, or a Registry
Out:  a TagStore; digests
May touch: the engine, or the registry
Raises: as these; WorldError for content that is not there
Used by: run/tagging (moves many), run/publish (puts fixed ones), verbs that plan moves
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from stackyard.edges.engine import Engine
from stackyard.edges.registry import Manifest, Registry
from stackyard.errors import WorldError
from stackyard.model.moves import TagMove
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import LocalImage, Reference, Repository

CONNECTIONS = 8
"""So many tags are looked at or moved at a time."""

T = TypeVar("T")
R = TypeVar("R")


class TagStore(Protocol):
    """Where tags are: an engine's own store, or the registries."""

    is_shared: bool
    """Whether other machines move tags there: what was put is looked at when all is."""
    connections: int
    """So many tags are looked at or moved at a time."""

    def refuse_reader(self, repository: Repository) -> None:
        """An error where we may not move tags."""

    def ready(self, repository: Repository, digest: Digest) -> None:
        """Make `put` need nothing more; an error where there is no such content."""

    def resolve(self, repository: Repository, tag: Tag) -> Digest | None:
        """What the tag points at now."""

    def read(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """As `resolve`, also for what is there without a tag; it is then ready for `put`."""

    def bytes_of(self, repository: Repository, digest: Digest) -> Manifest | None:
        """The manifest itself, where the place has such: an engine has none."""

    def keep(self, repository: Repository, manifest: Manifest) -> None:
        """Have a manifest ready that is known from elsewhere."""

    def put(self, repository: Repository, tag: Tag, digest: Digest, *, is_read_back: bool = True) -> None:
        """Point the tag at content that is there; `is_read_back`: and look whether it does."""

    def remove(self, repository: Repository, tag: Tag) -> bool:
        """Take the tag away; False where that cannot be done."""


class EngineTags:
    """Tags in engines' own stores: they point at local ids."""

    is_shared = False
    connections = CONNECTIONS

    def __init__(self, engines: Callable[[Repository], Sequence[Engine]]) -> None:
        self._engines = engines
        """Those that keep images of a repository: one, unless its versions are for platforms of different ones."""

    def refuse_reader(self, repository: Repository) -> None:
        """Who may ask an engine may do everything."""

    def ready(self, repository: Repository, digest: Digest) -> None:
        """One inspect."""
        if self.read(repository, digest) is None:
            raise WorldError(
                f"the engine has no image {digest.short}, so no tag of {repository} can point at it",
                hint="stackyard build makes it, or fetches it",
            )

    def resolve(self, repository: Repository, tag: Tag) -> Digest | None:
        """One inspect."""
        return self.read(repository, tag)

    def read(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """One inspect: an engine needs nothing more."""
        name = tag if isinstance(tag, Digest) else str(Reference(repository, tag))
        found = (engine.inspect(name) for engine in self._engines(repository))
        return next((facts.image.id for facts in found if facts), None)

    def bytes_of(self, repository: Repository, digest: Digest) -> None:
        """None: in an engine an image is known by its id."""

    def keep(self, repository: Repository, manifest: Manifest) -> None:
        """Nothing."""

    def put(
        self,
        repository: Repository,
        tag: Tag,
        digest: Digest,
        *,
        is_read_back: bool = True,  # noqa: ARG002 - an engine's word suffices
    ) -> None:
        """One request."""
        first, *more = self._engines(repository)
        holders = (engine for engine in (first, *more) if not more or engine.inspect(digest) is not None)
        next(holders, first).tag(LocalImage(digest), Reference(repository, tag))

    def remove(self, repository: Repository, tag: Tag) -> bool:
        """One request."""
        name, engines = Reference(repository, tag), self._engines(repository)
        for engine in engines:
            if len(engines) == 1 or engine.inspect(str(name)) is not None:
                engine.untag(name)
        return True


class RegistryTags:
    """Tags in registries: they point at manifest digests. No blob travels."""

    is_shared = True

    def __init__(self, registry: Registry, connections: int = CONNECTIONS) -> None:
        self._registry = registry
        self.connections = connections
        self._kept: dict[tuple[Repository, Digest], Manifest] = {}

    def resolve(self, repository: Repository, tag: Tag) -> Digest | None:
        """One HEAD."""
        return self._registry.resolve(repository, tag)

    def read(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """One GET; the bytes are kept, so that putting them under another tag needs none."""
        manifest = self._registry.manifest(repository, tag)
        if manifest is None:
            return None
        self.keep(repository, manifest)
        return manifest.digest

    def keep(self, repository: Repository, manifest: Manifest) -> None:
        """Bytes in memory."""
        self._kept[repository, manifest.digest] = manifest

    def bytes_of(self, repository: Repository, digest: Digest) -> Manifest | None:
        """What was read before, else one GET."""
        if (repository, digest) not in self._kept:
            self.read(repository, digest)
        return self._kept.get((repository, digest))

    def refuse_reader(self, repository: Repository) -> None:
        """Two requests."""
        self._registry.refuse_reader(repository)

    def ready(self, repository: Repository, digest: Digest) -> None:
        """GET the manifest, unless it was read."""
        self._manifest(repository, digest)

    def put(self, repository: Repository, tag: Tag, digest: Digest, *, is_read_back: bool = True) -> None:
        """GET the manifest, unless it was read; PUT the same bytes under the tag, and HEAD it."""
        self._registry.put(repository, tag, self._manifest(repository, digest), is_read_back=is_read_back)

    def _manifest(self, repository: Repository, digest: Digest) -> Manifest:
        manifest = self.bytes_of(repository, digest)
        if manifest is None:
            raise WorldError(
                f"{repository}@{digest} is not in the registry, so no tag can point at it",
                hint="stackyard push publishes what is built and tested",
            )
        return manifest

    def remove(self, repository: Repository, tag: Tag) -> bool:
        """One DELETE of the tag; registries may refuse."""
        return self._registry.untag(repository, tag)


def each(store: TagStore, do: Callable[[T], R], several: Sequence[T]) -> list[R]:
    """As many at a time as the store takes; what the first of them raised that failed."""
    with ThreadPoolExecutor(store.connections) as pool:
        return list(pool.map(do, several))


def looked(store: TagStore, moves: Sequence[TagMove]) -> list[Digest | None]:
    """Where each tag is now."""
    return each(store, lambda move: store.resolve(move.repository, move.tag), moves)


def asked(
    store: TagStore, wanted: Sequence[tuple[Repository, Tag | Digest, bool]]
) -> dict[tuple[Repository, Tag | Digest], Digest | None]:
    """Where tags are; what comes with True is made ready to be put elsewhere."""

    def ask(one: tuple[Repository, Tag | Digest, bool]) -> Digest | None:
        repository, tag, is_source = one
        return store.read(repository, tag) if is_source or isinstance(tag, Digest) else store.resolve(repository, tag)

    answers = each(store, ask, wanted)
    return {(repository, tag): answer for (repository, tag, _), answer in zip(wanted, answers, strict=True)}
