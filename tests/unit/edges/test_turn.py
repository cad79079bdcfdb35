# SPDX-License-Identifier: MIT
"""Turns are the operating system's: whoever dies has none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stackyard.edges.turn import Turn, taken

HOLDER = """
import sys, time
from pathlib import Path
from stackyard.edges.turn import Turn
Turn(Path(sys.argv[1])).take() and print("mine", flush=True)
time.sleep(60)
"""


def test_one_has_it_at_a_time(tmp_path: Path) -> None:
    """The second is told that it waits, once, and comes after the first."""
    first, second = Turn(tmp_path / "x"), Turn(tmp_path / "x")
    told: list[str] = []
    order: list[str] = []
    is_told = threading.Event()

    def waits() -> None:
        told.append("waits")
        is_told.set()

    def wait() -> None:
        second.take(waits=waits)
        order.append("second")
        second.give_back()

    assert first.take()
    thread = threading.Thread(target=wait)
    thread.start()
    assert is_told.wait(60)
    thread.join(0.3)  # it asks again meanwhile
    order.append("first")
    first.give_back()
    thread.join(60)

    assert order == ["first", "second"]
    assert told == ["waits"]


def test_who_is_to_stop_waits_no_longer(tmp_path: Path) -> None:
    """And has no turn."""
    with taken(tmp_path / "x"):
        assert not Turn(tmp_path / "x").take(is_stopping=lambda: True)


@pytest.mark.processes
def test_a_process_that_is_killed_has_no_turn(tmp_path: Path) -> None:
    """Nothing is left to clear up."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "x")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "mine\n"
        assert not Turn(tmp_path / "x").take(is_stopping=lambda: True)
        holder.send_signal(signal.SIGKILL)
        holder.wait(20)

        assert Turn(tmp_path / "x").take(is_stopping=lambda: True)


def test_where_nothing_can_be_locked_everybody_goes_on(tmp_path: Path) -> None:
    """A folder that cannot be made keeps nobody from building."""
    (tmp_path / "file").write_text("")

    assert Turn(tmp_path / "file" / "x").take()


def test_a_turn_that_was_not_taken_is_given_back_without_a_word(tmp_path: Path) -> None:
    """Whoever ends a job gives its turn back, whatever became of it."""
    Turn(tmp_path / "x").give_back()
