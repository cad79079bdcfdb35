# SPDX-License-Identifier: MIT
"""What follows from what is on a machine."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stackyard.check.capabilities import diagnose
from stackyard.model.building import NoWay, Way, way_to_build
from stackyard.model.reference import Platform
from stackyard.model.surroundings import (
    Capability,
    FoundEngine,
    FoundRegistry,
    RegistryState,
    Surroundings,
    WantedPlatform,
)
from tests.cases import each_of

ENGINE: dict[str, Any] = {
    "address": "unix:///var/run/docker.sock",
    "client": "28.2.2",
    "version": "26.1.5",
    "buildx": "0.13.1",
    "store": "containerd",
    "platform": Platform("linux/amd64"),
    "platforms": (Platform("linux/amd64"), Platform("linux/386")),
    "folder": "/var/lib/docker",
    "free_bytes": 80_000_000_000,
}


MACHINE = Surroundings(
    stackyard="0.1.0",
    python="3.12.3",
    system=Platform("linux/amd64"),
    git="2.43.0",
    pytest="9.0.0",
    podman="",
    podman_socket="",
    engines=(),
    registries=(),
)


def seen(code: str, *, around: dict[str, Any] | None = None, **engine: Any) -> Capability:
    """The capability of this code on a machine that has all, but for what is said."""
    engines = (FoundEngine("docker", **{**ENGINE, **engine}), FoundEngine("buildah"))
    here = msgspec.structs.replace(MACHINE, **{"engines": engines, **(around or {})})
    found = [each for each in diagnose(here).capabilities if each.code == code]
    assert len(found) == 1
    return found[0]


@each_of(
    ("client", "engine", "buildx", "through", "has_contexts"),
    [
        ("28.2.2", "26.1.5+dfsg1", "0.13.1+ds1", "buildx", True),
        ("28.2.2", "20.10.24", "0.13.1", "buildx", False),
        ("20.10.24+dfsg1", "20.10.24", "", "docker build", False),
        ("20.10.24", "20.10.24", "0.8.2", "docker build", False),
        ("20.10.24", "26.1.5", "", "docker build", False),
        ("29.7.2", "29.7.2", "v0.32.0", "buildx", True),
    ],
)
def test_there_is_a_way_to_build(client: str, engine: str, buildx: str, through: str, has_contexts: bool) -> None:
    """buildx where it is new enough, else the BuildKit of a client up to 20.10; contexts from engine 23 on."""
    assert way_to_build(client, engine, buildx) == Way(through, has_contexts)  # type: ignore[arg-type]


@each_of(
    ("client", "engine", "buildx", "os", "words"),
    [
        ("", "26.1.5", "", "linux", "docker is not installed"),
        ("28.2.2", "26.1.5", "", "linux", "would fall back to its old builder"),
        ("28.2.2", "26.1.5", "0.11.2", "linux", "buildx 0.11.2 is too old"),
        ("20.10.24", "18.06.1", "", "linux", "has only the old builder"),
        ("28.2.2", "podman 4.3.1", "0.24.0", "linux", "podman 4.3.1 answers where docker would"),
        ("28.2.2", "28.2.2", "0.24.0", "windows", "the images of a stack are Linux images"),
    ],
)
def test_the_old_builder_is_refused(client: str, engine: str, buildx: str, os: str, words: str) -> None:
    """One sentence that says what is missing, and a hint."""
    way = way_to_build(client, engine, buildx, os)
    assert isinstance(way, NoWay)
    assert words in way.sentence
    assert way.hint


def test_an_engine_that_is_all_there() -> None:
    """What it can do is on; attestations are made when the spec asks for them."""
    assert seen("build").is_on
    assert "buildx 0.13.1" in seen("build").sentence
    assert seen("pin").is_on
    assert seen("test").is_on
    assert seen("cache").is_on
    assert seen("attestations").is_on
    assert "where the spec says" in seen("attestations").sentence


@each_of(
    ("facts", "why"),
    [
        ({"store": "classic"}, "no place for them"),
        ({"builder": "farm"}, "loads images without them"),
        ({"client": "20.10.24", "version": "20.10.24", "buildx": "", "store": "classic"}, "needs buildx"),
    ],
)
def test_what_makes_no_attestations_says_why(facts: dict[str, str], why: str) -> None:
    """A store without a place for them, a builder that is loaded from, a docker without buildx."""
    found = seen("attestations", **facts)
    assert not found.is_on
    assert why in found.sentence
    assert "containerd" in found.hint


def test_without_an_engine_nothing_is_built() -> None:
    """The engine's own sentence and hint are told; what needs it is off too; plans are made all the same."""
    facts = {"version": "", "problem": "no engine answers", "hint": "start it"}
    found = seen("build", **facts)
    assert (found.is_on, found.sentence, found.hint) == (False, "No image can be built: no engine answers.", "start it")
    assert not seen("test", **facts).is_on
    assert not seen("inventory", **facts).is_on
    assert seen("plan", **facts).is_on


def test_an_old_engine_pins_by_a_copy() -> None:
    """It has no named contexts, and builds through what is built in."""
    old = {"client": "20.10.24", "version": "20.10.24", "buildx": "", "store": "classic"}
    assert "a copy of each Dockerfile" in seen("pin", **old).sentence
    assert "built in" in seen("build", **old).sentence
    assert not seen("cache", **old).is_on


