# SPDX-License-Identifier: MIT
"""The layers of an image, each given to somebody as its bytes come: from a registry, or from what an engine saves.

In:   a Registry and a manifest, or the stream of an archive; `each`, which reads one layer
Out:  Stored: the image's config, and what `each` made of the layers, in the image's order
May touch: temporary files of the size of two layers, for a registry; nothing for an archive
Raises: as the Registry; RegistryProblem, EngineProblem for what is no image
Source: OCI image-spec, "image manifest", "image layout"; `docker image save`, whose manifest.json names the layers
"""

from __future__ import annotations

import posixpath
import tarfile
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BufferedRandom, BufferedReader
from typing import Any, BinaryIO, Generic, NamedTuple, Protocol, TypeVar, cast

import msgspec

from stackyard.edges.registry import Descriptor, Registry
from stackyard.errors import EngineProblem, RegistryProblem, WorldError
from stackyard.model.names import Digest
from stackyard.model.reference import Platform, Repository

T = TypeVar("T")
_CHUNK = 1 << 15  # tarfile copies what is left of a piece for each member: larger ones cost more
_LARGEST_DOCUMENT = 16 << 20
"""A config or a manifest is no larger; a blob that is begins with `{` by chance."""


class Peekable(Protocol):
    """Bytes to be read once, of which the first can be looked at before."""

    def peek(self, size: int = 0, /) -> bytes:
        """Some of what comes next."""

    def read(self, size: int = -1, /) -> bytes:
        """What comes next."""


class Stored(NamedTuple, Generic[T]):
    """An image, and what was made of its layers."""

    config: dict[str, Any]
    layers: tuple[T, ...]
    """The lowest first."""
    blobs: tuple[tuple[Digest, int], ...] = ()
    """What a registry has each layer as, and its size; none for an archive."""


def from_registry(
    registry: Registry, repository: Repository, manifest: Digest, each: Callable[[Peekable], T]
) -> Stored[T]:
    """An image by its manifest; the next layer comes while one is read. Bytes are verified before they are read."""
    said = registry.manifest(repository, manifest)
    if said is None or said.config is None:
        raise RegistryProblem(f"there is no image {repository}@{manifest}", address=repository.host)
    _, *layers = said.blobs
    config = registry.blob(repository, said.config)
    if config is None:
        raise RegistryProblem(f"{repository}@{manifest} is no image: its config is not there", address=repository.host)

    def fetched(blob: Descriptor) -> BufferedRandom:
        file = tempfile.TemporaryFile(prefix="stackyard-")  # noqa: SIM115 - closed by whoever reads it
        try:
            if not registry.fetch(repository, blob.digest, file):
                raise RegistryProblem(
                    f"layer {blob.digest.short} of {repository}@{manifest.short} is not there",
                    hint="layers that may not be distributed are in other places",
                    address=repository.host,
                )
            file.seek(0)
        except OSError as error:
            file.close()
            raise WorldError(
                f"a layer of {repository}@{manifest.short} ({blob.size / 1e6:.1f} MB) does not fit into "
                f"{tempfile.gettempdir()}: {error.strerror or error}",
                hint="make room there, or name another folder in TMPDIR",
            ) from error
        except BaseException:
            file.close()
            raise
        return file

    wanted = list({blob.digest: blob for blob in layers}.values())
    read: dict[Digest, T] = {}
    with ThreadPoolExecutor(1) as pool:
        coming = [pool.submit(fetched, wanted[0])] if wanted else []
        for number, blob in enumerate(wanted):
            file = coming.pop().result()
            if number + 1 < len(wanted):
                coming.append(pool.submit(fetched, wanted[number + 1]))
            with file:
                read[blob.digest] = each(file)
    sizes = tuple((blob.digest, blob.size) for blob in layers)
    return Stored(msgspec.json.decode(config), tuple(read[blob.digest] for blob in layers), sizes)


class _Saved(msgspec.Struct, rename="pascal"):
    config: str
    layers: list[str]


def from_archive(stream: BinaryIO, platform: Platform, each: Callable[[Peekable], T]) -> Stored[T]:
    """An image as an engine saves it: one pass, in whatever order its parts come.

    Args:
        platform: which one, of an archive with several.
    """
    read: dict[str, T] = {}
    documents: dict[str, bytes] = {}
    links: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as tar:
            for member in tar:
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep them all; typeshed lacks the name
                if member.issym() or member.islnk():
                    folder = posixpath.dirname(member.name) if member.issym() else ""
                    links[member.name] = posixpath.normpath(posixpath.join(folder, member.linkname))
                elif member.isreg():
                    file = cast(BufferedReader, tar.extractfile(member))
                    is_layer = member.name.endswith(".tar") or member.name.startswith("blobs/")
                    is_text = member.size <= _LARGEST_DOCUMENT and file.peek(1)[:1] in (b"{", b"[")
                    if is_text:
                        documents[member.name] = file.read()
                    elif is_layer:
                        read[member.name] = each(file)
        saved = msgspec.json.decode(documents["manifest.json"], type=list[_Saved])
        configs = [(one, msgspec.json.decode(documents[links.get(one.config, one.config)])) for one in saved]
        chosen, config = next(
            (pair for pair in configs if f"{pair[1].get('os')}/{pair[1].get('architecture')}" in platform), configs[0]
        )
        return Stored(config, tuple(read[links.get(name, name)] for name in chosen.layers))
    except (tarfile.TarError, msgspec.MsgspecError, KeyError, IndexError) as error:
        raise EngineProblem(
            f"the engine saved no image that can be read: {error}", hint="`docker image save` shows what it says"
        ) from error
