# SPDX-License-Identifier: MIT
"""A registry server of a test's own, that lets in who has its login and nobody else.

In:   a folder
Out:  its address, for as long as the block lasts
May touch: the folder, a free loopback port; ended by process id
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import urllib3

from stackyard.edges.credentials import Credential
from tests.engines import missing

LOGIN = Credential("ann", "open-sesame")
_HASH = "$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO"
"""bcrypt of that password, at the cost of 5: each request pays it."""


@contextlib.contextmanager
def registry_with_login(folder: Path) -> Iterator[str]:
    """`127.0.0.1:PORT` of distribution's registry with an htpasswd file."""
    if shutil.which("docker-registry") is None:
        missing("docker-registry is not installed, and a registry with a login is not tested here")
    (folder / "htpasswd").write_text(f"{LOGIN.user}:{_HASH}\n")
    for _ in range(3):  # somebody else may take the port in between
        address = _free()
        (folder / "config.yml").write_text(
            "version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: {address}, secret: tests}}\n"
            f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}\n"
        )
        with (folder / "log").open("ab") as log:
            words = ["docker-registry", "serve", str(folder / "config.yml")]
            process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        try:
            if _asks_for_login(address, process):
                yield address
                return
        finally:
            process.kill()
            process.wait()
    raise AssertionError((folder / "log").read_text()[-3000:])


def _free() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listening.getsockname()[1]}"


def _asks_for_login(address: str, process: subprocess.Popen[bytes]) -> bool:
    """Once it answers; False where it ended instead."""
    http = urllib3.PoolManager(retries=False)
    while process.poll() is None:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return http.request("GET", f"http://{address}/v2/").status == 401
        time.sleep(0.05)
    return False