def test_a_classic_store_exports_no_cache() -> None:
    """It says so, and how that is changed."""
    found = seen("cache", store="classic")
    assert not found.is_on
    assert "containerd" in found.hint


def test_emulation_is_told() -> None:
    """32 bits of the own processor are no emulation; an engine that says nothing is not believed to emulate."""
    assert not seen("platforms").is_on
    found = seen("platforms", platforms=(Platform("linux/amd64"), Platform("linux/arm64")))
    assert found.is_on
    assert "emulates linux/arm64" in found.sentence
    assert not seen("platforms", platforms=()).is_on


def test_another_builder_decides_what_is_built_and_cached() -> None:
    """What it builds for is its own affair, and so is its store; tests run on the engine."""
    farm = {"builder": "farm", "builder_platforms": (Platform("linux/arm64"),), "store": "classic"}
    sentence = "The builder farm builds for linux/arm64; tests run for linux/amd64, linux/386."
    assert seen("platforms", **farm).sentence == sentence
    assert seen("cache", **farm).is_on
    assert not seen("cache", store="classic").is_on
    engine = FoundEngine("docker", **{**ENGINE, **farm})
    wanted = tuple(WantedPlatform(Platform(each), "", None) for each in ("linux/arm64", "linux/s390x"))
    here = msgspec.structs.replace(MACHINE, engines=(engine,), wanted=wanted)
    told = [each.sentence for each in diagnose(here).capabilities if each.code == "platforms"]
    assert told[1:] == [
        "What is for linux/arm64 is built by farm, and can be tested by nothing here.",
        "The stack is for linux/s390x too, which the builder farm does not build for.",
    ]


def test_what_a_stack_is_for_and_nothing_here_runs_is_told() -> None:
    """Unless the spec names an engine for it, of which is told whether it answers."""
    arm, far = Platform("linux/arm64"), "ssh://far"

    def told(wanted: WantedPlatform) -> list[tuple[bool, str]]:
        engine = FoundEngine("docker", **ENGINE)
        found = diagnose(msgspec.structs.replace(MACHINE, engines=(engine,), wanted=(wanted,))).capabilities
        return [(each.is_on, each.sentence) for each in found if each.code == "platforms"][1:]

    assert told(WantedPlatform(Platform("linux/386"))) == []
    ((is_on, sentence),) = told(WantedPlatform(arm))
    assert not is_on
    assert sentence.startswith("The stack is for linux/arm64 too, which nothing here runs")
    answers = FoundEngine("docker", **{**ENGINE, "address": far})
    assert told(WantedPlatform(arm, far, answers)) == [
        (True, "What is for linux/arm64 is built by docker 26.1.5 at ssh://far.")
    ]
    silent = FoundEngine("docker", problem="nobody answers at ssh://far")
    assert told(WantedPlatform(arm, far, silent)) == [
        (False, "What is for linux/arm64 cannot be built: nobody answers at ssh://far.")
    ]


def test_a_disk_that_is_nearly_full_is_off() -> None:
    """Known where the engine is here; unknown is no reproach."""
    assert seen("disk").is_on
    assert not seen("disk", free_bytes=1_000_000_000).is_on
    assert "not known" in seen("disk", free_bytes=None).sentence


@each_of(
    ("state", "ours", "bases"),
    [("login", True, True), ("open", True, True), ("no login", False, True), ("refused", False, False)],
)
def test_a_registry_needs_a_login_to_be_published_to(state: RegistryState, ours: bool, bases: bool) -> None:
    """And none to give what is public."""
    mine = FoundRegistry("ghcr.io", True, state, "it said no")
    theirs = FoundRegistry("ghcr.io", False, state, "it said no")
    assert seen("publish", around={"registries": (mine,), "stack": "campus"}).is_on == ours
    assert seen("bases", around={"registries": (theirs,)}).is_on == bases


def test_a_stack_without_a_registry_says_so() -> None:
    """And a machine without a stack says nothing of publishing."""
    assert not seen("publish", around={"stack": "campus"}).is_on
    with pytest.raises(AssertionError):
        seen("publish")


def test_without_pytest_test_folders_are_off() -> None:
    """Inventories need none."""
    assert not seen("test", around={"pytest": ""}).is_on
    assert seen("inventory", around={"pytest": ""}).is_on


def test_buildah_without_a_socket_tests_nothing() -> None:
    """It builds and takes inventories; test folders need docker's API, and the hint says what serves it."""
    engine = FoundEngine(
        "buildah", client="1.28.2", version="1.28.2", store="buildah", platform=Platform("linux/amd64")
    )
    around = {"engines": (engine, FoundEngine("docker"))}
    assert seen("build", around=around).is_on
    assert seen("inventory", around=around).is_on
    assert "registry" in seen("cache", around=around).sentence
    assert (seen("test", around=around).is_on, "podman.socket" in seen("test", around=around).hint) == (False, True)

    served = msgspec.structs.replace(engine, address="unix:///run/podman/podman.sock")
    assert seen("test", around={"engines": (served,)}).is_on
    refused = msgspec.structs.replace(engine, problem="buildah 1.23.1 is too old", hint="install a newer buildah")
    assert not seen("build", around={"engines": (refused,)}).is_on
