# SPDX-License-Identifier: MIT
"""Checks of an image over a fake engine: what is asked of it, and what each says is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stackyard.edges.engine import FileFacts, RunResult
from stackyard.inside.checks import Checker
from stackyard.model import checks
from stackyard.model.checks import Check, CommandCheck, FileCheck, GenericCheck, ImageCheck, Pair, PortCheck, SizeCheck
from stackyard.model.content import ImageFacts
from stackyard.testing import FakeEngine, FixedClock
from tests.loopback import Handler, Loopback, served

CONFIG = {
    "User": "student",
    "Env": ["PATH=/opt/conda/bin:/bin", "LANG=C"],
    "Labels": {"title": "lab"},
    "Entrypoint": ["tini", "--"],
    "ExposedPorts": {"8888/tcp": {}},
    "Volumes": {"/data": {}},
}


class Lab:
    """An image in an engine, and what is said about it."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.image = self.engine.add("lab:1", config=CONFIG)
        self.released: int | None = None
        self.engine.answers["python"] = lambda *_: RunResult(0, "oh\n3.11\n", 0.0, "3.11\n", "oh\n")
        self.engine.files |= {
            "/etc/passwd": b"root:x:0:0::/root:/bin/sh\nstudent:x:1000:100::/home/student:/bin/sh\nbroken\n",
            "/etc/group": b"root:x:0:\nusers:x:100:\n",
            "/opt/conda": FileFacts("dir", 0o2775, 1000, 100),
            "/bin/sh": FileFacts("link", 0o777, 0, 0),
        }

    def problems(self, *asked: Check) -> list[str]:
        """What is wrong, a line for each check; empty for one that passed."""
        checker = Checker(self.engine, FixedClock(), self.image, lambda: self.released, 60.0)
        cases = checker.run(asked, lambda *_: None)
        assert [case.name for case in cases] == [check.name for check in asked]
        assert all((case.result == "failed") is bool(case.message) for case in cases)
        return [case.output for case in cases]

    @property
    def containers(self) -> int:
        """How many were started."""
        return sum(verb in ("inside", "serving", "run") for verb, _ in self.engine.calls)


@pytest.fixture
def lab() -> Lab:
    """One image."""
    return Lab()


def test_what_is_declared_starts_no_container(lab: Lab) -> None:
    """Variables, labels, user, entrypoint, ports, volumes, size, root: all from one look at the image."""
    good = ImageCheck(
        "good",
        env=(Pair("LANG", "C"), Pair("PATH", "^/opt/conda", True)),
        no_env=("DEBUG",),
        labels=(Pair("title", "lab"),),
        user="student",
        workdir="",
        entrypoint=("tini", "--"),
        cmd=(),
        ports=("8888",),
        no_ports=("80",),
        volumes=("/data",),
    )
    bad = ImageCheck(
        "bad",
        env=(Pair("LANG", "de"), Pair("X", "1")),
        no_env=("LANG",),
        user="root",
        cmd=("bash",),
        ports=("80",),
        no_volumes=("/data",),
    )
    assert lab.problems(good, GenericCheck("user-is-not-root"), SizeCheck("size", 1000)) == ["", "", ""]
    assert lab.problems(bad)[0].splitlines() == [
        "the variable LANG is 'C', not 'de'",
        "the variable X is not set",
        "the variable LANG is set",
        "the user is student, not root",
        "the cmd is [], not ['bash']",
        "the port 80 is not declared",
        "the volume /data is declared",
    ]
    assert lab.containers == 0


def test_the_size_is_bounded_in_bytes_and_beside_the_last_release(lab: Lab) -> None:
    """An image that is in no release may be of any size."""
    growth = SizeCheck("growth", growth=10)
    assert lab.problems(SizeCheck("size", 999), growth) == ["it is 0.0 MB, and 0.0 MB is the most", ""]
    lab.released = 800
    assert lab.problems(growth)[0].startswith("it is 0.0 MB, 25.0% more than in the last release")
    lab.released = 950
    assert lab.problems(growth) == [""]


