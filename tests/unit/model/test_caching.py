# SPDX-License-Identifier: MIT
"""Where build caches are, for each target, and what of them an engine leaves out."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.model.building import cache_kinds
from stackyard.model.caching import CachePlace, Caching, caches_off, without_unreachable
from stackyard.model.names import TargetName
from tests.cases import each_of

LAB = TargetName.parse("lab/3.12")


@each_of(
    ("text", "taken", "left"),
    [
        ("type=registry,ref=ghcr.io/lab/cache,mode=max", "ref=ghcr.io/lab/cache:lab-3.12,mode=max", None),
        ("type=registry,ref=ghcr.io/lab/cache:main", "ref=ghcr.io/lab/cache:main-lab-3.12", None),
        ("type=local,path=.cache", "src=/stack/.cache/lab-3.12", "dest=/stack/.cache/lab-3.12"),
        ("type=local,path=/var/cache/lab", "src=/var/cache/lab/lab-3.12", "dest=/var/cache/lab/lab-3.12"),
        ("type=gha", "scope=lab-3.12", None),
        ("type=gha,scope=main", "scope=main-lab-3.12", None),
    ],
)
def test_each_target_has_a_place_of_its_own(text: str, taken: str, left: str | None) -> None:
    """In docker's words; a folder is read by another name than it is written."""
    place = CachePlace.parse(text)
    assert place.of(LAB, "/stack", is_export=False) == f"type={place.kind},{taken}"
    assert place.of(LAB, "/stack", is_export=True) == f"type={place.kind},{left or taken}"


@each_of(
    "text", ["ghcr.io/lab/cache", "type=s3,bucket=x", "type=registry", "type=local", "type=registry,ref=a:b:c", "type="]
)
def test_what_is_no_place(text: str) -> None:
    """Refused where it is read, with what it may be."""
    with pytest.raises(InvalidValue) as caught:
        CachePlace.parse(text)
    assert caught.value.hint


def test_what_an_engine_leaves_out_is_said() -> None:
    """Once for each place and direction; nothing where all of it works."""
    places = tuple(map(CachePlace.parse, ("type=registry,ref=ghcr.io/lab/cache", "type=gha")))
    caching = Caching(places, places[:1])
    classic, full = (cache_kinds("buildx", store) for store in ("classic", "containerd"))

    assert len(caches_off(caching, classic, "docker 26")) == 1
    assert "left in ghcr.io/lab/cache" in caches_off(caching, classic, "docker 26")[0]
    assert caches_off(caching, full, "docker 26") == ()
    here = without_unreachable(full, frozenset())
    assert "no job of GitHub's" in caches_off(caching, here, "docker 26")[0]
    assert without_unreachable(full, frozenset({"ACTIONS_RUNTIME_TOKEN"})) == full
    assert len(caches_off(caching, cache_kinds("docker build", "classic"), "docker 20.10")) == 3
