# SPDX-License-Identifier: MIT
"""What a run that was killed left is removed by the next one; what another one made that lives, is not."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard.edges.alive import Traces, alive, each_dead
from stackyard.edges.credentials import Credential
from stackyard.edges.logins import FOLDER, Logins
from stackyard.edges.orphans import end_orphans
from stackyard.edges.traces import VARIABLE, prefix_of
from stackyard.errors import EngineProblem
from stackyard.model import canonical
from tests.unit.run.test_run import Bench

ROOT = Path(__file__).parents[3]
LIVES = """
import sys, time
from pathlib import Path
from stackyard.edges.alive import Traces, alive
with alive(Path(sys.argv[1]), Traces(*sys.argv[2:5])):
    print("here", flush=True)
    time.sleep(600)
"""
# Other tests run at the same time, and processes are looked for on the whole machine.
DEAD, OTHER = secrets.token_hex(8), secrets.token_hex(8)


@pytest.fixture(autouse=True)
def _listening() -> Iterator[None]:
    """What is started here does not ignore Ctrl-C, though a shell that runs tests in the background says so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Run:
    """Somebody's run in a process of its own, with what it has made so far."""

    def __init__(self, bench: Bench, token: str, engine: str = "fake://engine") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=prefix_of(token)))
        (self.folder / "context").mkdir()
        self.name = f"registry.example/lab/left:{prefix_of(token)}1"
        bench.engine.add(self.name)
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), VARIABLE: token}
        self.sleeper = subprocess.Popen(["sleep", "600"], env=environ, start_new_session=True)
        words = [str(bench.root / ".stackyard/alive"), token, engine, str(self.folder.parent)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", LIVES, *words], env=environ | {VARIABLE: ""}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "here\n"

    def kill(self) -> None:
        """As nothing can be caught."""
        self.process.kill()
        self.process.wait()

    def left(self, bench: Bench) -> tuple[bool, bool, bool]:
        """Whether its folder, its name and its program are still there."""
        return self.folder.exists(), self.name in bench.engine.names(), self.sleeper.poll() is None

    def end(self) -> None:
        """After a test."""
        self.sleeper.kill()
        self.sleeper.wait()
        self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A committed stack of three images, nothing built; temporary files have a folder of their own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Bench(tmp_path / "stack")


@pytest.fixture
def runs(bench: Bench) -> Iterator[tuple[Run, Run]]:
    """Two runs of the stack."""
    two = Run(bench, DEAD), Run(bench, OTHER)
    yield two
    for run in two:
        run.end()


def runs_still(pid: int) -> bool:
    """Whether a process does; one that nobody has taken leave of does not."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


@pytest.mark.processes
def test_only_what_is_dead_is_cleared_up_after(bench: Bench, runs: tuple[Run, Run]) -> None:
    """Folder, name and program of the run that was killed go; those of the one that lives stay, and go once it died."""
    dead, living = runs
    assert bench.build("base").is_good
    assert dead.left(bench) == living.left(bench) == (True, True, True)

    dead.kill()
    assert bench.build("base").is_good
    assert dead.left(bench) == (False, False, False)
    assert living.left(bench) == (True, True, True)
    assert dead.sleeper.poll() == -signal.SIGINT

    living.kill()
    assert bench.build("base").is_good
    assert living.left(bench) == (False, False, False)
    assert os.listdir(bench.root / ".stackyard/alive") == []


def test_a_login_that_was_lent_is_taken_away_and_nothing_of_the_users_own(bench: Bench, tmp_path: Path) -> None:
    """The folder of a run that was killed has links into the user's own: the links go, and what they lead to stays."""
    own = tmp_path / "docker"
    (own / "contexts").mkdir(parents=True)
    (own / "contexts" / "lab").write_text("kept")
    (bench.root / ".stackyard/alive").mkdir(parents=True)
    traces = Traces(DEAD, "fake://engine", str(tmp_path))
    (bench.root / ".stackyard/alive" / DEAD).write_bytes(canonical.encode(traces))
    environ = {FOLDER: str(own), VARIABLE: DEAD}

    with Logins(environ, FOLDER, lambda _: Credential("AWS", "pa55")).lent(["registry.example"]) as lent:
        assert (Path(lent[FOLDER]) / "contexts" / "lab").exists()
        assert bench.build("base").is_good
        assert not Path(lent[FOLDER]).exists()

    assert (own / "contexts" / "lab").read_text() == "kept"
    assert os.listdir(bench.root / ".stackyard/alive") == []


@pytest.mark.processes
def test_what_is_on_another_engine_waits_for_it(bench: Bench) -> None:
    """Nobody else is asked to remove it, and nobody forgets."""
    run = Run(bench, DEAD, "unix:///another.sock")
    run.kill()
    bench.build("base")

    assert run.left(bench) == (False, True, False)
    assert os.listdir(bench.root / ".stackyard/alive") == [DEAD]
    run.end()


@pytest.mark.processes
def test_an_engine_that_cannot_remove_keeps_nobody_from_building(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again by the next run."""
    run = Run(bench, DEAD)
    run.kill()

    def refuse(_: str) -> None:
        raise EngineProblem("not now")

    with monkeypatch.context() as patch:
        patch.setattr(bench.engine, "clear", refuse)
        assert bench.build("base").is_good
    assert run.left(bench)[1]
    bench.build("base")
    assert run.left(bench) == (False, False, False)
    run.end()


def test_what_a_run_could_not_remove_itself_is_left_to_the_next(bench: Bench) -> None:
    """An engine that went away takes no names away: the sign stays, and when it is back they go."""

    def die(_: object) -> None:
        bench.engine.is_down = True

    bench.engine.before_build, bench.engine.free = die, 10**12
    summary = bench.build("base")  # it has one: nothing that is asked of the engine afterwards loses it
    assert bench.statuses(summary)["base"] == "failed"
    (token,) = os.listdir(bench.root / ".stackyard/alive")
    bench.engine.is_down, bench.engine.before_build = False, lambda _: None
    name = f"registry.example/lab/base:{prefix_of(token)}1"
    bench.engine.add(name)

    assert bench.build("base").is_good
    assert name not in bench.engine.names()
    assert os.listdir(bench.root / ".stackyard/alive") == []


def test_a_run_that_ends_leaves_no_sign(bench: Bench) -> None:
    """Neither one that builds, nor one with nothing to do, nor one that fails; each is alive while it lasts."""
    seen = []
    bench.engine.before_build = lambda _: seen.append(os.listdir(bench.root / ".stackyard/alive"))
    bench.engine.failing["registry.example/lab/right"] = "no"
    for _ in range(2):
        bench.build()
        assert os.listdir(bench.root / ".stackyard/alive") == []
    assert {len(names) for names in seen} == {1}
    (token,) = seen[0]
    building = [name for verb, name in bench.engine.calls if verb == "build"]
    assert building[0].startswith(f"registry.example/lab/base:{prefix_of(token)}")


@pytest.mark.processes
def test_a_test_suite_of_a_killed_run_clears_up(bench: Bench, tmp_path: Path) -> None:
    """It is asked as Ctrl-C would ask it, so that its fixtures come to their end; then it is gone."""
    bench.write(
        "images/base/test/test_base.py",
        "import os, pathlib, pytest, time\n"
        "place = pathlib.Path(os.environ['PLACE'])\n"
        "@pytest.fixture\ndef thing():\n"
        "    (place / 'pid').write_text(str(os.getpid()))\n    yield\n    (place / 'cleared').touch()\n"
        "def test_hangs(thing):\n    time.sleep(600)\n",
    )
    bench.commit()
    program = (
        "import os, sys\nfrom stackyard.cli import run\nfrom stackyard.testing import FakeEngine, MemoryRegistry\n"
        "engine = FakeEngine(registry=MemoryRegistry())\nengine.add('debian:12')\n"
        "run(['build', 'base'], os.environ, lambda _: engine, lambda _: engine.registry)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PLACE": str(tmp_path), "TMPDIR": str(tmp_path)}
    killed = subprocess.Popen([sys.executable, "-c", program], cwd=bench.root, env=environ, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 200
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    killed.kill()
    killed.wait()
    assert runs_still(pid)
    bench.write("images/base/test/test_base.py", "def test_nothing():\n    pass\n")
    bench.commit()

    assert bench.build("base").is_good
    assert (tmp_path / "cleared").exists()
    assert not runs_still(pid)


@pytest.mark.processes
def test_who_does_not_listen_is_killed() -> None:
    """And it is asked once only: a second Ctrl-C would interrupt its clearing up."""
    # One process: a child of a shell, just forked, would have the shell's trap and be asked itself.
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, lambda *_: os.write(1, b'asked\\n'))\n"
        "os.write(1, b'begun\\n')\n"
        "while True: signal.pause()"
    )
    environ = {**os.environ, VARIABLE: DEAD}
    deaf = subprocess.Popen([sys.executable, "-S", "-c", script], env=environ, stdout=subprocess.PIPE, text=True)
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == "begun\n"
    end_orphans(DEAD, grace_s=2)

    out, _ = deaf.communicate(timeout=20)
    assert deaf.returncode == -signal.SIGKILL
    assert out == "asked\n"


def test_a_sign_is_taken_for_dead_by_nobody_while_it_is_made(tmp_path: Path) -> None:
    """However many look while it begins and ends: nobody clears up after a run that lives."""
    cleared: list[Traces] = []
    for _ in range(50):
        with alive(tmp_path, Traces(DEAD, "", "")):
            each_dead(tmp_path, lambda traces: not cleared.append(traces))
            assert os.listdir(tmp_path) == [DEAD]
        assert os.listdir(tmp_path) == []
    assert cleared == []


def test_a_file_without_traces_is_removed(tmp_path: Path) -> None:
    """A run that was killed before it wrote had made nothing."""
    (tmp_path / DEAD).touch()
    each_dead(tmp_path, lambda _: False)
    assert os.listdir(tmp_path) == []


def test_a_run_that_did_not_go_well_clears_up_after_itself(bench: Bench) -> None:
    """A suite that was ended may have left containers: the engine is asked to remove them; else nobody needs to."""
    bench.build()
    assert "clear" not in [verb for verb, _ in bench.engine.calls]
    bench.engine.failing["registry.example/lab/left"] = "no"
    bench.write("images/left/note", "other")
    bench.commit()
    bench.build()

    building = [name for verb, name in bench.engine.calls if verb == "build"]
    (token,) = [subject for verb, subject in bench.engine.calls if verb == "clear"]
    assert prefix_of(token) in building[-1]
