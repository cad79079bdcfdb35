# SPDX-License-Identifier: MIT
"""How long a person waits for the command itself: whole processes, against `python -c pass` in the same run.

In:   --runs N (30), --json, --python PATH of an environment with Stackyard installed (this one by default)
Out:  a table, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder; __pycache__ of the installed package
How:  README.md beside this file
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "campus"
TARGETS = {"--version": 3.0, "plan": 8.0, "plan, known": 8.0}
"""Times `python -c pass`; for the console script and for `python -m stackyard` alike."""

KNOWN = """
import sys
from pathlib import Path

from stackyard import verbs
from stackyard.testing import FakeEngine, FixedClock, MemoryRegistry
from stackyard.verbs import Options

engine = FakeEngine()
engine.add("debian:bookworm-slim")
yard = verbs.load(Path(sys.argv[1]), Options(), FixedClock(), lambda _: engine, lambda _: MemoryRegistry())
summary = verbs.run(yard, verbs.prepare(yard))
sys.exit(0 if all(outcome.status in ("built", "failed", "skipped") for outcome in summary.outcomes) else 1)
"""
"""Makes records as a build makes them, over a fake engine: what a plan reads is the same."""


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30, help="how often each command is run; the fastest counts")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environment to measure")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
        found = measure(asked.python, Path(folder), asked.runs)
    missed = [name for name, row in found.items() if row["target"] and row["ratio"] > row["target"]]
    if asked.json:
        print(json.dumps({"format": 1, "runs": asked.runs, "commands": found, "missed": missed}, indent=2))
    else:
        print_table(found, asked.runs)
    return 1 if asked.check and missed else 0


def measure(python: str, folder: Path, runs: int) -> dict[str, dict[str, float | None]]:
    """The fastest of `runs` of each command, one after the other in every round, so that all meet the same noise."""
    compile_package(python)
    fresh, known = committed_copy(folder / "fresh"), committed_copy(folder / "known")
    subprocess.run([python, "-c", KNOWN, str(known)], check=True, env=environment(folder))
    script = str(Path(python).parent / "stackyard")
    commands: dict[str, tuple[list[str], Path]] = {"python -c pass": ([python, "-c", "pass"], fresh)}
    for name, start in (("stackyard", [script]), ("python -m stackyard", [python, "-m", "stackyard"])):
        commands[f"{name} --version"] = ([*start, "--version"], fresh)
        commands[f"{name} --help"] = ([*start, "--help"], fresh)
        commands[f"{name} plan"] = ([*start, "plan"], fresh)
        commands[f"{name} plan, known"] = ([*start, "plan"], known)
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(runs + 1):  # the first round warms up what the others read
        for name, (argv, cwd) in commands.items():
            begun = time.perf_counter()
            subprocess.run(argv, cwd=cwd, env=environment(folder), stdout=subprocess.DEVNULL, check=True)
            best[name] = min(best[name], time.perf_counter() - begun)
    bare = best["python -c pass"]
    return {
        name: {
            "ms": round(seconds * 1000, 1),
            "ratio": round(seconds / bare, 2),
            "target": next((limit for end, limit in TARGETS.items() if name.endswith(f" {end}")), None),
        }
        for name, seconds in best.items()
    }


def compile_package(python: str) -> None:
    """Byte code for the package, as whoever installs a wheel makes it; an editable install may have none."""
    where = "import stackyard, pathlib; print(pathlib.Path(stackyard.__file__).parent)"
    found = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run([python, "-m", "compileall", "-q", found], check=True)


def committed_copy(root: Path) -> Path:
    """The example in a git repository of its own."""
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("__pycache__", ".stackyard"))
    git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-C", str(root)]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "The example"]):
        subprocess.run([*git, *words], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    return root


def environment(folder: Path) -> dict[str, str]:
    """A quiet environment: nobody's configuration, no colours, no registry."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, "TERM": "dumb"}


def print_table(found: dict[str, dict[str, float | None]], runs: int) -> None:
    """For people."""
    print(f"Fastest of {runs} runs each, whole processes, byte code compiled.\n")
    print(f"{'command':<34}{'ms':>8}{'x pass':>9}{'target':>9}")
    for name, row in found.items():
        target = f"{row['target']:.0f}x" if row["target"] else ""
        print(f"{name:<34}{row['ms']:>8.1f}{row['ratio']:>8.1f}x{target:>9}")


if __name__ == "__main__":
    sys.exit(main())
