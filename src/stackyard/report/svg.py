# SPDX-License-Identifier: MIT
"""The graph of a stack as a picture: SVG that any browser shows, drawn without another program.

In:   Drawing
Out:  SVG
Pure; O(nodes + edges). Beside: graph.py

Columns from left to right: a node stands right of everything that it builds on. Down the page, each node has a
place of its own, and a parent stands in the middle of those whose first parent it is. So no two boxes overlap, and
lines to first children never cross: they turn right beside their parent, and run straight from there, through
places that belong to the child.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from stackyard.report.graph import FILLS, Drawing, Node
from stackyard.report.text import visible

_ROW, _BOX, _GAP, _EDGE = 34, 24, 56, 12
"""Heights of a place and of a box; width of the room between columns; margin. All in pixels."""
_CHARACTER = 7.0
"""Width of a character, whose font is one of equal widths."""
_LONGEST = 48
"""Characters of a label; the whole name is the box's title."""
_STYLE = """\
.sy text{font:11.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#111827}
.sy rect{fill:#fff;stroke:#6b7280}
.sy path{fill:none;stroke:#9ca3af;stroke-width:1.2}
.sy .side{stroke-dasharray:4 3}
.sy .base rect{fill:none;stroke-dasharray:4 3}
.sy .base text{fill:#6b7280}
"""
_DARK = """\
@media(prefers-color-scheme:dark){.sy .image rect{fill:#1f2937}.sy .image text{fill:#f3f4f6}\
.sy .base text{fill:#9ca3af}}
"""


def svg_text(drawn: Drawing) -> str:
    """One picture, as large as it has to be."""
    columns, rows = _columns(drawn), _rows(drawn)
    widths = [0.0] * (max(columns.values(), default=-1) + 1)
    for node in drawn.nodes:
        widths[columns[node.key]] = max(widths[columns[node.key]], _width(node))
    lefts = [_EDGE + sum(widths[:number]) + _GAP * number for number in range(len(widths))]
    places = {
        node.key: (lefts[columns[node.key]], _EDGE + _BOX / 2 + rows[node.key] * _ROW, _width(node))
        for node in drawn.nodes
    }
    width = max((left + size for left, size in zip(lefts, widths, strict=True)), default=0) + _EDGE
    height = max((y for _, y, _ in places.values()), default=0) + _BOX / 2 + _EDGE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_number(width)} {_number(height)}" '
        f'width="{_number(width)}" height="{_number(height)}" class="sy" role="img">',
        f"<title>{_xml(visible(drawn.name))}</title>",
        f"<style>\n{_STYLE}{_colours(drawn)}{_DARK}</style>",
        *_lines(drawn, places, columns, lefts, widths),
        *(_box(node, *places[node.key]) for node in drawn.nodes),
        "</svg>",
    ]
    return "\n".join(lines)


def _columns(drawn: Drawing) -> dict[str, int]:
    """How many steps each node is from the left: one more than any of its parents."""
    columns: dict[str, int] = {}
    for node in drawn.nodes:  # parents first
        columns[node.key] = max((columns[parent] + 1 for parent in node.parents), default=0)
    return columns


def _rows(drawn: Drawing) -> dict[str, float]:
    """How far down each node is: leaves one below the other, parents in the middle of their first children."""
    children: dict[str, list[str]] = {}
    for node in drawn.nodes:
        children.setdefault(node.parents[0] if node.parents else "", []).append(node.key)
    rows: dict[str, float] = {}
    todo = [(key, False) for key in reversed(children.get("", []))]
    leaves = 0
    while todo:
        key, is_leaving = todo.pop()
        inner = children.get(key, [])
        if not inner:
            rows[key] = float(leaves)
            leaves += 1
        elif is_leaving:
            rows[key] = (rows[inner[0]] + rows[inner[-1]]) / 2
        else:
            todo.append((key, True))
            todo.extend((child, False) for child in reversed(inner))
    return rows


def _lines(
    drawn: Drawing,
    places: Mapping[str, tuple[float, float, float]],
    columns: Mapping[str, int],
    lefts: list[float],
    widths: list[float],
) -> Iterator[str]:
    """A line from each parent; what is not the first parent's is beside the child's own line."""
    for node in drawn.nodes:
        for number, parent in enumerate(node.parents):
            (x, y, size), (end, below, _) = places[parent], places[node.key]
            below += min(number, 3) * 3
            column = columns[parent]
            begin, turn = x + size, lefts[column] + widths[column] + _GAP - 8
            middle = (begin + turn) / 2
            side = "" if parent == node.stands_on else ' class="side"'
            points = [begin, y, middle, y, middle, below, turn, below, end]
            yield "<path{} d='M{} {}C{} {} {} {} {} {}H{}'/>".format(side, *map(_number, points)).replace("'", '"')


def _box(node: Node, x: float, y: float, width: float) -> str:
    kind = "base" if node.is_base else node.action or "image"
    told = f"{node.label}: {node.action}" if node.action else node.label
    title = f"{told}, {node.why}" if node.why else told
    return (
        f'<g class="{kind}"><title>{_xml(title)}</title>'
        f'<rect x="{_number(x)}" y="{_number(y - _BOX / 2)}" width="{_number(width)}" height="{_BOX}" rx="5"/>'
        f'<text x="{_number(x + 8)}" y="{_number(y + 4)}">{_xml(_short(node.label))}</text></g>'
    )


def _colours(drawn: Drawing) -> str:
    actions = dict.fromkeys(node.action for node in drawn.nodes if node.action)
    return "".join(f".sy .{action} rect{{fill:{FILLS[action][0]};stroke:{FILLS[action][1]}}}\n" for action in actions)


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


def _width(node: Node) -> float:
    """Width of a box; characters of some scripts take two places."""
    cells = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in _short(node.label))
    return cells * _CHARACTER + 16


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _xml(text: str) -> str:
    """Text of XML; what no text may hold is written out before (`visible`)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
