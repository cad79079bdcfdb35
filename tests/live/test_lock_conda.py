# SPDX-License-Identifier: MIT
"""An explicit lock is installed for real: by py-rattler's own installer, from a channel that the test makes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.verbs import Options
from stackyard.verbs.locking import Wish, make
from tests.conda_channel import Channel
from tests.repositories import commit, init

pytestmark = pytest.mark.live

INSTALLER = """
import asyncio, os, sys
from pathlib import Path
from rattler import PackageRecord, RepoDataRecord, install
from rattler.explicit_environment import ExplicitEnvironmentSpec
from rattler.package import BuildString

def record(address):
    # What the file says of one package, and nothing else.
    where, _, digest = address.partition("#sha256:")
    channel, folder, file = where.rsplit("/", 2)
    name, version, build = file.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)
    found = PackageRecord(name, version, BuildString(build), 0, folder, None, None)
    found.sha256 = bytes.fromhex(digest)
    return RepoDataRecord(found, file, where, channel)

lock, prefix, cache = map(Path, sys.argv[1:])
spec = ExplicitEnvironmentSpec.from_path(lock)
print(spec.platform, *(package.url.rpartition("/")[2].partition("#")[0] for package in spec.packages), flush=True)
try:
    records = [record(package.url) for package in spec.packages]
    asyncio.run(install(records, prefix, cache_dir=cache, show_progress=False))
except Exception as problem:
    print(problem, flush=True)
    os._exit(1)
os._exit(0)  # its threads may end a Python that ends by itself with a signal
"""


def installed(lock: Path, prefix: Path, cache: Path) -> tuple[int, str]:
    """How it ended, and what it said: another program reads the file, and installs what it names."""
    argv = [sys.executable, "-c", INSTALLER, str(lock), str(prefix), str(cache)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def test_what_is_locked_is_what_is_installed(tmp_path: Path) -> None:
    """Each package is in the prefix, at the version of T: both forms of archives.

    Where a package is no longer the one that was locked, it is not installed.
    """
    channel = Channel(tmp_path / "channel")
    channel.add("base", "1.0", "2020-01-01T00:00:00Z", is_old=False)
    channel.add("base", "2.0", "2021-01-01T00:00:00Z", is_old=False)
    channel.add("app", "1.0", "2020-01-01T00:00:00Z", "base", subdir="noarch")
    root = tmp_path / "stack"
    (root / "images" / "lab").mkdir(parents=True)
    (root / "images" / "lab" / "Dockerfile").write_text("FROM debian:12\n")
    spec = "images: {lab: {lock: {conda: environment.yml, platforms: linux/amd64}}}\n"
    (root / "images" / "spec.yml").write_text(spec)
    (root / "environment.yml").write_text(f"channels: ['{channel.address}']\ndependencies: [app]\n")
    init(root)
    commit(root)
    environ = {"PATH": os.environ["PATH"], "RATTLER_CACHE_DIR": str(tmp_path / "cache")}
    done = make(verbs.load(root, Options(environ=environ)), Wish(time="2020-12-11T19:09:36Z"))
    assert done.is_good, [outcome.words for outcome in done.outcomes]
    lock, prefix = root / "images" / "lab" / "conda-linux-64.lock", tmp_path / "prefix"

    code, said = installed(lock, prefix, tmp_path / "packages")

    assert (code, said) == (0, "linux-64 base-1.0-0.conda app-1.0-0.tar.bz2\n")
    assert {path.name: path.read_text() for path in (prefix / "share").iterdir()} == {"base": "1.0\n", "app": "1.0\n"}

    (tmp_path / "channel" / "linux-64" / "base-1.0-0.conda").write_bytes(b"another")
    code, said = installed(lock, tmp_path / "other", tmp_path / "fresh")
    assert code == 1, said
    assert not (tmp_path / "other" / "share" / "base").exists()  # the other may be there: they are put in side by side
