# SPDX-License-Identifier: MIT
"""A shell in an image of a real engine: through a pipe and at a terminal, with nothing left behind."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from typing import Any

import pytest

from stackyard.edges.traces import LABEL
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live


@pytest.fixture
def stack(live_stack: LiveStack) -> LiveStack:
    """One image with a user, a folder, a variable and an entrypoint that would be in the way; committed."""
    live_stack.write("images/spec.yml", f"images:\n  lab: {{image_name: {live_stack.prefix}/lab}}\n")
    text = 'FROM busybox:1.36\nUSER 1000\nWORKDIR /home/me\nENV WHO=lab\nENTRYPOINT ["false"]\n'
    live_stack.write("images/lab/Dockerfile", text)
    live_stack.commit()
    return live_stack


def words(stack: LiveStack, *more: str) -> list[str]:
    """A command line."""
    return [sys.executable, "-m", "stackyard", "-C", str(stack.root), "shell", "lab", *more]


def environ() -> dict[str, str]:
    """As a person's, with the package on the path."""
    return {**ENVIRON, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def containers(stack: LiveStack) -> list[dict[str, Any]]:
    """Those of the stack's runs, by their label."""
    listed = stack.engine._api.must("/containers/json", {"all": "1"})
    ours = stack.yard().token[:8]
    return [each for each in listed if each["Labels"].get(LABEL, "").startswith(ours)]


def wait_for_program(stack: LiveStack, command: str) -> None:
    """Until it runs in the one container."""
    until = time.monotonic() + 200
    (container,) = containers(stack)
    while True:
        found = stack.engine._api.must(f"/containers/{container['Id']}/top")["Processes"]
        if any(command in words for words in found):
            return
        assert time.monotonic() < until, found


def test_through_a_pipe(stack: LiveStack) -> None:
    """It is built first; what the shell says is all that stdout has, and its exit code comes through."""
    script = "id -u; pwd; echo $WHO; exit 7\n"
    first = subprocess.run(words(stack), input=script, env=environ(), text=True, capture_output=True, check=False)
    second = subprocess.run(words(stack, "--", "id", "-u"), env=environ(), text=True, capture_output=True, check=False)

    assert (first.returncode, first.stdout) == (7, "1000\n/home/me\nlab\n")
    assert "1 to build." in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "1000\n", "")
    assert containers(stack) == []


def test_at_a_terminal(stack: LiveStack) -> None:
    """The shell has it: it knows what it was typed, Ctrl-C ends what runs in it and not the shell."""
    assert subprocess.run(words(stack, "--", "true"), env=environ(), capture_output=True, check=False).returncode == 0
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, words(stack), {**environ(), "TERM": "xterm"})
    said = b""

    def wait_for(text: bytes) -> None:
        nonlocal said
        until = time.monotonic() + 200
        while text not in said:
            assert time.monotonic() < until, said
            try:
                said += os.read(terminal, 1000)
            except OSError:  # the other end is closed
                break
        assert text in said, said

    wait_for(b"$ ")
    os.write(terminal, b"test -t 0 && echo at-$((6*7)); sleep 1000\n")
    wait_for(b"at-42")
    wait_for_program(stack, "sleep 1000")
    os.write(terminal, b"\x03")
    os.write(terminal, b"echo still-$((2*2)); exit 5\n")
    wait_for(b"still-4")
    _, status = os.waitpid(child, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 5
    assert containers(stack) == []
