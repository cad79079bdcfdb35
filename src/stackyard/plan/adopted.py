# SPDX-License-Identifier: MIT
"""What is written of images that are adopted: their records, their content tags, and where their tags are.

In:   Stack as of a commit, Known, what can be adopted, facts of registries
Out:  Opening, MoveSet, references
Pure. Why: docs/how-to/adopt-what-is-published.md
Before: plan/adopt
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stackyard.model.adopt import Adoptable, TagKind
from stackyard.model.content import PublishedFacts, joined_content
from stackyard.model.inputs import Inputs, build_fingerprint, source_fingerprint
from stackyard.model.known import Known
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Adopted, Built, Fact, Pushed, Tagged
from stackyard.model.reference import LocalImage, PublishedImage, Reference, content_tag
from stackyard.model.stack import Stack, Target
from stackyard.model.tags import tags_of
from stackyard.plan.adopt import Answer, Wanted, record_of

_LONG_AGO = "2000"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


class Opening(msgspec.Struct, frozen=True):
    """A record of one adopted image, before it is written down."""

    target: TargetName
    source: Digest
    build: Digest
    inputs: Inputs
    built: Built
    facts: tuple[Fact, ...]
    """All others; that it is published comes last, for only then does a record travel."""


def openings(
    stack: Stack,
    known: Known,
    found: Sequence[Adoptable],
    answers: Mapping[TargetName, Answer],
    tags: Mapping[TargetName, Sequence[tuple[Tag, TagKind]]],
    now: str,
) -> tuple[Opening, ...]:
    """The records of what can be adopted; parents come first in `found`.

    Args:
        known: with the bases accepted that `found` names.
        tags: which names of each image are where it is.
    """
    sources: dict[TargetName, Digest] = {}
    contents: dict[TargetName, Digest] = {}
    made: list[Opening] = []
    for each in found:
        target, facts = stack.target(each.target), answers.get(each.target, Answer()).facts
        sources[each.target] = source_fingerprint(target.inputs, sources)
        if facts is None or not each.is_good:
            continue
        record = record_of(target, known, facts.digest) if each.state == "known" else None
        parts = {name: contents[name] for name in target.inputs.parents} if target.is_index else {}
        content = joined_content(parts.items()) if parts else facts.content
        contents[each.target] = content = record.built.content if record and record.built else content
        if each.state == "adopt" and each.reference is not None:
            parents = {name: contents[name] for name in target.inputs.parents}
            build = build_fingerprint(target.inputs, parents, known.accepted)
            built = _built(stack, target, facts, parents, known.accepted, now, content)
            names = [tag for tag, kind in tags.get(each.target, ()) if kind == "fixed"]
            adopted = Adopted(
                now,
                stack.revision.commit,
                each.reference,
                facts.config_digest or facts.digest,
                tuple((suite.kind, suite.digest) for suite in target.suites),
            )
            pushed = Pushed(now, PublishedImage(target.repository, facts.digest), _content_tag(facts), 0.0)
            tagged = (Tagged(now, "registry", target.repository, tag) for tag in names)
            rest: tuple[Fact, ...] = (adopted, *tagged, pushed)
            made.append(Opening(each.target, sources[each.target], build, target.inputs, built, rest))
    return tuple(made)


def _built(
    stack: Stack,
    target: Target,
    facts: PublishedFacts,
    parents: Mapping[TargetName, Digest],
    accepted: Mapping[str, Digest],
    now: str,
    content: Digest,
) -> Built:
    return Built(
        at=_made_at(facts, now),
        image=LocalImage(facts.digest),
        content=content,
        local=Reference(target.repository, _content_tag(facts)),
        parents=tuple(parents.items()),
        bases=tuple((reference, accepted[reference]) for reference in target.inputs.bases),
        duration_s=0.0,
        size_bytes=facts.size_bytes,
        engine="",
        commit=stack.revision.commit,
    )


def _content_tag(facts: PublishedFacts) -> Tag:
    return content_tag(LocalImage(facts.digest))


def _made_at(facts: PublishedFacts, now: str) -> str:
    """When its config says that it was made; now, where that is no time at all, or one that builders put for all."""
    said = str((facts.config or {}).get("created") or "")
    time = f"{said[:19]}Z"
    return time if _TIME.fullmatch(said) and _LONG_AGO < time < now else now


def content_tags(found: Sequence[Adoptable]) -> tuple[Reference, ...]:
    """The content tags that the images get which are adopted: no registry's clean-up takes them then."""
    return tuple(
        Reference(each.reference.repository, content_tag(LocalImage(each.digest)), each.digest)
        for each in found
        if each.state == "adopt" and each.reference is not None and each.digest is not None
    )


def names_of(stack: Stack, asked: Iterable[Wanted]) -> tuple[tuple[TargetName, Tag, TagKind], ...]:
    """The tags that each image would have got: which of them it has is worth knowing. What was asked for is first."""
    found: dict[tuple[TargetName, Tag], TagKind] = {}
    for each in asked:
        if each.reference is not None and each.reference.tag is not None and each.target.platform is None:
            target = stack.target(each.target)
            fixed, moving = tags_of(target.templates, stack.revision, dict(target.variables))
            found[each.target, each.reference.tag] = each.kind
            found.update(((each.target, tag), "fixed") for tag in fixed)
            found.update(((each.target, tag), "moving") for tag in moving)
    return tuple((target, tag, kind) for (target, tag), kind in found.items())


def moves_of(
    stack: Stack,
    asked: str | None,
    found: Sequence[Adoptable],
    tags: Mapping[TargetName, Sequence[tuple[Tag, TagKind]]],
    now: str,
) -> tuple[MoveSet, ...]:
    """Where moving tags are, as sets that move nothing: what moves them later knows then what was there before.

    Args:
        asked: the tag or template that a person named; where it is none of the targets' own it is a channel.
    """
    digests = {each.target: each.digest for each in found if each.state == "adopt" and each.digest is not None}
    sets: dict[TagKind, list[TagMove]] = {"moving": [], "channel": []}
    for name, digest in digests.items():
        for tag, kind in tags.get(name, ()):
            if kind != "fixed":
                sets[kind].append(TagMove(name, stack.target(name).repository, tag, digest, digest))
    return tuple(
        MoveSet(
            "adopt",
            "registry",
            asked or "" if kind == "channel" else "",
            asked or str(moves[0].tag),
            now,
            tuple(moves),
            stack.revision.commit,
            branch=stack.revision.branch if kind == "moving" else None,
        )
        for kind, moves in sets.items()
        if moves
    )
