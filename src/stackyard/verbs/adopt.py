# SPDX-License-Identifier: MIT
"""Adopting what is published already: what would count as known as of a commit, and the records that say so.

In:   Yard, images, a tag, a commit
Out:  Adopting, to be shown and then written down; Adoption
May touch: git; the engine, for bases that only it has; registries, a few requests per target, side by side;
    when it writes, records and content tags
Raises: ConfigError, NoHistory for a commit that is not there; StackyardError of a registry that takes no tag
Why:  docs/how-to/adopt-what-is-published.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from stackyard.check.findings import refuse_errors
from stackyard.edges import machine
from stackyard.edges.published import published
from stackyard.errors import StackyardError, TagConflict
from stackyard.model.accepted import Acceptance
from stackyard.model.adopt import Adoption, TagKind
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Platform, Reference
from stackyard.model.stack import Stack
from stackyard.plan.adopt import Answer, BaseFacts, Wanted, adoptable, platform_of, wanted
from stackyard.plan.adopted import content_tags, moves_of, names_of, openings
from stackyard.plan.selection import choose
from stackyard.run.bases import accept_base
from stackyard.verbs.publishing import refuse_without_registry
from stackyard.verbs.sharing import shared_records
from stackyard.verbs.since import stack_at

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard

CONNECTIONS = 8


class Adopting(msgspec.Struct, frozen=True):
    """What can be adopted, and what it takes to write it down."""

    adoption: Adoption
    stack: Stack
    """As of the commit."""
    tag: str | None
    """What a person named."""
    asked: tuple[Wanted, ...]
    answers: Mapping[TargetName, Answer]


def adopting(yard: Yard, images: Sequence[str] = (), tag: str | None = None, at: str = "HEAD") -> Adopting:
    """What of `images` (all by default) and all they build on can be adopted as made from the files of a commit.

    Args:
        tag: a tag, a template such as `{stable}`, or `last_updated`; None: what each target is published as.
    """
    refuse_without_registry(yard)
    stack = stack_at(yard.place, yard.options, at, yard.stack.revision)
    refuse_errors(stack)
    asked = wanted(stack, choose(stack, images).planned, tag)
    platform = yard.options.platform or machine.native_platform()

    def answer(each: Wanted) -> tuple[TargetName, Answer]:
        reference = each.reference
        if reference is None or reference.tag is None:
            return each.target, Answer()
        try:
            wanted_platform = platform_of(stack.target(each.target), platform)
            facts = published(yard.registry, reference.repository, reference.tag, wanted_platform)
            if facts is not None and facts.manifest is not None and each.target.platform is not None:
                facts = msgspec.structs.replace(facts, digest=facts.manifest)  # its own, and not the index's
            return each.target, Answer(facts)
        except StackyardError as problem:
            return each.target, Answer(problem=str(problem))

    known = yard.records.known()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = dict(pool.map(answer, asked))
        there = [stack.target(each.target) for each in asked if answers[each.target].facts is not None]
        new = {base.canonical: base for target in there for base in target.external}
        fresh = [base for name, base in new.items() if name not in known.accepted]
        bases = dict(pool.map(lambda base: (base.canonical, _base(yard, base, platform)), fresh))
    found = adoptable(stack, known, asked, answers, platform, bases)
    return Adopting(Adoption(stack.name, stack.revision.commit, platform, found), stack, tag, asked, answers)


def _base(yard: Yard, base: Reference, platform: Platform) -> BaseFacts:
    """What a base is now: as a build would accept it, so from the engine where that has it."""
    try:
        try:
            facts = yard.engine.inspect(str(base))
        except StackyardError:
            facts = None  # adopting needs no engine
        if facts is not None:
            return BaseFacts(accept_base(yard.engine, yard.registry, base), facts.layers)
        there = published(yard.registry, base.repository, base.digest or base.tag or Tag("latest"), platform)
    except StackyardError as problem:
        return BaseFacts(problem=str(problem))
    if there is None:
        return BaseFacts(problem=f"it is built on {base}, which is neither in the engine nor in its registry")
    return BaseFacts(there.digest, there.layers)


def adopt(yard: Yard, found: Adopting) -> Adoption:
    """Write down what was found: content tags, then where tags are, then records, parents first.

    Who is ended in the middle adopts the rest the next time.

    Raises:
        TagConflict: a tag moved since it was looked at.
        StackyardError: a registry takes no tag; then nothing was recorded.
    """
    adoption, stack, now = found.adoption, found.stack, yard.clock.now()
    new = {each.target for each in adoption.new}
    asked = [each for each in found.asked if each.target in new]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        tags = _there(pool, yard, found, names_of(stack, asked))
        for _ in pool.map(lambda tag: _keep(yard, tag), content_tags(adoption.targets)):
            pass
    bases = {base.reference: base.digest for each in adoption.new for base in each.bases}
    yard.records.accept([Acceptance(reference, digest, now) for reference, digest in bases.items()])
    known, shared = yard.records.known(), shared_records(yard)
    store = shared or yard.records
    for moves in moves_of(stack, found.tag, adoption.targets, tags, now):
        store.settle(store.intend(moves), "done")
    for opening in openings(stack, known, adoption.targets, found.answers, tags, now):
        record = store.open_record(opening.target, opening.source, opening.build, opening.inputs, 0, opening.built)
        for fact in opening.facts:
            record = store.append(record, fact)
    for name, tag, digest in _fixed(found, tags):
        store.put_tag("registry", Reference(stack.target(name).repository, tag), digest)
    problems = shared.flush() if shared is not None else ()
    return msgspec.structs.replace(adoption, is_written=True, problems=problems)


def _there(
    pool: ThreadPoolExecutor, yard: Yard, found: Adopting, names: Iterable[tuple[TargetName, Tag, TagKind]]
) -> dict[TargetName, list[tuple[Tag, TagKind]]]:
    """Which of the names are where the images are; the one that an image was found under has to be."""
    digests = {each.target: each.digest for each in found.adoption.targets}
    references = {each.target: each.reference for each in found.asked}
    there: dict[TargetName, list[tuple[Tag, TagKind]]] = {}
    listed = list(names)
    resolved = pool.map(lambda row: yard.registry.resolve(found.stack.target(row[0]).repository, row[1]), listed)
    for (name, tag, kind), digest in zip(listed, resolved, strict=True):
        wanted_digest, reference = digests[name], references[name]
        if digest == wanted_digest:
            there.setdefault(name, []).append((tag, kind))
        elif reference is not None and reference.tag == tag:
            raise TagConflict(
                f"{reference} is at {digest or 'nothing'}, and was at {wanted_digest} when it was looked at",
                hint="somebody publishes meanwhile: adopt again",
                reference=str(reference),
                expected=wanted_digest,
                found=digest,
            )
    return there


def _keep(yard: Yard, reference: Reference) -> None:
    """Give an image its content tag, if it has not got it."""
    tag, digest = reference.tag, reference.digest
    assert tag is not None
    assert digest is not None
    if yard.registry.resolve(reference.repository, tag) == digest:
        return
    manifest = yard.registry.manifest(reference.repository, digest)
    if manifest is not None:
        yard.registry.put(reference.repository, tag, manifest)


def _fixed(
    found: Adopting, tags: Mapping[TargetName, Sequence[tuple[Tag, TagKind]]]
) -> Iterable[tuple[TargetName, Tag, Digest]]:
    for each in found.adoption.new:
        for tag, kind in tags.get(each.target, ()):
            if kind == "fixed" and each.digest is not None:
                yield each.target, tag, each.digest
