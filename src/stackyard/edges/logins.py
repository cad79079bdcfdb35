# SPDX-License-Identifier: MIT
"""Logins that we have and the engine's own client has not, lent to it for as long as one program of it runs.

In:     the environment that docker has, a registry's host
Out:    more environment: where a login lies, beside all that the user's own folder has
Raises: as edges/credentials, edges/ecr
May touch: one folder among the system's temporary ones, for the length of the block; nobody else may read it
Why: docs/how-to/publish.md

Nothing is written where the client can log in by itself, which is everywhere but at Amazon's registries: their
logins end after half a day, so nobody keeps them. A helper program in place of the file would be asked by the
client, and would have to ask AWS once more for every push.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from stackyard.edges.credentials import Credential, CredentialSource, DockerCredentials, read_config
from stackyard.edges.docker_context import config_folder
from stackyard.edges.ecr import EcrCredentials, region_of
from stackyard.edges.traces import VARIABLE, prefix_of
from stackyard.model import canonical

FILE = "config.json"
FOLDER = "DOCKER_CONFIG"


class Logins:
    """What one engine's client is lent. Safe for threads.

    Args:
        environ: what the client gets in any case.
        find: the login for a host that the client has none for; by default what AWS gives for its registries.
        variable: `DOCKER_CONFIG`, a folder with all that docker keeps; or `REGISTRY_AUTH_FILE`, a file of logins only.
    """

    def __init__(self, environ: Mapping[str, str], variable: str, find: CredentialSource | None = None) -> None:
        self._environ = environ
        self._variable = variable
        self._find = find or of_aws(environ)

    @contextlib.contextmanager
    def lent(self, hosts: Iterable[str]) -> Iterator[Mapping[str, str]]:
        """What the client's environment needs beside its own to be let in at these hosts, for the block's length."""
        found = {host: login for host in hosts if (login := self._find(host)) is not None}
        if not found:
            yield {}
            return
        auths = {host: {"auth": login.packed} for host, login in found.items()}
        with tempfile.TemporaryDirectory(prefix=prefix_of(self._environ.get(VARIABLE, ""))) as name:
            if self._variable != FOLDER:
                _write(Path(name) / FILE, {"auths": auths})
                yield {self._variable: os.path.join(name, FILE)}
                return
            self._beside_own(Path(name), auths)
            yield {self._variable: name}

    def _beside_own(self, folder: Path, auths: Mapping[str, object]) -> None:
        """Make a folder hold what docker's own does, and these logins."""
        own = config_folder(self._environ)
        config = read_config(own / FILE)
        for path in own.iterdir() if own.is_dir() else ():
            if path.name != FILE:  # plugins, contexts, certificates, builders
                (folder / path.name).symlink_to(path)
        # An empty helper is none: docker then looks into this file, whatever keeps the user's other logins.
        helpers = {**(config.get("credHelpers") or {}), **dict.fromkeys(auths, "")}
        _write(folder / FILE, {**config, "credHelpers": helpers, "auths": {**(config.get("auths") or {}), **auths}})


def _write(path: Path, config: Mapping[str, object]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(canonical.encode(config))


def of_aws(environ: Mapping[str, str]) -> CredentialSource:
    """Logins for Amazon's registries where docker has none; of those that somebody keeps, nothing is to be lent."""
    stored = DockerCredentials(environ)
    aws = EcrCredentials(lambda _: None, time.time)

    def find(host: str) -> Credential | None:
        return aws(host) if region_of(host) is not None and stored(host) is None else None

    return find
