# SPDX-License-Identifier: MIT
"""Which published images could count as known: the tag of each target, and what its registry says of it.

In:   Stack as of a commit, Known, what is asked for, facts of registries
Out:  the references to ask for; Adoptable
Pure. Why: docs/how-to/adopt-what-is-published.md
After: plan/adopted, what is written of it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stackyard.model.adopt import Adoptable, AdoptedBase, AdoptedParent, AdoptState, TagKind
from stackyard.model.content import PublishedFacts
from stackyard.model.ecr import lacks_account
from stackyard.model.inputs import identity
from stackyard.model.known import Known
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.record import Record
from stackyard.model.reference import Platform, Reference
from stackyard.model.stack import Stack, Target
from stackyard.model.tags import STAMP, render, tags_of, values_of

WINDOWS = Platform("windows/amd64")
LAST_UPDATED = "last_updated"
"""Asked for in place of a tag: the stamps of last_updated.yaml."""


class Wanted(msgspec.Struct, frozen=True):
    """The image that is asked for; no reference where there is no such tag."""

    target: TargetName
    reference: Reference | None
    problem: str | None = None
    kind: TagKind = "channel"


class Answer(msgspec.Struct, frozen=True):
    """What a registry said: facts, nothing, or why it said nothing."""

    facts: PublishedFacts | None = None
    problem: str | None = None


class BaseFacts(msgspec.Struct, frozen=True):
    """What an external base is now, and its layers where somebody could tell."""

    digest: Digest | None = None
    layers: tuple[Digest, ...] = ()
    problem: str | None = None


def wanted(stack: Stack, targets: Iterable[TargetName], asked: str | None) -> tuple[Wanted, ...]:
    """What is asked for of each target.

    Args:
        asked: a tag or a template; `last_updated`; None: stamps where a target has them, else its branch's tag.
    """
    stamps = {name: dict(file.stamps).get(str(name.version)) for file in stack.stamp_files for name in file.targets}
    found = [_wanted(stack, stack.target(name), asked, stamps) for name in targets]
    whose: dict[Reference | None, set[TargetName]] = {}
    for each in found:
        whose.setdefault(each.reference, set()).add(each.target.whole)
    return tuple(each if len(whose[each.reference]) == 1 else _clash(each) for each in found)


def _clash(each: Wanted) -> Wanted:
    """One image cannot be several versions."""
    if each.reference is None:
        return each
    why = f"{each.reference.tag} can be the tag of one version alone: name the one, or give a template with {{version}}"
    return Wanted(each.target, None, why)


def _wanted(stack: Stack, target: Target, asked: str | None, stamps: Mapping[TargetName, str | None]) -> Wanted:
    templates, variables = stack.target(target.name.whole).templates, dict(target.variables)
    if lacks_account(target.repository):
        return Wanted(target.name, None, "no AWS account is known: set AWS_ACCOUNT_ID")
    if asked == LAST_UPDATED or (asked is None and target.name in stamps):
        stamp = stamps.get(target.name)
        form = next((text for text in templates.fixed if STAMP in text), None)
        if form is None or stamp is None:
            why = "it has no stamps" if form is None else "last_updated.yaml has no stamp for it"
            return Wanted(target.name, None, why)
        tag = render(form, {**values_of(stack.revision, variables), "stamp": stamp})
        kind: TagKind = "fixed"
    else:
        fixed, moving = tags_of(templates, stack.revision, variables)
        if asked is not None:
            tag = render(asked, values_of(stack.revision, variables)) if "{" in asked else Tag.parse(asked)
        else:
            tag = next(iter((*moving, *fixed)), None)
        kind = "fixed" if tag in fixed else "moving" if tag in moving else "channel"
    if tag is None:
        return Wanted(target.name, None, f"{asked or 'its tags'} has no value here")
    return Wanted(target.name, Reference(target.repository, tag), None, kind)


def platform_of(target: Target, here: Platform) -> Platform:
    """The platform that an image is looked for at: this one, but for what says another or cannot be built here."""
    if target.platforms:
        return target.platforms[0]
    if target.needs == "Windows":
        return WINDOWS
    platform = (target.needs or "").partition(" ")[0]
    return Platform(platform) if Platform.form.fullmatch(platform) else here


def adoptable(
    stack: Stack,
    known: Known,
    asked: Sequence[Wanted],
    answers: Mapping[TargetName, Answer],
    platform: Platform,
    bases: Mapping[str, BaseFacts],
) -> tuple[Adoptable, ...]:
    """What would be adopted of each target; parents come first in `asked`.

    Args:
        bases: what is known of external bases that have no accepted digest yet, by canonical reference.
    """
    done: dict[TargetName, Adoptable] = {}
    for each in asked:
        target, answer = stack.target(each.target), answers.get(each.target, Answer())
        facts = answer.facts
        parents = tuple(_parent(target, name, facts, answers) for name in target.parent_names)
        state, problem = _state(each, answer, parents, done, known, target, platform)
        told = [(base, bases[base.canonical]) for base in target.external if base.canonical in bases]
        if state == "adopt" and (lacking := next((at.problem for _, at in told if at.digest is None), None)):
            state, problem = "not checked", lacking
        done[each.target] = Adoptable(
            each.target,
            state,
            each.reference,
            facts.digest if facts else None,
            facts.platforms if facts else (),
            parents,
            problem,
            tuple(_base(target, base, at, facts) for base, at in told if at.digest) if state == "adopt" else (),
        )
    return tuple(done.values())


def _base(target: Target, base: Reference, at: BaseFacts, facts: PublishedFacts | None) -> AdoptedBase:
    """What a base is taken to be; layers tell of one that is the only image that the image can stand on."""
    assert at.digest is not None
    can_tell = facts and at.layers and target.foundation is None and target.bases == (base,)
    is_below = facts.layers[: len(at.layers)] == at.layers if can_tell and facts else None
    return AdoptedBase(base.canonical, at.digest, is_below)


def _parent(
    target: Target, name: TargetName, facts: PublishedFacts | None, answers: Mapping[TargetName, Answer]
) -> AdoptedParent:
    """Whether an image stands on what would be adopted of its parent; layers tell it of the last stage's base only."""
    parent = answers.get(name, Answer()).facts
    can_tell = target.foundation == name and facts is not None and facts.manifest and parent and parent.manifest
    if not can_tell or facts is None or parent is None:
        return AdoptedParent(name, None)
    return AdoptedParent(name, facts.is_built_on(parent))


