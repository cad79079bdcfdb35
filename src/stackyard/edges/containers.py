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
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from stackyard.edges.docker_api import Api, Said, words_of
from stackyard.edges.engine import MOST_OUTPUT, RunResult, Served
from stackyard.edges.inside import IDLE, NOT_EXECUTABLE, NOT_FOUND, TIME_IS_UP, OpenContainer
from stackyard.edges.traces import LABEL
from stackyard.errors import EngineProblem, NotTestable
from stackyard.model import canonical
from stackyard.model.reference import LocalImage


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

    def run(
        self,
        image: LocalImage,
        argv: Sequence[str],
        timeout_s: float,
        user: str = "",
        env: Sequence[tuple[str, str]] = (),
    ) -> RunResult:
        """See Engine.run."""
        started = time.monotonic()
        name = self._named()
        try:
            more = {"User": user} if user else {}
            self._create(name, image, argv, {**more, "Env": [f"{key}={value}" for key, value in env]})
            code, output = self._follow(name, timeout_s)
        except EngineProblem as problem:
            if self._closed:
                raise EngineProblem(f"{argv[0]} was stopped before its end") from problem
            raise
        finally:
            self._remove(name)
        return RunResult(code, output, time.monotonic() - started)

    @contextlib.contextmanager
    def inside(self, image: LocalImage, wants_gpu: bool = False) -> Iterator[OpenContainer]:
        """See Engine.inside."""
        gpus: dict[str, Any] = {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}
        host = gpus if wants_gpu and self._has_gpu() else {}

        def begin() -> tuple[str, bool]:
            name = self._named()
            try:
                self._create(name, image, IDLE, {"OpenStdin": True}, host)
                return name, self._is_started(name)
            except BaseException:
                self._remove(name)
                raise

        def alone(argv: Sequence[str], timeout_s: float, user: str, env: Sequence[tuple[str, str]]) -> RunResult:
            return self.run(image, argv, timeout_s, user, env)

        opened = OpenContainer(self._api, begin, self._remove, alone)
        try:
            yield opened
        except EngineProblem as problem:
            if self._closed:
                raise EngineProblem("a check was stopped before its end") from problem
            raise
        finally:
            opened.close()

    def _has_gpu(self) -> bool:
        told = self._api.must("/info")
        devices = [str(device.get("ID", "")) for device in told.get("DiscoveredDevices") or ()]
        return "nvidia" in (told.get("Runtimes") or {}) or any(device.startswith("nvidia.com/") for device in devices)

    def _is_started(self, name: str) -> bool:
        """Start a container; False where the image has no shell."""
        try:
            self._api.call("POST", f"/containers/{name}/start")
        except EngineProblem as problem:
            if "words" in problem.facts and self._exit_code(name) in (NOT_EXECUTABLE, NOT_FOUND):
                return False
            raise
        return True

    @contextlib.contextmanager
    def serving(self, image: LocalImage, port: int) -> Iterator[Served]:
        """See Engine.serving."""
        if not self._api.endpoint.address.startswith("unix://"):
            raise NotTestable(
                f"ports cannot be checked here: the engine at {self._api.endpoint.address} is on another machine",
                hint="run the check where the engine is",
                engine=self._api.endpoint.address,
            )
        name, key = self._named(), f"{port}/tcp"
        try:
            host = {"PortBindings": {key: [{"HostIp": "127.0.0.1", "HostPort": ""}]}}
            self._create(name, image, None, {"ExposedPorts": {key: {}}}, host)
            self._api.call("POST", f"/containers/{name}/start")
            told = self._api.get(f"/containers/{name}/json") or {}
            bound = (told.get("NetworkSettings", {}).get("Ports") or {}).get(key) or [{}]
            yield Served(
                "127.0.0.1", int(bound[0].get("HostPort") or 0), lambda: self._is_up(name), lambda: self._output(name)
            )
        finally:
            self._remove(name)

    def _is_up(self, name: str) -> bool:
        told = self._api.get(f"/containers/{name}/json") or {}
        return bool(told.get("State", {}).get("Running"))

    def _named(self) -> str:
        """The name of a container that is about to be, and that `close` removes."""
        name = f"stackyard-{secrets.token_hex(8)}"
        self._running.add(name)
        return name

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

    def _create(
        self,
        name: str,
        image: LocalImage,
        argv: Sequence[str] | None,
        more: Mapping[str, Any] = MappingProxyType({}),
        host: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Create a container for a command; None: for the one that the image declares."""
        what = argv[0] if argv else "a container"
        if self._closed:
            raise EngineProblem(f"{what} was not started: Stackyard is stopping")
        status, answer = self._api.call(
            "POST",
            "/containers/create",
            {"name": name},
            {
                "Image": image.id,
                **({"Entrypoint": [argv[0]], "Cmd": list(argv[1:])} if argv else {}),
                "Labels": {LABEL: self._token},
                "Healthcheck": {"Test": ["NONE"]},
                # Whatever the engine's default is: the output must be there to be read.
                "HostConfig": {"LogConfig": {"Type": "json-file"}, **host},
                **more,
            },
        )
        if status == 404:
            raise EngineProblem(
                f"{what} cannot be run in {image.id.short}: {words_of(answer)}", engine=self._api.endpoint.address
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
        said = Said(MOST_OUTPUT)
        with self._api.streamed("GET", f"/containers/{name}/logs", {"stdout": "1", "stderr": "1"}) as (_, pieces):
            for piece in pieces:
                said.take(piece)
        return said.text

    def _remove(self, name: str) -> None:
        with contextlib.suppress(EngineProblem):  # gone already, or about to be
            self._api.call("DELETE", f"/containers/{name}", {"force": "1", "v": "1"})
        self._running.discard(name)
