# SPDX-License-Identifier: MIT
"""An engine in memory that really makes something: what tests/oracle.py says a build makes.

For tests of whole stacks, and for bench/accuracy.py.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from stackyard.edges.engine import BuildRequest
from stackyard.errors import EngineUnavailable
from stackyard.model.names import Digest
from stackyard.model.reference import Reference
from stackyard.testing import FakeEngine, MemoryRegistry
from stackyard.testing.making import Made
from tests import oracle
from tests.oracle import Content


class EvaluatingEngine(FakeEngine):
    """An engine that really makes something: what the oracle says."""

    def __init__(self, registry: MemoryRegistry, shelf: dict[Digest, Made]) -> None:
        super().__init__(registry=registry, shelf=shelf)
        self.shelf = shelf
        self.contents: dict[str, Content] = {}
        """By an image's last layer."""
        self.builds: list[str] = []
        """Images in the order in which they were built."""
        self.left: int | None = None
        """Builds until nobody answers any more."""

    def build(self, request: BuildRequest, *how: object) -> object:  # type: ignore[override]
        """As the real ones; the content is remembered."""
        if self.left is not None:
            if self.left == 0:
                raise EngineUnavailable("killed", hint="", engine="fake")
            self.left -= 1
        pins = {Reference.parse(key).canonical: image for key, image in request.pins.items()}

        def image(text: str) -> Content:
            return self.content(pins[Reference.parse(text).canonical].id)

        context = oracle.sent(request.context)
        made = oracle.make(request.dockerfile.read_text(), context, dict(request.args), image)
        self.making = lambda _: made.content
        result = super().build(request, *how)  # type: ignore[arg-type]
        facts = self.inspect(result.image.id) if result.image else None
        assert facts is not None
        self.contents[facts.layers[-1]] = made.content
        self.builds.append(str(request.tag.repository).rpartition("/")[2])
        return result

    def content(self, reference: str) -> Content:
        """What is in an image."""
        facts = self.inspect(reference)
        assert facts is not None
        return self.contents[facts.layers[-1]]

    def publish(self, reference: str, version: str) -> Content:
        """Make an image that nobody built here, of one file that says its version, and push it."""
        content = {f"/id/{reference.partition(':')[0].rpartition('/')[2]}": f"file {version}"}
        content["layers"] = oracle.layers_of(content)
        facts = self.inspect(self.add(reference, str(content)).id)
        assert facts is not None
        self.contents[facts.layers[-1]] = content
        with tempfile.NamedTemporaryFile() as log:
            self.push(Reference.parse(reference), Path(log.name))
        return content

    def learn(self, other: EvaluatingEngine, reference: str) -> None:
        """Know what is in an image of another engine; it still has to be pulled."""
        facts = other.inspect(reference)
        assert facts is not None
        self.contents[facts.layers[-1]] = other.contents[facts.layers[-1]]
