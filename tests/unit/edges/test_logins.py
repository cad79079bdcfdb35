# SPDX-License-Identifier: MIT
"""Logins that the engine's client is lent: what it finds, who can read it, and that nothing stays."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from stackyard.edges.credentials import Credential, DockerCredentials
from stackyard.edges.logins import FOLDER, Logins, of_aws
from stackyard.edges.traces import VARIABLE, prefix_of

HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
LOGIN = Credential("AWS", "pa55")
OTHER = {"auth": Credential("ann", "secret").packed}


def logins(home: Path, config: dict[str, Any], variable: str = FOLDER) -> Logins:
    """For a client with this config.json, that is lent a login for one host."""
    home.mkdir(exist_ok=True)
    (home / "config.json").write_text(json.dumps(config))
    environ = {"DOCKER_CONFIG": str(home), VARIABLE: "0b1e5f2c9a3d4e6f"}
    return Logins(environ, variable, lambda host: LOGIN if host == HOST else None)


def test_docker_finds_the_login_beside_all_it_had(tmp_path: Path) -> None:
    """Whatever keeps its other logins; its plugins and contexts are where they were; afterwards nothing is left."""
    home = tmp_path / "docker"
    (home / "contexts").mkdir(parents=True)
    config = {"auths": {"ghcr.io": OTHER}, "credsStore": "desktop", "currentContext": "lab"}

    with logins(home, config).lent([HOST, "ghcr.io"]) as environ:
        folder = Path(environ[FOLDER])
        file = folder / "config.json"
        told = json.loads(file.read_bytes())
        assert DockerCredentials(environ, lambda *_: (1, "never asked"))(HOST) == LOGIN
        assert told["credsStore"] == "desktop"
        assert told["currentContext"] == "lab"
        assert told["auths"]["ghcr.io"] == OTHER
        assert (folder / "contexts").resolve() == home / "contexts"
        assert folder.name.startswith(prefix_of("0b1e5f2c9a3d4e6f"))  # what a killed run left, the next one removes
        assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)

    assert not folder.exists()
    assert json.loads((home / "config.json").read_bytes()) == config


def test_buildah_gets_a_file_of_this_login_only(tmp_path: Path) -> None:
    """It takes one file in place of all others, and knows no empty helper."""
    with logins(tmp_path, {"credsStore": "desktop"}, "REGISTRY_AUTH_FILE").lent([HOST]) as environ:
        told = json.loads(Path(environ["REGISTRY_AUTH_FILE"]).read_bytes())

    assert told == {"auths": {HOST: {"auth": LOGIN.packed}}}


def test_who_needs_no_login_is_lent_none(tmp_path: Path) -> None:
    """Then the client runs with its own folder, as before."""
    with logins(tmp_path, {}).lent(["ghcr.io"]) as environ:
        assert environ == {}


@pytest.mark.parametrize("host", ["ghcr.io", HOST])
def test_aws_is_not_asked_for_what_docker_knows(tmp_path: Path, host: str) -> None:
    """Who logged in by hand or has a helper is believed; other hosts are none of AWS's business."""
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: OTHER}}))

    assert of_aws({"DOCKER_CONFIG": str(tmp_path)})(host) is None
