# SPDX-License-Identifier: MIT
"""What a run costs beside the engine's own builds: a real engine, against docker's own commands in the same run.

In:   PART... (overhead, idle, siblings, stack), --rounds N (5), --images N, --json, --check;
      STACKYARD_TEST_REGISTRY=127.0.0.1:PORT
Out:  a table, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder; the engine that DOCKER_HOST names, where it makes images below `bench/` and removes
      them again by name; the engine's build cache grows; the registry, where it leaves repositories below `bench/`
Needs: docker with buildx; busybox:1.36 in the engine's store. `idle` with a registry (script/dev up) also publishes;
      `stack` needs debian:bookworm-slim there, and apt, which fetches packages before anything is measured
How:  README.md beside this file

All that is compared takes turns in every round, and the median of the rounds counts: an engine is never quiet.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from plan import git
from startup import compile_package

BASE = "busybox:1.36"
SYSTEM = "debian:bookworm-slim"
PACKAGES = {
    "base-notebook": ("libpython3.11-stdlib", "libpython3.11-minimal", "python3.11-minimal", "fonts-dejavu-core"),
    "datascience-notebook": ("python3-numpy", "python3-pandas", "python3-pandas-lib"),
    "geo-notebook": ("proj-data", "libproj25", "libgdal32"),
    "ml-notebook": ("python3-scipy", "python3-sklearn-lib"),
}
"""What each image of a stack like the example's unpacks; the first is what the others stand on."""
LIKE_STACKYARD = {
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    "BUILDX_GIT_LABELS": "0",
    "BUILDX_GIT_INFO": "0",
    "BUILDX_METADATA_PROVENANCE": "disabled",
    "OTEL_TRACES_EXPORTER": "none",
    "SOURCE_DATE_EPOCH": "0",
}
"""What Stackyard gives buildx: whoever is compared gets the same."""
MAIN = """
import resource, runpy, sys
used = sys.argv.pop(1)
try:
    runpy.run_module("stackyard", run_name="__main__", alter_sys=True)
finally:
    own = resource.getrusage(resource.RUSAGE_SELF)
    open(used, "w").write(str(own.ru_utime + own.ru_stime))
"""
"""The command, and what its own process used of a processor: docker's are others."""
SPIN = "i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done"
"""Some seconds of one core, in busybox's shell."""


