# SPDX-License-Identifier: MIT
"""The command `stackyard`: answers `--version` by itself, and hands everything else to the command line.

Measured by bench/startup.py.
"""

from __future__ import annotations

import gc
import os
import sys

from stackyard.later import compiled_later, imported_later


def main() -> None:
    """Run the command line; SystemExit with its exit code."""
    if sys.stdout is None or sys.stderr is None:  # closed by whoever started us
        nowhere = open(os.devnull, "w")  # noqa: SIM115 - to the end of the process
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    if sys.argv[1:] in (["--version"], ["-V"]):
        from stackyard import __version__

        try:
            os.write(sys.stdout.fileno(), f"stackyard {__version__}\n".encode())
            return
        except OSError:
            pass  # what follows knows how to say it
    # Importing makes thousands of objects that live to the end: looking through them again and again
    # costs a tenth of a short command. A run that makes many objects is still collected.
    gc.set_threshold(50_000, 20, 20)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a sign that the terminal lacks is no reason to fail
    with imported_later("inspect", "uuid"), compiled_later():
        from stackyard.cli import run

    _leave(run(sys.argv[1:]))


def _leave(code: int) -> None:
    """End the process: at once where nobody waits for its end. Python would take apart what the system frees anyway,
    which is a thirtieth of a plan.
    """
    import atexit
    import threading

    is_watched = sys.getprofile() is not None or sys.gettrace() is not None
    if is_watched or atexit._ncallbacks() or threading.active_count() > 1:
        gc.freeze()
        sys.exit(code)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
