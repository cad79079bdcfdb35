# SPDX-License-Identifier: MIT
"""What must be known before anything is published, or planned to be.

In:   a Yard, the selected targets
Raises: ConfigError, with the line to add and the file it belongs in
Beside: verbs/__init__.py, which is imported for every command; this is not
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stackyard.errors import ConfigError
from stackyard.load.tree.place import ROOT_NAMES
from stackyard.model.ecr import lacks_account
from stackyard.model.names import TargetName
from stackyard.plan.graph import build_order, graph_of

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard


def refuse_publishing(yard: Yard, selected: Iterable[TargetName]) -> None:
    """ConfigError where images name no place to be published, or one that lacks its account."""
    stack = yard.stack
    for name in build_order(graph_of(stack), selected):
        repository = stack.target(name).repository
        if lacks_account(repository):
            raise ConfigError(
                f"{name} cannot be pushed: no AWS account is known, so its repository is only {repository}",
                hint=f'set AWS_ACCOUNT_ID, or add a line to {_listing(yard)}: `ecr: {{account: "..."}}`',
            )
    refuse_without_registry(yard)


def refuse_without_registry(yard: Yard) -> None:
    """ConfigError where nothing names a place to publish to; an account may still be missing, which a plan can bear."""
    is_in_ecr = any(lacks_account(target.repository) for target in yard.stack.targets)
    if not yard.stack.has_registry and not is_in_ecr:
        raise ConfigError(
            "there is no registry to push to",
            hint=f"add a line to {_listing(yard)}: `registry: ghcr.io/OWNER`, or set STACKYARD_REGISTRY",
        )


def _listing(yard: Yard) -> str:
    """The file that describes the stack, or that would."""
    return yard.place.spec or ROOT_NAMES[0]