class Bench:
    """A folder, an engine, and names that are nobody else's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = f"bench/{secrets.token_hex(4)}"
        self.env = {**os.environ, **LIKE_STACKYARD, "GIT_CONFIG_GLOBAL": os.devnull}
        self._fresh = 0
        self.processor_s = 0.0
        """Of the last command, without the programs that it started."""

    def stack(self, name: str, dockerfiles: Mapping[str, str], registry: str = "") -> Path:
        """A stack of these images, in a repository of its own; each has a file that nobody else has."""
        root = self.folder / name
        lines = [*([f"registry: {registry}"] if registry else []), "images:"]
        for image, text in dockerfiles.items():
            folder = root / "images" / image
            folder.mkdir(parents=True)
            (folder / "Dockerfile").write_text(text)
            lines.append(f"  {image}: {{image_name: {self.prefix}/{name}/{image}}}")
        (root / "images" / "spec.yml").write_text("\n".join([*lines, "tag: {prefix: '1'}", ""]))
        self.freshen(root)
        git(root, "init", "--quiet", "--initial-branch=main")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "All")
        return root

    def freshen(self, root: Path, image: str = "*") -> None:
        """Change a file of every image, or of one, so that no cache has it."""
        self._fresh += 1
        for folder in (root / "images").glob(image):
            if folder.is_dir():
                (folder / "note").write_text(f"{self.prefix} {folder.name} {self._fresh}\n")

    def timed(self, argv: list[Any], cwd: Path) -> tuple[float, str]:
        """Seconds of a whole process, and what it printed."""
        begun = time.perf_counter()
        done = subprocess.run(argv, cwd=cwd, env=self.env, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begun
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, argv))} failed: {done.stderr[-2000:]}{done.stdout[-2000:]}")
        return seconds, done.stdout

    def stackyard(self, root: Path, *words: str) -> tuple[float, dict[str, Any]]:
        """Seconds of the command, and its JSON."""
        used = self.folder / "used"
        seconds, said = self.timed([sys.executable, "-c", MAIN, used, "build", "--json", *words], root)
        self.processor_s = float(used.read_text())
        return seconds, json.loads(said)

    def docker_build(self, root: Path, image: str, *words: str) -> float:
        """Seconds of one bare build call, with what Stackyard would say."""
        argv = ["docker", "buildx", "build", "--builder", "default", "--provenance=false", "--sbom=false", "--quiet"]
        name = f"{self.prefix}/{root.name}/{image}:bare"
        return self.timed([*argv, *words, "--tag", name, root / "images" / image], root)[0]

    def bake(self, root: Path, images: list[str], parents: Mapping[str, str] = MappingProxyType({})) -> float:
        """Seconds of one bake of all these images, each on what it is linked to.

        Args:
            parents: image -> its parent.
        """
        targets: dict[str, dict[str, Any]] = {
            image: {"context": f"images/{image}", "tags": [f"{self.prefix}/{root.name}/{image}:bake"]}
            for image in images
        }
        for image, parent in parents.items():
            targets[image]["contexts"] = {f"{self.prefix}/{root.name}/{parent}": f"target:{parent}"}
        file = {"group": {"default": {"targets": images}}, "target": targets}
        (root / "bake.json").write_text(json.dumps(file))
        argv = ["docker", "buildx", "bake", "--builder", "default", "--file", "bake.json"]
        return self.timed([*argv, "--set", "*.output=type=docker"], root)[0]

    def baked(self, root: Path, images: list[str]) -> float | None:
        """The same; None where bake failed, as it does of many targets on a busy engine."""
        try:
            return self.bake(root, images)
        except SystemExit as failed:
            print(str(failed).strip().rpartition("\n")[2], file=sys.stderr)
            return None

    def clean(self) -> None:
        """Remove the names that this run gave, and no others."""
        listed = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
        names = [name for name in self.timed(listed, self.folder)[1].split() if name.startswith(f"{self.prefix}/")]
        for at in range(0, len(names), 50):
            subprocess.run(
                ["docker", "image", "rm", *names[at : at + 50]], env=self.env, capture_output=True, check=False
            )


class Proxy:
    """A port before a registry, or before nothing, that counts requests and the bytes of their answers."""

    def __init__(self, registry: str) -> None:
        self._registry = registry
        self.requests = self.bytes = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Proxy:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            if not self._registry:
                self.requests += 1
                caller.close()
                continue
            host, _, port = self._registry.partition(":")
            there = socket.create_connection((host, int(port)))
            for pair in ((caller, there), (there, caller)):
                threading.Thread(target=self._pump, args=(*pair, pair[0] is caller), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_asking: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                with self._lock:
                    if is_asking:
                        self.requests += len(_REQUEST.findall(data))
                    else:
                        self.bytes += len(data)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def __exit__(self, *_: object) -> None:
        self._socket.close()


_REQUEST = re.compile(rb"(?:^|\n)(?:GET|HEAD|PUT|POST|PATCH|DELETE) /v2/\S* HTTP/1\.1\r\n")
"""The first line of a request: clients send it in one piece."""


def median(values: list[float]) -> float:
    """Of the rounds."""
    return statistics.median(values)


def overhead(bench: Bench, rounds: int, images: int) -> dict[str, Any]:
    """Seconds from one build's beginning to the next's, one at a time, less a bare call of the same context.

    Half of the bare calls come before Stackyard's run and half after it, so that what else the machine does counts
    for both.
    """
    found: dict[str, Any] = {}
    kinds = {"a file": f"FROM {BASE}\nCOPY note /\n", "a second": f"FROM {BASE}\nCOPY note /\nRUN sleep 1\n"}
    for kind, text in kinds.items():
        count = images if kind == "a file" else max(images // 2, 4)
        names = [f"i{number:03}" for number in range(count)]
        root = bench.stack(f"overhead-{kind.split()[1]}", dict.fromkeys(names, text))
        bench.stackyard(root)  # the base is accepted, what is imported is warm
        bench.freshen(root, names[0])
        bench.stackyard(root)
        first_s = bench.processor_s  # starting, planning, importing, and one image
        over, ours, bare, used = list[float](), list[float](), list[float](), list[float]()
        for _ in range(rounds):
            bench.freshen(root)
            calls = [bench.docker_build(root, name) for name in names[::2]]
            bench.freshen(root)
            _, run = bench.stackyard(root, "--jobs", "1")
            begins = sorted(job["begun_s"] for o in run["outcomes"] for job in o["jobs"] if job["job"] == "build")
            assert len(begins) == count, run
            periods = [after - before for before, after in pairwise(begins)]
            bench.freshen(root)
            calls += [bench.docker_build(root, name) for name in names[1::2]]
            over.append(median(periods) - median(calls))
            ours += periods
            bare += calls
            used.append(max(bench.processor_s - first_s, 0.0) / (count - 1))
        found[f"a build of {kind}"] = {
            "images": count,
            "over_ms": round(1000 * median(over)),
            "over_percent": round(100 * median(over) / median(bare), 1),
            "stackyard_ms": round(1000 * median(ours)),
            "bare_docker_ms": round(1000 * median(bare)),
            "own_processor_ms": round(1000 * median(used), 1),
            "target": "60 ms" if kind == "a file" else "6 %",
            "missed": median(over) > 0.06 if kind == "a file" else median(over) / median(bare) > 0.06,
        }
    return found


def idle(bench: Bench, rounds: int, images: int) -> dict[str, Any]:
    """Nothing has changed: Stackyard asks its records and once the engine, bake sends every context again.

    With a registry all is published too, through a port that counts what is asked of it.
    """
    names = [f"i{number:04}" for number in range(images)]
    registry = os.environ.get("STACKYARD_TEST_REGISTRY", "")
    found: dict[str, Any] = {}
    with Proxy(registry) as proxy:
        root = bench.stack("idle", dict.fromkeys(names, "FROM scratch\nCOPY note /\n"), proxy.address)
        bench.stackyard(root, "--jobs", "8", *(["--push"] if registry else []))
        with_bake = names if images <= 200 else []  # of 300 it fails with the docker driver
        if with_bake:
            bench.baked(root, with_bake)
        for words in ((), ("--push",))[: 2 if registry else 1]:
            ours, theirs = list[float](), list[float | None]()
            bench.stackyard(root, *words)  # names that are put by one and not the other
            proxy.requests = proxy.bytes = 0
            for _ in range(rounds):
                seconds, run = bench.stackyard(root, *words)
                assert all(outcome["status"] == "reused" for outcome in run["outcomes"]), run
                ours.append(seconds)
                theirs.append(bench.baked(root, with_bake) if with_bake else None)
            asked = proxy.requests / rounds
            pairs = [(t, o) for t, o in zip(theirs, ours, strict=True) if t is not None]
            ratio = median([t / o for t, o in pairs]) if pairs else None
            most = images if words else 0
            found[f"{images} images, nothing to do{', --push' if words else ''}"] = {
                "stackyard_s": round(median(ours), 2),
                "bake_s": round(median([t for t, _ in pairs]), 2) if pairs else None,
                "bake_failed": len(theirs) - len(pairs) if with_bake else None,
                "ahead": round(ratio, 1) if ratio else None,
                "requests": round(asked, 1),
                "registry_bytes": proxy.bytes // rounds,
                "target": f"{'20x' if ratio else '10 s'}, {most} requests",
                "missed": asked > most or (ratio < 20 if ratio else median(ours) > 10),
            }
    return found


def compared(bench: Bench, rounds: int, root: Path, names: list[str], words: tuple[str, ...]) -> dict[str, float]:
    """Medians of a loop of `docker build`, of Stackyard and of bake, all with files that no cache has."""
    ways: dict[str, Callable[[], float]] = {
        "loop_s": lambda: sum(bench.docker_build(root, name) for name in names),
        "stackyard_s": lambda: bench.stackyard(root, *words)[0],
        "bake_s": lambda: bench.bake(root, names),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, call in ways.items():
            bench.freshen(root)
            found[way].append(call())
    return {way: round(median(seconds), 2) for way, seconds in found.items()}


def siblings(bench: Bench, rounds: int, _: int) -> dict[str, Any]:
    """Four images that need a core each for some seconds, and nothing of each other."""
    names = [f"i{number}" for number in range(4)]
    root = bench.stack("siblings", dict.fromkeys(names, f"FROM {BASE}\nCOPY note /\nRUN {SPIN}\n"))
    bench.stackyard(root)
    row = compared(bench, rounds, root, names, ("--jobs", "2"))
    ahead = row["loop_s"] / row["stackyard_s"]
    return {"4 siblings, 2 at once": {**row, "ahead": round(ahead, 2), "target": "1.2x", "missed": ahead < 1.2}}


def fetch_packages(folder: Path, names: Sequence[str]) -> None:
    """Debian packages, into a folder."""
    done = subprocess.run(["apt-get", "download", *names], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the packages of `stack` cannot be fetched: {done.stderr.strip()}")


def stack(bench: Bench, rounds: int, _: int) -> dict[str, Any]:
    """A stack in the example's shape, whose images unpack real packages: one, and three on it; cold, then warm."""
    base, *children = PACKAGES
    unpack = "COPY note /\nRUN --mount=type=bind,target=/in dpkg --unpack --force-depends /in/*.deb\n"
    texts = {base: f"FROM {SYSTEM}\n{unpack}"}
    texts |= dict.fromkeys(children, f"FROM {bench.prefix}/stack/{base}\n{unpack}")
    root = bench.stack("stack", texts)
    for name, wanted in PACKAGES.items():
        fetch_packages(root / "images" / name, wanted)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Packages")
    bench.stackyard(root)

    def loop() -> float:
        latest = ("--tag", f"{bench.prefix}/stack/{base}:latest")
        return sum(bench.docker_build(root, each, *(latest if each == base else ())) for each in texts)

    ways: dict[str, Callable[[], float]] = {
        "loop_s": loop,
        "stackyard_s": lambda: bench.stackyard(root)[0],
        "bake_s": lambda: bench.bake(root, list(texts), parents=dict.fromkeys(children, base)),
    }
    cold: dict[str, list[float]] = {way: [] for way in ways}
    warm: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, call in ways.items():
            bench.freshen(root)
            cold[way].append(call())
            warm[way].append(call())
    rows = {}
    for kind, found in (("cold", cold), ("warm", warm)):
        row = {way: round(median(seconds), 2) for way, seconds in found.items()}
        ahead = median([t / o for t, o in zip(found["loop_s"], found["stackyard_s"], strict=True)])
        rows[f"a stack of four, {kind}"] = {**row, "ahead": round(ahead, 2), "target": "1.0x", "missed": ahead < 1}
    return rows


