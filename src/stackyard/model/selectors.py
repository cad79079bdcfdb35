# SPDX-License-Identifier: MIT
"""Which targets a word names: an image, a version of it, a pattern of either, a group of the spec.

In:   a word, names of targets, groups
Out:  those of the names that it means
Raises: UnknownName where it means none
Pure. Rules: docs/reference/selectors.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from stackyard.errors import UnknownName
from stackyard.model.names import TargetName, nearest

Groups = Sequence[tuple[str, Sequence[str]]]
"""Names of groups, and their members: images, targets or patterns of them."""

SHOWN = 30
"""Names that a hint lists at most."""
_SIGNS = frozenset("*?[")


def matching(word: str, names: Sequence[TargetName], groups: Groups) -> set[TargetName]:
    """As `each_matching`, of one word."""
    (found,) = each_matching([word], names, groups)
    return found


def each_matching(words: Iterable[str], names: Sequence[TargetName], groups: Groups) -> list[set[TargetName]]:
    """The targets that each word names; case counts.

    Raises:
        UnknownName: nothing is called so; `.near` is what was most likely meant.

    Cost: O(names) for all words, and as much again for each pattern.
    """
    called: dict[str, set[TargetName]] = {}
    for name in names:
        for text in (str(name), str(name.image)):
            called.setdefault(text, set()).add(name)
    several: list[set[TargetName]] = []
    for word in words:
        texts = {word, *dict(groups).get(word, ())}
        patterns = [text for text in texts if not _SIGNS.isdisjoint(text)]
        meant = {text for text in called if any(fnmatchcase(text, pattern) for pattern in patterns)} if patterns else ()
        several.append({name for text in texts.union(meant) for name in called.get(text, ())})
        if not several[-1]:
            raise _unknown(word, names, groups)
    return several


def selectable(names: Iterable[TargetName], groups: Groups) -> tuple[str, ...]:
    """Every word that names something: images, targets, groups, in file order."""
    names = tuple(names)
    images, targets = (str(name.image) for name in names), map(str, names)
    return tuple(dict.fromkeys((*images, *targets, *(name for name, _ in groups))))


def _unknown(word: str, names: Sequence[TargetName], groups: Groups) -> UnknownName:
    words = sorted(selectable(names, groups))
    if word in dict(groups):
        return UnknownName(f"group {word!r} has no image of this stack", name=word, near=None)
    is_pattern = not _SIGNS.isdisjoint(word)
    near = None if is_pattern else nearest(word, words)
    more = ", ..." if len(words) > SHOWN else ""
    return UnknownName(
        f"no image matches {word!r}" if is_pattern else f"no image is named {word!r}",
        hint=f"did you mean {near!r}?" if near else f"the stack has: {', '.join(words[:SHOWN])}{more}",
        name=word,
        near=near,
    )
