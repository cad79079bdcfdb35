# SPDX-License-Identifier: MIT
"""What `check` adds to what stops a plan: advice about a whole stack, all of it warnings and notices. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from stackyard.check.findings import findings_of, in_order, tags_spot
from stackyard.check.secrets import secret_findings
from stackyard.check.variables import BASE_TAG, environments_of, variable_findings
from stackyard.errors import InvalidValue
from stackyard.model.inputs import masked
from stackyard.model.known import NOTHING_KNOWN, Known
from stackyard.model.names import TargetName, nearest
from stackyard.model.reference import Reference
from stackyard.model.stack import Finding, Stack, Target
from stackyard.model.tags import PLACE, PLACES, sanitise, tags_of, values_of


def advice_of(
    stack: Stack, branches: Iterable[str] = (), more: Iterable[Finding] = (), known: Known = NOTHING_KNOWN
) -> tuple[Finding, ...]:
    """All findings, and what never stops a plan: variables, pinned parents, branches that share their tags.

    Args:
        branches: other branches of the repository, as far as the caller knows them.
        more: findings that the caller has; they are put in order with the rest.
        known: the records, which tell what external bases have in their environment.
    """
    found = (
        *findings_of(stack),
        *_pinned_parents(stack),
        *_untagged(stack),
        *_downloads(stack),
        *variable_findings(stack, environments_of(known)),
        *secret_findings(stack),
        *_foreign_platforms(stack),
        *_unfilled(stack),
        *_clashes(stack, branches),
        *more,
    )
    return in_order(dict.fromkeys(found))


def _clashes(stack: Stack, branches: Iterable[str]) -> Iterator[Finding]:
    """Another branch whose name gives the tags that this branch's gives."""
    own = stack.revision.branch
    follows = any("{branch}" in text for target in stack.targets for text in target.templates.moving)
    if own is None or not follows:
        return
    for branch in branches:
        if branch != own and sanitise(branch) == sanitise(own):
            sentence = f"branches {own!r} and {branch!r} give the same tags: both become {sanitise(own)}"
            hint = "the one that has the tags keeps them while it exists; rename one of them"
            spot = tags_spot(stack, stack.targets[0])
            yield Finding("branch-clash", "warning", sentence, *spot, hint=hint, found=branch, wanted="another name")


def _untagged(stack: Stack) -> Iterator[Finding]:
    """Images whose templates give no tag, whatever the commit and the branch are."""
    there = msgspec.structs.replace(
        stack.revision,
        branch=stack.revision.branch or "main",
        is_dirty=False,
        is_default=True,
        stamp=stack.revision.stamp or "stamp",
    )
    told: set[str] = set()
    for target in stack.targets:
        try:
            tags = tags_of(target.templates, there, dict(target.variables))
        except InvalidValue:  # an error of its own
            continue
        templates = (*target.templates.fixed, *target.templates.moving)
        if any(tags) or target.skip is not None or target.image in told or target.name.platform is not None:
            continue
        told.add(target.image)
        missing = [place for place in PLACES if any(f"{{{place}}}" in text for text in templates)]
        missing = [place for place in missing if place not in values_of(there, dict(target.variables))]
        why = f": it has no {' and no '.join(missing)}" if missing else ""
        yield Finding(
            "no-tag",
            "warning",
            f"image {target.image!r} gets no tag, and so can be neither pulled nor promoted{why}",
            *tags_spot(stack, target),
            hint="add a template without what is missing, such as {branch}",
            found=", ".join(templates) or "nothing",
            wanted="a template with {branch} or {commit}",
        )


