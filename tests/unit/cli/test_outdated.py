# SPDX-License-Identifier: MIT
"""Packages of an image against an index that stands still, asked by the real uv."""

from __future__ import annotations

import pytest

from tests.archives import dpkg, wheel
from tests.frozen_index import FrozenIndex
from tests.unit.cli.conftest import Shell
from tests.unit.cli.test_inside import fill

pytestmark = pytest.mark.processes

SITE = "usr/local/lib/python3.8/site-packages"
AT = "2020-11-01T00:00:00Z"


def test_what_an_index_has_newer_is_told(shell: Shell) -> None:
    """For the image's Python; builds of one's own are as new as what they are of; what the index has not is named."""
    index = FrozenIndex()
    for version in ("1.2", "1.10"):
        index.wheel("alpha", version, AT, "nobody-has-this")
    index.wheel("beta", "2.0", AT)
    index.sdist("source", "3.0", AT)
    shell("build")
    files = {**wheel("Alpha", "1.9", SITE), **wheel("beta", "2.0+cu128", SITE), **wheel("own", "1", SITE)}
    files |= {**wheel("source", "2.0", SITE), "var/lib/dpkg/status": dpkg(libc6="2.36")}
    fill(shell, "registry.example/lab/leaf", files)
    with index.served() as address:
        shell.environ |= {"UV_DEFAULT_INDEX": address, "UV_CACHE_DIR": str(shell.root / ".uv")}
        (found,) = shell("outdated", "leaf", "--json").json["images"]
        text = shell("outdated", "leaf").out
        assert shell("outdated", "base").out.strip() == "base: no Python packages"

    told = [(each["name"], each["version"], each["newest"]) for each in found["outdated"]]
    assert told == [("Alpha", "1.9", "1.10"), ("source", "2.0", "3.0")]
    assert (found["python"], found["asked"], found["unknown"]) == ("3.8", 4, ["own"])
    assert found["unasked"] == [{"kind": "deb", "packages": 1}]
    assert "4 Python packages" in text
    assert text.rstrip().endswith("No index was asked for packages of other kinds: 1 dpkg.")
    assert any(line.split()[:3] == ["Alpha", "1.9", "1.10"] for line in text.splitlines())
    assert not list(shell.root.glob("ran-*"))


def test_an_index_that_does_not_answer_is_said(shell: Shell) -> None:
    """Rather than that nothing is outdated."""
    shell("build")
    fill(shell, "registry.example/lab/leaf", wheel("alpha", "1", SITE))
    shell.environ |= {
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "UV_CACHE_DIR": str(shell.root / ".uv"),
        "UV_HTTP_RETRIES": "0",
    }
    said = shell("outdated", "leaf")
    assert (said.code, "the index tells nothing of these packages" in said.err) == (1, True)
