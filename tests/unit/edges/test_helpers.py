# SPDX-License-Identifier: MIT
"""Work is shared with copies of the process: each part is done once, and no copy outlives the call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from stackyard.edges.helpers import is_alone, shared

SCRIPT = r"""
import json, os, signal
from stackyard.edges.helpers import is_alone, shared

def gone():
    "Whether no process that we began is left."
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False

def parts(part):
    return list(range(1000))[part]

found = {"alone": is_alone(), "here": os.getpid()}

# A copy has taken one on before this process goes on, and both go on to the end.
mine, (read, write) = [], os.pipe()
def own(part):
    if mine:
        os.read(read, 1)
    mine.extend(parts(part))
def afar(part):
    os.write(write, b"x" * 100)
    return json.dumps(parts(part)).encode()
said = [json.loads(each) for each in shared(1000, own, afar, copies=2)]
found["shared"] = [sorted(sum(said, mine)) == list(range(1000)), bool(mine), bool(said), gone()]

# A copy fails: nobody hears of what it did, and the others' is there.
mine, (read, write) = [], os.pipe()
def broken(part):
    os.write(write, b"x" * 100)
    raise ValueError
found["failed"] = [shared(1000, own, broken, copies=1), len(mine) < 1000, gone()]

# A copy is killed.
mine, (read, write) = [], os.pipe()
def killed(part):
    os.write(write, b"x" * 100)
    os.kill(os.getpid(), signal.SIGKILL)
found["killed"] = [shared(1000, own, killed, copies=1), len(mine) < 1000, gone()]

# Somebody presses Ctrl-C, which both hear, while a copy would work for ever.
mine, (read, write) = [], os.pipe()
os.setpgid(0, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)  # who started us may ignore it
def interrupted(part):
    if mine:
        os.read(read, 1)
        os.killpg(0, signal.SIGINT)
    mine.append(part)
def forever(part):
    os.write(write, b"x" * 100)
    signal.pause()
try:
    shared(1000, interrupted, forever, copies=1)
except KeyboardInterrupt:
    found["interrupted"] = gone()
print(json.dumps(found))
"""


@pytest.mark.processes
def test_each_part_is_done_once_whatever_becomes_of_a_copy() -> None:
    """Shared, with copies that fail, that are killed, that are interrupted: in the end there is none."""
    environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    words = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60, env=environ)

    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["shared"] == [True, True, True, True]
    assert found["failed"] == [[], True, True]
    assert found["killed"] == [[], True, True]
    assert found["interrupted"] is True
    assert found["alone"] is os.path.exists("/proc/self/task")


def test_a_process_with_threads_is_not_copied() -> None:
    """Another thread may hold a lock, which a copy would wait for, for ever."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert not is_alone()
        assert shared(10**6, lambda _: 1 / 0, lambda _: b"") == []
    finally:
        end.set()
        thread.join()


def test_little_is_not_shared() -> None:
    """Of fewer than some thousands nothing is worked on ahead."""
    assert shared(1999, lambda _: 1 / 0, lambda _: b"") == []
