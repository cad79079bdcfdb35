# SPDX-License-Identifier: MIT
"""`stackyard plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard import verbs
from stackyard.cli.common import (
    command,
    images_argument,
    json_option,
    option,
    rebuild_option,
    run_options,
    shown,
    write_json,
)

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard plan", "stackyard plan ml-notebook --explain", "stackyard plan --json | jq '.steps[].action'")
@images_argument
@option("--push", "is_publishing", is_flag=True, help="Plan what `build --push` would do.")
@rebuild_option
@run_options
@option("--explain", "is_explained", is_flag=True, help="Every reason, parent, argument and tag.")
@json_option
def plan(
    yard: Yard,
    images: tuple[str, ...],
    is_publishing: bool,
    rebuild: tuple[str, ...],
    is_explained: bool,
    is_json: bool,
) -> None:
    """What would happen to each image, and why.

    Reads the files, git and the records; needs no engine, no registry and no network.
    Naming images plans them and all they build on.
    """
    planned = verbs.plan(yard, images, is_publishing, rebuild)
    if is_json:
        from stackyard.report.data import plan_data

        write_json(plan_data(planned))
    else:
        from stackyard.report.terminal import plan_text

        shown(plan_text, planned, is_explained=is_explained)
