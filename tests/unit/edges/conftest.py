# SPDX-License-Identifier: MIT
"""What tests of the registry edge share: a server, a clock, and registries that are closed in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from stackyard.edges.credentials import Credential
from stackyard.edges.oci import OciRegistry
from tests.loopback import served
from tests.unit.edges.servers import Server, World


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on a free loopback port."""
    with served(Server()) as server:
        yield server


@pytest.fixture
def world() -> World:
    """Time that only sleeping moves."""
    return World()


@pytest.fixture
def connect(world: World) -> Iterator[Callable[..., OciRegistry]]:
    """Make a registry for someone, or for nobody."""
    made: list[OciRegistry] = []

    def connect(who: Credential | None = None, environ: Mapping[str, str] | None = None) -> OciRegistry:
        made.append(OciRegistry(environ or {}, credentials=lambda host: who, patience=world.patience()))
        return made[-1]

    yield connect
    for registry in made:
        registry.close()
