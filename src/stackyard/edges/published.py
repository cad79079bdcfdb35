# SPDX-License-Identifier: MIT
"""What a registry says of a published image: its platforms, and for one of them its layers and config.

In:   a Registry, a repository, a tag or digest, a platform
Out:  PublishedFacts; None where nothing is there
Raises: as the Registry; RegistryProblem for what is no image
Source: OCI image-spec, "image index", "image manifest", "image configuration"
"""

from __future__ import annotations

from typing import Any

import msgspec

from stackyard.edges.registry import Manifest, Registry
from stackyard.errors import RegistryProblem
from stackyard.model import canonical
from stackyard.model.content import PublishedFacts
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Platform, Repository

_UNKNOWN = "unknown"
"""What an index says of a platform where the entry is no image but an attestation."""


class _PlatformOf(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str = ""

    @property
    def name(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


class _Entry(msgspec.Struct):
    digest: str
    platform: _PlatformOf | None = None


class _Body(msgspec.Struct):
    config: _Entry | None = None
    manifests: list[_Entry] | None = None


class _RootFs(msgspec.Struct):
    diff_ids: list[str] = []


class _Config(_PlatformOf):
    rootfs: _RootFs = msgspec.field(default_factory=_RootFs)


def published(
    registry: Registry, repository: Repository, tag: Tag | Digest, platform: Platform
) -> PublishedFacts | None:
    """What is there: two requests for an image of one platform, three for one of several."""
    top = registry.manifest(repository, tag)
    if top is None:
        return None
    body = _read(top, _Body, repository)
    if body.manifests is None:
        there, config, layers = _config(registry, repository, top, body)
        ours = top.digest if there.fits(platform) else None
        return PublishedFacts(top.digest, (there,), ours, config, layers, top.config, there, _size(top))
    entries = [(Platform(each.platform.name), each) for each in body.manifests if _is_image(each) and each.platform]
    names = tuple(name for name, _ in entries)
    exact = [entry for name, entry in entries if name == platform]
    chosen = next(iter([*exact, *(entry for name, entry in entries if name.fits(platform))]), None)
    if chosen is None:
        return PublishedFacts(top.digest, names, None)
    manifest = registry.manifest(repository, Digest.parse(chosen.digest))
    if manifest is None:
        raise _no_image(repository, top, f"it names {chosen.digest}, which is not there")
    there, config, layers = _config(registry, repository, manifest, _read(manifest, _Body, repository))
    size = _size(manifest)
    return PublishedFacts(top.digest, names, manifest.digest, config, layers, manifest.config, there, size)


def _size(manifest: Manifest) -> int:
    return sum(blob.size for blob in manifest.blobs)


def manifest_for(registry: Registry, repository: Repository, digest: Digest, platform: Platform) -> Digest | None:
    """The manifest that an image has for one platform, None where there is none for it."""
    facts = published(registry, repository, digest, platform)
    return facts.manifest if facts else None


def _is_image(entry: _Entry) -> bool:
    return entry.platform is not None and _UNKNOWN not in (entry.platform.os, entry.platform.architecture)


def _config(
    registry: Registry, repository: Repository, manifest: Manifest, body: _Body
) -> tuple[Platform, dict[str, Any], tuple[Digest, ...]]:
    """Platform, config and diff ids of one manifest."""
    if body.config is None:
        raise _no_image(repository, manifest, "it names no config")
    data = registry.blob(repository, Digest.parse(body.config.digest))
    if data is None:
        raise _no_image(repository, manifest, f"its config {body.config.digest} is not there")
    try:
        said = canonical.decode(data, _Config)
        config: dict[str, Any] = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _no_image(repository, manifest, "its config is none of an image") from None
    if not said.name:
        raise _no_image(repository, manifest, "its config is none of an image")
    return Platform(said.name), config, tuple(Digest.parse(layer) for layer in said.rootfs.diff_ids)


def _read(manifest: Manifest, kind: type[_Body], repository: Repository) -> _Body:
    try:
        return canonical.decode(manifest.body, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _no_image(repository, manifest, "its manifest cannot be read") from None


def _no_image(repository: Repository, manifest: Manifest, why: str) -> RegistryProblem:
    return RegistryProblem(
        f"{repository}@{manifest.digest} is no image: {why}",
        hint="what is there may be something else that registries keep: an SBOM, a chart, a signature",
        address=repository.host,
    )
