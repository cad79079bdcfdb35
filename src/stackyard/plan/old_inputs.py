# SPDX-License-Identifier: MIT
"""What the inputs of the DataHub workflows mean: `originalTag` and `stablePrefix`.

In:   Stack, what was typed
Out:  AskedPromotion: the same as a source, a channel and images
Raises: InvalidValue
Pure. Why: docs/how-to/promote-and-roll-back.md

The prefix is that of a plan of the spec where the text begins with one; the scripts cut at the first dash, and
took six characters for a prefix, whatever it was.
"""

from __future__ import annotations

from stackyard.errors import InvalidValue
from stackyard.model.moves import AskedPromotion
from stackyard.model.names import Tag
from stackyard.model.stack import Stack
from stackyard.model.tags import sanitise

STABLE, GLOBAL = "-stable", "stable"


def of_original_tag(stack: Stack, typed: str) -> AskedPromotion:
    """The stable tag of a quarter, put on the images of a tag of this quarter: `2026.3-main`, `2026.3-feature/x`."""
    prefix = next(iter(sorted(filter(lambda each: typed.startswith(f"{each}-"), _prefixes(stack)), key=len)[-1:]), "")
    prefix = prefix or typed.partition("-")[0]
    branch = typed[len(prefix) + 1 :]
    tag = f"{prefix}-{sanitise(branch)}" if branch else ""
    if not prefix or not Tag.form.fullmatch(tag):
        raise InvalidValue(
            f"{typed!r} is no tag of a quarter",
            hint="it is a prefix, a dash and a branch or a commit, such as 2026.3-main",
            kind="original tag",
            text=typed,
        )
    return AskedPromotion(tag, _stable(stack, prefix), _images(stack, prefix))


def of_stable_prefix(stack: Stack, typed: str) -> AskedPromotion:
    """`stable`, put on what the stable tag of a quarter is."""
    source = _stable(stack, typed)
    if not Tag.form.fullmatch(source):
        raise InvalidValue(f"{typed!r} is no prefix", hint="it is one such as 2026.3", kind="prefix", text=typed)
    return AskedPromotion(source, GLOBAL, _images(stack, typed))


def _prefixes(stack: Stack) -> set[str]:
    return {prefix for target in stack.targets if (prefix := dict(target.variables).get("prefix"))}


def _stable(stack: Stack, prefix: str) -> str:
    """The stable tag of a prefix: as its plan says, else as ever."""
    for target in stack.targets:
        variables = dict(target.variables)
        if variables.get("prefix") == prefix and "stable" in variables:
            return variables["stable"]
    return prefix + STABLE


def _images(stack: Stack, prefix: str) -> tuple[str, ...]:
    """Those of the plan with this prefix; none where the spec has no such plan: all."""
    found = [each for each in stack.targets if dict(each.variables).get("prefix") == prefix]
    if len(found) == len(stack.targets):
        return ()
    return tuple(str(each.name) for each in found if not each.is_left_alone and each.name.platform is None)
