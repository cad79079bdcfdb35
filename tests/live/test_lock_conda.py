# SPDX-License-Identifier: MIT
"""An explicit lock is installed for real: by py-rattler's own installer, from a channel that the test makes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from rattler import RepoDataRecord

from stackyard import verbs
from stackyard.verbs import Options
from stackyard.verbs.locking import Wish, make
from tests.conda_channel import Channel
from tests.repositories import commit, init

pytestmark = pytest.mark.live


def _record(address: str) -> RepoDataRecord:
    """What the file says of one package, and nothing else."""
    from rattler import PackageRecord
    from rattler.package import BuildString

    where, _, digest = address.partition("#sha256:")
    file = where.rpartition("/")[2]
    name, version, build = file.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)
    folder = where.split("/")[-2]
    record = PackageRecord(name, version, BuildString(build), 0, folder, None, None)
    record.sha256 = bytes.fromhex(digest)
    return RepoDataRecord(record, file, where, where.rpartition("/")[0].rpartition("/")[0])


def test_what_is_locked_is_what_is_installed(tmp_path: Path) -> None:
    """Another program reads the file, and each package is in the prefix, at the version of T: both forms of archives.

    Where a package is no longer the one that was locked, it is not installed.
    """
    from rattler import install
    from rattler.exceptions import InstallerError
    from rattler.explicit_environment import ExplicitEnvironmentSpec

    channel = Channel(tmp_path / "channel")
    channel.add("base", "1.0", "2020-01-01T00:00:00Z", is_old=False)
    channel.add("base", "2.0", "2021-01-01T00:00:00Z", is_old=False)
    channel.add("app", "1.0", "2020-01-01T00:00:00Z", "base", subdir="noarch")
    root = tmp_path / "stack"
    (root / "images" / "lab").mkdir(parents=True)
    (root / "images" / "lab" / "Dockerfile").write_text("FROM debian:12\n")
    (root / "images" / "spec.yml").write_text(
        "images: {lab: {lock: {conda: environment.yml, platforms: linux/amd64}}}\n"
    )
    (root / "environment.yml").write_text(f"channels: ['{channel.address}']\ndependencies: [app]\n")
    init(root)
    commit(root)
    environ = {"PATH": os.environ["PATH"], "RATTLER_CACHE_DIR": str(tmp_path / "cache")}
    done = make(verbs.load(root, Options(environ=environ)), Wish(time="2020-12-11T19:09:36Z"))
    assert done.is_good, [outcome.words for outcome in done.outcomes]
    lock = root / "images" / "lab" / "conda-linux-64.lock"

    spec = ExplicitEnvironmentSpec.from_path(lock)

    assert str(spec.platform) == "linux-64"
    records = [_record(package.url) for package in spec.packages]
    assert [record.name.normalized for record in records] == ["base", "app"]
    prefix = tmp_path / "prefix"
    asyncio.run(install(records, prefix, cache_dir=tmp_path / "packages", show_progress=False))
    assert {path.name: path.read_text() for path in (prefix / "share").iterdir()} == {"base": "1.0\n", "app": "1.0\n"}

    (tmp_path / "channel" / "linux-64" / "base-1.0-0.conda").write_bytes(b"another")
    with pytest.raises(InstallerError):
        asyncio.run(install(records, tmp_path / "other", cache_dir=tmp_path / "fresh", show_progress=False))
