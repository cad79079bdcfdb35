# SPDX-License-Identifier: MIT
"""Layers as registries and engines have them, each read once and given in the image's order."""

from __future__ import annotations

import errno
import io
import json
import os
from typing import BinaryIO

import pytest

from stackyard.edges.image_layers import Peekable, from_archive, from_registry
from stackyard.edges.registry import OCI_MANIFEST, Manifest, digest_of
from stackyard.errors import EngineProblem, RegistryProblem, WorldError
from stackyard.model import canonical
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Platform, Repository
from stackyard.testing.registry import MemoryRegistry
from tests.archives import layer

HERE = Platform("linux/amd64")
IMAGE = Repository("registry.example/lab/image")


def words(stream: Peekable) -> bytes:
    """A layer as it is."""
    return stream.read()


def image(*layers: bytes) -> tuple[Manifest, list[bytes]]:
    """A manifest of these layers, and all blobs."""
    config = canonical.encode({"os": "linux", "architecture": "amd64"})
    named = [{"mediaType": "tar", "digest": digest_of(each), "size": len(each)} for each in layers]
    about = {"mediaType": "json", "digest": digest_of(config), "size": len(config)}
    body = canonical.encode({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": about, "layers": named})
    return Manifest(digest_of(body), OCI_MANIFEST, body), [config, *layers]


def test_a_registrys_layers_come_in_order_and_once() -> None:
    """A layer that an image has twice is fetched once."""
    registry = MemoryRegistry()
    manifest, blobs = image(b"one", b"none", b"two", b"none")
    registry.add(IMAGE, "1", manifest, blobs)

    stored = from_registry(registry, IMAGE, manifest.digest, words)
    assert stored.layers == (b"one", b"none", b"two", b"none")
    assert stored.blobs[1] == (digest_of(b"none"), 4)
    assert [request.verb for request in registry.requests].count("fetch") == 3


class Full(MemoryRegistry):
    """A registry whose layers fit nowhere."""

    def fetch(self, repository: Repository, digest: Digest, into: BinaryIO) -> bool:
        """No room."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_without_room_for_a_layer_is_named() -> None:
    """In one sentence, with where it should go."""
    registry = Full()
    manifest, blobs = image(b"one")
    registry.add(IMAGE, "1", manifest, blobs)
    with pytest.raises(WorldError, match=r"does not fit into .*: No space left on device") as caught:
        from_registry(registry, IMAGE, manifest.digest, words)
    assert "TMPDIR" in (caught.value.hint or "")


def test_a_layer_that_a_registry_lost_is_named() -> None:
    """In one sentence, with its digest; an image without layers is one."""
    registry = MemoryRegistry()
    manifest, blobs = image(b"one", b"two")
    registry.add(IMAGE, "1", manifest, blobs[:2])
    with pytest.raises(RegistryProblem, match=f"layer {digest_of(b'two').short} of .* is not there"):
        from_registry(registry, IMAGE, manifest.digest, words)
    empty, blobs = image()
    registry.add(IMAGE, "2", empty, blobs)
    assert from_registry(registry, IMAGE, empty.digest, words).layers == ()
    assert registry.resolve(IMAGE, Tag("2")) == empty.digest


def manifest_json(*images: tuple[str, list[str]]) -> str:
    """What `docker image save` puts at the end."""
    return json.dumps([{"Config": config, "RepoTags": None, "Layers": layers} for config, layers in images])


def test_archives_of_all_engines_are_read() -> None:
    """Parts in any order, links to layers, JSON among the blobs, several images; layers are those of the config."""
    old = {
        "VERSION": "1.0",
        "aa/json": "{}",
        "aa/layer.tar": "one",
        "bb/layer.tar": ("soft", "../aa/layer.tar"),
        "cc.json": '{"os": "linux", "architecture": "amd64", "of": "old"}',
        "manifest.json": manifest_json(("cc.json", ["aa/layer.tar", "bb/layer.tar"])),
    }
    new = {
        "blobs/sha256/aa": "one",
        "blobs/sha256/bb": '{"os": "linux", "architecture": "arm64"}',
        "blobs/sha256/cc": '{"os": "linux", "architecture": "amd64", "of": "new"}',
        "index.json": '{"manifests": []}',
        "manifest.json": manifest_json(("blobs/sha256/bb", []), ("blobs/sha256/cc", ["blobs/sha256/aa"])),
    }
    for files, of, layers in ((old, "old", (b"one", b"one")), (new, "new", (b"one",))):
        stored = from_archive(io.BytesIO(layer(files)), HERE, words)
        assert (stored.config["of"], stored.layers) == (of, layers)


@pytest.mark.parametrize("files", [{}, {"manifest.json": "[]"}, {"manifest.json": manifest_json(("x.json", []))}])
def test_what_is_no_image_is_said(files: dict[str, str]) -> None:
    """An engine that ended in the middle, or saved something else."""
    with pytest.raises(EngineProblem, match="saved no image"):
        from_archive(io.BytesIO(layer(files)), HERE, words)
