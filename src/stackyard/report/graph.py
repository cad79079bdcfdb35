# SPDX-License-Identifier: MIT
"""The graph of a stack: a tree for people, DOT and Mermaid for programs that draw, plain data for all others.

In:   Stack, the targets to show, perhaps a Plan
Out:  Drawing; text, plain data
Pure. Beside: svg.py, which draws. Reference: docs/how-to/see-the-graph.md

Names are those of folders, which may hold nearly anything: each form writes them in its own way of quoting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from stackyard.model.names import TargetName
from stackyard.model.plan import Action, Plan, Step
from stackyard.model.stack import Stack, Target
from stackyard.report.data import FORMAT
from stackyard.report.terminal import ACTION_COLOURS
from stackyard.report.text import Style, cut, visible

FILLS: Mapping[Action, tuple[str, str]] = {
    "build": ("#fde68a", "#b45309"),
    "decide-later": ("#fef3c7", "#b45309"),
    "retest": ("#fde68a", "#b45309"),
    "push": ("#bae6fd", "#0369a1"),
    "fetch": ("#bae6fd", "#0369a1"),
    "join": ("#bae6fd", "#0369a1"),
    "tag": ("#e0f2fe", "#0369a1"),
    "reuse": ("#dcfce7", "#15803d"),
    "skip": ("#f3f4f6", "#6b7280"),
}
"""Fill and line of an image by what a plan does with it."""


class Node(msgspec.Struct, frozen=True):
    """Something that is drawn: a target, or an external base."""

    key: str
    """Name of a target; canonical reference of a base, which no target is called by."""
    label: str
    parents: tuple[str, ...] = ()
    """Keys, the one whose layers it stands on first."""
    stands_on: str = ""
    """Key of the parent whose layers it stands on; empty where that is not drawn."""
    is_base: bool = False
    action: Action | None = None
    why: str = ""


class Drawing(msgspec.Struct, frozen=True):
    """Nodes, parents first, ties in file order."""

    name: str
    nodes: tuple[Node, ...]


def drawing(
    stack: Stack, order: Sequence[TargetName], names: Collection[TargetName], with_bases: bool, plan: Plan | None = None
) -> Drawing:
    """What is to be drawn.

    Args:
        order: all targets, parents first.
        names: the targets to show.
        with_bases: also what no image of the stack defines.
    """
    targets = {target.name: target for target in stack.targets}
    shown = [targets[name] for name in order if name in names]
    bases: dict[str, Node] = {}
    if with_bases:
        for target in shown:
            for base in target.bases:
                bases.setdefault(base.canonical, Node(base.canonical, visible(str(base)), is_base=True))
    steps = {step.target: step for step in plan.steps} if plan else {}
    nodes = (_node(stack, target, names, bases, steps.get(target.name)) for target in shown)
    return Drawing(stack.name, (*bases.values(), *nodes))


def _node(
    stack: Stack, target: Target, names: Collection[TargetName], bases: Mapping[str, Node], step: Step | None
) -> Node:
    foundation = _foundation(stack, target)
    keys = [str(name) for name in target.parent_names if name in names]
    keys += [base.canonical for base in target.bases if base.canonical in bases]
    keys.sort(key=lambda key: key != foundation)
    key = str(target.name)
    return Node(
        key=key,
        label=visible(key),
        parents=tuple(dict.fromkeys(keys)),
        stands_on=foundation if foundation in keys else "",
        action=step.action if step else None,
        why=visible(str(step.reasons[0])) if step and step.reasons else "",
    )


def _foundation(stack: Stack, target: Target) -> str:
    """Key of what the last stage of a target builds on."""
    if target.foundation is not None:
        return str(target.foundation)
    dockerfile = stack.dockerfiles.get(target.dockerfile)
    text = dockerfile.foundation(dict(target.args), target.inputs.platform) if dockerfile else None
    return next((base.canonical for base in target.bases if str(base) == text), "")


# The tree.

_LEAST = 12
"""A reason is shown if this much of it is."""


def tree_text(drawn: Drawing, style: Style, width: int, is_ascii: bool = False) -> str:
    """What builds on what, indented. What has several parents stands under the first, and is named under the others."""
    branch, last, down, gap = ("|-- ", "`-- ", "|   ", "    ") if is_ascii else ("├── ", "└── ", "│   ", "    ")
    children: dict[str, list[Node]] = {}
    for node in drawn.nodes:
        for parent in node.parents:
            children.setdefault(parent, []).append(node)
    lines: list[str] = []
    roots = [node for node in drawn.nodes if not node.parents]
    todo: list[tuple[Node, str, str, str]] = [(node, "", "", "") for node in reversed(roots)]
    while todo:
        node, parent, lead, below = todo.pop()
        first = node.parents[0] if node.parents else ""
        if first != parent:
            lines.append(lead + style(f"{node.label} (under {visible(first)})", "dim"))
            continue
        lines.append(lead + _labelled(node, style, width - len(lead)))
        inner = children.get(node.key, ())
        for i, child in reversed(list(enumerate(inner))):
            is_last = i == len(inner) - 1
            todo.append((child, node.key, below + (last if is_last else branch), below + (gap if is_last else down)))
    return "\n".join(lines) or "No images."


def _labelled(node: Node, style: Style, width: int) -> str:
    if node.is_base:
        return style(node.label, "dim")
    if node.action is None:
        return style(node.label, "bold")
    room = width - len(node.label) - len(node.action) - 4
    why = f"  {cut(node.why, room)}" if node.why and room > _LEAST else ""
    return f"{style(node.label, 'bold')}  {style(node.action, ACTION_COLOURS[node.action])}{why}"


# Graphviz.

_PLAIN_ID = re.compile(r"[A-Za-z0-9_./:@+-]+")


def dot_text(drawn: Drawing) -> str:
    """DOT, as Graphviz reads it; from left to right."""
    ids = {
        node.key: _quoted(node.key if _PLAIN_ID.fullmatch(node.key) else f"#{number}")
        for number, node in enumerate(drawn.nodes)
    }
    lines = [
        f"digraph {_quoted(visible(drawn.name))} {{",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif", fontsize=11];',
        "  edge [arrowsize=0.6];",
    ]
    for node in drawn.nodes:
        facts = [f"label={_quoted(node.label, is_label=True)}"]
        if node.is_base:
            facts.append('style="rounded,dashed"')
        if node.action:
            fill, line = FILLS[node.action]
            tip = f"{node.action}: {node.why}" if node.why else node.action
            facts += [f'fillcolor="{fill}"', f'color="{line}"', f"tooltip={_quoted(tip, is_label=True)}"]
        lines.append(f"  {ids[node.key]} [{', '.join(facts)}];")
    for parent, child, is_foundation in edges(drawn):
        lines.append(f"  {ids[parent]} -> {ids[child]}{'' if is_foundation else ' [style=dashed]'};")
    return "\n".join([*lines, "}"])


def _quoted(text: str, is_label: bool = False) -> str:
    r"""A quoted string of DOT, in which only a quote is escaped; labels also know `\n` and `&amp;`."""
    if is_label:
        text = text.replace("&", "&amp;").replace("\\", "\\\\")
    elif text.endswith("\\"):
        text += " "  # nothing else keeps it from escaping the quote that ends the string
    return '"' + text.replace('"', '\\"') + '"'


# Mermaid.

_MERMAID = re.compile(r"[^A-Za-z0-9 ._/:+-]")
_MERMAID_LIST = re.compile(r"^(?:[0-9]+[.)]|[-+]) ")


def mermaid_text(drawn: Drawing) -> str:
    """A flowchart as Mermaid reads it, and GitHub and GitLab draw it; from left to right."""
    ids = {node.key: f"n{number}" for number, node in enumerate(drawn.nodes)}
    lines = ["flowchart LR"]
    for node in drawn.nodes:
        shape = ('(["', '"])') if node.is_base else ('["', '"]')
        state = ":::base" if node.is_base else f":::{_class(node.action)}" if node.action else ""
        lines.append(f"  {ids[node.key]}{shape[0]}{_escaped(node.label)}{shape[1]}{state}")
    for parent, child, is_foundation in edges(drawn):
        lines.append(f"  {ids[parent]} {'-->' if is_foundation else '-.->'} {ids[child]}")
    if any(node.is_base for node in drawn.nodes):
        lines.append("  classDef base stroke-dasharray:4")
    for action in dict.fromkeys(node.action for node in drawn.nodes if node.action):
        fill, line = FILLS[action]
        lines.append(f"  classDef {_class(action)} fill:{fill},stroke:{line},color:#111827")
    return "\n".join(lines)


def _class(action: Action | None) -> str:
    return (action or "").replace("-", "_")


def _escaped(text: str) -> str:
    """A label within quotes: what may mean something to Mermaid, HTML or Markdown is written by its number."""
    text = _MERMAID.sub(lambda found: f"#{ord(found[0])};", text)
    if _MERMAID_LIST.match(text):  # Markdown would begin a list
        text = re.sub(r"([.)+-]) ", lambda found: f"#{ord(found[1])}; ", text, count=1)
    return text


# Data.


def graph_data(drawn: Drawing) -> dict[str, Any]:
    """Nodes and edges; names as a person would type them."""
    return {
        "format": FORMAT,
        "stack": {"name": drawn.name},
        "nodes": [
            {
                "name": node.key,
                "kind": "base" if node.is_base else "target",
                "action": node.action,
                "why": node.why or None,
            }
            for node in drawn.nodes
        ],
        "edges": [{"parent": parent, "child": child, "foundation": first} for parent, child, first in edges(drawn)],
    }


def edges(drawn: Drawing) -> Iterator[tuple[str, str, bool]]:
    """Parent, child, and whether the child stands on the parent's layers."""
    for node in drawn.nodes:
        for parent in node.parents:
            yield parent, node.key, parent == node.stands_on
