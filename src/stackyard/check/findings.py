# SPDX-License-Identifier: MIT
"""Findings of a whole stack: those that reading made, and those that only the whole shows. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator

import msgspec

from stackyard.errors import FileProblem, FindingsProblem, InvalidValue
from stackyard.model.names import ImageName, Tag, TargetName
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding, Stack, TagTemplates, Target
from stackyard.model.tags import asked_of, render, tags_of, taken_by_commits, values_of

_ORDER = {"error": 0, "warning": 1, "notice": 2}


STABLE = "stable"
"""The channel that every stack has, whatever its prefix."""


def findings_of(stack: Stack) -> tuple[Finding, ...]:
    """All findings, errors first, then by place."""
    return in_order((*_possible_errors(stack), *_untested(stack)))


def _possible_errors(stack: Stack) -> Iterator[Finding]:
    """Those that can be errors: for these nobody looks into what images are made of."""
    yield from (*stack.findings, *_rings(stack), *_duplicates(stack), *_tags(stack))


def unreadable(problem: FileProblem) -> Finding:
    """A file that cannot be read at all, as the one finding there is."""
    return Finding.of("unreadable", problem)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by place."""
    return tuple(sorted(findings, key=lambda each: (_ORDER[each.level], each.path, each.line or 0, each.column or 0)))


def refuse_errors(stack: Stack) -> None:
    """FindingsProblem if something in the stack's files makes a right plan impossible; warnings never do."""
    errors = in_order(finding for finding in _possible_errors(stack) if finding.level == "error")
    if errors:
        more = f" (and {len(errors) - 1} more: `stackyard check` lists them)" if len(errors) > 1 else ""
        raise FindingsProblem(f"{errors[0]}{more}", hint=errors[0].hint, findings=errors)


def _rings(stack: Stack) -> list[Finding]:
    """Images that build on each other, each ring once."""
    left = {target.name: target.parent_names for target in stack.targets}
    above: set[TargetName] = set()
    for name, parents in left.items():  # in nearly every file parents come first, and then there is none
        if not above.issuperset(parents) and any(parent in left and parent not in above for parent in parents):
            break
        above.add(name)
    else:
        return []
    targets = {target.name: target for target in stack.targets}
    found = []
    while left := _standing(left):
        walk = [next(iter(left))]
        while walk[-1] not in walk[:-1]:
            walk.append(next(parent for parent in left[walk[-1]] if parent in left))
        ring = walk[walk.index(walk[-1]) :]
        found.append(
            Finding(
                "ring",
                "error",
                f"images build on each other in a ring: {' -> '.join(ring)}",
                *_naming(stack, targets[ring[0]], targets[ring[1]]),
                hint="one of them has to build on something else",
                found=ring[1],
                wanted="an image that does not build on this one",
            )
        )
        for name in ring[1:]:
            del left[name]
    return found


def _naming(stack: Stack, child: Target, parent: Target) -> Spot:
    """Where a child says that it builds on a parent: in its Dockerfile, or where it is declared."""
    dockerfile = stack.dockerfiles.get(child.dockerfile)
    use = next((use for use in child.parents if use.target == parent.name), None)
    if ("depend_on", parent.image) in child.spots:
        return child.spot("depend_on", parent.image)
    if dockerfile is None or use is None:
        return child.spot("image")
    uses = [use for stage in dockerfile.stages for use in (stage.base, *stage.uses)]
    words = (*map(str, use.references), *(str(reference.repository) for reference in use.references))
    named = next((one for word in words for one in uses if one.text == word), uses[0])
    return Spot(*dockerfile.at(named.line, named.text))


def tags_spot(stack: Stack, target: Target) -> Spot:
    """Where it is said what tags are made of; else where an image that gets one is listed."""
    return stack.tags_spot or target.spot("image")


def _standing(parents: dict[TargetName, tuple[TargetName, ...]]) -> dict[TargetName, tuple[TargetName, ...]]:
    """What is left once everything whose parents can be built is taken away: rings, and what builds on them."""
    left, before = dict(parents), -1
    while len(left) != before:
        before = len(left)
        for name, needs in list(left.items()):
            if not any(parent in left for parent in needs):
                del left[name]
    return left


