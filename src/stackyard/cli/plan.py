# SPDX-License-Identifier: MIT
"""`stackyard plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard import verbs
from stackyard.cli.common import (
    command,
    format_option,
    images_argument,
    option,
    rebuild_option,
    run_options,
    selection_options,
    shown,
    write,
    write_json,
)

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard plan", "stackyard plan ml-notebook --explain", "stackyard plan --format markdown")
@images_argument
@option("--push", "is_publishing", is_flag=True, help="Plan what `build --push` would do.")
@selection_options
@rebuild_option
@run_options
@option("--explain", "is_explained", is_flag=True, help="Every reason, parent, argument and tag.")
@format_option("table", "json", "markdown", help="markdown is for a comment of a pull request.")
def plan(
    yard: Yard,
    images: tuple[str, ...],
    is_publishing: bool,
    only: bool,
    with_children: bool,
    rebuild: tuple[str, ...],
    is_explained: bool,
    form: str,
) -> None:
    """What would happen to each image, and why.

    Reads the files, git and the records; needs no engine, no registry and no network.
    Naming images plans them and all they build on. An image can be named by its version (lab/3.12),
    by a pattern ('py*', '*/3.12'), or by a group of the spec.
    """
    planned = verbs.plan(yard, images, is_publishing, rebuild, only, with_children)
    if form == "json":
        from stackyard.report.data import plan_data

        write_json(plan_data(planned))
    elif form == "markdown":
        from stackyard.report.markdown import plan_markdown

        write(plan_markdown(planned).rstrip("\n"))
    else:
        from stackyard.report.terminal import plan_text

        shown(plan_text, planned, is_explained=is_explained)
