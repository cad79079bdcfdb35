# SPDX-License-Identifier: MIT
"""Debian packages that an image has, locked from the command line: a real archive on loopback, an engine in memory."""

from __future__ import annotations

import pytest

from stackyard.model.lockfile import LockFile
from tests.archives import dpkg, layer
from tests.debian_archive import TinyArchive
from tests.repositories import commit
from tests.unit.cli.conftest import TINY, Shell

pytestmark = pytest.mark.processes

LOCKS = """
locks:
  leaf-debian:
    platforms: linux/amd64
    output: images/leaf/packages-{arch}.txt
    debian:
      archive: deb ADDRESS/{time} bookworm main
      installed: leaf
      sources: images/leaf/debian.list
"""


def test_what_an_image_has_is_locked_as_the_archive_had_it(shell: Shell) -> None:
    """Names come from the image's inventory, versions from the archive, which leads on from T to an earlier state.

    Where nothing is known of the image, the lock that is there says the names; without one, that is said.
    """
    archive = TinyArchive()
    archive.state("20201211T120000Z", {"bookworm": {"libc6": "2.36-9", "curl": "7.88-1", "git": "1"}}, ending=".gz")
    with archive.served() as address:
        (shell.root / "images" / "spec.yml").write_text(TINY["images/spec.yml"] + LOCKS.replace("ADDRESS", address))
        commit(shell.root)
        command = ("lock", "leaf-debian", "--time", "2020-12-11T190936")
        unknown = shell(*command)
        assert unknown.code == 1
        assert "it is not known which packages leaf has" in unknown.out
        assert "stackyard build leaf" in unknown.out

        shell("build", "leaf")
        tag = next(name for name in shell.engine.names() if name.startswith("registry.example/lab/leaf:sy-"))
        facts = shell.engine.inspect(tag)
        assert facts is not None
        shell.engine.tars[facts.layers[-1]] = layer({"var/lib/dpkg/status": dpkg(libc6="2.36-8", curl="7.88-1")})
        done = shell(*command)
        assert done.code == 0, done.out + done.err
        text = (shell.root / "images" / "leaf" / "packages-amd64.txt").read_text()
        assert [(pin.name, pin.version) for pin in LockFile.of(text).pins] == [("curl", "7.88-1"), ("libc6", "2.36-9")]
        assert f"{address}/20201211T190936Z bookworm main\n" in (shell.root / "images/leaf/debian.list").read_text()

        (shell.root / ".stackyard" / "records.sqlite3").unlink()
        shell.engine.is_down = True
        assert shell("lock", "--check").code == 0
        assert shell("lock", "--verify").code == 0
    gone = shell("lock", "--check")
    assert gone.code == 1
    assert f"cannot reach {address.split('/')[2]}" in gone.out
