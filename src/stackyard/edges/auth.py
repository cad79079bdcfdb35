# SPDX-License-Identifier: MIT
"""Being let in by a registry, and being refused.

In:     a registry's challenge (WWW-Authenticate), what we want to do there
Out:    the Authorization header to send, from a cache while it lasts
Raises: RegistryRefused, RegistryProblem
Beside: edges/oci, edges/wire (sends), edges/credentials (who we are)
Source: distribution spec, "Token Authentication"; RFC 9110, 11.6.1
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from stackyard.edges.credentials import Credential, CredentialSource
from stackyard.edges.ecr import region_of
from stackyard.errors import RegistryProblem, RegistryRefused
from stackyard.model.reference import DOCKER_HUB

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

DEFAULT_LIFETIME_S = 60.0
"""How long a token is good when its service does not say."""

USED_LIFETIME = 0.9
"""The part of its lifetime after which a token is renewed, so that none expires on its way."""


class Send(Protocol):
    """One HTTP request, repeated on transient faults; raises RegistryUnreachable, never on a status."""

    def __call__(
        self, host: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> BaseHTTPResponse:
        """Send a request on behalf of registry `host`, which need not be the host of `url`."""


class Challenge(msgspec.Struct, frozen=True):
    """One way in that a registry offers."""

    scheme: str
    """Lower case: `bearer`, `basic`."""
    parameters: dict[str, str]
    """Names in lower case."""


_PART = re.compile(
    r"""\s*,?\s*(?:
        (?P<name>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]*))
      | (?P<scheme>[\w-]+)
    )""",
    re.VERBOSE,
)


def challenges(header: str) -> list[Challenge]:
    """All ways in of a WWW-Authenticate header, in its order; what is none is passed over.

    >>> challenges('Bearer realm="https://auth.example/token",service="r", Basic realm="r"')[1].scheme
    'basic'
    """
    found: list[Challenge] = []
    at = 0
    while match := _PART.match(header, at):
        at = match.end()
        if match["scheme"]:
            found.append(Challenge(match["scheme"].lower(), {}))
        elif found:
            quoted = match["quoted"]
            value = match["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1].parameters[match["name"].lower()] = value
    return found


def merged(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes with the actions of one resource joined.

    A registry's challenge may ask for less than a push needs (GHCR names `pull` only).

    >>> merged(["repository:lab:pull,push", "repository:lab:pull", "aws"])
    ('repository:lab:pull,push', 'aws')
    """
    actions: dict[str, dict[str, None]] = {}
    for scope in filter(None, scopes):
        resource, colon, names = scope.rpartition(":")
        actions.setdefault(resource if colon else scope, {}).update(dict.fromkeys(names.split(",") if colon else ()))
    return tuple(f"{resource}:{','.join(names)}" if names else resource for resource, names in actions.items())


def is_loopback(host: str) -> bool:
    """Whether `host[:port]` is this machine, which is spoken to without TLS."""
    import ipaddress

    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"


PLAIN_HTTP = "STACKYARD_PLAIN_HTTP"
"""Names the other registries that are spoken to without TLS. A stack's own files cannot: a login may travel there."""


def is_plain(host: str, environ: Mapping[str, str]) -> bool:
    """Whether `host[:port]` is spoken to without TLS: this machine, and what somebody asked for.

    >>> is_plain("registry.lab:5000", {PLAIN_HTTP: "registry.lab:5000, 10.0.0.7:5000"})
    True
    """
    return is_loopback(host) or host in environ.get(PLAIN_HTTP, "").replace(",", " ").split()


@dataclass(frozen=True, slots=True)
class _Token:
    header: str = field(repr=False)
    until: float


