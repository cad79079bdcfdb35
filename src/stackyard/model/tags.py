# SPDX-License-Identifier: MIT
"""Tags from templates: `{prefix}-{branch}` with this revision's values.

Pure. A template that needs a value which is not there (no branch on a detached head) gives no tag.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

import msgspec

from stackyard.errors import InvalidValue, TagConflict
from stackyard.model import canonical
from stackyard.model.names import LONGEST_TAG, Digest, Tag
from stackyard.model.stack import Revision, TagTemplates

COMMIT_DIGITS = 7
PLACES = ("prefix", "branch", "commit", "version", "image", "stable", "stamp")
"""What a template may use."""
STAMP = "{stamp}"
BRANCH = "{branch}"
_MARK_DIGITS = 8
_WHOLE_COMMIT = "commit:"
PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*|commit:[0-9]+)\}")
"""A name in braces, as templates, build arguments and commands hold it."""
_LIKE_A_COMMIT = re.compile(r"([0-9a-f]{7,40})((?:\.[0-9]+)?)")
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9._-]")


def values_of(revision: Revision, variables: Mapping[str, str]) -> dict[str, str]:
    """What templates may use: the target's own variables, commit and branch."""
    values = dict(variables)
    values["commit"] = revision.commit[:COMMIT_DIGITS]
    values[_WHOLE_COMMIT] = revision.commit
    if revision.branch:
        values["branch"] = sanitise(revision.branch)
    if revision.stamp:
        values["stamp"] = revision.stamp
    return values


@functools.lru_cache(maxsize=256)
def sanitise(branch: str) -> str:
    """A branch name as part of a tag: accents go, whatever else a tag cannot hold becomes a dash.

    Letters that have no plain form would all become the same dashes, so such a name gets a mark of its own.

    >>> sanitise("feature/x"), sanitise("überarbeitet")
    ('feature-x', 'uberarbeitet')
    """
    plain = branch if branch.isascii() else _without_accents(branch)
    text = _NOT_IN_A_TAG.sub("-", plain)
    if not text.strip(".-"):
        return f"branch-{_mark(branch)}"
    return text if plain.isascii() else f"{text.rstrip('-')}-{_mark(branch)}"


def _without_accents(text: str) -> str:
    from unicodedata import combining, normalize  # a large table, for few

    return "".join(character for character in normalize("NFKD", text) if not combining(character))


