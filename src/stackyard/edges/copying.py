# SPDX-License-Identifier: MIT
"""An image from one repository to another, whole: an index with all it names, manifests, blobs, what refers to them.

In:     a Registry, two repositories, a digest
Out:    Travelled: what was there, taken over, sent
Raises: as the Registry; RegistryProblem for what is not there
Source: OCI distribution spec 1.1, "Content", "Listing referrers"

Children first, the top last, all by digest: a copy that ends in the middle leaves nothing that a tag names.
"""

from __future__ import annotations

from stackyard.edges.registry import Brought, Manifest, Registry
from stackyard.errors import RegistryProblem
from stackyard.model.elsewhere import Travelled
from stackyard.model.names import Digest
from stackyard.model.reference import Repository

_ELSEWHERE = ("foreign", "nondistributable")
"""In the media types of layers that are not in registries: Windows' own."""


def copy_image(registry: Registry, source: Repository, digest: Digest, to: Repository) -> Travelled:
    """Have an image of `source` in `to`, under its digest and without a tag."""
    manifest = registry.manifest(source, digest)
    if manifest is None:
        raise RegistryProblem(f"{source}@{digest} is not there", address=source.host)
    return _copied(registry, source, manifest, to)


def _copied(registry: Registry, source: Repository, manifest: Manifest, to: Repository) -> Travelled:
    done = Travelled()
    if registry.resolve(to, manifest.digest) is None:
        for child in manifest.children:
            done += copy_image(registry, source, child.digest, to)
        for blob in manifest.blobs:
            if not any(word in blob.media_type for word in _ELSEWHERE):
                done += _counted(registry.bring(to, blob, source), blob.size)
        registry.put(to, manifest.digest, manifest)
        done += Travelled(manifests=1)
    for about in registry.referrers(source, manifest.digest):
        if about.digest != manifest.digest:
            done += copy_image(registry, source, about.digest, to)
    return done


def _counted(how: Brought, size: int) -> Travelled:
    if how == "there":
        return Travelled(there=1)
    return Travelled(mounted=1) if how == "mounted" else Travelled(sent=1, sent_bytes=size)