class Authorizer:
    """Authorization headers per host and scope. Threads that want the same token wait for one request."""

    def __init__(
        self,
        send: Send,
        credentials: CredentialSource,
        clock: Callable[[], float],
        is_plain: Callable[[str], bool] = is_loopback,
    ) -> None:
        self._send = send
        self._is_plain = is_plain
        self._credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: dict[tuple[str, str], threading.Lock] = {}
        self._challenges: dict[str, Challenge] = {}
        self._tokens: dict[tuple[str, str], _Token] = {}

    def header(self, host: str, scope: str) -> str | None:
        """What to send along; None as long as the host has not asked for anything."""
        challenge = self._challenges.get(host)
        return self._obtain(host, scope, challenge, None) if challenge else None

    def answer(self, host: str, scope: str, asked: str, refused: str | None) -> str | None:
        """What to send after a 401, or None where there is nothing better than what was refused.

        Args:
            asked: the WWW-Authenticate header.
            refused: the Authorization header that got the 401, if one was sent.
        """
        offers = [c for c in challenges(asked) if c.scheme in ("bearer", "basic")]
        if not offers:
            return None
        challenge = min(offers, key=lambda c: c.scheme != "bearer")
        self._challenges[host] = challenge
        header = self._obtain(host, scope, challenge, refused)
        return None if challenge.scheme == "basic" and header == refused else header

    def _obtain(self, host: str, scope: str, challenge: Challenge, refused: str | None) -> str | None:
        if challenge.scheme == "basic":
            credential = self._credentials(host)
            return basic(credential) if credential and not credential.is_identity_token else None
        key = (host, scope)
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            token = self._tokens.get(key)
            if token is None or token.header == refused or self._clock() >= token.until:
                token = self._tokens[key] = self._fetch(host, scope, challenge)
            return token.header

    def _fetch(self, host: str, scope: str, challenge: Challenge) -> _Token:
        realm = challenge.parameters.get("realm", "")
        credential = self._credentials(host)
        self._check_realm(host, realm, credential)
        scopes = merged([*scope.split(), *challenge.parameters.get("scope", "").split()])
        service = challenge.parameters.get("service")
        started = self._clock()
        if credential and credential.is_identity_token:
            response = self._refresh(host, realm, service, scopes, credential)
        else:
            response = self._plain(host, realm, service, scopes, credential)
        if response.status != 200:
            what = " ".join(["give a token", *(["for", *scopes] if scopes else [])])
            raise refusal(host, what, response, login_hint(host, credential))
        token, lifetime_s = _token_of(host, response.data)
        return _Token(f"Bearer {token}", started + lifetime_s * USED_LIFETIME)

    def _check_realm(self, host: str, realm: str, credential: Credential | None) -> None:
        """A password never leaves this machine without TLS, whatever a registry asks for; a person may."""
        scheme, _, rest = realm.partition("://")
        if scheme not in ("https", "http") or not rest:
            raise RegistryProblem(f"registry {host} names no address to fetch a token from: {realm!r}", address=host)
        service = rest.partition("/")[0]
        if scheme == "http" and credential and not self._is_plain(service):
            raise RegistryProblem(
                f"registry {host} wants the login sent to {realm} without TLS",
                hint=f"the token service needs an https:// address; {PLAIN_HTTP}={service} sends it all the same",
                address=host,
            )

    def _plain(
        self, host: str, realm: str, service: str | None, scopes: tuple[str, ...], credential: Credential | None
    ) -> BaseHTTPResponse:
        from urllib.parse import urlencode

        query = urlencode([*([("service", service)] if service else []), *(("scope", scope) for scope in scopes)])
        headers = {"Authorization": basic(credential)} if credential else {}
        return self._send(host, "GET", f"{realm}{'&' if '?' in realm else '?'}{query}", headers)

    def _refresh(
        self, host: str, realm: str, service: str | None, scopes: tuple[str, ...], credential: Credential
    ) -> BaseHTTPResponse:
        from urllib.parse import urlencode

        form = {
            "grant_type": "refresh_token",
            "service": service or host,
            "client_id": "stackyard",
            "scope": " ".join(scopes),
            "refresh_token": credential.secret,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send(host, "POST", realm, headers, urlencode(form).encode())


def basic(credential: Credential) -> str:
    """The header value that shows a user and a password as they are: only for TLS and this machine."""
    return f"Basic {credential.packed}"


def _token_of(host: str, body: bytes) -> tuple[str, float]:
    """The token and how long it is good for; `from None`, because decoding errors may quote the answer."""
    answer = _decoded(body)
    token = answer.get("token") or answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token.isprintable() or " " in token:
        raise RegistryProblem(f"the token service of registry {host} answered without a token", address=host)
    lifetime_s = answer.get("expires_in")
    is_number = isinstance(lifetime_s, int | float) and lifetime_s > 0
    return token, float(lifetime_s) if is_number else DEFAULT_LIFETIME_S


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def login_hint(host: str, credential: Credential | None) -> str:
    """What to do about a 401 or 403."""
    command = "docker login" if host == DOCKER_HUB else f"docker login {host}"
    region = region_of(host)
    if region:
        command = f"aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin {host}"
        if credential is None:
            return f"{command}; or install stackyard[ecr], which takes AWS's own credentials"
    if credential is None:
        return f"log in first: {command}"
    return f"the stored login is wrong, or has no right to do this; log in with one that has: {command}"


def refusal(host: str, what: str, response: BaseHTTPResponse, hint: str | None) -> RegistryRefused:
    """`registry ghcr.io refused to WHAT: 403 DENIED: ...`, with the registry's own words."""
    words = words_of(response)
    return RegistryRefused(
        f"registry {host} refused to {what}: {response.status} {words}".rstrip(),
        hint=hint,
        address=host,
        status=response.status,
        words=words,
    )


def codes_of(response: BaseHTTPResponse) -> set[str]:
    """Error codes of the distribution spec that an answer carries, upper case."""
    return {str(error.get("code", "")).upper() for error in _errors(_decoded(response.data))}


def words_of(response: BaseHTTPResponse) -> str:
    """What a registry or token service says went wrong, on one line; HTTP's own phrase when it says nothing."""
    said = _decoded(response.data)
    texts = [": ".join(str(error[key]) for key in ("code", "message") if error.get(key)) for error in _errors(said)]
    if not texts and isinstance(said, dict):  # token services each have their own form
        texts = [str(said[key]) for key in ("error", "error_description", "details", "message") if said.get(key)]
    if not texts and response.headers.get("Content-Type", "").startswith("text/plain"):
        texts = [response.data.decode(errors="replace")]
    line = " ".join("".join(c if c.isprintable() else " " for c in "; ".join(texts)).split())
    return line[:300] or response.reason or ""


def _errors(said: Any) -> list[dict[str, Any]]:
    errors = said.get("errors") if isinstance(said, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
