# SPDX-License-Identifier: MIT
"""How long two other tools take to say what a stack is, against Stackyard on the same stack in the same run.

In:   --peer NAME (both), --images N (200), --commits N (300), --runs N (3), --keep DIR, --json, --check
Out:  a table of each peer, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder; --keep's folder; the package index that pip is configured with
How:  README.md beside this file

The peers come from PyPI into environments of their own, and nothing of them is kept here. No engine is asked.
Before anything is measured, both tools have to name the same images and the same parents.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plan import forget, git, processor_s, quiet
from startup import compile_package

TARGET = 10.0
"""Times as fast as the peer, by the clock."""

PACKAGES = {
    # The engine's client is not asked anything, and Kolla does not start without it.
    "kolla": ("kolla==23.0.0", "docker==7.1.0", "Jinja2==3.1.6", "oslo.config==10.7.0", "PyYAML==6.0.3"),
    # Of 2018: to talk to an engine it would need older requests and urllib3; to start, distutils, which setuptools has.
    "shipwright": (
        "shipwright==0.9.0",
        "docker==2.7.0",
        "GitPython==2.1.15",
        "requests==2.31.0",
        "urllib3==1.26.20",
        "setuptools==75.8.0",
    ),
}

SHIPWRIGHTS = """
import json
import sys

from shipwright._lib.image import list_images

print(json.dumps([[image.name, image.parent] for image in list_images("campus", {}, sys.argv[1])]))
"""
"""What shipwright reads as the parent of each image: its own commands print no edges."""

DOCKERFILE = """\
FROM {parent}
COPY requirements.txt /opt/{name}/
COPY src /opt/{name}/src
RUN pip install -r /opt/{name}/requirements.txt
"""

Edges = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Stack:
    """What both tools are asked about."""

    root: Path
    names: frozenset[str]
    edges: Edges
    """(parent, child), as the peer reads them."""
    peer: str
    """What is run, as a person types it."""
    argv: list[str]
    questions: Mapping[str, list[str]]
    """What Stackyard is asked, as a person types it, and the words."""


def main() -> int:
    """Install, compare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", choices=sorted(PEERS), action="append", help="this one; may be repeated")
    parser.add_argument("--images", type=int, default=200, help="how many shipwright gets; Kolla brings its own")
    parser.add_argument("--commits", type=int, default=300, help="how many shipwright's repository has")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured; the fastest counts")
    parser.add_argument("--keep", type=Path, help="where the peers are installed, and found the next time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    asked = parser.parse_args()
    compile_package(sys.executable)
    found, loads = {}, [round(os.getloadavg()[0], 1)]
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
        for name in asked.peer or PEERS:
            programs = installed(name, (asked.keep or Path(folder, "installed")).absolute() / name)
            stack = PEERS[name](Path(folder, name), programs, asked)
            compare(stack, json.loads(stackyard(stack.root, "graph", "--json")))
            found[name] = {
                "versions": versions(programs),
                "images": len(stack.names),
                "edges": len(stack.edges),
                "rows": measured(stack, asked.runs),
            }
    loads.append(round(os.getloadavg()[0], 1))
    missed = [f"{name}: {row}" for name, each in found.items() for row in missed_of(each["rows"])]
    if asked.json:
        print(json.dumps({"format": 1, "runs": asked.runs, "load": loads, "peers": found, "missed": missed}, indent=2))
    else:
        print(
            f"The fastest run of {asked.runs} each, whole processes; a load of {loads[0]} before, {loads[1]} after.\n"
        )
        for name, each in found.items():
            print_table(name, each)
    return 1 if asked.check and missed else 0


def installed(name: str, folder: Path) -> Path:
    """The folder of programs of an environment that has the peer; one that is there already is only looked over."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    words = ["-m", "pip", "install", "-qq", "--disable-pip-version-check", *PACKAGES[name]]
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if subprocess.run([python, *words], stdout=sys.stderr, env=env, check=False).returncode:
        raise SystemExit(f"pip could not install {name}: see above")
    return python.parent


def versions(programs: Path) -> dict[str, str]:
    """What pip chose, for who wants to have the same."""
    words = [programs / "python", "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    return {each["name"]: each["version"] for each in json.loads(output(words, Path.cwd()))}


def output(argv: list[Any], cwd: Path) -> bytes:
    """What a peer prints, in a quiet environment that has nothing of Stackyard."""
    env = {**quiet(), "TMPDIR": tempfile.gettempdir()}
    env.pop("PYTHONPATH", None)
    ended = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{argv[0]} ended with {ended.returncode}: {ended.stderr.decode()[-2000:]}")
    return ended.stdout


# The stacks.


def kollas(root: Path, programs: Path, _: argparse.Namespace) -> Stack:
    """Kolla's own images for Debian, as it renders them, where it puts them, and a list of them for Stackyard."""
    program = [programs / "kolla-build", "--base", "debian"]
    output([*program, "--template-only", "--work-dir", root], root.parent)
    dockerfiles = sorted(path.relative_to(root) for path in root.rglob("Dockerfile"))
    lines = ["images:\n"]
    for path in dockerfiles:
        name = path.parent.name
        lines.append(f"  {name}:\n    image_name: kolla/{name}\n    dockerfile: {path.as_posix()}\n")
    (root / "stackyard.yml").write_text("".join(lines))
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "All")
    tree = json.loads(output([*program, "--list-dependencies"], root))
    return Stack(
        root,
        frozenset(path.parent.name for path in dockerfiles),
        edges_of(tree),
        "kolla-build --list-dependencies",
        [*program, "--list-dependencies"],
        QUESTIONS,
    )


