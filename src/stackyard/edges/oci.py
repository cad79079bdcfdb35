# SPDX-License-Identifier: MIT
"""The registry for real: manifests and tags over HTTP, for any OCI distribution registry.

In:     repository, tag or digest
Out:    manifests as exact bytes, digests; each verified against the bytes
Raises: RegistryUnreachable, RegistryRefused, RegistryProblem, DigestMismatch
Protocol: edges/registry.py   Beside: edges/auth (being let in), edges/credentials
Source: OCI distribution spec 1.1; Docker Registry HTTP API V2

A HEAD that is odd in any way (no digest, another digest, a type we did not ask for, a refusal
without words) is followed by a GET, and the bytes decide.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from stackyard.edges.auth import Authorizer, basic, codes_of, is_loopback, login_hint, refusal
from stackyard.edges.credentials import Credential, CredentialSource, DockerCredentials
from stackyard.edges.registry import Manifest
from stackyard.errors import ConfigError, DigestMismatch, RegistryProblem, RegistryRefused, RegistryUnreachable
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import DOCKER_HUB, Repository

if TYPE_CHECKING:
    import ssl

    from urllib3 import BaseHTTPResponse, PoolManager

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"

MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)
"""All four in every Accept: without one, registries answer 404, or convert to schema 1 under another digest."""

_READ, _WRITE, _DELETE = "pull", "pull,push", "pull,push,delete"
_CONNECTIONS_PER_HOST = 16


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a registry, and what waits: tests bring their own sleep, random and clock."""

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    attempts: int = 4
    longest_wait_s: float = 30.0
    """A registry that asks for a longer pause (Retry-After) is not waited for."""
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    clock: Callable[[], float] = time.time
    """Seconds since 1970: it goes on while a laptop sleeps, as tokens' lifetimes do."""

    def back_off_s(self, attempt: int) -> float:
        """Pause after the `attempt`th failure: half a second, doubled each time, up to half of it at random."""
        return float(min(0.5 * 2 ** (attempt - 1), self.longest_wait_s) * (0.5 + self.random() / 2))


