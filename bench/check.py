# SPDX-License-Identifier: MIT
"""How long `check` takes on a very large stack, against reading the same files with plain Python in the same run.

In:   --images N (10000), --json, --profile FILE
Out:  a table, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder
How:  README.md beside this file
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET = 12.0
"""Times the reading of the same files."""
TARGET_MB = 600

DOCKERFILE = """\
ARG BASE_TAG=latest
FROM campus/{parent}:${{BASE_TAG}}
ARG TOOL_VERSION=1.{number}
ENV PATH=/opt/{name}/bin:$PATH
COPY src /opt/{name}/src
COPY requirements.txt /opt/{name}/
RUN pip install tool==${{TOOL_VERSION}} -r /opt/{name}/requirements.txt \\
 # what changes often comes last
 && rm -rf /root/.cache
USER $NB_UID
"""
ROOT = "FROM quay.io/jupyter/scipy-notebook:2024-10-07\n"


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000, help="how many; each has nine files")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured; the fastest counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    parser.add_argument("--profile", help="write a profile of one check to this file, and measure nothing")
    parser.add_argument("--one", choices=sorted(MEASURED), help=argparse.SUPPRESS)
    parser.add_argument("--at", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measured(asked.one, Path(asked.at))))
        return 0
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
        root = made(Path(folder), asked.images)
        if asked.profile:
            profiled(root, asked.profile)
            return 0
        found = compared(root, asked.runs)
    missed = found["ratio"] > TARGET or found["check"]["peak_mb"] > TARGET_MB
    if asked.json:
        print(json.dumps({"format": 1, "images": asked.images, **found}, indent=2))
    else:
        print_table(found, asked.images)
    return 1 if asked.check and missed else 0


def made(root: Path, images: int) -> Path:
    """A stack of `images` images in chains of ten below one root image, nine files each, committed."""
    lines = ["images:\n"]
    for number in range(images):
        name = f"lab-{number:05}"
        parent = None if number == 0 else f"lab-{0 if number % 10 == 1 else number - 1:05}"
        lines.append(f"  {name}:\n    image_name: campus/{name}\n")
        if parent:
            lines.append(f"    depend_on: {parent}\n    build_args:\n      TOOL_VERSION: '1.{number}'\n")
        folder = root / "images" / name
        (folder / "src").mkdir(parents=True)
        (folder / "test").mkdir()
        text = DOCKERFILE.format(parent=parent, name=name, number=number) if parent else ROOT + "COPY . /opt\n"
        (folder / "Dockerfile").write_text(text)
        (folder / "requirements.txt").write_text(f"numpy==1.{number}\n")
        (folder / "test" / "test_lab.py").write_text(f"def test_it():\n    assert {number} >= 0\n" * 20)
        (folder / "README.md").write_text(f"# {name}\n" * 30)
        for part in range(5):
            (folder / "src" / f"part_{part}.py").write_text(f"VALUE = {number * part}\n" * 60)
    (root / "images" / "spec.yml").write_text("".join(lines))
    common = root / "images" / "tests_common"
    common.mkdir()
    (common / "test_common.py").write_text("def test_common():\n    pass\n" * 10)
    (root / "images" / "conftest.py").write_text("import pytest\n")
    git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-C", str(root)]
    for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "Nothing"]):
        subprocess.run([*git, *words], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    return root


def read_plainly(root: Path) -> int:
    """Every file below the images folder, opened and read."""
    count = 0
    for folder, _, names in os.walk(root / "images"):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                file.read()
            count += 1
    return count


def check(root: Path) -> int:
    """As the command does, without printing."""
    from stackyard import verbs
    from stackyard.verbs import Options

    yard = verbs.load(root, Options())
    findings = verbs.check(yard)
    assert not findings, findings[:3]
    return len(yard.stack.targets)


MEASURED = {"read": read_plainly, "check": check}


def measured(name: str, root: Path) -> dict[str, float]:
    """Seconds and peak memory of one, in this process."""
    if name == "check":
        import gc

        import stackyard.verbs  # noqa: F401 - importing is start-up's business

        gc.set_threshold(50_000, 20, 20)  # as the command does
    before, worked = time.perf_counter(), processor_s()
    count = MEASURED[name](root)
    return {
        "s": round(time.perf_counter() - before, 3),
        "processor_s": round(processor_s() - worked, 4),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "count": count,
    }


def processor_s() -> float:
    """What this process and those it waited for have had of processors, in the system, too."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def compared(root: Path, runs: int) -> dict:
    """The run of each that took least of a processor, taking turns, each in a process of its own."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(runs):
        for name in MEASURED:
            argv = [sys.executable, __file__, "--one", name, "--at", str(root)]
            row = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
            best[name] = min(row, best.get(name, row), key=lambda each: each["processor_s"])
    return {**best, "ratio": round(best["check"]["processor_s"] / best["read"]["processor_s"], 2)}


def profiled(root: Path, path: str) -> None:
    """One check under the profiler."""
    import cProfile

    profile = cProfile.Profile()
    profile.runcall(check, root)
    profile.dump_stats(path)


def print_table(found: dict, images: int) -> None:
    """For people."""
    print(f"{images} images, {found['read']['count']:.0f} files; the best run of each, by processor time.\n")
    print(f"{'':<22}{'processor, s':>14}{'by the clock, s':>17}{'peak MB':>9}{'x reading':>11}")
    for name, words in (("read", "reading every file"), ("check", "stackyard check")):
        row = found[name]
        ratio = row["processor_s"] / found["read"]["processor_s"]
        print(f"{words:<22}{row['processor_s']:>14.2f}{row['s']:>17.2f}{row['peak_mb']:>9.0f}{ratio:>10.1f}x")


if __name__ == "__main__":
    sys.exit(main())
