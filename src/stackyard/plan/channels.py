# SPDX-License-Identifier: MIT
"""Promotion and rollback are plans too: which tags would move, from where to where.

In:   Stack, Known, what a person asked for, where the channel's tags are now
Out:  MoveSet, to be shown and then carried out
Raises: NothingToDo, TagConflict, UnknownName
Pure. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import chain

import msgspec

from stackyard.errors import InvalidValue, NothingToDo, TagConflict
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Adopted, Built, Record, Tagged
from stackyard.model.reference import Reference, Repository
from stackyard.model.release import Release
from stackyard.model.stack import Revision, Stack, Target
from stackyard.model.tags import COMMIT_DIGITS, filled, fixed_conflict, render, tags_of, values_of
from stackyard.plan.coherence import Standing, check_coherent
from stackyard.plan.releases import digest_in, parts_of, record_of

Resolve = Callable[[Repository, Tag], Digest | None]
"""Where a tag is now, in the place the moves are for."""


_COMMIT = re.compile(rf"[0-9a-f]{{{COMMIT_DIGITS},40}}")
_DIGEST = re.compile(r"(?:.*@)?sha(?:256|512):.*")
_ANY = "\0"
"""Stands for a digit of some commit."""
CONTENT = "sy-"


class Source(msgspec.Struct, frozen=True):
    """What is promoted for one target."""

    target: Target
    record: Record | None
    """None for an image that no record knows, and that a person accepted as it is."""
    digest: Digest
    reference: Reference | None
    """The tag that was named; None where a commit or a release was."""
    members: tuple[tuple[Target, Record | None], ...] = ()
    """Of a target that joins platforms: what it joins."""


def place_of(stack: Stack, known: Known) -> TagPlace:
    """Where promotions of this stack happen: the registry once anything was published, else the engine."""
    for target in stack.targets:
        if any(record.pushed(target.repository) for record in known.records.get(target.name, ())):
            return "registry"
    return "engine"


def find_sources(
    stack: Stack,
    known: Known,
    asked: str,
    selected: frozenset[TargetName],
    place: TagPlace,
    release: Release | None = None,
    *,
    is_accepted: bool = False,
    verb: str = "promote",
) -> list[Source]:
    """What `asked` (a tag, a template such as `{prefix}-main`, a commit, a release) is for each selected target.

    All or none: a target without it is named in the error.

    Args:
        release: what is called `asked`; it wins over tags, since it never changes.
        is_accepted: also images that no record knows, as a person took them over.
        verb: what is to be done with them, for errors.
    """
    if release is not None:
        return _members(stack, known, release, selected, place, verb)
    if _DIGEST.fullmatch(asked):
        raise InvalidValue(
            f"{asked!r} is a digest, which is one image; a tag, a commit or a release is one for each image",
            hint="`stackyard where DIGEST` lists the tags and releases that have it",
            kind="source",
            text=asked,
        )
    is_commit = _is_commit(stack, known, asked)
    found: list[Source] = []
    missing: list[str] = []
    is_all = all(target.name in selected for target in stack.targets)
    for target in stack.targets:
        if target.name not in selected or target.name.platform is not None:  # what joins it has the names
            continue
        called = _for_target(asked, target, stack.revision)
        source = _source(stack, target, known, called, place, is_accepted, is_commit=is_commit)
        if source is not None:
            found.append(source)
        elif not (target.is_left_alone and is_all):  # nobody builds it here, and nobody named it
            missing.append(str(target.name))
    if not found:
        raise NothingToDo(
            f"nothing to {verb}: the records know no image tagged {asked!r}, nor one built at that commit",
            hint="`stackyard history` lists what is known; `stackyard records sync` learns what others published, "
            "`stackyard build --push` makes it",
            source=asked,
        )
    if missing:
        have = "has" if len(missing) == 1 else "have"
        raise NothingToDo(
            f"cannot {verb} {asked!r}: {', '.join(missing)} {have} no image of that name",
            hint=f"build them at that commit, or name the images to {verb}",
            source=asked,
            missing=tuple(missing),
        )
    return found


def again(stack: Stack, known: Known, sources: Sequence[Source], place: TagPlace) -> list[Source]:
    """The same images, with what is known of them by now."""
    return [source_at(stack, known, each.target, each.digest, place, each.reference) for each in sources]


def source_at(
    stack: Stack, known: Known, target: Target, digest: Digest, place: TagPlace, reference: Reference | None = None
) -> Source:
    """An image by its digest, with what is known of it."""
    record = record_of(known, target.name, target.repository, digest, place)
    return Source(target, record, digest, reference, _joined(stack, known, record))


def _members(
    stack: Stack, known: Known, release: Release, selected: frozenset[TargetName], place: TagPlace, verb: str
) -> list[Source]:
    """The images of a release; all or none, as long as nobody named some."""
    if release.place != place:
        raise NothingToDo(
            f"the release {release.name} is of images in the {release.place}, and this stack's are in the {place} now",
            hint=f"{verb} a tag or a commit",
            release=str(release.name),
        )
    targets = {target.name: target for target in stack.targets}
    is_all = selected >= targets.keys()
    selected = frozenset(name for name in selected if name.platform is None)
    found: list[Source] = []
    for member in release.members:
        target = targets.get(member.target)
        if target is None or target.repository.canonical != member.repository.canonical:
            if is_all:
                why = "is no image of this stack any more" if target is None else f"is {target.repository} by now"
                raise NothingToDo(
                    f"cannot {verb} the release {release.name}: {member.target}, {member.repository} then, {why}",
                    hint=f"name the images to {verb}",
                    release=str(release.name),
                )
        elif member.target in selected:
            found.append(source_at(stack, known, target, member.digest, place))
    missing = selected - {source.target.name for source in found}
    if not found or (missing and not is_all):
        names = "none of these images" if not found else f"no {', '.join(sorted(missing))}"
        raise NothingToDo(
            f"the release {release.name} has {names}",
            hint=f"`stackyard show {release.name}` lists its images",
            release=str(release.name),
        )
    return found


def named_tag(asked: str, target: Target, revision: Revision) -> Tag | None:
    """The tag that a person means for this target; None for what can be no tag."""
    text = _for_target(asked, target, revision)
    return Tag(text) if Tag.form.fullmatch(text) else None


def _for_target(asked: str, target: Target, revision: Revision) -> str:
    """A template as this target has it; anything else as it is."""
    tag = render(asked, values_of(revision, dict(target.variables))) if "{" in asked else None
    return asked if tag is None else str(tag)


def _is_commit(stack: Stack, known: Known, asked: str) -> bool:
    """Whether a text may name a commit.

    Tags have a few digits of one, so a longer name must be that of a commit that is known: what only begins like one
    is another.
    """
    if _COMMIT.fullmatch(asked) is None:
        return False
    if len(asked) == COMMIT_DIGITS:
        return True
    facts = [fact for records in known.records.values() for record in records for fact in record.facts]
    built = {fact.commit for fact in facts if isinstance(fact, (Built, Adopted))}
    return any(commit.startswith(asked) for commit in chain((stack.revision.commit,), built, known.moved))


def _source(
    stack: Stack, target: Target, known: Known, asked: str, place: TagPlace, is_accepted: bool, *, is_commit: bool
) -> Source | None:
    records = [record for record in known.records.get(target.name, ()) if _digest(target, record, place)]
    if Tag.form.fullmatch(asked):
        reference = Reference(target.repository, Tag(asked))
        digest = known.tag_at(place, reference)
        for record in records:
            if digest is not None and _digest(target, record, place) == digest:
                return Source(target, record, digest, reference, _joined(stack, known, record))
        if digest is not None and is_accepted:
            return Source(target, None, digest, reference)
    if is_commit:
        fixed, _ = tags_of(target.templates, Revision(asked, None, is_dirty=False), dict(target.variables))
        for record in records:
            digest = _digest(target, record, place)
            at_commit = record.built is not None and record.built.commit.startswith(asked)
            if digest and (at_commit or any(_got(record, tag, place) for tag in fixed)):
                return Source(target, record, digest, None, _joined(stack, known, record))
    return None


def _joined(stack: Stack, known: Known, record: Record | None) -> tuple[tuple[Target, Record | None], ...]:
    """What an image joins: the parts that its record names, as far as they are still parts of it."""
    names = {target.name: target for target in stack.targets if record and target.name.whole == record.target}
    return tuple((names[name], part) for name, part in parts_of(known, record) if name in names)


def _got(record: Record, tag: Tag, place: TagPlace) -> bool:
    """Whether the record's image got a fixed tag: a build of an earlier commit that a later one left as it is."""
    return any(isinstance(fact, Tagged) and fact.tag == tag and fact.place == place for fact in record.facts)


