# SPDX-License-Identifier: MIT
"""Images to another registry: what would go there under which tags, and bringing it.

In:   a Yard, what is copied and where
Out:  Copying, to be shown; Travelled, what went
May touch: both registries, records; planning only asks
Raises: ConfigError, WorldError, TagConflict; StackyardError of a registry
Why:  docs/how-to/copy-to-another-registry.md
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from stackyard.check.findings import refuse_errors
from stackyard.edges.copying import copy_image
from stackyard.errors import NothingToDo
from stackyard.load.stack import load_stack
from stackyard.model.elsewhere import LATEST, Copying, CopyOf, Destination, Travelled
from stackyard.model.names import Tag
from stackyard.model.reference import Repository
from stackyard.plan.channels import find_sources
from stackyard.plan.copying import chosen_for, copies_of, place_called, plan_copy, tags_for
from stackyard.plan.releases import find_release
from stackyard.verbs.journaling import finish_moves, journal_of
from stackyard.verbs.sharing import sync_once
from stackyard.verbs.yard import settings_for

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard

IMAGES_AT_ONCE = 4
CONNECTIONS = 8


def plan_copying(
    yard: Yard, source: str, to: str, images: Sequence[str] = (), tags: Sequence[str] = (), is_latest: bool = False
) -> Copying:
    """What copying `source` (a tag, a commit, a release) to a registry would do; nothing is copied yet.

    Args:
        to: what the spec calls it, or its address.
        tags: what it is called there; a tag that was named keeps its name.
        is_latest: it is `latest` there, too.
    """
    refuse_errors(yard.stack)
    sync_once(yard)
    finish_moves(yard, "registry")
    place, known = place_called(yard.stack, to), yard.records.known()
    selected = chosen_for(yard.stack, place, images)
    release = find_release(yard.records.releases(), source)
    sources = find_sources(yard.stack, known, source, selected, "registry", release, verb="copy")
    settings = settings_for(yard.place, msgspec.structs.replace(yard.options, registry=place.registry))
    elsewhere = load_stack(yard.place, yard.stack.revision, settings)
    copies = copies_of(sources, {target.name: target.repository for target in elsewhere.targets})
    wanted = tags_for(yard.stack, sources, tags)
    asked: dict[Repository, set[Tag]] = {}
    for copy in copies:
        asked.setdefault(copy.to, set()).update(wanted[copy.target], [LATEST] if is_latest else [])
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        there = dict(pool.map(lambda each: (each[0], _destination(yard, each[0], each[1], is_latest)), asked.items()))
    now = yard.clock.now()
    return plan_copy(yard.stack, known, source, place, sources, copies, wanted, there, is_latest, now)


def _destination(yard: Yard, repository: Repository, tags: set[Tag], is_listed: bool) -> Destination:
    found = {tag: yard.registry.resolve(repository, tag) for tag in sorted(tags)}
    return Destination(found, yard.registry.list_tags(repository) if is_listed else ())


def copy(yard: Yard, copying: Copying) -> tuple[Copying, Travelled]:
    """Bring every image, under its content tag; then, when all are there, all other tags or none of them.

    What was copied before somebody ended it is there already the next time.
    """
    from stackyard.run.tagging import carry_out

    with ThreadPoolExecutor(IMAGES_AT_ONCE) as pool:
        travelled = sum(pool.map(lambda each: _bring(yard, each), copying.images), Travelled())
    done = carry_out(copying.moves, yard.tags("registry"), journal_of(yard, "registry"))
    return msgspec.structs.replace(copying, moves=done), travelled


def _bring(yard: Yard, each: CopyOf) -> Travelled:
    registry, digest = yard.registry, each.source.digest
    travelled = copy_image(registry, each.source.repository, digest, each.to)
    if registry.resolve(each.to, each.content_tag) != digest:
        manifest = registry.manifest(each.to, digest)
        if manifest is None:
            raise NothingToDo(f"{each.to}@{digest} was copied, and is not there", hint="copy again")
        registry.put(each.to, each.content_tag, manifest)
    return travelled
