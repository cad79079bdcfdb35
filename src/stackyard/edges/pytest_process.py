# SPDX-License-Identifier: MIT
"""pytest on a user's test folders, in a process of its own.

In:   folders, the image's reference, the engine's address
Out:  pytest's exit code; its output in a log, its results in a JUnit file
Raises: ToolMissing where this Python has no pytest

The working folder is the stack's root and stands on PYTHONPATH, TEST_IMAGE is the image
just built. Nothing is written into the user's folders: no caches, no bytecode, which
would be files of the next build context.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from stackyard.edges.process import Processes
from stackyard.errors import ToolMissing

_PYTEST = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("pytest", run_name="__main__", alter_sys=True)
"""
"""`python -m pytest`, and Ctrl-C ends it: what a shell starts in the background is deaf for that, with its children."""


class PytestRunner:
    """Starts pytest with this interpreter."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def close(self) -> None:
        """End the suites that still run; who waits for them gets EngineProblem."""
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
    ) -> int:
        """Run to the end; 124 when the time was up.

        A suite is ended as Ctrl-C would: its fixtures then remove the containers they started.
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
        }
        argv = [sys.executable, "-c", _PYTEST, "-p", "no:cacheprovider", f"--junitxml={junit}", *folders]
        with log.open("w", encoding="utf-8") as output:

            def take(line: str) -> None:
                output.write(f"{line}\n")

            return self._processes.follow(argv, take, extra, cwd=root, timeout_s=timeout_s, asked_with=signal.SIGINT)