def edges_of(tree: Mapping[str, list[Any]]) -> Edges:
    """Kolla's form: an image with children is an object of one key, one without is a text."""

    def walked(tree: Mapping[str, list[Any]]) -> Iterator[tuple[str, str]]:
        for parent, children in tree.items():
            for child in children:
                yield parent, child if isinstance(child, str) else next(iter(child))
                if not isinstance(child, str):
                    yield from walked(child)

    return frozenset(walked(tree))


def shipwrights(root: Path, programs: Path, asked: argparse.Namespace) -> Stack:
    """Images with three children each, in a folder that both tools read as it is, and commits of one file each."""
    names = [f"lab-{number:04}" for number in range(asked.images)]
    lines = ["images:\n"]
    for number, name in enumerate(names):
        lines.append(f"  {name}:\n    image_name: campus/{name}\n")
        folder = root / "images" / name
        (folder / "src").mkdir(parents=True)
        parent = f"campus/{names[(number - 1) // 3]}" if number else "debian:bookworm-slim"
        (folder / "Dockerfile").write_text(DOCKERFILE.format(parent=parent, name=name))
        (folder / "requirements.txt").write_text(f"numpy==1.{number}\n")
        for part in range(3):
            (folder / "src" / f"part_{part}.py").write_text(f"VALUE = {number * part}\n" * 60)
    (root / "images" / "spec.yml").write_text("".join(lines))
    (root / ".shipwright.json").write_text('{"version": 1.0, "namespace": "campus"}\n')
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "config", "gc.auto", "0")  # a thousand commits start one, which is still at it when the last is made
    for number in range(asked.commits):
        if number:
            with open(root / "images" / names[number * 7 % len(names)] / "requirements.txt", "a") as file:
                file.write(f"# edit {number}\n")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", f"Edit {number}")
    git(root, "gc", "--quiet")  # as a clone has it: one pack
    argv = [programs / "shipwright", "images"]
    read = json.loads(output([programs / "python", "-c", SHIPWRIGHTS, root], root))
    printed = frozenset(line.rpartition(":")[0] for line in output(argv, root).decode().split())
    if printed != frozenset(name for name, _ in read):
        raise SystemExit("shipwright prints other images than it reads")
    since = {"stackyard plan --since, of all commits": ["plan", "--since", f"HEAD~{asked.commits - 1}"]}
    return Stack(
        root,
        frozenset(name.removeprefix("campus/") for name in printed),
        frozenset(
            (parent.removeprefix("campus/"), name.removeprefix("campus/")) for name, parent in read if parent in printed
        ),
        "shipwright images",
        argv,
        {**QUESTIONS, **since} if asked.commits > 1 else QUESTIONS,
    )