def _digest(target: Target, record: Record, place: TagPlace) -> Digest | None:
    return digest_in(record, target.repository, place)


Asked = tuple[Repository, Tag | Digest, bool]
"""What is looked for in a repository, and whether it is something that is going to be put elsewhere."""


def asked_of(stack: Stack, sources: Sequence[Source], channel: str, place: TagPlace) -> list[Asked]:
    """What `plan_promotion` resolves: each source, the channel's tags, and those of parents that are not promoted."""
    found: dict[Asked, None] = {}
    promoted = {source.target.name for source in sources}
    targets = {target.name: target for target in stack.targets}
    for source in sources:
        target = source.target
        if source.reference is not None and source.reference.tag is not None:
            found[target.repository, source.reference.tag, True] = None
        elif place == "registry":
            found[target.repository, source.digest, True] = None
        parents = [targets[name] for name in _parents(source) if name in targets and name not in promoted]
        for each in (target, *parents):
            tag = channel_tag(stack, each, channel)
            if tag is not None:
                found[each.repository, tag, False] = None
    return list(found)


def trusted_tags(
    wanted: Iterable[Asked], known: Known, place: TagPlace, ready: Container[Digest]
) -> dict[tuple[Repository, Tag | Digest], Digest | None]:
    """Where the records have tags; a source is looked at all the same where its bytes are not `ready`."""
    found: dict[tuple[Repository, Tag | Digest], Digest | None] = {}
    for repository, tag, is_source in wanted:
        recorded = None if isinstance(tag, Digest) else known.tag_at(place, Reference(repository, tag))
        if recorded is not None and (recorded in ready or not is_source):
            found[repository, tag] = recorded
    return found