PARTS = {"overhead": overhead, "idle": idle, "siblings": siblings, "stack": stack}


def state() -> dict[str, Any]:
    """What else the machine was doing."""
    return {"cores": len(os.sched_getaffinity(0)), "load": [round(each, 1) for each in os.getloadavg()]}


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="all of them if none is named")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; the median counts")
    parser.add_argument("--images", type=int, help="how many: 10 for overhead, 100 for idle")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    asked = parser.parse_args()
    compile_package(sys.executable)
    rows: dict[str, dict[str, Any]] = {}
    states = [state()]
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
        bench = Bench(Path(folder).resolve())
        try:
            for part in asked.part or PARTS:
                count = asked.images or (100 if part == "idle" else 10)
                rows |= PARTS[part](bench, asked.rounds, count)
                states.append(state())
        finally:
            bench.clean()
    missed = [name for name, row in rows.items() if row["missed"]]
    if asked.json:
        print(
            json.dumps(
                {"format": 1, "rounds": asked.rounds, "machine": states, "rows": rows, "missed": missed}, indent=2
            )
        )
    else:
        loads = ", ".join(str(each["load"][0]) for each in states)
        print(
            f"{states[0]['cores']} cores; loads before, between and after: {loads}; medians of {asked.rounds} rounds.\n"
        )
        for name, row in rows.items():
            facts = ", ".join(f"{key} {value}" for key, value in row.items() if key not in ("missed", "target"))
            print(f"{name}: {facts}; target {row['target']}{', missed' if row['missed'] else ''}")
    return 1 if asked.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