def _downloads(stack: Stack) -> Iterator[Finding]:
    """An ADD from an address, without a word of what must come."""
    for target in stack.targets:
        dockerfile = stack.dockerfile_of(target)
        for remote in dockerfile.remotes(dict(target.args), target.inputs.platform) if dockerfile else ():
            if not remote.is_pinned:
                text = re.sub(r"(?<=://)[^/@\s]*@", "", masked(remote.text, target.args))
                is_watched = remote.text in target.inputs.downloads
                seen = "only `stackyard bases` sees a change there" if is_watched else "a change there is not seen"
                sentence = f"ADD fetches {text}, and no checksum says what must come: {seen}"
                other = "`stackyard bases --refresh` accepts" if is_watched else "`--rebuild` and `--no-cache` fetch"
                hint = f"pin it with `ADD --checksum=sha256:...`; else {other} what it gives now"
                yield Finding("unpinned-download", "notice", sentence, target.dockerfile, remote.line, hint=hint)


def _pinned_parents(stack: Stack) -> Iterator[Finding]:
    """A FROM that names an image of the stack by a tag of its own, where the image is passed BASE_TAG."""
    for target in stack.targets:
        dockerfile = stack.dockerfiles.get(target.dockerfile)
        if dockerfile is None or BASE_TAG not in dict(target.args):
            continue
        lines = {stage.base.line for stage in dockerfile.stages}
        if any(mention.name == BASE_TAG and mention.line in lines for mention in dockerfile.mentions):
            continue
        for stage in dockerfile.stages:
            parent = _parent_called(stage.base.text, target) if "$" not in stage.base.text else None
            if parent is not None:
                sentence = f"FROM names image {parent.image!r} as {stage.base.text}, whatever {BASE_TAG} says"
                reference = Reference.parse(stage.base.text)
                hint = (
                    f"put `ARG {BASE_TAG}={reference.tag or 'latest'}` before FROM, and write "
                    f"`FROM {reference.repository}:${{{BASE_TAG}}}`: other tools then get the parent of this branch too"
                )
                yield Finding(
                    "pinned-parent",
                    "warning",
                    sentence,
                    *dockerfile.at(stage.base.line, stage.base.text),
                    hint=hint,
                    found=stage.base.text,
                    wanted=f"{reference.repository}:${{{BASE_TAG}}}",
                )


def _foreign_platforms(stack: Stack) -> Iterator[Finding]:
    """An image for another platform than the one that is built for: an engine has to emulate it."""
    for target in stack.targets:
        dockerfile = stack.dockerfiles.get(target.dockerfile)
        wanted = dockerfile.stages[-1].platform if dockerfile else None
        if dockerfile is None or wanted is None or "$" in wanted or target.needs is not None:
            continue
        if not f"{target.inputs.platform}/".startswith(f"{wanted}/"):
            sentence = f"image {target.image!r} is for {wanted}, and {target.inputs.platform} is built for here"
            hint = "the engine needs an emulator for it (binfmt), or an engine of that platform"
            base = dockerfile.stages[-1].base
            place = dockerfile.at(base.line, base.text)
            yield Finding(
                "other-platform",
                "notice",
                sentence,
                *place,
                hint=hint,
                found=wanted,
                wanted=str(target.inputs.platform),
            )


def _unfilled(stack: Stack) -> Iterator[Finding]:
    """A `{name}` that was left as it stands, and is nearly one that has a value; other braces are none of ours."""
    for target in stack.targets:
        known = [name for name, _ in target.variables]
        texts = [(f"build argument {name}", value, ("args", name)) for name, value in target.args]
        texts += [
            (f"command {command.name!r}", command.command, ("info_cmds", command.name)) for command in target.commands
        ]
        for what, text, key in texts:
            for name in dict.fromkeys(PLACE.findall(text)):
                near = nearest(name, known)
                if near is not None:
                    sentence = f"{what} of image {target.image!r} holds {{{name}}}, and nothing gives it a value"
                    hint = f"did you mean {{{near}}}?"
                    spot, braces = target.spot(*key), f"{{{name}}}"
                    yield Finding(
                        "unknown-variable", "warning", sentence, *spot, hint=hint, found=braces, wanted=f"{{{near}}}"
                    )


def _parent_called(text: str, target: Target) -> TargetName | None:
    """The parent that a FROM without variables names."""
    try:
        reference = Reference.parse(text)
    except InvalidValue:
        return None
    return next((use.target for use in target.parents if reference in use.references), None)