def _parents(source: Source) -> Sequence[TargetName]:
    """What an image was built on, by the names that have tags."""
    records = [record for _, record in source.members] or [source.record]
    return [parent.whole for record in records if record and record.built for parent, _ in record.built.parents]


def channel_tag(stack: Stack, target: Target, channel: str) -> Tag | None:
    """The channel's tag of a target; None where its template has no value."""
    return render(channel, values_of(stack.revision, dict(target.variables)))


def refuse_gone(sources: Sequence[Source], found: Mapping[tuple[Repository, Tag | Digest], Digest | None]) -> None:
    """NothingToDo for an image that was looked for by its digest, and that its registry has no more."""
    for source in sources:
        if found.get((source.target.repository, source.digest), source.digest) is None:
            raise NothingToDo(
                f"not promoting {source.target.name}: {source.target.repository}@{source.digest} is gone",
                hint="somebody deleted it there; build and publish it again, or promote something else",
                target=str(source.target.name),
            )


def plan_promotion(
    stack: Stack,
    known: Known,
    asked: str,
    sources: Sequence[Source],
    channel: str,
    place: TagPlace,
    resolve: Resolve,
    at: str,
    runs: Sequence[MoveSet] = (),
) -> MoveSet:
    """The moves that put `channel` on `sources`, which is what `asked` was found to be.

    Args:
        runs: finished sets of branch tags, newest first: they know the commit of a moving tag.

    Refused: a source or channel tag that someone moved behind the records' back. Of gates: plan/gates.py.
    """
    moves: list[TagMove] = []
    _check_set(stack, known, asked, sources, channel, place, resolve)
    for source in sources:
        target = source.target
        check_source(source, resolve)
        tag = channel_tag(stack, target, channel)
        if tag is None:
            raise InvalidValue(
                f"channel {channel!r} has no value for {target.name}",
                hint="a {prefix} needs `tag.prefix` in spec.yml",
                kind="channel",
                text=channel,
            )
        was = resolve(target.repository, tag)
        is_gone = was is None and source.record is not None and _got(source.record, tag, place)
        if was != source.digest and not is_gone and is_fixed(source, stack.revision, tag, known, place):
            reference = str(Reference(target.repository, tag))
            raise fixed_conflict(reference, was, source.digest, "promote to a channel, such as `stable`")
        recorded = known.tag_at(place, Reference(target.repository, tag))
        if recorded is not None and was not in (recorded, source.digest):
            check_unmoved(Reference(target.repository, tag), recorded, was)
        moves.append(TagMove(target.name, target.repository, tag, was, source.digest))
    return MoveSet(
        kind="promote",
        place=place,
        channel=channel,
        source=asked,
        at=at,
        moves=tuple(moves),
        commit=_commit_of(asked, sources, runs),
    )


