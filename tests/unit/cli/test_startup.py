# SPDX-License-Identifier: MIT
"""What commands import: start-up is paid for by everybody, and no clock is needed to see what it is spent on.

Whoever makes a plan import something more adds a line here, or imports it where it is used. How long it takes:
bench/startup.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackyard import __version__, verbs
from stackyard.testing import FakeEngine, FixedClock, MemoryRegistry
from stackyard.verbs import Options
from tests.conftest import GitStack

EXAMPLE = Path(__file__).parents[3] / "examples" / "campus"

PLAN = {
    "": "__main__ check cli edges errors later load model plan record report verbs",
    "check": "findings",
    "cli": "common plan session",
    "edges": "clock git git_hidden machine",
    "load": "counted dockerfile links listing matrix recipe references sources spec stack suites target tree yaml",
    "load.dockerfile": "content instructions parse reach",
    "load.spec": "check_keys checks collect image image_keys kinds lock_keys policy read schema values",
    "load.tree": "changes context files ignore paths place",
    "model": "canonical checks decide details dockerfile ecr hashing inputs instructions known names plan policy "
    "progress reason record reference spot stack tags words",
    "plan": "compare graph selection",
    "record": "database inventories moved sqlite tables",
    "report": "terminal text",
    "verbs": "yard",
}
"""Folder -> modules that a plan of the example uses."""
NETWORK = {"urllib3", "http.client", "ssl", "asyncio"}
UNUSED = {*NETWORK, "rich", "_hashlib", "hashlib", "json", "base64", "decimal", "inspect", "urllib.parse", "uuid"}
"""What it does without: above all OpenSSL, which is in `_hashlib` and takes longer to load than all that is hashed."""


@pytest.mark.processes
def test_version_imports_next_to_nothing() -> None:
    """Neither the command line nor anything that it needs."""
    code = "import sys; sys.argv[1:] = ['--version']; from stackyard.__main__ import main; main(); print(*sys.modules)"
    source = str(Path(sys.modules["stackyard"].__file__ or "").parents[1])  # without site-packages, too
    environ = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, env=environ)
    loaded = set(done.stdout.split())

    assert __version__ in done.stdout, done.stderr
    assert not loaded & {"click", "msgspec", "yaml", "rich", "stackyard.cli", "subprocess", "pathlib", "re", "typing"}


@pytest.mark.processes
def test_help_imports_neither_records_nor_yaml(tmp_path: Path) -> None:
    """What only stacks need is imported by commands that read one."""
    assert not imported_by("--help", tmp_path) & {"msgspec", "yaml", "sqlite3", "rich", "urllib3", "stackyard.verbs"}


@pytest.mark.processes
def test_a_plan_imports_what_it_uses(git_stack: GitStack) -> None:
    """A first one, and one that has records to read: the same, and then sqlite."""
    files = [
        path for path in EXAMPLE.rglob("*") if path.is_file() and not {"__pycache__", ".stackyard"} & {*path.parts}
    ]
    root = git_stack({str(path.relative_to(EXAMPLE)): path.read_text() for path in files})
    first = imported_by("plan", root)
    engine = FakeEngine()
    engine.add("debian:bookworm-slim")
    yard = verbs.load(root, Options(), FixedClock(), lambda _: engine, lambda _: MemoryRegistry())
    verbs.run(yard, verbs.prepare(yard))
    again = imported_by("plan", root)

    assert not (first | again) & UNUSED
    assert "sqlite3" in again - first
    assert (
        ours(first)
        == ours(again)
        == {f"stackyard.{folder}.{name}".replace("..", ".") for folder, names in PLAN.items() for name in names.split()}
    )


def ours(names: set[str]) -> set[str]:
    """Those of the package."""
    return {name for name in names if name.startswith("stackyard.")}


def imported_by(command: str, root: Path) -> set[str]:
    """The modules that the program imports to carry out a command, beside those that Python itself begins with."""
    code = "before = {*sys.modules}; atexit.register(lambda: print(*{*sys.modules} - before, file=sys.stderr))"
    run = f"import atexit, sys; {code}; sys.argv[1:] = [{command!r}]; from stackyard.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", run], cwd=root, capture_output=True, text=True, check=True)
    return set(done.stderr.split())
