# SPDX-License-Identifier: MIT
"""The arrows between the folders of the package, drawn: who may import whom, and who may touch the world."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "stackyard"

ALLOWED = {  # folder -> what of ours it may import besides itself and `errors`
    "errors": set[str](),
    "model": set[str](),
    "load": {"model", "later"},
    "check": {"model"},
    "plan": {"model"},
    "report": {"model"},
    "record": {"model", "edges"},
    "edges": {"model"},
    "write": {"model"},
    "inside": {"model", "edges"},
    "run": {"model", "edges", "record"},
    "lock": {"model", "edges"},
    "testing": {"model", "edges"},
    "verbs": {"model", "load", "check", "plan", "run", "inside", "lock", "record", "edges", "write", "later"},
    "later": set[str](),
    "cli": {"model", "verbs", "report", "plan", "run", "later"},
    "__init__": set[str](),
    "__main__": {"cli", "later"},
}
"""`record` keeps what is known in registries, too. `run` is told through which store it records
(record/store.py, a protocol); `cli` reads selections and limits, which are values, where plan and run define
them. `write` is where files that people own come from (`init`, `new`): apart from `load`, which only reads, and
from `record`, whose files are Stackyard's own."""

WORLD = {"subprocess", "socket", "http", "urllib", "urllib3", "requests", "time", "random", "secrets", "signal", "uuid"}
"""Processes, network, clock, randomness: in edges only."""

EXCEPTIONS = {
    ("cli/stopping.py", "signal"),  # says what Ctrl-C and SIGTERM mean; nothing is sent
    ("testing/plugin.py", "requests"),  # gives image tests a client; it asks nobody itself
    ("testing/plugin.py", "urllib3"),
    ("testing/clock.py", "time"),  # formats a given time, asks for none
}


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    """Dotted names of all that a file imports, wherever in the file."""
    return tuple(imports(path))


def imports(path: Path) -> Iterator[str]:
    """The same, one by one."""
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where an arrow points"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "stackyard")
        elif not isinstance(node, ast.expr):  # no expression holds a statement
            todo.extend(ast.iter_child_nodes(node))


def folder_of(path: Path) -> str:
    """The stage a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def shown(path: Path) -> str:
    """Where a file is in the package."""
    return path.relative_to(PACKAGE).as_posix()


FILES = sorted(PACKAGE.rglob("*.py"))


def test_imports_point_inward() -> None:
    """A module imports from its own folder, from `errors`, and from the folders it may lean on."""
    wrong = []
    for path in FILES:
        here = folder_of(path)
        for name in imported(path):
            top, _, rest = name.partition(".")
            there = rest.partition(".")[0]
            if top == "stackyard" and there not in ALLOWED[here] | {"", "__version__", here, "errors"}:
                wrong.append(f"{shown(path)}: {here}/ may not import {there}/")
    assert wrong == []


def test_the_world_is_behind_the_edges() -> None:
    """Processes, network, clock and randomness are used in edges and nowhere else."""
    found = {
        (shown(path), top)
        for path in FILES
        if folder_of(path) != "edges"
        for top in {name.partition(".")[0] for name in imported(path)} & WORLD
    }
    assert found == EXCEPTIONS, "what touches the world belongs in edges/"


def test_every_folder_is_drawn() -> None:
    """A new folder gets its arrows here before it gets its second file."""
    assert {folder_of(path) for path in FILES} <= set(ALLOWED)


def test_every_file_opens_with_its_header() -> None:
    """The first lines say the licence and what the file is for; no file grows past 600 lines."""
    texts = {shown(path): path.read_text(encoding="utf-8") for path in FILES}
    header = re.compile(r'# SPDX-License-Identifier: MIT\n"""\S')
    assert [path for path, text in texts.items() if not header.match(text)] == []
    assert [path for path, text in texts.items() if text.count("\n") >= 600] == []
