# SPDX-License-Identifier: MIT
"""What a promotion costs: against the same requests sent by a plain client, and against pull, tag and push.

In:   --images N (1,000), --pulled N (20), --rounds N (3), --json, --check; STACKYARD_TEST_REGISTRY=127.0.0.1:PORT
Out:  a table, or one JSON object; exit code 1 if a target is missed and --check is given
May touch: a temporary folder; the registry, where it leaves repositories below `bench/`; the engine that DOCKER_HOST
      names, where it makes images below the registry's name and removes them again; without one, no pulls are compared
Needs: a registry that takes pushes (script/dev up)
How:  README.md beside this file

The images are as small as images can be: no byte of theirs travels in a promotion, so that is the hardest
comparison there is.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import secrets
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import urllib3
from startup import compile_package

from stackyard import verbs
from stackyard.edges import machine
from stackyard.edges.oci import OciRegistry
from stackyard.edges.registry import MANIFEST_TYPES, OCI_MANIFEST, Manifest, digest_of
from stackyard.model import canonical
from stackyard.model.names import Digest, Tag
from stackyard.model.record import Built, Pushed
from stackyard.model.reference import LocalImage, PublishedImage, Reference, Repository
from stackyard.run.tags import CONNECTIONS
from stackyard.verbs import Options, Yard, promotion

AT = "2026-01-01T00:00:00Z"
CHANNEL = Tag("stable")
MOST_REQUESTS, TRUSTING, SLOWEST = 4, 2, 2.0
"""Requests for each tag, those where the records are trusted, and times of a plain client's same requests."""
LEAST_AHEAD = 10.0
"""Times faster than pull, tag and push."""


class World:
    """A stack whose every image is published as two builds, `old` and `new`, and what is known of it."""

    def __init__(self, folder: Path, host: str, images: int) -> None:
        self.names = [f"image-{number:04}" for number in range(images)]
        self.prefix = f"{host}/bench/{secrets.token_hex(4)}"
        self.folder = folder
        self.registry = OciRegistry({})
        (folder / "images").mkdir(parents=True)
        listed = "".join(f"  {name}:\n" for name in self.names)
        (folder / "images/spec.yml").write_text(f"registry: {self.prefix}\nimages:\n{listed}")
        for name in self.names:
            (folder / "images" / name).mkdir()
            (folder / "images" / name / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("add", "--all")
        self._git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "images")
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            made = list(pool.map(self._publish, self.names))
        self._record(made)

    def repository(self, name: str) -> Repository:
        return Repository(f"{self.prefix}/{name}")

    def yard(self) -> Yard:
        return verbs.load(self.folder, Options(environ=dict(os.environ)))

    def _git(self, *words: str) -> None:
        environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(["git", "-C", str(self.folder), *words], check=True, env=environ)

    def _publish(self, name: str) -> tuple[Manifest, Manifest]:
        found: list[Manifest] = []
        for content in ("old", "new"):
            manifest, blobs = tiny_image(f"{name} {content}")
            for blob in blobs:
                self.registry.upload(self.repository(name), blob)
            self.registry.put(self.repository(name), Tag(content), manifest)
            found.append(manifest)
        return found[0], found[1]

    def _record(self, made: Sequence[tuple[Manifest, Manifest]]) -> None:
        yard = self.yard()
        for target, manifests in zip(yard.stack.targets, made, strict=True):
            for content, manifest in zip(("old", "new"), manifests, strict=True):
                image, local = LocalImage(manifest.digest), Reference(target.repository, Tag(f"sy-{content}"))
                built = Built(AT, image, manifest.digest, local, (), (), 1.0, 1, "bench", "0" * 40)
                name = Digest(f"sha256:{manifest.digest.hex}")
                record = yard.records.open_record(target.name, name, name, target.inputs, 1, built)
                where = PublishedImage(target.repository, manifest.digest)
                record = yard.records.append(record, Pushed(AT, where, Tag(f"sy-{content}"), 1.0))
                yard.records.note_shared([record])  # else the first promotion would bring them all
                yard.records.put_tag("registry", Reference(target.repository, Tag(content)), manifest.digest)
        yard.records.close()

    def promote(self, source: str, images: Sequence[str] = (), is_trusting: bool = False) -> None:
        """As the command does with --yes."""
        yard = self.yard()
        moves = promotion.plan_promotion(
            yard, promotion.AskedPromotion(source, CHANNEL, images, is_trusting=is_trusting)
        )
        promotion.move(yard, moves, is_fresh=True)
        yard.records.close()
        yard.registry.close()

    def releases(self) -> tuple[str, str]:
        """The one that the channel stands at, and the other one: promotions made both."""
        yard = self.yard()
        here = promotion.channels(yard)[CHANNEL].release
        (other,) = (str(release.name) for release in yard.records.releases() if release.name != here)
        yard.records.close()
        return here, other

    def bare(self, source: str) -> None:
        """The same requests, by a plain client with as many connections."""
        pool = urllib3.PoolManager(maxsize=CONNECTIONS, block=True, retries=False)
        accept = {"Accept": ", ".join(MANIFEST_TYPES)}

        def move(name: str) -> None:
            host, _, path = self.repository(name).partition("/")
            there = f"http://{host}/v2/{path}/manifests"
            pool.request("HEAD", f"{there}/{CHANNEL}", headers=accept)
            found = pool.request("GET", f"{there}/{source}", headers=accept)
            kind = {"Content-Type": found.headers["Content-Type"]}
            assert pool.request("PUT", f"{there}/{CHANNEL}", headers=kind, body=found.data).status == 201
            assert pool.request("HEAD", f"{there}/{CHANNEL}", headers=accept).status == 200

        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(move, self.names))

    def carried(self, source: str, names: Sequence[str]) -> None:
        """Pull, tag, push, remove: what scripts do."""
        for name in names:
            there = self.repository(name)
            for words in (["pull", f"{there}:{source}"], ["tag", f"{there}:{source}", f"{there}:{CHANNEL}"]):
                subprocess.run(["docker", *words], check=True, capture_output=True)
            subprocess.run(["docker", "push", f"{there}:{CHANNEL}"], check=True, capture_output=True)
        tags = [f"{self.repository(name)}:{tag}" for name in names for tag in (source, CHANNEL)]
        subprocess.run(["docker", "rmi", *tags], check=False, capture_output=True)


