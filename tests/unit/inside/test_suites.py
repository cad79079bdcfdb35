# SPDX-License-Identifier: MIT
"""A user's pytest over a fake engine: what comes back of each test, and who waits for whom."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackyard.edges import pytest_process
from stackyard.edges.process import Processes
from stackyard.edges.pytest_process import MOST_LOG, PytestRunner, turn_at
from stackyard.edges.turn import Turn
from stackyard.inside.suites import Suites
from stackyard.model.details import Suite
from stackyard.model.names import Digest
from stackyard.model.record import Built, SuiteResult
from stackyard.model.reference import Reference
from stackyard.testing import FakeEngine, FixedClock, plugin
from tests.unit.plan.made import target

pytestmark = pytest.mark.processes

DOCKER = """
import sys, types
asked = []
class ContainerCollection:
    def create(self, image, command=None, **kwargs):
        asked.append((image, kwargs))
        return self
    def run(self, image, command=None, **kwargs):
        return self.create(image, command, **kwargs)
    def remove(self, **kwargs):
        asked.append("removed")
    def reload(self):
        self.ports = {"80/tcp": [{"HostPort": "4711"}]}
models = types.ModuleType("docker.models")
models.containers = types.ModuleType("docker.models.containers")
models.containers.ContainerCollection = ContainerCollection
sys.modules |= {"docker.models": models, "docker.models.containers": models.containers}
class from_env:
    containers = ContainerCollection()
    def close(self):
        asked.append("closed")
"""
"""What stands for the `docker` package: it remembers what was asked of it."""
FIXTURES = """
import docker, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
def test_a_server(container, image_name):
    assert container.serve(80, environment={"A": "b"}) == "http://127.0.0.1:4711"
    image, options = docker.asked[-1]
    assert image == image_name == "registry.example/lab:sy-1"
    assert options["labels"] == {"stackyard.run": "token"}
    assert options["ports"] == {"80/tcp": ("127.0.0.1", None)}
    assert options["detach"] and options["environment"] == {"A": "b"}
def test_it_was_removed(inside):
    assert docker.asked[-1] == "removed"