def _state(
    each: Wanted,
    answer: Answer,
    parents: Sequence[AdoptedParent],
    done: Mapping[TargetName, Adoptable],
    known: Known,
    target: Target,
    platform: Platform,
) -> tuple[AdoptState, str | None]:
    facts = answer.facts
    if each.reference is None:
        return "no name", each.problem
    if answer.problem:
        return "not checked", answer.problem
    if facts is None:
        return "missing", None
    if facts.manifest is None:
        there = ", ".join(facts.platforms) or "none that is named"
        return "other platform", f"it is for {there}, and {platform_of(target, platform)} is wanted"
    if lacking := [name for name in target.platforms if not any(there.fits(name) for there in facts.platforms)]:
        return "other platform", f"it has no image for {' and for '.join(lacking)}"
    for parent in parents:
        if parent.is_below is False:
            return "other parent", f"its first layers are not those of {done[parent.target].reference}"
    if bad := [str(p.target) for p in parents if p.target not in done or not done[p.target].is_good]:
        return "parent missing", f"it builds on {', '.join(bad)}"
    if record_of(target, known, facts.digest) is not None:
        return "known", None
    return "adopt", None


def record_of(target: Target, known: Known, digest: Digest) -> Record | None:
    """The record that has what is published; one of an adoption only if it was made from these very files.

    A build says itself what it was made from, and no commit that a person names says more.
    """
    for record in known.records.get(target.name, ()):
        pushed = record.pushed(target.repository)
        is_theirs = record.adopted is None or record.inputs == identity(target.inputs)
        if pushed is not None and pushed.image.digest == digest and is_theirs:
            return record
    return None
