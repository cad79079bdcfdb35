# SPDX-License-Identifier: MIT
"""The same target where its parents' tag is another one: on another branch, at another commit.

In:   a target and the Dockerfile it was made of; another tag
Out:  whether nothing of it but names follows from the tag; the target as it would be made with the other tag
Pure. Beside: load/memory.py

Nearly every Dockerfile of a stack with BASE_TAG declares it before its first FROM, for that FROM. Then the tag is in
an argument and in the parent's reference, and nowhere else. Where it could be anywhere else the answer is no.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from stackyard.load.counted import BASE_TAG
from stackyard.load.recipe import Recipe
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.names import Tag
from stackyard.model.reference import Reference
from stackyard.model.stack import Finding, Target

_ENDS = (f":${{{BASE_TAG}}}", f":${BASE_TAG}")


def tag_of(recipe: Recipe, args: Sequence[tuple[str, str]]) -> str | None:
    """The tag that a recipe did not say itself; None where it has none."""
    is_given = args and args[0][0] == BASE_TAG and all(name != BASE_TAG for name, _ in recipe.args)
    return args[0][1] if is_given else None


def is_only_a_name(
    dockerfile: Dockerfile, target: Target, platform: str, counted: Collection[str], findings: Sequence[Finding]
) -> bool:
    """Whether another tag would be in an argument and in references of parents, and change nothing else.

    Args:
        counted: names of the arguments that are inputs.
    """
    tag = target.args[0][1]
    texts = [*[arg.default or "" for arg in dockerfile.args], *[stage.platform or "" for stage in dockerfile.stages]]
    if (
        findings  # which may repeat it
        or target.given_base is not None
        or BASE_TAG in counted
        or BASE_TAG in dockerfile.declared_in_stages
        or BASE_TAG in "\n".join(texts)
    ):
        return False
    named = {str(reference) for use in target.parents for reference in use.references}
    for use, text, _ in dockerfile.places(dict(target.args), platform):
        end = next((end for end in _ENDS if use.text.endswith(end)), "")
        if BASE_TAG in use.text.removesuffix(end):
            return False
        if end and (use.how != "from" or text not in named):  # an external base's tag, too
            return False
        if not end and text.endswith(f":{tag}"):  # only looks like it
            return False
    return True


def with_tag(target: Target, tag: str) -> Target | None:
    """The target with another tag in its arguments, and in references that have the one of before.

    None where a parent is already named with that tag: then two references would be one, and which is which?
    """
    before = target.args[0][1]
    if tag == before:
        return target
    if any(reference.tag == tag for use in target.parents for reference in use.references):
        return None
    new = Tag(tag)

    def renamed(reference: Reference) -> Reference:
        return msgspec.structs.replace(reference, tag=new) if reference.tag == before else reference

    parents = tuple(
        msgspec.structs.replace(use, references=tuple(map(renamed, use.references))) for use in target.parents
    )
    return msgspec.structs.replace(target, args=((BASE_TAG, tag), *target.args[1:]), parents=parents)