def tiny_image(content: str) -> tuple[Manifest, tuple[bytes, bytes]]:
    """An image of one file, which an engine can pull."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("what")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content.encode()))
    layer = packed.getvalue()
    rootfs = {"type": "layers", "diff_ids": [digest_of(layer)]}
    config = canonical.encode(
        {"architecture": machine.native_platform().partition("/")[2], "os": "linux", "rootfs": rootfs}
    )
    kinds = ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar")
    described = [
        {"mediaType": kind, "digest": digest_of(blob), "size": len(blob)}
        for kind, blob in zip(kinds, (config, layer), strict=True)
    ]
    body = canonical.encode(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described[0], "layers": described[1:]}
    )
    return Manifest(digest_of(body), OCI_MANIFEST, body), (config, layer)


def timed(work: Callable[[], None]) -> tuple[float, int]:
    """Seconds, and requests of all of this process's connections."""
    begun = 0
    before = http.client.HTTPConnection.putrequest

    def putrequest(self: http.client.HTTPConnection, *words: str, **more: bool) -> None:
        nonlocal begun
        begun += 1
        before(self, *words, **more)

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign, assignment]
    try:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started, begun
    finally:
        http.client.HTTPConnection.putrequest = before  # type: ignore[method-assign]


def measured(world: World, rounds: int, pulled: int) -> dict[str, object]:
    """All figures."""
    ours: list[float] = []
    bare: list[float] = []
    counts: list[int] = []
    first = timed(partial(world.promote, "new"))[1]  # a clone's first learns what others know; that is not each one's
    for number in range(rounds):  # back and forth, so that every tag moves each time
        source = ("old", "new")[number % 2]
        seconds, requests = timed(partial(world.promote, source))
        ours.append(seconds)
        counts.append(requests)
        other = ("new", "old")[number % 2]
        bare.append(timed(partial(world.bare, other))[0])
        world.bare(source)  # where the records say that it is
    here, there = world.releases()
    released = timed(partial(world.promote, there))[1]
    trusted = timed(partial(world.promote, here, is_trusting=True))[1]  # the channel is where it was before
    found: dict[str, object] = {
        "images": len(world.names),
        "requests_per_tag": max(counts) / len(world.names),
        "requests_per_tag_the_first_time": first / len(world.names),
        "requests_per_tag_of_a_release": released / len(world.names),
        "requests_per_tag_trusting": trusted / len(world.names),
        "seconds": min(ours),
        "bare_seconds": min(bare),
        "ratio": statistics.median(ours) / statistics.median(bare),
    }
    if pulled and os.environ.get("DOCKER_HOST"):
        names = world.names[:pulled]
        last = ("old", "new")[(rounds - 1) % 2]
        source = "new" if last == "old" else "old"
        seconds = timed(lambda: world.promote(source, names))[0]
        carried = timed(lambda: world.carried(last, names))[0]
        found |= {"pulled": pulled, "pulled_ratio": carried / seconds}
    return found


def main() -> int:
    """Measure, tell, compare with the targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--pulled", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    host = os.environ.get("STACKYARD_TEST_REGISTRY")
    if not host:
        sys.exit('STACKYARD_TEST_REGISTRY names no registry: eval "$(script/dev up)"')
    compile_package(sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        found = measured(World(Path(folder) / "stack", host, given.images), given.rounds, given.pulled)
    if given.json:
        print(json.dumps({"format": 1, **found}))
    else:
        for name, value in found.items():
            print(f"{name:>31}  {value:.2f}" if isinstance(value, float) else f"{name:>31}  {value}")
    too_many = float(str(found["requests_per_tag"])) > MOST_REQUESTS + 0.1
    too_many = too_many or float(str(found["requests_per_tag_trusting"])) > TRUSTING + 0.1
    too_slow = float(str(found["ratio"])) > SLOWEST or float(str(found.get("pulled_ratio", LEAST_AHEAD))) < LEAST_AHEAD
    return 1 if given.check and (too_many or too_slow) else 0


if __name__ == "__main__":
    sys.exit(main())
