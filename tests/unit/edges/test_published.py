# SPDX-License-Identifier: MIT
"""What a registry says of a published image, over the registry in memory."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.edges.published import published
from stackyard.edges.registry import OCI_MANIFEST, Manifest
from stackyard.errors import RegistryProblem
from stackyard.model.content import PublishedFacts
from stackyard.model.names import Tag
from stackyard.model.reference import Platform, Repository
from stackyard.testing.registry import MadeImage, MemoryRegistry, make_image, make_index, sha256
from tests.cases import each_of

LAB = Repository("registry.example/lab")
AMD, ARM = Platform("linux/amd64"), Platform("linux/arm64")


def found(registry: MemoryRegistry, platform: Platform = AMD) -> PublishedFacts | None:
    """What is under the tag."""
    return published(registry, LAB, Tag("main"), platform)


def add(registry: MemoryRegistry, image: MadeImage, tag: str | None = "main") -> Manifest:
    """Leave an image there."""
    registry.add(LAB, tag, image.manifest, image.blobs)
    return image.manifest


def test_an_image_of_one_platform() -> None:
    """Its digest is the manifest's; layers are the diff ids of its config. Two requests."""
    registry = MemoryRegistry()
    made = make_image("lab")
    add(registry, made)

    there = found(registry)

    assert there == PublishedFacts(
        made.manifest.digest,
        (AMD,),
        made.manifest.digest,
        msgspec.json.decode(made.blobs[0]),
        (sha256(made.blobs[1]),),
        sha256(made.blobs[0]),
        AMD,
        sum(map(len, made.blobs)),
    )
    assert [request.verb for request in registry.requests] == ["manifest", "blob"]


def test_an_index_is_looked_through_to_the_platform() -> None:
    """The digest is the index's, the layers are the platform's; attestations are no platform."""
    registry = MemoryRegistry()
    amd, arm, other = make_image("amd"), make_image("arm"), make_image("sbom")
    children = {
        Platform("linux/arm64/v8"): add(registry, arm, None),
        AMD: add(registry, amd, None),
        Platform("unknown/unknown"): add(registry, other, None),
    }
    index = make_index(children)
    registry.add(LAB, "main", index)

    here, there = found(registry), found(registry, ARM)

    assert here is not None
    assert there is not None
    assert (here.digest, here.manifest, here.layers) == (index.digest, amd.manifest.digest, (sha256(amd.blobs[1]),))
    assert (there.digest, there.manifest) == (index.digest, arm.manifest.digest)
    assert here.platforms == (AMD, Platform("linux/arm64/v8"))


def test_a_platform_that_is_not_there() -> None:
    """The platforms that are say so; nothing else is known."""
    registry = MemoryRegistry()
    add(registry, make_image("lab"))
    alone = found(registry, ARM)
    registry.add(LAB, "main", make_index({AMD: add(registry, make_image("lab"), None)}))

    assert alone is not None
    assert (alone.platforms, alone.manifest) == ((AMD,), None)
    assert found(registry, ARM) == PublishedFacts(registry.tags(LAB)[Tag("main")], (AMD,), None)


def test_nothing_is_none() -> None:
    """No such tag."""
    assert found(MemoryRegistry()) is None


@each_of(
    ("body", "words"),
    [
        (b'{"layers": []}', "it names no config"),
        (b'{"config": {"digest": "sha256:' + b"0" * 64 + b'"}}', "is not there"),
        (b'{"manifests": 3}', "cannot be read"),
        (b"[]", "cannot be read"),
    ],
)
def test_what_is_no_image(body: bytes, words: str) -> None:
    """Registries keep other things, too: one sentence with the digest."""
    registry = MemoryRegistry()
    manifest = Manifest(sha256(body), OCI_MANIFEST, body)
    registry._manifests[LAB.canonical, manifest.digest] = manifest
    registry._tags[LAB.canonical, Tag("main")] = manifest.digest

    with pytest.raises(RegistryProblem, match=words) as caught:
        found(registry)
    assert manifest.digest in str(caught.value)


@each_of("config", [b"{}", b"no json", b'{"os": 1}', b"\xff"])
def test_a_config_that_is_none(config: bytes) -> None:
    """An artifact with a config of its own kind."""
    registry = MemoryRegistry()
    made = make_image("lab", config=sha256(config))
    registry.add(LAB, "main", made.manifest, [config])

    with pytest.raises(RegistryProblem, match="its config is none of an image"):
        found(registry)
