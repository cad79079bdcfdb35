# SPDX-License-Identifier: MIT
"""Adopting what is published already, as far as it only reads: what would count as known, as of a commit.

In:   Yard, images, a tag, a commit
Out:  Adoption
May touch: git; registries, two or three requests per target, side by side. Writes nothing
Raises: ConfigError, NoHistory for a commit that is not there
Why:  docs/how-to/adopt-what-is-published.md
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from stackyard.check.findings import refuse_errors
from stackyard.edges import machine
from stackyard.edges.published import published
from stackyard.errors import StackyardError
from stackyard.model.adopt import Adoption
from stackyard.model.names import TargetName
from stackyard.plan.adopt import Answer, Wanted, adoptable, platform_of, wanted
from stackyard.plan.selection import choose
from stackyard.verbs.publishing import refuse_without_registry
from stackyard.verbs.since import stack_at

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard

CONNECTIONS = 8


def adoption(yard: Yard, images: Sequence[str] = (), tag: str | None = None, at: str = "HEAD") -> Adoption:
    """What of `images` (all by default) and all they build on would be adopted as made from the files of a commit.

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
            return each.target, Answer(published(yard.registry, reference.repository, reference.tag, wanted_platform))
        except StackyardError as problem:
            return each.target, Answer(problem=str(problem))

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = dict(pool.map(answer, asked))
    found = adoptable(stack, yard.records.known(), asked, answers, platform)
    return Adoption(stack.name, stack.revision.commit, platform, found)
