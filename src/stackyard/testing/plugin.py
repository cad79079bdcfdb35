# SPDX-License-Identifier: MIT
"""What image tests get from pytest: fixtures, labels by which their containers are found, results as they come.

In:    TEST_IMAGE (the image under test), DOCKER_HOST, and of a run of Stackyard STACKYARD_RUN, STACKYARD_RESULTS
       (a file), STACKYARD_TURN (a file)
Out:   fixtures image_name, docker_client, container, inside, http_client; a line of JSON for each test
Loaded by: `pytest -p stackyard.testing.plugin`, as Stackyard runs it; no other pytest knows of it
Rules: docs/how-to/test-images.md. What a conftest.py defines under the same names wins

Nothing of Stackyard is imported, and docker and requests not before a test asks for them: each image's tests pay
for what stands here.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

import pytest

RUN, RESULTS, TURN = "STACKYARD_RUN", "STACKYARD_RESULTS", "STACKYARD_TURN"
LABEL = "stackyard.run"
NOT_MY_TURN = 75
"""The exit code of a process that has collected tests, and whose turn it is not: none of them has begun."""
_OURS = ("container", "inside")
_MOST = 4000
"""So much is kept of what one test printed."""
_MOST_OF_ALL = 400_000
"""And of all together."""


class TestedContainer:
    """One container of the image under test. Running it again removes the one before.

    Ports are free ones, of this machine only, unless a test names others.
    """

    __test__ = False

    def __init__(self, docker_client: Any, image_name: str) -> None:
        self.docker_client = docker_client
        self.image_name = image_name
        self.kwargs: dict[str, Any] = {"detach": True, "tty": True}
        """What each container is run with, unless a test says otherwise."""
        self._running: Any = None

    def run(self, **kwargs: Any) -> Any:
        """Run the image; what docker's `containers.run` takes, and gives."""
        self.remove()
        ports = {port: ("127.0.0.1", None) if host is None else host for port, host in kwargs.pop("ports", {}).items()}
        options = {**self.kwargs, **kwargs, **({"ports": ports} if ports else {})}
        self._running = self.docker_client.containers.run(self.image_name, **options)
        return self._running

    def serve(self, port: int, **kwargs: Any) -> str:
        """Run the image with one of its ports open to this machine, and say where: `http://127.0.0.1:32768`."""
        running = self.run(ports={f"{port}/tcp": None}, **kwargs)
        running.reload()
        bound = (running.ports.get(f"{port}/tcp") or [{}])[0].get("HostPort")
        if bound is None:
            said = running.logs().decode("utf-8", "replace")
            raise AssertionError(f"the container ended before port {port} was open:\n{said}")
        return f"http://127.0.0.1:{bound}"

    def sh(self, command: str, **kwargs: Any) -> str:
        """Run a shell command inside, in a container that does nothing else, and return what it prints. It succeeds."""
        if self._running is None:
            self.run(entrypoint=["/bin/sh", "-c", "read _"], stdin_open=True, tty=False)
        status, output = self._running.exec_run(["sh", "-c", command], **kwargs)
        text: str = output.decode("utf-8", "replace").strip()
        assert status == 0, f"{command!r} ended with {status}:\n{text}"
        return text

    def remove(self) -> None:
        """Remove the container, running or not."""
        running, self._running = self._running, None
        if running is not None:
            running.remove(force=True, v=True)


@pytest.fixture(scope="session")
def image_name() -> str:
    """The image under test."""
    name = os.environ.get("TEST_IMAGE")
    if not name:
        pytest.exit("TEST_IMAGE is not set: it names the image under test", returncode=4)
    return name


@pytest.fixture(scope="session")
def docker_client() -> Iterator[Any]:
    """The `docker` package's client of the engine that has the image; podman's socket serves as well."""
    import docker  # type: ignore[import-untyped]

    _label_containers()
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def container(docker_client: Any, image_name: str) -> Iterator[TestedContainer]:
    """A container for one test that wants its own."""
    tested = TestedContainer(docker_client, image_name)
    yield tested
    tested.remove()


@pytest.fixture(scope="session")
def inside(docker_client: Any, image_name: str) -> Iterator[TestedContainer]:
    """A container for all tests that only look."""
    tested = TestedContainer(docker_client, image_name)
    yield tested
    tested.remove()


