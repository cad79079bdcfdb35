# SPDX-License-Identifier: MIT
"""How long a plan of a very large stack takes, against what git and plain reading take in the same run.

In:   --images N (10000), --runs N (3), --curve, --json, --check
Out:  a table, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder
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
from collections.abc import Callable
from pathlib import Path

from check import made

TARGET = 3.0
"""Times what git and plain reading take."""
TARGET_AGAIN = 2.0
"""The same of a second plan, to which nothing but the question is new; times `git status` alone."""
TARGET_MB = 500
CURVE = (100, 300, 1000, 3000, 10_000)

GIT = ("git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org")


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000, help="how many; each has nine files")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured; the fastest counts")
    parser.add_argument("--curve", action="store_true", help=f"measure {', '.join(map(str, CURVE))} images")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    asked = parser.parse_args()
    found = {}
    for images in CURVE if asked.curve else (asked.images,):
        with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
            found[images] = measured(committed(Path(folder), images), asked.runs)
    missed = [name for rows in found.values() for name, row in rows.items() if is_missed(row)]
    if asked.json:
        print(json.dumps({"format": 1, "runs": asked.runs, "images": found, "missed": missed}, indent=2))
    else:
        for images, rows in found.items():
            print_table(rows, images)
    return 1 if asked.check and missed else 0


def committed(root: Path, images: int) -> Path:
    """A stack of two commits, the second with three files more than the first; git's index is fresh."""
    made(root, images)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "All")
    for number in (0, images // 2, images - 1):
        (root / "images" / f"lab-{number:05}" / "new.txt").write_text("new\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Three")
    time.sleep(1.1)  # an index that is as young as its files has to be checked against each of them
    git(root, "update-index", "--refresh")
    return root


def git(root: Path, *words: str) -> bytes:
    """Run git in a quiet environment."""
    return subprocess.run([*GIT, "-C", str(root), *words], check=True, stdout=subprocess.PIPE, env=quiet()).stdout


def quiet() -> dict[str, str]:
    """Nobody's configuration; this interpreter's packages."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "PYTHONPATH") if name in os.environ}
    if "PYTHONPATH" in kept:  # what is run elsewhere is to find the same
        kept["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, kept["PYTHONPATH"].split(os.pathsep)))
    return {**kept, "HOME": os.devnull, "GIT_CONFIG_GLOBAL": os.devnull, "TERM": "dumb"}


# What is measured: each gives peak memory in MB, or nothing.


def status(root: Path) -> None:
    git(root, "status", "--porcelain=v2", "--branch", "-z")


def status_and_read(root: Path) -> None:
    status(root)
    for folder in os.listdir(root / "images"):
        try:
            with open(root / "images" / folder / "Dockerfile", "rb") as file:
                file.read()
        except OSError:
            continue


def trees_and_read(root: Path) -> None:
    listed = git(root, "ls-tree", "-r", "-z", "HEAD~1")
    git(root, "ls-tree", "-r", "-z", "HEAD")
    ids = [row[12:52] for row in listed.split(b"\0") if row.endswith(b"/Dockerfile")]
    asked = b"".join(each + b"\n" for each in ids)
    subprocess.run([*GIT, "-C", str(root), "cat-file", "--batch"], input=asked, stdout=subprocess.PIPE, check=True)


def least(root: Path, *commits: str) -> float:
    return python(root, str(Path(__file__).with_name("least.py")), *commits)


def stackyard(root: Path, *words: str) -> float:
    return python(root, "-m", "stackyard", *words)


def python(root: Path, *words: str) -> float:
    """A whole process; its peak memory."""
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen([sys.executable, *words], cwd=root, env=quiet(), stdout=nowhere)
        _, code, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return used.ru_maxrss / 1024


def forget(root: Path) -> None:
    """Everything that earlier commands kept: what they read, and what they answered."""
    (root / ".stackyard" / "cache").unlink(missing_ok=True)
    shutil.rmtree(root / ".stackyard" / "answers", ignore_errors=True)


def touch(root: Path) -> None:
    """Another edit of one file."""
    with open(root / "images" / "lab-00001" / "requirements.txt", "a", encoding="utf-8") as file:
        file.write("# an edit\n")


def restore(root: Path) -> None:
    git(root, "checkout", "--", ".")
    stackyard(root, "plan")


Measured = Callable[[Path], float | None]

LEAST, LEAST_SINCE = "the least in Python (least.py)", "the least in Python, of two commits"
FLOORS = {"plan, for the first time": LEAST, "plan --since, for the first time": LEAST_SINCE}
"""Rows that keep nothing, and what does the least of their work."""

ROWS: dict[str, tuple[Measured, Measured | None, str | None, float | None]] = {
    # name: what is measured, what comes before it, what it is compared with, the target
    "git status": (status, None, None, None),
    "git status, and reading Dockerfiles": (status_and_read, None, None, None),
    "git ls-tree twice, and reading Dockerfiles": (trees_and_read, None, None, None),
    LEAST: (least, None, "git status, and reading Dockerfiles", None),
    LEAST_SINCE: (
        lambda root: least(root, "HEAD~1", "HEAD"),
        None,
        "git ls-tree twice, and reading Dockerfiles",
        None,
    ),
    "plan, for the first time": (
        lambda root: stackyard(root, "plan"),
        forget,
        "git status, and reading Dockerfiles",
        TARGET,
    ),
    "plan again": (lambda root: stackyard(root, "plan"), None, "git status", TARGET_AGAIN),
    "plan after an edit": (
        lambda root: stackyard(root, "plan"),
        touch,
        "git status, and reading Dockerfiles",
        TARGET,
    ),
    "plan --since, for the first time": (
        lambda root: stackyard(root, "plan", "--since", "HEAD~1..HEAD"),
        forget,
        "git ls-tree twice, and reading Dockerfiles",
        TARGET,
    ),
    "plan --since again": (
        lambda root: stackyard(root, "plan", "--since", "HEAD~1..HEAD"),
        None,
        "git ls-tree twice, and reading Dockerfiles",
        TARGET,
    ),
}


def measured(root: Path, runs: int) -> dict[str, dict[str, float | None]]:
    """The fastest of some runs of each, taking turns."""
    found: dict[str, dict[str, float | None]] = {}
    for _ in range(runs):
        for name, (run, before, _, _) in ROWS.items():
            if before is not None:
                before(root)
            begun, used = time.perf_counter(), processor_s()
            peak = run(root)
            seconds, used = time.perf_counter() - begun, processor_s() - used
            row = found.setdefault(name, {"s": seconds, "cpu_s": used, "peak_mb": peak})
            found[name] = {**row, "s": min(row["s"] or 0, seconds), "cpu_s": min(row["cpu_s"] or 0, used)}
        restore(root)
    for name, (_, _, other, target) in ROWS.items():
        for key, time_of in (("ratio", "s"), ("cpu_ratio", "cpu_s")):
            found[name][key] = round((found[name][time_of] or 0) / (found[other][time_of] or 1), 2) if other else None
        found[name]["target"] = target
        floor = FLOORS.get(name)
        found[name]["floor_ratio"] = round((found[name]["s"] or 0) / (found[floor]["s"] or 1), 2) if floor else None
    return found


def processor_s() -> float:
    """Seconds that processors worked for this process and those it waited for: the same on a machine that is busy."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def is_missed(row: dict[str, float | None]) -> bool:
    """Whether a row is slower or larger than it should be."""
    ratio, target, peak = row["ratio"], row["target"], row["peak_mb"]
    return bool((ratio and target and ratio > target) or (peak and peak > TARGET_MB))


def print_table(rows: dict[str, dict[str, float | None]], images: int) -> None:
    """For people."""
    print(f"{images} images, {images * 9} files; the fastest run of each, whole processes.\n")
    print(f"{'':<44}{'seconds':>9}{'ratio':>8}{'target':>8}{'cpu s':>9}{'ratio':>8}{'of least':>10}{'peak MB':>9}")
    for name, row in rows.items():
        peak = f"{row['peak_mb']:.0f}" if row["peak_mb"] else ""
        ratio = f"{row['ratio']:.1f}x" if row["ratio"] else ""
        target = f"{row['target']:.0f}x" if row["target"] else ""
        cpu = f"{row['cpu_ratio']:.1f}x" if row["cpu_ratio"] else ""
        floor = f"{row['floor_ratio']:.1f}x" if row["floor_ratio"] else ""
        print(f"{name:<44}{row['s']:>9.2f}{ratio:>8}{target:>8}{row['cpu_s']:>9.2f}{cpu:>8}{floor:>10}{peak:>9}")
    print()


if __name__ == "__main__":
    sys.exit(main())
