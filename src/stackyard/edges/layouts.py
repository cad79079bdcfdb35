# SPDX-License-Identifier: MIT
"""Pins for a builder that does not see the engine's store: each image in a folder, as an OCI layout.

In:   the requests of builds on one engine
Out:  sources of named contexts; the client sends the builder what it has not yet
May touch: temporary folders, one for each pinned image, of the size of that image
Raises: EngineProblem
Beside: edges/pins. Which builder: docs/how-to/choose-an-engine.md
Source: OCI image-spec, "image layout"; `docker image save` writes one from 25.0 on
"""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from pathlib import Path

from stackyard.edges.engine import BuildRequest
from stackyard.edges.pins import Names, Pins
from stackyard.edges.process import Processes
from stackyard.errors import EngineProblem
from stackyard.model.names import Digest
from stackyard.model.reference import LocalImage, Reference


class Layouts(Pins):
    """The layouts of one engine's pins: one for each image, kept for the builds after."""

    is_outside = True

    def __init__(self, names: Names, processes: Processes) -> None:
        super().__init__(names)
        self._processes = processes
        self._folders: dict[Reference, tuple[Path, Digest]] = {}

    def source(self, private: Reference) -> str:
        """See Pins.source."""
        folder, digest = self._folders[private]
        return f"oci-layout://{folder}@{digest}"

    def _give(self, image: LocalImage, private: Reference, request: BuildRequest) -> None:
        folder = Path(tempfile.mkdtemp(prefix=f"{request.tag.tag}-"))
        try:
            self._folders[private] = (folder, self._saved(image, folder))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _take(self, private: Reference) -> None:
        folder, _ = self._folders.pop(private)
        shutil.rmtree(folder, ignore_errors=True)

    def _saved(self, image: LocalImage, folder: Path) -> Digest:
        archive = folder / "image.tar"
        code, words = self._processes.output(["docker", "image", "save", "--output", str(archive), str(image.id)])
        if code:
            said = next((line for line in reversed(words) if line.strip()), "and says no more")
            raise EngineProblem(f"{image.id.short} cannot be handed to the builder: {said}")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        archive.unlink()
        try:
            return Digest.parse(json.loads((folder / "index.json").read_bytes())["manifests"][0]["digest"])
        except (OSError, ValueError, KeyError, IndexError):
            raise EngineProblem(
                f"{image.id.short} cannot be handed to the builder: the engine saves no OCI layout",
                hint="Docker does from 25.0 on; without STACKYARD_BUILDER it builds itself",
            ) from None
