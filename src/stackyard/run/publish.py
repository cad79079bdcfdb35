# SPDX-License-Identifier: MIT
"""The last job of a target: its image goes where it belongs, and gets the names that never move.

In:   Work, a target, its record, its fixed tags, a TagStore
Out:  Done: what was pushed and tagged, as facts; where a tag was held by another image, a remark
May touch: engine, registry, the run's folder
Raises: StackyardError; the driver makes a failure of it
Beside: jobs, whose Work and Done these are. Where tags are: tags; moving them: tagging
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import MappingProxyType

import msgspec

from stackyard.edges.registry import Manifest
from stackyard.errors import DigestMismatch, RegistryRefused, StackyardError
from stackyard.model.known import TagPlace
from stackyard.model.logs import push_log
from stackyard.model.names import Digest, Tag
from stackyard.model.progress import Tell
from stackyard.model.record import Built, Fact, Pushed, Record, Tagged
from stackyard.model.reference import PublishedImage, Reference, Repository
from stackyard.model.stack import TagTemplates, Target
from stackyard.model.tags import STAMP, fixed_conflict, numbered, tags_of
from stackyard.run.index import Members, built_of, push_index
from stackyard.run.tags import TagStore
from stackyard.run.work import Done, Work


def join(work: Work, target: Target, members: Members, fixed: tuple[Tag, ...], store: TagStore, tell: Tell) -> Done:
    """Make one of the images of several platforms, and publish it. In an engine it is the one for its own."""
    built = built_of(work, target, members)
    known = (record for record in work.records_of.get(target.name, ()) if record.built)
    equal = next((record for record in known if record.built and record.built.content == built.content), None)
    carried = tuple(fact for fact in equal.facts if isinstance(fact, Pushed)) if equal else ()
    none = Digest("")  # nobody has opened its record yet, and the driver will
    record = Record("", target.name, none, none, none, 0, (built, *carried))
    done = publish(work, target, record, fixed, store, False, tell, members)
    return msgspec.structs.replace(done, built=built, equal=equal, facts=(*carried, *done.facts))


def publish(
    work: Work,
    target: Target,
    record: Record,
    fixed: tuple[Tag, ...],
    store: TagStore,
    is_seen: bool,
    tell: Tell,
    members: Members = MappingProxyType({}),
) -> Done:
    """Push the content tag where it belongs, then put the fixed tags; moving tags wait for the whole set.

    Where one of these is refused, what was done before it is a fact all the same.

    Args:
        is_seen: whether the plan saw the image where it belongs: it is not looked for again.
        members: of a target that joins platforms, what it joins.
    """
    facts: list[Fact] = []
    tags: list[tuple[TagPlace, Reference, Digest]] = []
    remarks: list[str] = []
    log = work.folder / push_log(target.name)
    try:
        digest = _published(work, target, record, log, facts, is_seen, tell, members)
        place: TagPlace = "registry" if work.is_publishing else "engine"
        typed = _typed(work, target)
        for tag in fixed:
            placed, holder = _put_fixed(store, target, tag, digest, tag in typed, is_moving=bool(work.overwrite))
            instead_of = None if placed == tag else tag
            moved = (holder, work.overwrite) if holder is not None and instead_of is None else (None, "")
            facts.append(Tagged(work.clock.now(), place, target.repository, placed, instead_of, *moved))
            tags.append((place, Reference(target.repository, placed), digest))
            if instead_of is not None and holder is not None:
                remarks.append(
                    f"{target.name} is tagged {placed}: {tag} is {holder.short}, another build, and stays where it is"
                )
            elif holder is not None:
                remarks.append(f"{target.name}: {tag} was {holder.short}, and is overwritten: {work.overwrite}")
    except StackyardError as error:
        details = (f"hint: {error.hint}",) if error.hint else ()
        return Done(
            False, facts=tuple(facts), tags=tuple(tags), failure=str(error), details=details, log=_shown(work, log)
        )
    return Done(True, facts=tuple(facts), tags=tuple(tags), log=_shown(work, log), remarks=tuple(remarks))


def _shown(work: Work, log: Path) -> str:
    return work.shown(log) if log.exists() else ""


def _published(
    work: Work,
    target: Target,
    record: Record,
    log: Path,
    facts: list[Fact],
    is_seen: bool,
    tell: Tell,
    members: Members,
) -> Digest:
    """What the target's tags point at: the published manifest, pushed now if it is not there; else the local id."""
    built = record.built
    assert built is not None
    if not work.is_publishing:
        return built.image.id
    pushed = record.pushed(target.repository)
    if pushed is None or not (is_seen or work.registry.resolve(target.repository, pushed.image.digest)):
        tell("pushing")
        pushed = push_index(work, target, members) if target.is_index else _push(work, target, built, log)
        facts.append(pushed)
    return pushed.image.digest


