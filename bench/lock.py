# SPDX-License-Identifier: MIT
"""How long four locks of some 160 pins take: against bare calls of the resolver; and one lock against pip-compile.

In:   --runs N (5), --pip-compile to measure that too (it is installed from the index), --limit S (300) for each of its
      runs, --json
Out:  a table, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder; the package index, to warm the resolver's cache once
How:  README.md beside this file
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

REQUIREMENTS = (
    "jupyterlab",
    "dask[complete]",
    "scikit-learn",
    "matplotlib",
    "boto3",
    "sqlalchemy",
    "fastapi[standard]",
)
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
T = "2026-06-01T00:00:00Z"
TARGETS = {"stackyard lock": ("the sum of bare calls", 2.0)}
"""Times as long, at most; warm, offline, four versions."""
FEW = ("boto3", "sqlalchemy", "fastapi[standard]")
"""What pip-compile comes to an end with in minutes: all of the above takes it longer than anybody waits."""
FASTER = {"pip-compile": 10.0}
"""Times as fast, at least, for one version of the same requirements, both with warm caches and asking the index."""


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="how often each is run; the fastest counts")
    parser.add_argument("--pip-compile", action="store_true", help="measure pip-compile, too")
    parser.add_argument("--limit", type=float, default=300, help="seconds after which pip-compile is ended")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
        found = measure(Path(folder), asked.runs, asked.limit if asked.pip_compile else 0)
    if asked.json:
        print(json.dumps({"format": 1, "runs": asked.runs, **found}, indent=2))
    else:
        print(f"{found['pins']} pins, {len(VERSIONS)} versions, warm and offline, fastest of {asked.runs}:\n")
        for name, row in found["rows"].items():
            least = ">" if row.get("ended") is False else ""
            seconds, ratio = (f"{least}{row[key]:.2f}" for key in ("s", "ratio"))
            print(f"{name:<40}{seconds:>9} s{ratio:>9}x  {row['of']}")
    return 1 if asked.check and found["missed"] else 0


def measure(folder: Path, runs: int, limit: float) -> dict[str, object]:
    """Each once in every round, so that all meet the same noise; pip-compile at the end, if it has a limit."""
    root = stack(folder / "stack", REQUIREMENTS, VERSIONS)
    environ = {**os.environ, "UV_CACHE_DIR": str(folder / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    lock = [sys.executable, "-m", "stackyard", "lock", "--time", T]
    subprocess.run(lock, cwd=root, env=environ, check=True, stdout=subprocess.DEVNULL)  # warms the cache
    plan = json.loads(subprocess.run([*lock, "--dry-run", "--json"], cwd=root, check=True, capture_output=True).stdout)
    environ["UV_OFFLINE"] = "1"
    bare = folder / "bare"
    bare.mkdir()
    (bare / "requirements.in").write_text("".join(f"{line}\n" for line in plan["sets"][0]["requirements"]))
    calls = [command for each in plan["sets"][0]["locks"] for command in each["commands"]]
    uv = str(Path(sys.executable).with_name("uv"))
    best = {"sum": float("inf"), "lock": float("inf")}
    for _ in range(runs):
        begun = time.perf_counter()
        for number, (_, *words) in enumerate(calls):
            argv = [uv, *words, f"--output-file=pylock.{number}.toml", "--quiet"]
            subprocess.run(argv, cwd=bare, env=environ, check=True, stderr=subprocess.DEVNULL)
            (bare / f"pylock.{number}.toml").unlink()
        best["sum"] = min(best["sum"], time.perf_counter() - begun)
        for path in root.glob("lock-*.txt"):
            path.unlink()
        begun = time.perf_counter()
        subprocess.run(lock, cwd=root, env=environ, check=True, stdout=subprocess.DEVNULL)
        best["lock"] = min(best["lock"], time.perf_counter() - begun)
    pins = sum("==" in line for line in (root / f"lock-{VERSIONS[0]}.txt").read_text().splitlines())
    rows = {
        "the sum of bare calls": {"s": best["sum"], "ratio": 1.0, "of": ""},
        "stackyard lock": {"s": best["lock"], "ratio": best["lock"] / best["sum"], "of": "of the sum; at most 2x"},
    }
    missed = ["stackyard lock"] if best["lock"] > TARGETS["stackyard lock"][1] * best["sum"] else []
    if limit:
        del environ["UV_OFFLINE"]
        own = one_lock(folder, environ, runs)
        seconds, is_over = pip_compile(folder, limit)
        ahead = seconds / own
        rows["stackyard lock, one version of a few"] = {"s": own, "ratio": 1.0, "of": ""}
        of = "as long" if is_over else "as long, and it had not ended"
        rows["pip-compile, the same"] = {"s": seconds, "ratio": ahead, "of": f"{of}; at least 10x", "ended": is_over}
        missed += ["pip-compile"] if ahead < FASTER["pip-compile"] else []
    return {"pins": pins, "rows": rows, "missed": missed}


def stack(root: Path, requirements: Sequence[str], names: Sequence[str]) -> Path:
    """A committed stack with one set, for these versions."""
    (root / "images" / "lab").mkdir(parents=True)
    (root / "images" / "lab" / "Dockerfile").write_text("FROM debian:12\n")
    (root / "requirements.in").write_text("".join(f"{line}\n" for line in requirements))
    versions = ", ".join(f"'{version}'" for version in names)
    declared = f"{{requirements: requirements.in, versions: [{versions}], platforms: linux/amd64}}"
    (root / "images" / "spec.yml").write_text(f"images: {{lab: }}\nlocks: {{all: {declared}}}\n")
    git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-C", str(root)]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "A set"]):
        subprocess.run([*git, *words], check=True)
    return root


def one_lock(folder: Path, environ: Mapping[str, str], runs: int) -> float:
    """Seconds of the fastest lock of a few requirements as of now, for the Python that runs this; the cache is warm."""
    root = stack(folder / "few", FEW, (".".join(map(str, sys.version_info[:2])),))
    lock = [sys.executable, "-m", "stackyard", "lock", "--refresh"]
    taken = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        subprocess.run(lock, cwd=root, env=environ, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begun)
    return min(taken[1:])


def pip_compile(folder: Path, limit: float) -> tuple[float, bool]:
    """Seconds that it takes for the same, its cache warm: the second of two runs; whether it ended."""
    bare = folder / "pip"
    bare.mkdir()
    (bare / "requirements.in").write_text("".join(f"{line}\n" for line in FEW))
    venv.create(folder / "pip-tools", with_pip=True)
    programs = folder / "pip-tools" / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", "pip-tools"], check=True)
    argv = [
        programs / "pip-compile",
        "--quiet",
        "--generate-hashes",
        "--strip-extras",
        "--cache-dir",
        folder / "pip-cache",
    ]
    begun = 0.0
    for _ in range(2):
        (bare / "out.txt").unlink(missing_ok=True)
        begun = time.perf_counter()
        try:
            subprocess.run([*argv, "-o", "out.txt", "requirements.in"], cwd=bare, check=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return limit, False
    return time.perf_counter() - begun, True


if __name__ == "__main__":
    sys.exit(main())
