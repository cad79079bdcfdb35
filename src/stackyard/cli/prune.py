# SPDX-License-Identifier: MIT
"""`stackyard prune`: preview, ask, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard.cli.common import (
    command,
    confirmed,
    dry_run_option,
    flush,
    json_option,
    option,
    shown,
    write,
    write_json,
    yes_option,
)
from stackyard.cli.session import EXIT_FAILED
from stackyard.errors import ConfigError
from stackyard.report.retention import pruned_text, pruning_data, pruning_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard

_WHY = "this deletes images for good, and there is nobody to ask here"


@command("stackyard prune --registry --dry-run", "stackyard prune --local")
@option("--registry", "in_registry", is_flag=True, help="Published images of this stack.")
@option("--local", "in_engine", is_flag=True, help="The engine's own images of this stack.")
@dry_run_option
@yes_option
@json_option
def prune(yard: Yard, in_registry: bool, in_engine: bool, dry_run: bool, yes: bool, is_json: bool) -> int:
    """Delete old images of this stack, as `retention` in the spec says; children before what they build on.

    What a tag that follows, a channel, a release or a plan needs stays, and so does what a kept image stands on;
    what no record of this stack knows is left alone. Records that speak only of what is gone go with it.
    An image with `prune: true` in the spec is another thing: a run that publishes it drops it from the engine.
    In a terminal it asks after the preview; elsewhere it needs --yes.
    """
    from stackyard.verbs import retention as verbs

    if in_registry == in_engine:
        raise ConfigError("say where: --registry or --local", hint="one at a time; --dry-run shows what would go")
    pruning = verbs.plan_pruning(yard, "registry" if in_registry else "engine")
    if not is_json:
        shown(pruning_text, pruning)
        write("")
        flush()
    if pruning.going and not dry_run:
        if not confirmed("Delete these images?", yes, is_json, _WHY):
            write("Nothing was deleted.")
            return EXIT_FAILED
        pruning = (verbs.prune_registry if in_registry else verbs.prune_engine)(yard, pruning)
    if is_json:
        write_json(pruning_data(pruning))
    elif not pruning.is_done:
        write("Nothing was deleted (--dry-run)." if pruning.going else "There is nothing to delete.")
    else:
        shown(pruned_text, pruning)
    return 0
