# SPDX-License-Identifier: MIT
"""Documents about an image, in the registry beside it: OCI artifacts that refer to it.

In:   a Registry, an image by its repository and digest
Out:  what is there
Raises: as the Registry
Source: OCI image-spec 1.1, "image manifest", `subject` and `artifactType`; OCI annotations
"""

from __future__ import annotations

from collections.abc import Mapping

from stackyard.edges.registry import OCI_MANIFEST, Manifest, Registry, digest_of
from stackyard.errors import RegistryProblem
from stackyard.model import canonical
from stackyard.model.names import Digest
from stackyard.model.reference import Repository

INVENTORY_KIND = "application/vnd.stackyard.inventory.v1+json"
_EMPTY, _EMPTY_KIND = b"{}", "application/vnd.oci.empty.v1+json"


def attach(
    registry: Registry,
    repository: Repository,
    image: Digest,
    kind: str,
    data: bytes,
    annotations: Mapping[str, str],
) -> Digest:
    """Leave a document beside an image; its own digest. The same document again is the same artifact."""
    there = registry.manifest(repository, image)
    if there is None:
        raise RegistryProblem(
            f"{repository}@{image} is not there, so nothing can be attached to it",
            hint="`stackyard push` publishes it",
            address=repository.host,
        )
    registry.upload(repository, _EMPTY)
    layer = {"mediaType": kind, "digest": registry.upload(repository, data), "size": len(data)}
    body = canonical.encode(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": kind,
            "config": {"mediaType": _EMPTY_KIND, "digest": digest_of(_EMPTY), "size": len(_EMPTY)},
            "layers": [layer],
            "subject": {"mediaType": there.media_type, "digest": image, "size": len(there.body)},
            "annotations": dict(annotations),
        }
    )
    made = Manifest(digest_of(body), OCI_MANIFEST, body)
    registry.put(repository, made.digest, made)
    return made.digest


def read_attached(registry: Registry, repository: Repository, image: Digest, kind: str) -> bytes | None:
    """The newest document of a kind beside an image; None where there is none."""
    found = registry.referrers(repository, image, kind)
    manifest = registry.manifest(repository, found[-1].digest) if found else None
    blobs = manifest.blobs if manifest else ()
    digest = next((each.digest for each in blobs if each.media_type == kind), None)
    return None if digest is None else registry.blob(repository, digest)
