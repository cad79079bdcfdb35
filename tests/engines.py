# SPDX-License-Identifier: MIT
"""The real engines that tests run on: the Docker that answers, and a Buildah with a store of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stackyard.edges.buildah import settled
from stackyard.edges.docker import DockerEngine
from stackyard.errors import EngineProblem, StackyardError

BASE = "busybox:1.36"
ENVIRON = dict(os.environ)


def real_docker() -> DockerEngine:
    """The engine that answers; without one the test is skipped, and fails where CI promises one."""
    engine = DockerEngine(ENVIRON)
    try:
        engine.about()
        if engine.inspect(BASE) is None:
            raise EngineProblem(f"the engine has no image {BASE}")
    except StackyardError as problem:
        missing(f'{problem}; start one with: eval "$(script/dev up)"')
    return engine


def missing(message: str) -> None:
    """Skip on a laptop; fail where CI promises the real parts."""
    if ENVIRON.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def buildah_store(folder: Path) -> Iterator[Mapping[str, str]]:
    """An environment in which buildah has the base image and nothing else, as long as the block lasts."""
    if shutil.which("buildah") is None:
        missing("buildah is not installed, and is not tested here; `apt install buildah` adds it in 20 s")
    docker = real_docker()
    conf = folder / "storage.conf"
    conf.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n')
    environ = settled({**ENVIRON, "CONTAINERS_STORAGE_CONF": str(conf)})

    def buildah(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["buildah", *argv], env=environ, capture_output=True, text=True, check=False)

    archive = folder / "base.tar"
    archive.write_bytes(docker._api.call("GET", f"/images/{BASE}/get")[1])
    try:
        done = buildah("pull", "--quiet", f"docker-archive:{archive}")
        if done.returncode:
            missing(f"buildah does not work here: {done.stderr.strip()}")
        buildah("tag", done.stdout.strip(), f"docker.io/library/{BASE}")
        yield environ
    finally:
        buildah("rm", "--all")
        buildah("rmi", "--all", "--force")
        subprocess.run(["umount", str(folder / "root" / "overlay")], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
