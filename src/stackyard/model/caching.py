# SPDX-License-Identifier: MIT
"""Where builds take steps from that another machine made, and leave their own for others: `cache:` of the spec.

In:   a text in docker's own form: `type=registry,ref=ghcr.io/lab/cache`
Out:  the same text for one target; what an engine leaves out
Pure.

Each target has a place of its own: a build overwrites what is there.
"""

from __future__ import annotations

import posixpath
import re
from typing import Literal, NamedTuple

from stackyard.errors import InvalidValue
from stackyard.model.building import CacheKinds
from stackyard.model.names import Tag, TargetName
from stackyard.model.reference import Reference

CacheKind = Literal["registry", "local", "gha"]

_FORM = "type=registry,ref=REPOSITORY, type=local,path=FOLDER or type=gha; more attributes of docker's behind it"
_GITHUB = "ACTIONS_RUNTIME_TOKEN"
"""What a job on GitHub needs to reach its cache."""


class CachePlace(NamedTuple):
    """One place of caches, without the part that is a target's own."""

    kind: CacheKind
    where: str = ""
    """A repository, with or without a tag; a folder; a scope."""
    more: tuple[str, ...] = ()
    """Attributes that are passed on: `mode=max`."""

    @classmethod
    def parse(cls, text: str) -> CachePlace:
        """Read one entry; InvalidValue if it is none.

        >>> CachePlace.parse("type=registry,ref=ghcr.io/lab/cache,mode=max")
        CachePlace(kind='registry', where='ghcr.io/lab/cache', more=('mode=max',))
        """
        attributes = {key: value for key, _, value in (part.partition("=") for part in text.split(","))}
        kinds: dict[str, tuple[CacheKind, str]] = {
            "registry": ("registry", "ref"),
            "local": ("local", "path"),
            "gha": ("gha", "scope"),
        }
        kind, key = kinds.get(attributes.pop("type", ""), (None, ""))
        where = attributes.pop(key, "")
        if kind is None or not all(attributes.values()) or (kind != "gha" and not where):
            raise InvalidValue(
                f"{text!r} is no place for a build cache", hint=f"write {_FORM}", kind="cache", text=text
            )
        if kind == "registry":
            Reference.parse(where)
        return cls(kind, where, tuple(f"{name}={value}" for name, value in attributes.items()))

    def of(self, target: TargetName, root: str, is_export: bool) -> str:
        """What docker is given for one target.

        >>> CachePlace("registry", "ghcr.io/lab/cache:main").of(TargetName.parse("lab/3.12"), "/", False)
        'type=registry,ref=ghcr.io/lab/cache:main-lab-3.12'
        """
        own = re.sub(r"[^A-Za-z0-9_.-]", "-", str(target))
        if self.kind == "local":
            key = "dest" if is_export else "src"
            place = f"{key}={posixpath.join(root, self.where, own)}"
        elif self.kind == "gha":
            place = f"scope={'-'.join(filter(None, (self.where, own)))}"
        else:
            reference = Reference.parse(self.where)
            tag = "-".join(filter(None, (str(reference.tag or ""), own)))
            place = f"ref={Reference(reference.repository, Tag.parse(tag))}"
        return ",".join((f"type={self.kind}", place, *self.more))


class Caching(NamedTuple):
    """What a stack says about build caches."""

    imports: tuple[CachePlace, ...] = ()
    exports: tuple[CachePlace, ...] = ()


def without_unreachable(kinds: CacheKinds, variables: frozenset[str]) -> CacheKinds:
    """Less what only a job on GitHub reaches, elsewhere."""
    if _GITHUB in variables:
        return kinds
    return CacheKinds(*(tuple(kind for kind in each if kind != "gha") for each in (kinds.imports, kinds.exports)))


def caches_off(caching: Caching, kinds: CacheKinds, engine: str) -> tuple[str, ...]:
    """What of the spec's caches is off here, each in a sentence."""
    sentences: dict[str, None] = {}
    for verb, places, can in (
        ("taken from", caching.imports, kinds.imports),
        ("left in", caching.exports, kinds.exports),
    ):
        for place in places:
            if place.kind not in can:
                where = "GitHub's cache" if place.kind == "gha" else f"{place.where} ({place.kind})"
                why = "this is no job of GitHub's" if place.kind == "gha" and "registry" in can else "it cannot do that"
                sentence = f"no build cache is {verb} {where}: {engine}, and {why}; `stackyard doctor` says more"
                sentences[sentence] = None
    return tuple(sentences)
