# SPDX-License-Identifier: MIT
"""The graph in every form: what is drawn is what the stack has, whatever its names are."""

from __future__ import annotations

import html
import itertools
import re
import warnings
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.names import TargetName
from stackyard.model.stack import Stack, Target
from stackyard.plan.graph import build_order, graph_of
from stackyard.report.graph import Drawing, Node, dot_text, drawing, edges, graph_data, mermaid_text, tree_text
from stackyard.report.svg import svg_text
from stackyard.report.text import PLAIN, Style, visible
from tests.cases import each_of
from tests.examples import examples
from tests.unit.plan.made import BASE, known, plan, record, stack, target

SVG = "{http://www.w3.org/2000/svg}"
NASTY = [
    'a"b',
    "a\\",
    "a\\n",
    "<b>&amp;",
    "#quot;",
    "end",
    "1. x",
    "- x",
    "`x`",
    "x]",
    "ж日本",
    "a\x1b[2J",
    "(x)",
    "%% x",
]


def on(of: Target, foundation: str) -> Target:
    """A target that stands on the layers of a parent."""
    return msgspec.structs.replace(of, foundation=TargetName(foundation))


DIAMOND = stack(
    target("base", bases=(BASE,)),
    on(target("left", "base"), "base"),
    on(target("right", "base"), "base"),
    on(target("top", "left", "right"), "right"),
)


def drawn(of: Stack, with_bases: bool = False, is_planned: bool = False) -> Drawing:
    """All of a stack."""
    shown = {each.name for each in of.targets}
    return drawing(of, build_order(graph_of(of)), shown, with_bases, plan(of, NOTHING_KNOWN) if is_planned else None)


def named(*names: str) -> Drawing:
    """A chain of nodes with these names, and a base of each."""
    nodes = [Node(name, name, names[max(i - 1, 0) : i], names[i - 1] if i else "") for i, name in enumerate(names)]
    return Drawing(names[0], tuple(nodes))


def test_the_tree_shows_each_image_once() -> None:
    """Under the parent whose layers it continues; the other parents only name it."""
    assert tree_text(drawn(DIAMOND), PLAIN, 80).split("\n") == [
        "base",
        "├── left",
        "│   └── top (under right)",
        "└── right",
        "    └── top",
    ]


def test_the_tree_of_a_plan_with_bases() -> None:
    """What is done and why; a base is a root; in a narrow terminal the reason is cut, or goes."""
    lines = tree_text(drawn(DIAMOND, with_bases=True, is_planned=True), PLAIN, 80).split("\n")
    assert lines[:2] == [BASE, "└── base  build  never built"]

    later = stack(target("up", files={"a-file-with-a-long-name.txt": ""}))
    made = drawing(later, [TargetName("up")], {TargetName("up")}, False, plan(later, known(record(target("up")))))
    assert tree_text(made, PLAIN, 30) == "up  build  record changed fro…"
    assert tree_text(made, PLAIN, 20) == "up  build"


def test_the_tree_in_plain_characters_and_in_colours() -> None:
    """For a terminal that has nothing else; with colours it is the same text."""
    assert tree_text(drawn(DIAMOND), PLAIN, 80, is_ascii=True).split("\n")[1:3] == [
        "|-- left",
        "|   `-- top (under right)",
    ]
    coloured = tree_text(drawn(DIAMOND, is_planned=True), Style(True), 80)
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == tree_text(drawn(DIAMOND, is_planned=True), PLAIN, 80)


def test_an_empty_stack_has_no_tree() -> None:
    """It says so."""
    assert tree_text(drawn(stack()), PLAIN, 80) == "No images."
    ElementTree.fromstring(svg_text(drawn(stack())))


def test_a_chain_of_thousands_is_drawn() -> None:
    """No form goes down by calling itself."""
    names = [f"i{number}" for number in range(3000)]
    chain = named(*names)

    assert tree_text(chain, PLAIN, 80).count("\n") == 2999
    assert svg_text(chain).count("<g ") == 3000
    assert dot_text(chain).count("->") == mermaid_text(chain).count("-->") == 2999


def test_data() -> None:
    """Nodes with their kinds, edges with what stands on what."""
    data = graph_data(drawn(DIAMOND, with_bases=True, is_planned=True))

    assert data["nodes"][0] == {"name": BASE, "kind": "base", "action": None, "why": None}
    assert data["nodes"][1] == {"name": "base", "kind": "target", "action": "build", "why": "never built"}
    assert {"parent": "right", "child": "top", "foundation": True} in data["edges"]
    assert {"parent": "left", "child": "top", "foundation": False} in data["edges"]