class OciRegistry:
    """All registries, each found by the repository's host. Safe for threads; connections are kept and shared.

    Args:
        environ: where proxies, certificates and Docker's config are named; the process's own by default.
        credentials: who we are at a host; by default what `docker login` stored.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        credentials: CredentialSource | None = None,
        patience: Patience | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        patience = patience or Patience()
        self._credentials = credentials or DockerCredentials(environ)
        self._wire = _Wire(environ, patience)
        self._auth = Authorizer(self._wire.send, self._credentials, patience.clock)

    def resolve(self, repository: Repository, tag: Tag | Digest) -> Digest | None:
        """Digest that a tag points at (one HEAD), or the digest itself if it is there; None if it is not."""
        response = self._call("HEAD", repository, tag, _READ)
        if response.status == 404:
            return None
        found = _digest_header(response) if response.status == 200 and _type_header(response) else None
        if found and (found == tag or not isinstance(tag, Digest)):
            return found
        if response.status == 429 or response.status >= 500:
            raise self._refusal("read", repository, tag, response)
        manifest = self.manifest(repository, tag)
        return manifest.digest if manifest else None

    def manifest(self, repository: Repository, tag: Tag | Digest) -> Manifest | None:
        """The manifest (one GET), its digest verified; None if it is not there."""
        response = self._call("GET", repository, tag, _READ)
        if response.status == 404:
            return None
        if response.status != 200:
            raise self._refusal("read", repository, tag, response)
        name = _named(repository, tag)
        media_type = _type_header(response) or _type_in(response.data)
        if media_type is None:
            given = response.headers.get("Content-Type") or "something without a type"
            raise RegistryProblem(
                f"registry {repository.host} has {name} only as {given}, which is no Docker v2 or OCI manifest",
                hint="push it again with a current engine",
                address=repository.host,
            )
        asked = tag if isinstance(tag, Digest) else None
        for expected in filter(None, (asked, _digest_header(response))):
            _verify(f"the manifest of {name}", expected, response.data)
        digest = asked or _digest_header(response) or _digest_of(response.data)
        return Manifest(digest, media_type, response.data)

    def blob(self, repository: Repository, digest: Digest) -> bytes | None:
        """The bytes of something small that a manifest names (one GET), verified; None if it is not there."""
        response = self._call("GET", repository, digest, _READ, kind="blobs")
        if response.status == 404:
            return None
        if response.status != 200:
            raise self._refusal("read", repository, digest, response)
        _verify(f"the blob {_named(repository, digest)}", digest, response.data)
        return response.data

    def put(self, repository: Repository, tag: Tag, manifest: Manifest) -> None:
        """Point `tag` at a manifest whose blobs are in the repository, and read back that it does.

        A tag that somebody else moves at the same time is a DigestMismatch, too.
        """
        name = _named(repository, tag)
        _verify(f"the manifest of {name}", manifest.digest, manifest.body)
        response = self._call("PUT", repository, tag, _WRITE, manifest)
        if response.status not in (200, 201, 202):
            raise self._refusal("write", repository, tag, response)
        found = self.resolve(repository, tag)
        if found != manifest.digest:
            raise DigestMismatch(
                f"{name} was written as {manifest.digest} and reads back as {found or 'nothing'}",
                hint="either somebody moved the tag at the same time, or the registry changes what it is given",
                expected=manifest.digest,
                found=found,
            )

    def untag(self, repository: Repository, tag: Tag) -> bool:
        """Take a tag away; False where the registry deletes no tags. Never deletes by digest.

        A tag that is not there counts as taken away.
        """
        response = self._call("DELETE", repository, Tag.parse(tag), _DELETE)
        if response.status in (400, 405) or "UNSUPPORTED" in codes_of(response):
            return False
        if response.status == 404:  # the tag, or all deleting of tags, is missing
            return self.resolve(repository, tag) is None
        if response.status not in (200, 202, 204):
            raise self._refusal("delete", repository, tag, response)
        return True

    def close(self) -> None:
        """Close the kept connections; the next call opens new ones."""
        self._wire.close()

    def _call(
        self,
        method: str,
        repository: Repository,
        tag: Tag | Digest,
        actions: str,
        manifest: Manifest | None = None,
        kind: str = "manifests",
    ) -> BaseHTTPResponse:
        host = repository.host
        url = f"{_address(host)}/v2/{repository.path}/{kind}/{tag}"
        scope = f"repository:{repository.path}:{actions}"
        headers = {"Accept": ", ".join(MANIFEST_TYPES) if kind == "manifests" else "*/*"}
        if manifest:
            headers["Content-Type"] = manifest.media_type
        body = manifest.body if manifest else None
        sent = self._auth.header(host, scope)
        response = self._wire.send(host, method, url, headers | _authorization(sent), body)
        if response.status == 401:
            better = self._auth.answer(host, scope, response.headers.get("WWW-Authenticate", ""), sent)
            if better:
                response = self._wire.send(host, method, url, headers | _authorization(better), body)
        return response

    def _refusal(
        self, verb: str, repository: Repository, tag: Tag | Digest, response: BaseHTTPResponse
    ) -> RegistryRefused:
        hint = self._hint(verb, repository, response)
        return refusal(repository.host, f"{verb} {_named(repository, tag)}", response, hint)

    def _hint(self, verb: str, repository: Repository, response: BaseHTTPResponse) -> str | None:
        codes = codes_of(response)
        if response.status in (401, 403):
            return login_hint(repository.host, self._credentials(repository.host))
        if verb == "write" and (response.status == 404 or "NAME_UNKNOWN" in codes):
            return f"create the repository {repository.path} at {repository.host} first"
        if codes & {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}:
            return "push the image's layers to this repository first"
        if response.status == 409:
            return "the registry holds this tag fast (immutable tags); allow it to move, or use another"
        if response.status == 429:
            after = response.headers.get("Retry-After", "not said")
            return f"wait (Retry-After: {after}), or log in: known accounts are often allowed more"
        return "the fault is the registry's; try again later" if response.status >= 500 else None


def _named(repository: Repository, tag: Tag | Digest) -> str:
    return f"{repository}{'@' if isinstance(tag, Digest) else ':'}{tag}"


def _authorization(header: str | None) -> dict[str, str]:
    return {"Authorization": header} if header else {}


def _address(host: str) -> str:
    """Where a host's API is: Docker Hub's has another name, and only this machine's is plain HTTP."""
    if host in (DOCKER_HUB, "index.docker.io"):
        return "https://registry-1.docker.io"
    return f"{'http' if is_loopback(host) else 'https'}://{host}"


