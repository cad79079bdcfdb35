# SPDX-License-Identifier: MIT
"""The command `stackyard`: answers `--version` by itself, and hands everything else to the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; SystemExit with its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from stackyard import __version__

        print(f"stackyard {__version__}")
        return
    from stackyard.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
