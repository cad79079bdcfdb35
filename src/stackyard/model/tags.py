# SPDX-License-Identifier: MIT
"""Tags from templates: `{prefix}-{branch}` with this revision's values.

Pure. A template that needs a value which is not there (no branch on a detached head) gives no tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackyard.errors import InvalidValue
from stackyard.model.names import Tag
from stackyard.model.stack import Revision, TagTemplates

COMMIT_DIGITS = 7
PLACES = ("prefix", "branch", "commit", "version", "image", "stable", "stamp")
"""What a template may use."""
STAMP = "{stamp}"
_PLACE = re.compile(r"\{([a-z_]+)\}")
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9._-]")


def values_of(revision: Revision, variables: Mapping[str, str]) -> dict[str, str]:
    """What templates may use: the target's own variables, commit and branch."""
    values = dict(variables)
    values["commit"] = revision.commit[:COMMIT_DIGITS]
    if revision.branch:
        values["branch"] = sanitise(revision.branch)
    if revision.stamp:
        values["stamp"] = revision.stamp
    return values


def sanitise(branch: str) -> str:
    """A branch name as part of a tag: whatever a tag cannot hold becomes a dash.

    >>> sanitise("feature/x")
    'feature-x'
    """
    return _NOT_IN_A_TAG.sub("-", branch)


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with each `{name}` that has a value replaced; other braces are left alone.

    >>> filled("cuda{cuda} {json}", {"cuda": "12.6"})
    'cuda12.6 {json}'
    """
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


def render(template: str, values: Mapping[str, str]) -> Tag | None:
    """The tag, or None where a value is missing; InvalidValue for a name nobody knows or a text that is no tag."""
    wanted = _PLACE.findall(template)
    for name in wanted:
        if name not in PLACES and name not in values:
            raise InvalidValue(
                f"tag template {template!r} uses {{{name}}}, which is none of {', '.join(sorted(PLACES))}",
                kind="tag template",
                text=template,
            )
    if any(name not in values for name in wanted):
        return None
    return Tag.parse(_PLACE.sub(lambda match: values[match[1]], template))


def tags_of(
    templates: TagTemplates, revision: Revision, variables: Mapping[str, str]
) -> tuple[tuple[Tag, ...], tuple[Tag, ...]]:
    """Fixed and moving tags of a target; a dirty tree gets no fixed ones but those of the run, which name no commit."""
    values = values_of(revision, variables)
    lasting = tuple(text for text in templates.fixed if STAMP in text or not revision.is_dirty)
    fixed = tuple(filter(None, (render(text, values) for text in lasting)))
    following = templates.moving + (templates.default_branch if revision.is_default else ())
    moving = tuple(filter(None, (render(text, values) for text in following)))
    return fixed, moving
