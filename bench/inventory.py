# SPDX-License-Identifier: MIT
"""How long an inventory takes a processor, against one pass of Python's tarfile over the same bytes.

In:   --megabytes N (1000), --packages N (400), --runs N (3), --json, --check
Out:  a table, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder, of twice the image's size
How:  README.md beside this file
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from stackyard.edges.image_layers import from_archive
from stackyard.inside.inventory import inventory_of
from stackyard.inside.layers import read_layer
from stackyard.model.inventory import Inventory
from stackyard.model.names import Digest
from stackyard.model.reference import Platform
from stackyard.record.sqlite import SqliteRecords

HERE = Platform("linux/amd64")
TARGETS = {"archive": 2.0, "blobs": 2.0}
"""Times one pass of tarfile over the same bytes."""
LARGEST_KEPT_MS = 50.0
CONTENT = Digest(f"sha256:{7:064}")


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000, help="of files in the image")
    parser.add_argument("--packages", type=int, default=400, help="of dpkg, and as many of Python")
    parser.add_argument("--runs", type=int, default=3, help="how often each is read; the fastest counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
        found = measure(Path(folder), asked.megabytes, asked.packages, asked.runs)
    missed = [name for name, most in TARGETS.items() if found[name]["ratio"] > most]
    missed += ["kept"] if found["kept"]["ms"] > LARGEST_KEPT_MS else []
    if asked.json:
        print(json.dumps({"format": 1, "image": vars(asked), "read": found, "missed": missed}, indent=2))
    else:
        for name, row in found.items():
            told = "".join(f"  {key} {value}" for key, value in row.items())
            print(f"{name:8}{told}{'  MISSED' if name in missed else ''}")
    return 1 if asked.check and missed else 0


def measure(folder: Path, megabytes: int, packages: int, runs: int) -> dict[str, dict[str, float]]:
    """Each way of reading one image, and the pass of tarfile that it is held against; they take turns."""
    layers = [folder / f"{number}.tar" for number in range(3)]
    for path, members in zip(layers, image(megabytes, packages), strict=True):
        write(path, members)
        path.with_suffix(".gz").write_bytes(gzip.compress(path.read_bytes(), 6))
    archive = folder / "image.tar"
    save(archive, layers)
    blobs = [path.with_suffix(".gz") for path in layers]
    records = SqliteRecords(folder / "state" / "records.sqlite3")
    inventory = read_archive(archive)
    assert inventory.counts() == {"deb": packages, "pypi": packages}, inventory.counts()
    records.keep_inventory(inventory)
    records.close()

    ways: dict[str, Callable[[], object]] = {
        "archive, tarfile": lambda: pass_over_archive(archive),
        "archive": lambda: read_archive(archive),
        "blobs, tarfile": lambda: [pass_over(path, "r|gz") for path in blobs],
        "blobs": lambda: read_blobs(blobs),
        "kept": lambda: kept(folder),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(runs):
        for name, way in ways.items():
            begun = time.process_time()
            way()
            best[name] = min(best[name], time.process_time() - begun)
    return {
        name: {"ms": round(1000 * best[name], 1), "ratio": round(best[name] / best[f"{name}, tarfile"], 2)}
        for name in TARGETS
    } | {"kept": {"ms": round(1000 * best["kept"], 1)}}


def image(megabytes: int, packages: int) -> Iterator[Iterator[tuple[str, bytes]]]:
    """Three layers: a system, what dpkg adds to it, what pip adds to that."""
    noise = random.Random(7).randbytes(1 << 20)
    count = megabytes * 30  # files of some 33 kB, half of which gzip makes smaller

    def files(root: str, first: int, last: int) -> Iterator[tuple[str, bytes]]:
        for number in range(first, last):
            at = (number * 4099) % (len(noise) - 70_000)
            yield f"{root}/{number % 997}/file-{number}.so", noise[at : at + 16_667] + bytes(16_667)

    def status(some: int) -> tuple[str, bytes]:
        stanza = "Package: package-{}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}.2-3\n{}\n"
        more = "Description: a package\n" + " of many words\n" * 20
        return "var/lib/dpkg/status", "".join(stanza.format(n, n, more) for n in range(some)).encode()

    def wheels() -> Iterator[tuple[str, bytes]]:
        for n in range(packages):
            text = f"Metadata-Version: 2.1\nName: wheel-{n}\nVersion: {n}.1\n\n" + "words " * 800
            yield f"usr/lib/python3/site-packages/wheel_{n}-{n}.1.dist-info/METADATA", text.encode()

    yield iter([status(packages // 4), *files("usr", 0, count // 8)])
    yield iter([status(packages), *files("usr/lib", count // 8, count // 2)])
    yield iter([*wheels(), *files("usr/lib/python3/site-packages", count // 2, count)])


def write(path: Path, members: Iterator[tuple[str, bytes]]) -> None:
    """A layer, as engines write it."""
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def save(archive: Path, layers: list[Path]) -> None:
    """As `docker image save` does."""
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}}).encode()
    names = [f"blobs/sha256/{path.stem}" for path in layers]
    saved = json.dumps([{"Config": "config.json", "Layers": names}]).encode()
    with tarfile.open(archive, "w") as tar:
        for name, path in zip(names, layers, strict=True):
            tar.add(path, name)
        for name, data in (("config.json", config), ("manifest.json", saved)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def pass_over(path: Path, mode: str) -> int:
    """Every member of one layer, and nothing of it."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        return sum(member.size for member in tar)


def pass_over_archive(archive: Path) -> int:
    """Every member of every layer in an archive, and nothing of it."""
    total = 0
    with tarfile.open(archive, "r|") as outer:
        for layer in outer:
            if layer.name.startswith("blobs/"):
                with tarfile.open(fileobj=outer.extractfile(layer), mode="r|") as tar:
                    total += sum(member.size for member in tar)
    return total


def read_archive(archive: Path) -> Inventory:
    """The inventory of what an engine saves."""
    with open(archive, "rb") as file:
        stored = from_archive(file, HERE, read_layer)
    return inventory_of(CONTENT, HERE, stored.config, stored.layers)


def read_blobs(blobs: list[Path]) -> Inventory:
    """The inventory of what a registry has."""
    read = []
    for path in blobs:
        with open(path, "rb") as file:
            read.append(read_layer(file))
    return inventory_of(CONTENT, HERE, {}, read)


def kept(folder: Path) -> Inventory | None:
    """The inventory from a file of records that is opened for it."""
    records = SqliteRecords(folder / "state" / "records.sqlite3")
    try:
        return records.inventory(CONTENT)
    finally:
        records.close()


if __name__ == "__main__":
    raise SystemExit(main())