def is_fixed(source: Source, revision: Revision, tag: Tag, known: Known, place: TagPlace) -> bool:
    """Whether a tag is one that builds put for good: known as such, a content tag, or of the form of a commit's."""
    target, records = source.target, known.records.get(source.target.name, ())
    if tag.startswith(CONTENT) or any(_got(record, tag, place) for record in records):
        return True
    values = values_of(msgspec.structs.replace(revision, commit=_ANY * 40), dict(target.variables))
    forms = [re.escape(filled(text, values)) for text in target.templates.fixed if "{commit" in text]
    return any(re.fullmatch(re.sub(f"{_ANY}+", _hexadecimal, form), tag) for form in forms)


def _hexadecimal(found: re.Match[str]) -> str:
    return f"[0-9a-f]{{{len(found[0])}}}"


def _commit_of(asked: str, sources: Sequence[Source], runs: Sequence[MoveSet]) -> str:
    """The commit whose set this is: of the run that put the tag there, or the one that was named; empty if unclear."""
    named = {source.reference for source in sources if source.reference is not None}
    put: dict[Reference, str] = {}
    for run in runs:  # newest first: the run that put a tag where it is
        put |= {move.reference: run.commit for move in run.moves if move.reference in named - put.keys()}
    if put:  # a run of some images leaves the tags of the others at an older commit
        return next(iter(put.values())) if len(set(put.values())) == 1 else ""
    commits = {source.record.built.commit for source in sources if source.record and source.record.built}
    if len(commits) == 1:
        return commits.pop()
    return "" if named else next((commit for commit in commits if commit.startswith(asked)), asked)


def _check_set(
    stack: Stack,
    known: Known,
    asked: str,
    sources: Sequence[Source],
    channel: str,
    place: TagPlace,
    resolve: Resolve,
) -> None:
    """Each image stands on the parent that is promoted with it, or that the channel holds."""
    targets = {target.name: target for target in stack.targets}

    def held(name: TargetName) -> Standing | None:
        target = targets.get(name.whole)
        tag = channel_tag(stack, target, channel) if target else None
        digest = resolve(target.repository, tag) if target and tag else None
        if target is None or digest is None:
            return None
        record = record_of(known, name.whole, target.repository, digest, place)
        return Standing(digest, record if name.platform is None else dict(parts_of(known, record)).get(name))

    promoted = {source.target.name: Standing(source.digest, source.record) for source in sources}
    for source in sources:
        promoted |= {target.name: Standing(source.digest, part) for target, part in source.members}
    check_coherent(promoted, held, asked, channel)


def check_source(source: Source, resolve: Resolve) -> None:
    """TagConflict if the tag that was named is not where the records put it."""
    if source.reference is not None and source.reference.tag is not None:
        check_unmoved(source.reference, source.digest, resolve(source.reference.repository, source.reference.tag))


def check_unmoved(reference: Reference, expected: Digest | None, found: Digest | None) -> None:
    """TagConflict with both digests, where a tag is not where the records put it."""
    if found != expected:
        raise TagConflict(
            f"{reference} is at {found or 'nothing'}, and the records put it at {expected or 'nothing'}",
            hint=f"someone else moved it; `stackyard show {reference.tag}` says when we last did",
            reference=str(reference),
            expected=expected,
            found=found,
        )