def _duplicates(stack: Stack) -> list[Finding]:
    """Two images that would be published under one name."""
    seen: dict[str, Target] = {}
    found: dict[tuple[str, str], Finding] = {}
    for target in stack.targets:
        other = seen.setdefault(target.repository.canonical, target)
        if other is not target and (first := other.image) != target.image:
            spot = target.spot("image_name" if ("image_name",) in target.spots else "image")
            found[first, target.image] = Finding(
                "duplicate-repository",
                "error",
                f"images {first!r} and {target.image!r} are both published as {target.repository}",
                *spot,
                hint="give one of them another `image_name`",
                found=str(target.repository),
                wanted="a name of its own",
            )
    return list(found.values())


def _tags(stack: Stack) -> Iterator[Finding]:
    """Tags that no registry takes, that are not the branch's own, or that two versions of an image share."""
    told: set[str] = set()
    owners: dict[tuple[str, Tag], Target] = {}
    branch = stack.revision.branch
    seen: set[tuple[TagTemplates, tuple[tuple[str, str], ...]]] = set()
    for target in stack.targets:
        if target.version is None:  # then what is said follows from this alone
            named = (target.templates, asked_of(target.templates, stack.stable, target.variables))
            if named in seen:
                continue
            seen.add(named)
        variables = dict(target.variables)
        try:
            fixed, moving = tags_of(target.templates, stack.revision, variables)
            stable = render(stack.stable, values_of(stack.revision, variables)) if stack.stable else None
        except InvalidValue as problem:
            if (sentence := f"branch {branch!r} gives no tag: {problem}") not in told:
                told.add(sentence)
                text = str(problem.facts.get("text", ""))
                spot = tags_spot(stack, target)
                yield Finding("bad-tag", "error", sentence, *spot, hint=problem.hint, found=text, wanted="a tag")
            continue
        for finding in _of_branch(stack, target, moving, stable):
            if finding.sentence not in told:
                told.add(finding.sentence)
                yield finding
        for tag in (*fixed, *moving) if target.version is not None and target.skip is None else ():
            other = owners.setdefault((target.repository.canonical, tag), target)
            if other.image == target.image and other.version != target.version:
                yield _same_tag(other, target, tag)
                break


def _of_branch(stack: Stack, target: Target, moving: Collection[Tag], stable: Tag | None) -> Iterator[Finding]:
    """Tags of the branch that are not its own; a pull request's images never get its branch's."""
    revision = stack.revision
    if revision.pull_request is not None:
        return
    rules = dict.fromkeys(
        sorted({STABLE, *([stable] if stable else [])}.intersection(moving)),
        ("the stable channel's", "a channel is moved by `stackyard promote` alone"),
    )
    if promised := taken_by_commits(target.templates, revision, dict(target.variables)):
        rules[promised] = ("a commit's", "the tag of a commit never moves")
    nowhere = msgspec.structs.replace(revision, branch=None)
    for tag, (whose, why) in rules.items():
        source, remedy = f"branch {revision.branch!r} gives the tag", "build on a branch of another name"
        if tag in tags_of(target.templates, nowhere, dict(target.variables))[1]:
            source, remedy = "`moving` names the tag", "take it out of `moving`"
        sentence, hint, spot = f"{source} {tag}, which is {whose}", f"{remedy}: {why}", tags_spot(stack, target)
        yield Finding("bad-tag", "error", sentence, *spot, hint=hint, found=tag, wanted="another tag")


def _same_tag(first: Target, second: Target, tag: Tag) -> Finding:
    sentence = f"{str(first.name)!r} and {str(second.name)!r} are both tagged {tag} in {second.repository}"
    hint = "one would overwrite the other: give each version a prefix of its own, or use {version} in the tags"
    spot = second.spot("entry")
    return Finding("same-tag", "error", sentence, *spot, hint=hint, found=tag, wanted="a tag for each version")


def _untested(stack: Stack) -> list[Finding]:
    found: dict[ImageName, Finding] = {}
    for target in stack.targets:
        if (
            target.image not in found
            and not target.is_index
            and not any(suite.kind != "inventory" for suite in target.suites)
        ):
            folder = posixpath.normpath(posixpath.join(stack.images_folder, target.image, "test"))
            sentence = f"image {target.image!r} has no tests: it is published as it is built"
            hint = f"put pytest files into {folder}"
            found[target.image] = Finding(
                "not-tested", "notice", sentence, *target.spot("image"), hint=hint, found="nothing", wanted=folder
            )
    return list(found.values())