def test_what_arrived_is_not_sent_again(container, http_client):
    asked = []
    class Starting(BaseHTTPRequestHandler):
        def answer(self):
            asked.append(self.command)
            self.send_response(503 if asked.count(self.command) == 1 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        do_GET = do_POST = do_PATCH = answer
        def log_message(self, *words):
            pass
    with HTTPServer(("127.0.0.1", 0), Starting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = [http_client.request(verb, url).status_code for verb in ("POST", "PATCH", "GET")]
        server.shutdown()
    assert found == [503, 503, 200]
    assert asked == ["POST", "PATCH", "GET", "GET"]
"""
RESULTS = """
import pytest, sys
def test_good():
    print("much " * 3000)
def test_bad():
    sys.stdout.buffer.write(bytes(range(256)))
    assert 1 == 2
@pytest.mark.skip(reason="no GPU")
def test_left_out():
    pass
"""


class Lab:
    """A stack's root with tests, run on an image that no engine has."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n")
        self.told: list[str] = []
        self.engine = FakeEngine()
        environ = {**os.environ, "STACKYARD_RUN": "token"}
        runner = PytestRunner(Processes(environ))
        self.suites = Suites(
            root, self.engine, self.engine.about(), runner, FixedClock(), lambda _: None, root / "turns"
        )

    def __call__(self, is_parallel: bool = False, **files: str) -> SuiteResult:
        """Write tests, and run them."""
        for name, text in files.items():
            (self.root / "test").mkdir(exist_ok=True)
            (self.root / "test" / f"{name}.py").write_text(text)
        suite = Suite("basic", ("test",), Digest("sha256:1"), None, is_parallel)
        local = Reference.parse("registry.example/lab:sy-1")
        image = self.engine.add(str(local))
        built = Built("T", image, Digest("sha256:2"), local, (), (), 0.0, 0, "", "")
        (self.root / "run").mkdir(exist_ok=True)
        return self.suites(target("lab"), suite, built, self.root / "run", lambda text, *_: self.told.append(text))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A folder."""
    return Lab(tmp_path)


def test_each_test_is_a_value(lab: Lab) -> None:
    """With what it printed, binary too, and why it failed; a file with wrong syntax hides no other."""
    found = lab(test_results=RESULTS, test_wrong="def test_x(:\n").result
    cases = {case.name.rpartition("::")[2].rpartition("/")[2]: case for case in found.cases}

    assert not found.passed
    assert (found.total, found.failed, found.skipped) == (4, 2, 1)
    assert {name: case.result for name, case in cases.items()} == {
        "test_wrong.py": "failed",
        "test_good": "passed",
        "test_bad": "failed",
        "test_left_out": "skipped",
    }
    assert "SyntaxError" in cases["test_wrong.py"].message
    assert cases["test_good"].output.startswith("much much")
    assert len(cases["test_good"].output) == 4000
    assert cases["test_bad"].message.startswith("assert 1 == 2")
    assert cases["test_left_out"].message == "no GPU"
    assert cases["test_good"].duration_s > 0


def test_much_output_is_kept_in_part(lab: Lab) -> None:
    """100 MB in one line, of a test that fails: the result is right, and neither log nor record is as large."""
    text = "def test_loud():\n    print('x' * 10**8)\n    assert False, 'no end'\n"
    found = lab(test_loud=text)

    assert [(case.name, case.message) for case in found.result.cases] == [
        ("test/test_loud.py::test_loud", "AssertionError: no end")
    ]
    assert found.result.failures == ("test_loud::test_loud: AssertionError: no end",)
    assert len(found.result.cases[0].output) == 4000
    log = lab.root / found.log
    assert log.stat().st_size < MOST_LOG + 1000
    assert log.read_bytes().rstrip().endswith(b"more bytes were left out]")


def test_a_test_that_kills_its_process_is_named(lab: Lab) -> None:
    """So are those before it that had passed; the result is a failure."""
    text = "import os, signal\ndef test_a():\n    pass\ndef test_b():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    found = lab(test_kill=text).result

    assert not found.passed
    assert [(case.name, case.result) for case in found.cases] == [
        ("test/test_kill.py::test_a", "passed"),
        ("test/test_kill.py::test_b", "failed"),
    ]
    assert found.failures[-1].startswith("pytest ended by SIGKILL in test/test_kill.py::test_b")


def test_who_may_have_fixed_ports_waits_and_others_do_not(lab: Lab, request: pytest.FixtureRequest) -> None:
    """Tests through our fixtures get free ports, labels and an end, and run beside anybody; old ones take turns."""
    (lab.root / "docker.py").write_text(DOCKER)
    turn = Turn(turn_at(lab.root / "turns", lab.engine.about().address))
    request.addfinalizer(turn.give_back)
    assert turn.take()
    ours = lab(test_ours=FIXTURES).result
    assert ours.failures == ()
    assert (ours.passed, ours.total, lab.told) == (True, 3, [])
    (lab.root / "test/test_ours.py").unlink()
    assert lab(is_parallel=True, test_old="def test_it():\n    pass\n").result.passed
    assert lab.told == []

    waited: list[str] = []

    class Told(list[str]):
        def append(self, text: str) -> None:
            waited.append(text)
            turn.give_back()

    lab.told = Told()
    assert lab().result.passed
    assert waited == ["waits for the tests of another image, which have the engine"]


def test_both_sides_mean_the_same() -> None:
    """The plugin imports nothing of ours, so that names are written down twice."""
    names = ("RESULTS", "TURN", "NOT_MY_TURN")
    assert [getattr(plugin, name) for name in names] == [getattr(pytest_process, name) for name in names]
