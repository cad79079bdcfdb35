# SPDX-License-Identifier: MIT
"""An image's inventory: its layers laid over each other, the lowest first.

In:   what each layer tells (inside/layers), the image's config
Out:  Inventory
Pure. Why so: docs/explanation/inventories.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stackyard.inside.contained import Contained
from stackyard.inside.databases import is_installed
from stackyard.inside.layers import LayerContents
from stackyard.model.inventory import (
    Gap,
    Inventory,
    LargeFile,
    Package,
    System,
    in_order,
    layers_of,
    settings_of,
)
from stackyard.model.names import Digest
from stackyard.model.reference import Platform

_SYSTEMS = ("etc/os-release", "usr/lib/os-release")


def inventory_of(
    content: Digest,
    platform: Platform,
    config: Mapping[str, Any],
    layers: Sequence[LayerContents],
    blobs: Sequence[tuple[Digest, int] | None] = (),
) -> Inventory:
    """What is inside an image with these layers."""
    overlay = _Overlay()
    for index, layer in enumerate(layers):
        overlay.lay(index, layer)
    files = [LargeFile(path, size, layer) for path, (size, layer) in overlay.files.items()]
    return Inventory(
        content,
        platform,
        layers_of(config, [layer.size_bytes for layer in layers], blobs),
        in_order(overlay.packages()),
        tuple(sorted(files, key=lambda file: (-file.size_bytes, file.path))),
        overlay.gaps(layers),
        overlay.system(),
        settings_of(config.get("config") or {}),
        str(config.get("created") or ""),
    )


class _Overlay:
    """What is left of the layers so far."""

    def __init__(self) -> None:
        self._databases: dict[str, tuple[Contained, int]] = {}
        """By path, with the layer that wrote it last."""
        self._since: dict[tuple[str, tuple[str, ...]], int] = {}
        """Since which layer a database has a package."""
        self.files: dict[str, tuple[int, int]] = {}

    def lay(self, index: int, layer: LayerContents) -> None:
        """One more layer on top."""
        self.files = {path: each for path, each in self.files.items() if not _hides(layer, path)}
        kept = {path: each for path, each in self._databases.items() if not _hides(layer, path)}
        kept.update({path: (said, index) for path, said in layer.databases.items() if is_installed(path)})
        self._databases = kept
        self.files.update({path: (size, index) for path, size in layer.large.items()})
        since = {(path, each.identity) for path, (said, _) in kept.items() for each in said.packages}
        self._since = {key: self._since.get(key, index) for key in since}

    def packages(self) -> list[Package]:
        """Each with the layer that brought it."""
        return [
            msgspec.structs.replace(package, layer=self._since[path, package.identity])
            for path, (said, _) in self._databases.items()
            for package in said.packages
        ]

    def gaps(self, layers: Sequence[LayerContents]) -> tuple[Gap, ...]:
        """What could not be read, and counts: not what a later layer took away."""
        unread = [Gap(each.problem_code, each.problem, "", index) for index, each in enumerate(layers) if each.problem]
        damaged = [
            Gap(said.code, said.complaint, path, index)
            for path, (said, index) in sorted(self._databases.items())
            if said.complaint
        ]
        return (*unread, *damaged)

    def system(self) -> System:
        """By the first os-release that is there."""
        found = (self._databases[path][0].system for path in _SYSTEMS if path in self._databases)
        return next(filter(None, found), System())


def _hides(layer: LayerContents, path: str) -> bool:
    """Whether a layer takes away, or puts something else in the place of, what lower layers have at a path."""
    if path in layer.gone or path in layer.others or path in layer.folders:
        return True
    if "" in layer.opaque:
        return True
    at = path.rfind("/")
    while at > 0:
        above = path[:at]
        if above in layer.gone or above in layer.opaque or above in layer.others:
            return True
        at = path.rfind("/", 0, at)
    return False
