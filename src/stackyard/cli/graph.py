# SPDX-License-Identifier: MIT
"""`stackyard graph`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from stackyard import verbs
from stackyard.cli.common import command, format_option, images_argument, option, shown, write, write_json
from stackyard.plan.graph import build_order, descendants, graph_of
from stackyard.plan.selection import select
from stackyard.report.graph import dot_text, drawing, graph_data, mermaid_text, tree_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command(
    "stackyard graph",
    "stackyard graph --bases --plan",
    "stackyard graph --format svg > stack.svg",
    needs_history=False,
)
@images_argument
@option("--bases", "with_bases", is_flag=True, help="Also images from elsewhere.")
@option("--plan", "is_planned", is_flag=True, help="Show what a plan does with each image.")
@format_option("tree", "json", "dot", "mermaid", "svg", help="dot is Graphviz's form; svg needs no other program.")
def graph(yard: Yard, images: tuple[str, ...], with_bases: bool, is_planned: bool, form: str) -> None:
    """What builds on what.

    Naming images leaves out what neither leads to them nor follows from them.
    In the tree, an image on several parents stands under the one whose layers it continues, and is only named
    under the others.
    """
    graph = graph_of(yard.stack)
    order = build_order(graph)
    chosen = select(yard.stack, images)
    shown_names = {*build_order(graph, [name for name in order if name in chosen]), *descendants(graph, chosen)}
    planned = verbs.plan(yard) if is_planned else None
    drawn = drawing(yard.stack, order, shown_names, with_bases, planned)
    if form == "json":
        write_json(graph_data(drawn))
    elif form == "dot":
        write(dot_text(drawn))
    elif form == "mermaid":
        write(mermaid_text(drawn))
    elif form == "svg":
        from stackyard.report.svg import svg_text

        write(svg_text(drawn))
    else:
        shown(tree_text, drawn, is_ascii=not _can_draw(sys.stdout.encoding))


def _can_draw(encoding: str | None) -> bool:
    """Whether a stream has the characters that draw a tree."""
    try:
        return bool("├└│─".encode(encoding or "ascii"))
    except (UnicodeEncodeError, LookupError):
        return False
