# SPDX-License-Identifier: MIT
"""Start programs that take their time, follow what they print, and never leave one behind.

In:   argument list, environment
Out:  lines as they come, exit code
Raises: ToolMissing where the program is not there; whatever a reader of lines raises
Beside: edges/buildx, edges/docker, edges/pytest_process
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from stackyard.errors import EngineProblem, ToolMissing

TIMED_OUT = 124
"""The exit code of a program whose time was up, as coreutils' timeout has it."""

GRACE_S = 10.0
"""How long a program that was asked to end may take before it is killed."""

_LONGEST_LINE = 1 << 20
"""Of what is longer each piece counts as a line."""
_VERSION = re.compile(r"\bv?(\d+\.\d+[\w.+~-]*)")
_VERSION_S = 20.0


class Processes:
    """Programs that one owner started, each in a process group of its own.

    A terminal's Ctrl-C therefore reaches none of them: the owner ends them, by `close`, or by an
    exception in the thread that follows one. May be used from several threads.

    Args:
        environ: what every program gets, unless it is given more.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self._running: dict[subprocess.Popen[bytes], signal.Signals] = {}
        """And what each is asked to end with."""
        self._lock = threading.Lock()
        self._closed = False

    def follow(
        self,
        argv: Sequence[str],
        take: Callable[[str], None],
        extra: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
        timeout_s: float | None = None,
        asked_with: signal.Signals = signal.SIGTERM,
    ) -> int:
        """Run a program to its end, `take` getting each line of both its outputs; return its exit code.

        A program that is not over after `timeout_s` is ended, and its code is 124. An exception in
        `take`, or KeyboardInterrupt, ends the program before it goes on its way.

        Args:
            asked_with: how it is asked to end, before it is killed; SIGINT for one that cleans up after Ctrl-C only.
        """
        environ = {**self.environ, **(extra or {})}
        child = self._start(
            argv, environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=cwd, asked_with=asked_with
        )
        assert child.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._end(child)
            with contextlib.suppress(ProcessLookupError):  # what it left behind holds its output open
                os.killpg(child.pid, signal.SIGKILL)

        watchdog = threading.Timer(timeout_s, stop) if timeout_s is not None else None
        try:
            if watchdog is not None:
                watchdog.daemon = True
                watchdog.start()
            with child.stdout as lines:
                for line in iter(lambda: lines.readline(_LONGEST_LINE), b""):
                    take(line.decode("utf-8", "replace").rstrip("\r\n"))
            code = child.wait()
        finally:
            if watchdog is not None:
                watchdog.cancel()
            self._end(child)
        if late.is_set():
            return TIMED_OUT
        if code and self._closed:
            raise EngineProblem(f"{' '.join(argv[:2])} was stopped before its end")
        return code

    def has(self, program: str) -> bool:
        """Whether there is such a program."""
        return shutil.which(program, path=self.environ.get("PATH", os.defpath)) is not None

    def attach(self, argv: Sequence[str]) -> int:
        """Run a program on this process's own terminal, where Ctrl-C reaches it, too; its exit code."""
        with subprocess.Popen([self._found(argv[0]), *argv[1:]], env=self.environ) as child:
            try:
                return child.wait()
            except BaseException:
                child.terminate()
                raise

    def output(self, argv: Sequence[str]) -> tuple[int, list[str]]:
        """Exit code and all lines of a short program."""
        lines: list[str] = []
        return self.follow(argv, lines.append), lines

    @contextlib.contextmanager
    def connection(self, argv: Sequence[str]) -> Iterator[socket.socket]:
        """A socket whose other end is a program's standard input and output; closing it ends the program."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                child = self._start(
                    argv, self.environ, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL
                )
            try:
                yield ours
            finally:
                ours.close()
                self._end(child)

    def close(self) -> None:
        """End every program that still runs; the threads that follow them get EngineProblem."""
        self._closed = True
        with self._lock:
            running = dict(self._running)
        for child, asked_with in running.items():
            _signal(child, asked_with)
        for child in running:
            self._end(child)

    def _start(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        stdin: int,
        stdout: int,
        stderr: int = subprocess.STDOUT,
        cwd: Path | None = None,
        asked_with: signal.Signals = signal.SIGTERM,
    ) -> subprocess.Popen[bytes]:
        program = self._found(argv[0])
        with self._lock:
            if self._closed:
                raise EngineProblem(f"{' '.join(argv[:2])} was not started: Stackyard is stopping")
            child = subprocess.Popen(
                [program, *argv[1:]],
                env=dict(environ),
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            self._running[child] = asked_with
        return child

    def _found(self, name: str) -> str:
        """A program by our own PATH, whatever a build argument of that name says."""
        program = shutil.which(name, path=self.environ.get("PATH", os.defpath))
        if program is None:
            raise ToolMissing(
                f"{name} is not installed, or not on PATH", hint=f"install {name} and try again", program=name
            )
        return program

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        try:
            _end(child, self._running.get(child, signal.SIGTERM))
        finally:
            with self._lock:
                self._running.pop(child, None)


def program_version(processes: Processes, *argv: str) -> str:
    """What a program says of its version, empty if it is not there or says nothing that looks like one."""
    lines: list[str] = []
    try:
        code = processes.follow(argv, lines.append, timeout_s=_VERSION_S)
    except ToolMissing:
        return ""
    found = None if code else _VERSION.search(" ".join(lines))
    return found[1].rstrip(",.") if found else ""


def _end(child: subprocess.Popen[bytes], asked_with: signal.Signals) -> None:
    """Ask a program that still runs to end, and kill it if it does not."""
    if child.poll() is not None:
        return
    _signal(child, asked_with)
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _signal(child, signal.SIGKILL)
        child.wait()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the program's whole group; one that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child.poll() is None:
            os.killpg(child.pid, number)


def signal_name(number: int) -> str:
    """What a signal is called: `SIGKILL`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