def test_all_that_runs_shares_one_container(lab: Lab) -> None:
    """Commands with their codes, outputs, users and variables; files by what the engine says of them."""
    command = CommandCheck(
        "python",
        ("python", "-V"),
        output=(r"^3\.11$",),
        no_output=("oh",),
        errors=("oh",),
        user="student",
        env=(("PATH", "/x:$PATH"),),
        setup=(("python", "setup"),),
        is_stdout_only=True,
    )
    good = FileCheck("conda", "/opt/conda", mode="drwxrwsr-x", owner="student", group="users", executable_by="group")
    file = FileCheck("passwd", "/etc/passwd", mode="0644", contains=("^student:",), lacks=("guest",))
    assert lab.problems(command, good, file, FileCheck("gone", "/x", exists=False)) == [""] * 4
    assert lab.containers == 1
    assert [said for verb, said in lab.engine.calls if verb == "exec"] == [
        "student: PATH=/x:/opt/conda/bin:/bin python setup",
        "student: PATH=/x:/opt/conda/bin:/bin python -V",
    ]


def test_what_a_command_and_a_file_are_told_for(lab: Lab) -> None:
    """Each thing that is wrong, with what the command printed; a program that is not there has an exit code as well."""
    command = CommandCheck("a", ("python",), 3, output=("4",), no_output=("oh",))
    file = FileCheck(
        "b", "/opt/conda", mode="0755", owner="nobody", group="root", executable_by="other", contains=("x",)
    )
    problems = lab.problems(
        command, file, FileCheck("c", "/bin/sh", exists=False), FileCheck("d", "/no"), CommandCheck("e", ("nothing",))
    )

    assert problems[0].splitlines() == [
        "exit code 0, not 3",
        "the output has no '4'",
        "the output has 'oh'",
        "oh",
        "3.11",
    ]
    assert problems[1].splitlines() == [
        "/opt/conda has the mode 2775, not 0755",
        "the owner of /opt/conda is 1000, and /etc/passwd has no nobody",
        "the group of /opt/conda is 100, not root",
        "/opt/conda is no file that could be read",
    ]
    assert problems[2:4] == ["there is a /bin/sh", "there is no /no"]
    assert problems[4].startswith("exit code 127, not 0")


def test_generic_checks_say_what_they_found(lab: Lab) -> None:
    """A line for each; what is left out is not told; an image in which they cannot run has not passed."""
    said: dict[str, str] = {}
    users: list[Sequence[str]] = []

    def shell(_: ImageFacts, argv: Sequence[str]) -> str | RunResult:
        users.append(argv)
        if "import" in argv[-1] or "REQUESTED" in "".join(argv):
            return "import yaml: ModuleNotFoundError\n"
        return said.get(argv[2].split()[0], "/shared/x\n/opt/y\n")

    lab.engine.answers["/bin/sh"] = shell
    world = GenericCheck("nothing-world-writable", ("/shared",))
    locked = GenericCheck("system-is-locked", ("/etc",))
    writable = checks.WritableCheck("w", ("/opt/conda",), True, group="users")
    problems = lab.problems(world, GenericCheck("packages-import", ("torch",)), locked, writable)

    assert problems[0] == "/opt/y"
    assert problems[1] == "import yaml: ModuleNotFoundError"
    assert users[1][-1] == "torch"
    assert problems[3].splitlines()[0] == "/shared/x cannot be written"
    assert [said.partition(":")[0] for verb, said in lab.engine.calls if verb == "exec"][3] == "65534"
    lab.engine.answers["/bin/sh"] = lambda *_: RunResult(127, "", 0.0)
    assert lab.problems(GenericCheck("pip-install-works"))[0].startswith("the image has no shell, or no Python")
    assert lab.problems(checks.WritableCheck("w", ("/",), True, group="staff")) == ["there is no group staff"]


def test_a_port_answers_or_not(lab: Lab) -> None:
    """Over HTTP with a status and a text; a container that is over is not waited for, and what it said is shown."""

    class Asked(Handler):
        def answer(self) -> None:
            self.send(404 if self.path == "/no" else 200, body=b"hello")

    with served(Loopback(Asked)) as server:
        lab.engine.ports[80] = server.server_port
        problems = lab.problems(
            PortCheck("a", 80),
            PortCheck("b", 80, "/", 200, ("hello",)),
            PortCheck("c", 80, "/", None, ("bye",)),
            PortCheck("d", 80, "/no", within_s=0.0),
            PortCheck("e", 81),
        )

    assert problems == [
        "",
        "",
        "the answer has no 'bye'",
        "/no answers with 404 after 0 s\nno server",
        "the container ended before anybody answered\nno server",
    ]
