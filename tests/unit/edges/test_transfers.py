# SPDX-License-Identifier: MIT
"""Pushes and pulls: which words of the docker client pass by themselves, and what is done about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.edges.credentials import Credential
from stackyard.edges.logins import FOLDER, Logins
from stackyard.edges.patience import Patience, Retries, counted
from stackyard.edges.process import Processes
from stackyard.edges.transfers import Transfers, passes
from stackyard.errors import EngineUnavailable, RegistryRefused, RegistryUnreachable
from stackyard.model.reference import Reference
from tests.cases import each_of

pytestmark = pytest.mark.processes

LAB = Reference.parse("registry.example/lab:1")


@each_of(
    ("words", "is_passing"),
    [
        ("received unexpected HTTP status: 503 Service Unavailable", True),
        ("received unexpected HTTP status: 500 Internal Server Error", True),
        ("unexpected status from HEAD request to https://r.example/v2/lab/blobs/1: 502 Bad Gateway", True),
        ("failed to copy: httpReadSeeker: failed open: unexpected status code 503 Service Unavailable", True),
        ("toomanyrequests: Rate exceeded", True),
        ("unexpected status from POST request to https://r.example/v2/lab: 429 Too Many Requests", True),
        ('Post "https://r.example/v2/": read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer', True),
        ('failed to do request: Put "https://r.example/v2/lab/blobs/uploads/1": EOF', True),
        ("write tcp 10.0.0.1:1->10.0.0.2:443: write: broken pipe", True),
        ("net/http: TLS handshake timeout", True),
        ("net/http: request canceled while waiting for connection (Client.Timeout exceeded)", True),
        ("ref layer-sha256:11 locked for 1.2s (since 2026-01-01 10:00:00 UTC): unavailable", True),
        ('failed commit on ref "m": unexpected status from PUT request to http://r/v2/lab/manifests/1: 400 Bad', True),
        ("errors: digest invalid: provided digest did not match manifest blob unknown: blob unknown to it", True),
        ("unexpected status from PUT request to http://r.example/v2/lab/blobs/uploads/1?digest=x: 400 Bad", False),
        ("toomanyrequests: You have reached your unauthenticated pull rate limit.", False),
        ("denied: requested access to the resource is denied", False),
        ("unauthorized: authentication required", False),
        ("manifest unknown", False),
        ("unexpected status from POST request to https://r.example/v2/lab: 403 Forbidden", False),
        ("dial tcp 127.0.0.1:1: connect: connection refused", False),
        ("no space left on device", False),
        ("image with reference GEOFENCE:500 was not found", False),
    ],
)
def test_words_that_pass(words: str, is_passing: bool) -> None:
    """Server faults, too many requests, broken connections and locked layers are tried again; a no is a no."""
    assert passes(words) is is_passing


class Client:
    """A docker client that says and does what the test wants, one answer after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.slept: list[float] = []
        self.is_down = False
        program = folder / "docker"
        program.write_text(
            f'#!/bin/sh\nread -r line < {folder}/script || exit 0\nsed -i 1d {folder}/script\necho "$line"\nexit 1\n'
        )
        program.chmod(0o755)

    def says(self, *lines: str) -> None:
        (self.folder / "script").write_text("".join(f"{line}\n" for line in lines))

    def transfers(self) -> Transfers:
        def ping() -> None:
            if self.is_down:
                raise EngineUnavailable("no engine answers")

        patience = Patience(sleep=self.slept.append, random=lambda: 1.0)
        return Transfers(Processes({"PATH": f"{self.folder}:/usr/bin:/bin"}), ping, patience)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """A client in a folder of its own."""
    return Client(tmp_path)


def test_a_push_is_tried_again(client: Client, tmp_path: Path) -> None:
    """Each time after twice the pause; all of it is in the log, and counted."""
    client.says("received unexpected HTTP status: 503 Service Unavailable", "read: connection reset by peer")
    with counted(Retries()) as retries:
        client.transfers().push(LAB, tmp_path / "push.log")

    assert client.slept == [0.5, 1.0]
    assert retries.count == 2
    assert (tmp_path / "push.log").read_text().count("\n") == 2


def test_a_fault_that_stays(client: Client) -> None:
    """After four attempts it is told, and nobody is sent to `docker login` for it."""
    client.says(*["toomanyrequests: Rate exceeded"] * 4)
    with pytest.raises(RegistryRefused, match="Rate exceeded") as caught:
        client.transfers().pull(LAB)

    assert len(client.slept) == 3
    assert "login" not in str(caught.value.hint)


@pytest.mark.parametrize(
    ("words", "kind"),
    [("denied: no rights", RegistryRefused), ("dial tcp: connect: connection refused", RegistryUnreachable)],
)
def test_a_no_is_not_asked_again(client: Client, words: str, kind: type[Exception]) -> None:
    """A refusal, and a registry that nobody reaches, are told at once."""
    client.says(words)
    with pytest.raises(kind, match=words.split()[-1]):
        client.transfers().pull(LAB)
    assert client.slept == []


def test_an_engine_that_went_away(client: Client) -> None:
    """Where the engine is the trouble, its registry is not blamed, and not asked again."""
    client.is_down = True
    client.says("error during connect: EOF")
    with pytest.raises(EngineUnavailable):
        client.transfers().pull(LAB)
    assert client.slept == []


def test_the_client_is_lent_a_login_for_one_program(client: Client) -> None:
    """A push finds what AWS gave; neither the command line, nor the log, nor the error holds the secret."""
    client.says("denied: no rights")
    docker = client.folder / "docker"
    seen = client.folder / "seen"
    docker.write_text(
        docker.read_text().replace(
            "#!/bin/sh\n", f'#!/bin/sh\necho "$@" >>{seen}\ncat "$DOCKER_CONFIG/config.json" >>{seen}\n'
        )
    )
    processes = Processes({"PATH": f"{client.folder}:/usr/bin:/bin"})
    login = Credential("AWS", "pa55")
    lent = Logins(processes.environ, FOLDER, lambda host: login if host == "registry.example" else None)
    transfers = Transfers(processes, lambda: None, Patience(), logins=lent)

    with pytest.raises(RegistryRefused) as error:
        transfers.push(LAB, client.folder / "log")

    words, config = seen.read_text().splitlines()
    assert login.packed in config
    for text in (words, str(error.value), str(error.value.hint), (client.folder / "log").read_text()):
        assert login.packed not in text
        assert login.secret not in text
