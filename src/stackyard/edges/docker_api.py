# SPDX-License-Identifier: MIT
"""HTTP over the engine's socket: a connection per call or series of calls, unversioned paths, words of the engine kept.

In:   method, path, query, JSON
Out:  JSON, or bytes
Raises: EngineUnavailable (nobody answers), EngineProblem (.status: the answer is a no)
Source: Docker Engine API, "Errors", and `docker system dial-stdio` for engines behind ssh or TLS.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from stackyard.edges.docker_context import Endpoint
from stackyard.edges.process import Processes
from stackyard.errors import EngineProblem, EngineUnavailable
from stackyard.model import canonical

if TYPE_CHECKING:
    import http.client

TRIES = 3
ANSWER_S = 300.0
"""An engine that says nothing for so long is taken for dead; removing a large image may need a minute or two."""
SAVING_S = 3600.0
"""Docker's classic store writes all of an image to its disk before it says the first word of it."""
CONNECT_S = 20.0
_PIECE = 1 << 16
_WORDS = 1 << 16


class Api:
    """One engine's HTTP interface. May be used from several threads."""

    def __init__(self, endpoint: Endpoint, processes: Processes) -> None:
        self.endpoint = endpoint
        self._processes = processes

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """JSON at `path`; None where the engine says 404."""
        status, body = self.call("GET", path, query)
        return None if status == 404 else msgspec.json.decode(body)

    def must(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """JSON at a path that every engine has.

        A list may come back as a 404 where one of its items went away meanwhile: it is asked for again.
        """
        for _ in range(TRIES):
            found = self.get(path, query)
            if found is not None:
                return found
        raise EngineProblem(
            f"the engine answers that there is no {path}",
            hint="is this a Docker engine, and is nothing between it and here?",
            engine=self.endpoint.address,
        )

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        answer_s: float = ANSWER_S,
    ) -> tuple[int, bytes]:
        """Status and body of a yes or of a 404; every other answer is an EngineProblem.

        Raises:
            TimeoutError: the engine began an answer and did not end it within `answer_s`.
        """
        target = quote(path) + (f"?{urlencode(query)}" if query else "")
        payload = None if body is None else canonical.encode(body)
        headers = {"Host": "docker", "Connection": "close"}
        if payload is not None:
            headers["Content-Type"] = "application/json"
        with self._connected() as connection:
            response, answer = self._answered(connection, method, target, payload, headers, answer_s)
        return response.status, answer

    def are_there(self, paths: Iterable[str]) -> list[bool]:
        """Whether each of some paths is no 404: on one connection, for as long as the engine keeps that open.

        Where the engine is reached through a program (ssh, TLS), each connection is one.
        """
        left, there = deque(paths), list[bool]()
        while left:
            with self._connected() as connection:
                is_open = True
                while left and is_open:
                    try:
                        response, _ = self._answered(connection, "GET", quote(left.popleft()), None, {"Host": "docker"})
                    except TimeoutError as problem:
                        raise self._silent(ANSWER_S) from problem
                    there.append(response.status != 404)
                    is_open = not response.will_close
        return there

    def _answered(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        payload: bytes | None,
        headers: Mapping[str, str],
        answer_s: float = ANSWER_S,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """The whole answer, where it is a yes or a 404."""
        try:
            connection.sock.settimeout(answer_s)
            connection.request(method, target, body=payload, headers=dict(headers))
            response = connection.getresponse()
        except TimeoutError as problem:
            raise self._silent(answer_s) from problem
        except Exception as problem:
            raise self._unavailable(problem) from problem
        try:
            answer = response.read()
        except TimeoutError:
            raise
        except Exception as problem:
            raise self._unavailable(problem) from problem
        if response.status >= 400 and response.status != 404:
            words = words_of(answer)
            raise EngineProblem(
                f"the engine refused: {words}", engine=self.endpoint.address, status=response.status, words=words
            )
        return response, answer

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        """What a GET gives, to be read as it comes: of any size. Every answer but a yes is an EngineProblem."""
        import http.client

        with self._connected() as connection:
            try:
                connection.sock.settimeout(SAVING_S)
                connection.request("GET", quote(path), headers={"Host": "docker", "Connection": "close"})
                response = connection.getresponse()
                if response.status != 200:
                    words = words_of(response.read())
                    raise EngineProblem(
                        f"the engine refused: {words}",
                        engine=self.endpoint.address,
                        status=response.status,
                        words=words,
                    )
                yield response
            except TimeoutError as problem:
                raise self._silent(SAVING_S) from problem
            except (http.client.HTTPException, ConnectionError) as problem:
                raise self._unavailable(problem) from problem

    @contextlib.contextmanager
    def streamed(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        until: float | None = None,
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Status and body of an answer of any size, piece by piece; it is ended where the block is left.

        Args:
            body: bytes are sent as they are, a tar; else JSON.
            until: `time.monotonic()` by which a piece has to come, else TimeoutError.
        """
        target = quote(path) + (f"?{urlencode(query)}" if query else "")
        is_raw = isinstance(body, bytes)
        payload = body if isinstance(body, bytes) else None if body is None else canonical.encode(body)
        headers = {"Host": "docker", "Connection": "close"}
        if payload is not None:
            headers["Content-Type"] = "application/x-tar" if is_raw else "application/json"
        with self._connected() as connection:
            try:
                connection.sock.settimeout(ANSWER_S)
                connection.request(method, target, body=payload, headers=headers)
                sock = connection.sock
                response = connection.getresponse()
            except TimeoutError as problem:
                raise self._silent(ANSWER_S) from problem
            except Exception as problem:
                raise self._unavailable(problem) from problem
            if response.status >= 400 and response.status != 404:
                words = words_of(response.read(_WORDS))
                raise EngineProblem(
                    f"the engine refused: {words}", engine=self.endpoint.address, status=response.status, words=words
                )

            def pieces() -> Iterator[bytes]:
                while True:
                    sock.settimeout(ANSWER_S if until is None else max(until - time.monotonic(), 0.001))
                    try:
                        piece = response.read1(_PIECE)
                    except TimeoutError:
                        raise
                    except Exception as problem:
                        raise self._unavailable(problem) from problem
                    if not piece:
                        return
                    yield piece

            yield response.status, pieces()

    def ping(self) -> None:
        """EngineUnavailable if nobody answers."""
        self.call("GET", "/_ping", answer_s=CONNECT_S)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        import http.client  # a plan without an engine needs none of it

        with contextlib.ExitStack() as stack:
            try:
                sock = self._socket(stack)
            except OSError as problem:
                raise self._unavailable(problem) from problem
            connection = http.client.HTTPConnection("docker")
            connection.sock = sock
            yield connection

    def _socket(self, stack: contextlib.ExitStack) -> socket.socket:
        try:
            parts = urlsplit(self.endpoint.address)
            port = parts.port
        except ValueError as problem:  # a port that is no number, a bracket that is not closed
            raise self._nowhere() from problem
        if parts.scheme == "ssh" or self.endpoint.is_tls:
            return stack.enter_context(self._processes.connection(["docker", "system", "dial-stdio"]))
        if parts.scheme == "unix":
            sock = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            sock.settimeout(CONNECT_S)
            sock.connect(parts.path)
            return sock
        if parts.scheme in ("tcp", "http") and parts.hostname:
            return stack.enter_context(socket.create_connection((parts.hostname, port or 2375), timeout=CONNECT_S))
        raise self._nowhere()

    def _nowhere(self) -> EngineUnavailable:
        return EngineUnavailable(
            f"{self.endpoint.address!r} is no address of an engine that Stackyard can reach",
            hint="DOCKER_HOST, `engines` of the spec and docker contexts may say unix://, tcp:// or ssh://",
            engine=self.endpoint.address,
        )

    def _silent(self, answer_s: float) -> EngineUnavailable:
        return EngineUnavailable(
            f"the engine at {self.endpoint.address} took the request and said nothing for {answer_s:.0f} s",
            hint="its own log tells more; a restart of the engine often helps",
            engine=self.endpoint.address,
        )

    def _unavailable(self, problem: Exception) -> EngineUnavailable:
        address = self.endpoint.address
        if isinstance(problem, PermissionError):
            hint = "this user may not open the engine's socket: `sudo usermod -aG docker $USER`, then log in again"
        elif address.startswith("ssh://"):
            hint = f"does `DOCKER_HOST={address} docker version` work?"
        elif address.startswith("unix://"):
            hint = "is docker running? `docker version` tells; DOCKER_HOST or a docker context name another engine"
        else:
            hint = "is the address right, and the machine up? `docker version` tells"
        why = (problem.strerror if isinstance(problem, OSError) else None) or str(problem) or type(problem).__name__
        return EngineUnavailable(f"no engine answers at {address}: {why.lower()}", hint=hint, engine=address)


def words_of(answer: bytes) -> str:
    """What an engine says in an error, on one line."""
    try:
        said = msgspec.json.decode(answer)["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        said = answer.decode("utf-8", "replace")
    return " ".join(str(said).split())


class Said:
    """What a program said on both its outputs, of which no more than `most` bytes are kept.

    Source: Docker Engine API, "Attach to a container", stream format: one byte of kind, three of
    nothing, four of length (big end first).

    >>> said = Said(5)
    >>> for piece in (bytes([1, 0, 0, 0, 0, 0, 0, 2]) + b"o", b"k" + bytes([2, 0, 0, 0, 0, 0, 0, 4]) + b"!..."):
    ...     said.take(piece)
    >>> said.text, said.errors
    ('ok!..\\n[1 more bytes were left out]\\n', '!..')
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = b""
        self._kept = bytearray()
        self._printed, self._errors = bytearray(), bytearray()
        self._left_out = 0

    def take(self, piece: bytes) -> None:
        """The next bytes of a stream with frames."""
        self._rest += piece
        at = 0
        while at + 8 <= len(self._rest):
            length = int.from_bytes(self._rest[at + 4 : at + 8], "big")
            if at + 8 + length > len(self._rest):
                break
            data = self._rest[at + 8 : at + 8 + length]
            room = max(self._most - len(self._kept), 0)
            self._kept += data[:room]
            (self._errors if self._rest[at] == 2 else self._printed).extend(data[:room])
            self._left_out += len(data) - len(data[:room])
            at += 8 + length
        self._rest = self._rest[at:]

    @property
    def text(self) -> str:
        """Both outputs in the order they came, with a word on what was left out."""
        more = f"\n[{self._left_out} more bytes were left out]\n" if self._left_out else ""
        return self._kept.decode("utf-8", "replace") + more

    @property
    def printed(self) -> str:
        """Of the standard output alone."""
        return self._printed.decode("utf-8", "replace")

    @property
    def errors(self) -> str:
        """Of the standard error alone."""
        return self._errors.decode("utf-8", "replace")