QUESTIONS = {"stackyard graph": ["graph"], "stackyard plan": ["plan"]}
PEERS: Mapping[str, Callable[[Path, Path, argparse.Namespace], Stack]] = {"kolla": kollas, "shipwright": shipwrights}


# The same stack, and how long each takes.


def compare(stack: Stack, graph: Mapping[str, Any]) -> None:
    """End where Stackyard's graph is another one: then there is nothing to measure."""
    names = frozenset(node["name"] for node in graph["nodes"])
    edges = frozenset((edge["parent"], edge["child"]) for edge in graph["edges"])
    for what, theirs, ours in (("images", stack.names, names), ("edges", stack.edges, edges)):
        if theirs != ours:
            raise SystemExit(
                f"{stack.peer} and stackyard read other {what}: only the former {sorted(theirs - ours)[:5]}, "
                f"only the latter {sorted(ours - theirs)[:5]}, of {len(theirs)} and {len(ours)}"
            )


def stackyard(root: Path, *words: str) -> bytes:
    """What Stackyard prints."""
    argv = [sys.executable, "-m", "stackyard", *words]
    return subprocess.run(argv, cwd=root, env=quiet(), stdout=subprocess.PIPE, check=True).stdout


def measured(stack: Stack, runs: int) -> dict[str, dict[str, float | None]]:
    """The fastest of some runs of each, taking turns; what Stackyard kept of an earlier one is thrown away."""
    found: dict[str, tuple[float, float]] = {}
    for _ in range(runs):
        found[stack.peer] = fastest(found.get(stack.peer), lambda: output(stack.argv, stack.root))
        for name, words in stack.questions.items():
            forget(stack.root)
            found[name] = fastest(found.get(name), lambda words=words: stackyard(stack.root, *words))
    return rows_of(found, stack.peer)


def fastest(before: tuple[float, float] | None, run: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of processors: of this run or of those before, whichever are less."""
    begun, used = time.perf_counter(), processor_s()
    run()
    spent = time.perf_counter() - begun, processor_s() - used
    return (min(before[0], spent[0]), min(before[1], spent[1])) if before else spent


def rows_of(found: Mapping[str, tuple[float, float]], peer: str) -> dict[str, dict[str, float | None]]:
    """Seconds, and how many times as fast as the peer."""
    rows: dict[str, dict[str, float | None]] = {}
    for name, (seconds, cpu) in found.items():
        ahead, cpu_ahead = (round(theirs / ours, 1) for theirs, ours in zip(found[peer], (seconds, cpu), strict=True))
        is_peer = name == peer
        rows[name] = {
            "s": round(seconds, 3),
            "cpu_s": round(cpu, 3),
            "ahead": None if is_peer else ahead,
            "cpu_ahead": None if is_peer else cpu_ahead,
            "target": None if is_peer else TARGET,
        }
    return rows


def missed_of(rows: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """What is not as far ahead as it should be."""
    return [name for name, row in rows.items() if row["target"] and (row["ahead"] or 0) < row["target"]]


def print_table(name: str, found: Mapping[str, Any]) -> None:
    """For people."""
    print(f"{name} {found['versions'][name]}: {found['images']} images, {found['edges']} edges, the same to both\n")
    print(f"{'':<42}{'seconds':>9}{'ahead':>8}{'target':>8}{'cpu s':>9}{'ahead':>8}")
    for title, row in found["rows"].items():
        ahead, target, cpu = (f"{row[key]:.0f}x" if row[key] else "" for key in ("ahead", "target", "cpu_ahead"))
        print(f"{title:<42}{row['s']:>9.2f}{ahead:>8}{target:>8}{row['cpu_s']:>9.2f}{cpu:>8}")
    print()


if __name__ == "__main__":
    sys.exit(main())
