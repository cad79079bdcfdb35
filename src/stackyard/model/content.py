# SPDX-License-Identifier: MIT
"""What is in an image: the facts an engine or a registry tells, and one digest over those that matter.

Pure. The first of two steps of equality (DESIGN, "content digest"): ordered layers and
the runtime part of the config. It costs one inspect and never calls two different images
equal; two builds whose layers differ only in times count as different here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from stackyard.model import canonical
from stackyard.model.names import Digest
from stackyard.model.reference import LocalImage, Platform

RUNTIME_KEYS = (
    "ArgsEscaped",
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "OnBuild",
    "Shell",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)
"""Fields of an OCI image config's `config` that change what a container of it does (OCI image-spec, config)."""


class ImageFacts(msgspec.Struct, frozen=True):
    """What an engine says of one image."""

    image: LocalImage
    layers: tuple[Digest, ...]
    """Diff ids, oldest layer first."""
    config: dict[str, Any]
    """The config's runtime part, as the engine spells it."""
    platform: Platform
    size_bytes: int
    """As the engine counts it: unpacked on a classic store."""
    repository_digests: tuple[str, ...] = ()
    """`repository@digest` for each repository it was pulled from or pushed to."""

    def is_built_on(self, parent: ImageFacts) -> bool:
        """Whether the parent's layers are this image's first layers."""
        return self.layers[: len(parent.layers)] == parent.layers


class PublishedFacts(msgspec.Struct, frozen=True):
    """What a registry says of one image, as one platform sees it."""

    digest: Digest
    """What the tag points at: an index, or a manifest."""
    platforms: tuple[Platform, ...]
    """All that are there, in the registry's order."""
    manifest: Digest | None
    """The manifest of the platform that was asked for; None if it is not among them."""
    config: dict[str, Any] | None = None
    """The image config of that platform."""
    layers: tuple[Digest, ...] = ()
    """Its diff ids, oldest layer first."""
    config_digest: Digest | None = None
    """What an engine with a classic store calls it."""
    platform: Platform | None = None
    """As its config says it."""
    size_bytes: int = 0
    """Of its layers, as they travel."""

    @property
    def content(self) -> Digest:
        """Its content digest, as an engine's facts of it would give."""
        runtime = (self.config or {}).get("config") or {}
        platform = self.platform or Platform("linux/amd64")
        return content_digest(ImageFacts(LocalImage(self.digest), self.layers, runtime, platform, self.size_bytes))

    def is_built_on(self, parent: PublishedFacts) -> bool:
        """Whether the parent's layers are this image's first layers."""
        return self.layers[: len(parent.layers)] == parent.layers


def names_in_environment(facts: ImageFacts) -> tuple[str, ...]:
    """Names of the variables that a container of the image has; values can be secrets, and are left alone."""
    return tuple(sorted({str(line).partition("=")[0] for line in facts.config.get("Env") or ()}))


def joined_content(parts: Iterable[tuple[str, Digest]]) -> Digest:
    """The content digest of what joins the images of several platforms: by target, sorted."""
    return canonical.digest(sorted(parts))


def content_digest(facts: ImageFacts) -> Digest:
    """Equal for two images whose layers and runtime config are the same.

    Empty and absent config fields are the same thing: engines differ in which they write.
    """
    runtime = {key: facts.config[key] for key in RUNTIME_KEYS if facts.config.get(key)}
    return canonical.digest({"layers": facts.layers, "config": runtime, "platform": facts.platform})
