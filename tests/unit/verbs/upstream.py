# SPDX-License-Identifier: MIT
"""A stack on images from elsewhere, and whoever publishes those."""

from __future__ import annotations

from pathlib import Path

from stackyard.model.names import Digest
from stackyard.model.reference import Reference
from stackyard.testing import FakeEngine
from stackyard.testing.making import Made
from tests.unit.run.test_run import Bench

TOOLS = "# syntax=docker/dockerfile:1\nFROM debian:12\nCOPY --from=alpine:3 /bin/busybox /bin/\nCOPY note /\n"
SPEC = """
registry: registry.example/lab
images:
  base:
  left: {depend_on: base}
  right: {depend_on: base}
  tools:
tag: {prefix: "2026.3"}
"""


class Upstream(Bench):
    """A stack of four images on three from elsewhere, which are in a registry only."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        shelf: dict[Digest, Made] = {}
        self.engine = FakeEngine(registry=self.registry, shelf=shelf)
        self._publisher = FakeEngine(registry=self.registry, shelf=shelf)
        self.write("images/spec.yml", SPEC)
        self.write("images/tools/Dockerfile", TOOLS)
        self.write("images/tools/note", "tools")
        self.commit()
        for name in ("debian:12", "alpine:3", "docker/dockerfile:1"):
            self.publish(name, "first")

    def publish(self, name: str, content: str) -> Digest:
        """Others put new content under a name; its digest."""
        self._publisher.add(name, f"{name} {content}")
        reference = Reference.parse(name)
        self._publisher.push(reference, self.root / ".stackyard" / "upstream.log")
        assert reference.tag is not None
        found = self.registry.resolve(reference.repository, reference.tag)
        assert found is not None
        return found

    def builds(self) -> list[str]:
        """Repositories of all builds so far, last part only."""
        return [call[1].partition(":sy-")[0].rpartition("/")[2] for call in self.engine.calls if call[0] == "build"]
