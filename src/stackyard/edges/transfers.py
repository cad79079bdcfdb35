# SPDX-License-Identifier: MIT
"""Pushes and pulls of the docker client: what its words mean, and which of them pass by themselves.

In:   reference, the client's last lines
Out:  whether it went well; the log of a push
Raises: RegistryUnreachable, RegistryRefused; EngineUnavailable where the engine is the trouble; ToolMissing
Beside: edges/docker, edges/patience

The engine tells no status and no Retry-After, words only. Those of engines 20.10 to 28, with either store,
are held in tests/unit/edges/test_transfers.py.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from stackyard.edges.logins import FOLDER, Logins
from stackyard.edges.patience import Patience
from stackyard.edges.process import Processes
from stackyard.errors import RegistryProblem, RegistryRefused, RegistryUnreachable
from stackyard.model.reference import Platform, Reference

_NO_CONNECTION = ("connection refused", "no such host", "i/o timeout", "network is unreachable", "no route to host")
_PASSES = re.compile(
    r"\b(HTTP status:|unexpected status .*:|failed with status:|status code) (429|50[0234])\b"
    r"|toomanyrequests|too many requests"
    r"|connection reset by peer|broken pipe|\bEOF\b|http: server closed|transport is closing"
    r"|TLS handshake timeout|i/o timeout|Client\.Timeout exceeded|request canceled while waiting"
    r"|\blocked for \S+ \(since .*\): unavailable"  # two transfers of one layer, on a containerd store
    # Two pushes of one layer, to a registry over a file system: it has the blob for nobody while it is written again.
    r"|PUT request to \S+/manifests/\S+: 400\b|\bmanifest blob unknown\b",
    re.IGNORECASE,
)
_LASTS = re.compile(r"pull rate limit", re.IGNORECASE)
"""An account's limit of hours: asked again in seconds, the answer is the same."""


def passes(words: str) -> bool:
    """Whether what the docker client said is a fault that may be gone at the next attempt.

    >>> passes("received unexpected HTTP status: 503 Service Unavailable"), passes("denied: no rights")
    (True, False)
    """
    return bool(_PASSES.search(words)) and not _LASTS.search(words)


class Client(NamedTuple):
    """The program that talks to registries."""

    name: str
    pull: Callable[[Reference, Sequence[str]], list[str]]
    push: Callable[[Reference, Sequence[str]], list[str]]
    """The command line, with more options."""
    login: str
    """The variable that says where logins are."""


DOCKER = Client(
    "docker",
    lambda reference, extra: ["docker", "pull", "--quiet", *extra, str(reference)],
    lambda reference, extra: ["docker", "push", *extra, str(reference)],
    FOLDER,
)


class Transfers:
    """What one engine sends to registries and fetches from them.

    Args:
        ping: raises EngineUnavailable where nobody answers.
        logins: those that the client lacks.
    """

    def __init__(
        self,
        processes: Processes,
        ping: Callable[[], None],
        patience: Patience,
        client: Client = DOCKER,
        logins: Logins | None = None,
    ) -> None:
        self._client = client
        self._logins = logins or Logins(processes.environ, client.login)
        self._processes = processes
        self._ping = ping
        self._patience = patience

    def pull(self, reference: Reference, platform: Platform | None = None) -> None:
        """Fetch an image into the engine's store; None: for the engine's own platform."""
        argv = self._client.pull(reference, ["--platform", platform] if platform else [])
        self._follow(argv, f"{reference} cannot be pulled", reference, lambda _: None)

    def push(self, reference: Reference, log: Path, extra: Sequence[str] = ()) -> None:
        """Send an image to its registry; what the client says goes to the log."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:

            def take(line: str) -> None:
                file.write(f"{line}\n")
                file.flush()

            argv = self._client.push(reference, extra)
            self._follow(argv, f"{reference} cannot be pushed", reference, take)

    def _follow(self, argv: Sequence[str], what: str, reference: Reference, take: Callable[[str], None]) -> None:
        for attempt in range(1, self._patience.attempts + 1):
            words: deque[str] = deque(maxlen=20)

            def keep(line: str, words: deque[str] = words) -> None:
                words.append(line)
                take(line)

            with self._logins.lent([reference.repository.host]) as environ:
                code = self._processes.follow(argv, keep, environ)
            if not code:
                return
            self._ping()
            said = next((line.strip() for line in reversed(words) if line.strip()), "no reason given")
            said = said.removeprefix("Error response from daemon: ").removeprefix("Error: ")
            if attempt == self._patience.attempts or not passes(said):
                raise _refused(what, reference, said, self._client.name)
            self._patience.pause(self._patience.back_off_s(attempt), said)


def _refused(what: str, reference: Reference, said: str, client: str) -> RegistryProblem:
    """The error of a client that failed at a registry, in the registry's own last words."""
    host = reference.repository.host
    if any(sign in said for sign in _NO_CONNECTION):
        return RegistryUnreachable(
            f"{what}: {said}", hint=f"can this machine reach {host}, and the engine too?", address=host
        )
    if passes(said):
        hint = "the fault is the registry's, and it stayed; try again later"
        return RegistryRefused(f"{what}: {said}", hint=hint, address=host, status=None, words=said)
    if "server gave HTTP response to HTTPS client" in said:
        hint = f"without TLS docker speaks to it only where its daemon.json lists {host} under `insecure-registries`"
        return RegistryRefused(f"{what}: {said}", hint=hint, address=host, status=None, words=said)
    is_default = client == "docker" and reference.repository.declared_host is None
    login = "docker login" if is_default else f"{client} login {host}"
    return RegistryRefused(
        f"{what}: {said}",
        hint=f"`{login}`, the repository must exist (some registries make none by themselves), "
        "and this user needs the right to do it",
        address=host,
        status=None,
        words=said,
    )
