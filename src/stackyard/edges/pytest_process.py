# SPDX-License-Identifier: MIT
"""pytest on a user's test folders, in a process of its own.

In:   folders, the image's reference, the engine's address
Out:  pytest's exit code; its output in a log, its results in a JUnit file, and line by line as they come
Raises: ToolMissing where this Python has no pytest
Beside: testing/plugin, which runs in that process

The working folder is the stack's root and stands on PYTHONPATH, TEST_IMAGE is the image
just built. Nothing is written into the user's folders: no caches, no bytecode, which
would be files of the next build context.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stackyard.edges.process import Processes
from stackyard.edges.turn import Turn
from stackyard.errors import ToolMissing

_PLUGIN_FILE = Path(__file__).parents[1] / "testing" / "plugin.py"
PLUGIN = "stackyard_image_tests"
"""What the plugin is called in that process: this very Stackyard's, whatever else is installed or on the path."""
_PYTEST = f"""
import importlib.util, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import pytest
spec = importlib.util.spec_from_file_location({PLUGIN!r}, {str(_PLUGIN_FILE)!r})
sys.modules[spec.name] = plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
sys.exit(pytest.main(sys.argv[1:], plugins=[plugin]))
"""
"""`python -m pytest` with the plugin, and Ctrl-C ends it: what a shell starts in the background is deaf for that, with
its children. pytest is handed the plugin itself: of a name it would warn that the module is there already."""

RESULTS, TURN, NOT_MY_TURN = "STACKYARD_RESULTS", "STACKYARD_TURN", 75
"""As the plugin has them, which imports nothing of ours."""
MOST_LOG = 32 << 20
"""Bytes of what pytest printed that are kept."""


class PytestRunner:
    """Starts pytest with this interpreter."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._is_closed = threading.Event()

    def close(self) -> None:
        """End the suites that still run; who waits for them gets EngineProblem."""
        self._is_closed.set()
        self._processes.close()

    def run(
        self,
        root: Path,
        folders: Sequence[str],
        image: str,
        engine_address: str,
        junit: Path,
        log: Path,
        timeout_s: float | None,
        results: Path | None = None,
        turn: Path | None = None,
        waits: Callable[[], None] = lambda: None,
        options: Sequence[str] = (),
    ) -> int:
        """Run to the end; 124 when the time was up.

        A suite is ended as Ctrl-C would: its fixtures then remove the containers they started.

        Args:
            results: where a line of JSON is written when a test begins, and one when it is over.
            turn: what suites hold, one at a time, that may use fixed ports or names; they find out by themselves
                whether they do. Its time does not run while one waits. None: nobody waits for anybody.
            waits: called once, if somebody else has it.
        """
        if importlib.util.find_spec("pytest") is None:
            raise ToolMissing(
                "the image tests need pytest, which is not installed beside Stackyard",
                hint="pip install 'stackyard[test]' (or: uv tool install 'stackyard[test]')",
                program="pytest",
            )
        extra = {
            "TEST_IMAGE": image,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(root), self._processes.environ.get("PYTHONPATH", "")))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DOCKER_HOST": engine_address,
            **({RESULTS: str(results)} if results else {}),
        }
        words = ["-c", _PYTEST, "-p", "no:cacheprovider", "--continue-on-collection-errors"]
        words += [f"--junitxml={junit}", *options, *folders]

        def once(more: Mapping[str, str]) -> int:
            kept = 0
            with log.open("w", encoding="utf-8") as output:

                def take(line: str) -> None:
                    nonlocal kept
                    kept += len(line) + 1
                    if kept <= MOST_LOG:
                        output.write(f"{line}\n")

                environ, argv = {**extra, **more}, [sys.executable, *words]
                code = self._processes.follow(
                    argv, take, environ, cwd=root, timeout_s=timeout_s, asked_with=signal.SIGINT
                )
                if kept > MOST_LOG:
                    output.write(f"[{kept - MOST_LOG} more bytes were left out]\n")
                return code

        if turn is None:
            return once({})
        turn.parent.mkdir(parents=True, exist_ok=True)
        code = once({TURN: str(turn)})
        if code != NOT_MY_TURN:
            return code
        mine = Turn(turn)
        mine.take(self._is_closed.is_set, waits)
        try:
            return once({})
        finally:
            mine.give_back()


def turn_at(turns: Path, engine_address: str) -> Path:
    """The file in a folder of turns that stands for an engine."""
    return turns / f"{hashlib.sha256(engine_address.encode()).hexdigest()[:16]}.tests"


def turns_of(environ: Mapping[str, str]) -> Path | None:
    """The folder in which all runs of a user take turns at engines; None where nobody says where things are kept."""
    home = environ.get("XDG_CACHE_HOME") or (f"{environ['HOME']}/.cache" if environ.get("HOME") else "")
    return Path(home) / "stackyard" / "turns" if home else None
