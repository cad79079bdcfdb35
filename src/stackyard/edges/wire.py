# SPDX-License-Identifier: MIT
"""HTTP as everything here does it: proxies, certificates, patience, and what a failure is called.

In:     method, address, headers
Out:    one answer, whatever its status
Raises: what its owner makes of a host that cannot be reached; ConfigError for certificates that cannot be read
Beside: edges/oci (registries), edges/downloads (what ADD fetches), edges/auth (proxies that want a login)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from stackyard.edges.auth import PLAIN_HTTP, basic, is_loopback
from stackyard.edges.credentials import Credential
from stackyard.edges.patience import Patience
from stackyard.errors import ConfigError, WorldError

if TYPE_CHECKING:
    import ssl

    from urllib3 import BaseHTTPResponse, PoolManager

_CONNECTIONS_PER_HOST = 16
_CHUNK = 1 << 20


class Wire:
    """Connections that are kept, one pool for each way out. Safe for threads.

    Args:
        environ: where proxies and certificates are named.
        unreachable: the error for a host, what is wrong with it, and a hint.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        patience: Patience,
        unreachable: Callable[[str, str, str | None], WorldError],
    ) -> None:
        self._environ = environ
        self._patience = patience
        self._unreachable = unreachable
        self._lock = threading.Lock()
        self._pools: dict[str | None, PoolManager] = {}
        self._not_before: dict[str, float] = {}
        """When a host that has had enough may be asked again, by whichever thread."""

    def send(
        self,
        host: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | BinaryIO | None = None,
        into: BinaryIO | None = None,
    ) -> BaseHTTPResponse:
        """One answer, whatever its status. Repeated after a reset, a 429 or a fault of the server.

        A POST carries a secret, so it never follows a redirect.

        Args:
            body: what is sent; a file from its beginning.
            into: what gets the bytes of an answer with status 200, in place of the memory.
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
            self._hold_back(host)
            try:
                if body is not None and not isinstance(body, bytes):
                    body.seek(0)
                response = self._pool(url).request(
                    method, url, body=body, headers=headers, retries=retries, preload_content=into is None
                )
                if into is not None:
                    _drain(response, into)
                self._note_limit(host, response)
                wait_s = None if is_last else _pause_s(response, attempt, self._patience)
                if wait_s is None:
                    return response
                why = f"{host} answers {response.status}"
            except ProtocolError as error:
                if is_last:
                    raise self._failed(host, error) from error
                wait_s, why = self._patience.back_off_s(attempt), f"{host} closed the connection"
            except HTTPError as error:
                raise self._failed(host, error) from error
            self._patience.pause(wait_s, why)

    @contextmanager
    def opened(self, url: str, headers: Mapping[str, str]) -> Iterator[BaseHTTPResponse]:
        """The answer to one GET, to be read as it comes: of a file of any size. A redirect is an answer, too.

        Asked once: who wants to know what is there now asks again another time.
        """
        from urllib3.exceptions import HTTPError

        host = url.partition("://")[2].partition("/")[0]
        headers = {"User-Agent": "stackyard", **headers}
        try:
            response = self._pool(url).request(
                "GET", url, headers=headers, retries=False, redirect=False, preload_content=False
            )
            try:
                yield response
            finally:
                response.close()
        except HTTPError as error:
            raise self._failed(host, error) from error

    def close(self) -> None:
        """Close the kept connections; the next request opens new ones."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()

    def _hold_back(self, host: str) -> None:
        """Wait until a host that another thread was sent away from may be asked again."""
        wait_s = self._not_before.get(host, 0.0) - self._patience.clock()
        if wait_s > 0:
            self._patience.sleep(wait_s)

    def _note_limit(self, host: str, response: BaseHTTPResponse) -> None:
        """Where a host says that nothing more may be asked for a while, nobody asks it."""
        wait_s = _limit_s(response, self._patience.clock)
        if wait_s is not None and 0 < wait_s <= self._patience.longest_wait_s:
            self._not_before[host] = self._patience.clock() + wait_s

    def _failed(self, host: str, error: Exception) -> WorldError:
        words, hint = fault(error, self._patience)
        return self._unreachable(host, words, hint)

    def _pool(self, url: str) -> PoolManager:
        """The pool for an address: one for plain HTTP (key ""), one for TLS (None), one per proxy."""
        scheme, _, rest = url.partition("://")
        proxy = proxy_for(rest.partition("/")[0], self._environ, scheme)
        if proxy is None and scheme == "http":
            proxy = ""
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


def _drain(response: BaseHTTPResponse, into: BinaryIO) -> None:
    """Read an answer to its end: what was asked for into the file, words about why not into memory."""
    if response.status != 200:
        response.data  # noqa: B018 - reading it keeps it, and gives the connection back
        return
    into.seek(0)
    into.truncate()
    for chunk in response.stream(_CHUNK):
        into.write(chunk)


def _proxy_login(proxy: str) -> dict[str, str]:
    """The header for `http://user:password@proxy`, which urllib3 leaves to us."""
    from urllib.parse import unquote

    from urllib3.util import parse_url

    user, _, secret = (parse_url(proxy).auth or "").partition(":")
    return {"Proxy-Authorization": basic(Credential(unquote(user), unquote(secret)))} if user else {}


def proxy_for(host: str, environ: Mapping[str, str], scheme: str = "https") -> str | None:
    """Address of the proxy for `host[:port]`, or None for a direct connection.

    Lower-case variables win over upper-case ones; NO_PROXY holds names, each with its subdomains, or `*`.
    """

    def value(*names: str) -> str:
        return next((environ[name] for name in names if environ.get(name)), "")

    proxy = value(f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
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


def _limit_s(response: BaseHTTPResponse, clock: Callable[[], float]) -> float | None:
    """Seconds until there is something left to ask for: 429 with Retry-After, or a limit that is used up.

    Docker Hub says `RateLimit-Remaining: 0;w=21600` and no reset: nothing can be waited for there.
    """
    if response.status == 429:
        return _retry_after_s(response.headers.get("Retry-After", ""), clock)
    remaining = response.headers.get("RateLimit-Remaining", "").partition(";")[0].strip()
    reset = response.headers.get("RateLimit-Reset", "").partition(";")[0].strip()
    return float(reset) if remaining == "0" and reset.isdecimal() else None


def _retry_after_s(text: str, clock: Callable[[], float]) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date (RFC 9110, 10.2.3)."""
    if text.strip().isdecimal():
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - clock())
    except (ValueError, TypeError):
        return None


def fault(error: Exception, patience: Patience) -> tuple[str, str | None]:
    """What is wrong, in words, and what may help."""
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
    return next(((words, hint) for kind, words, hint in known if isinstance(cause, kind)), (type(cause).__name__, None))


_TLS_HINT = (
    "name its CA's certificate in SSL_CERT_FILE; a registry without TLS on another machine is used "
    f"only where {PLAIN_HTTP} names it"
)


def _system_words(error: BaseException) -> str:
    """What the operating system or OpenSSL called it: `Connection refused`, `certificate verify failed`."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError):
            return getattr(seen, "verify_message", "") or seen.strerror or getattr(seen, "reason", "") or str(seen)
        inner = seen.args[-1] if seen.args else None
        seen = seen.__cause__ or seen.__context__ or (inner if isinstance(inner, BaseException) else None)
    return "no connection"