def _digest_header(response: BaseHTTPResponse) -> Digest | None:
    text = response.headers.get("Docker-Content-Digest", "")
    return Digest(text) if Digest.form.fullmatch(text) else None


def _type_header(response: BaseHTTPResponse) -> str | None:
    text = response.headers.get("Content-Type", "").partition(";")[0].strip()
    return text if text in MANIFEST_TYPES else None


def _type_in(body: bytes) -> str | None:
    """What the bytes say they are: some mirrors serve every file as application/json."""
    try:
        text = msgspec.json.decode(body, type=dict[str, object]).get("mediaType")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return text if isinstance(text, str) and text in MANIFEST_TYPES else None


def _digest_of(body: bytes, algorithm: str = "sha256") -> Digest:
    return Digest(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")


def _verify(name: str, expected: Digest, body: bytes) -> None:
    found = _digest_of(body, expected.partition(":")[0])
    if found != expected:
        raise DigestMismatch(f"{name} should be {expected} and its bytes are {found}", expected=expected, found=found)


class _Wire:
    """HTTP with a registry's peculiarities: who needs a proxy, which faults pass, what a failure is called."""

    def __init__(self, environ: Mapping[str, str], patience: Patience) -> None:
        self._environ = environ
        self._patience = patience
        self._lock = threading.Lock()
        self._pools: dict[str | None, PoolManager] = {}

    def send(
        self, host: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> BaseHTTPResponse:
        """One answer, whatever its status. Repeated after a reset, a 429 or a fault of the server.

        A POST carries a secret, so it never follows a redirect.
        """
        import urllib3
        from urllib3.exceptions import HTTPError, ProtocolError

        # Redirects only; all other patience is ours.
        redirects = 5 if method != "POST" else False
        retries = urllib3.Retry(total=None, connect=False, read=False, status=0, other=0, redirect=redirects)
        headers = {"User-Agent": "stackyard", **headers}
        attempt = 0
        while True:
            attempt += 1
            is_last = attempt >= self._patience.attempts
            try:
                response = self._pool(url).request(method, url, body=body, headers=headers, retries=retries)
                wait_s = None if is_last else _pause_s(response, attempt, self._patience)
                if wait_s is None:
                    return response
            except ProtocolError as error:
                if is_last:
                    raise _unreachable(host, error, self._patience) from error
                wait_s = self._patience.back_off_s(attempt)
            except HTTPError as error:
                raise _unreachable(host, error, self._patience) from error
            self._patience.sleep(wait_s)

    def close(self) -> None:
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()

    def _pool(self, url: str) -> PoolManager:
        """The pool for an address: one for plain HTTP (key ""), one for TLS (None), one per proxy."""
        scheme, _, rest = url.partition("://")
        proxy = proxy_for(rest.partition("/")[0], self._environ) if scheme == "https" else ""
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = self._new_pool(proxy)
            return self._pools[proxy]

    def _new_pool(self, proxy: str | None) -> PoolManager:
        import urllib3

        timeout = urllib3.Timeout(connect=self._patience.connect_timeout_s, read=self._patience.read_timeout_s)
        # A thread waits for a free connection: more of them at once only slow a registry down.
        size, block = _CONNECTIONS_PER_HOST, True
        if proxy == "":
            return urllib3.PoolManager(timeout=timeout, maxsize=size, block=block)
        context = trust(self._environ)
        if proxy is None:
            return urllib3.PoolManager(timeout=timeout, maxsize=size, block=block, ssl_context=context)
        headers = _proxy_login(proxy)
        return urllib3.ProxyManager(
            proxy, proxy_headers=headers, timeout=timeout, maxsize=size, block=block, ssl_context=context
        )


def _proxy_login(proxy: str) -> dict[str, str]:
    """The header for `http://user:password@proxy`, which urllib3 leaves to us."""
    from urllib.parse import unquote

    from urllib3.util import parse_url

    user, _, secret = (parse_url(proxy).auth or "").partition(":")
    return {"Proxy-Authorization": basic(Credential(unquote(user), unquote(secret)))} if user else {}


def proxy_for(host: str, environ: Mapping[str, str]) -> str | None:
    """Address of the proxy for TLS to `host[:port]`, or None for a direct connection.

    Lower-case variables win over upper-case ones; NO_PROXY holds names, each with its subdomains, or `*`.
    """

    def value(*names: str) -> str:
        return next((environ[name] for name in names if environ.get(name)), "")

    proxy = value("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    exempt = [item.strip().lstrip("*").lstrip(".") for item in value("no_proxy", "NO_PROXY").split(",") if item.strip()]
    is_exempt = any(item in ("", host, name) or name.endswith(f".{item}") for item in exempt)
    if not proxy or is_exempt or is_loopback(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def trust(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Whose certificates are believed: SSL_CERT_FILE, else REQUESTS_CA_BUNDLE (file or folder), else the system's.

    Raises:
        ConfigError: the variable names nothing that can be read.
    """
    import ssl

    name = next((name for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if environ.get(name)), None)
    if name is None:
        return ssl.create_default_context()
    path = environ[name]
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            f"{name} names {path}, where no certificates can be read: {error.strerror or error}",
            hint=f"correct {name}, or unset it to use the system's certificates",
        ) from None


def _pause_s(response: BaseHTTPResponse, attempt: int, patience: Patience) -> float | None:
    """How long to wait before asking again; None when this answer is the answer."""
    if response.status not in (429, 500, 502, 503, 504):
        return None
    after_s = _retry_after_s(response.headers.get("Retry-After", ""), patience.clock)
    if after_s is None:
        return patience.back_off_s(attempt)
    return after_s if after_s <= patience.longest_wait_s else None


def _retry_after_s(text: str, clock: Callable[[], float]) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date (RFC 9110, 10.2.3)."""
    if text.strip().isdecimal():
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - clock())
    except (ValueError, TypeError):
        return None


def _unreachable(host: str, error: Exception, patience: Patience) -> RegistryUnreachable:
    from urllib3 import exceptions

    cause = (error.reason or error) if isinstance(error, exceptions.MaxRetryError) else error
    # Most particular first: a failed look-up is a failed connection, too.
    known: tuple[tuple[type[Exception], str, str], ...] = (
        (exceptions.NameResolutionError, "its name cannot be looked up", "is it spelled right, and are you online?"),
        (exceptions.NewConnectionError, _system_words(cause), "is it running, and are you online?"),
        (
            exceptions.ConnectTimeoutError,
            f"no connection within {patience.connect_timeout_s:g} s",
            "does it need a proxy (HTTPS_PROXY) or a VPN?",
        ),
        (
            exceptions.ReadTimeoutError,
            f"no answer within {patience.read_timeout_s:g} s",
            "it may be overloaded; try again later",
        ),
        (exceptions.ProxyError, "the proxy does not let us through", "see HTTPS_PROXY and NO_PROXY"),
        (exceptions.SSLError, f"TLS failed ({_system_words(cause)})", _TLS_HINT),
        (exceptions.ProtocolError, "it closes the connection without an answer", "try again later"),
        (exceptions.ResponseError, "it redirects too often", "is a proxy in between?"),
        (exceptions.LocationValueError, "its address, or that of the proxy, cannot be used", "see HTTPS_PROXY"),
    )
    words, hint = next(
        ((words, hint) for kind, words, hint in known if isinstance(cause, kind)), (type(cause).__name__, None)
    )
    return RegistryUnreachable(f"cannot reach registry {host}: {words}", hint=hint, address=host)


_TLS_HINT = "name its CA's certificate in SSL_CERT_FILE; without TLS only this machine's registries are used"


def _system_words(error: BaseException) -> str:
    """What the operating system or OpenSSL called it: `Connection refused`, `certificate verify failed`."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError):
            return getattr(seen, "verify_message", "") or seen.strerror or getattr(seen, "reason", "") or str(seen)
        inner = seen.args[-1] if seen.args else None
        seen = seen.__cause__ or seen.__context__ or (inner if isinstance(inner, BaseException) else None)
    return "no connection"
