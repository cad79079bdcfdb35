# SPDX-License-Identifier: MIT
"""Docker 20.10, client and engine, with the BuildKit that both have built in: the engine's contract, and a stack.

The package of Debian 12 is fetched with apt and unpacked, not installed; where apt has none the tests are skipped.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.docker import DockerEngine
from stackyard.verbs import Options
from stackyard.verbs.doctor import doctor
from tests.live.conftest import BASE, LiveStack, missing
from tests.live.own_engine import OwnEngine, own_engine

pytestmark = [pytest.mark.live, pytest.mark.long]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an old docker and dockerd."""
    folder = tmp_path_factory.mktemp("old")
    for program in ("apt-get", "dpkg", "containerd"):
        if shutil.which(program) is None:
            missing(f"{program} is not here, and an old docker is not fetched")
    listed = subprocess.run(["apt-cache", "madison", "docker.io"], capture_output=True, text=True, check=False)
    version = re.search(r"\| (20\.10\.\S+) \|", listed.stdout)
    if version is None:
        missing("apt knows no docker.io 20.10 here: it is in Debian 12")
    assert version is not None
    words = ["apt-get", "download", f"docker.io={version[1]}"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        missing(f"docker.io {version[1]} cannot be fetched: {done.stderr.strip()}")
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg", "-x", package, folder / "all"], check=True)
    (folder / "bin").mkdir()
    for name in ("bin/docker", "sbin/dockerd", "sbin/docker-proxy"):
        shutil.copy(folder / "all/usr" / name, folder / "bin")
    return folder / "bin"


@pytest.fixture(scope="module")
def old(programs: Path, docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    """The old engine, for a client that finds no buildx: one that does not answer stands before that of the machine."""
    config = tmp_path_factory.mktemp("config")
    (config / "cli-plugins").mkdir()
    hidden = config / "cli-plugins" / "docker-buildx"
    hidden.write_text("#!/bin/sh\nexit 1\n")
    hidden.chmod(0o755)
    with own_engine(docker, "800m", is_classic=True, programs=programs) as engine:
        engine.more["DOCKER_CONFIG"] = str(config)
        yield engine


def test_the_contract_holds(old: OwnEngine) -> None:
    """Every test of tests/contract/test_engine.py that runs on a real Docker passes there."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract/test_engine.py"]
    environ = {**old.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([*words, "-k", "docker"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 40, done.stdout[-500:]


def test_a_stack_is_built_and_published(old: OwnEngine, tmp_path: Path, registry_address: str) -> None:
    """A parent and its child, by the id that was built; then nothing is left to do; doctor says through what."""
    engine = DockerEngine(old.environ)
    assert engine.about().name.startswith("docker 20.10.")
    stack = LiveStack(tmp_path, engine, registry_address)
    stack.write(
        "images/spec.yml",
        f"images:\n  base: {{image_name: {stack.prefix}/base, info_cmds: [WHO]}}\n"
        f"  top: {{image_name: {stack.prefix}/top, depend_on: base, info_cmds: [WHO]}}\n"
        "tag: {prefix: '1'}\nall_info_cmds: {WHO: {description: who, command: cat /who}}\n",
    )
    stack.write("images/base/Dockerfile", f"FROM {BASE}\nRUN echo base > /who\n")
    stack.write("images/top/Dockerfile", f"FROM {stack.prefix}/base\nRUN echo top >> /who\n")
    stack.commit()

    def build() -> dict[str, tuple[str, str | None]]:
        yard = verbs.load(stack.root, Options(registry=stack.registry, environ=old.environ))
        summary = verbs.run(yard, verbs.prepare(yard, (), publish=True))
        return {str(each.target): (each.status, each.failure) for each in summary.outcomes}

    assert build() == dict.fromkeys(("base", "top"), ("built", None))
    assert stack.at("top", "1-main")
    assert build() == dict.fromkeys(("base", "top"), ("reused", None))
    on = {each.code: each for each in doctor(stack.root, Options(environ=old.environ)).capabilities}
    assert "through the BuildKit that docker has built in" in on["build"].sentence
    assert "in a copy of each Dockerfile" in on["pin"].sentence
    stack.clean()
