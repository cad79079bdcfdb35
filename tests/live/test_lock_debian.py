# SPDX-License-Identifier: MIT
"""Debian's own apt reads what was locked: the lines of a signed archive on loopback, and the versions of a list."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.model.reference import Platform
from stackyard.verbs import Options
from stackyard.verbs.locking import Wish, make
from tests.debian_archive import KEYRING, TinyArchive
from tests.repositories import commit, init

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is what reads the lock"),
]

SPEC = """
images: {lab: }
locks:
  lab:
    platforms: linux/amd64
    debian:
      archive: deb [signed-by=KEYRING] ADDRESS/{time} bookworm main
      keyring: archive.gpg
      packages: [curl, git]
"""


def test_apt_installs_what_the_lock_says(tmp_path: Path) -> None:
    """It checks the signature of the dated archive, and finds the very versions; at no other version is one found."""
    root, apt = tmp_path / "stack", tmp_path / "apt"
    lab = root / "images" / "lab"
    lab.mkdir(parents=True)
    (lab / "Dockerfile").write_text("FROM debian:12\n")
    keyring = root / "archive.gpg"
    keyring.write_bytes(KEYRING)
    for folder in ("state/lists/partial", "cache/archives/partial", "etc"):
        (apt / folder).mkdir(parents=True)
    for file in ("state/status", "apt.conf"):
        (apt / file).touch()
    settings = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "state" / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc": apt / "etc",
        "Dir::Etc::SourceList": lab / "debian.list",
        "Dir::Log": apt,
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Sandbox::User": "",
        "Acquire::http::Proxy": "DIRECT",
    }
    command = ["apt-get", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C", "APT_CONFIG": str(apt / "apt.conf")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *words], env=environ, capture_output=True, text=True, check=False, timeout=60)

    with TinyArchive.signed_one().served() as address:
        (root / "images" / "spec.yml").write_text(SPEC.replace("ADDRESS", address).replace("KEYRING", str(keyring)))
        init(root)
        commit(root)
        options = Options(platform=Platform("linux/amd64"), environ={**environ, "HOME": str(tmp_path)})
        done = make(verbs.load(root, options), Wish(time="2020-12-11T190936"))
        assert done.is_good, done.outcomes

        updated = run("update", "--error-on=any")
        assert updated.returncode == 0, updated.stdout + updated.stderr
        listed = subprocess.run(
            ["sed", "s/#.*//", lab / "debian-amd64.txt"], capture_output=True, text=True, check=True
        ).stdout.split()
        assert listed == ["curl=7.88-1+deb12u1", "git=1:2.39-1"]
        installed = run("--simulate", "install", *listed)
        assert installed.returncode == 0, installed.stdout + installed.stderr
        assert "Inst curl (7.88-1+deb12u1" in installed.stdout
        assert "Inst git (1:2.39-1" in installed.stdout
        other = run("--simulate", "install", "curl=7.88-1")
        assert (other.returncode, "was not found" in other.stderr) == (100, True)
