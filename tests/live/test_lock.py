# SPDX-License-Identifier: MIT
"""A replay against the machine's package index: locks that a team froze in containers in 2020, made from H and T.

H is a commit with twelve packages as they were uploaded that day, unpacked; what they need is in old source packages,
too, whose code runs. Where no index answers, or one that tells no upload times, it skips, and has failed where CI is
true (tests/conftest.py).
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import subprocess
import tarfile
import tomllib
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.uv import Uv
from stackyard.model.lock import normal_name
from stackyard.model.lockfile import LockFile
from stackyard.model.reference import Platform
from stackyard.verbs import Options
from stackyard.verbs.locking import Wish, make
from stackyard.verbs.locks import verify
from tests.repositories import commit, init

pytestmark = pytest.mark.live

OWN = ("", "-airflow", "-aws", "-celery", "-celery-k8s", "-cron", "-gcp", "-graphql", "-k8s", "-pandas", "-postgres")
PACKAGES = [*(f"dagster{name}" for name in OWN), "dagit"]
RELEASE = "0.9.22.post0"
EXTRAS = {"dagster-celery": "[flower,redis,kubernetes]"}
BUILT = "click-didyoumean docstring-parser flask-graphql future graphql-server-core grpcio-health-checking"
BUILT += " pandocfilters promise proto-plus pyrsistent python-crontab tzlocal watchdog"
T = "2020-12-11T190936"
FROZEN = "898276012f8bce2bfa6545e456efb06e2921ef801e01c1f3017c379a3dfbd506"
"""Over the 126 pins that were frozen for 3.7.8, but kubernetes: 12.0.1 was frozen although a package of the twelve
says `<=11.0.0`, which the resolver of that time ignored."""
OTHERWISE = {
    "3.6.11": ({"traitlets==5.0.5"}, {"traitlets==4.3.3", "decorator==4.4.2"}),
    "3.7.8": (set[str](), set[str]()),
    "3.8.3": ({"importlib-metadata==3.1.1", "zipp==3.4.0"}, {"typing-extensions==3.7.4.3"}),
}
"""What the lists that were frozen for each Python have not and have, beside those of 3.7.8."""
SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "dagster" / "snapshot-reqs-3.7.8.txt"
SPEC = f"""
images: {{unit: }}
locks:
  unit:
    packages: [{", ".join(f'"python_modules/{name}{EXTRAS.get(name, "")}"' for name in PACKAGES)}]
    versions: VERSIONS
    output: snapshot-reqs-{{version}}.txt
    platforms: linux/amd64
    leave_out: setuptools
    allow_build: [{", ".join(BUILT.split())}]
"""


def shown(lock: LockFile) -> str:
    """The pins as lines that two resolvers write alike."""
    return "\n".join(sorted(f"{normal_name(pin.name)}=={pin.version}" for pin in lock.pins))


def unpack_packages(folder: Path, scratch: Path, environ: Mapping[str, str]) -> None:
    """Lay the twelve out as folders: their source releases, from wherever the machine's index has them."""
    scratch.mkdir()
    (scratch / "own.in").write_text("".join(f"{name}=={RELEASE}\n" for name in PACKAGES))
    uv = Uv(environ)
    argv = ["uv", "pip", "compile", "own.in", "--no-deps", "--no-config", "--format=pylock.toml"]
    try:
        answer = uv.resolve(scratch, [*argv, "--python-version=3.7", "--exclude-newer=2020-12-11T19:09:36Z"], ())
    finally:
        uv.close()
    if any(word in (answer.hint or "") for word in ("upload times", "nobody answers")):
        pytest.skip(f"{answer.hint}")
    for package in tomllib.loads(answer.text)["packages"]:
        data = fetched(package["sdist"]["url"])
        assert hashlib.sha256(data).hexdigest() == package["sdist"]["hashes"]["sha256"]
        with tarfile.open(fileobj=io.BytesIO(data)) as sdist:
            sdist.extractall(scratch / "unpacked", filter="data")
        folder.mkdir(parents=True, exist_ok=True)
        (scratch / "unpacked" / f"{package['name']}-{RELEASE}").rename(folder / package["name"])


def fetched(address: str, tries: int = 3) -> bytes:
    """What the index has there; asked again where it hangs up, as uv and pip do."""
    try:
        with urllib.request.urlopen(address, timeout=120) as reply:
            return bytes(reply.read())
    except (OSError, http.client.HTTPException):
        if tries == 1:
            raise
    return fetched(address, tries - 1)


@pytest.mark.parametrize(
    "versions", [["3.7.8"], pytest.param([*OTHERWISE], marks=pytest.mark.long)], ids=["3.7.8", "each"]
)
def test_locks_of_2020_are_made_again(versions: Sequence[str], tmp_path: Path) -> None:
    """For each Python every pin is what was frozen, but for the one that was frozen wrongly; 2.7 is carried.

    The locks prove their T, the packages of the commit are in none of them, the work tree has nothing else that is
    new; and the long form makes them again without a network, to the same files.
    """
    environ = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_SYSTEM_CERTS": "1"}
    root = tmp_path / "stack"
    unpack_packages(root / "python_modules", tmp_path / "scratch", environ)
    unit = root / "images" / "unit"
    unit.mkdir(parents=True)
    (unit / "Dockerfile").write_text("FROM python:3.7-slim\n")
    (unit / "snapshot-reqs-2.7.18.txt").write_text("six==1.15.0\n")
    (root / "images" / "spec.yml").write_text(SPEC.replace("VERSIONS", json.dumps(["2.7.18", *versions])))
    init(root)
    commit(root)
    yard = verbs.load(root, Options(platform=Platform("linux/amd64"), environ=environ))

    outcomes = make(yard, Wish(time=T)).outcomes

    said = [f"{each.words} {each.hint}" for each in outcomes if each.state == "failed"]
    assert [each.state for each in outcomes] == ["carried", *("written" for _ in versions)], said
    assert (unit / "snapshot-reqs-2.7.18.txt").read_text() == "six==1.15.0\n"
    found = {version: shown(LockFile.of((unit / f"snapshot-reqs-{version}.txt").read_text())) for version in versions}
    lines = found["3.7.8"]
    if SAMPLE.exists():
        frozen = LockFile.of(SAMPLE.read_text())
        assert lines == shown(frozen).replace("kubernetes==12.0.1", "kubernetes==11.0.0")
    assert hashlib.sha256(lines.encode()).hexdigest() == FROZEN, lines
    for version in versions:
        gone, new = OTHERWISE[version]
        assert {*found[version].splitlines()} == {*lines.splitlines()} - gone | new
    assert [each.doubts for each in verify(yard)] == [() for _ in outcomes]
    status = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, check=True, text=True)
    assert status.stdout.split()[1::2] == [f"images/unit/snapshot-reqs-{version}.txt" for version in versions]

    if len(versions) > 1:
        environ["UV_OFFLINE"] = "1"
        assert make(yard, Wish(check=True)).is_good
