# SPDX-License-Identifier: MIT
"""Believing a registry where the records say something else: a person asked for it, and gave a reason.

In:   Stack, Known, what is to be promoted, where the registry has the tags
Out:  Known as the registry has it, and each Difference
Pure. Why: docs/explanation/promotion.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import Difference
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Reference, Repository
from stackyard.model.stack import Stack
from stackyard.plan.channels import Asked, channel_tag, named_tag

Found = Mapping[tuple[Repository, Tag | Digest], Digest | None]


def asked_to_accept(stack: Stack, asked: str, selected: frozenset[TargetName], channel: str) -> list[Asked]:
    """The tags of the source and of the channel, as the registry has to tell them."""
    return [
        (reference.repository, tag, is_source) for reference, tag, is_source in _tags(stack, asked, selected, channel)
    ]


def accepted(
    stack: Stack,
    known: Known,
    asked: str,
    selected: frozenset[TargetName],
    channel: str,
    place: TagPlace,
    found: Found,
) -> tuple[Known, tuple[Difference, ...]]:
    """What is known once the registry is believed, and where that makes a difference.

    A source that the registry does not have stays what the records say: it is refused as ever.
    """
    tags, differences = dict(known.tags), []
    for reference, tag, is_source in _tags(stack, asked, selected, channel):
        there, recorded = found[reference.repository, tag], known.tag_at(place, reference)
        if there == recorded or (there is None if is_source else recorded is None):
            continue
        differences.append(Difference(reference, recorded, there))
        key = (place, reference.canonical)
        if there is None:
            del tags[key]
        else:
            tags[key] = there
    return msgspec.structs.replace(known, tags=tags), tuple(differences)


def _tags(
    stack: Stack, asked: str, selected: frozenset[TargetName], channel: str
) -> Iterator[tuple[Reference, Tag, bool]]:
    for target in stack.targets:
        if target.name not in selected or target.name.platform is not None:
            continue
        for tag, is_source in (
            (named_tag(asked, target, stack.revision), True),
            (channel_tag(stack, target, channel), False),
        ):
            if tag is not None:
                yield Reference(target.repository, tag), tag, is_source