def read_dot(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Labels in order, and edges between labels, as another's parser reads them."""
    import pydot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own parser's names
        (found,) = pydot.graph_from_dot_data(text) or ()
    labels = {
        node.get_name(): html.unescape(re.sub(r"\\(.)", r"\1", node.get("label")[1:-1]))
        for node in found.get_nodes()
        if node.get("label")
    }
    return list(labels.values()), [(labels[e.get_source()], labels[e.get_destination()]) for e in found.get_edges()]


def read_mermaid(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The same of Mermaid, line by line, strictly: a form that is not told here is an error."""
    first, *lines = text.split("\n")
    assert first == "flowchart LR"
    label = r'"((?:[A-Za-z0-9 ._/:+-]|#[0-9]+;)*)"'
    labels: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    classes, used = set(), set()
    for line in lines:
        if node := re.fullmatch(rf"  (n[0-9]+)(?:\[{label}\]|\(\[{label}\]\))(?::::([a-z_]+))?", line):
            shown = node[2] if node[2] is not None else node[3]
            assert not re.match(r"[0-9]+[.)] |[-+*] ", shown)
            labels[node[1]] = re.sub(r"#([0-9]+);", lambda code: chr(int(code[1])), shown)
            used |= {node[4]} - {None}
        elif edge := re.fullmatch(r"  (n[0-9]+) (?:-->|-\.->) (n[0-9]+)", line):
            found.append((labels[edge[1]], labels[edge[2]]))
        else:
            told = re.fullmatch(r"  classDef ([a-z_]+) [a-z]+[a-z-]*:[#0-9a-z]+(?:,[a-z]+:#[0-9a-f]{6})*", line)
            assert told, line
            classes.add(told[1])
    assert classes == used
    return list(labels.values()), found


def read_svg(text: str) -> tuple[list[str], int]:
    """Titles of the boxes, and how many lines there are."""
    root = ElementTree.fromstring(text)
    titles = [group.findtext(f"{SVG}title") or "" for group in root.iter(f"{SVG}g")]
    return titles, len(list(root.iter(f"{SVG}path")))


@pytest.mark.parametrize("with_bases", [False, True])
@pytest.mark.parametrize("is_planned", [False, True])
def test_every_form_has_every_node_and_edge(with_bases: bool, is_planned: bool) -> None:
    """Read back from the text."""
    picture = drawn(DIAMOND, with_bases, is_planned)
    labels = [node.label for node in picture.nodes]
    joined = [(parent if parent in labels else labels[0], child) for parent, child, _ in edges(picture)]

    assert read_dot(dot_text(picture)) == (labels, joined)
    assert read_mermaid(mermaid_text(picture)) == (labels, joined)
    titles, lines = read_svg(svg_text(picture))
    assert len(titles) == len(labels)
    assert all(title.startswith(label) for title, label in zip(titles, labels, strict=True))
    assert lines == len(joined)


@each_of("name", NASTY)
def test_no_name_breaks_a_form(name: str) -> None:
    """Quotes, brackets, entities, Markdown, a terminal's commands: all are shown, and nothing else is."""
    of = stack(target(name), target("other", name))
    picture = drawn(of)
    label = picture.nodes[0].label

    assert read_mermaid(mermaid_text(picture)) == ([label, "other"], [(label, "other")])
    assert read_svg(svg_text(picture)) == ([label, "other"], 1)
    assert tree_text(picture, PLAIN, 80) == f"{label}\n└── other"
    assert label.isprintable()
    assert graph_data(picture)["nodes"][0]["name"] == name


def test_no_name_breaks_dot() -> None:
    """All of them in one picture: its parser takes a hundred times as long as the others."""
    picture = drawn(stack(*map(target, NASTY), target("other", *NASTY)))
    labels = [node.label for node in picture.nodes]

    assert read_dot(dot_text(picture)) == (labels, [(label, "other") for label in labels[:-1]])
    assert len(labels) == len(NASTY) + 1


NAMES = st.lists(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8), min_size=1, max_size=4, unique=True
)


@settings(max_examples=examples(6))
@given(NAMES)
def test_any_names(names: list[str]) -> None:
    """DOT by another's parser, Mermaid by a strict one, SVG as XML."""
    labels = [visible(name) for name in names]
    picture = Drawing(names[0], tuple(map(Node, names, labels)))

    assert read_dot(dot_text(picture))[0] == labels
    assert read_mermaid(mermaid_text(picture))[0] == labels
    assert read_svg(svg_text(picture))[0] == labels


def boxes(text: str) -> dict[str, tuple[float, float, float, float]]:
    """Left, top, right and bottom of each box."""
    found = {}
    for group in ElementTree.fromstring(text).iter(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        assert box is not None
        x, y, width, height = (float(box.get(name, "")) for name in ("x", "y", "width", "height"))
        found[group.findtext(f"{SVG}title") or ""] = (x, y, x + width, y + height)
    return found


@settings(max_examples=examples(20))
@given(st.lists(st.lists(st.integers(0, 200), max_size=3), min_size=1, max_size=60))
def test_boxes_never_overlap_and_lie_right_of_their_parents(parents: list[list[int]]) -> None:
    """For any graph; all of them within the picture."""
    nodes = []
    for number, given_parents in enumerate(parents):
        keys = tuple(dict.fromkeys(f"i{each % number}" for each in given_parents)) if number else ()
        nodes.append(Node(f"i{number}", f"i{number}", keys, keys[0] if keys else ""))
    text = svg_text(Drawing("any", tuple(nodes)))
    places = boxes(text)
    width, height = map(float, re.findall(r'viewBox="0 0 (\S+) (\S+)"', text)[0])

    for (a, one), (b, other) in itertools.combinations(places.items(), 2):
        is_apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert is_apart, f"{a} and {b} overlap"
    for node in nodes:
        x, y, right, bottom = places[node.key]
        assert 0 < x < right < width
        assert 0 < y < bottom < height
        assert all(places[parent][2] < x for parent in node.parents)


def test_a_long_name_is_cut_in_its_box_and_whole_in_its_title() -> None:
    """A name of eighty characters."""
    text = svg_text(named("x" * 80))

    assert f"<title>{'x' * 80}</title>" in text
    assert f">{'x' * 47}…</text>" in text