def _mark(text: str) -> str:
    """A few digits that another text has not."""
    return canonical.digest(text).hex[:_MARK_DIGITS]


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with each `{name}` that has a value replaced; other braces are left alone.

    >>> filled("cuda{cuda} {json}", {"cuda": "12.6"})
    'cuda12.6 {json}'
    """

    if "{" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        found = _value(match[1], values)
        return match[0] if found is None else found

    return PLACE.sub(value, text)


def _value(name: str, values: Mapping[str, str]) -> str | None:
    """The value of a place; `commit:12` is that many digits."""
    if name.startswith(_WHOLE_COMMIT):
        return values.get(_WHOLE_COMMIT, values.get("commit", ""))[: int(name.removeprefix(_WHOLE_COMMIT))] or None
    return values.get(name)


def render(template: str, values: Mapping[str, str]) -> Tag | None:
    """The tag, or None where a value is missing; InvalidValue for a name nobody knows or a text that is no tag."""
    return _rendered(template, tuple((name, values[name]) for name in _names_in(template) if name in values))


@functools.lru_cache(maxsize=256)
def _names_in(template: str) -> tuple[str, ...]:
    """Names of all values that a template asks for."""
    names = PLACE.findall(template)
    commits = ("commit", _WHOLE_COMMIT) if any(name.startswith(_WHOLE_COMMIT) for name in names) else ()
    return (*names, *commits)


@functools.lru_cache(maxsize=4096)  # a stack's images mostly share their tags
def _rendered(template: str, known: tuple[tuple[str, str], ...]) -> Tag | None:
    values, wanted = dict(known), PLACE.findall(template)
    for name in wanted:
        if name.startswith(_WHOLE_COMMIT):
            _check_digits(template, int(name.removeprefix(_WHOLE_COMMIT)))
        elif name not in PLACES and name not in values:
            raise InvalidValue(
                f"tag template {template!r} uses {{{name}}}, which is none of {', '.join(sorted(PLACES))}",
                kind="tag template",
                text=template,
            )
    if any(_value(name, values) is None for name in wanted):
        return None
    return Tag.parse(filled(template, _fitting(template, values)))


def _check_digits(template: str, digits: int) -> None:
    if digits < COMMIT_DIGITS:
        raise InvalidValue(
            f"tag template {template!r} asks for {digits} digits of the commit: at least {COMMIT_DIGITS} are needed",
            hint=f"write {{commit}} for {COMMIT_DIGITS}, {{commit:12}} for more",
            kind="tag template",
            text=template,
        )


def _fitting(template: str, values: Mapping[str, str]) -> Mapping[str, str]:
    """The values, with a branch that gives a tag: one that begins and ends as tags may.

    A long name is cut, and ends in a mark, so that two long names never give one tag.
    """
    if BRANCH not in template:
        return values
    branch = values["branch"]
    if template.startswith(BRANCH):
        branch = branch.lstrip(".-")
    others = len(filled(template, {**values, "branch": ""}))
    room = (LONGEST_TAG - others) // template.count(BRANCH)
    if len(branch) > room > _MARK_DIGITS + 1:
        branch = f"{branch[: room - _MARK_DIGITS - 1].rstrip('.-')}-{_mark(branch)}"
    return {**values, "branch": branch}


def taken_by_commits(templates: TagTemplates, revision: Revision, variables: Mapping[str, str]) -> Tag | None:
    """The tag of a branch that is called like a commit, which would be a fixed tag of that commit, or numbered.

    What such a branch moves, somebody may have been promised never to move.
    """
    found = _LIKE_A_COMMIT.fullmatch(revision.branch or "")
    if not found:
        return None
    there = msgspec.structs.replace(revision, commit=found[1], is_dirty=False)
    _, moving = tags_of(msgspec.structs.replace(templates, fixed=()), revision, variables)
    promised = {f"{tag}{found[2]}" for tag in tags_of(templates, there, variables)[0]}
    return next((tag for tag in moving if tag in promised), None)


def numbered(tag: Tag, number: int) -> Tag:
    """The form of a fixed tag that the `number`th build takes, where others hold those before it."""
    end = f".{number}"
    return Tag(f"{tag[: LONGEST_TAG - len(end)]}{end}")


def fixed_conflict(reference: str, found: Digest | None, wanted: Digest, hint: str) -> TagConflict:
    """The error for a fixed tag that a person named, and that is not where they want it: both digests."""
    return TagConflict(
        f"{reference} is a fixed tag at {found or 'nothing'}, and does not move to {wanted}",
        hint=hint,
        reference=reference,
        expected=wanted,
        found=found,
    )


def tags_of(
    templates: TagTemplates, revision: Revision, variables: Mapping[str, str]
) -> tuple[tuple[Tag, ...], tuple[Tag, ...]]:
    """Fixed and moving tags of a target, each once: one that is fixed does not move.

    A dirty tree gets no fixed ones but those of the run, which name no commit.
    """
    asked = _names_in_all(templates)
    return _tags_of(templates, revision, tuple((name, variables[name]) for name in asked if name in variables))


@functools.lru_cache(maxsize=256)
def _names_in_all(templates: TagTemplates) -> tuple[str, ...]:
    """Names of all values that some templates ask for."""
    texts = (*templates.fixed, *templates.moving, *templates.default_branch)
    return tuple(dict.fromkeys(name for text in texts for name in _names_in(text)))


def asked_of(
    templates: TagTemplates, more: str | None, variables: Iterable[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Those of a target's own values from which its tags follow, and the tag of one template more."""
    asked = (*_names_in_all(templates), *(_names_in(more) if more else ()))
    return tuple(pair for pair in variables if pair[0] in asked)


@functools.lru_cache(maxsize=4096)  # asked again and again, and most images of a stack have the same
def _tags_of(
    templates: TagTemplates, revision: Revision, known: tuple[tuple[str, str], ...]
) -> tuple[tuple[Tag, ...], tuple[Tag, ...]]:
    values = values_of(revision, dict(known))
    lasting = tuple(text for text in templates.fixed if STAMP in text or not revision.is_dirty)
    fixed = tuple(dict.fromkeys(filter(None, (render(text, values) for text in lasting))))
    following = templates.moving + (templates.default_branch if revision.is_default else ())
    moving = dict.fromkeys(filter(None, (render(text, values) for text in following)))
    return fixed, tuple(tag for tag in moving if tag not in fixed)
