# SPDX-License-Identifier: MIT
"""Who we are to a registry: what `docker login` left behind.

In:     a registry's host
Out:    Credential, or None where nobody logged in
Raises: FileProblem (config.json is broken), ToolMissing, RegistryProblem (a helper failed)
Reads:  $DOCKER_CONFIG/config.json or ~/.docker/config.json, once; runs `docker-credential-NAME get`, once per host
Source: Docker's own order: credHelpers of the host, then credsStore, then auths

A secret is in a Credential and in no message: sentences here never quote what a file or a helper gave.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from stackyard.errors import FileProblem, RegistryProblem, ToolMissing
from stackyard.model import canonical
from stackyard.model.reference import DOCKER_HUB

HUB_KEY = "https://index.docker.io/v1/"
"""What Docker Hub is called in Docker's files and by its helpers."""

HELPER_TIMEOUT_S = 30.0
"""A helper that waits for a person (a locked keychain) is given this long."""

_NOT_FOUND = "credentials not found in native keychain"
"""What a helper says, by its protocol, when nobody logged in there (docker-credential-helpers)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A user and a secret. Printing one hides the secret.

    A dataclass, because other values of ours print all their fields, to rich too.
    """

    user: str
    secret: str = field(repr=False)
    is_identity_token: bool = False
    """Whether the secret is a refresh token, good only for asking a token service."""

    @property
    def packed(self) -> str:
        """`user:password` in base64, as HTTP and Docker's files have it."""
        import base64

        return base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


CredentialSource = Callable[[str], Credential | None]
"""From a registry's host to who we are there."""

RunHelper = Callable[[str, str], tuple[int, str]]
"""From a program and the registry's key to its exit code and what it printed: the answer, or its complaint."""


def run_helper(program: str, key: str) -> tuple[int, str]:
    """Ask a credential helper for one registry; ToolMissing if there is no such program."""
    import subprocess  # most runs need no helper

    try:
        done = subprocess.run(
            [program, "get"], input=key, capture_output=True, text=True, timeout=HELPER_TIMEOUT_S, check=False
        )
    except (FileNotFoundError, PermissionError):
        raise ToolMissing(
            f"{program} is not installed, and Docker's config.json says that it keeps the login for {key}",
            hint=f"install {program}, or take it out of config.json and log in again",
            program=program,
        ) from None
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {HELPER_TIMEOUT_S:.0f} s"
    except (OSError, UnicodeDecodeError) as error:
        return 126, type(error).__name__
    return done.returncode, done.stdout if done.returncode == 0 else done.stdout.strip() or done.stderr


class DockerCredentials:
    """Docker's stored logins. Each host is looked up once; safe for threads."""

    def __init__(self, environ: Mapping[str, str], run: RunHelper = run_helper) -> None:
        folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME") or "~").expanduser() / ".docker")
        self.path = Path(folder) / "config.json"
        self._run = run
        self._lock = threading.Lock()
        self._config: dict[str, Any] | None = None
        self._known: dict[str, Credential | None] = {}

    def __call__(self, host: str) -> Credential | None:
        """The login for a registry, or None."""
        with self._lock:
            if host not in self._known:
                self._known[host] = self._find(host)
            return self._known[host]

    def _find(self, host: str) -> Credential | None:
        if self._config is None:
            self._config = read_config(self.path)
        keys = _keys(host)
        helpers = _section(self._config, "credHelpers", self.path)
        named = next((helpers[key] for key in keys if key in helpers), self._config.get("credsStore"))
        if named:
            found = self._ask(f"docker-credential-{named}", keys[0])
            if found:
                return found
        return self._stored(keys)

    def _ask(self, program: str, key: str) -> Credential | None:
        code, said = self._run(program, key)
        if code != 0:
            if _NOT_FOUND in said:
                return None
            raise _helper_failed(program, key, f"ended with {code}{_quotable(said)}")
        try:
            answer = canonical.decode(said, _HelperAnswer)
        except msgspec.DecodeError:
            raise _helper_failed(program, key, "did not answer as a credential helper does") from None
        if not answer.Secret:
            return None
        return Credential(answer.Username, answer.Secret, is_identity_token=answer.Username == "<token>")

    def _stored(self, keys: tuple[str, ...]) -> Credential | None:
        assert self._config is not None
        for key, entry in _section(self._config, "auths", self.path).items():
            if key in keys or _hostname(key) in keys:
                found = _entry(entry, key, self.path)
                if found:
                    return found
        return None


class _HelperAnswer(msgspec.Struct):
    Username: str = ""
    Secret: str = ""


def _keys(host: str) -> tuple[str, ...]:
    """What a registry may be called in Docker's files; first the one that helpers know."""
    return (HUB_KEY, "index.docker.io", DOCKER_HUB, "registry-1.docker.io") if host == DOCKER_HUB else (host,)


def _hostname(key: str) -> str:
    """`https://ghcr.io/v1/` -> `ghcr.io`: keys of old files are addresses."""
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


def read_config(path: Path) -> dict[str, Any]:
    """Docker's config.json; empty where there is none. FileProblem for one that is broken."""
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise FileProblem(str(path), None, f"Docker's config cannot be read: {error.strerror}") from None
    try:
        return msgspec.json.decode(text, type=dict[str, Any]) if text.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FileProblem(
            str(path), None, "Docker's config is not a JSON object", hint="repair it, or move it away and log in again"
        ) from None


def _section(config: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = config.get(name) or {}
    if not isinstance(section, dict):
        raise FileProblem(str(path), None, f"{name} is not an object", hint="docker login writes it")
    return section


def _entry(entry: object, key: str, path: Path) -> Credential | None:
    """One value of auths. Empty ones are normal: Docker leaves them where a helper keeps the login."""
    if not isinstance(entry, dict):
        raise FileProblem(str(path), None, f"the login for {key} is not an object", hint=f"docker login {key}")
    user, secret = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        user, secret = _unpacked(str(entry["auth"]), key, path)
    if entry.get("identitytoken"):
        return Credential(user, str(entry["identitytoken"]), is_identity_token=True)
    return Credential(user, secret) if user and secret else None


def _unpacked(auth: str, key: str, path: Path) -> tuple[str, str]:
    import base64

    try:
        user, colon, secret = base64.b64decode(auth, validate=True).decode().rstrip("\0").partition(":")
    except ValueError:  # of base64 and of UTF-8
        colon = ""
    if not colon:
        raise FileProblem(
            str(path), None, f"the login for {key} is not user:password in base64", hint=f"docker login {key}"
        ) from None
    return user, secret


def _helper_failed(program: str, key: str, how: str) -> RegistryProblem:
    return RegistryProblem(
        f"{program} {how} when asked for the login for {key}",
        hint=f"run `echo {key} | {program} get` to see what it says",
        address=key,
    )


def _quotable(said: str) -> str:
    """A helper's complaint; nothing where it may hold an answer, and with it a secret."""
    line = next(iter(said.strip().splitlines()), "")
    return f" ({line[:200]})" if line and "{" not in said and line.isprintable() else ""
