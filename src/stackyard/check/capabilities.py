# SPDX-License-Identifier: MIT
"""Surroundings -> what can be done here, and what cannot, each with a sentence and what to do about it. Pure.

Beside: edges/surroundings, which finds out what is there
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stackyard.model.attesting import WHAT_CAN
from stackyard.model.building import Way, attests, way_to_build
from stackyard.model.moves import Exclusion
from stackyard.model.surroundings import Capability, CapabilityCode, Diagnosis, FoundEngine, Surroundings

SCARCE_BYTES = 5_000_000_000
"""Less than this is soon full: one notebook image with its cache takes as much."""


def diagnose(found: Surroundings) -> Diagnosis:
    """All that follows from what is there, in the order in which a stack needs it."""
    engine = found.engines[0]
    capabilities = (_plan(found), *_engine(found, engine), *_wanted(found, engine), *_publish(found))
    return Diagnosis(found, capabilities)


def _plan(found: Surroundings) -> Capability:
    if found.git:
        return Capability("plan", True, "Plans are made from files, git and records; no engine is asked.")
    return Capability("plan", False, "There is no git, and tags are made of commits.", "install git")


def _engine(found: Surroundings, engine: FoundEngine) -> Iterator[Capability]:
    """What hangs on the engine."""
    if engine.problem or not engine.version:
        yield Capability("build", False, f"No image can be built: {engine.problem}.", engine.hint)
        yield Capability("test", False, "No image can be tested without an engine.")
        yield Capability("inventory", False, "No inventory can be taken without an engine.")
        return
    if engine.kind == "buildah":
        yield from _buildah(found, engine)
        return
    where = f" at {engine.address}" if engine.address else ""
    way = way_to_build(engine.client, engine.version, engine.buildx)
    assert isinstance(way, Way)
    through = f"buildx {engine.buildx}" if way.through == "buildx" else "the BuildKit that docker has built in"
    by = f"the builder {engine.builder}, and loaded into {engine.name}" if engine.builder else engine.name
    yield Capability("build", True, f"Images are built by {by}{where}, through {through}.")
    yield _pins(way)
    yield _tests(found, f"{engine.name}{where}")
    yield Capability("inventory", True, f"Commands for inventories run in containers of {engine.name}.")
    yield _attestations(engine, msgspec.structs.replace(way, builder=engine.builder))
    yield _cache(engine, way)
    yield _platforms(engine)
    yield _disk(engine)


def _buildah(found: Surroundings, engine: FoundEngine) -> Iterator[Capability]:
    """What follows where there is no daemon."""
    yield Capability("build", True, f"Images are built by {engine.name}, without a daemon.")
    yield Capability("pin", True, "Bases and parents are pinned in a copy of each Dockerfile.")
    if engine.address:
        yield _tests(found, f"podman at {engine.address}, which has the same images")
    else:
        yield Capability(
            "test",
            False,
            "Test folders cannot be run: tests reach images through docker's API, and nothing serves it here; "
            "images that have such tests are not published.",
            "podman's socket serves it: `systemctl --user start podman.socket`, as root without --user",
        )
    yield Capability("inventory", True, f"Commands for inventories run in containers of {engine.name}.")
    yield Capability("attestations", False, "Buildah makes no provenance and no SBOM.")
    sentence = "Build caches can be taken from a registry and left in one; folders and GitHub's cache are docker's."
    yield Capability("cache", True, sentence)
    yield _platforms(engine)
    yield _disk(engine)


def _tests(found: Surroundings, reached: str) -> Capability:
    if found.pytest:
        return Capability("test", True, f"Test folders run with pytest {found.pytest}, and reach {reached}.")
    return Capability(
        "test",
        False,
        "Test folders cannot be run: pytest is not installed beside Stackyard.",
        "pip install 'stackyard[test]' (or: uv tool install 'stackyard[test]')",
    )


def _pins(way: Way) -> Capability:
    if way.has_contexts:
        return Capability(
            "pin", True, "Bases and parents are pinned by named contexts; Dockerfiles are used as they are."
        )
    return Capability(
        "pin",
        True,
        "Bases and parents are pinned in a copy of each Dockerfile: this engine knows no named contexts.",
        "an engine from 23.0 with buildx takes Dockerfiles as they are",
    )


def _attestations(engine: FoundEngine, way: Way) -> Capability:
    if attests(way, engine.store or ""):
        return Capability("attestations", True, "Provenance and SBOM are made where the spec says `attestations`.")
    why = "a builder of its own loads images without them" if way.builder else "this engine has no place for them"
    return Capability(
        "attestations",
        False,
        f"No provenance and no SBOM is made: {why if way.through == 'buildx' else 'that needs buildx'}.",
        WHAT_CAN,
    )


def _cache(engine: FoundEngine, way: Way) -> Capability:
    if way.through != "buildx":
        return Capability(
            "cache", False, "No build cache is imported or exported: that needs buildx.", "install docker-buildx-plugin"
        )
    if engine.store == "classic" and not engine.builder:  # that has a store of its own
        return Capability(
            "cache",
            False,
            "Build caches can be imported; to a folder, a registry or GitHub's none is exported by a classic store.",
            'switch the engine to the containerd store: {"features": {"containerd-snapshotter": true}} in daemon.json',
        )
    return Capability("cache", True, "Build caches can be imported and exported.")


def _platforms(engine: FoundEngine) -> Capability:
    if engine.builder:
        builds = ", ".join(engine.builder_platforms) or "what it does not say"
        runs = ", ".join(engine.platforms) or engine.platform
        return Capability("platforms", True, f"The builder {engine.builder} builds for {builds}; tests run for {runs}.")
    others = [each for each in engine.platforms if engine.platform and not _is_native(each, engine.platform)]
    if others:
        return Capability("platforms", True, f"It builds for {engine.platform}, and emulates {', '.join(others)}.")
    hint = "for others install emulation: the packages qemu-user-static and binfmt-support"
    if not engine.platforms:
        return Capability(
            "platforms", False, f"It builds for {engine.platform}; whether it emulates is not told.", hint
        )
    return Capability("platforms", False, f"It builds for {engine.platform} only: nothing is emulated.", hint)


def _wanted(found: Surroundings, engine: FoundEngine) -> Iterator[Capability]:
    """What the stack is for, where the engine that is used does not simply run it."""
    for each in found.wanted:
        other = each.engine
        if other is not None and (other.problem or not other.version):
            sentence = f"What is for {each.platform} cannot be built: {other.problem or 'no engine answers'}."
            yield Capability("platforms", False, sentence, other.hint or f"`engines` of the spec names {each.where}")
        elif other is not None:
            sentence = f"What is for {each.platform} is built by {other.name} at {other.address}."
            yield Capability("platforms", True, sentence)
        elif engine.builder_platforms and not any(there.fits(each.platform) for there in engine.builder_platforms):
            sentence = f"The stack is for {each.platform} too, which the builder {engine.builder} does not build for."
            yield Capability("platforms", False, sentence, "name an engine of its own under `engines`")
        elif engine.builder and not any(there.fits(each.platform) for there in engine.platforms):
            sentence = f"What is for {each.platform} is built by {engine.builder}, and can be tested by nothing here."
            yield Capability("platforms", False, sentence, "install emulation on the engine's machine")
        elif engine.platforms and not any(there.fits(each.platform) for there in engine.platforms):
            yield Capability(
                "platforms",
                False,
                f"The stack is for {each.platform} too, which nothing here runs: a RUN for it fails, and what has "
                "tests is not published.",
                "install emulation, name an engine of its own under `engines`, or build it on such a machine",
            )


def _is_native(platform: str, native: str) -> bool:
    """Whether a machine runs this itself: its own platform, and the 32 bits that it has inside."""
    return platform == native or (native == "linux/amd64" and platform == "linux/386")


def _disk(engine: FoundEngine) -> Capability:
    if engine.free_bytes is None:
        return Capability("disk", True, "How much disk is free is not known: the engine is on another machine.")
    free = f"{engine.free_bytes / 1e9:.1f} GB are free where images are kept ({engine.folder})."
    if engine.free_bytes < SCARCE_BYTES:
        return Capability("disk", False, free, "make room: `docker image prune` removes images without a name")
    return Capability("disk", True, free)


def _publish(found: Surroundings) -> Iterator[Capability]:
    for each in found.registries:
        what: CapabilityCode = "publish" if each.is_published_to else "bases"
        verb = "Images are published to" if each.is_published_to else "Bases come from"
        if each.state == "login":
            yield Capability(what, True, f"{verb} {each.host}, which takes the stored login.")
        elif each.state == "open":
            yield Capability(what, True, f"{verb} {each.host}, which asks nobody who they are.")
        elif each.state == "no login":
            login = "docker login" if each.host == "docker.io" else f"docker login {each.host}"
            if each.is_published_to:
                yield Capability(what, False, f"Nobody is logged in to {each.host}, where images go.", login)
            else:
                yield Capability(what, True, f"{verb} {each.host}, without a login: what is public.")
        else:
            yield Capability(what, False, f"{each.problem}.", each.hint)
    if found.stack and not any(each.is_published_to for each in found.registries):
        yield Capability(
            "publish", False, "Nothing is published: the stack names no registry.", "`registry:` in the spec names one"
        )


def kept_apart(home: str | None, last: Exclusion | None) -> Capability:
    """Whether two machines are kept from moving tags at the same time.

    Args:
        home: the repository of the journal; None where none is shared.
        last: how it was when tags were last moved; None if they never were.
    """
    if home is None:
        sentence = "Tags are moved by one command at a time on this machine; other machines are not kept from it"
        return Capability("exclusion", False, sentence, "machines see each other where records are beside the images")
    if last == "machine":
        sentence = f"Other machines were not kept from moving the same tags: {home} listed no tags, or took none"
        return Capability("exclusion", False, sentence, f"it needs the right to list and to write tags of {home}")
    how = {
        None: "how exactly shows when tags are moved",
        "exact": "exactly: its list of tags had ours at once",
        "best effort": "as well as can be: its list of tags had ours late",
    }[last]
    hint = "do not move tags from two machines in the same minute" if last == "best effort" else ""
    return Capability("exclusion", True, f"One machine at a time moves tags, by what stands in {home}; {how}", hint)
