# SPDX-License-Identifier: MIT
"""Run one command in a fresh container, and leave nothing of it.

In:   local image, argument list, time limit
Out:  exit code, output
Raises: EngineProblem (no such image, the engine's refusal)
Why over HTTP: the docker client's own failures and those of the command share its exit codes
Beside: edges/docker
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Sequence

import msgspec

from stackyard.edges.docker_api import Api, unframe, words_of
from stackyard.edges.engine import RunResult
from stackyard.edges.traces import LABEL
from stackyard.errors import EngineProblem
from stackyard.model import canonical
from stackyard.model.reference import LocalImage

TIME_IS_UP, NOT_EXECUTABLE, NOT_FOUND = 124, 126, 127


class Containers:
    """Containers that one engine edge started and has not removed yet.

    Args:
        token: of the run that they are for.
    """

    def __init__(self, api: Api, token: str) -> None:
        self._api = api
        self._token = token
        self._running: set[str] = set()
        self._closed = False

    @property
    def label(self) -> str:
        """By which the next run knows the containers of one that was killed."""
        return f"{LABEL}={self._token}"

    def run(self, image: LocalImage, argv: Sequence[str], timeout_s: float) -> RunResult:
        """See Engine.run."""
        started = time.monotonic()
        name = f"stackyard-{secrets.token_hex(8)}"
        self._running.add(name)
        try:
            self._create(name, image, argv)
            code, output = self._follow(name, timeout_s)
        except EngineProblem as problem:
            if self._closed:
                raise EngineProblem(f"{argv[0]} was stopped before its end") from problem
            raise
        finally:
            self._remove(name)
        return RunResult(code, output, time.monotonic() - started)

    def clear(self, token: str) -> None:
        """Remove containers and networks of a dead run."""
        labelled = {"filters": canonical.encode({"label": [f"{LABEL}={token}"]}).decode()}
        for told in self._api.must("/containers/json", {"all": "1", **labelled}):
            self._remove(told["Id"])
        for told in self._api.must("/networks", labelled):
            with contextlib.suppress(EngineProblem):  # somebody else's container is in it
                self._api.call("DELETE", f"/networks/{told['Id']}")

    def close(self) -> None:
        """Remove every container that still runs."""
        self._closed = True
        for name in list(self._running):
            self._remove(name)

    def _create(self, name: str, image: LocalImage, argv: Sequence[str]) -> None:
        if self._closed:
            raise EngineProblem(f"{argv[0]} was not started: Stackyard is stopping")
        status, answer = self._api.call(
            "POST",
            "/containers/create",
            {"name": name},
            {
                "Image": image.id,
                "Entrypoint": [argv[0]],
                "Cmd": list(argv[1:]),
                "Labels": {LABEL: self._token},
                "Healthcheck": {"Test": ["NONE"]},
                # Whatever the engine's default is: the output must be there to be read.
                "HostConfig": {"LogConfig": {"Type": "json-file"}},
            },
        )
        if status == 404:
            raise EngineProblem(
                f"{argv[0]} cannot be run in {image.id.short}: {words_of(answer)}", engine=self._api.endpoint.address
            )

    def _follow(self, name: str, timeout_s: float) -> tuple[int, str]:
        """Start the container and wait: exit code and output of its command."""
        try:
            self._api.call("POST", f"/containers/{name}/start")
        except EngineProblem as problem:
            # A command that is not there is the command's failure, told as a shell would.
            code = self._exit_code(name) if "words" in problem.facts else None
            if code in (NOT_EXECUTABLE, NOT_FOUND):
                return code, f"{problem.facts['words']}\n"
            raise
        code = self._wait(name, timeout_s)
        if self._closed:
            raise EngineProblem("the container was removed")
        return TIME_IS_UP if code is None else code, self._output(name)

    def _wait(self, name: str, timeout_s: float) -> int | None:
        """The command's exit code, None when the time was up first."""
        try:
            _, answer = self._api.call("POST", f"/containers/{name}/wait", answer_s=max(timeout_s, 0.001))
        except TimeoutError:
            return None
        return int(msgspec.json.decode(answer).get("StatusCode", 1))

    def _exit_code(self, name: str) -> int:
        told = self._api.get(f"/containers/{name}/json") or {}
        return int(told.get("State", {}).get("ExitCode", 1))

    def _output(self, name: str) -> str:
        _, answer = self._api.call("GET", f"/containers/{name}/logs", {"stdout": "1", "stderr": "1"})
        return unframe(answer).decode("utf-8", "replace")

    def _remove(self, name: str) -> None:
        with contextlib.suppress(EngineProblem):  # gone already, or about to be
            self._api.call("DELETE", f"/containers/{name}", {"force": "1", "v": "1"})
        self._running.discard(name)