def _push(work: Work, target: Target, built: Built, log: Path) -> Pushed:
    """Push the very image that was tested, under its content tag, and read it back by digest; not if it is there.

    The name it was built under may be of another repository: the stack's registry is not what it was then.
    """
    started = work.clock.ticks()
    tag = built.local.tag
    assert tag is not None
    manifest, found = None, None
    with contextlib.suppress(RegistryRefused):  # some do so while there is no such repository, and a push makes it
        manifest, found = _at(work, target.repository, tag)
    if found != built.image.id:
        local = Reference(target.repository, tag)
        if local != built.local:
            work.engine.tag(built.image, local)
        _send(work, local, built, log)
        manifest, found = _at(work, target.repository, tag)
    if manifest is None or found != built.image.id:
        raise DigestMismatch(
            f"pushed {built.image.id.short} as {local}, and the registry has {found or 'nothing'} there",
            hint="someone else wrote this tag, or the registry changed the image",
            expected=built.image.id,
            found=found,
        )
    image = PublishedImage(target.repository, manifest.digest)
    return Pushed(work.clock.now(), image, tag, work.clock.ticks() - started)


def _at(work: Work, repository: Repository, tag: Tag) -> tuple[Manifest | None, Digest | None]:
    """What a tag points at in the registry, and which id this engine would give that."""
    manifest = work.registry.manifest(repository, tag)
    if manifest is None:
        return None, None
    return manifest, manifest.digest if work.about.store == "containerd" else manifest.config


def _send(work: Work, local: Reference, built: Built, log: Path) -> None:
    """Have the engine push; it sends only what is missing, and mounts what another repository has.

    Of a refusal it tells words only, so the registry is asked for the same right: it says what is wrong, and which
    kind of wrong that is.
    """
    try:
        work.engine.push(local, log)
    except RegistryRefused as refused:
        try:
            work.registry.mount(local.repository, built.image.id, local.repository)
        except RegistryRefused as asked:
            raise RegistryRefused(
                str(refused),
                hint=asked.hint or refused.hint,
                address=refused.address,
                status=asked.status,
                words=refused.words,
            ) from asked
        except StackyardError:
            pass  # what the engine was told is all that anybody knows
        raise


def prune(work: Work, target: Target, record: Record | None) -> tuple[str, ...]:
    """Take the names away that this stack gave to a published image in the engine; a remark where that cannot be.

    The image goes with its last name: one that somebody else has named stays, and so does what others stand on.
    """
    pushed = record.pushed(target.repository) if record else None
    if record is None or record.built is None or pushed is None:
        return ()
    names = set(record.names("engine"))
    moving = tags_of(target.templates, work.stack.revision, dict(target.variables))[1]
    names |= {Reference(target.repository, tag) for tag in moving}
    try:
        work.engine.unpin(record.built.image)
        for name in sorted(names, key=str):
            facts = work.engine.inspect(str(name))
            if facts is not None and facts.image == record.built.image:
                work.engine.untag(name)
    except StackyardError as error:
        return (f"{target.name} is still in the engine: {error}",)
    return ()


_HINT = "take another --stamp; `--overwrite-tag REASON` moves it all the same"


def _typed(work: Work, target: Target) -> tuple[Tag, ...]:
    """Tags that have the stamp a person typed."""
    if not work.is_stamp_typed:
        return ()
    stamped = TagTemplates(tuple(text for text in target.templates.fixed if STAMP in text))
    return tags_of(stamped, work.stack.revision, dict(target.variables))[0]


def _put_fixed(
    store: TagStore, target: Target, tag: Tag, digest: Digest, is_typed: bool, is_moving: bool
) -> tuple[Tag, Digest | None]:
    """Put a fixed tag; where it holds other content it stays, and this build takes the next free number.

    Args:
        is_moving: it is taken away from the other image, as somebody asked.

    Returns:
        The tag that was put, and what holds the one that was wanted, or held it, where that is another image.

    Raises:
        TagConflict: a person typed it, and so means this tag and no other.
    """
    number, candidate, holder = 1, tag, None
    while True:
        there = store.resolve(target.repository, candidate)
        if there == digest:
            return candidate, holder
        if there is None:
            store.put(target.repository, candidate, digest)
            return candidate, holder
        if is_moving:
            store.put(target.repository, candidate, digest)
            return candidate, there
        if is_typed:
            raise fixed_conflict(str(Reference(target.repository, tag)), there, digest, _HINT)
        holder = holder or there
        number += 1
        candidate = numbered(tag, number)
