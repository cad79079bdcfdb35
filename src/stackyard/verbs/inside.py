# SPDX-License-Identifier: MIT
"""What is inside images: kept inventories, or those read from an image's layers and kept.

In:   a Yard, a name
Out:  Inside
May touch: records; the engine's store and registries, which are only read
Raises: StackyardError: UnknownName for what is no image
Why: docs/explanation/inventories.md
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from stackyard.errors import (
    EngineProblem,
    InvalidValue,
    NothingToDo,
    RegistryProblem,
    StackyardError,
    ToolMissing,
    UnknownName,
)
from stackyard.inside.inventory import inventory_of
from stackyard.inside.layers import read_layer
from stackyard.model import canonical
from stackyard.model.content import content_digest
from stackyard.model.inside import Inside, Subject
from stackyard.model.inventory import Inventory
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Pushed
from stackyard.model.reference import Platform, Reference
from stackyard.plan.inside import lineage, subjects
from stackyard.verbs.resolving import resolved_dockerfile
from stackyard.verbs.showing import looking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackyard.model.content import ImageFacts
    from stackyard.model.record import Record
    from stackyard.model.reference import Repository
    from stackyard.verbs.yard import Yard

_CONNECTIONS = 8


def inside(yard: Yard, asked: str, *, is_fresh: bool = False) -> tuple[Inside, ...]:
    """What is inside the images that a name stands for.

    Args:
        is_fresh: read them, whatever is kept.
    """
    return told(yard, subjects_of(yard, asked), is_fresh=is_fresh)


def told(yard: Yard, subjects: Iterable[Subject], *, is_fresh: bool = False) -> tuple[Inside, ...]:
    """What is inside these images."""
    known = yard.records.known()

    def layers(content: Digest) -> int | None:
        kept = yard.records.inventory(content)
        return len(kept.layers) if kept else None

    found = []
    for subject in subjects:
        inventory = inventory_for(yard, subject, is_fresh=is_fresh)
        below = lineage(yard.stack, known, subject.record, layers)
        found.append(Inside(subject, inventory, below, resolved_dockerfile(yard, known, subject.record)))
    return tuple(found)


def subjects_of(yard: Yard, asked: str) -> tuple[Subject, ...]:
    """The images that a name stands for: by the records, or any other by its whole reference.

    What nobody here knows is asked of others once, where records are shared.
    """
    try:
        return subjects(looking(yard), asked)
    except (UnknownName, InvalidValue, NothingToDo) as problem:
        if not isinstance(problem, NothingToDo) and _is_reference(asked):
            return (Subject(asked),)
        if not has_learned(yard):
            raise
    return subjects(looking(yard), asked)


def has_learned(yard: Yard) -> bool:
    """Whether others know more than is known here, which is known here now; who does not answer knows nothing."""
    if yard.stack.asks_others:
        from stackyard.verbs.sharing import catch_up

        with contextlib.suppress(RegistryProblem):
            return catch_up(yard) > 0
    return False


def _is_reference(asked: str) -> bool:
    """Whether this is an image by a reference with a tag or a digest."""
    try:
        reference = Reference.parse(asked)
    except InvalidValue:
        return False
    return reference.tag is not None or reference.digest is not None


def inventory_for(yard: Yard, subject: Subject, *, is_fresh: bool = False) -> Inventory:
    """What is inside one image: as it is kept, or else read from the engine that has it, or the registry."""
    content = subject.content
    if content is not None and not is_fresh and (kept := yard.records.inventory(content)) is not None:
        return kept
    facts = _in_engine(yard, subject)
    if facts is not None:
        content = content_digest(facts)
        kept = None if is_fresh else yard.records.inventory(content)
        return kept or _kept(yard, _saved(yard, facts, content))
    return _published(yard, subject, is_fresh)


def kept_inventories(yard: Yard, targets: Iterable[TargetName]) -> dict[TargetName, Inventory]:
    """What is kept of the newest build of each target; nothing is read."""
    known = yard.records.known()
    newest = {name: next((each for each in known.records.get(name, ()) if each.built), None) for name in targets}
    contents = {name: record.built.content for name, record in newest.items() if record and record.built}
    kept = yard.records.inventories(set(contents.values()))
    return {name: kept[content] for name, content in contents.items() if content in kept}


def _in_engine(yard: Yard, subject: Subject) -> ImageFacts | None:
    """What the engine says of the image; None where it has it not, or there is none."""
    wanted = str(subject.local.id) if subject.local else subject.image or subject.name
    try:
        return yard.engine.inspect(wanted)
    except (EngineProblem, ToolMissing):  # a registry may have it
        return None


def _saved(yard: Yard, facts: ImageFacts, content: Digest) -> Inventory:
    from stackyard.edges.image_layers import from_archive

    with yard.engine.save(facts.image) as archive:
        stored = from_archive(archive, facts.platform, read_layer)
    return inventory_of(content, facts.platform, stored.config, stored.layers, stored.blobs)


def _published(yard: Yard, subject: Subject, is_fresh: bool) -> Inventory:
    from stackyard.edges.image_layers import from_registry
    from stackyard.edges.published import published

    if subject.target is not None and subject.repository is None:
        raise NothingToDo(
            f"the image of {subject.name} that was built last is in no engine that answers, and was never published",
            hint=f"`stackyard build {subject.name}` builds it again",
        )
    reference = Reference.parse(subject.image or subject.name)
    where = reference.digest or reference.tag or Tag("latest")
    facts = published(yard.registry, reference.repository, where, _platform(yard, subject))
    if facts is None or facts.manifest is None or facts.platform is None:
        raise UnknownName(
            f"no engine and no registry has {subject.image or subject.name}"
            + (f" for {_platform(yard, subject)}" if facts is not None else ""),
            hint="an image of the stack by its name, a channel, a tag, a digest, or a whole reference: host/name:tag",
            name=subject.name,
            near=None,
        )
    if not is_fresh and (kept := yard.records.inventory(facts.content)) is not None:
        return kept
    attached = None if is_fresh else _attached(yard, reference.repository, facts.digest, facts.content)
    if attached is not None:
        return _kept(yard, attached)
    stored = from_registry(yard.registry, reference.repository, facts.manifest, read_layer)
    return _kept(yard, inventory_of(facts.content, facts.platform, stored.config, stored.layers, stored.blobs))


def learn_attached(yard: Yard, records: Iterable[Record]) -> None:
    """Keep the inventories that are attached to images, as far as none is kept; who does not answer tells nothing."""
    wanted = [record for record in records if record.built and yard.records.inventory(record.built.content) is None]

    def read(record: Record) -> Inventory | None:
        pushed = [fact.image for fact in record.facts if isinstance(fact, Pushed)]
        if not pushed or record.built is None:
            return None
        with contextlib.suppress(StackyardError):
            return _attached(yard, pushed[-1].repository, pushed[-1].digest, record.built.content)
        return None

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        found = list(pool.map(read, wanted))
    for inventory in filter(None, found):
        yard.records.keep_inventory(inventory)


def _attached(yard: Yard, repository: Repository, digest: Digest, content: Digest) -> Inventory | None:
    """The inventory that somebody attached to the image; None where nobody did, or it is another image's."""
    from stackyard.record.attached import INVENTORY_KIND, read_attached

    data = read_attached(yard.registry, repository, digest, INVENTORY_KIND)
    try:
        found = None if data is None else canonical.decode(data, Inventory)
    except msgspec.MsgspecError:
        return None
    return found if found is not None and found.content == content else None


def _platform(yard: Yard, subject: Subject) -> Platform:
    """What the image is for, as its target says it; else this machine's."""
    from stackyard.edges.machine import native_platform

    if subject.target is not None and subject.target.platform is not None:
        return Platform(subject.target.platform)
    return yard.options.platform or native_platform()


def _kept(yard: Yard, inventory: Inventory) -> Inventory:
    if inventory.is_lasting:
        yard.records.keep_inventory(inventory)
    return inventory
