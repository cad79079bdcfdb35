# SPDX-License-Identifier: MIT
"""An engine of a test's own, small and short-lived: it may be killed, and its disk may fill up.

In:   the base image of the engine that is there
Out:  OwnEngine: start, end, the environment of its clients
May touch: a folder, a bridge without rules of iptables, a file system in memory; ended by process id
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from stackyard.edges.docker import DockerEngine
from stackyard.errors import StackyardError
from tests.engines import BASE, ENVIRON, missing

SETTINGS = {
    "iptables": False,
    "ip6tables": False,
    "ip-forward": False,
    "ip-masq": False,
}


def as_root(*words: str) -> list[str]:
    """The words that do it as root."""
    return [*(() if os.geteuid() == 0 else ("sudo", "-n")), *words]


class OwnEngine:
    """dockerd with its own data root and socket."""

    def __init__(self, folder: Path, bridge: str, is_classic: bool, programs: Path | None = None) -> None:
        self.folder = folder
        self._programs = programs
        self.more: dict[str, str] = {}
        """Variables that its clients get beside those that are needed."""
        self._bridge = bridge
        self._process: subprocess.Popen[bytes] | None = None
        features = {"features": {"containerd-snapshotter": not is_classic}}
        (folder / "daemon.json").write_text(json.dumps({**SETTINGS, **features}))

    @property
    def environ(self) -> Mapping[str, str]:
        """What clients of this engine get."""
        found = {**ENVIRON, "DOCKER_HOST": f"unix://{self.folder}/docker.sock", **self.more}
        if self._programs is not None:
            found["PATH"] = f"{self._programs}:{found.get('PATH', os.defpath)}"
        return found

    def start(self) -> None:
        """Until it answers."""
        at = self.folder  # a relative one ends up in an address, which containerd does not understand
        words = [
            str(self._programs / "dockerd") if self._programs else "dockerd",
            "--config-file",
            f"{at}/daemon.json",
            "--data-root",
            f"{at}/root",
        ]
        words += ["--exec-root", f"{at}/exec", "--pidfile", f"{at}/pid", "--bridge", self._bridge]
        words += ["--host", f"unix://{at}/docker.sock", "--group", str(os.getgid())]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(as_root(*words), stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 120
        while self._process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(StackyardError):
                DockerEngine(self.environ).about()
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text()[-3000:])

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """As asked or as killed; its containerd ends with it."""
        if self._process is None:
            return
        for name in ("pid", "exec/containerd/containerd.pid")[: 2 if number == signal.SIGKILL else 1]:
            with contextlib.suppress(FileNotFoundError):
                pid = (self.folder / name).read_text().strip()
                subprocess.run(as_root("kill", f"-{number.name[3:]}", pid), check=False, capture_output=True)
        self._process.wait(60)
        self._process = None
        subprocess.run(as_root("rm", "-f", f"{self.folder}/pid"), check=True)


@contextlib.contextmanager
def own_engine(
    docker: DockerEngine, size: str, is_classic: bool = False, programs: Path | None = None
) -> Iterator[OwnEngine]:
    """A running engine that has the base image.

    Args:
        size: of its disk, which is in memory.
        is_classic: with docker's own store of images, and not containerd's.
        programs: where another dockerd and docker are than those on PATH.
    """
    for program in ("dockerd", "ip", "mount"):
        if shutil.which(program, path=f"{ENVIRON.get('PATH', '')}:/usr/sbin:/sbin") is None:
            missing(f"{program} is not here, and an engine that may break is not started")
    number = secrets.token_hex(4)
    bridge = f"sy-{number}"
    folder = Path(tempfile.mkdtemp(prefix=f"sy-{number}-", dir="/tmp"))  # a socket's path has to be short
    subprocess.run(as_root("mount", "-t", "tmpfs", "-o", f"size={size},mode=777", bridge, str(folder)), check=True)
    engine = OwnEngine(folder, bridge, is_classic, programs)
    try:
        subprocess.run(as_root("ip", "link", "add", "name", bridge, "type", "bridge"), check=True)
        subnet = f"10.210.{int(number[:2], 16)}.1/24"
        subprocess.run(as_root("ip", "addr", "add", subnet, "dev", bridge), check=True)
        engine.start()
        image = docker._api.call("GET", f"/images/{BASE}/get")[1]
        subprocess.run(["docker", "load", "--quiet"], env=engine.environ, input=image, check=True, capture_output=True)
        yield engine
    finally:
        engine.end()
        subprocess.run(as_root("ip", "link", "del", bridge), check=False)
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in sorted((each for each in mounted if each.startswith(str(folder))), reverse=True):
            subprocess.run(as_root("umount", "-l", place), check=True)
        folder.rmdir()
