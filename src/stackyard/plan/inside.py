# SPDX-License-Identifier: MIT
"""Which images a name stands for, when somebody asks what is inside, and what those stand on.

In:   Looking (the stack, what is known, releases, channels), a word
Out:  Subject, Ancestor
Raises: UnknownName, InvalidValue, NothingToDo
Pure
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stackyard.errors import NothingToDo, UnknownName
from stackyard.model.inside import Ancestor, Subject
from stackyard.model.known import Known
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Pushed, Record
from stackyard.model.reference import Repository
from stackyard.model.shown import ShownImage
from stackyard.model.stack import Stack
from stackyard.plan.releases import parts_of
from stackyard.plan.selection import select
from stackyard.plan.showing import Looking

Layers = Callable[[Digest], int | None]
"""How many layers images of some content have; None where nobody read one."""


def subjects(looking: Looking, asked: str) -> tuple[Subject, ...]:
    """An image by its name (as it was built last), a pattern or group of these, a release, channel, tag or digest.

    Of an image for several platforms each of these.
    """
    try:
        names = select(looking.stack, [asked])
    except UnknownName as no_image:
        shown = _shown(looking, asked, no_image)
        found = [
            each for one in shown for each in parts(looking.known, one.record, one.repository, one.digest, one.target)
        ]
        return tuple(found)
    found = [
        each for target in looking.stack.targets if target.name in names for each in newest(looking.known, target.name)
    ]
    if not found:
        raise NothingToDo(
            f"nothing was built of {asked} that is known here",
            hint=f"`stackyard build {asked}` builds it; `stackyard records sync` learns what others did",
        )
    return tuple({each.name: each for each in found}.values())


def _shown(looking: Looking, asked: str, no_image: UnknownName) -> tuple[ShownImage, ...]:
    """What a release, channel, tag or digest is; where it is none either, the nearest name of all."""
    try:
        return looking.show(asked).images
    except UnknownName as nothing:
        near = no_image.near or nothing.near
        raise UnknownName(
            f"no image is named {asked!r}, and {nothing}",
            hint=f"did you mean {near}?" if near else nothing.hint,
            name=asked,
            near=near,
        ) from None


def newest(known: Known, name: TargetName) -> Iterator[Subject]:
    """What was built of a target last; of an image for several platforms each of these."""
    record = next((each for each in known.records.get(name, ()) if each.built), None)
    if record is not None:
        yield from parts(known, record, None, None, name)


def parts(
    known: Known, record: Record | None, repository: Repository | None, digest: Digest | None, name: TargetName
) -> Iterator[Subject]:
    """An image, or what it joins; by where it was published last, unless it is said."""
    joined = parts_of(known, record)
    for part, of in joined:
        yield subject_of(of, None, None, part)
    if not joined:
        yield subject_of(record, repository, digest, name)


def subject_of(
    record: Record | None, repository: Repository | None, digest: Digest | None, name: TargetName
) -> Subject:
    """The image of a record; by where it was published last, unless it is said."""
    pushed = [fact.image for fact in record.facts if isinstance(fact, Pushed)] if record else []
    local = record.built.image if record and record.built else None
    is_published = digest is not None and (local is None or digest != local.id)
    if not is_published:
        repository, digest = (pushed[-1].repository, pushed[-1].digest) if pushed else (None, None)
    return Subject(str(name), name, record, local, repository, digest)


def lineage(stack: Stack, known: Known, record: Record | None, layers: Layers) -> tuple[Ancestor, ...]:
    """What an image stands on: images of the stack, the nearest first, and the external base at the end."""
    found: list[Ancestor] = []
    seen: set[str] = set()
    while record is not None and record.built is not None and record.id not in seen:
        seen.add(record.id)
        built = record.built
        target = next((each for each in stack.targets if each.name == record.target), None)
        wanted = target.foundation if target else None
        parents = dict(built.parents)
        if wanted is None and not built.foundation and len(parents) == 1:  # a target that left the stack
            wanted = next(iter(parents))
        if wanted is None or wanted not in parents:
            base = built.foundation or (built.bases[0][0] if len(built.bases) == 1 and not parents else "")
            if base:
                found.append(Ancestor(base, dict(built.bases)[base]))
            break
        content = parents[wanted]
        found.append(Ancestor(str(wanted), content, layers(content)))
        record = next(
            (each for each in known.records.get(wanted, ()) if each.built and each.built.content == content), None
        )
    return tuple(found)