@pytest.fixture
def http_client() -> Iterator[Any]:
    """A `requests` session that waits for a server to come up: it tries again for about half a minute.

    What may have been done already is not asked for twice: POST and PATCH are sent again only where no connection
    was made, so GET something first.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    patient = Retry(total=9, backoff_factor=0.1, backoff_max=8, status_forcelist=[502, 503])
    with requests.Session() as session:
        session.trust_env = False  # a proxy does not know this machine's loopback
        session.mount("http://", HTTPAdapter(max_retries=patient))
        yield session


# Hooks.


def pytest_configure(config: pytest.Config) -> None:
    """Write results down as they come, where somebody reads them."""
    if path := os.environ.get(RESULTS):
        config.pluginmanager.register(_Writer(path), "stackyard-results")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Label what tests start; take a turn at the engine where tests may have fixed ports or names."""
    _label_containers()
    path = os.environ.get(TURN)
    if not path or not session.items or all(map(_uses_ours, session.items)):
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it lasts as long as this process
    except BlockingIOError:
        pytest.exit("the tests of another image have the engine", returncode=NOT_MY_TURN)
    except OSError:
        return  # where nothing can be locked everybody goes on at once


def _uses_ours(item: pytest.Item) -> bool:
    """Whether a test reaches the image through our fixtures, which take free ports and no names."""
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    used = [known[name][-1] for name in _OURS if known.get(name)]
    return bool(used) and all(getattr(each.func, "__module__", "") == __name__ for each in used)


def _label_containers() -> None:
    """Have every container that the `docker` package creates here carry the run's label.

    Tests that know nothing of it start containers, too, and are killed as others are.
    """
    token, package = os.environ.get(RUN), sys.modules.get("docker.models.containers")
    if not token or package is None or hasattr(package, "_stackyard"):
        return
    collection: Any = package.ContainerCollection
    make = collection.create

    def create(self: Any, image: Any, command: Any = None, **kwargs: Any) -> Any:
        labels = kwargs.get("labels") or {}
        given = dict(labels) if isinstance(labels, dict) else dict.fromkeys(labels, "")
        return make(self, image, command, **{**kwargs, "labels": {LABEL: token, **given}})

    collection.create = create
    package._stackyard = token  # type: ignore[attr-defined]


class _Writer:
    """A line when a test begins, and one when it is over: who is killed has told how far it came."""

    def __init__(self, path: str) -> None:
        self._file: TextIO = open(path, "a", encoding="utf-8")  # noqa: SIM115 - open for as long as pytest runs
        self._reports: list[pytest.TestReport] = []
        self._left = _MOST_OF_ALL

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._reports = []
        self._write({"begun": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One of its phases is over."""
        self._reports.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """The test is over."""
        failed = next((each for each in self._reports if each.failed), None)
        skipped = next((each for each in self._reports if each.skipped), None)
        last = self._reports[-1] if self._reports else None
        printed = f"{last.capstdout}{last.capstderr}" if last else ""
        case = {
            "name": nodeid,
            "result": "failed" if failed else "skipped" if skipped else "passed",
            "duration_s": round(sum(each.duration for each in self._reports), 4),
            "message": _first_line(failed) if failed else _reason(skipped) if skipped else "",
            "output": self._kept((failed.longreprtext if failed else "", printed)),
        }
        self._write(case)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be read is a failure as well."""
        if report.failed:
            said = report.longreprtext
            lines = [line for line in said.splitlines() if line.strip()]
            message = next((line.removeprefix("E").strip() for line in reversed(lines) if line.startswith("E")), "")
            case = {"name": report.nodeid or "collection", "result": "failed", "duration_s": 0.0}
            self._write({**case, "message": message[:200], "output": self._kept((said,))})

    def _kept(self, texts: Sequence[str]) -> str:
        text = "\n".join(filter(None, texts))[: min(_MOST, self._left)]
        self._left -= len(text)
        return text

    def _write(self, line: Mapping[str, object]) -> None:
        self._file.write(f"{json.dumps(line)}\n")
        self._file.flush()


def _first_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(getattr(crash, "message", "") or report.longreprtext)
    return next((line for line in text.splitlines() if line.strip()), "")[:200]


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")[:200]
    return str(getattr(report, "wasxfail", ""))[:200]
